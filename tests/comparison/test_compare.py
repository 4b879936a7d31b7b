"""The comparison as a whole: by hand, against references, and laws over the order of rows."""

import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen import compare as api_compare
from reportgen.analysis.scoring import minimum_detectable_difference
from reportgen.comparison import (
    ALPHA,
    COMPARED,
    DRAWS,
    REASONS,
    SEED,
    Comparison,
    align_predictions,
    compare_evaluations,
    compare_paired,
    mcnemar_mid_p,
    tango,
)
from reportgen.errors import DataError
from reportgen.evaluation import evaluate_matrix, evaluate_predictions
from reportgen.metrics.multiple_testing import holm
from reportgen.options.evaluation import EvaluationOptions
from reportgen.provenance import Provenance
from tests.comparison.tables import PETS, compared, random_sides, table
from tests.factories import FASHION, make_evaluation

NAMES = ["cat"] * 4 + ["dog"] * 3 + ["fox"]
BEFORE = ["cat", "cat", "dog", "dog", "dog", "cat", "cat", "cat"]
AFTER = ["cat", "dog", "cat", "dog", "dog", "dog", "cat", "fox"]


def by_hand(**more):
    ids = [f"s{i}" for i in range(8)]
    return table(ids, NAMES, BEFORE, **more), table(ids, NAMES, AFTER, **more)


def test_by_hand():
    """s1 lost; s2, s5, s7 gained; s0, s4 right and s3, s6 wrong in the same way on both sides."""
    comparison = compared(*by_hand())
    counts = comparison.paired
    assert (counts.both_right, counts.gained, counts.lost, counts.both_wrong) == (2, 3, 1, 2)
    assert (counts.same, counts.agreement, counts.discordance) == (4, 0.5, 0.5)
    accuracy = comparison.summary["accuracy"]
    assert (accuracy.baseline, accuracy.candidate, accuracy.difference) == (3 / 8, 5 / 8, 2 / 8)
    assert accuracy.interval == tango(3, 1, 8)
    assert accuracy.bounds == tango(3, 1, 8, 0.90)
    assert accuracy.p == mcnemar_mid_p(3, 1)
    assert accuracy.method == "tango"
    assert [(c.support, c.paired.gained, c.paired.lost) for c in comparison.classes] == [
        (4, 1, 1), (3, 1, 0), (1, 1, 0),
    ]  # fmt: skip
    assert [c.recall.difference for c in comparison.classes] == [0, 1 / 3, 1]
    assert {change.id for change in comparison.fixed} == {"s2", "s5", "s7"}
    assert [change.id for change in comparison.broken] == ["s1"]
    assert (comparison.broken[0].label, comparison.broken[0].candidate) == (0, 1)
    assert not comparison.identical
    assert comparison.draws == 200
    assert comparison.seed == SEED


def few_of_eight(predictions):
    return {
        "id": [str(i) for i in range(80)],
        "label": ["a", "a", "b", "b"] * 20,
        "prediction": predictions * 20,
    }


def test_macro_averages_over_all_classes_are_compared_as_such():
    """2 of 8 declared classes have samples: macro F1 is 2 / 8 of the mean of theirs."""
    before, after = (few_of_eight(["a", "b", "b", "b"]), few_of_eight(["a", "a", "b", "b"]))
    found = api_compare(before, after, classes=list("abcdefgh"), macro="all").summary["macro_f1"]
    assert found.difference == pytest.approx((2 - 2 / 3 - 4 / 5) / 8)
    low, high = found.interval
    assert low == pytest.approx(0.042, abs=0.004)
    assert high == pytest.approx(0.094, abs=0.004)


@pytest.mark.parametrize("kind", ["matched", "unmatched"])
def test_a_baseline_with_other_macro_averages_has_them_made_again(kind):
    ids = [f"s{i}" for i in range(8)]
    named = {"classes": ("cat", "dog", "fox", "owl")}
    sides = align_predictions(*(table(ids, NAMES, said, **named) for said in (BEFORE, AFTER)))
    classes = [
        evaluate_predictions(side, EvaluationOptions(macro=macro))
        for side, macro in ((sides.baseline, "all"), (sides.candidate, "present"))
    ]
    if kind == "matched":
        comparison = compare_paired(sides, baseline=classes[0], candidate=classes[1], draws=50)
    else:
        comparison = compare_evaluations(*classes, "no_predictions")
    assert comparison.baseline.macro == "present"
    expected = evaluate_predictions(sides.baseline).summary["macro_f1"].value
    assert comparison.summary["macro_f1"].baseline == expected
    assert [note.code for note in comparison.notes] == ["compared-macro"]


