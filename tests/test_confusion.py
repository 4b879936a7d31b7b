"""The confusion matrix: exact counts, rows true, that add up in any order."""

from __future__ import annotations

import collections
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reportgen.confusion_matrix import DENSE_LIMIT, MAX_SAMPLES, ConfusionMatrix, RunningMatrix
from reportgen.errors import DataError

K = 4


def matrices(n_classes: int = K, most: int = 50) -> st.SearchStrategy[ConfusionMatrix]:
    counts = st.sampled_from([0, 0, 1, 2, most]) | st.integers(0, most)
    tables = hnp.arrays(np.int64, (n_classes, n_classes), elements=counts)
    return tables.map(ConfusionMatrix.from_counts)


def pairs(n_classes: int = K) -> st.SearchStrategy[list[tuple[int, int]]]:
    index = st.integers(0, n_classes - 1)
    return st.lists(st.tuples(index, index), max_size=60)


def counted(samples: list[tuple[int, int]], n_classes: int = K) -> ConfusionMatrix:
    return ConfusionMatrix.from_labels(
        [true for true, _ in samples], [predicted for _, predicted in samples], n_classes
    )


MATRIX = ConfusionMatrix.from_counts([[5, 2, 0], [1, 7, 1], [0, 2, 0]])


# --- reading it


def test_rows_are_true_and_columns_are_predicted() -> None:
    matrix = ConfusionMatrix.from_labels([0, 0, 0, 1], [0, 1, 1, 1], 2)
    assert matrix.counts.tolist() == [[1, 2], [0, 1]]
    assert matrix.count(true=0, predicted=1) == 2
    assert matrix.count(true=1, predicted=0) == 0


def test_totals_and_diagonal_of_a_small_matrix() -> None:
    assert MATRIX.true_totals.tolist() == [7, 9, 2]
    assert MATRIX.predicted_totals.tolist() == [6, 11, 1]
    assert MATRIX.diagonal.tolist() == [5, 7, 0]
    assert (MATRIX.n_samples, MATRIX.n_correct, MATRIX.n_errors) == (18, 12, 6)


def test_cells_are_the_non_zero_ones_in_order() -> None:
    assert list(MATRIX.cells()) == [
        (0, 0, 5), (0, 1, 2), (1, 0, 1), (1, 1, 7), (1, 2, 1), (2, 1, 2),
    ]  # fmt: skip


def test_errors_come_by_count_then_by_true_then_by_predicted_index() -> None:
    matrix = ConfusionMatrix.from_counts([[9, 1, 3], [3, 9, 1], [0, 7, 9]])
    assert list(zip(*(array.tolist() for array in matrix.errors_by_count()), strict=True)) == [
        (2, 1, 7), (0, 2, 3), (1, 0, 3), (0, 1, 1), (1, 2, 1),
    ]  # fmt: skip


def test_lookup_gives_many_cells_and_zero_for_empty_ones() -> None:
    true, predicted = np.array([0, 2, 2]), np.array([1, 2, 1])
    assert MATRIX.lookup(true, predicted).tolist() == [2, 0, 2]
    assert ConfusionMatrix.empty(3).lookup(true, predicted).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("true", "predicted"), [(3, 0), (0, 3), (-1, 0), (0, -1)])
def test_a_cell_of_no_class_is_an_index_error_and_not_a_cell_of_the_next_row(
    true: int, predicted: int
) -> None:
    with pytest.raises(IndexError, match="of 3"):
        MATRIX.count(true, predicted)


def test_normalized_divides_rows_columns_or_all() -> None:
    assert MATRIX.normalized("true")[1].tolist() == [1 / 9, 7 / 9, 1 / 9]
    assert MATRIX.normalized("pred")[:, 1].tolist() == [2 / 11, 7 / 11, 2 / 11]
    assert MATRIX.normalized("all")[0].tolist() == [5 / 18, 2 / 18, 0]


def test_an_absent_class_has_a_row_of_nan_and_not_of_zeros() -> None:
    matrix = ConfusionMatrix.from_counts([[2, 0, 1], [0, 0, 0], [1, 0, 1]])
    assert np.isnan(matrix.normalized("true")[1]).all()
    assert np.isnan(matrix.normalized("pred")[:, 1]).all()
    assert not np.isnan(matrix.normalized("true")[[0, 2]]).any()
    assert np.isnan(ConfusionMatrix.empty(2).normalized("all")).all()


