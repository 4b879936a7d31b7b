"""The release review as values and as a page: verdict, gates, changes, differences, galleries."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reportgen.comparison import ALPHA, Difference, SliceChange, compare_evaluations
from reportgen.comparison.definitions import COMPARISON_TERMS
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.gates import Check, Decision, Gate, Part
from reportgen.provenance import DataNote
from reportgen.rendering import candidates as overview
from reportgen.rendering import figures, html
from reportgen.rendering.figures.heatmap import DrawnFigure, draw_heatmap
from reportgen.rendering.figures.style import DIFFERENCES, light_digits
from reportgen.rendering.html_filters import change_bar
from reportgen.report import build_report, reduce_pictures
from reportgen.report.candidates import OverviewEntry, build_overview
from reportgen.report.comparison.deltas import DEFINITIONS, Scale, delta, scale_of, whole_kind
from reportgen.report.context import Context
from reportgen.report.elements import Footnotes, Thumbnail
from reportgen.report.gates import gate_section, quantity
from reportgen.report.pairs import pair_section
from reportgen.report.words import class_names, p_text
from tests import factories, review_factories

SEED = Path(__file__).parents[2] / "shared" / "golden" / "seed_fashion.json"


@pytest.fixture(scope="module")
def fashion():
    return review_factories.fashion()


@pytest.fixture(scope="module")
def paired():
    return review_factories.paired()


@pytest.fixture(scope="module")
def same():
    return review_factories.identical()


def report(comparison, decision=None, pictures=None):
    return build_report(comparison.candidate, pictures or {}, {}, comparison, decision)


def plain(words):
    return str(words).replace("\u00a0", " ")


def said(comparison):
    return [plain(f"{finding.head} {finding.body}") for finding in report(comparison).findings]


# ---- verdict


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [("SHIP", "ship"), ("DO NOT SHIP", "stop"), ("INCONCLUSIVE", "unclear")],
)
def test_the_verdict_is_that_of_the_gates_with_its_reason(paired, verdict, kind):
    check = Check(Gate("a", 0.8), "accuracy at least 80%", "passed", False, 0.9, None, "", "s")
    shown = report(paired, Decision(verdict, "Because of this.", (check,)))
    assert (shown.verdict.kind, shown.verdict.word) == (kind, verdict)
    assert str(shown.verdict.reason) == "Because of this."
    assert shown.title.startswith(f"{verdict}: ")
    assert html.render(shown).count(f'<h1 id="h-summary">{verdict}</h1>') == 1


def test_without_gates_the_verdict_tells_the_change(paired, fashion):
    shown = report(paired)
    assert shown.verdict.word == "NO GATES SET"
    assert plain(shown.verdict.reason) == (
        "No release gates were set. Accuracy 81.7% vs 78.9% for the "
        "baseline (+2.8 pp, 95% CI "
        "+1.6 to +4.0; significant)."
    )
    assert shown.gates is None


def test_gates_that_only_warn_leave_their_own_reason(paired):
    check = Check(Gate("a", 0.8, severity="warn"), "r", "failed", False, 0.5, None, "", "s")
    shown = report(paired, Decision("NO GATES SET", "Only a warning.", (check,)))
    assert (shown.verdict.kind, str(shown.verdict.reason)) == ("none", "Only a warning.")


def test_the_band_names_the_baseline(paired):
    facts = {fact.term: str(fact.values[0]) for fact in report(paired).facts}
    assert list(facts) == ["Model", "Baseline", "Data", "Samples"]
    assert (facts["Model"], facts["Baseline"]) == ("candidate 1.2", "baseline 1.1")
    assert facts["Samples"] == "4,000 in 10 classes (balanced)"


def test_a_report_over_other_classes_than_the_comparison_is_refused(paired):
    with pytest.raises(ValueError, match="other classes"):
        build_report(factories.binary(), {}, {}, paired)


def test_a_warning_on_the_matching_stands_above_the_report(paired):
    note = DataNote("partial", "Only 90 of 100 samples are on both sides.", "warning")
    shown = report(replace(paired, notes=(note,)))
    assert note.sentence in shown.cautions
    assert shown.comparison.notes == (note.sentence,)


# ---- gates


def check(name, status, *, blocks=False, limit=0.6, **more):
    values = {"value": 0.5, "interval": (0.4, 0.7), "subject": "", "sentence": "S."}
    return Check(Gate(name, limit), "rule", status, blocks, **{**values, **more})


def test_failed_gates_come_first_then_open_passed_and_not_applicable_ones():
    checks = (
        check("na", "not applicable"),
        check("pass", "passed"),
        check("open", "inconclusive"),
        check("warned", "failed"),
        check("stop", "failed", blocks=True),
        check("held", "inconclusive", blocks=True),
    )
    rows = gate_section(Decision("DO NOT SHIP", "r", checks)).rows
    assert [(row.number, str(row.name)) for row in rows] == [
        (5, "stop"), (4, "warned"), (6, "held"), (3, "open"), (2, "pass"), (1, "na"),
    ]  # fmt: skip
    assert [row.weight for row in rows] == ["", "warning only", "", "warning only", "", ""]


def test_numbers_of_a_gate_have_the_digits_that_its_outcome_needs():
    close = check(
        "close", "failed", blocks=True, value=0.89297, limit=0.893, interval=(0.8929, 0.89304),
        margin=0.89297 - 0.893,
    )  # fmt: skip
    row = gate_section(Decision("DO NOT SHIP", "r", (close,))).rows[0]
    assert row.value == "89.297%"
    assert row.range == "89.29–89.304%"
    assert row.margin == "−0.003\u00a0pp"


@pytest.mark.parametrize(
    ("metric", "unit", "limit", "margin", "bound"),
    [
        ("accuracy", "points", 0.005, 0.13968, "lower bound +13.5 pp"),
        ("accuracy", "points", 0.005, -0.007, "lower bound −1.2 pp"),
        ("log_loss", "", 0.1, 0.03, "upper bound 0.070"),
    ],
)
def test_the_margin_of_non_inferiority_follows_from_its_row(metric, unit, limit, margin, bound):
    gate = Gate("kept", limit, metric=metric, rule="not_worse_by")
    one = Check(gate, "rule", "passed", False, 0.1, (0.09, 0.2), "", "S.", unit=unit, margin=margin)
    section = gate_section(Decision("SHIP", "r", (one,)))
    (row,) = section.rows
    assert plain(row.bound) == bound
    assert row.bound.split(" ")[1] == "bound", "its number stays whole where it is broken"
    assert "Bounds are one-sided 95%." in str(section.lead)
    assert row.intervals == f"{row.range}; {row.bound}"
    assert (
        gate_section(Decision("SHIP", "r", (check("a", "passed", margin=0.1),))).rows[0].bound == ""
    )


def test_the_interval_of_a_class_says_that_it_is_its_own():
    single = check("a", "passed")
    parts = (Part("cat", "passed", 0.5, None), Part("dog", "passed", 0.5, None))
    for checks, says in (((single,), False), ((single, replace(single, parts=parts)), True)):
        lead = str(gate_section(Decision("SHIP", "r", checks)).lead)
        assert ("CIs of single classes are pointwise." in lead) is says


@pytest.mark.parametrize(
    ("value", "unit", "limit", "text"),
    [
        (0.9, "%", 0.9, "90.0%"),
        (0.8999999, "%", 0.9, "89.99999%"),
        (0.0275333, "points", 0.005, "+2.8 pp"),
        (-0.0050001, "points", 0.005, "−0.50001 pp"),
        (-0.005, "points", 0.005, "−0.5 pp"),
        (0.4321, "", 0.5, "0.432"),
        (0.0, "%", 0.02, "0%"),
    ],
)
def test_a_quantity_is_on_the_side_of_its_limit_that_it_is_on(value, unit, limit, text):
    assert plain(quantity(value, unit, limit)) == text


def test_an_open_gate_says_how_many_samples_would_decide_it():
    open_one = check("open", "inconclusive", needed=12_345)
    told = check("told", "inconclusive", needed=12_345, sentence="About 13,000 samples.")
    unknown = check("unknown", "inconclusive")
    rows = gate_section(Decision("INCONCLUSIVE", "r", (open_one, told, unknown))).rows
    assert rows[0].needed == "About 13,000 samples would be needed at the measured value."
    assert rows[2].needed == "The required sample size cannot be estimated."
    assert "the 95% CI includes the limit" in str(
        gate_section(Decision("INCONCLUSIVE", "r", (open_one,))).lead
    )


def test_undefined_values_of_gates_are_not_available_and_never_0():
    gone = check("gone", "failed", value=None, interval=None)
    row = gate_section(Decision("DO NOT SHIP", "r", (gone,))).rows[0]
    assert (row.value, row.range, row.margin) == ("n/a", "", "")


def test_the_classes_of_a_gate_are_folded_into_its_row(paired, no_drawing):
    decided = review_factories.decision(paired)
    page = html.render(report(paired, decided))
    rows = page[page.index('id="gates"') : page.index('id="findings"')]
    assert rows.count("<summary>Results by class <span>10 classes") == 2
    first = re.search(r'id="gate-4">.*?<tbody>\s*<tr>(.*?)</tr>', rows, re.S)
    assert "cat" in first[1]
    assert ">Failed</span>" in first[1]
    assert "&#8722;11.5&#160;pp" in first[1]


@pytest.mark.usefixtures("no_drawing")
def test_names_and_sentences_of_gates_are_escaped(paired):
    evil = factories.HOSTILE[1]
    hostile = replace(
        check(evil, "failed", blocks=True, subject=evil, sentence=evil),
        rule=evil,
        parts=(Part(evil, "failed", 0.1, None), Part(evil, "passed", 0.2, None)),
    )
    page = html.render(report(paired, Decision("DO NOT SHIP", evil, (hostile,))))
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 6


def test_without_gates_there_is_no_section():
    assert gate_section(None) is None
    assert gate_section(Decision("NO GATES SET", "None.")) is None


# ---- what a change means


def difference(value, interval=None, p=None, p_adjusted=None):
    return Difference(0.5, 0.5 + (value or 0), value, interval, None, p, p_adjusted, "tango")


@pytest.mark.parametrize(
    ("name", "change", "kind"),
    [
        ("accuracy", difference(0.1, p=0.001, p_adjusted=0.005), "better"),
        ("accuracy", difference(-0.1, p=0.001, p_adjusted=0.005), "worse"),
        ("log_loss", difference(0.1, p=0.01, p_adjusted=0.0499), "worse"),
        ("ece", difference(-0.1, p=0.01, p_adjusted=0.0499), "better"),
        ("accuracy", difference(0.1, p=0.01, p_adjusted=0.05), "unclear"),
        ("accuracy", difference(-0.1, p=0.02, p_adjusted=0.1), "unclear"),
        ("accuracy", difference(0.0, p=1.0, p_adjusted=1.0), "unclear"),
        ("accuracy", difference(0.1), "unclear"),
        ("accuracy", difference(None), "unclear"),
    ],
)
def test_a_change_is_significant_by_its_corrected_p_alone(name, change, kind):
    assert whole_kind(change, DEFINITIONS[name]) == kind


def test_what_was_not_tested_is_not_called_unclear():
    untested = delta(difference(0.1), DEFINITIONS["accuracy"], Footnotes())
    assert (untested.kind, untested.word) == ("unclear", "not tested")
    undefined = delta(difference(None), DEFINITIONS["accuracy"], Footnotes())
    assert (undefined.text, undefined.word) == ("n/a", "not comparable")


def test_a_difference_of_losses_is_a_plain_number_with_its_sign():
    loss = delta(
        difference(-0.1234, (-0.2, -0.05), 0.001, 0.005), DEFINITIONS["log_loss"], Footnotes()
    )
    assert (loss.text, loss.range, loss.unit) == ("−0.123", "−0.200 to −0.050", "")
    assert loss.word == "improved"
    assert delta(difference(1e-6), DEFINITIONS["log_loss"], Footnotes()).text == "+<0.001"


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "n/a"), (0.0, "<0.001"), (0.0009, "<0.001"), (0.0499999, "0.0499999"),
     (0.0500001, "0.0500001"), (ALPHA, "0.050"), (0.25, "0.250"), (0.99999, ">0.999"), (1, "1")],
)  # fmt: skip
def test_a_p_value_never_reads_as_the_limit_that_it_is_not(p, text):
    assert p_text(p) == text


@pytest.mark.parametrize(
    ("values", "low", "high", "ends"),
    [
        ([-0.0623, 0.189], -0.1, 0.2, ("−10", "+20")),
        ([0.09, 0.28], 0.0, 0.3, ("0", "+30")),
        ([0.0], -0.01, 0.01, ("−1", "+1")),
        ([], -0.01, 0.01, ("−1", "+1")),
        ([-1.0, 1.0], -1.0, 1.0, ("−100", "+100")),
    ],
)
def test_the_axis_of_changes_holds_them_all_and_0(values, low, high, ends):
    scale = scale_of(values)
    assert (scale.low, scale.high, scale.ends) == (low, high, ends)


def test_a_bar_grows_to_the_left_where_the_class_fell():
    scale = Scale(-0.1, 0.1, ("", ""))
    fell = delta(difference(-0.05, (-0.2, -0.01)), DEFINITIONS["accuracy"], Footnotes())
    drawn = str(change_bar(fell, scale))
    assert '<rect class="g-bar" x="27.0" y="4" width="25.0" height="8"/>' in drawn
    assert 'd="M52.0 0V16"' in drawn
    assert 'd="M2.0 8H47.0M47.0 5V11"' in drawn  # the interval goes on, so there is no cap
    rose = delta(difference(0.05), DEFINITIONS["accuracy"], Footnotes())
    assert 'x="52.0" y="4" width="25.0"' in str(change_bar(rose, scale))
    undefined = delta(difference(None), DEFINITIONS["accuracy"], Footnotes())
    assert str(change_bar(undefined, scale)) == ""


# ---- headline and classes


def test_tiles_tell_the_change_and_hold_the_baseline_on_their_axis(paired, no_drawing):
    tiles = {str(tile.title): tile for tile in report(paired).headline.tiles}
    assert tiles["Accuracy"].change.text == "+2.8"
    assert tiles["Lowest recall"].change.text == "−11.5"
    assert tiles["Calibration (ECE)"].change.kind == "unclear"
    low = replace(paired.summary["accuracy"], baseline=0.31)
    shown = report(replace(paired, summary={**paired.summary, "accuracy": low}))
    assert {tile.axis.low for tile in shown.headline.tiles if tile.unit == "%"} == {0.2, 0.0}
    before = html.render(report(paired)).partition('id="findings"')[0].count('class="g-before"')
    assert before == 5  # four tiles, and the key


def test_the_table_of_classes_has_the_change_of_recall(paired):
    section = report(paired).classes
    assert str(section.rows[0].name) == "cat"
    assert section.rows[0].change.text == "−11.5"
    assert "Δ recall in pp" in str(section.lead)
    assert build_report(paired.candidate).classes.scale is None


def test_classes_stand_by_harm(paired):
    rows = report(paired).comparison.classes.rows
    order = ["worse", "unclear", "better"]
    ranks = [order.index(row.recall.kind) for row in rows]
    assert ranks == sorted(ranks)
    assert [row.rank for row in rows] == list(range(10))
    assert [str(row.name) for row in rows][:2] == ["cat", "dog"]
    for kind in {row.recall.kind for row in rows}:
        values = [row.recall.value for row in rows if row.recall.kind == kind]
        assert values == sorted(values)


def test_the_numbers_of_a_class_are_those_of_the_comparison(paired):
    by_index = {one.index: one for one in paired.classes}
    for row in report(paired).comparison.classes.rows:
        one = by_index[row.index]
        assert (row.gained, row.lost) == (one.paired.gained, one.paired.lost)
        assert row.exact_p == one.recall.p_adjusted
        assert (row.recall.value, row.recall.low) == (
            one.recall.difference, one.recall.interval[0],
        )  # fmt: skip


def test_undefined_changes_come_last_of_their_kind_and_say_why(paired):
    nothing = Difference(None, None, None, reason="no_true_samples")
    first = replace(paired.classes[2], recall=nothing, tendency="no clear change", support=0)
    classes = (*paired.classes[:2], first, *paired.classes[3:])
    section = report(replace(paired, classes=classes)).comparison
    unclear = [row for row in section.classes.rows if row.recall.kind == "unclear"]
    assert str(unclear[-1].name) == "bird"
    assert unclear[-1].recall.word == "not comparable"
    marks = {reason.mark: reason.sentence for reason in section.reasons}
    assert marks[unclear[-1].recall.mark] == "The test set has no samples of this class."


@pytest.mark.usefixtures("no_drawing")
def test_above_200_classes_the_worst_150_and_the_best_50_are_listed():
    k = 2100
    side = factories.synthetic(k, 5)
    comparison = compare_evaluations(side, factories.synthetic(k, 5, seed=1), "matrix")
    section = build_report(comparison.candidate, {}, {}, comparison).comparison
    assert len(section.classes.rows) == 200
    assert section.classes.rows[-1].rank == k - 1
    assert "all are in report.json" in str(section.classes.lead)
    assert section.difference.rows == ()


def test_the_tally_counts_every_class_and_names_a_few(fashion):
    tally = report(fashion).comparison.classes.tally
    assert [(item.word, item.count) for item in tally] == [
        ("regressed", 3), ("no significant change", 0), ("improved", 7),
    ]  # fmt: skip
    assert str(tally[0].names) == "Sneaker, T-shirt/top and Bag"


# ---- the whole


def test_both_right_gained_lost_and_both_wrong_add_up(paired):
    pairing = report(paired).comparison.pairing
    counts = [int(part[0].replace(",", "")) for part in (
        pairing.both_right, pairing.gained, pairing.lost, pairing.both_wrong)]  # fmt: skip
    assert sum(counts) == 4000
    assert plain(pairing.gained[1]) == "9.1%"
    assert plain(pairing.sentence) == (
        "Agreement 78.2%, churn 21.8%. 364 fixed, 253 regressed (net +111)."
    )


def test_figures_of_the_whole_say_how_they_were_made(paired):
    section = report(paired).comparison
    made = {row.title: (row.how, row.lower_is_better) for row in section.summary}
    assert made["Accuracy"] == ("Tango interval, McNemar mid-p", False)
    assert made["Macro F1"] == ("paired bootstrap", False)
    assert made["Log loss"] == ("paired bootstrap", True)
    assert f"200 resamples, seed {paired.seed}" in str(section.summary_note)


def test_the_smallest_difference_is_told_where_it_is_known(paired, fashion):
    def fact(comparison):
        facts = report(comparison).comparison.facts
        return next(plain(f.values[0]) for f in facts if f.term == "Minimum detectable difference")

    assert fact(paired) == (
        "1.7 pp in accuracy (80% power) with 4,000 samples at 15.4% discordance"
    )
    assert "samples are not matched" in fact(fashion)


def test_identical_predictions_are_said_plainly_and_nothing_is_significant(same):
    shown = report(same)
    section = shown.comparison
    assert str(section.lead).startswith("Identical predictions: ")
    assert (section.classes, section.difference, section.galleries, section.grown) == (
        None, None, (), (),
    )  # fmt: skip
    assert {row.delta.kind for row in section.summary} == {"unclear"}
    assert said(same)[0] == (
        "Predictions are identical: candidate and baseline predict the same class for every one "
        "of 600 samples."
    )
    assert html.render(shown).count("Identical predictions") == 1


def test_two_matrices_are_said_not_to_be_matched_and_mcnemar_is_bounded(fashion):
    section = report(fashion).comparison
    assert "Unpaired comparison." in str(section.lead)
    assert section.pairing is None
    assert section.classes.rows[0].gained is None
    bounds = next(f for f in section.facts if f.term == "Bounds if paired")
    assert plain(bounds.values[0]) == (
        "the candidate has 1,652 more correct predictions. For any pairing, 2,838 to 14,028 "
        "samples "
        "are correct for exactly one model, and McNemar's test gives p below 0.001 (chi-square "
        "194.5 to 961.6), significant for any pairing"
    )
    assert "Individual changes are unknown" in str(section.lead)
    assert (section.galleries, section.gallery_note) == ((), "")


@pytest.mark.parametrize(
    ("p", "means"),
    [((0.01, 0.03), "significant for any pairing"), ((0.1, 0.9), "not significant for any pairing"),
     ((0.01, 0.5), "significant for some pairings only")],
)  # fmt: skip
def test_bounds_are_told_without_saying_more_than_they_say(fashion, p, means):
    bounds = replace(fashion.bounds, p=p, difference=-3)
    section = report(replace(fashion, bounds=bounds)).comparison
    text = str(next(f for f in section.facts if f.term == "Bounds if paired").values[0])
    assert means in text
    assert "3 fewer correct predictions" in text


@pytest.mark.skipif(not SEED.exists(), reason="the golden file is not here")
def test_the_published_matrices_give_the_golden_differences(fashion):
    golden = json.loads(SEED.read_text())["second_minus_first"]["recall_by_class"]
    rows = {str(row.name): row for row in report(fashion).comparison.classes.rows}
    for entry in golden:
        row = rows[entry["name"]]
        assert row.recall.value == pytest.approx(entry["recall_difference"])
        assert (row.recall.low, row.recall.high) == pytest.approx(entry["newcomb_ci95"])
        assert row.exact_p == pytest.approx(entry["p_holm"], rel=1e-6)


# ---- findings


def changed(comparison, **more):
    """With other tendencies of classes: index → tendency."""
    tendencies = more.pop("tendencies", {})
    classes = tuple(
        replace(one, tendency=tendencies.get(one.index, "no clear change"))
        for one in comparison.classes
    )
    return replace(comparison, **{"classes": classes, "grown": (), "slices": (), **more})


UNCLEAR = Difference(0.843, 0.845, 0.002, (-0.003, 0.007), (-0.002, 0.006), 0.4, 1.0, "tango")
FELL = Difference(0.845, 0.823, -0.022, (-0.03, -0.014), (-0.029, -0.015), 0.001, 0.005, "tango")
CASES = {
    "three classes fell although accuracy rose": (
        lambda fashion, paired: fashion,
        [
            "Accuracy improved: 86.5 → 89.3% (+2.8 pp; 95% CI +2.4 to +3.1).",
            "Recall regressed: Sneaker, −5.5 pp (95% CI −6.2 to −4.7), although accuracy "
            "rose. T-shirt/top (−3.4 pp) and Bag (−1.0) dropped.",
            "Largest increase: Sneaker → Ankle boot, 107 → 361 of 6,000 samples (p < 0.001, Holm "
            "over 64 confusions).",
            "Recall improved in 7 of 10 classes: most in Shirt, +17.1 pp (95% CI +15.3 to "
            "+18.9).",
            "Lowest recall: Shirt, 56.6% (simultaneous 95% CI 54.8–58.4%), significantly low. 19.3% "
            "are predicted as T-shirt/top. Also low: 1 other class.",
            ...,
        ],
    ),
    "matched samples": (
        lambda fashion, paired: paired,
        [
            "Accuracy improved: 78.9 → 81.7% (+2.8 pp; 95% CI +1.6 to +4.0). 364 samples "
            "fixed, 253 regressed.",
            "Recall regressed: cat, −11.5 pp (95% CI −15.8 to −7.5), although accuracy rose.",
            ...,
        ],
    ),
    "no clear change says what would have been seen, and what changed nevertheless": (
        lambda fashion, paired: changed(paired, summary={**paired.summary, "accuracy": UNCLEAR}),
        [
            "No significant change of accuracy: 84.3 → 84.5% (+0.2 pp; 95% CI −0.3 to +0.7). "
            "Minimum detectable difference: 1.7 pp. Predictions differ on 21.8% of samples.",
            ...,
        ],
    ),
    "a class that fell with the whole is not said to fall although accuracy rose": (
        lambda fashion, paired: changed(
            paired, summary={**paired.summary, "accuracy": FELL}, tendencies={3: "worse"}
        ),
        [
            "Accuracy regressed: 84.5 → 82.3% (−2.2 pp; 95% CI −3.0 to −1.4). 364 samples "
            "fixed, 253 regressed.",
            "Recall regressed: cat, −11.5 pp (95% CI −15.8 to −7.5).",
            ...,
        ],
    ),
    "a drop that is not significant after correction is no finding": (
        lambda fashion, paired: changed(paired, tendencies={5: "perhaps worse"}),
        [
            "Accuracy improved: 78.9 → 81.7% (+2.8 pp; 95% CI +1.6 to +4.0). 364 samples "
            "fixed, 253 regressed.",
            "Lowest recall: cat, 63.5% (simultaneous 95% CI 56.5–70.2%), significantly low. 23.0% "
            "are predicted as bird. Also low: 1 other class.",
            ...,
        ],
    ),
    "a slice fell": (
        lambda fashion, paired: changed(
            paired, slices=(SliceChange("camera", "north", 400, FELL, "worse"),)
        ),
        [
            ...,
            "Slice camera = north regressed: accuracy −2.2 pp on 400 samples (84.5% → 82.3%; "
            "95% CI −3.0 to −1.4).",
            ...,
        ],
    ),
    "confidence became less honest": (
        lambda fashion, paired: changed(
            paired,
            summary={
                **paired.summary,
                "ece": Difference(0.02, 0.041, 0.021, (0.01, 0.03), None, 0.001, 0.005, "x"),
            },
        ),
        [
            ...,
            "Calibration regressed: ECE 2.0 → 4.1% (+2.1 pp, significant).",
            ...,
        ],
    ),
    "no class fell": (
        lambda fashion, paired: changed(paired, tendencies={0: "better"}),
        [
            ...,
            "Recall improved in 1 of 10 classes: airplane, +8.2 pp (95% CI +4.3 to +12.4). "
            "None regressed significantly.",
            ...,
        ],
    ),
}  # fmt: skip


def matches(found, expected):
    """Whether the sentences occur in this order, ``...`` standing for any others."""
    place = 0
    loose = False
    for sentence in expected:
        if sentence is ...:
            loose = True
        elif loose:
            assert sentence in found[place:], found
            place, loose = found.index(sentence, place) + 1, False
        else:
            assert found[place] == sentence
            place += 1
    return loose or place == len(found)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_findings_of_a_comparison(fashion, paired, case):
    make, expected = case
    found = said(make(fashion, paired))
    assert matches(found, expected), found
    assert len(found) <= 7


def test_what_failed_a_gate_is_found_first(fashion):
    assert said(fashion)[0].startswith("Accuracy improved:")
    gates = review_factories.decision(
        fashion, '[[gate]]\nname = "harm"\nmetric = "recall"\neach_class = true\nno_harm = true\n'
    )
    assert gates.verdict == "DO NOT SHIP"
    found = [plain(one.head) for one in report(fashion, gates).findings]
    assert found[0] == "Recall regressed:"
    assert found.index("Accuracy improved:") > 0
    assert len(found) == len(said(fashion))


def test_of_the_classes_that_fell_the_one_that_failed_its_gate_is_told(fashion):
    gates = review_factories.decision(
        fashion, '[[gate]]\nname = "x"\nmetric = "recall"\nclasses = ["Bag"]\nno_harm = true\n'
    )
    first = report(fashion, gates).findings[0]
    assert plain(f"{first.head} {first.body}").startswith("Recall regressed: Bag, ")


def test_a_gate_that_failed_does_not_put_praise_first(fashion):
    gates = review_factories.decision(
        fashion, '[[gate]]\nname = "x"\nmetric = "recall"\nclasses = ["Shirt"]\nat_least = 0.9\n'
    )
    heads = [plain(one.head) for one in report(fashion, gates).findings]
    assert heads[0] == "Lowest recall:"


def test_a_confusion_that_grew_is_a_finding_where_it_is_significant(paired, fashion):
    (cell,) = [one for one in fashion.grown if (one.true, one.predicted) == (7, 9)]
    assert (cell.baseline, cell.candidate) == (107, 361)
    assert any(sentence.startswith("Largest increase: Sneaker") for sentence in said(fashion))
    few = replace(paired, grown=paired.grown[-1:])  # of 20, the one that grew least
    assert not any(sentence.startswith("Largest increase") for sentence in said(few))


def test_without_a_baseline_no_finding_speaks_of_one(paired):
    shown = build_report(paired.candidate)
    assert not any("baseline" in str(f.body) for f in shown.findings)
    assert shown.comparison is None
    assert len(shown.glossary) == len(report(paired).glossary) - 1


# ---- the difference matrix


def test_differences_are_candidate_less_baseline_in_signed_digits(fashion):
    section = report(fashion).comparison.difference
    names = [str(row.name) for row in section.rows]
    sneaker, boot = names.index("Sneaker"), names.index("Ankle boot")
    row = section.rows[sneaker]
    assert row.counts[sneaker].text == "−327"
    assert row.shares[sneaker].text == "−5.5"  # as in the table of classes
    assert row.counts[boot].text == "+254"
    assert row.shares[boot].text == "+4.2"
    assert row.shares[names.index("Bag")].step == 10
    shirt = section.rows[names.index("Shirt")].shares[names.index("Shirt")]
    assert (shirt.text, shirt.step) == ("+17.1", 17)
    assert section.ends == ("−25 pp", "+25 pp")


def test_the_diagonal_agrees_with_the_changes_of_recall(paired, fashion):
    for comparison in (paired, fashion):
        section = report(comparison).comparison
        diagonal = {row.index: row.shares[row.index].text for row in section.difference.rows}
        for row in section.classes.rows:
            assert diagonal[row.index] == row.recall.text


def test_the_colour_of_a_cell_is_zero_centred_and_symmetric(fashion):
    flipped = compare_evaluations(fashion.candidate, fashion.baseline, "matrix")
    there, back = (report(one).comparison.difference.rows for one in (fashion, flipped))
    for row, other in zip(there, back, strict=True):
        for cell, mirrored in zip(row.shares, other.shares, strict=True):
            assert cell.step + mirrored.step == 20


def test_a_class_without_samples_has_no_difference(no_drawing):
    side = factories.absent_classes()
    comparison = compare_evaluations(side, side, "matrix")
    shown = build_report(side, {}, {}, comparison)
    row = shown.comparison.difference.rows[1]
    assert {(cell.step, cell.text) for cell in row.shares} == {(None, "n/a")}
    page = html.render(shown)
    assert '<td class="na">n/a</td>' in page[page.index('id="comparison-difference"') :]


def test_with_other_numbers_of_samples_counts_have_their_own_colours():
    small = factories.make_evaluation([[8, 2], [1, 9]], ("ant", "bee"))
    large = factories.make_evaluation([[60, 40], [10, 90]], ("ant", "bee"))
    comparison = compare_evaluations(small, large, "matrix", allow_different_data=True)
    section = report(comparison).comparison.difference
    cell, share = section.rows[0].counts[0], section.rows[0].shares[0]
    assert (cell.text, share.text) == ("+52", "−20.0")
    assert cell.step > 10 > share.step
    assert "the class totals differ" in section.counts_note


def test_what_the_differences_say_is_counted(fashion):
    reading = [str(words) for words in report(fashion).comparison.difference.reading]
    assert reading == [
        "Improvements: blue on the diagonal, orange elsewhere.",
        "Of 10 cells on the diagonal, 7 increased (by 0.9 to 17.1 pp), 3 decreased (by 1.0 to 5.5 "
        "pp) and none is unchanged.",
        "Of 64 confusions, 34 decreased, 28 increased and 2 are unchanged.",
    ]


def test_the_largest_changes_among_the_errors_are_listed_by_size(fashion):
    difference = report(fashion).comparison.difference
    rows = difference.decreases
    assert [(str(r.true_name), str(r.predicted_name), r.change) for r in rows[:2]] == [
        ("Shirt", "T-shirt/top", "−668"), ("Pullover", "Coat", "−504"),
    ]  # fmt: skip
    assert rows[0].points == "−11.1"
    assert rows[0].target == "p-6-0"
    first = difference.increases[0]
    assert (str(first.true_name), str(first.predicted_name), first.change) == (
        "Sneaker", "Ankle boot", "+254",
    )  # fmt: skip
    for part, sign in ((rows, -1), (difference.increases, 1)):
        sizes = [sign * row.exact_change for row in part]
        assert len(part) == 5
        assert sizes == sorted(sizes, reverse=True)
        assert sizes[-1] > 0


def test_changes_in_confusions_say_how_many_are_significant(fashion):
    """The same test as that of the finding on the largest increase."""
    from reportgen.analysis.confusions import grown_p

    before, after = fashion.baseline.confusion, fashion.candidate.confusion
    p = grown_p(before, after)
    shown = [after.counts[at] - before.counts[at] for at, one in p.items() if one < 0.05]
    up = sum(change > 0 for change in shown)
    assert str(report(fashion).comparison.difference.tested) == (
        f"Significant changes (Holm over {len(p)} confusions): {up} increases, {len(shown) - up} decreases."
    )
    assert 0 < up < len(shown) < len(p)


def test_both_matrices_stand_on_the_same_scale(fashion):
    sides = report(fashion).comparison.difference.sides
    assert [side.title for side in sides] == ["Baseline", "Candidate"]
    shirt = [side.rows[6].cells[6] for side in sides]
    assert [(cell.text, cell.step) for cell in shirt] == [("39.5", 8), ("56.6", 11)]


@pytest.fixture
def no_drawing(monkeypatch):
    monkeypatch.setattr(
        figures, "draw_heatmap", lambda spec, *_: DrawnFigure(spec.name.encode(), 10, 10, False)
    )


@pytest.mark.parametrize("k", [31, 120, 400])
def test_many_classes_are_a_picture_around_0(k, no_drawing):
    comparison = compare_evaluations(
        factories.synthetic(k, 20), factories.synthetic(k, 20, seed=5), "matrix"
    )
    shown = report(comparison)
    picture, baseline = shown.comparison.difference.figures
    assert picture.diverging
    assert not baseline.diverging
    assert picture.values.shape == (min(k, 390),) * 2
    assert np.abs(picture.values).max() <= picture.top
    assert (picture.values < 0).any()
    assert (picture.values > 0).any()
    page = html.render(shown)
    assert page.count(picture.alt) == page.count(baseline.alt) == 1
    assert 'class="d10' not in page


def test_the_largest_change_of_a_shared_square_is_seen():
    k = 800
    counts = np.zeros((k, k), int)
    np.fill_diagonal(counts, 10)
    other = counts.copy()
    other[5, 5], other[5, 6], other[5, 7] = 3, 4, 3
    sides = (factories.make_evaluation(one) for one in (counts, other))
    picture = report(compare_evaluations(*sides, "matrix")).comparison.difference.figures[0]
    assert picture.values.min() == pytest.approx(-0.7)
    assert np.count_nonzero(picture.values) in {1, 2, 3}


def test_the_colours_of_the_page_are_those_of_the_pictures_and_their_digits_can_be_read():
    style = (html.template_folder() / "report.css").read_text()
    style = style[style.index("/* Differences:") :].partition("@media")[0]
    found = dict(re.findall(r"\.d(\d+)\{background:(#\w+)", style))
    assert [found[str(step)] for step in range(21)] == list(DIFFERENCES)
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in DIFFERENCES])
    digits = [
        re.search(rf"\.d{step}\{{background:\S+?;color:(#\w+)", style)[1] for step in range(21)
    ]
    assert [d == "#fff" for d in digits] == light_digits(rgb).tolist()


def test_a_picture_of_differences_is_white_in_its_middle_and_drawn_with_digits_that_contrast():
    from reportgen.rendering.figures.heatmap import heatmap_figure
    from reportgen.rendering.figures.style import own_settings
    from reportgen.report.matrix import HeatmapSpec

    values = np.array([[-0.2, 0.0], [0.1, 0.2]])
    texts = (("−20.0", "0"), ("+10.0", "+20.0"))
    for power in (1.0, 1 / 3):
        spec = HeatmapSpec(
            name="d", title="T", subtitle="", values=values, texts=texts, labels=("a", "b"),
            top=0.2, unit="% of the true class", power=power, alt="", purpose="",
            diverging=True,
        )  # fmt: skip
        with own_settings():
            figure, _ = heatmap_figure(spec)
            figure.canvas.draw()
            faces = figure.axes[0].collections[0].get_facecolors()[:, :3]
            bar = figure.axes[1]
            ticks = [tick.get_text() for tick in bar.get_yticklabels()]
        assert faces[1] == pytest.approx(np.array([251, 251, 250]) / 255, abs=0.01)
        assert faces[0] == pytest.approx(np.array([138, 74, 8]) / 255, abs=0.01)
        assert faces[3] == pytest.approx(np.array([18, 79, 144]) / 255, abs=0.01)
        assert faces[2][2] > faces[2][0]  # blue
        assert ticks == ["−20", "0", "+20"]
    assert draw_heatmap(spec).content.startswith(b"\x89PNG")


# ---- galleries


def pictures_of(comparison):
    ids = [m.id for gallery in comparison.candidate.examples for m in gallery]
    ids += [one.id for one in (*comparison.broken, *comparison.fixed)]
    ids += [one.id for one in comparison.candidate.suspects.suspects]
    return {
        name: Thumbnail(f"<{i}>".encode() * 3, "image/png", 32, 32, True)
        for i, name in enumerate(dict.fromkeys(ids))
    }


def test_broken_samples_come_before_fixed_ones_with_what_each_side_said(paired):
    broken, fixed = report(paired).comparison.galleries
    assert (broken.title, fixed.title) == ("Regressions", "Fixes")
    assert len(broken.examples) == len(fixed.examples) == 24
    assert str(broken.lead) == "12 of 253, highest confidence first"
    one = broken.examples[0]
    assert one.true == one.before != one.after
    assert one.alt == (
        f"{one.true}: baseline predicts {one.before}, candidate predicts {one.after}"
    )
    assert one.after_confidence.endswith("%")
    assert fixed.examples[0].true == fixed.examples[0].after


def test_without_pictures_the_galleries_say_so(paired):
    assert "Images not available" in report(paired).comparison.gallery_note


@pytest.mark.usefixtures("no_drawing")
def test_no_picture_is_repeated_and_each_is_counted(paired):
    pictures = pictures_of(paired)
    shown = report(paired, pictures=pictures)
    page = html.render(shown)
    uris = re.findall(r'<im(?:g|age) [^>]*(?:src|href)="([^"]+)"', page)
    assert len(uris) == len(set(uris))
    assert len(uris) - len(shown.matrix.figures) == shown.n_thumbnails
    assert all(e.thumbnail for g in shown.comparison.galleries for e in g.examples[:12])
    held = re.findall(r'<image id="([^"]+)"', page)
    used = re.findall(r'<use href="#([^"]+)"/>', page)
    assert held == [f"pic-{i + 1}" for i in range(len(held))]
    assert set(used) == set(held)
    for name in used:
        assert page.index(f'<image id="{name}"') < page.index(f'<use href="#{name}"/>')


@pytest.mark.usefixtures("no_drawing")
def test_beside_the_page_every_place_is_an_image_of_the_same_file(paired):
    shown = report(paired, pictures=pictures_of(paired))
    made = html.page(shown, beside=True)
    assert "<image " not in made.html
    assert "<use " not in made.html
    uris = re.findall(r'<img class="pic px" src="report_files/(sample[^"]*)"', made.html)
    assert len(set(uris)) == shown.n_thumbnails < len(uris)
    assert set(uris) == {name for name in made.files if name.startswith("sample")}


def test_each_direction_of_a_pair_stands_beside_the_baselines(paired, no_drawing):
    shown = report(paired)
    ways = [d for group in shown.pairs.groups for d in group.directions]
    for way in ways:
        assert way.before == f"{paired.baseline.confusion.count(way.true, way.predicted):,}"
    first = ways[0].before
    assert f", baseline {first}</span>" not in html.render(shown)  # without pictures, in the list
    pictured = html.render(report(paired, pictures=pictures_of(paired)))
    assert f", baseline {first}</span>" in pictured
    alone = build_report(paired.candidate)
    assert {d.before for group in alone.pairs.groups for d in group.directions} == {""}
    assert "baseline" not in str(alone.pairs)


def test_the_baselines_count_is_of_its_own_samples_where_these_are_others(paired):
    cells = {(i, j): n for i, j, n in paired.baseline.confusion.cells()}
    first = report(paired).pairs.groups[0].directions[0]
    cells[first.true, first.true] += 1000
    total = sum(n for (i, _), n in cells.items() if i == first.true)
    others = ConfusionMatrix.from_cells([(i, j, n) for (i, j), n in cells.items()], 10)
    more = replace(paired.baseline, confusion=others)
    facts = Context(paired.candidate, class_names(paired.candidate.classes), frozenset())
    way = pair_section(facts, {}, replace(paired, baseline=more)).groups[0].directions[0]
    assert way.before == f"{first.before} of {total:,}"


@pytest.mark.usefixtures("no_drawing")
def test_a_suspect_whose_picture_is_among_the_broken_shows_the_same(paired):
    pictures = pictures_of(paired)
    one = next(
        e.path.full for e in report(paired, pictures=pictures).comparison.galleries[0].examples
        if e.thumbnail
    )  # fmt: skip
    suspects = paired.candidate.suspects
    assert suspects.suspects
    taken = replace(suspects.suspects[0], id=one)
    candidate = replace(
        paired.candidate, suspects=replace(suspects, suspects=(taken, *suspects.suspects[1:]))
    )
    shown = report(replace(paired, candidate=candidate), pictures=pictures)
    assert shown.suspects.rows[0].thumbnail == pictures[one]
    row = html.render(shown).partition('id="suspects"')[2]
    assert re.search(r'aria-label="labelled [^"]+"[^>]*><use href="#pic-\d+"/></svg>', row)


@pytest.mark.parametrize(("most", "kept"), [(3, 9), (2, 6), (0, 0)])
def test_galleries_of_changes_shrink_with_the_others(paired, most, kept):
    full = report(paired, pictures=pictures_of(paired))
    small = reduce_pictures(full, most)
    others = {e.path.full for g in small.pairs.groups for d in g.directions for e in d.examples
              if e.thumbnail} | {row.path.full for row in small.suspects.rows if row.thumbnail}  # fmt: skip
    for gallery in small.comparison.galleries:
        assert len(gallery.examples) == 24
        shown = [bool(example.thumbnail) for example in gallery.examples]
        held = [example.path.full in others for example in gallery.examples]
        assert shown == [i < kept or (i < 12 and held[i]) for i in range(24)]
    why = "some samples only" if most else "no images"
    assert small.comparison.gallery_note == (f"Thumbnails reduced to limit the file size: {why}.")
    assert small.n_thumbnails < full.n_thumbnails
    assert (small.n_thumbnails == 0) == (most == 0)


# ---- slices, confidence, glossary


def test_slices_stand_on_both_sides(paired):
    rows = report(paired).comparison.slices
    assert {str(row.part) for row in rows} == {"north", "south", "west"}
    assert [row.delta.value for row in rows] == [s.accuracy.difference for s in paired.slices]
    assert rows[0].p == p_text(paired.slices[0].accuracy.p_adjusted)


def test_confidence_stands_side_by_side_where_both_have_it(paired, fashion):
    known = report(paired).comparison.calibration
    rows = {name: (plain(before), plain(after)) for name, before, after in known.rows}
    assert rows["Correct predictions"] == ("78.9%", "81.7%")
    assert set(rows) == {"Correct predictions", "Mean confidence", "ECE"}
    assert [chart.title for chart, _ in known.charts] == ["Baseline", "Candidate"]
    assert report(fashion).comparison.calibration is None


def test_the_glossary_explains_the_terms_of_a_comparison(paired, no_drawing):
    names = {term.name for term in COMPARISON_TERMS}
    assert {"gained_lost", "agreement", "mcnemar_mid_p", "tango_interval", "non_inferiority",
            "holm"} <= names  # fmt: skip
    page = html.render(report(paired))
    for term in COMPARISON_TERMS:
        assert f"<dt>{term.title.replace(chr(39), '&#39;')}</dt>" in page
    assert "Comparison with a baseline" not in html.render(build_report(paired.candidate))


# ---- the page and the overview


@pytest.mark.usefixtures("no_drawing")
def test_the_same_comparison_gives_the_same_page(paired):
    decided = review_factories.decision(paired)
    assert html.render(report(paired, decided)) == html.render(report(paired, decided))


@pytest.mark.usefixtures("no_drawing")
def test_hostile_classes_and_samples_stay_text():
    comparison = review_factories.paired(1200, factories.HOSTILE)
    gates = '[[gate]]\nname = "a"\nmetric = "recall"\neach_class = true\nno_harm = true\n'
    decided = review_factories.decision(comparison, gates)
    page = html.render(report(comparison, decided))
    assert page.isascii()
    assert "<img src=x" not in page
    assert page.count("<script") == 1
    assert "evil\u202e" not in page


def test_ids_are_unique_and_links_have_targets(paired, no_drawing):
    page = html.render(report(paired, review_factories.decision(paired), pictures_of(paired)))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)


def entries(paired, same):
    return [
        OverviewEntry("small", paired, review_factories.decision(paired), "1-small/report.html"),
        OverviewEntry("same", same, review_factories.decision(same), "2-same/report.html"),
        OverviewEntry("bare", paired, None, "3 bare/report.html"),
    ]


def test_several_candidates_stand_in_one_table_with_one_verdict_each(paired, same):
    shown = build_overview(entries(paired, same))
    assert [row.verdict for row in shown.rows] == ["DO NOT SHIP", "SHIP", "NO GATES SET"]
    assert [row.gates for row in shown.rows] == ["1 of 5 failed", "none of 5 failed", "none set"]
    assert [str(row.name) for row in shown.rows] == ["small", "same", "bare"]  # one model's name
    assert str(shown.rows[0].worst) == "cat"
    assert shown.rows[0].worst_change.text == "−11.5"
    assert shown.rows[1].worst is None
    assert shown.title == "1 of 3 may ship: 3 candidates vs baseline 1.1"
    assert str(shown.lead) == "Only same may ship."


def test_the_overview_links_to_the_reports_and_needs_nothing_else(paired, same):
    page = overview.render(build_overview(entries(paired, same)))
    assert page.startswith("<!DOCTYPE html>")
    assert re.findall(r'<a href="([^"]+)"', page) == [
        "1-small/report.html", "2-same/report.html", "3%20bare/report.html",
    ]  # fmt: skip
    assert "script-src &#39;none&#39;" in page
    assert "<script" not in page
    assert page.isascii()


def test_the_link_of_a_candidate_is_never_a_script(paired):
    entry = OverviewEntry("x", paired, None, "javascript:alert(1)")
    assert build_overview([entry]).rows[0].link == "javascript%3Aalert%281%29"


def test_an_overview_needs_a_candidate():
    with pytest.raises(ValueError, match="candidate"):
        build_overview([])


def test_an_overview_is_called_what_the_user_calls_it(paired, same):
    given = build_overview(entries(paired, same), "November\nrelease")
    assert given.title.endswith("may ship: November\\nrelease")
    assert build_overview(entries(paired, same)).title.endswith("candidates vs baseline 1.1")


def test_candidates_that_tie_are_all_named(paired, same):
    tied = [
        OverviewEntry(name, same, review_factories.decision(same), f"{name}/report.html")
        for name in ("a", "b")
    ]
    assert str(build_overview(tied).lead) == "2 of 2 may ship. Equal accuracy: a and b."
    shipped = replace(review_factories.decision(paired), verdict="SHIP")
    better = OverviewEntry("c", paired, shipped, "c/report.html")
    told = "Highest accuracy: c, not significantly above every other model."
    assert str(build_overview([*tied, better]).lead) == f"3 of 3 may ship. {told}"
    two = [tied[0], better, replace(better, name="d")]
    assert str(build_overview(two).lead).endswith(" Equal highest accuracy: c and d.")


def test_warnings_of_a_candidate_stand_on_the_overview(same):
    note = DataNote(
        code="order",
        severity="warning",
        sentence="The <b>order</b> is not known.",
        count=0,
        examples=(),
    )
    warned = replace(same, candidate=replace(same.candidate, notes=(note,)), notes=(note, note))
    decided = review_factories.decision(same)
    shown = build_overview([
        OverviewEntry("a", warned, decided, "a/report.html"),
        OverviewEntry("b", replace(same, notes=()), decided, "b/report.html"),
    ])  # fmt: skip
    assert [row.n_cautions for row in shown.rows] == ["3 warnings", ""]
    page = overview.render(shown)
    assert '<a class="nb" href="a/report.html">3 warnings</a>' in page
    assert page.count("The &lt;b&gt;order&lt;/b&gt; is not known.") == 3
    quiet = overview.render(build_overview([OverviewEntry("b", same, decided, "b/r.html")]))
    assert "h-warnings" not in quiet


def test_a_saved_name_stands_beside_that_of_the_model(paired):
    saved = replace(paired, baseline_name="production")
    shown = report(saved)
    assert [str(f.values[0]) for f in shown.facts if f.term == "Baseline"] == ["production"]
    facts = {fact.term: fact.values for fact in shown.comparison.facts}
    assert str(facts["Baseline"][0]) == "production: baseline 1.1"
    assert str(shown.comparison.lead).startswith("candidate 1.2 vs production, ")
    assert str(build_overview([OverviewEntry("a", saved, None, "a")]).baseline) == "production"
    again = type(saved).from_json(saved.to_json(), saved.candidate)
    assert again.baseline_name == "production"
    older = {key: v for key, v in saved.to_json().items() if key != "baseline_name"}
    assert type(saved).from_json(older, saved.candidate).baseline_name == ""