def test_the_candidates_share_of_precision_and_f1_is_that_of_its_evaluation():
    baseline, candidate = random_sides(3)
    comparison = compared(baseline, candidate)
    alone = evaluate_predictions(candidate)
    assert comparison.candidate.summary == alone.summary
    for name in COMPARED:
        assert comparison.summary[name].candidate == alone.summary[name].value
    for change in comparison.classes:
        for name in ("recall", "precision", "f1"):
            expected = alone.per_class[name].metric(change.index).value
            assert getattr(change, name).candidate == expected


def test_a_known_evaluation_of_the_candidate_is_not_made_again():
    both = align_predictions(*by_hand())
    known = evaluate_predictions(both.candidate)
    assert compare_paired(both, candidate=known, draws=50).candidate is known


def test_recall_is_corrected_over_the_classes_that_have_samples():
    classes = (*PETS, "owl")
    comparison = compared(*by_hand(classes=classes))
    owl = comparison.classes[3]
    assert owl.recall.difference is None
    assert owl.recall.reason == "no_true_samples"
    assert owl.tendency == "no clear change"
    assert comparison.n_tests == 3
    p = [c.recall.p for c in comparison.classes[:3]]
    assert [c.recall.p_adjusted for c in comparison.classes[:3]] == holm(p).p.tolist()


def changed(n, lost, gained=0):
    """n samples of "cat", of which some are lost and gained, and many of the others."""
    labels = ["cat"] * n + ["dog"] * 200 + ["fox"] * 200
    before = ["cat"] * (n - gained) + ["dog"] * gained + labels[n:]
    after = ["dog"] * lost + ["cat"] * (n - lost) + labels[n:]
    ids = range(len(labels))
    return compared(table(ids, labels, before), table(ids, labels, after), draws=50)


@pytest.mark.parametrize(
    ("lost", "gained", "expected"),
    [
        (12, 0, "worse"),
        (0, 12, "better"),
        (5, 0, "perhaps worse"),
        (0, 5, "perhaps better"),
        (3, 0, "no clear change"),
        (0, 0, "no clear change"),
    ],
)
def test_the_tendency_of_a_class_follows_its_p_values(lost, gained, expected):
    cat = changed(300, lost, gained).classes[0]
    assert cat.tendency == expected
    assert (cat.recall.p_adjusted < ALPHA) == (expected in ("worse", "better"))


def test_identical_predictions_have_p_1_and_nothing_is_significant():
    baseline, _ = random_sides(5)
    comparison = compared(baseline, baseline)
    assert comparison.identical
    assert comparison.fixed == comparison.broken == comparison.grown == ()
    assert comparison.detectable is None
    for name, difference in comparison.summary.items():
        if name == "log_loss":  # no probability of the label in these tables
            continue
        assert (difference.difference, difference.p) == (0, 1), name
    accuracy = comparison.summary["accuracy"]
    assert accuracy.interval[0] < 0 < accuracy.interval[1]
    assert comparison.summary["macro_f1"].reason == "no_disagreement"
    for change in comparison.classes:
        assert change.tendency == "no clear change"
        assert (change.recall.p, change.f1.p, change.precision.p) == (1, 1, 1)