def test_normalized_knows_three_words() -> None:
    with pytest.raises(ValueError, match="rows"):
        MATRIX.normalized("rows")  # type: ignore[arg-type]


def test_arrays_can_not_be_changed_by_their_readers() -> None:
    for array in (
        MATRIX.keys, MATRIX.values, MATRIX.counts,
        MATRIX.true_totals, MATRIX.predicted_totals, MATRIX.diagonal,
    ):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_it_describes_itself_in_a_line_and_survives_pickling() -> None:
    assert repr(MATRIX) == "<ConfusionMatrix: 3 classes, 18 samples, 6 errors>"
    assert pickle.loads(pickle.dumps(MATRIX)) == MATRIX


# --- making it


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64, object, bool])
def test_whole_numbers_of_any_dtype_are_counts(dtype: type) -> None:
    table = np.array([[1, 0], [1, 1]], dtype)
    assert ConfusionMatrix.from_counts(table).counts.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1, 2], [0.5, 1]], "cell (1, 0) of the matrix is 0.5: not a count"),
        ([[1, -2], [0, 1]], "cell (0, 1) of the matrix is -2: not a count"),
        ([[1, float("nan")], [0, 1]], "cell (0, 1) of the matrix is nan: not a count"),
        ([[float("inf"), 1], [0, 1]], "cell (0, 0) of the matrix is inf: not a count"),
        ([[1, 2], [1e300, 1]], "cell (1, 0) of the matrix is 1e+300: not a count"),
        ([[1, 2], ["a\x1b", 1]], 'cell (1, 0) of the matrix is "a\\x1b": not a count'),
        ([[1, None], [1, 1]], "cell (0, 1) of the matrix is None: not a count"),
        ([[1, 2**70], [1, 1]], f"cell (0, 1) of the matrix is {2**70}: not a count"),
    ],
)
def test_a_cell_that_is_no_count_is_named(table: list[list[object]], message: str) -> None:
    with pytest.raises(DataError) as caught:
        ConfusionMatrix.from_counts(table)  # type: ignore[arg-type]
    assert caught.value.message == message
    assert caught.value.slug == "matrix-cell"
    assert caught.value.details == ("1 of 4 cells are not counts",)


