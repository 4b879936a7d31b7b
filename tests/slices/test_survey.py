"""How metadata columns are read and cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.analysis.slices import Bins, Categories, LeftOut, Survey, plan_slices
from reportgen.analysis.slices import plan as values
from reportgen.analysis.slices.plan import ColumnSurvey, NumberCounts, as_number, as_values
from reportgen.errors import DataError


def cut(*batches):
    """The cut of a column that comes in these batches."""
    survey = sum((Survey.of({"c": batch}) for batch in batches), Survey())
    plan = plan_slices(survey)
    return (*plan.cuts, *plan.left_out)[0]


def texts(found):
    return [part.text for part in found.parts]


def test_texts_become_slices_by_frequency_then_by_text():
    found = cut(["b", "a", "c"], ["c", None, ""])
    assert found == Categories("c", ("c", "a", "b"), 3)
    assert texts(found)[:3] == ["c", "a", "b"]
    assert found.places(as_values(["b", None, "", "zebra", "c"])).tolist() == [2, 4, 4, 3, 0]


def test_class_names_that_look_like_nothing_survive():
    found = cut(["NA", "null", "None", "nan-ish", "007", "NA"])
    assert found.levels == ("NA", "007", "None", "nan-ish", "null")


def test_more_than_fifty_values_leave_the_rest_to_other():
    found = cut([f"v{i:02d}" for i in range(60) for _ in range(3 + (i == 59))])
    assert found.n_values == 60
    assert len(found.levels) == 50
    assert found.levels[:2] == ("v59", "v00")
    assert [part.kind for part in found.parts[-2:]] == ["other", "missing"]
    assert found.parts[-2].text == "other (10 values)"


@pytest.mark.parametrize(("batch", "reason"), [
    (["x", "x"], "constant"),
    (np.array([3, 3, 3]), "constant"),
    ([None, ""], "empty"),
    (np.array([np.nan, np.inf]), "empty"),
    ([f"file{i}.png" for i in range(51)], "identifier"),
])  # fmt: skip
def test_columns_that_group_nothing_are_left_out_with_a_reason(batch, reason):
    assert cut(batch) == LeftOut("c", reason)


def test_one_value_and_missing_ones_are_two_slices():
    assert isinstance(cut(["x", None]), Categories)
    assert isinstance(cut(np.array([1, np.nan])), Bins)


def test_numbers_are_cut_at_numbers_that_occur():
    found = cut(np.arange(1, 11), np.arange(11, 101))
    assert (found.low, found.edges, found.high) == (1, (20, 40, 60, 80), 100)
    assert texts(found) == [
        "≤ 20", "> 20, ≤ 40", "> 40, ≤ 60", "> 60, ≤ 80", "> 80", "no value"
    ]  # fmt: skip
    numbers = np.array([20, 20.5, 100, 1e9, -1, np.nan])
    assert found.places(numbers).tolist() == [0, 1, 4, 4, 0, 5]


def test_few_different_numbers_have_a_slice_each():
    found = cut(np.array([2019, 2020, 2022, 2020]))
    assert texts(found) == ["2019", "2020", "2022", "no value"]
    assert found.places(np.array([2022, 2019, 2020])).tolist() == [2, 0, 1]


def test_numbers_written_as_text_are_numbers():
    found = cut([str(i) for i in range(100)], ["", None])
    assert isinstance(found, Bins)
    assert found.edges == (19, 39, 59, 79)
    assert found.places(["5", None, "99"]).tolist() == [0, 5, 4]


@pytest.mark.parametrize(
    "column",
    [["1", "2"], [True, False, None], np.array([True, False]), ["001", *map(str, range(2, 20))]],
)
def test_few_texts_booleans_and_leading_zeros_are_values(column):
    assert isinstance(cut(column), Categories)


@pytest.mark.parametrize(("text", "number"), [
    ("0", 0), ("-1.50", -1.5), ("+2e3", 2000), ("0.1", 0.1), ("007", None), ("1_000", None), ("1,5", None),
    ("nan", None), ("1e999", None), (" 1", None), ("", None), (".5", None), ("١", None),
])  # fmt: skip
def test_what_is_a_number(text, number):
    assert as_number(text) == number


def test_dates_are_texts():
    dates = np.array(["2024-01-01", "NaT", "2024-01-02"], "datetime64[D]")
    assert as_values(dates) == ["2024-01-01", None, "2024-01-02"]


def test_ties_leave_fewer_bins():
    found = cut(np.array([0] * 90 + list(range(1, 11))))
    assert found.edges == (0,)
    assert texts(found) == ["≤ 0", "> 0", "no value"]


def test_close_edges_are_written_with_enough_digits():
    found = cut(1 + np.arange(100) * 1e-8)
    assert len(set(texts(found))) == 6


numbers = st.lists(st.one_of(st.floats(), st.integers(-3, 3).map(float)), min_size=1, max_size=60)


@given(numbers)
def test_quantiles_equal_numpys_inverted_cdf(found):
    finite = np.array([x for x in found if np.isfinite(x)]) + 0.0
    if len(finite) == 0:
        return
    expected = np.sort(finite)[[-(-k * len(finite) // 5) - 1 for k in range(1, 5)]]
    assert NumberCounts.of(as_values(np.array(found))).quantiles(5) == expected.tolist()


def test_quantiles_of_a_plain_sample_are_those_of_numpy():
    sample = np.random.default_rng(3).normal(size=997)
    expected = np.quantile(sample, [0.2, 0.4, 0.6, 0.8], method="inverted_cdf")
    assert NumberCounts.of(sample).quantiles(5) == expected.tolist()


@settings(max_examples=60)
@given(numbers, st.integers(1, 9), st.integers(1, 60), st.randoms())
def test_any_split_and_order_gives_the_same_numbers(found, size, limit, order):
    """Also where there are too many different ones, and they are rounded."""
    shuffled = list(found)
    order.shuffle(shuffled)

    def tally(rows):
        parts = [
            NumberCounts.of(as_values(np.array(rows[i : i + size])))
            for i in range(0, len(rows), size)
        ]
        order.shuffle(parts)
        return sum(parts, NumberCounts.empty())

    before, values.DISTINCT_LIMIT = values.DISTINCT_LIMIT, limit
    try:
        one, two = tally(found), tally(shuffled)
    finally:
        values.DISTINCT_LIMIT = before
    assert one == two
    assert len(one.counted) <= limit
    assert one.counted.counts.sum() == np.isfinite(found).sum()


def test_numbers_that_were_rounded_round_those_they_are_added_to(monkeypatch):
    monkeypatch.setattr(values, "DISTINCT_LIMIT", 2)
    fine = NumberCounts.of(np.array([1.0 + 2**-52]))
    coarse = NumberCounts.of(np.array([1.0, 1.5, 1.75]))
    both = NumberCounts.of(np.array([1.0 + 2**-52, 1.0, 1.5, 1.75]))
    assert coarse.dropped == 51
    assert fine + coarse == coarse + fine == both


def test_too_many_different_numbers_are_rounded_as_little_as_will_do(monkeypatch):
    monkeypatch.setattr(values, "DISTINCT_LIMIT", 1000)
    sample = np.random.default_rng(5).random(20_000)
    found = cut(*np.split(sample, 10))
    assert found.rounded
    np.testing.assert_allclose(found.edges, [0.2, 0.4, 0.6, 0.8], atol=0.02)
    np.testing.assert_allclose(np.bincount(found.places(sample)) / 20_000, 0.2, atol=0.01)


columns = st.lists(st.sampled_from(["a", "b", "1", "2.5", "", None]), max_size=30)


@given(columns, st.integers(1, 9), st.randoms())
def test_any_split_and_order_gives_the_same_survey(column, size, order):
    parts = [ColumnSurvey.of(as_values(column[i : i + size])) for i in range(0, len(column), size)]
    order.shuffle(parts)
    assert sum(parts, ColumnSurvey()) == ColumnSurvey.of(as_values(column))


def test_too_many_texts_are_forgotten(monkeypatch):
    monkeypatch.setattr("reportgen.analysis.slices.plan.TEXT_LIMIT", 9)
    assert cut([f"a{i}" for i in range(6)] * 9, [f"b{i}" for i in range(6)] * 9) == LeftOut(
        "c", "identifier"
    )
    assert isinstance(cut([str(i) for i in range(20)]), Bins)


def test_a_column_of_numbers_and_of_text_is_refused():
    with pytest.raises(DataError) as error:
        cut(np.array([1.0]), ["x"])
    assert error.value.slug == "metadata-mixed"
    assert '"c"' in error.value.message


def test_a_batch_without_values_fits_text_and_numbers():
    nothing = np.array([np.nan, np.nan])
    assert isinstance(cut(nothing, ["x", "y"]), Categories)
    assert isinstance(cut(nothing, np.array([1, 2]), [None]), Bins)
    assert cut(["x", "y"]).places(nothing).tolist() == [3, 3]


def test_surveys_of_different_columns_do_not_add_up():
    with pytest.raises(ValueError, match="different columns"):
        _ = Survey.of({"a": ["x"]}) + Survey.of({"b": ["x"]})
