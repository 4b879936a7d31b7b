"""Log loss and Brier score against scikit-learn, with their ends and their intervals."""

import inspect
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import brier_score_loss, log_loss
from statsmodels.stats.proportion import proportion_confint

from reportgen.analysis.scoring import BrierScore, LogLoss, Scores
from reportgen.analysis.scoring.losses import WORST_LOG_LOSS
from reportgen.errors import DataError
from tests.scoring.samples import assert_adds_up, cuts, maybe, model, orders

Z = stats.norm.ppf(0.975)


def own(p, labels):
    return p[np.arange(len(p)), labels]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sharp", [0.5, 3.0, 12.0])
def test_log_loss_is_that_of_scikit_learn(dtype, sharp):
    p, labels = model(3_000, 6, sharp=sharp, dtype=dtype)
    got = LogLoss.of(own(p, labels)).metric().value
    exact = own(p, labels).astype(np.float64)
    assert got == pytest.approx(-np.mean(np.log(np.maximum(exact, 2.0**-52))), rel=1e-12)
    if dtype is np.float64:
        assert got == pytest.approx(log_loss(labels, p, labels=range(6)), rel=1e-12)


def test_a_sample_without_a_chance_costs_36_nats_and_is_counted():
    loss = LogLoss.of([0.0, 1e-20, 2.0**-52, 0.5])
    assert (loss.n, loss.n_zero, loss.n_clipped) == (4, 1, 2)
    assert loss.metric().value == pytest.approx((3 * WORST_LOG_LOSS + math.log(2)) / 4, rel=1e-15)
    assert pytest.approx(36.04, abs=0.01) == WORST_LOG_LOSS
    p = np.array([[1.0, 0.0], [0.25, 0.75], [0.9, 0.1]])
    assert LogLoss.of(own(p, [1, 1, 0])).metric().value == pytest.approx(
        log_loss([1, 1, 0], p), rel=1e-12
    )


def test_the_interval_of_log_loss_has_one_more_sample_as_bad_as_the_worst():
    p, labels = model(400, 4)
    losses = -np.log(own(p, labels))
    low, high = LogLoss.of(own(p, labels)).metric().interval
    more = np.append(losses, losses.max())
    half = Z * stats.sem(more) / more.mean()
    assert losses.max() > 3
    assert math.log(high / more.mean()) == pytest.approx(half, rel=1e-9)
    assert math.log(losses.mean() / low) == pytest.approx(half, rel=1e-9)


def test_the_one_more_sample_of_log_loss_costs_3_nats_at_least():
    p = np.linspace(0.9, 0.99, 50)
    low, high = LogLoss.of(p).metric().interval
    more = np.append(-np.log(p), 3.0)
    half = Z * stats.sem(more) / more.mean()
    assert math.log(high / more.mean()) == pytest.approx(half, rel=1e-9)
    assert low == pytest.approx(-np.log(p).mean() * math.exp(-half), rel=1e-9)
    parts = LogLoss.of(p[:20]) + LogLoss.of(p[20:])
    assert parts.metric() == LogLoss.of(p).metric()


def test_losses_at_their_ends_have_no_interval():
    perfect, worst = LogLoss.of([1.0, 1.0]).metric(), LogLoss.of([0.0, 0.0]).metric()
    assert (perfect.value, perfect.interval, perfect.reason) == (0, None, "no_errors_seen")
    assert math.copysign(1, perfect.value) == 1
    assert (worst.value, worst.interval, worst.reason) == (WORST_LOG_LOSS, None, "none_right")
    assert LogLoss.of([0.25, 0.25, 0.25]).metric().reason == "no_interval"
    assert LogLoss.of([0.25]).metric().reason == "no_interval"


def test_losses_are_undefined_without_scores():
    assert LogLoss.of([np.nan]).metric().reason == "no_scores"
    assert LogLoss().metric().reason == "no_samples"
    assert BrierScore().metric().reason == "no_samples"
    assert BrierScore.of(Scores.of([[np.nan, np.nan]], [0])).metric().reason == "no_scores"
    assert LogLoss.of([np.nan, 0.5]).n == 1


def test_a_loss_of_no_probability_is_refused():
    with pytest.raises(DataError) as caught:
        LogLoss.of([-2.3])
    assert caught.value.slug == "probability-range"


@given(st.lists(maybe, max_size=50), cuts, orders)
def test_log_loss_adds_up(values, cuts, order):
    assert_adds_up(lambda rows: LogLoss.of(np.array(rows, float)), LogLoss(), values, cuts, order)


@pytest.mark.parametrize("k", [2, 3, 40])
def test_brier_is_that_of_scikit_learn_on_the_scale_0_to_2(k):
    if "scale_by_half" not in inspect.signature(brier_score_loss).parameters:
        pytest.skip("needs scikit-learn 1.7, the first with Brier scores of several classes")
    p, labels = model(1_500, k)
    expected = brier_score_loss(
        labels if k == 2 else np.eye(k)[labels], p[:, 1] if k == 2 else p, scale_by_half=False
    )
    score = BrierScore.of(Scores.of(p, labels)).metric()
    assert score.value == pytest.approx(expected, rel=1e-12)


def test_the_interval_of_brier_is_wilsons_of_half_of_it_with_one_sample_more_at_either_end():
    p, labels = model(400, 4)
    half = np.sum((p - np.eye(4)[labels]) ** 2, axis=1) / 2
    low, high = BrierScore.of(Scores.of(p, labels)).metric().interval
    more = np.append(half, [0, 1])
    trials = more.mean() * (1 - more.mean()) / (more.var() / 400)
    for end in (low / 2, high / 2):  # Wilson's ends: where the z statistic is ±1.96
        assert abs(half.mean() - end) == pytest.approx(
            Z * math.sqrt(end * (1 - end) / trials), rel=1e-9
        )


def test_the_interval_of_brier_is_that_of_a_proportion_where_every_answer_is_sure():
    labels = (np.arange(200) % 7 == 0).astype(int)
    low, high = BrierScore.of(Scores.of(np.eye(2)[[0] * 200], labels)).metric().interval
    expected = proportion_confint(labels.sum(), 200, method="wilson")
    assert (low / 2, high / 2) == pytest.approx(expected, rel=1e-9)


def test_brier_at_its_ends_has_no_interval():
    sure = np.eye(3)
    right = BrierScore.of(Scores.of(sure, [0, 1, 2])).metric()
    wrong = BrierScore.of(Scores.of(sure, [1, 2, 0])).metric()
    assert (right.value, right.reason) == (0, "no_errors_seen")
    assert (wrong.value, wrong.reason) == (2, "none_right")
    assert BrierScore.of(Scores.of([[0.5, 0.5]] * 3, [0, 1, 1])).metric().reason == "no_interval"


@given(st.lists(st.tuples(maybe, st.integers(0, 1)), max_size=50), cuts,
       orders)  # fmt: skip
def test_brier_adds_up(rows, cuts, order):
    def of(rows):
        p = np.array([row[0] for row in rows], float)
        return BrierScore.of(
            Scores.of(np.stack([p, 1 - p], axis=1), np.array([row[1] for row in rows], int))
        )

    assert_adds_up(of, BrierScore(), rows, cuts, order)
