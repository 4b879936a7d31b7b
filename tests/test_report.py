"""What is said: findings as a table of cases, sentences, names, sections."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from reportgen.confusion import ConfusionMatrix
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS, evaluate_matrix
from reportgen.provenance import Accounting, ModelFacts, Provenance
from reportgen.report import build_report
from reportgen.report.order import confusion_order
from reportgen.report.words import (
    Name,
    at_most,
    class_names,
    interval,
    join,
    listed,
    say,
    share,
    shorten,
    signed,
    signed_interval,
)
from tests import factories
from tests.factories import make_evaluation


def said(evaluation):
    """The findings as plain text, with plain spaces."""
    return [
        f"{finding.head} {finding.body}".replace("\u00a0", " ")
        for finding in build_report(evaluation).findings
    ]


CASES = {
    "ten classes: weakest, pair, concentration, calls, precision, baseline": (
        (factories.CIFAR_COUNTS, factories.CIFAR),
        [
            "cat is the weakest class: 64.2 % of 1,000 are found (95 % interval 61.2–67.1 %). "
            "12.6 % are called dog.",
            "cat and dog are the hardest pair: cat is called dog 126 times, dog is called cat 97 "
            "times; together 14.4 % of all 1,550 errors.",
            "A few confusions make many of the errors: the ten largest of 86 error cells hold "
            "40.7 % of all 1,550 errors.",
            "Most errors stay among classes that are taken for one another: 83.7 % of all 1,550 "
            "errors are within 2 groups of classes that these errors suggest: cat, bird, dog, "
            "deer, frog and horse; airplane, truck, ship and automobile.",
            "cat is called too rarely: 869 predictions for 1,000 samples. frog is called too "
            "often: 1,070 for 1,000.",
            "“cat” is the least reliable answer: 73.9 % of 869 such answers are right "
            "(95 % interval 70.9–76.7 %).",
            "The model beats a constant answer: it is right for 84.5 % of the samples, “always "
            "airplane” would be for 10.0 %.",
        ],
    ),
    "the published Fashion-MNIST matrix, in the issue's own words": (
        (factories.FASHION_COUNTS, factories.FASHION),
        [
            "Shirt is the weakest class: 56.6 % of 6,000 are found (95 % interval 55.3–57.8 %). "
            "19.3 % are called T-shirt/top.",
            "Shirt and T-shirt/top are the hardest pair: Shirt is called T-shirt/top 1,159 times, "
            "T-shirt/top is called Shirt 241 times; together 21.8 % of all 6,422 errors.",
            ...,
        ],
    ),
    "one class": (
        ([[5]], ["only"]),
        [
            "5 samples leave much open: the 95 % interval of the accuracy runs from 56.6 % to "
            "100 %.",
            "All samples are of one class, only: how well it is told apart from others cannot be "
            "seen here.",
            "No errors were seen in 5 samples: the error rate is at most 45.1 % (one-sided 95 % "
            "bound).",
        ],
    ),
    "one sample, right": (
        ([[1, 0], [0, 0]], ["ant", "bee"]),
        [
            "1 sample supports no conclusion: the 95 % interval of the accuracy runs from 20.7 % "
            "to 100 %.",
            ...,
        ],
    ),
    "one sample, wrong": (
        ([[0, 1], [0, 0]], ["ant", "bee"]),
        [
            "1 sample supports no conclusion: the 95 % interval of the accuracy runs from 0 % to "
            "79.3 %.",
            "The one answer is wrong. It supports no rate.",
            ...,
        ],
    ),
    "all right": (
        ([[500, 0], [0, 500]], ["ant", "bee"]),
        [
            "No errors were seen in 1,000 samples: the error rate is at most 0.3 % (one-sided "
            "95 % bound).",
            "The model beats a constant answer: it is right for 100 % of the samples, “always ant” "
            "would be for 50.0 %.",
        ],
    ),
    "all wrong": (
        ([[0, 500], [700, 0]], ["ant", "bee"]),
        [
            "Not one of 1,200 answers is right. Check that the class list has the order of the "
            "model's outputs.",
            "A constant answer would do better: “always bee” is right for 58.3 % of the samples, "
            "the model for 0 % (95 % interval 0–0.3 %).",
            ...,
        ],
    ),
    "a constant answer cannot be ruled out": (
        ([[95, 5], [4, 6]], ["big", "small"]),
        [
            "110 samples leave much open: the 95 % interval of the accuracy runs from 85.2 % to "
            "95.6 %.",
            "The model is not shown to beat a constant answer: “always big” is right for 90.9 % "
            "of the samples, the model for 91.8 % (95 % interval 85.2–95.6 %).",
            ...,
        ],
    ),
    "a class that is never found, and the next weakest": (
        ([[900, 100, 0], [50, 950, 0], [1, 39, 0]], ["ant", "bee", "cow"]),
        [
            "cow is never predicted: not one right answer for its 40 samples. 97.5 % are called bee.",
            "ant is the next weakest class: 90.0 % of 1,000 are found (95 % interval 88.0–91.7 %). "
            "10.0 % are called bee.",
            ...,
        ],
    ),
    "a class that is named, but never rightly": (
        ([[900, 98, 2], [50, 950, 0], [0, 40, 0]], ["ant", "bee", "cow"]),
        ["cow is never found: not one right answer for its 40 samples. All are called bee.", ...],
    ),
    "several classes that are never found": (
        ([[900, 0, 0], [30, 0, 0], [40, 0, 0]], ["ant", "bee", "cow"]),
        [..., "2 classes are never found: bee and cow; 70 samples and not one right answer.", ...],
    ),
    "two classes share the lowest recall": (
        ([[80, 20, 0], [0, 90, 10], [0, 20, 80]], ["ant", "bee", "cow"]),
        ["2 classes share the lowest recall: of ant and cow, 80.0 % are found each.", ...],
    ),
    "equal pairs are not called the hardest": (
        ([[90, 10, 0], [0, 90, 10], [10, 0, 90]], ["ant", "bee", "cow"]),
        [
            ...,
            "ant and bee are among the hardest pairs: ant is called bee 10 times, never the other "
            "way round; together 33.3 % of all 30 errors.",
            ...,
        ],
    ),
    "few samples in the weakest class, and an overlap that is said": (
        ([[950, 50, 0], [40, 960, 0], [1, 1, 8]], ["ant", "bee", "cow"]),
        [
            "cow is the weakest class: 80.0 % of only 10 are found (95 % interval 49.0–94.3 %). "
            "Its interval overlaps that of ant (95.0 %).",
            ...,
        ],
    ),
    "accuracy flatters": (
        ([[980, 20], [25, 25]], ["healthy", "ill"]),
        [
            ...,
            "Accuracy flatters the model: 95.7 % of all samples are right, but the mean recall "
            "over classes is 74.0 %. On the whole, larger classes are found better than smaller "
            "ones.",
            ...,
        ],
    ),
    "accuracy understates": (
        ([[800, 200], [0, 50]], ["big", "small"]),
        [
            ...,
            "Accuracy is below the mean over classes: 81.0 % of all samples are right, but the "
            "mean recall over classes is 90.0 %. On the whole, smaller classes are found better "
            "than larger ones.",
            ...,
        ],
    ),
    "classes without samples": (
        ([[90, 10, 0], [10, 90, 0], [0, 0, 0]], ["ant", "bee", "cow"]),
        [
            ...,
            "1 of 3 classes has no samples: cow. Nothing is known of how well it is found, and "
            "macro averages leave it out.",
            ...,
        ],
    ),
    "a perfect class has a bound": (
        ([[900, 100], [0, 1000]], ["ant", "bee"]),
        [
            ...,
            "No sample of bee is missed: no errors seen in 1,000 samples; the miss rate is at most "
            "0.3 % (one-sided 95 % bound).",
            ...,
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_findings(name):
    """``...`` stands for any number of findings."""
    (counts, classes), expected = CASES[name]
    found = said(make_evaluation(counts, classes))
    assert len(found) <= 7
    place = 0
    loose = False
    for sentence in expected:
        if sentence is ...:
            loose = True
            continue
        assert sentence in found[place:], found
        at = found.index(sentence, place)
        assert loose or at == place, found
        place, loose = at + 1, False
    assert loose or place == len(found), found


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
    assert str(listed(names[:1])) == "na"
    assert str(listed(names[:3])) == "na, nb and nc"
    assert str(listed(names, 3)) == "na, nb, nc and 5 more"
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
    assert at_most(0.00299) == "0.3\u00a0%"
    assert at_most(0.0005) == "0.050\u00a0%"
    assert at_most(0.000501) == "0.051\u00a0%"
    assert at_most(0.4507) == "45.1\u00a0%"
    assert at_most(0.0) == "0\u00a0%"
    assert share(0.845) == "84.5\u00a0%"
    assert interval((0.838, 1.0)) == "83.8–100\u00a0%"
    assert interval((0.994, 0.9998)) == "99.4–99.98\u00a0%"


def test_the_end_of_a_signed_interval_gets_the_digits_that_it_needs():
    assert signed_interval((0.838, 0.852)) == "0.838–0.852"
    assert signed_interval((0.985, 0.99987)) == "0.985–0.9999"
    assert signed_interval((-0.0123, 0.00004)) == "−0.012 to 0.00004"
    assert signed_interval((0.9997, 1.0002)) == "0.9997–1.000"


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
        "No release rules were given, so this report measures and does not decide: 84.5 % of "
        "10,000 answers are right (95 % interval 83.8–85.2 %). The weakest class is cat, with a "
        "recall of 64.2 %."
    )


def test_tiles_share_one_axis_that_holds_all_of_them():
    headline = build_report(factories.cifar()).headline
    titles = [str(tile.title) for tile in headline.tiles]
    assert titles == [
        "Accuracy", "Balanced accuracy", "Macro F1", "Weakest recall: cat", "Top-5 accuracy",
    ]  # fmt: skip
    assert {(tile.axis.low, tile.axis.high) for tile in headline.tiles} == {(0.5, 1)}
    for tile in headline.tiles:
        assert tile.axis.low < tile.cell.low <= tile.cell.value <= tile.cell.high <= 1


def test_top_5_says_why_it_is_missing_or_makes_room():
    *_, top5 = build_report(factories.fashion()).headline.tiles
    assert top5.cell.text == "n/a"
    assert "scores" in str(top5.lines[0])
    titles = [str(tile.title) for tile in build_report(factories.binary()).headline.tiles]
    assert "Top-5 accuracy" not in titles


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
    assert "Never predicted, precision counted as 0: cow." in notes


def test_the_books_of_the_samples_balance_on_the_page():
    facts = {f.term: [str(v) for v in f.values] for f in
             build_report(factories.absent_classes()).data.facts}  # fmt: skip
    assert facts["Samples found"] == ["193"]
    assert facts["Left out"] == ["3: unreadable", "1: label unknown"]
    assert facts["Counted"] == ["189"]
    assert facts["Passed over, no samples"] == ["2: text files"]
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
    assert pairs.rest_share.replace("\u00a0", " ") == "37.3 %"
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
    assert example.file.text == "5-0000.png"
    assert example.confidence.replace("\u00a0", " ") == "99.9 %"
    assert example.label_probability.replace("\u00a0", " ") == "0.1 %"
    assert example.alt.replace("\u00a0", " ") == "cat called dog with 99.9 % confidence"


def test_without_galleries_the_page_says_why():
    pairs = build_report(factories.fashion()).pairs
    assert pairs.groups == ()
    assert pairs.gallery_note == (
        "There are no galleries, because the input is a confusion matrix: it holds counts, "
        "no samples."
    )
    without_pictures = build_report(factories.cifar()).pairs
    assert "not at hand" in without_pictures.gallery_note


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


def test_above_2000_classes_the_worst_and_the_best_are_listed():
    section = build_report(factories.synthetic(2100, 5)).classes
    assert len(section.rows) == 250
    assert len(section.lookup) == 2100
    recalls = [row.cells["recall"].value for row in section.rows]
    assert recalls == sorted(recalls)
    assert "per_class.csv holds all" in str(section.lead)
    assert build_report(factories.synthetic(30)).classes.lookup == ()


def test_provenance_shows_hashes_and_command():
    made = {fact.term: [str(value) for value in fact.values] for fact in
            build_report(factories.cifar(), {}, {"seaborn": "0.13"}).made}  # fmt: skip
    assert made["Model files, SHA-256"] == ["candidate.pt2  " + "ab" * 32]
    assert made["Data fingerprint"] == ["cd" * 32]
    assert made["Command"] == ["reportgen run candidate.pt2 test -o out"]
    assert made["Page made with"] == ["seaborn 0.13"]
    assert made["Loading"] == ["Loading or running it executes code that came with the model."]
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
