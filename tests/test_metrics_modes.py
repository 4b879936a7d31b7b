"""What is given on request: macro averages over all classes, exact intervals, weighted kappa."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sk

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.metrics import (
    MACRO_MODES,
    ORDINAL,
    PER_CLASS,
    SUMMARY,
    ClassCounts,
    Metric,
    clopper_pearson,
    macro_note,
    ordinal,
    ordinal_metrics,
    per_class_metrics,
    proportion_intervals,
    summary_metrics,
)
from reportgen.metrics.intervals import atanh_interval, log_interval, logit_interval, wilson
from reportgen.metrics.ordinal import disagreement
from tests.matrices import HAND, TABLES, classes, of, values, whole
from tests.test_metrics import labels_of

LAW = settings(deadline=None, max_examples=50)
Z = 1.959963984540054


@pytest.fixture(params=["first", "second"])
def golden(request: pytest.FixtureRequest, shared: Callable[[str], Path]) -> dict[str, Any]:
    whole = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    return dict(whole[request.param])


# --- F-beta, informedness, markedness, lift


def test_the_new_figures_say_why_they_are_undefined() -> None:
    table = [[3, 1, 0], [0, 0, 0], [2, 0, 0]]  # 1 is absent, 2 is never predicted
    assert classes(table, "f2")[1] == Metric(0, None, "none_right")
    assert classes(table, "informedness")[1] == Metric(None, None, "no_true_samples")
    assert classes(table, "markedness")[2] == Metric(None, None, "never_predicted")
    assert classes(table, "lift")[1] == Metric(None, None, "no_true_samples")
    assert classes(table, "lift")[2] == Metric(None, None, "never_predicted")
    for name in ("f2", "f0_5"):
        assert classes([[3, 0], [0, 0]], name)[1].reason == "absent_and_never_predicted"
    assert classes([[3, 1], [0, 0]], "informedness")[0].reason == "no_other_samples"
    assert classes([[3, 0], [1, 0]], "markedness")[0].reason == "always_predicted"


def test_a_perfect_class_has_intervals_that_end_at_1() -> None:
    table = np.diag([5, 45])
    for name in ("f2", "f0_5", "informedness", "markedness"):
        for metric in classes(table, name):
            assert metric.value == 1
            low, high = metric.interval or (1, 0)
            assert 0.2 < low < 0.95
            assert high == 1
    lift = classes(table, "lift")[0]
    assert lift.value == 10
    low, high = lift.interval or (0, 0)
    assert low == pytest.approx(100 / high)  # symmetric as factors
    assert 1 < low < 10 < high


def test_a_constant_predictor_has_a_lift_of_1_that_nothing_could_change() -> None:
    assert classes([[2, 0], [7, 0]], "lift")[0] == Metric(1, None, "too_few_samples")
    assert classes([[2, 7], [0, 0]], "lift")[0] == Metric(1, None, "too_few_samples")
    found = classes([[3, 0], [7, 0]], "informedness")[0]
    assert found.value == 0
    assert found.interval is not None
    assert classes([[0, 2], [27, 1]], "lift")[0] == Metric(0, None, "none_right")


def test_the_interval_of_lift_is_that_of_the_ratio_of_two_correlated_shares() -> None:
    # log lift = log precision - log prevalence; 5 / 6 and 7 / 18 share five samples
    # the cells are smoothed, by labels and by predictions: the mean of 7 · 6 / 9 and 6 · 6 / 8, …
    table = [[5, 2], [1, 30]]
    lift = classes(table, "lift")[0]
    cells = {
        "tp": (7 * 6 / 9 + 6 * 6 / 8) / 2, "fn": (7 * 3 / 9 + 32 * 3 / 34) / 2,
        "fp": (31 * 2 / 33 + 6 * 2 / 8) / 2, "tn": (31 * 31 / 33 + 32 * 31 / 34) / 2,
    }  # fmt: skip
    n = sum(cells.values())
    support, said = cells["tp"] + cells["fn"], cells["tp"] + cells["fp"]
    slope = {"tp": 1 / cells["tp"] - 1 / said - 1 / support + 1 / n, "fp": -1 / said + 1 / n,
             "fn": -1 / support + 1 / n, "tn": 1 / n}  # fmt: skip
    se = math.sqrt(sum(cells[x] * slope[x] ** 2 for x in cells))
    value = 5 * 38 / 42
    expected = (value * math.exp(-Z * se), value * math.exp(Z * se))
    assert lift.interval == pytest.approx(expected, rel=1e-12)


def test_informedness_and_balanced_accuracy_have_one_interval_on_two_scales() -> None:
    for table in TABLES:
        for j, b in zip(classes(table, "informedness"), classes(table, "balanced_accuracy"),
                        strict=True):  # fmt: skip
            assert j.reason == b.reason
            if j.interval and b.interval:
                ends = tuple(2 * end - 1 for end in b.interval)
                assert j.interval == pytest.approx(ends, rel=1e-9, abs=1e-12)


def test_mcc_squared_is_informedness_times_markedness() -> None:
    for table in TABLES:
        for mcc, j, m in zip(*(values(table, x) for x in ("mcc", "informedness", "markedness")),
                             strict=True):  # fmt: skip
            if mcc is not None and j is not None and m is not None:
                assert mcc**2 == pytest.approx(j * m, rel=1e-9, abs=1e-14)


def test_counts_of_any_size_keep_f_beta_and_lift_in_range() -> None:
    table = np.diag([2**60, 2**60 - 5])  # five times a count leaves 64 bits
    assert values(table, "f2") == [1, 1]
    assert values(table, "f0_5") == [1, 1]
    assert values(table, "lift") == pytest.approx([2, 2], rel=1e-15)
    table = np.array([[2**61 - 9, 4], [0, 5]])
    assert values(table, "f2")[0] == pytest.approx(1, rel=1e-15)


def test_the_value_alone_is_the_value_with_its_error() -> None:
    for table in TABLES:
        counts = ClassCounts.of(of(table))
        columns = per_class_metrics(of(table))
        for metric in PER_CLASS:
            if hasattr(metric.compute, "value"):
                alone = metric.compute.value(counts)
                full = columns[metric.name].value
                defined = ~np.isnan(full)
                np.testing.assert_allclose(alone[defined], full[defined], rtol=0, atol=1e-14)


# --- macro averages over all classes


@pytest.mark.parametrize("table", TABLES)
def test_macro_all_equals_scikit_learn_with_every_label(table: NDArray[np.int64]) -> None:
    y, p = labels_of(table)
    ours = summary_metrics(of(table), macro="all")
    theirs = sk.precision_recall_fscore_support(
        y, p, labels=range(len(table)), average="macro", zero_division=0
    )
    for name, expected in zip(("precision", "recall", "f1"), theirs[:3], strict=True):
        assert ours[f"macro_{name}"].value == pytest.approx(expected, rel=1e-12)
    default = summary_metrics(of(table))
    for name, metric in ours.items():
        if not name.startswith("macro_"):
            assert metric == default[name], name


def test_macro_modes_differ_only_where_a_class_has_no_samples() -> None:
    present = [[60, 20], [20, 40]]
    absent = [[60, 20, 0], [20, 40, 0], [0, 0, 0]]
    assert summary_metrics(of(present), macro="all") == summary_metrics(of(present))
    one, other = summary_metrics(of(absent)), summary_metrics(of(absent), macro="all")
    for name in ("macro_precision", "macro_recall", "macro_f1"):
        a, b = one[name], other[name]
        assert a.value is not None
        assert b.value == pytest.approx(a.value * 2 / 3, rel=1e-14)
        # the error shrinks with the value: two thirds of a sum with the same error
        (low, high), (lower, higher) = a.interval or (0, 0), b.interval or (0, 0)
        assert higher - lower == pytest.approx((high - low) * 2 / 3, rel=0.02)


def test_a_perfect_model_is_not_perfect_over_classes_that_are_not_there() -> None:
    found = summary_metrics(of(np.diag([3, 2, 0])), macro="all")
    assert found["macro_recall"].value == pytest.approx(2 / 3)
    assert found["balanced_accuracy"].value == 1
    (low, high), (lower, higher) = (
        found[name].interval or (0, 0) for name in ("balanced_accuracy", "macro_recall")
    )
    assert high == 1
    assert 0.66 < higher < 0.9
    assert lower < low


def test_the_macro_note_states_the_mode() -> None:
    matrix = of([[3, 1, 0], [2, 0, 0], [0, 0, 0]])
    assert macro_note(matrix).macro == "present"
    assert macro_note(matrix).n_averaged == 2
    everything = macro_note(matrix, "all")
    assert (everything.macro, everything.n_averaged, everything.absent) == ("all", 3, [2])
    assert set(MACRO_MODES) == {"present", "all"}
    assert all(sentence.endswith(".") for sentence in MACRO_MODES.values())


# --- exact intervals


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_clopper_pearson_equals_scipy(confidence: float) -> None:
    for n in (1, 2, 7, 30, 1000):
        for k in {0, 1, n // 2, n - 1, n}:
            theirs = stats.binomtest(k, n).proportion_ci(confidence, "exact")
            low, high = clopper_pearson(k, n, confidence)
            assert (low, high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


@pytest.mark.parametrize("level", [90, 95, 99])
def test_clopper_pearson_of_the_published_accuracy(golden: dict[str, Any], level: int) -> None:
    given_ = golden["overall"]
    low, high = clopper_pearson(given_["correct"], given_["n"], level / 100)
    expected = given_[f"accuracy_ci{level}"]["clopper_pearson"]
    assert (low, high) == pytest.approx(tuple(expected), rel=1e-9)


def test_clopper_pearson_of_the_published_classes(golden: dict[str, Any]) -> None:
    found = proportion_intervals(of(golden["matrix"]), exact=True).per_class
    for name in ("recall", "precision"):
        expected = [entry[f"{name}_ci95"]["clopper_pearson"] for entry in golden["per_class"]]
        ends = np.stack([found[name].low, found[name].high], axis=1)
        np.testing.assert_allclose(ends, expected, rtol=1e-9)


def test_clopper_pearson_has_the_ends_and_refusals_of_wilson() -> None:
    low, high = clopper_pearson([0, 7, 0], [7, 7, 0])
    assert low[0] == 0
    assert high[1] == 1
    assert np.isnan([low[2], high[2]]).all()
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(4, 3)
    with pytest.raises(ValueError, match="between 0 and 1"):
        clopper_pearson(1, 3, 95)


@given(st.integers(1, 30), st.floats(0.001, 0.999))
@LAW
def test_clopper_pearson_covers_at_least_as_often_as_it_says(n: int, share: float) -> None:
    k = np.arange(n + 1)
    low, high = clopper_pearson(k, n)
    assert (low <= k / n).all()
    assert (k / n <= high).all()
    inside = (low <= share) & (share <= high)
    assert float(stats.binom.pmf(k, n, share)[inside].sum()) >= 0.95 - 1e-12


def test_exact_intervals_replace_those_of_all_shares_and_no_others() -> None:
    matrix = of(np.kron(HAND, np.ones((2, 2), int)))
    found = proportion_intervals(matrix, 60, exact=True)
    shares = {m.name for m in SUMMARY if m.interval == "Wilson score"}
    assert set(found.summary) == shares
    assert set(found.per_class) == {m.name for m in PER_CLASS if m.interval == "Wilson score"}
    assert found.method == "Clopper-Pearson"
    default, columns = summary_metrics(matrix, 60), per_class_metrics(matrix)
    for name, metric in found.summary.items():
        assert metric.value == default[name].value
        (low, high), (a, b) = metric.interval or (0, 0), default[name].interval or (0, 0)
        assert (low, high) != (a, b)
        assert high - low > b - a
    for name, column in found.per_class.items():
        assert np.array_equal(column.value, columns[name].value)
        assert column.reason == columns[name].reason


def test_exact_intervals_keep_what_is_undefined() -> None:
    assert proportion_intervals(ConfusionMatrix.empty(3), exact=True).summary == {}
    assert proportion_intervals(ConfusionMatrix.empty(3), exact=True).per_class == {}
    found = proportion_intervals(of([[3, 1], [0, 0]]), exact=True)
    assert found.summary["top5_accuracy"] == Metric(None, None, "too_few_classes")
    assert found.per_class["recall"].metric(1) == Metric(None, None, "no_true_samples")


# --- weighted kappa


@pytest.mark.parametrize("table", TABLES)
def test_weighted_kappa_equals_scikit_learn(table: NDArray[np.int64]) -> None:
    y, p = labels_of(table)
    found = ordinal_metrics(of(table))
    for weights in ("linear", "quadratic"):
        theirs = sk.cohen_kappa_score(y, p, labels=range(len(table)), weights=weights)
        assert found[f"kappa_{weights}"].value == pytest.approx(theirs, rel=1e-12, abs=1e-14)


def test_weighted_kappa_of_the_published_matrices(golden: dict[str, Any]) -> None:
    found = ordinal_metrics(of(golden["matrix"]))
    for name in ("kappa_linear", "kappa_quadratic"):
        assert found[name].value == pytest.approx(golden["overall"][name], rel=1e-12)


def test_weighted_kappa_worked_by_hand() -> None:
    found = ordinal_metrics(of([[2, 1, 0], [0, 2, 1], [1, 0, 3]]))
    # rows 3 3 4, columns 3 3 4: off by 1 + 1 + 2, by chance (18 + 24 + 2 · 24) / 10
    assert found["kappa_linear"].value == pytest.approx(1 - 10 * 4 / 90)
    assert found["kappa_quadratic"].value == pytest.approx(1 - 10 * 6 / 138)


def complex_step_error(table: NDArray[np.int64], power: int) -> tuple[float, float]:
    """Weighted kappa and its multinomial delta error, by derivatives without subtraction."""
    k = len(table)
    w = np.abs(np.subtract.outer(np.arange(k), np.arange(k))) ** power

    def kappa(c: Any) -> Any:
        return 1 - (w * c).sum() * c.sum() / (w * np.outer(c.sum(1), c.sum(0))).sum()

    slopes, cells = [], table[table > 0]
    for i, j in np.argwhere(table):
        moved = table.astype(complex)
        moved[i, j] += 1e-30j
        slopes.append(kappa(moved).imag / 1e-30)
    mean = (cells * slopes).sum() / cells.sum()
    return kappa(table.astype(float)), math.sqrt((cells * (np.array(slopes) - mean) ** 2).sum())


@pytest.mark.parametrize(("name", "power"), [("kappa_linear", 1), ("kappa_quadratic", 2)])
def test_beyond_a_square_table_the_interval_of_weighted_kappa_is_the_delta_methods(
    name: str, power: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordinal, "MOST_DENSE", 0)
    for table in TABLES:
        metric = ordinal_metrics(of(table))[name]
        value, se = complex_step_error(table, power)
        if metric.interval is None:
            assert se == pytest.approx(0, abs=1e-12)
        else:
            expected = tuple(float(end) for end in atanh_interval(value, se))
            assert metric.interval == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_the_linear_kappa_of_two_classes_is_cohens_with_its_interval() -> None:
    table = of([[20, 5], [10, 15]])
    cohen = summary_metrics(table)["cohen_kappa"]
    for metric in ordinal_metrics(table).values():
        assert metric.value == pytest.approx(cohen.value)
        assert metric.interval == pytest.approx(cohen.interval)


def test_weighted_kappa_says_why_it_is_undefined_or_has_no_interval() -> None:
    assert set(ordinal_metrics(ConfusionMatrix.empty(2)).values()) == {
        Metric(None, None, "no_samples")
    }
    one_class = set(ordinal_metrics(of([[4, 0], [0, 0]])).values())
    assert one_class == {Metric(None, None, "constant_labels_or_predictions")}
    for table, value in ((np.diag([3, 2]), 1), ([[0, 3], [3, 0]], -1), ([[3, 0], [3, 0]], 0)):
        for metric in ordinal_metrics(of(table)).values():
            assert metric.value == value
            assert metric.interval is not None


def test_weighted_kappa_is_exact_at_any_size_and_number_of_classes() -> None:
    k = 21_000
    rng = np.random.default_rng(5)
    true, predicted = rng.integers(k, size=(2, 3000))
    matrix = ConfusionMatrix.from_labels(true, predicted, k)
    huge = ConfusionMatrix(k, matrix.keys, matrix.values * 10**12)
    found = disagreement(huge, "quadratic")
    assert found.observed == 10**12 * int(((true - predicted) ** 2).sum())
    r, c = (np.bincount(x, minlength=k) for x in (true, predicted))
    assert found.chance == 10**24 * int(
        (r * (np.arange(k) ** 2 * 3000 - 2 * np.arange(k) * predicted.sum()
              + (predicted**2).sum())).sum()
    )  # fmt: skip
    assert int(c.sum()) == 3000
    one, other = ordinal_metrics(matrix), ordinal_metrics(huge)
    for name in one:
        assert one[name].value == pytest.approx(other[name].value, rel=1e-14)
    assert "counts" not in vars(matrix)


@st.composite
def tables(draw: st.DrawFn) -> NDArray[np.int64]:
    k = draw(st.integers(2, 5))
    cells = draw(st.lists(st.integers(0, 9), min_size=k * k, max_size=k * k))
    table = np.array(cells, np.int64).reshape(k, k)
    table[0, 1] += 1
    return table


@given(tables())
@LAW
def test_weighted_kappa_stays_in_range_and_ignores_transposing_and_reversing(
    table: NDArray[np.int64],
) -> None:
    found = ordinal_metrics(of(table))
    turned = ordinal_metrics(of(table.T))
    reversed_ = ordinal_metrics(of(table[::-1, ::-1]))
    for metric in ORDINAL:
        one = found[metric.name]
        for other in (turned[metric.name], reversed_[metric.name]):
            assert one.reason == other.reason
            assert one.value is None or one.value == pytest.approx(other.value, abs=1e-12)
            assert one.interval is None or one.interval == pytest.approx(other.interval, abs=1e-9)
        assert one.value is None or -1 <= one.value <= 1


def test_weighted_kappa_is_one_exact_fraction() -> None:
    table = np.array([[10**12, 3, 7], [10**9, 10**12 - 1, 1], [0, 10**10, 10**12 - 11]])
    r, c, n = table.sum(1).tolist(), table.sum(0).tolist(), int(table.sum())
    for weights, power in (("linear", 1), ("quadratic", 2)):
        w = {(i, j): abs(i - j) ** power for i in range(3) for j in range(3)}
        seen = sum(w[i, j] * int(table[i, j]) for i, j in w)
        chance = sum(w[i, j] * r[i] * c[j] for i, j in w)
        exact = float(1 - Fraction(n * seen, chance))
        assert ordinal_metrics(of(table))[f"kappa_{weights}"].value == exact


def test_log_intervals_are_symmetric_as_factors() -> None:
    low, high = log_interval(2.0, 0.5)
    assert (float(low), float(high)) == pytest.approx((2 / math.exp(Z / 4), 2 * math.exp(Z / 4)))
    for value, se in ((0.0, 0.1), (2.0, 0.0), (math.nan, 0.1)):
        assert np.isnan(log_interval(value, se)).all()
    assert logit_interval(0.5, 0.1) != log_interval(0.5, 0.1)


def test_every_public_name_is_there_and_no_other() -> None:
    from reportgen import metrics

    assert all(getattr(metrics, name) is not None for name in metrics.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = metrics.nonsense


def test_the_no_information_rate_has_goodmans_interval_over_the_classes_that_have_samples() -> None:
    found = whole([[30, 0, 0], [25, 0, 0], [0, 0, 0]])["no_information_rate"]
    low, high = wilson(30, 55, 0.975)
    assert found == Metric(30 / 55, (float(low), float(high)), None)


def test_the_no_information_rate_is_held_where_chance_alone_makes_a_class_the_largest() -> None:
    """94% or more of 300 test sets; the interval of a single class would hold it in 60%."""
    rng = np.random.default_rng(0)
    held = of_one = 0
    for counts in rng.multinomial(400, [1 / 20] * 20, 300):
        low, high = whole(np.diag(counts).tolist())["no_information_rate"].interval or (1, 0)
        held += low <= 1 / 20 <= high
        low, high = (float(end) for end in wilson(int(counts.max()), 400))
        of_one += low <= 1 / 20 <= high
    assert held >= 0.93 * 300
    assert of_one < 0.8 * 300
