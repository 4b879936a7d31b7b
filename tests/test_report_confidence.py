"""What is said of confidence: the section, its tile, its findings, and why it may be empty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.analysis.slices import SliceReport
from reportgen.evaluation import evaluate_matrix
from reportgen.metrics import Metric
from reportgen.provenance import Provenance
from reportgen.report import build_report
from reportgen.report.confidence import decimals
from reportgen.report.words import share
from tests import factories


def plain(words):
    return str(words).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def too_sure():
    """Ten classes, 84.5% right, mean confidence 92.8%."""
    return factories.scored(temperature=0.4)


@pytest.fixture(scope="module")
def unsure():
    """Ten classes, 84.5% right, mean confidence 77.0%."""
    return factories.scored(temperature=1.0)


def with_chance(evaluation, high):
    """The same, had chance alone shown `high`."""
    known = replace(evaluation.confidence, chance_ece=high / 2, chance_ece_high=high)
    return replace(evaluation, confidence=known)


def with_figures(evaluation, **values):
    changed = {
        name: Metric(value, None, None if value is not None else "no_samples")
        for name, value in values.items()
    }
    return replace(evaluation, summary={**evaluation.summary, **changed})


def level(evaluation):
    """The same with mean confidence and accuracy alike."""
    return replace(evaluation, confidence=replace(evaluation.confidence, mean_confidence=0.845))


def held(evaluation, coverage):
    """The same with this coverage at which an error of 1% is sure."""
    return replace(evaluation, confidence=replace(evaluation.confidence, held_coverage=coverage))


LEADS = {
    "too sure": (
        lambda e: e,
        "Overconfident: mean confidence 92.8%, accuracy 84.5% (significant).",
    ),
    "within chance": (
        lambda e: with_chance(e, 0.2),
        "Well calibrated within sampling error: mean confidence 92.8%, accuracy 84.5% on 10,000 "
        "samples.",
    ),
    "right on average only": (
        level,
        "Calibrated on average (mean confidence 84.5%, accuracy 84.5%), but not across "
        "confidence levels: the ECE is significantly above chance.",
    ),
}


@pytest.mark.parametrize("name", LEADS)
def test_the_lead_says_no_more_than_the_samples_show(name, too_sure):
    change, expected = LEADS[name]
    assert plain(build_report(change(too_sure)).confidence.lead) == expected


def test_a_model_may_be_less_sure_than_it_need_be(unsure):
    lead = plain(build_report(unsure).confidence.lead)
    assert lead.startswith("Underconfident: mean confidence 77.0%")


def findings(evaluation):
    return [
        plain(f"{finding.head} {finding.body}")
        for finding in build_report(evaluation).findings
        if finding.target == "confidence"
    ]


TOO_SURE = (
    "Overconfident: mean confidence 92.8%, accuracy 84.5%, ECE 8.3% (by chance 0.5%; significant)."
)
ALONE = (
    "Selective prediction: at confidence ≥ 0.99092, coverage is 65.0% with an error of at "
    "most 0.9% (95% confidence)."
)
NOT_ENOUGH = (
    "Abstention is not shown to reach 1% error: at 90% coverage the error is 7.8% (overall 15.5%)."
)
FINDINGS = {
    "both": (lambda e: e, [TOO_SURE, ALONE]),
    "a calibration error within chance is no finding": (lambda e: with_chance(e, 0.2), [ALONE]),
    "one below two points is none either": (lambda e: with_figures(e, ece=0.019), [ALONE]),
    "wrong at each level, right on average": (
        level,
        [
            "Miscalibrated: mean confidence 84.5%, accuracy 84.5%, ECE 8.3% (by chance 0.5%; "
            "significant).",
            ALONE,
        ],
    ),
    "no threshold is enough": (
        lambda e: held(e, None),
        [TOO_SURE, NOT_ENOUGH],
    ),
    "a few answers are no coverage worth a sentence": (
        lambda e: held(e, 0.0499),
        [TOO_SURE, NOT_ENOUGH],
    ),
    "nothing is known of abstaining": (
        lambda e: held(with_figures(e, error_at_90_percent_coverage=None), None),
        [TOO_SURE],
    ),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_findings_on_confidence(name, too_sure):
    change, expected = FINDINGS[name]
    assert findings(change(too_sure)) == expected


def test_findings_on_confidence_come_after_classes_and_pairs(too_sure):
    unsliced = replace(too_sure, slices=SliceReport())
    targets = [finding.target for finding in build_report(unsliced).findings]
    assert targets == ["c-3", "p-3-5", "confidence", "confidence", "pairs", "groups", "matrix"]


def test_a_model_that_is_nearly_always_right_need_not_abstain():
    sure = factories.scored(factories.make_evaluation([[995, 5], [4, 996]], ("ant", "bee")))
    assert not any("alone" in finding for finding in findings(sure))


def test_the_tile_has_an_axis_of_its_own_with_chance_marked_on_it(too_sure):
    *_, tile = build_report(too_sure).headline.tiles
    assert plain(tile.title) == "Calibration (ECE)"
    assert (tile.cell.text, tile.cell.range) == ("8.3", "7.7–8.8")
    assert (tile.axis.low, tile.axis.high) == (0, 0.1)
    assert tile.axis.chance == too_sure.confidence.chance_ece_high
    assert plain(tile.lines[0]) == "expected by chance 0.5%"
    assert plain(tile.lines[1]) == "by chance 95% ≤ 0.8%"


@pytest.mark.parametrize("make", [factories.fashion, factories.binary, factories.scored])
def test_there_are_six_tiles_at_most(make):
    assert len(build_report(make()).headline.tiles) <= 6


def test_every_figure_stands_in_a_sentence(too_sure):
    section = build_report(too_sure).confidence
    told = {fact.term: " ".join(map(plain, fact.values)) for fact in section.facts}
    assert told["Calibration error"].startswith(
        "ECE 8.3%. A perfectly calibrated model would show 0.5% on 10,000 samples (95th "
        "percentile 0.8%). Bias-corrected 95% CI: 7.7–8.8%."
    )
    assert told["Log loss"] == ("0.387 nats (95% CI 0.366–0.409); uniform prediction: 2.303.")
    assert told["Brier score"].startswith("0.190 (95% CI 0.181–0.199)")
    assert told["ROC and precision–recall"].startswith(
        "Macro one-vs-rest ROC AUC 0.993 (95% CI 0.992–0.993)"
    )
    assert told["Selective prediction"].startswith("AURC 1.9% (95% CI 1.7–2.1%)")
    assert not section.missing


def test_impossible_truths_and_rounded_ranks_are_said(too_sure):
    known = replace(too_sure.confidence, n_zero_probability=3, ranking_error=0.00012)
    facts = build_report(replace(too_sure, confidence=known)).confidence.facts
    told = " ".join(plain(value) for fact in facts for value in fact.values)
    assert "3 predictions assigned p = 0 to the true class (clipped at 36 nats)." in told
    assert "Exact to within 0.0002." in told


def told_of(evaluation, **changes):
    known = replace(evaluation.confidence, **changes)
    facts = build_report(replace(evaluation, confidence=known)).confidence.facts
    return " ".join(plain(value) for fact in facts for value in fact.values)


def test_scores_that_were_ranked_in_bins_are_told_with_what_that_costs(too_sure):
    told = told_of(
        too_sure, ranking_bins=65_536, ranking_error=2.1e-7, average_precision_error=3e-5,
        class_ranking_error=0.00101,
    )  # fmt: skip
    assert (
        "ranked in 65,536 bins per class: this value is exact to within 3e-07, macro average "
        "precision to within 3e-05, per-class values to within 0.002." in told
    )
    assert "bins a class" not in told_of(too_sure)


def test_probabilities_of_half_precision_are_told(too_sure):
    assert "float16 precision" in told_of(too_sure, half_precision=True)
    assert "half precision" not in told_of(too_sure)


@pytest.mark.parametrize(
    ("n_zero", "n_clipped", "words"),
    [
        (0, 0, None),
        (0, 2, "2 predictions assigned p < 2⁻⁵² to the true class (clipped at 36 nats)."),
        (1, 3, "2 predictions assigned p < 2⁻⁵² to the true class (clipped at 36 nats) too."),
        (3, 3, None),
    ],
)
def test_log_losses_that_were_clipped_are_counted(too_sure, n_zero, n_clipped, words):
    told = told_of(too_sure, n_zero_probability=n_zero, n_clipped_probability=n_clipped)
    assert (words or "36 nats") in told or not (words or n_zero)
    assert ("2⁻⁵²" in told) == (words is not None)


def test_operating_points_are_told_in_words(too_sure):
    points = build_report(too_sure).confidence.points
    assert [plain(point.sentence) for point in points] == [
        "At confidence ≥ 0.99092, 65.0% coverage, the error is at most 0.9% (95% confidence).",
        "At 90.2% coverage (confidence ≥ 0.677) the error is 7.8% (95% CI 7.2–8.3%) instead of "
        "15.5%.",
    ]
    assert [point.letter for point in points] == ["A", "B"]
    assert points[0].coverage == pytest.approx(0.65, abs=1e-3)
    assert points[0].error <= 0.01


def test_without_a_threshold_there_is_no_point():
    evaluation = factories.scored(factories.make_evaluation([[0, 50], [50, 0]], ("ant", "bee")))
    assert [point.letter for point in build_report(evaluation).confidence.points] == ["B"]
    right = factories.scored(factories.make_evaluation([[50, 0], [0, 50]], ("ant", "bee")))
    first = build_report(right).confidence.points[0]
    assert plain(first.sentence) == "No errors at any coverage."


def test_the_rows_of_the_drawings_are_the_evaluations(too_sure):
    known, section = too_sure.confidence, build_report(too_sure).confidence
    assert [row.bar for row in section.reliability] == list(known.bins)
    assert [row.span for row in section.reliability][-2:] == ["86.7–93.3", "93.3–100"]
    empty = section.reliability[0]
    assert (empty.count, empty.accuracy, empty.range, empty.confidence) == ("0", "", "", "")
    assert [row.right for row in section.histogram] == list(known.right)
    assert [row.wrong for row in section.histogram] == list(known.wrong)
    assert sum(row.right_share for row in section.histogram) == pytest.approx(1)
    assert [(row.coverage, row.error) for row in section.curve] == list(known.curve)
    assert section.curve_table[-1] == section.curve[-1]
    assert 15 <= len(section.curve_table) <= 21


def test_every_drawing_says_its_message(too_sure):
    reliability, histogram, curve = build_report(too_sure).confidence.charts
    assert reliability.alt == (
        "Reliability diagram: of 11 bins with 30 samples or more, 11 are significantly "
        "overconfident and 0 underconfident (Bonferroni)."
    )
    assert plain(histogram.alt) == (
        "Two histograms of confidence. Confidence is above 90% for 92.5% of 8,450 correct "
        "predictions and 14.8% of 1,550 incorrect predictions."
    )
    assert "≥ 0.99092" in curve.alt


def test_without_confidences_the_section_says_why():
    section = build_report(factories.fashion()).confidence
    assert plain(section.missing) == (
        "Not available from a confusion matrix (counts only): calibration, ROC, "
        "selective prediction."
    )
    assert (section.charts, section.facts, section.points) == ((), (), ())
    labels = evaluate_matrix(
        factories.fashion().confusion, factories.FASHION, Provenance(kind="predictions")
    )
    assert "Not available without confidences" in plain(build_report(labels).confidence.missing)


def test_without_all_probabilities_the_section_says_what_is_missing():
    section = build_report(factories.scored(full=False)).confidence
    assert plain(section.missing) == (
        "The Brier score, class-wise calibration, ROC AUC and average precision, and their curves, "
        "require the probabilities of all classes; the input contains only those of the predicted "
        "classes."
    )
    assert [fact.term for fact in section.facts] == [
        "Calibration error",
        "Log loss",
        "Selective prediction",
    ]


def test_answers_without_a_confidence_are_counted(too_sure):
    last = too_sure.confidence.bins[-1]
    fewer = replace(last, n=last.n - 7, n_correct=last.n_correct - 7)
    known = replace(too_sure.confidence, bins=(*too_sure.confidence.bins[:-1], fewer))
    missing = plain(build_report(replace(too_sure, confidence=known)).confidence.missing)
    assert missing == "7 predictions have no confidence and are excluded from this section."


@pytest.mark.parametrize(
    ("threshold", "text"),
    [(0.5, "0.500"), (0.97964, "0.9796"), (0.999871, "0.999871"), (1.0, "1"), (0.0, "0")],
)
def test_a_threshold_near_1_keeps_the_digits_that_it_needs(threshold, text):
    assert decimals(threshold) == text


@pytest.mark.parametrize(
    ("n", "words"),
    [
        (10_000, "0.9 pp in accuracy "
         "at 10% discordance and 80% power (0.4 at 2%, 0.6 at 5%, 1.3 "
         "at 20%)"),
        (20, "too few samples to compare two models"),
    ],
)  # fmt: skip
def test_what_a_test_set_can_show_is_told(n, words):
    half = n // 2
    evaluation = factories.make_evaluation([[half - 1, 1], [0, n - half]], ("ant", "bee"))
    facts = {fact.term: fact.values for fact in build_report(evaluation).data.facts}
    assert plain(facts["Minimum detectable difference"][0]).startswith(words)


@pytest.mark.parametrize("counts", [[[1]], [[0, 1], [0, 0]], [[1, 0], [0, 0]], [[0, 3], [2, 0]]])
def test_the_smallest_inputs_have_a_section_too(counts):
    report = build_report(factories.scored(factories.make_evaluation(counts)))
    said = [report.confidence.lead, *(p.sentence for p in report.confidence.points)]
    said += [value for fact in report.confidence.facts for value in fact.values]
    for sentence in map(plain, said):
        assert "nan" not in sentence
        assert "None" not in sentence


def test_two_hundred_answers_do_not_show_an_error_of_1_percent():
    evaluation = factories.scored(
        factories.make_evaluation([[150, 50], [40, 160]], ("ant", "bee")), temperature=0.4
    )
    (finding,) = [one for one in findings(evaluation) if "bstention" in one or "elective" in one]
    assert finding.startswith("Abstention is not shown to reach 1% error")


def test_the_tile_says_that_its_interval_is_less_what_chance_adds(too_sure):
    tiles = {tile.metric: tile for tile in build_report(too_sure).headline.tiles}
    assert plain(tiles["ece"].lines[-1]) == "CI is bias-corrected"


def test_the_coverage_that_is_sure_names_the_optimistic_one_too():
    """Two numbers of one name would contradict each other."""
    evaluation = factories.scored()
    *_, one = build_report(evaluation).confidence.numbers
    assert str(one.title) == "Coverage at ≤ 1% error"
    in_sample = evaluation.summary["coverage_at_1_percent_error"].value
    assert str(one.note).endswith(f", 95% confidence; {share(in_sample)} in-sample")


def test_the_coverage_that_is_sure_stands_without_one_that_was_not_recorded():
    evaluation = factories.scored()
    unknown = Metric(None, None, "not_recorded")
    summary = {**evaluation.summary, "coverage_at_1_percent_error": unknown}
    *_, one = build_report(replace(evaluation, summary=summary)).confidence.numbers
    assert str(one.note).endswith(", 95% confidence")
