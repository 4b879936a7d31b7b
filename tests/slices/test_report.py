"""The table of slices: figures of each slice as of a data set of its own, tests, order."""

import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.scoring import Answers, Calibration, CalibrationBins
from reportgen.analysis.slices import (
    ALPHA,
    SliceReport,
    SliceTallies,
    Survey,
    newcombe,
    plan_slices,
    slice_table,
    two_sided_p,
)
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.jsonio import read_value, write_value
from reportgen.metrics import summary_metrics
from reportgen.metrics.multiple_testing import holm


def data(n=3000, seed=0):
    """Metadata, labels, predictions, confidences: night is hard, device and age don't matter."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    light = rng.choice(["day", "night"], n, p=[0.8, 0.2]).astype(object)
    wrong = rng.random(n) < np.where(light == "night", 0.3, 0.1)
    columns = {
        "light": light,
        "device": rng.choice(["a", "b", None], n).astype(object),
        "age": np.where(rng.random(n) < 0.1, np.nan, rng.normal(50, 10, n)),
    }
    return columns, labels, (labels + wrong * rng.integers(1, 4, n)) % 4, rng.uniform(0.5, 1, n)


def table(columns, labels, predictions, confidences=None, n_classes=4, **options):
    plan = plan_slices(Survey.of(columns))
    tallies = SliceTallies.empty(plan, n_classes).having(columns, labels, predictions, confidences)
    return slice_table([tallies], **options)


def part(report, column, text):
    return next(one for one in report.slices if (one.column, one.part.text) == (column, text))


def test_the_hard_slice_comes_first_and_is_shown_to_be_worse():
    report = table(*data())
    assert report.slices[0].part.text == "night"
    assert [one.verdict for one in report.slices].count("worse") == report.n_worse == 1
    assert part(report, "light", "day").verdict == "better"
    assert report.n_tests == len(report.slices) == 2 + 3 + 6


def test_each_slice_has_the_figures_of_its_own_samples():
    columns, labels, predictions, confidences = data()
    report = table(columns, labels, predictions, confidences)
    at = columns["light"] == "night"
    night = part(report, "light", "night")
    matrix = ConfusionMatrix.from_labels(labels[at], predictions[at], 4)
    expected = summary_metrics(matrix)
    right = labels == predictions
    assert (night.n, night.n_correct) == (at.sum(), right[at].sum())
    assert night.accuracy == expected["accuracy"]
    assert night.balanced_accuracy == expected["balanced_accuracy"]
    assert night.macro_f1 == expected["macro_f1"]
    bins = CalibrationBins.of(Answers.of(confidences[at], right[at]))
    assert night.ece.value == Calibration.of(bins).ece.value
    groups = right[at].sum(), at.sum(), right[~at].sum(), (~at).sum()
    assert night.difference.value == groups[0] / groups[1] - groups[2] / groups[3]
    assert night.difference.interval == newcombe(*groups)
    assert night.p_value == two_sided_p(*groups)


def test_the_confidence_gap_is_a_mean_with_its_normal_interval():
    columns, labels, predictions, confidences = data()
    at = columns["light"] == "night"
    gaps = confidences[at] - (labels == predictions)[at]
    found = part(table(columns, labels, predictions, confidences), "light", "night").confidence_gap
    error = 1.959963984540054 * gaps.std(ddof=1) / np.sqrt(len(gaps))
    assert found.value == pytest.approx(gaps.mean(), rel=1e-12)
    np.testing.assert_allclose(
        found.interval, [gaps.mean() - error, gaps.mean() + error], rtol=1e-9
    )


def test_bins_and_missing_values_are_slices():
    columns, labels, predictions, _ = data()
    report = table(columns, labels, predictions)
    age = columns["age"]
    edges = np.quantile(age[~np.isnan(age)], [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
    assert report.columns[2].edges[1:-1] == tuple(edges)
    found = {one.part.text: one for one in report.slices if one.column == "age"}
    assert found["no value"].n == np.isnan(age).sum()
    second = next(one for one in found.values() if one.part.low == edges[0])
    assert second.part.high == edges[1]
    assert second.n == ((age > edges[0]) & (age <= edges[1])).sum()
    assert sum(one.n for one in found.values()) == len(labels)


def test_holm_is_over_all_slices_of_all_columns():
    report = table(*data())
    expected = holm([one.p_value for one in report.slices])
    assert [one.p_holm for one in report.slices] == expected.p.tolist()
    assert report.n_tests == expected.m


def test_a_slice_without_a_rest_is_not_tested():
    """Two values were surveyed, but only samples of one have a label."""
    columns = {"site": ["a", "a", "b"], "time": ["x", "y", "y"]}
    report = table(columns, np.array([0, 1, -1]), np.array([0, 1, 1]))
    alone = part(report, "site", "a")
    assert (alone.p_value, alone.p_holm, alone.difference.reason) == (None, None, "no_samples")
    assert report.n_tests == 2
    assert report.slices[-1] == alone


def test_one_wrong_sample_does_not_come_first():
    labels = np.zeros(1001, int)
    predictions = labels.copy()
    columns = {"site": ["big"] * 800 + ["mid"] * 200 + ["one"]}
    predictions[:60] = predictions[800:860] = predictions[-1] = 1
    report = table(columns, labels, predictions, n_classes=2)
    assert [one.part.text for one in report.slices] == ["mid", "one", "big"]
    assert [one.verdict for one in report.slices] == ["worse", "unclear", "better"]
    assert [one.low_support for one in report.slices] == [False, True, False]


def site_table(**right_of):
    """A table of one column: site=(right answers, samples)."""
    sites = [name for name, (_, n) in right_of.items() for _ in range(n)]
    wrong = [i >= right for right, n in right_of.values() for i in range(n)]
    return table({"site": sites}, np.zeros(len(sites), int), np.array(wrong, int), n_classes=2)


def test_proof_of_a_small_harm_comes_before_a_suspicion_of_a_large_one():
    slices = site_table(good=(3760, 4000), one=(0, 1), bad=(3600, 4000)).slices
    assert [one.part.text for one in slices] == ["bad", "one", "good"]
    assert [one.verdict for one in slices] == ["worse", "unclear", "better"]
    assert slices[0].difference.interval[1] > slices[1].difference.interval[1]


def test_suspicions_are_ordered_by_the_harm_that_is_there_at_least():
    slices = site_table(rest=(9500, 10_000), ten=(9, 10), many=(372, 400)).slices
    assert [one.part.text for one in slices[:2]] == ["many", "ten"]
    assert {one.verdict for one in slices} == {"unclear"}
    assert slices[0].difference.interval[0] > slices[1].difference.interval[0]


def test_without_confidences_it_is_said():
    report = table(*data()[:3])
    assert {one.ece.reason for one in report.slices} == {"no_scores"}
    assert {one.confidence_gap.reason for one in report.slices} == {"no_scores"}


def test_confidences_that_are_missing_are_left_out_of_the_gap_alone():
    columns = {"site": ["a", "a", "b", "b"]}
    labels = np.zeros(4, int)
    report = table(columns, labels, labels, np.array([0.9, np.nan, np.nan, np.nan]), n_classes=2)
    assert part(report, "site", "a").n == 2
    assert part(report, "site", "a").confidence_gap.value == pytest.approx(-0.1)
    assert part(report, "site", "b").confidence_gap.reason == "no_scores"


def test_a_perfect_slice_has_an_interval_of_its_difference():
    columns = {"site": ["a", "a", "b", "b"]}
    report = table(columns, np.zeros(4, int), np.zeros(4, int), n_classes=2)
    low, high = report.slices[0].difference.interval
    assert low < 0 < high
    assert report.slices[0].p_value == 1


def test_equal_slices_are_rarely_called_worse():
    """Family-wise: in at most about 5% of data sets without any difference."""
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        labels = np.zeros(400, int)
        columns = {"a": rng.choice(list("vwxyz"), 400).astype(object), "b": rng.random(400)}
        report = table(columns, labels, (rng.random(400) < 0.1).astype(int), n_classes=2)
        alarms += any(one.verdict != "unclear" for one in report.slices)
    assert ALPHA == 0.05
    assert alarms <= 20


def test_macro_all_counts_absent_classes():
    columns = {"site": ["a", "b", "a", "b"]}
    one = part(
        table(columns, np.array([0, 1, 0, 1]), np.array([0, 1, 0, 1]), macro="all"), "site", "a"
    )
    assert one.macro_f1.value == 0.25
    assert one.balanced_accuracy.value == 1


def test_the_report_survives_json():
    columns = {**data()[0], "file": [f"{i}.png" for i in range(3000)], "same": ["x"] * 3000}
    report = table(columns, *data()[1:])
    text = json.dumps(write_value(SliceReport, report), allow_nan=False)
    assert read_value(SliceReport, json.loads(text)) == report
    value = json.loads(text)
    assert (
        value["slices"][0] | {"verdict": "worse", "value": "night", "kind": "value"}
        == value["slices"][0]
    )
    assert [column["reason"] for column in value["columns"]] == [
        None,
        None,
        None,
        "identifier",
        "constant",
    ]


def test_a_category_called_other_is_not_the_other_slice():
    columns = {"c": ["other"] * 9 + [f"v{i // 2}" for i in range(120)]}
    report = table(columns, np.zeros(129, int), np.zeros(129, int), n_classes=2)
    kinds = {one.part.text: one.part.kind for one in report.slices}
    assert kinds["other"] == "value"
    assert kinds["other (11 values)"] == "other"


rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]), st.sampled_from([0.5, 1.0, np.nan]), st.integers(-1, 2),
        st.integers(0, 2), st.sampled_from([0.1, 1 / 3, 0.6, 1.0, np.nan]),
    ), min_size=1, max_size=30,
)  # fmt: skip


@settings(max_examples=60)
@given(rows, st.integers(1, 9), st.randoms())
def test_any_split_and_order_gives_the_same_tallies(rows, size, order):
    plan = plan_slices(Survey.of({"t": ["a", "b", None], "x": np.array([0.5, 1.0, np.nan])}))

    def tally(rows):
        t, x, labels, predictions, confidences = zip(*rows, strict=True)
        columns = {"t": np.array(t, object), "x": np.array(x)}
        numbers = np.array(labels), np.array(predictions), np.array(confidences)
        return SliceTallies.empty(plan, 3).having(columns, *numbers)

    whole = tally(rows)
    shuffled = list(rows)
    order.shuffle(shuffled)
    parts = [tally(shuffled[i : i + size]) for i in range(0, len(rows), size)]
    assert reduce(lambda a, b: b + a, parts, SliceTallies.empty(plan, 3)) == whole
    assert sum(one.n for one in slice_table([whole]).slices) == 2 * sum(row[2] >= 0 for row in rows)


def test_many_classes_stay_sparse():
    n = 21_000
    labels = np.arange(n)
    report = table({"half": ["a", "b"] * (n // 2)}, labels, labels, n_classes=n)
    assert {one.n_correct for one in report.slices} == {n // 2}


def test_what_does_not_fit_is_refused():
    columns, labels, predictions, confidences = data(50)
    plan = plan_slices(Survey.of(columns))
    empty = SliceTallies.empty(plan, 4)
    for change in (
        lambda: empty.having(columns, labels[:9], predictions, confidences),
        lambda: empty.having(columns, labels, predictions, confidences[:9]),
        lambda: empty.having({**columns, "light": ["day"]}, labels, predictions, confidences),
    ):
        with pytest.raises(DataError) as error:
            change()
        assert error.value.slug == "length-mismatch"
    with pytest.raises(DataError) as error:
        empty.having(columns, labels, predictions + 4)
    assert error.value.slug == "prediction-out-of-range"
    with pytest.raises(ValueError, match="different plans"):
        _ = empty + SliceTallies.empty(plan, 5)
    with pytest.raises(ValueError, match="was text"):
        empty.having({**columns, "light": columns["age"]}, labels, predictions)
