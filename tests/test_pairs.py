"""Confusions by column: the same values as one by one, made when they are looked at."""

import numpy as np
import pytest

from reportgen.analysis.confusions import directed_pairs
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import pairs as pairs_file
from reportgen.evaluation.pairs import Pair, Pairs, pairs_of
from reportgen.rendering import csv
from reportgen.rendering.json import render
from reportgen.report import build_report
from reportgen.review import Review
from tests.factories import make_evaluation

K = 60


def counts():
    rng = np.random.default_rng(7)
    return rng.integers(0, 5, (K, K)) + 40 * np.eye(K, dtype=int)


def one_by_one(table):
    n_errors = int(table.sum() - np.trace(table))
    cells = [(i, j) for i in range(K) for j in range(K) if i != j and table[i, j]]
    cells.sort(key=lambda cell: (-table[cell], *cell))
    return [
        Pair(i, j, int(table[i, j]), int(table[i, j]) / int(table[i].sum()),
             int(table[i, j]) / n_errors, int(table[j, i]))
        for i, j in cells
    ]  # fmt: skip


def test_pairs_have_the_values_of_every_cell_to_the_digit():
    expected = one_by_one(counts())
    found = pairs_of(ConfusionMatrix.from_counts(counts().tolist()))
    assert len(expected) > 2 * pairs_file._AT_ONCE
    assert list(found) == expected == [found[i] for i in range(len(found))]
    assert found[-1] == expected[-1]
    assert list(found[990:2010]) == expected[990:2010]
    assert {type(value) for value in vars(found[3]).values()} == {int, float}


def test_pairs_are_equal_by_value_and_cannot_be_changed():
    found = pairs_of(ConfusionMatrix.from_counts(counts().tolist()))
    assert Pairs.of(found) == found == list(found)
    assert found != found[1:]
    assert Pairs.of(()) == () != found
    with pytest.raises(ValueError, match="read-only"):
        found.counts[0] = 1
    with pytest.raises(IndexError):
        found[len(found)]


def test_a_report_makes_no_object_of_each_confusion(monkeypatch):
    made = []

    class Counted(Pair):
        def __init__(self, *values):
            made.append(1)
            super().__init__(*values)

    evaluation = make_evaluation(counts().tolist())
    monkeypatch.setattr(pairs_file, "Pair", Counted)
    before = len(directed_pairs(evaluation.confusion, limit=None))
    build_report(evaluation)
    assert "".join(csv.pair_parts(evaluation)).count("\n") == before + 1
    assert len(made) < 1000
    assert '"pairs"' in render(Review.of(evaluation))
    assert len(made) < 2500 < before