def same_but_for_rounding(one, other):
    """Equal, floats within 1e-12; of evaluations, what says where they come from left out."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-12, abs=1e-12)
    if isinstance(one, dict):
        kept = set(one) - {"provenance", "data_notes"}
        return kept == set(other) - {"provenance", "data_notes"} and all(
            same_but_for_rounding(one[k], other[k]) for k in kept
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same_but_for_rounding, one, other))
    return one == other


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_any_order_of_rows_gives_the_same_comparison(seed):
    order = np.random.default_rng(seed).permutation(120)
    expected = compared(*random_sides(7), draws=50)
    found = compared(*random_sides(7, order=order), draws=50)
    assert same_but_for_rounding(found.to_json(), expected.to_json())
    assert found.slices


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32 - 1))
def test_exchanged_sides_mirror_the_comparison(seed):
    baseline, candidate = random_sides(seed)
    there, back = compared(baseline, candidate), compared(candidate, baseline)
    assert (there.paired.gained, there.paired.lost) == (back.paired.lost, back.paired.gained)
    for name in ("accuracy", "macro_f1", "balanced_accuracy", "ece"):
        assert there.summary[name].difference == pytest.approx(-back.summary[name].difference)
    low, high = there.summary["accuracy"].interval
    assert back.summary["accuracy"].interval == pytest.approx((-high, -low))
    for one, other in zip(there.classes, back.classes, strict=True):
        assert one.recall.p == other.recall.p
        assert one.recall.p_adjusted == other.recall.p_adjusted
        assert {one.tendency, other.tendency} in (
            {"no clear change"}, {"worse", "better"}, {"perhaps worse", "perhaps better"},
        )  # fmt: skip
    assert [c.id for c in there.fixed] == [c.id for c in back.broken]


def test_grown_pairs_are_those_that_grew_by_growth_then_class():
    comparison = compared(*by_hand())
    assert [(p.true, p.predicted, p.baseline, p.candidate) for p in comparison.grown] == []
    ids = range(8)
    after = ["fox", "dog", "dog", "dog", "fox", "fox", "cat", "cat"]
    comparison = compared(table(ids, NAMES, BEFORE), table(ids, NAMES, after))
    assert [(p.true, p.predicted, p.baseline, p.candidate) for p in comparison.grown] == [
        (1, 2, 0, 2), (0, 1, 2, 3), (0, 2, 0, 1),
    ]  # fmt: skip


def test_the_surest_mistakes_come_first_and_ties_go_by_id():
    n = 60
    ids = [f"s{i:02}" for i in range(n)]
    sure = np.round(np.linspace(0.5, 0.9, n // 2), 2).repeat(2)
    labels = ["cat"] * n
    right = table(ids, labels, labels, confidence=np.full(n, 0.4))
    wrong = table(ids, labels, ["dog"] * n, confidence=sure)
    broken, fixed = compared(right, wrong).broken, compared(wrong, right).fixed
    expected = sorted(range(n), key=lambda i: (-sure[i], ids[i]))[:24]
    assert [change.id for change in broken] == [ids[i] for i in expected]
    assert [change.id for change in fixed] == [ids[i] for i in expected]
    assert broken[0].candidate_confidence == pytest.approx(0.9)
    assert broken[0].baseline_confidence == pytest.approx(0.4)


def test_without_confidences_examples_go_by_id_and_scores_are_not_compared():
    comparison = compared(*by_hand())
    assert [change.id for change in comparison.fixed] == ["s2", "s5", "s7"]
    assert comparison.fixed[0].baseline_confidence is None
    for name in ("ece", "log_loss"):
        difference = comparison.summary[name]
        assert (difference.difference, difference.reason) == (None, "no_scores")


def test_detectable_is_connors_difference_at_the_discordance_seen():
    comparison = compared(*random_sides(11, n=1_000))
    psi = comparison.paired.discordance
    assert comparison.detectable == minimum_detectable_difference(1_000, psi).value > 0


def test_slices_are_paired_and_corrected_together():
    baseline, candidate = random_sides(13, n=400, better=0.2)
    comparison = compared(baseline, candidate)
    assert {(one.column, one.part, one.n) for one in comparison.slices} == {
        ("camera", "north", 200), ("camera", "south", 200),
    }  # fmt: skip
    columns = [
        np.concatenate([b[name] for b in side.batches(name)])
        for side in (baseline, candidate)
        for name in ("label", "prediction")
    ]
    camera = next(candidate.batches("camera"))["camera"]
    for one in comparison.slices:
        at = camera == one.part
        right = [(columns[i] == columns[i + 1])[at] for i in (0, 2)]
        gained, lost = (right[1] & ~right[0]).sum(), (right[0] & ~right[1]).sum()
        assert one.accuracy.interval == tango(int(gained), int(lost), 200)
    p = [one.accuracy.p for one in comparison.slices]
    assert [one.accuracy.p_adjusted for one in comparison.slices] == holm(p).p.tolist()
    differences = [one.accuracy.difference for one in comparison.slices]
    assert differences == sorted(differences)


def test_a_column_that_says_something_of_the_model_makes_no_slices():
    sides = [
        table(range(8), NAMES, said, was_right=np.where(np.array(said) == NAMES, "yes", "no"))
        for said in (BEFORE, AFTER)
    ]
    comparison = compared(*sides)
    assert comparison.slices == ()
    assert [note.code for note in comparison.notes] == ["compared-columns"]
    assert comparison.notes[0].examples == ("was_right",)


def test_a_column_of_numbers_on_one_side_and_text_on_the_other_makes_no_slices():
    sizes = np.arange(8.0)
    baseline = table(range(8), NAMES, BEFORE, size=[f"about {s}" for s in sizes])
    comparison = compared(baseline, table(range(8), NAMES, AFTER, size=sizes))
    assert [note.code for note in comparison.notes] == ["compared-columns"]


def test_a_baseline_is_kept_without_its_samples():
    comparison = compared(*random_sides(2))
    assert comparison.baseline.examples == ()
    assert comparison.candidate.examples


def test_every_reason_of_a_missing_part_is_explained():
    comparison = compared(*by_hand(classes=(*PETS, "owl")))
    unpaired = compare_evaluations(comparison.baseline, comparison.candidate, "matrix")
    assert unpaired.unpaired_reason in REASONS
    for one in (comparison, unpaired):
        differences = [*one.summary.values()]
        for change in one.classes:
            differences += [change.recall, change.precision, change.f1]
        for difference in differences:
            if difference.interval is None:
                assert difference.reason in REASONS


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="draws"):
        compare_paired(align_predictions(*by_hand()), draws=0)
    assert DRAWS == 2_000


# two matrices ---------------------------------------------------------------------------------


@pytest.fixture
def fashion(shared):
    golden = json.loads(shared("golden/seed_fashion.json").read_text("utf-8"))
    first, second = (make_evaluation(golden[s]["matrix"], FASHION) for s in ("first", "second"))
    return golden["second_minus_first"], first, second


def test_the_fashion_matrices_are_compared_as_published(fashion):
    golden, first, second = fashion
    comparison = compare_evaluations(first, second, "matrix")
    accuracy = comparison.summary["accuracy"]
    assert accuracy.difference == pytest.approx(0.0275, abs=5e-5)
    assert accuracy.interval == pytest.approx(golden["newcomb"], rel=1e-12)
    assert accuracy.p == pytest.approx(golden["p_two_sided"], rel=1e-9)
    for change, expected in zip(comparison.classes, golden["recall_by_class"], strict=True):
        recall = change.recall
        assert recall.difference == pytest.approx(expected["recall_difference"], abs=1e-15)
        assert recall.interval == pytest.approx(expected["newcomb_ci95"], rel=1e-9)
        assert recall.p == pytest.approx(expected["p"], rel=1e-9)
        assert recall.p_adjusted == pytest.approx(expected["p_holm"], rel=1e-9)
        assert recall.method == "newcombe"
        assert (change.paired, change.support) == (None, 6_000)
    worse = {FASHION[c.index]: c.recall.difference for c in comparison.classes
             if c.tendency == "worse"}  # fmt: skip
    assert worse == pytest.approx({"Sneaker": -0.0545, "T-shirt/top": -0.0343, "Bag": -0.01},
                                  abs=1e-4)  # fmt: skip
    assert comparison.bounds.discordant == (2_838, 14_028)
    assert comparison.bounds.chi2 == pytest.approx((194.5, 961.6), abs=0.1)
    assert (comparison.paired, comparison.detectable, comparison.n_tests) == (None, None, 10)
    assert comparison.summary["macro_f1"].difference == pytest.approx(0.890228602 - 0.858392657)
    assert comparison.summary["macro_f1"].method == "mover"
    assert comparison.summary["macro_f1"].interval == pytest.approx((0.0283, 0.0354), abs=1e-4)


def test_matrices_with_classes_in_another_order_are_matched_by_name(fashion):
    _, first, second = fashion
    order = np.random.default_rng(0).permutation(10)
    shuffled = make_evaluation(
        first.confusion.counts[np.ix_(order, order)], [FASHION[i] for i in order]
    )
    found = compare_evaluations(shuffled, second, "matrix")
    expected = compare_evaluations(first, second, "matrix")
    assert found.baseline.classes == FASHION
    assert found.baseline.confusion == first.confusion
    assert found.baseline.pairs == first.pairs
    assert found.classes == expected.classes
    assert found.summary["accuracy"] == expected.summary["accuracy"]
    assert [note.code for note in found.notes] == ["compared-classes-order"]


def test_matrices_of_different_data_are_refused_or_carry_a_warning():
    first = make_evaluation([[8, 2], [1, 9]], PETS[:2])
    second = make_evaluation([[8, 2], [1, 11]], PETS[:2])
    with pytest.raises(DataError, match="different data: 1 class of 2") as caught:
        compare_evaluations(first, second, "matrix")
    assert caught.value.slug == "compare-data"
    assert '"dog": 10 in the baseline, 12 in the candidate' in str(caught.value)
    assert "--allow-different-data" in str(caught.value)
    comparison = compare_evaluations(first, second, "matrix", allow_different_data=True)
    assert comparison.bounds is None
    assert [(note.code, note.severity) for note in comparison.notes] == [
        ("compared-data", "warning")
    ]


def test_matrices_of_different_classes_are_refused():
    with pytest.raises(DataError) as caught:
        compare_evaluations(
            make_evaluation([[8, 2], [1, 9]], ["cat", "dog"]),
            make_evaluation([[8, 2], [1, 9]], ["cat", "fox"]),
            "matrix",
        )
    assert caught.value.slug == "compare-classes"


def test_slices_of_two_reports_are_compared_where_they_have_the_same_samples():
    baseline, candidate = (evaluate_predictions(side) for side in random_sides(17, n=200))
    comparison = compare_evaluations(baseline, candidate, "no_predictions")
    assert len(comparison.slices) == 2
    for one in comparison.slices:
        assert one.accuracy.method == "newcombe"
        assert one.accuracy.p_adjusted is not None
    fewer = replace(baseline.slices.slices[0], n=7)
    other = replace(baseline, slices=replace(baseline.slices, slices=(fewer,)))
    assert compare_evaluations(other, candidate, "no_predictions").slices == ()


def test_an_unpaired_comparison_is_more_careful_than_the_paired_one():
    labels = ["cat", "dog"] * 100
    before = ["cat"] * 200
    sides = [table(range(200), labels, said) for said in (before, [*labels[:20], *before[20:]])]
    paired = compared(*sides).summary["accuracy"]
    results = map(evaluate_predictions, sides)
    unpaired = compare_evaluations(*results, "no_predictions").summary["accuracy"]
    assert paired.difference == unpaired.difference == 10 / 200
    widths = [high - low for low, high in (paired.interval, unpaired.interval)]
    assert widths[0] < widths[1] / 2


# JSON -----------------------------------------------------------------------------------------


def everything():
    paired = compared(*random_sides(23))
    return [
        paired,
        compared(*by_hand(classes=(*PETS, "owl"))),
        compare_evaluations(paired.baseline, paired.candidate, "no_predictions"),
    ]


@pytest.mark.parametrize("which", range(3))
def test_json_is_lossless(which):
    comparison = everything()[which]
    text = json.dumps(comparison.to_json(), allow_nan=False, sort_keys=True)
    found = Comparison.from_json(json.loads(text), comparison.candidate)
    for item in fields(Comparison):
        assert getattr(found, item.name) == getattr(comparison, item.name), item.name
    assert json.dumps(found.to_json(), sort_keys=True) == text


@pytest.mark.parametrize(
    "damage",
    [
        lambda v: v.pop("paired"),
        lambda v: v["paired"].update(gained="3"),
        lambda v: v["summary"].pop("ece"),
        lambda v: v["summary"]["accuracy"].update(p="0.1"),
        lambda v: v["summary"]["accuracy"].update(interval=[0.1]),
        lambda v: v["summary"]["accuracy"].update(difference=math.nan),
        lambda v: v["summary"]["accuracy"].update(difference=True),
        lambda v: v["per_class"].pop(),
        lambda v: v["per_class"][0].update(tendency="splendid"),
        lambda v: v["fixed"][0].update(label="nobody"),
        lambda v: v["fixed"][0].update(id=7),
        lambda v: v["bootstrap"].update(draws=1.5),
        lambda v: v.update(notes=[{}]),
        lambda v: v.update(baseline=None),
        lambda v: v["baseline"].update(classes=[]),
    ],
)
def test_damaged_json_is_refused(damage):
    comparison = everything()[0]
    value = json.loads(json.dumps(comparison.to_json()))
    damage(value)
    with pytest.raises(DataError) as caught:
        Comparison.from_json(value, comparison.candidate)
    assert caught.value.slug == "report-json-damaged"


def test_json_of_another_candidate_is_refused():
    comparison = everything()[0]
    other = evaluate_matrix(comparison.candidate.confusion, PETS, Provenance("confusion matrix"))
    with pytest.raises(DataError, match="other classes"):
        Comparison.from_json(comparison.to_json(), other)
