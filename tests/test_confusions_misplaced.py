"""Checks of the class order and of the orientation: they fire on mistakes, not on bad models."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from reportgen.analysis.confusions import (
    best_relabelling,
    check_supports,
    orientation_note,
    relabelling_note,
)
from reportgen.analysis.confusions.permuted_labels import most_gain
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from tests.matrices import TABLES, of

LAW = settings(deadline=None, max_examples=50)


@pytest.fixture(params=["first", "second"])
def table(request: pytest.FixtureRequest, shared: Callable[[str], Path]) -> NDArray[np.int64]:
    whole = json.loads(shared("golden/seed_fashion.json").read_text(encoding="utf-8"))
    return np.array(whole[request.param]["matrix"])


def names(k: int) -> list[str]:
    return [f"c{i}" for i in range(k)]


def drawn(k: int, n: int, accuracy: float, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=n)
    return labels, np.where(rng.random(n) < accuracy, labels, rng.integers(k, size=n))


# --- the best relabelling


def test_the_best_relabelling_is_the_best_of_all() -> None:
    for counts in TABLES:
        k = len(counts)
        found = best_relabelling(of(counts))
        assert found is not None
        every = (sum(counts[i, p[i]] for i in range(k)) for p in itertools.permutations(range(k)))
        if k <= 6:
            assert found.accuracy_after == max(every) / counts.sum()
        assert sorted(found.permutation.tolist()) == list(range(k))
        assert found.accuracy_after >= found.accuracy


def test_a_class_stays_in_its_place_where_nothing_is_gained() -> None:
    found = best_relabelling(of(np.full((4, 4), 3)))
    assert found is not None
    assert found.permutation.tolist() == [0, 1, 2, 3]
    absent = best_relabelling(of([[5, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert absent is not None
    assert absent.permutation.tolist() == [0, 1, 2]


@given(st.integers(2, 5), st.integers(0, 10**6))
@LAW
def test_of_equally_good_relabellings_the_one_that_moves_fewest_is_taken(k: int, seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 3, (k, k))
    counts[0, 0] += 1
    found = best_relabelling(of(counts))
    assert found is not None
    every = list(itertools.permutations(range(k)))
    hits = [sum(counts[i, p[i]] for i in range(k)) for p in every]
    stay = [sum(i == p[i] for i in range(k)) for p in every]
    best = max(zip(hits, stay, strict=True))
    assert found.accuracy_after == best[0] / counts.sum()
    assert int((found.permutation == np.arange(k)).sum()) == best[1]


@given(st.integers(2, 6), st.integers(0, 10**6), st.sampled_from([0, 3, 30]), st.booleans())
@LAW
def test_no_relabelling_gains_more_than_the_bound(
    k: int, seed: int, more: int, moved: bool
) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (k, k)) + more * np.eye(k, dtype=np.int64)
    if moved:
        counts = counts[:, rng.permutation(k)]
    counts[0, 0] += 1
    every = [sum(counts[i, p[i]] for i in range(k)) for p in itertools.permutations(range(k))]
    assert (max(every) - counts.trace()) / counts.sum() <= most_gain(of(counts))


def test_the_bound_is_the_lesser_of_what_rows_and_columns_allow() -> None:
    counts = [[1, 9, 0], [6, 2, 2], [6, 0, 4]]
    by_rows = (9 - 1) + (6 - 2) + (6 - 4)
    by_columns = (6 - 1) + (9 - 2) + 0
    assert by_columns < by_rows
    assert most_gain(of(counts)) == by_columns / 30
    assert most_gain(of([[0, 10], [10, 0]])) == 1


@given(st.integers(2, 6), st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
@LAW
def test_a_note_is_left_out_only_where_no_relabelling_is_suspicious(
    k: int, seed: int, kept: float, shifted: float
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(k, size=80)
    predictions = np.where(rng.random(80) < kept, labels, rng.integers(k, size=80))
    predictions = np.where(rng.random(80) < shifted, (predictions + 1) % k, predictions)
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (labels, predictions), 1)
    found = best_relabelling(of(counts))
    assert found is not None
    assert (relabelling_note(of(counts), names(k)) is not None) == found.is_suspicious


def test_scipy_is_not_loaded_for_a_model_that_mostly_calls_classes_by_their_names() -> None:
    program = (
        "import sys\n"
        "from reportgen.analysis.confusions import relabelling_note\n"
        "from reportgen.confusion_matrix import ConfusionMatrix\n"
        "relabelling_note(ConfusionMatrix.from_counts([[7, 3], [2, 8]]), ['a', 'b'])\n"
        "print('scipy.optimize' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_one_class_too_many_classes_or_no_samples_are_not_relabelled() -> None:
    assert best_relabelling(of([[4]])) is None
    assert best_relabelling(ConfusionMatrix.empty(3)) is None
    assert best_relabelling(ConfusionMatrix.from_cells([(0, 1, 5)], 1001)) is None
    assert relabelling_note(ConfusionMatrix.from_cells([(0, 1, 5)], 1001), names(1001)) is None


def test_a_shifted_matrix_is_noticed(table: NDArray[np.int64]) -> None:
    note = relabelling_note(of(np.roll(table, 1, axis=1)), names(10))
    assert note is not None
    assert (note.code, note.severity) == ("class-order", "warning")
    right = table.trace() / table.sum()
    assert "Accuracy is 0." in note.sentence
    assert (
        f"after the best relabelling of the predictions it is {100 * right:.1f}%" in note.sentence
    )
    assert "check the class order" in note.sentence
    assert "each 1 position later in the class list" in note.sentence
    assert note.count >= 9
    assert len(note.examples) == note.count
    back = relabelling_note(of(np.roll(table, -2, axis=1)), names(10))
    assert back is not None
    assert "2 positions earlier" in back.sentence


def test_the_published_matrices_are_not_suspected(table: NDArray[np.int64]) -> None:
    found = best_relabelling(of(table))
    assert found is not None
    assert not found.is_suspicious
    assert found.moved.tolist() == []
    assert relabelling_note(of(table), names(10)) is None


def test_two_exchanged_classes_are_noticed_and_named(table: NDArray[np.int64]) -> None:
    note = relabelling_note(of(table[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]]), names(10))
    assert note is not None
    assert note.examples == ("c8", "c9")
    assert "c8 → c9" in note.sentence or "c9 → c8" in note.sentence


@pytest.mark.parametrize(("k", "n", "accuracy"), [(2, 60, 0.95), (100, 5000, 0.4), (1000, 50_000, 0.75)])  # fmt: skip
def test_a_shift_is_noticed_for_any_number_of_classes_and_for_weak_models(
    k: int, n: int, accuracy: float
) -> None:
    labels, predictions = drawn(k, n, accuracy)
    matrix = ConfusionMatrix.from_labels(labels, (predictions + 1) % k, k)
    start = time.process_time()
    found = best_relabelling(matrix)
    assert time.process_time() - start < 3
    assert found is not None
    assert found.is_suspicious
    assert found.accuracy_after > accuracy - 0.05
    assert found.shift == 1
    assert len(found.moved) > 0.9 * k


def test_labels_shifted_by_an_absent_class_are_noticed() -> None:
    # folders 0..8 of ten classes, of which the fourth is absent: all later indices are one less
    labels, predictions = drawn(10, 2000, 0.9)
    keep = labels != 4
    labels = np.where(labels > 4, labels - 1, labels)[keep]
    found = best_relabelling(ConfusionMatrix.from_labels(labels, predictions[keep], 10))
    assert found is not None
    assert found.is_suspicious
    assert found.moved.tolist() == [4, 5, 6, 7, 8]
    assert found.shift == 1


@pytest.mark.parametrize("k", [2, 3, 5, 10, 30, 100])
def test_models_that_are_merely_bad_are_not_suspected(k: int) -> None:
    """Weak signal, favourite classes and look-alikes, on few samples and on many."""
    rng = np.random.default_rng(k)
    for n in (20, 100, 1000, 10_000):
        for _ in range(12):
            labels, predictions = drawn(k, n, 0.2 + 0.2 * rng.random(), int(rng.integers(10**6)))
            favourite = rng.choice(k, p=rng.dirichlet(np.full(k, 0.3)), size=n)
            alike = rng.permutation(k)[labels]
            u = rng.random(n)
            answers = np.where(u < 0.5, favourite, np.where(u < 0.58, alike, predictions))
            assert (
                relabelling_note(ConfusionMatrix.from_labels(labels, answers, k), names(k)) is None
            )


def test_look_alikes_and_a_coin_that_falls_wrong_are_not_suspected() -> None:
    assert relabelling_note(of([[45, 55, 0], [56, 44, 0], [0, 0, 100]]), names(3)) is None
    assert relabelling_note(of([[20, 30], [30, 20]]), names(2)) is None
    assert relabelling_note(of([[0, 3], [3, 0]]), names(2)) is None  # six samples
    assert relabelling_note(of([[10, 90], [90, 10]]), names(2)) is not None


@pytest.mark.parametrize(
    "table",
    [
        np.array([[400, 600], [600, 400]]),  # below chance, but not clearly another name
        # two classes share each name
        np.eye(6, dtype=int)[[2, 2, 4, 4, 0, 0]] * 60,
        # two classes have two names each
        np.array([[0, 50, 50, 0, 0, 0], *[[0] * 6] * 2, [0, 0, 0, 0, 50, 50], *[[0] * 6] * 2]),
        # two odd habits of a model that guesses
        np.vstack([[[0, 40] + [0] * 8, [40] + [0] * 9], np.full((8, 10), 4)]),
        # two of a hundred classes: not worth a warning
        np.eye(100, dtype=int)[[1, 0, *range(2, 100)]] * 20,
    ],
)
def test_no_warning_is_given_unless_all_signs_are_there(table: Any) -> None:
    found = best_relabelling(of(table))
    assert found is not None
    assert found.accuracy_after > found.accuracy
    assert not found.is_suspicious


def test_a_name_that_stands_for_two_classes_belongs_to_neither() -> None:
    found = best_relabelling(of([[0, 60, 0], [60, 0, 0], [60, 0, 0]]))
    assert found is not None
    assert found.permutation.tolist() == [1, 0, 2]
    assert found.moved.tolist() == [0]


def test_a_name_from_data_is_made_printable() -> None:
    note = relabelling_note(of([[0, 50], [50, 0]]), ["\x1b[2J", "b"])
    assert note is not None
    assert "\x1b" not in note.sentence + "".join(note.examples)
    assert "\\x1b[2J → b" in note.sentence


@given(st.integers(3, 7), st.integers(0, 10**6), st.randoms(use_true_random=False))
@LAW
def test_relabelled_predictions_are_found_again(k: int, seed: int, random: Any) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 20, (k, k)) + np.diag(rng.integers(150, 900, k))
    renamed = list(range(k))
    random.shuffle(renamed)
    given_ = np.empty_like(table)
    given_[:, renamed] = table  # class i is called renamed[i]
    found = best_relabelling(of(given_))
    assert found is not None
    assert found.permutation.tolist() == renamed
    assert found.accuracy_after == table.trace() / table.sum()
    assert found.moved.tolist() == [i for i in range(k) if renamed[i] != i]


# --- orientation


def test_supports_that_fit_the_columns_only_tell_of_a_transposed_matrix() -> None:
    table = [[5, 2, 0], [1, 7, 1], [0, 2, 0]]
    check_supports(of(table), [7, 9, 2], names(3))
    with pytest.raises(DataError) as caught:
        check_supports(of(table), [6, 11, 1], names(3))
    error = caught.value
    assert error.slug == "matrix-transposed"
    assert error.exit_code == 3
    assert error.details == ('class "c0" has 6 samples, its row adds up to 7',)
    assert "--rows predicted" in (error.hint or "")
    check_supports(of(table).transposed(), [6, 11, 1], names(3))


def test_supports_that_fit_nothing_are_an_error_that_names_the_classes() -> None:
    with pytest.raises(DataError) as caught:
        check_supports(of([[5, 2], [1, 7]]), [7, 1], names(2))
    assert caught.value.slug == "matrix-support"
    assert caught.value.details == ('class "c1" has 1 sample, its row adds up to 8',)
    with pytest.raises(ValueError, match="supports of shape"):
        check_supports(of([[5, 2], [1, 7]]), [7, 8, 9], names(2))


def test_a_matrix_whose_rows_and_columns_add_up_alike_is_not_called_transposed() -> None:
    check_supports(of([[5, 2], [2, 5]]), [7, 7], names(2))


def test_equal_column_sums_and_unequal_row_sums_look_transposed(table: NDArray[np.int64]) -> None:
    assert orientation_note(of(table)) is None  # 6,000 in each row
    note = orientation_note(of(table.T))
    assert note is not None
    assert (note.code, note.severity) == ("matrix-transposed", "warning")
    assert "Each of the 10 columns" in note.sentence
    assert "6,000" in note.sentence
    assert "--rows predicted" in note.sentence


@pytest.mark.parametrize(
    "table",
    [[[5, 2], [1, 4]], np.eye(4, dtype=int), [[0, 1, 1], [1, 0, 0], [0, 0, 0]], np.full((3, 3), 2)],
)
def test_small_or_balanced_matrices_say_nothing_of_their_orientation(table: Any) -> None:
    assert orientation_note(of(table)) is None
