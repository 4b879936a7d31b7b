"""Cluster bootstrap: against the ordinary one, by hand, and the laws of what streams."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import DataError
from reportgen.metrics import SUMMARY, bootstrap_intervals, summary_metrics, wilson
from reportgen.metrics.cluster_bootstrap import GroupCounts, cluster_intervals

NAMES = ("accuracy", "balanced_accuracy", "macro_f1", "cohen_kappa", "matthews_corrcoef")


def answers(n, k=4, seed=0, right=0.8):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    moved = (labels + rng.integers(1, k, n)) % k
    return labels, np.where(rng.random(n) < right, labels, moved)


def intervals(groups, labels, predictions, k=4, **options):
    return cluster_intervals(GroupCounts.of(groups, labels, predictions, k), **options)


def width(metric):
    low, high = metric.interval
    return high - low


def test_groups_of_one_sample_give_the_ordinary_bootstrap():
    """Equal within Monte Carlo error to BCa on the matrix, and to Wilson for the accuracy."""
    labels, predictions = answers(1500)
    found = intervals(np.arange(1500), labels, predictions, draws=8000)
    matrix = GroupCounts.of(np.arange(1500), labels, predictions, 4).matrix()
    ordinary = bootstrap_intervals(matrix, draws=8000).summary
    for name in NAMES[1:]:
        one, other = found.intervals.summary[name], ordinary[name]
        assert one.value == other.value
        np.testing.assert_allclose(one.interval, other.interval, atol=0.07 * width(other))
    expected = [float(end) for end in wilson(matrix.n_correct, 1500)]
    found_ends = found.intervals.summary["accuracy"].interval
    np.testing.assert_allclose(found_ends, expected, atol=0.002)
    assert found.design_effect == pytest.approx(1, rel=1e-12)
    assert found.effective_samples == pytest.approx(1500)


def test_copies_in_a_group_widen_the_intervals_by_the_root_of_their_number():
    labels, predictions = answers(400)
    alone = intervals(np.arange(400), labels, predictions)
    nine = [np.repeat(column, 9) for column in (np.arange(400), labels, predictions)]
    grouped = intervals(*nine)
    ignored = intervals(np.arange(3600), *nine[1:])
    for name in NAMES:
        copies, strangers = (x.intervals.summary[name] for x in (grouped, ignored))
        assert width(copies) / width(strangers) == pytest.approx(3, rel=0.1)
        np.testing.assert_allclose(
            copies.interval, alone.intervals.summary[name].interval, rtol=1e-12
        )
    assert grouped.design_effect == pytest.approx(9, rel=0.01)
    assert grouped.effective_samples == pytest.approx(400, rel=0.01)
    assert (grouped.n_groups, grouped.n_samples, grouped.largest) == (400, 3600, 9)


def test_unequal_groups_agree_with_resampling_them_by_hand():
    labels, predictions = answers(300, seed=3)
    groups = np.random.default_rng(4).choice([f"g{i}" for i in range(40)], 300)
    found = intervals(groups, labels, predictions, draws=4000).intervals.summary
    rng, members = (
        np.random.default_rng(9),
        [np.flatnonzero(groups == g) for g in np.unique(groups)],
    )
    right, rates, recalls = labels == predictions, [], []
    for _ in range(4000):
        drawn = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        rates.append(right[drawn].mean())
        recalls.append(np.mean([right[drawn][labels[drawn] == k].mean() for k in range(4)]))
    for name, values in (("accuracy", rates), ("balanced_accuracy", recalls)):
        expected = np.quantile(values, [0.025, 0.975])
        np.testing.assert_allclose(found[name].interval, expected, atol=0.07 * np.ptp(expected))


def test_the_design_effect_worked_out_by_hand():
    """Three groups with 2 of 2, 0 of 2 and 1 of 2 right: p = 1/2, residuals 1, -1, 0.

    Variance 3/2 · 2 / 36 = 1/12 against 1/4 / 5 = 1/20.
    """
    found = intervals(list("aabbcc"), np.zeros(6, int), [0, 0, 1, 1, 0, 1], k=2)
    assert found.design_effect == pytest.approx(20 / 12, rel=1e-12)


def test_every_figure_of_a_matrix_gets_its_interval():
    labels, predictions = answers(200)
    found = intervals(np.arange(200) // 4, labels, predictions).intervals
    without = {"no_information_rate", "top5_accuracy"}
    assert set(found.summary) == {metric.name for metric in SUMMARY} - without
    assert found.per_class == {}
    assert found.method == "percentile cluster bootstrap: 2,000 resamples of 50 groups, seed 0"
    low, high = found.summary["accuracy"].interval
    np.testing.assert_allclose(
        found.summary["error_rate"].interval, (1 - high, 1 - low), rtol=1e-12
    )
    for name, metric in found.summary.items():
        low, high = metric.interval
        assert low <= metric.value <= high, name


def test_the_seed_decides_and_neither_names_nor_order_do():
    labels, predictions = answers(120)
    groups = np.arange(120) // 3
    one = intervals(groups, labels, predictions, seed=5)
    order = np.random.default_rng(0).permutation(120)
    other = intervals(
        [f"{1000 - g}" for g in groups[order]], labels[order], predictions[order], seed=5
    )
    assert one == other
    assert one != intervals(groups, labels, predictions, seed=6)


@pytest.mark.parametrize(
    ("predictions", "reason"), [([0, 1, 0, 1], "no_errors_seen"), ([1, 0, 1, 0], "none_right")]
)
def test_perfect_and_hopeless_answers_have_no_interval_of_no_width(predictions, reason):
    found = intervals(list("aabb"), [0, 1, 0, 1], predictions, k=2)
    accuracy = found.intervals.summary["accuracy"]
    assert (accuracy.interval, accuracy.reason) == (None, reason)
    assert found.design_effect is None
    assert found.effective_samples is None


def test_one_group_says_nothing_about_others():
    found = intervals(["a"] * 50, *answers(50))
    assert (found.n_groups, found.few_groups, found.design_effect) == (1, True, None)
    assert {metric.reason for metric in found.intervals.summary.values()} == {"no_interval"}


def test_a_figure_that_most_resamples_cannot_have_has_no_interval():
    """One of two groups has all samples of a class: every fourth resample lacks it."""
    found = intervals(list("aab"), [0, 0, 1], [0, 0, 0], k=2).intervals.summary
    assert found["cohen_kappa"].reason == "bootstrap_undefined"
    assert found["matthews_corrcoef"].reason == "constant_labels_or_predictions"


def test_no_samples_give_no_intervals():
    found = cluster_intervals(GroupCounts(3))
    assert (found.n_groups, found.n_samples, found.largest) == (0, 0, 0)
    assert found.intervals.summary == {}


def test_macro_all_is_over_all_declared_classes():
    labels, predictions = answers(90, k=3)
    found = intervals(np.arange(90) // 3, labels, predictions, k=6, macro="all").intervals.summary
    matrix = GroupCounts.of(np.arange(90), labels, predictions, 6).matrix()
    assert found["macro_f1"].value == summary_metrics(matrix, macro="all")["macro_f1"].value
    low, high = found["macro_f1"].interval
    assert low < found["macro_f1"].value < high < 0.6


rows = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", "d"]), st.integers(-1, 2), st.integers(0, 2)),
    max_size=40,
)


@given(rows, st.integers(1, 9), st.randoms())
def test_any_split_and_order_gives_the_same_counts(rows, size, order):
    def tally(rows):
        groups, labels, predictions = zip(*rows, strict=True) if rows else ((), (), ())
        numbers = np.array(labels, int), np.array(predictions, int)
        return GroupCounts.of(np.array(groups, object), *numbers, 3)

    shuffled = list(rows)
    order.shuffle(shuffled)
    parts = [tally(shuffled[i : i + size]) for i in range(0, len(rows), size)]
    whole = tally(rows)
    assert sum(parts, GroupCounts(3)) == whole
    assert sum(reversed(parts), GroupCounts(3)) == whole
    assert hash(sum(parts, GroupCounts(3))) == hash(whole)
    assert whole.sizes().sum() == whole.matrix().n_samples == sum(row[1] >= 0 for row in rows)
    assert pickle.loads(pickle.dumps(whole)) == whole


def test_many_groups_of_few_kinds_cost_no_more_than_the_cells():
    n = 200_000
    found = intervals(np.arange(n), *answers(n))
    assert found.n_groups == n
    assert width(found.intervals.summary["accuracy"]) < 0.004


def test_the_facts_go_to_json():
    facts = intervals(np.arange(200) // 4, *answers(200)).to_json()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["n_groups"], facts["largest_group"], facts["few_groups"]) == (50, 4, False)


@pytest.mark.parametrize("missing", [None, "", float("nan")])
def test_a_sample_without_a_group_is_refused_unless_it_has_no_label(missing):
    groups = np.array(["a", missing, "b"], object)
    with pytest.raises(DataError) as error:
        GroupCounts.of(groups, [0, 1, 0], [0, 0, 0], 2)
    assert error.value.slug == "group-missing"
    assert "sample 2" in error.value.details[0]
    assert GroupCounts.of(groups, np.array([0, -1, 0]), np.array([0, 0, 0]), 2).n_groups == 2


def test_what_does_not_fit_is_refused():
    with pytest.raises(DataError) as error:
        GroupCounts.of(["a"], [0, 1], [0, 1], 2)
    assert error.value.slug == "length-mismatch"
    with pytest.raises(DataError) as error:
        GroupCounts.of(["a"], [0], [2], 2)
    assert error.value.slug == "prediction-out-of-range"
    with pytest.raises(ValueError, match="classes"):
        _ = GroupCounts(2) + GroupCounts(3)
    with pytest.raises(ValueError, match="0 draws"):
        cluster_intervals(GroupCounts(2), draws=0)
