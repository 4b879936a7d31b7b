"""The paired bootstrap: against one that resamples samples, and what it says of its limits."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import f1_score, log_loss, precision_score, recall_score

from reportgen.comparison import bootstrap
from reportgen.comparison.bootstrap import class_differences, from_draws, macro_differences
from reportgen.comparison.joint_tallies import JointTally
from reportgen.comparison.paired_scores import ConfidencePairs, LossPairs
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import Metric, per_class_metrics, summary_metrics

N = 500


def sides(seed=0, n=N, k=4):
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, n, p=np.arange(1, k + 1) / (k * (k + 1) / 2))
    before = np.where(rng.random(n) < 0.7, truth, rng.integers(0, k, n))
    after = np.where(rng.random(n) < 0.5, before, np.where(rng.random(n) < 0.9, truth, 0))
    return truth, before, after


def joint_of(truth, before, after, k=4, size=64):
    tally = JointTally(k)
    for start in range(0, len(truth), size):
        at = slice(start, start + size)
        tally.add(truth[at], before[at], after[at])
    return tally.counts()


def matrices(truth, before, after, k=4):
    return [ConfusionMatrix.from_labels(truth, said, k) for said in (before, after)]


def figures_of(truth, before, after, k=4, macro="present"):
    both = [summary_metrics(m, macro=macro) for m in matrices(truth, before, after, k)]
    return {name: (both[0][name], both[1][name]) for name in ("balanced_accuracy", "macro_f1")}


def resampled(figure, *columns, draws=2_000, seed=9):
    rng = np.random.default_rng(seed)
    n = len(columns[0])
    values = []
    for _ in range(draws):
        at = rng.integers(0, n, n)
        values.append(figure(*(column[at] for column in columns)))
    return np.array(values)


def by_class(truth, said, k=4):
    """Precision, F1 and recall of each class, all of which occur: shape (3, k)."""
    table = np.bincount(truth * k + said, minlength=k * k).reshape(k, k)
    right, support, called = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    return np.array([right / called, 2 * right / (support + called), right / support])


def test_joint_counts_by_hand():
    joint = joint_of(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 0, 1, 0]),
                     np.array([0, 0, 1, 1, 2]), k=3, size=2)  # fmt: skip
    paired = joint.paired()
    assert (paired.both_right, paired.gained, paired.lost, paired.both_wrong) == (2, 1, 1, 1)
    assert (paired.same, joint.n) == (2, 5)
    assert [p.same for p in joint.paired_by_class()] == [1, 1, 0]
    rest = joint.against_rest()
    # class 0: label & both, label & candidate, label & baseline, baseline alone, the rest
    assert rest[0].tolist() == [1, 0, 1, 0, 0, 1, 1, 1]
    assert rest[2].tolist() == [4, 1, 0, 0, 0, 0, 0, 0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 200))
def test_joint_counts_do_not_depend_on_batches_or_order(seed, size):
    columns = sides(1, 100)
    order = np.random.default_rng(seed).permutation(100)
    one, other = joint_of(*columns), joint_of(*(c[order] for c in columns), size=size)
    for name in ("label", "baseline", "candidate", "counts"):
        assert np.array_equal(getattr(one, name), getattr(other, name))


def test_many_pending_cells_are_merged(monkeypatch):
    monkeypatch.setattr("reportgen.comparison.joint_tallies._PENDING", 5)
    columns = sides(2)
    assert joint_of(*columns, size=7).n == N
    assert np.array_equal(joint_of(*columns, size=7).against_rest().sum(axis=1), [N] * 4)


def test_class_roles_give_the_figures_of_the_evaluation():
    columns = sides(3)
    cells = joint_of(*columns).against_rest()
    for side, matrix in zip((2, 1), matrices(*columns), strict=True):
        expected = per_class_metrics(matrix)
        for name in bootstrap.CLASS_FIGURES:
            found = bootstrap.class_figure(name, cells, side)
            np.testing.assert_allclose(found, expected[name].value)


def test_macro_intervals_are_those_of_resampled_samples():
    truth, before, after = sides(4)
    found = macro_differences(joint_of(truth, before, after), figures_of(truth, before, after))

    one, other = (f1_score(truth, said, average="macro") for said in (before, after))
    assert found["macro_f1"].difference == pytest.approx(other - one)
    one, other = (recall_score(truth, said, average="macro") for said in (before, after))
    assert found["balanced_accuracy"].difference == pytest.approx(other - one)
    of_classes = resampled(
        lambda t, b, c: by_class(t, c) - by_class(t, b), truth, before, after, draws=1_000
    )
    for name, at in (("macro_f1", 1), ("balanced_accuracy", 2)):
        draws = of_classes[:, at].mean(axis=1)
        spread = draws.std()
        for level, ends in ((0.95, found[name].interval), (0.90, found[name].bounds)):
            expected = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
            np.testing.assert_allclose(ends, expected, atol=0.35 * spread)
        assert found[name].method == "paired bootstrap"


def test_beyond_the_limit_the_delta_method_gives_the_same_intervals(monkeypatch):
    columns = sides(5, 5_000)
    joint, figures = joint_of(*columns), figures_of(*columns)
    drawn = macro_differences(joint, figures)
    monkeypatch.setattr(bootstrap, "MAX_CELLS", 3)
    linear = macro_differences(joint, figures)
    for name in ("macro_f1", "balanced_accuracy"):
        assert linear[name].method == "delta method"
        width = drawn[name].interval[1] - drawn[name].interval[0]
        np.testing.assert_allclose(linear[name].interval, drawn[name].interval, atol=0.06 * width)
        np.testing.assert_allclose(linear[name].bounds, drawn[name].bounds, atol=0.06 * width)


@pytest.mark.parametrize("most_cells", [bootstrap.MAX_CELLS, 3])
def test_macro_averages_over_all_classes_have_their_own_interval(monkeypatch, most_cells):
    """With 4 of 8 classes in the data, macro F1 over all is half of that over those present."""
    monkeypatch.setattr(bootstrap, "MAX_CELLS", most_cells)
    columns = sides(5, 5_000)
    joint = joint_of(*columns, k=8)
    over = {
        macro: macro_differences(joint, figures_of(*columns, k=8, macro=macro), macro=macro)
        for macro in ("present", "all")
    }
    half, whole = (over[macro]["macro_f1"] for macro in ("all", "present"))
    assert half.difference == pytest.approx(whole.difference / 2)
    np.testing.assert_allclose(half.interval, np.divide(whole.interval, 2))
    np.testing.assert_allclose(half.bounds, np.divide(whole.bounds, 2))
    assert half.p == pytest.approx(whole.p)
    assert over["all"]["balanced_accuracy"] == over["present"]["balanced_accuracy"]


@pytest.mark.parametrize("macro", ["present", "all"])
def test_the_influence_of_a_sample_is_the_derivative_of_the_figure(macro):
    """One more sample of a cell changes the figure by influence / n, to first order."""
    columns = sides(6, 3_000)
    joint = joint_of(*columns, k=6)
    for name in ("macro_f1", "balanced_accuracy"):
        influence = bootstrap._influence(joint, name, macro, joint.candidate)
        assert float((joint.counts * influence).sum()) == pytest.approx(0, abs=1e-6)
        before = figures_of(*columns, k=6, macro=macro)[name][1].value
        for i in (0, len(influence) // 2, -1):
            cell = joint.label[i], joint.baseline[i], joint.candidate[i]
            more = [np.append(column, value) for column, value in zip(columns, cell, strict=True)]
            step = figures_of(*more, k=6, macro=macro)[name][1].value - before
            assert step * 3_000 == pytest.approx(influence[i], rel=0.02, abs=1e-3)


def test_class_intervals_are_those_of_resampled_samples():
    truth, before, after = sides(7)
    both = [per_class_metrics(m) for m in matrices(truth, before, after)]
    figures = {
        name: [(both[0][name].metric(i), both[1][name].metric(i)) for i in range(4)]
        for name in ("precision", "f1")
    }
    found = class_differences(joint_of(truth, before, after), figures)
    scores = {"precision": precision_score, "f1": f1_score}
    place = {"precision": 0, "f1": 1}
    draws = resampled(
        lambda t, b, c: by_class(t, c) - by_class(t, b), truth, before, after, draws=1_000
    )
    for name, score in scores.items():
        one, other = (score(truth, s, average=None) for s in (before, after))
        expected = np.quantile(draws[:, place[name]], [0.025, 0.975], axis=0)
        spread = draws[:, place[name]].std(axis=0)
        for i, change in enumerate(found[name]):
            assert change.difference == pytest.approx(other[i] - one[i])
            np.testing.assert_allclose(change.interval, expected[:, i], atol=0.35 * spread[i])


def test_a_class_interval_depends_on_its_counts_alone():
    """With the other classes exchanged, the class keeps its interval to the last bit."""
    columns = sides(8)
    place = np.array([0, 3, 1, 2])

    def of(columns):
        both = [per_class_metrics(m) for m in matrices(*columns)]
        figures = {
            name: [(both[0][name].metric(i), both[1][name].metric(i)) for i in range(4)]
            for name in ("precision", "f1")
        }
        return class_differences(joint_of(*columns), figures, draws=200)

    assert of(columns)["f1"][0] == of([place[c] for c in columns])["f1"][0]


def test_the_seed_makes_the_draws():
    columns = sides(9)
    joint, figures = joint_of(*columns), figures_of(*columns)
    one, same, other = (macro_differences(joint, figures, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one["macro_f1"].interval != other["macro_f1"].interval


def test_many_classes_take_seconds_and_more_have_a_reason(monkeypatch):
    k = 1_000
    rng = np.random.default_rng(10)
    truth = rng.integers(0, k, 20_000)
    before, after = (np.where(rng.random(20_000) < 0.8, truth, (truth + 1) % k) for _ in range(2))
    joint = joint_of(truth, before, after, k, size=65_536)
    figures = {name: [(Metric(0.5, None, None), Metric(0.6, None, None))] * k
               for name in ("precision", "f1")}  # fmt: skip
    start = time.process_time()
    found = class_differences(joint, figures, draws=200)
    assert time.process_time() - start < 10
    assert found["f1"][0].interval is not None
    monkeypatch.setattr(bootstrap, "MAX_CLASSES", k - 1)
    refused = class_differences(joint, figures)["f1"][0]
    assert (refused.difference, refused.interval) == (pytest.approx(0.1), None)
    assert refused.reason == "too_many_classes"


def test_undefined_figures_have_their_reason():
    some, none = Metric(0.5, None, None), Metric(None, None, "never_predicted")
    found = from_draws(some, none, np.zeros(5))
    assert (found.baseline, found.difference, found.reason) == (0.5, None, "never_predicted")
    draws = np.array([0.1] * 90 + [np.nan] * 10)
    assert from_draws(some, some, draws).reason == "bootstrap_undefined"


def test_draws_that_never_vary_are_told_apart():
    same, more = Metric(0.5, None, None), Metric(0.6, None, None)
    nothing = from_draws(same, same, np.zeros(9))
    assert (nothing.p, nothing.interval, nothing.reason) == (1.0, None, "no_disagreement")
    assert from_draws(same, same, np.array([1e-17, 0, -1e-17])) == nothing
    rare = np.array([1e-17] * 90 + [0.1] * 10)  # what is rounding is on neither side of 0
    assert from_draws(same, same, rare).p == 1
    fixed = from_draws(same, more, np.full(9, 0.1))
    assert (fixed.p, fixed.interval, fixed.reason) == (None, None, "no_variation")


def test_p_is_twice_the_smaller_share_of_draws_or_told_by_their_spread():
    one, other = Metric(0.5, None, None), Metric(0.6, None, None)
    draws = np.array([-0.1] * 40 + [0.2] * 59)
    assert from_draws(one, other, draws).p == pytest.approx(2 * 41 / 100)
    few = np.array([-0.1] * 4 + [0.2] * 95)  # 4 of 99 are too few to be a number
    assert from_draws(one, other, few).p == pytest.approx(2 * norm.sf(0.1 / few.std()))


def test_what_chance_shows_of_a_figure_is_no_difference():
    """The difference is 0.1, of which chance makes 0.04; draws have a spread of 0.05 about 0.2."""
    one, other = Metric(0.5, None, None), Metric(0.6, None, None)
    draws = 0.2 + 0.05 * norm.ppf((np.arange(2_000) + 0.5) / 2_000)
    found = from_draws(one, other, draws, chance=(0.01, 0.05))
    assert found.difference == pytest.approx(0.1)
    assert found.interval == pytest.approx((0.06 - 1.96 * 0.05, 0.06 + 1.96 * 0.05), abs=1e-3)
    assert found.p == pytest.approx(2 * norm.sf(0.06 / 0.05), abs=2e-3)
    assert from_draws(one, other, draws, chance=(0.0, 0.11)).p == 1  # beyond chance it fell
    far = from_draws(one, other, draws, chance=(0.0, 0.25))
    assert far.interval[1] == pytest.approx(0.1)  # the interval holds what was measured


# scores ---------------------------------------------------------------------------------------


def scored(seed=0, n=2_000):
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.3, 1, n)
    before = np.clip(truth + rng.normal(0, 0.1, n), 0.01, 1).astype(np.float32)
    after = np.clip(truth + 0.05 + rng.normal(0, 0.02, n), 0.01, 1).astype(np.float32)
    return before, after, rng.random(n) < truth, rng.random(n) < truth


def plain_ece(confidence, right):
    bins = np.ceil(confidence.astype(np.float64) * 15 - 1e-6).astype(int)
    gaps = np.bincount(bins, right - confidence.astype(np.float64), minlength=16)
    return np.abs(gaps).sum() / len(right)


def test_eces_are_those_of_resampled_samples():
    columns = scored()
    pairs = ConfidencePairs()
    for start in range(0, 2_000, 300):
        b, c, rb, rc = (column[start : start + 300] for column in columns)
        pairs = pairs.having((b, c), (rb, rc))
    found = pairs.eces(np.random.default_rng(1), 2_000)
    expected = resampled(
        lambda b, c, rb, rc: (plain_ece(b, rb), plain_ece(c, rc)), *columns, draws=1_000
    ).T
    differences = found[1] - found[0], expected[1] - expected[0]
    for one, other in [*zip(found, expected, strict=True), differences]:
        assert one.mean() == pytest.approx(other.mean(), abs=0.15 * other.std())
        assert one.std() == pytest.approx(other.std(), rel=0.1)


def test_loss_differences_are_those_of_resampled_samples():
    rng = np.random.default_rng(3)
    n = 2_000
    before = rng.beta(4, 1, n).astype(np.float32)
    after = np.clip(before * rng.uniform(0.8, 1.3, n), 0, 1).astype(np.float32)
    pairs = LossPairs()
    for start in range(0, n, 300):
        pairs = pairs.having((before[start : start + 300], after[start : start + 300]))
    found = pairs.differences(np.random.default_rng(1), 4_000)

    def loss(p):
        return -np.log(np.maximum(p.astype(np.float64), 2.0**-52))

    change = loss(after) - loss(before)
    assert found.mean() == pytest.approx(change.mean(), abs=4 * change.std() / np.sqrt(n * 4_000))
    assert found.std() == pytest.approx(change.std() / np.sqrt(n), rel=0.05)
    assert pairs.n == n


def test_the_spread_within_a_cell_counts():
    """All differences lie in one cell: between cells nothing varies."""
    change = np.random.default_rng(4).uniform(0.51, 0.58, 400)
    pairs = LossPairs().having((np.ones(400), np.exp(-change)))
    assert np.count_nonzero(pairs.counts) == 1
    found = pairs.differences(np.random.default_rng(1), 4_000)
    assert found.std() == pytest.approx(change.std() / 20, rel=0.05)


def test_a_constant_difference_of_losses_has_its_value_and_hardly_any_width():
    p = np.full(400, 0.5, np.float64)
    found = LossPairs().having((p, p * 0.9)).differences(np.random.default_rng(1), 100)
    np.testing.assert_allclose(found, -np.log(0.9), rtol=1e-7)


def test_samples_without_scores_are_counted_apart():
    some = np.array([0.5, np.nan, 0.7], np.float32)
    right = np.array([True, False, True])
    assert ConfidencePairs().having((some, some), (right, right)).n_without == 1
    assert LossPairs().having((some, some[::-1])).n_without == 1


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_pairs_do_not_depend_on_the_order_of_samples(seed):
    columns = scored(1, 200)
    order = np.random.default_rng(seed).permutation(200)
    found = []
    for b, c, rb, rc in (columns, [column[order] for column in columns]):
        half = slice(0, 77), slice(77, None)
        pairs, losses = ConfidencePairs(), LossPairs()
        for at in half:
            pairs = pairs.having((b[at], c[at]), (rb[at], rc[at]))
            losses = losses.having((b[at], c[at]))
        found.append((*pairs.eces(np.random.default_rng(1), 3),
                      losses.differences(np.random.default_rng(1), 3)))  # fmt: skip
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


def test_equal_confidences_differ_in_no_draw():
    """Rounding must not look like a difference."""
    before, _, right, _ = scored(6)
    pairs = ConfidencePairs().having((before, before), (right, right))
    one, other = pairs.eces(np.random.default_rng(0), 200)
    same = Metric(0.1, None, None)
    assert from_draws(same, same, other - one, chance=(0.0, 0.0)).reason == "no_disagreement"


def test_the_mean_of_the_loss_draws_is_scikit_learns_log_loss():
    rng = np.random.default_rng(5)
    p = rng.dirichlet([1, 1, 1], 300)
    labels = rng.integers(0, 3, 300)
    own = p[np.arange(300), labels]
    found = LossPairs().having((np.ones(300), own)).differences(np.random.default_rng(0), 3_000)
    assert found.mean() == pytest.approx(log_loss(labels, p, labels=[0, 1, 2]), abs=0.01)


@pytest.mark.parametrize("chance", [None, (0.0, 0.1)])
def test_an_interval_contains_the_difference_where_no_draw_does(chance):
    before, after = Metric(0.9, (0.5, 1.0), None), Metric(0.1, (0.0, 0.5), None)
    found = from_draws(before, after, np.linspace(-0.7, -0.4, 50), chance=chance)
    for low, high in (found.interval, found.bounds):
        assert low <= found.difference <= high