@pytest.mark.parametrize(
    ("table", "words"),
    [([[1, 2, 3], [4, 5, 6]], "2 × 3"), ([1, 2], "2"), (7, "a number"), ([[]], "1 × 0"),
     (np.zeros((0, 0)), "0 × 0"), ([[1, 2], [3]], "different lengths")],
)  # fmt: skip
def test_a_table_that_is_not_square_is_refused(table: object, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        ConfusionMatrix.from_counts(table)  # type: ignore[arg-type]
    assert caught.value.slug == "matrix-not-square"


def test_counts_of_a_million_million_add_up_exactly() -> None:
    big = 10**12 + 1
    matrix = ConfusionMatrix.from_counts(np.full((40, 40), big))
    assert matrix.n_samples == 1600 * big
    assert matrix.true_totals.tolist() == [40 * big] * 40
    assert (matrix + matrix).n_samples == 3200 * big


def test_counts_that_do_not_fit_64_bits_are_refused_and_never_wrap() -> None:
    half = ConfusionMatrix.from_counts([[MAX_SAMPLES // 2 + 10**6]])
    for too_large in (
        lambda: half + half,
        lambda: ConfusionMatrix.from_counts(np.full((3, 3), MAX_SAMPLES // 2)),
    ):
        with pytest.raises(DataError, match=r"the maximum is 2\.31e\+18") as caught:
            too_large()
        assert caught.value.slug == "matrix-too-large"


@pytest.mark.parametrize("what", ["label", "prediction"])
@pytest.mark.parametrize("value", [3, -1, 300])
def test_an_index_out_of_range_is_refused_and_not_counted_in_the_next_row(
    what: str, value: int
) -> None:
    good, bad = np.array([0, 1, 2], np.int16), np.array([0, value, 2], np.int16)
    with pytest.raises(DataError) as caught:
        ConfusionMatrix.from_labels(*((bad, good) if what == "label" else (good, bad)), 3)
    assert caught.value.message == f"{what} {value} at row 1: valid are 0..2"
    assert caught.value.slug == f"{what}-out-of-range"
    assert caught.value.details == ("1 of 3 are out of range",)


def test_an_index_above_63_bits_does_not_wrap_into_range() -> None:
    with pytest.raises(DataError, match="18446744073709551615"):
        ConfusionMatrix.from_labels(np.array([2**64 - 1], np.uint64), [0], 3)


def test_labels_counted_from_one_get_a_hint() -> None:
    with pytest.raises(DataError) as caught:
        ConfusionMatrix.from_labels([1, 2, 3], [0, 1, 2], 3)
    assert caught.value.hint == "the labels seem to be 1-based: subtract 1"


def test_labels_and_predictions_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="2 labels but 1 predictions") as caught:
        ConfusionMatrix.from_labels([0, 1], [0], 2)
    assert caught.value.slug == "length-mismatch"


def test_scores_in_place_of_indices_are_refused() -> None:
    with pytest.raises(DataError, match=r"predictions have shape \(2, 3\)") as caught:
        ConfusionMatrix.from_labels([0, 1], np.zeros((2, 3)), 3)
    assert caught.value.slug == "indices-shape"


@pytest.mark.parametrize("labels", [[0.0, 1.0], ["cat", "dog"]])
def test_labels_that_are_no_integers_are_refused(labels: list[object]) -> None:
    with pytest.raises(DataError, match="not class indices") as caught:
        ConfusionMatrix.from_labels(labels, [0, 1], 2)  # type: ignore[arg-type]
    assert caught.value.slug == "indices-not-integers"


def test_no_samples_make_the_empty_matrix() -> None:
    assert ConfusionMatrix.from_labels([], [], 3) == ConfusionMatrix.empty(3)
    assert ConfusionMatrix.from_cells([], 3) == ConfusionMatrix.empty(3)
    assert ConfusionMatrix.from_counts(np.zeros((3, 3))) == ConfusionMatrix.empty(3)


@given(matrices())
@settings(deadline=None, max_examples=50)
def test_cells_and_counts_lead_back_to_the_same_matrix(matrix: ConfusionMatrix) -> None:
    assert ConfusionMatrix.from_counts(matrix.counts) == matrix
    assert ConfusionMatrix.from_cells(reversed(list(matrix.cells())), K) == matrix


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([(0, 1, 2), (0, 1, 3)], r"cell \(0, 1\) of the matrix appears twice"),
        ([(0, 1, 0)], r"cell \(0, 1\) of the matrix has the count 0"),
        ([(0, 1, -4)], "has the count -4"),
        ([(0, 1)], "triples of whole numbers"),
        ([(0, 1, 0.5)], "triples of whole numbers"),
    ],
)
def test_wrong_cells_are_refused(cells: list[tuple[int, ...]], words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        ConfusionMatrix.from_cells(cells, 2)
    assert caught.value.slug == "matrix-cells"


def test_a_cell_of_no_class_is_refused() -> None:
    with pytest.raises(DataError, match="prediction 2 at row 1") as caught:
        ConfusionMatrix.from_cells([(0, 1, 1), (0, 2, 1)], 2)
    assert caught.value.slug == "prediction-out-of-range"


@pytest.mark.parametrize(
    ("keys", "values", "words"),
    [
        ([1, 0], [1, 1], "strictly increasing"),
        ([0, 0], [1, 1], "strictly increasing"),
        ([4], [1], "cells of the matrix"),
        ([-1], [1], "cells of the matrix"),
        ([0], [0], "count of 1 or more"),
        ([0], [1, 2], "keys for"),
    ],
)
def test_parts_that_make_no_matrix_are_refused(
    keys: list[int], values: list[int], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        ConfusionMatrix(2, np.array(keys), np.array(values))


def test_a_matrix_has_a_class() -> None:
    with pytest.raises(ValueError, match="0 classes"):
        ConfusionMatrix.empty(0)


# --- many classes


def test_many_classes_are_kept_as_cells_and_count_the_same() -> None:
    n_classes = DENSE_LIMIT + 952
    rng = np.random.default_rng(7)
    labels, predictions = rng.integers(n_classes, size=(2, 20_000))
    matrix = ConfusionMatrix.from_labels(labels, predictions, n_classes)
    assert matrix.keys.nbytes + matrix.values.nbytes < 400_000
    assert matrix.n_samples == 20_000
    assert np.array_equal(matrix.true_totals, np.bincount(labels, minlength=n_classes))
    assert np.array_equal(matrix.predicted_totals, np.bincount(predictions, minlength=n_classes))
    assert matrix.n_correct == np.count_nonzero(labels == predictions)
    assert matrix.lookup(labels[:9], predictions[:9]).min() >= 1


@pytest.mark.parametrize("n_classes", [1, 2, 30])
def test_few_and_many_samples_are_counted_alike(n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    for n in (3, 10_000):  # sorted as cells, or counted in a table
        labels, predictions = rng.integers(n_classes, size=(2, n))
        table = np.zeros((n_classes, n_classes), np.int64)
        for true, predicted in zip(labels, predictions, strict=True):
            table[true, predicted] += 1
        matrix = ConfusionMatrix.from_labels(labels, predictions, n_classes)
        assert np.array_equal(matrix.counts, table)


# --- laws


@given(matrices(), matrices(), matrices())
@settings(deadline=None, max_examples=100)
def test_matrices_are_a_commutative_monoid(
    a: ConfusionMatrix, b: ConfusionMatrix, c: ConfusionMatrix
) -> None:
    empty = ConfusionMatrix.empty(K)
    assert a + empty == a == empty + a
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert np.array_equal((a + b).counts, a.counts + b.counts)
    assert hash(a + b) == hash(b + a)


@given(pairs(), st.integers(0, 60), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_any_split_in_any_order_counts_the_same(
    samples: list[tuple[int, int]], cut: int, random: object
) -> None:
    shuffled = list(samples)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert counted(shuffled[:cut]) + counted(shuffled[cut:]) == counted(samples)
    assert counted(samples).n_samples == len(samples)


@given(matrices(most=10**12))
@settings(deadline=None, max_examples=50)
def test_shares_are_those_of_exact_fractions(matrix: ConfusionMatrix) -> None:
    for over, totals in (("true", matrix.true_totals), ("pred", matrix.predicted_totals)):
        shares = matrix.normalized(over)  # type: ignore[arg-type]
        for i, j, n in matrix.cells():
            total = int(totals[i if over == "true" else j])
            assert shares[i, j] == float(Fraction(n, total))


def test_equality_asks_for_the_same_classes_and_counts() -> None:
    assert ConfusionMatrix.empty(2) != ConfusionMatrix.empty(3)
    assert ConfusionMatrix.from_counts([[1]]) != ConfusionMatrix.from_counts([[2]])
    assert ConfusionMatrix.from_counts([[1]]) != "a matrix"


def test_only_matrices_of_the_same_classes_add_up() -> None:
    with pytest.raises(DataError, match="of 2 and of 3 classes"):
        ConfusionMatrix.empty(2) + ConfusionMatrix.empty(3)
    with pytest.raises(TypeError):
        MATRIX + 1  # type: ignore[operator]


@pytest.mark.parametrize("n_classes", [3, 60, 3000])
@pytest.mark.parametrize("pending", [1, 100, 10_000])
def test_counting_batch_by_batch_gives_the_matrix_of_all(n_classes, pending, monkeypatch):
    monkeypatch.setattr("reportgen.confusion_matrix._PENDING", pending)
    rng = np.random.default_rng(n_classes)
    true, predicted = rng.integers(0, n_classes, (2, 1500))
    running = RunningMatrix(n_classes)
    assert running.total() == ConfusionMatrix.empty(n_classes)
    for start, end in [(0, 0), (0, 40), (40, 700), (700, 1500)]:
        running.add(true[start:end], predicted[start:end])
        assert running.total() == ConfusionMatrix.from_labels(
            true[:end], predicted[:end], n_classes
        )
    cells = collections.Counter(zip(true.tolist(), predicted.tolist(), strict=True))
    assert {(t, p): n for t, p, n in running.total().cells()} == cells
