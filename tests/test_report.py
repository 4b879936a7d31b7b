"""What is said: findings as a table of cases, sentences, names, sections."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.confusions.class_order import confusion_order
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS, evaluate_matrix
from reportgen.provenance import Accounting, ModelFacts, Provenance
from reportgen.report import build_report
from reportgen.report.slices import points_range
from reportgen.report.words import (
    Name,
    at_most,
    class_names,
    interval,
    join,
    list_names,
    say,
    share,
    shorten,
    signed,
    signed_interval,
)
from tests import binaries, factories
from tests.factories import make_evaluation


def said(evaluation):
    """The findings as plain text, with plain spaces."""
    return [
        f"{finding.head} {finding.body}".replace("\u00a0", " ")
        for finding in build_report(evaluation).findings
    ]


CASES = {
    "ten classes: recall, pair, concentration, clusters, calls, precision, baseline": (
        (factories.CIFAR_COUNTS, factories.CIFAR),
        [
            "Lowest recall: cat, 64.2% (simultaneous 95% CI 59.8–68.4%), significantly low. 12.6% "
            "are predicted as dog. Also low: 2 other classes.",
            "Most confused pair: cat ↔ dog, 223 of 1,550 errors (14.4%; 64.4 expected, "
            "significant): cat → dog 126, dog → cat 97.",
            "Errors are concentrated: the 10 most frequent confusions account for 40.7% "
            "of 1,550 errors; by chance at most 37.5%.",
            "Clustered errors: 83.7% of 1,550 errors are within 2 clusters (59.8% by chance; "
            "in-sample); largest: cat, bird and 4 more.",
            "Under-predicted: cat, 869 predictions for 1,000 samples (significant). "
            "Over-predicted: frog, 1,070 predictions for 1,000 samples (significant).",
            "Lowest precision: cat, 73.9% of 869 predictions (simultaneous 95% CI "
            "69.5–78.0%), significantly below the rest.",
            "Above the majority-class baseline: accuracy 84.5%; always predicting "
            "airplane gives 10.0%.",
        ],
    ),
    "the published Fashion-MNIST matrix, in the issue's own words": (
        (factories.FASHION_COUNTS, factories.FASHION),
        [
            "Lowest recall: Shirt, 56.6% (simultaneous 95% CI 54.8–58.4%), significantly low. 19.3% "
            "are predicted as T-shirt/top. Also low: 1 other class.",
            "Most confused pair: Shirt ↔ T-shirt/top, 1,400 of 6,422 errors (21.8%; 353 "
            "expected, significant): Shirt → T-shirt/top 1,159, T-shirt/top → Shirt "
            "241.",
            "Errors are concentrated: the 10 most frequent confusions account for 69.0% "
            "of 6,422 errors; by chance at most 50.4%.",
            "Under-predicted: Shirt, 4,132 predictions for 6,000 samples (significant). "
            "Over-predicted: T-shirt/top, 6,920 predictions for 6,000 samples "
            "(significant).",
            "Lowest precision: Coat, 78.3% of 6,775 predictions (simultaneous 95% CI "
            "76.9–79.7%), significantly below the rest.",
            "Above the majority-class baseline: accuracy 89.3%; always predicting "
            "T-shirt/top gives 10.0%.",
        ],
    ),
    "one class": (
        ([[5]], ["only"]),
        [
            "Small test set (5 samples): the 95% CI of accuracy is 56.6–100%.",
            "Only one class in the test set: only. Discrimination cannot be assessed.",
            "No errors in 5 samples: the error rate is at most 45.1% (one-sided 95% bound).",
        ],
    ),
    "one sample, right": (
        ([[1, 0], [0, 0]], ["ant", "bee"]),
        [
            "One sample, no conclusion: the 95% CI of accuracy is 20.7–100%.",
            "Only one class in the test set: ant. Discrimination cannot be assessed.",
            "No errors in 1 sample: the error rate is at most 95.0% (one-sided 95% bound).",
            "1 of 2 classes has no test samples: bee. Its recall is undefined, and macro "
            "averages exclude it.",
        ],
    ),
    "one sample, wrong": (
        ([[0, 1], [0, 0]], ["ant", "bee"]),
        [
            "One sample, no conclusion: the 95% CI of accuracy is 0–79.3%.",
            "The one prediction is incorrect. One sample: no rate.",
            "Only one class in the test set: ant. Discrimination cannot be assessed.",
            "1 of 2 classes has no test samples: bee. Its recall is undefined, and macro "
            "averages exclude it.",
        ],
    ),
    "all right": (
        ([[500, 0], [0, 500]], ["ant", "bee"]),
        [
            "No errors in 1,000 samples: the error rate is at most 0.3% (one-sided 95% bound).",
            "Above the majority-class baseline: accuracy 100%; always predicting ant gives 50.0%.",
        ],
    ),
    "all wrong": (
        ([[0, 500], [700, 0]], ["ant", "bee"]),
        [
            "0 of 1,200 correct: check that the class list has the order of the model's outputs.",
            "Below the majority-class baseline: accuracy 0% (95% CI 0–0.3%); always "
            "predicting bee gives 58.3%.",
            "Under-predicted: bee, 500 predictions for 700 samples (significant). "
            "Over-predicted: ant, 700 predictions for 500 samples (significant).",
        ],
    ),
    "the majority class cannot be ruled out": (
        ([[95, 5], [4, 6]], ["big", "small"]),
        [
            "Small test set (110 samples): the 95% CI of accuracy is 85.2–95.6%.",
            "Not significantly above the majority-class baseline: accuracy 91.8% (95% "
            "CI 85.2–95.6%); always predicting big gives 90.9%.",
            "Lowest recall: small, 60.0% (simultaneous 95% CI 22.8–90.1%), significantly low. 40.0% "
            "are predicted as big.",
            "Recall depends on class size: accuracy (91.8%) exceeds balanced accuracy "
            "(77.5%); frequent classes do better (p = 0.004).",
        ],
    ),
    "a class that is never predicted": (
        ([[900, 100, 0], [50, 950, 0], [1, 39, 0]], ["ant", "bee", "cow"]),
        [
            "Zero recall and no predictions: cow (40 samples; simultaneous 95% CI "
            "0–11.3%). 97.5% are predicted as bee.",
            "Most confused pair: ant ↔ bee, 150 of 190 errors (78.9%; 75.0 expected, "
            "significant): ant → bee 100, bee → ant 50.",
            "Recall depends on class size: accuracy (90.7%) exceeds balanced accuracy "
            "(61.7%); frequent classes do better (p < 0.001).",
            "Over-predicted: bee, 1,089 predictions for 1,000 samples (significant).",
            "Lowest precision: bee, 87.2% of 1,089 predictions (simultaneous 95% CI "
            "84.8–89.4%), significantly below the rest.",
            "Above the majority-class baseline: accuracy 90.7%; always predicting ant gives 49.0%.",
        ],
    ),
    "a class that is named, but never rightly": (
        ([[900, 98, 2], [50, 950, 0], [0, 40, 0]], ["ant", "bee", "cow"]),
        [
            "Zero recall: cow (40 samples; simultaneous 95% CI 0–11.3%). All are predicted as bee.",
            "Most confused pair: ant ↔ bee, 148 of 190 errors (77.9%; 75.0 expected, "
            "significant): ant → bee 98, bee → ant 50.",
            "Recall depends on class size: accuracy (90.7%) exceeds balanced accuracy "
            "(61.7%); frequent classes do better (p < 0.001).",
            "Under-predicted: cow, 2 predictions for 40 samples (significant). "
            "Over-predicted: bee, 1,088 predictions for 1,000 samples (significant).",
            "Lowest precision of classes with at least 30 predictions: bee, 87.3% of "
            "1,088 predictions (simultaneous 95% CI 84.9–89.5%), significantly below "
            "the rest.",
            "Above the majority-class baseline: accuracy 90.7%; always predicting ant gives 49.0%.",
        ],
    ),
    "several classes with zero recall": (
        ([[900, 0, 0], [30, 0, 0], [40, 0, 0]], ["ant", "bee", "cow"]),
        [
            "Not significantly above the majority-class baseline: accuracy 92.8% (95% "
            "CI 91.0–94.2%); always predicting ant gives 92.8%.",
            "2 classes have zero recall: bee and cow; 70 samples in all. All "
            "significantly below the rest.",
            "Most confused pair: cow ↔ ant, 40 of 70 errors (57.1%; 20.0 expected, "
            "significant): all cow → ant.",
            "Recall depends on class size: accuracy (92.8%) exceeds balanced accuracy "
            "(33.3%); frequent classes do better (p < 0.001).",
            "Over-predicted: ant, 970 predictions for 900 samples (significant).",
            "Perfect recall: ant. Upper bound for the miss rate: 0.5% (900 samples, "
            "simultaneous 95%).",
        ],
    ),
    "two classes share the lowest recall, and chance explains it": (
        ([[80, 20, 0], [0, 90, 10], [0, 20, 80]], ["ant", "bee", "cow"]),
        [
            "No class has significantly low recall: the lowest are ant and cow, 80.0% each "
            "(about 80.0% expected if all were equal).",
            "Most confused pair: cow ↔ bee, 30 of 50 errors (60.0%; 15.0 expected, "
            "significant): cow → bee 20, bee → cow 10.",
            "Under-predicted: ant, 80 predictions for 100 samples (significant). "
            "Over-predicted: bee, 130 predictions for 100 samples (significant).",
            "Lowest precision: bee, 69.2% of 130 predictions (simultaneous 95% CI "
            "58.6–78.5%), significantly below the rest.",
            "Above the majority-class baseline: accuracy 83.3%; always predicting ant gives 33.3%.",
        ],
    ),
    "equal pairs: none is the most confused": (
        ([[90, 10, 0], [0, 90, 10], [10, 0, 90]], ["ant", "bee", "cow"]),
        [
            "Above the majority-class baseline: accuracy 90.0%; always predicting ant gives 33.3%.",
        ],
    ),
    "few samples in the lowest class, so not significantly low": (
        ([[950, 50, 0], [40, 960, 0], [1, 1, 8]], ["ant", "bee", "cow"]),
        [
            "No class has significantly low recall: the lowest is cow, 80.0% of 10 (about "
            "94.6% expected if all were equal).",
            "Most confused pair: ant ↔ bee, 90 of 92 errors (97.8%; 45.0 expected, "
            "significant): ant → bee 50, bee → ant 40.",
            "Above the majority-class baseline: accuracy 95.4%; always predicting ant gives 49.8%.",
        ],
    ),
    "frequent classes do better": (
        ([[980, 20], [25, 25]], ["healthy", "ill"]),
        [
            "Not significantly above the majority-class baseline: accuracy 95.7% (95% "
            "CI 94.3–96.8%); always predicting healthy gives 95.2%.",
            "Lowest recall: ill, 50.0% (simultaneous 95% CI 33.7–66.3%), significantly low. 50.0% "
            "are predicted as healthy.",
            "Recall depends on class size: accuracy (95.7%) exceeds balanced accuracy "
            "(74.0%); frequent classes do better (p < 0.001).",
            "Lowest precision: ill, 55.6% of 45 predictions (simultaneous 95% CI "
            "38.0–72.2%), significantly below the rest.",
        ],
    ),
    "rare classes do better": (
        ([[800, 200], [0, 50]], ["big", "small"]),
        [
            "Below the majority-class baseline: accuracy 81.0% (95% CI 78.5–83.2%); "
            "always predicting big gives 95.2%.",
            "Lowest recall: big, 80.0% (simultaneous 95% CI 77.0–82.8%), significantly low. 20.0% "
            "are predicted as small.",
            "Recall depends on class size: accuracy (81.0%) is below balanced accuracy "
            "(90.0%); rare classes do better (p = 0.003).",
            "Under-predicted: big, 800 predictions for 1,000 samples (significant). "
            "Over-predicted: small, 250 predictions for 50 samples (significant).",
            "Lowest precision: small, 20.0% of 250 predictions (simultaneous 95% CI "
            "14.6–26.3%), significantly below the rest.",
            "Perfect recall: small. Upper bound for the miss rate: 7.2% (50 samples, "
            "simultaneous 95%).",
        ],
    ),
    "classes without samples": (
        ([[90, 10, 0], [10, 90, 0], [0, 0, 0]], ["ant", "bee", "cow"]),
        [
            "Most confused pair: ant ↔ bee, 20 of 20 errors (100%; 10.0 expected, "
            "significant): ant → bee 10, bee → ant 10.",
            "1 of 3 classes has no test samples: cow. Its recall is undefined, and macro "
            "averages exclude it.",
            "Above the majority-class baseline: accuracy 90.0%; always predicting ant gives 50.0%.",
        ],
    ),
    "a perfect class has a bound": (
        ([[900, 100], [0, 1000]], ["ant", "bee"]),
        [
            "Lowest recall: ant, 90.0% (simultaneous 95% CI 87.7–92.0%), significantly low. 10.0% "
            "are predicted as bee.",
            "Under-predicted: ant, 900 predictions for 1,000 samples (significant). "
            "Over-predicted: bee, 1,100 predictions for 1,000 samples (significant).",
            "Lowest precision: bee, 90.9% of 1,100 predictions (simultaneous 95% CI "
            "88.8–92.8%), significantly below the rest.",
            "Perfect recall: bee. Upper bound for the miss rate: 0.4% (1,000 samples, "
            "simultaneous 95%).",
            "Above the majority-class baseline: accuracy 95.0%; always predicting ant gives 50.0%.",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_findings(name):
    (counts, classes), expected = CASES[name]
    assert said(make_evaluation(counts, classes)) == expected


RANDOM = [(k, n, seed) for k in (1, 2, 3, 7) for n in (1, 2, 40, 3000) for seed in range(4)]


@pytest.mark.parametrize(("k", "n", "seed"), RANDOM)
def test_every_report_can_be_built_and_its_links_have_targets(k, n, seed):
    """Random matrices, from one sample of one class upwards."""
    rng = np.random.default_rng(seed)
    chances = rng.dirichlet(np.full(k * k, 0.3))
    counts = rng.multinomial(n, chances).reshape(k, k)
    report = build_report(make_evaluation(counts))
    ids = {"headline", "findings", "matrix", "pairs", "groups", "classes", "data"}
    ids |= {f"c-{row.index}" for row in report.classes.rows}
    ids |= {f"p-{row.direction.true}-{row.direction.predicted}" for row in report.pairs.rows}
    assert {finding.target for finding in report.findings} <= ids
    assert len(report.findings) <= 7
    for finding in report.findings:
        text = f"{finding.head} {finding.body}"
        assert "nan" not in text
        assert "None" not in text
        assert text.rstrip().endswith(".")


def test_every_finding_links_to_its_evidence():
    targets = [finding.target for finding in build_report(factories.cifar()).findings]
    assert targets == ["c-3", "p-3-5", "pairs", "groups", "matrix", "c-3", "headline"]


def test_a_name_keeps_its_case_where_it_opens_a_sentence():
    plain, upper, digit = class_names(["cat", "Dog", "7"])
    assert str(say("{name} is here", name=plain)) == "cat is here"
    assert str(say("{name} is here", name=upper)) == "Dog is here"
    assert str(say("{name} is here", name=digit)) == "“7” is here"
    assert str(say("here is {name}", name=plain)) == "here is cat"


def test_names_in_sentences_stay_names():
    (name,) = class_names(["{evil} \u202e"])
    sentence = say("{name}: {n}", name=name, n="{name}")
    assert [part for part in sentence.parts if isinstance(part, Name)] == [name]
    assert str(sentence) == "“{evil} \\u202e”: {name}"


def test_lists_of_names_say_what_they_leave_out():
    names = class_names([f"n{letter}" for letter in "abcdefgh"])
    assert str(list_names(names[:1])) == "na"
    assert str(list_names(names[:3])) == "na, nb and nc"
    assert str(list_names(names, 3)) == "na, nb, nc and 5 more"
    assert str(join(say("A."), say(""), say("B."))) == "A. B."


def test_shortened_names_stay_different():
    names = [f"{'a' * 40}{i}{'b' * 40}" for i in range(12)] + ["short", "a" * 40]
    short = shorten(names, 40)
    assert len(set(short)) == len(names)
    assert max(map(len, short)) <= 40
    assert short[-2:] == ("short", "a" * 40)
    assert short[0].startswith("aaaa")
    assert short[5].endswith("bbbb")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (1, "1"), (-1, "−1"), (0.8484, "0.848"), (-0.25, "−0.250"),
        (1.0002, "1.000"), (2.5, "2.500"), (0.9999, ">0.999"), (-0.9999, "<−0.999"), (0.0001, "<0.001"), (-0.0001, ">−0.001"),
    ],
)  # fmt: skip
def test_only_true_ends_read_as_ends(value, text):
    assert signed(value) == text


def test_a_bound_is_rounded_up():
    assert at_most(0.00299) == "0.3%"
    assert at_most(0.0005) == "0.050%"
    assert at_most(0.000501) == "0.051%"
    assert at_most(0.4507) == "45.1%"
    assert at_most(0.0) == "0%"
    assert share(0.845) == "84.5%"
    assert interval((0.838, 1.0)) == "83.8–100%"
    assert interval((0.994, 0.9998)) == "99.4–99.98%"


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.838, 0.852), "0.838–0.852"), ((0.985, 0.99987), "0.985 to >0.999"), ((0.985, 1.0), "0.985–1"),
        ((-0.0123, 0.00004), "−0.012 to <0.001"), ((0.9997, 1.0002), ">0.999 to 1.000"),
        ((0.9996, 0.99987), "0.9996–0.9999"),
    ],
)  # fmt: skip
def test_an_end_of_a_signed_interval_is_a_bound_where_it_would_read_as_a_whole_number(ends, text):
    assert signed_interval(ends) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((-0.003, 0.0121), "−0.3 to +1.2"), ((-0.000384, 0.000384), "−0.04 to +0.04"),
        ((0.0, 0.0000062), "0 to +0.0006"), ((0.0005, 0.002), "+0.1 to +0.2"), (None, ""),
    ],
)  # fmt: skip
def test_an_end_of_a_change_gets_the_digits_that_it_needs(ends, text):
    assert points_range(ends) == text


def test_the_title_begins_with_the_verdict():
    assert build_report(factories.cifar()).title == "NO GATES SET: candidate 1.2 on CIFAR-10 test"
    bare = make_evaluation(provenance=Provenance(kind="confusion matrix"))
    assert build_report(bare).title == "NO GATES SET"
    titled = make_evaluation(provenance=Provenance(kind="x", title="Release\n7"))
    assert build_report(titled).title == "NO GATES SET: Release\\n7"


def test_the_verdict_measures_and_does_not_decide():
    verdict = build_report(factories.cifar()).verdict
    assert (verdict.kind, verdict.word) == ("none", "NO GATES SET")
    assert str(verdict.reason).replace("\u00a0", " ") == (
        "No release gates were set. Accuracy 84.5% on 10,000 samples (95% "
        "CI 83.8–85.2%). "
        "Lowest recall: cat, 64.2%, significantly below the rest."
    )


def test_tiles_share_one_axis_that_holds_all_of_them():
    headline = build_report(factories.cifar()).headline
    titles = [str(tile.title) for tile in headline.tiles]
    assert titles == [
        "Accuracy", "Lowest recall", "Macro F1",
    ]  # fmt: skip
    assert str(headline.tiles[1].lines[0]) == "cat, 642 / 1,000"
    assert {(tile.axis.low, tile.axis.high) for tile in headline.tiles} == {(0.5, 1)}
    for tile in headline.tiles:
        assert tile.axis.low < tile.cell.low <= tile.cell.value <= tile.cell.high <= 1


def test_balanced_accuracy_has_a_tile_where_it_is_not_the_accuracy():
    def titles(evaluation):
        return [str(tile.title) for tile in build_report(evaluation).headline.tiles]

    assert "Balanced accuracy" not in titles(factories.cifar())
    assert "Balanced accuracy" in titles(factories.binary())


def test_a_test_of_two_classes_leads_with_what_a_test_is_judged_by():
    tiles = build_report(binaries.diagnosed()).headline.tiles
    assert [str(tile.title) for tile in tiles] == [
        "Sensitivity", "Specificity", "PPV", "ROC AUC", "Average precision",
    ]  # fmt: skip
    evaluation = binaries.diagnosed()
    i = evaluation.threshold.positive
    counts = evaluation.confusion.counts
    assert tiles[0].cell.value == counts[i, i] / counts[i].sum()
    assert tiles[1].cell.value == counts[1 - i, 1 - i] / counts[1 - i].sum()
    assert tiles[2].cell.value == counts[i, i] / counts[:, i].sum()


def test_every_metric_is_shown_and_in_the_glossary():
    report = build_report(factories.cifar())
    assert [row.definition for row in report.headline.rows] == list(SUMMARY_METRICS)
    shown = {*report.classes.main, *(item for part in report.classes.others for item in part)}
    assert shown == set(CLASS_METRICS)
    for row in report.classes.rows:
        assert set(row.cells) == {definition.name for definition in CLASS_METRICS}
    explained = {item.name for _, group in report.glossary for item in group}
    assert explained >= {item.name for item in (*SUMMARY_METRICS, *CLASS_METRICS)}


def test_classes_come_worst_recall_first_and_undefined_last():
    rows = build_report(factories.absent_classes()).classes.rows
    assert [row.name.text for row in rows] == ["cow", "doe", "ant", "elk", "bee"]
    assert rows[0].remarks == ("few samples", "never predicted")
    assert rows[-1].remarks == ("no samples",)
    assert rows[-1].taken_for is None


def test_what_is_missing_carries_a_letter_that_is_explained():
    report = build_report(factories.absent_classes())
    section = report.classes
    first = {reason.mark: reason.sentence for reason in section.reasons}
    letters = first | {reason.mark: reason.sentence for reason in section.reasons_of_others}
    main = {item.name for item in section.main}
    for row in section.rows:
        for name, cell in row.cells.items():
            assert (cell.text == "n/a") == (cell.value is None)
            if cell.value is None:
                assert (first if name in main else letters)[cell.mark]
    assert "The model never predicts this class." in first.values()
    shown = {row.cells[name].mark for row in section.rows for name in main}
    assert set(first) == shown - {""}


def test_macro_averages_say_over_how_many_classes():
    notes = [str(note) for note in build_report(factories.absent_classes()).headline.notes]
    assert "Macro averages are over 4 of 5 classes; no samples of: bee." in notes
    assert "Never predicted (precision set to 0): cow." in notes


def test_the_books_of_the_samples_balance_on_the_page():
    facts = {f.term: [str(v) for v in f.values] for f in
             build_report(factories.absent_classes()).data.facts}  # fmt: skip
    assert facts["Samples found"] == ["193"]
    assert facts["Excluded"] == ["3: unreadable", "1: label unknown"]
    assert facts["Evaluated"] == ["189"]
    assert facts["Skipped files"] == ["2: text files"]
    assert facts["Classes without samples"] == ["1 of 5: bee"]
    assert facts["Classes never predicted"] == ["1 of 5: cow"]


def test_warnings_stand_before_everything():
    report = build_report(factories.absent_classes())
    assert report.cautions[0] == "Scores on training data are optimistic."


def test_pairs_add_up_to_all_errors():
    pairs = build_report(factories.cifar()).pairs
    assert len(pairs.rows) == 20
    assert sum(row.direction.count for row in pairs.rows) + pairs.rest_count == 1550
    assert str(pairs.rest) == "66 further confusions, all in pairs.csv"
    assert pairs.rest_share.replace("\u00a0", " ") == "37.3%"
    assert [row.rank for row in pairs.rows] == list(range(1, 21))


def test_galleries_stand_beside_their_reverse():
    pairs = build_report(factories.cifar()).pairs
    shown = [direction for group in pairs.groups for direction in group.directions]
    with_gallery = [(d.true, d.predicted) for d in shown if d.examples]
    ten = [(pair.true, pair.predicted) for pair in factories.cifar().pairs[:10]]
    both_ways = {*ten, *((predicted, true) for true, predicted in ten)}
    assert sorted(with_gallery) == sorted(both_ways)
    assert len(both_ways) == 16
    assert len({(d.true, d.predicted) for d in shown}) == len(shown)
    first = pairs.groups[0]
    assert [(d.true, d.predicted, d.count) for d in first.directions] == [(3, 5, 126), (5, 3, 97)]
    assert all(len(direction.examples) <= 8 for direction in shown)


def test_an_example_says_file_and_both_probabilities():
    example = build_report(factories.cifar()).pairs.groups[0].directions[0].examples[0]
    assert example.path.full == "cat/5-0000.png"
    assert example.file.text == "cat/5-0000.png"
    assert example.confidence.replace("\u00a0", " ") == "99.9%"
    assert example.label_probability.replace("\u00a0", " ") == "0.1%"
    assert example.alt.replace("\u00a0", " ") == "cat predicted as dog, 99.9%"


def test_without_galleries_the_page_says_why():
    pairs = build_report(factories.fashion()).pairs
    assert pairs.groups == ()
    assert pairs.gallery_note == ("No galleries: the input is a confusion matrix, without samples.")
    without_pictures = build_report(factories.cifar()).pairs
    assert "Images not available" in without_pictures.gallery_note


def test_small_matrices_are_tables_first_and_large_ones_pictures():
    small = build_report(factories.synthetic(30)).matrix
    assert (small.open, len(small.rows), small.figures[0].texts is None) == (True, 30, False)
    middle = build_report(factories.synthetic(100)).matrix
    assert (middle.open, len(middle.rows), middle.figures[0].texts) == (False, 100, None)
    large = build_report(factories.synthetic(150)).matrix
    assert (large.rows, large.figures[0].labels) == ((), ())
    assert "confusion.csv" in str(large.lead)
    assert f"{150:,} classes" in str(large.lead)


def test_an_overview_leaves_no_cell_out():
    """Where classes share a square, the largest of their cells gives it its colour."""
    k, side = 2100, 390
    keys = np.append(np.arange(k) * (k + 1), 500 * k + 1500)
    matrix = ConfusionMatrix(k, np.sort(keys), np.where(np.sort(keys) == 500 * k + 1500, 90, 10))
    names = tuple(f"n{i}" for i in range(k))
    evaluation = evaluate_matrix(matrix, names, Provenance(kind="confusion matrix"))
    by_count, by_share = build_report(evaluation).matrix.figures
    assert by_count.values.shape == by_share.values.shape == (side, side)
    assert by_count.values[500 * side // k, 1500 * side // k] == 90
    assert by_share.values[500 * side // k, 1500 * side // k] == 0.9
    assert np.count_nonzero(by_count.values) == side + 1


def test_confused_classes_stand_together(shared):
    golden = json.loads(shared("golden/seed_fashion.json").read_text("utf-8"))
    for key in ("first", "second"):
        matrix = ConfusionMatrix.from_counts(golden[key]["matrix"])
        assert confusion_order(matrix).tolist() == golden[key]["seriation"]["order"]


def test_classes_without_errors_go_last_in_their_order():
    counts = np.diag([5] * 6)
    counts[4, 1] = counts[1, 2] = 3
    order = confusion_order(ConfusionMatrix.from_counts(counts)).tolist()
    assert order[3:] == [0, 3, 5]
    assert sorted(order) == list(range(6))


def test_above_200_classes_those_with_the_lowest_recall_are_listed():
    report = build_report(factories.synthetic(2100, 5))
    section = report.classes
    assert len(section.rows) == 200
    assert len(section.lookup) == 2100
    known = [float(row[3]) for row in section.lookup if row[3] != "n/a"]
    assert known == sorted(known)
    listed = {f"c-{row.index}" for row in section.rows}
    targets = {one.target for one in (*report.findings, *report.steps)}
    assert {target for target in targets if target.startswith("c-")} <= listed
    recalls = [row.cells["recall"].value for row in section.rows]
    assert recalls == sorted(recalls)
    assert "all are in per_class.csv" in str(section.lead)
    assert build_report(factories.synthetic(30)).classes.lookup == ()


def test_provenance_shows_hashes_and_command():
    made = {fact.term: [str(value) for value in fact.values] for fact in
            build_report(factories.cifar(), {}, {"seaborn": "0.13"}).made}  # fmt: skip
    assert made["Model SHA-256"] == ["candidate.pt2  " + "ab" * 32]
    assert made["Dataset hash"] == ["cd" * 32]
    assert made["Command"] == ["reportgen run candidate.pt2 test -o out"]
    assert made["Report versions"] == ["seaborn 0.13"]
    assert made["Loading"] == ["Model file contains executable code."]
    assert "Title" not in made


def test_control_characters_reach_no_sentence():
    evil = "a\nb\x1b[31m\u202e"
    provenance = Provenance(kind="x", model=ModelFacts(name=evil), data_name=evil, command=evil)
    evaluation = make_evaluation([[3, 1], [1, 3]], [evil, "b"], provenance=provenance)
    n = evaluation.n_samples
    evaluation = replace(evaluation, samples=Accounting(n + 1, n, {evil: 1}))
    report = build_report(evaluation)
    texts = [report.title, *map(str, report.verdict.reason.parts)]
    texts += [str(v) for fact in (*report.facts, *report.made, *report.data.facts)
              for v in fact.values]  # fmt: skip
    texts += [f"{f.head} {f.body}" for f in report.findings]
    for text in texts:
        assert not {"\n", "\x1b", "\u202e"} & set(text)
