"""Candidates beside each other: which is best, whether that was tested, and recall by class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from reportgen.comparison import unpaired_differences
from reportgen.report.side_by_side import MOST_PANELS, Side, SideBySide, side_by_side
from reportgen.report.words import Name
from tests import factories


def sides(*tables: Any) -> SideBySide:
    classes = tuple(f"c{i}" for i in range(len(tables[0])))
    return side_by_side([
        (Side(str(i or "B"), Name.of(f"m{i}")), factories.make_evaluation(table, classes))
        for i, table in enumerate(tables)
    ])  # fmt: skip


def table(right: int, n: int = 1000) -> list[list[int]]:
    return [[right, n - right], [n - right, right]]


def test_the_best_is_called_so_where_it_differs_from_every_other() -> None:
    found = sides(table(700), table(720), table(900)).measures[0]
    assert (found.title, found.extreme) == ("Accuracy", "highest")
    assert found.standings == ("", "", "best")


def test_the_best_as_measured_is_first_where_chance_may_have_made_it() -> None:
    assert sides(table(700), table(720), table(722)).measures[0].standings == ("", "", "first")


def test_all_pairs_count_for_the_correction_as_the_best_was_chosen() -> None:
    two = [factories.make_evaluation(table(k), ("c0", "c1")) for k in (700, 735)]
    p = unpaired_differences(*two)["accuracy"].p
    assert p is not None
    assert 0.05 / 6 < p < 0.05
    assert sides(table(700), table(735)).measures[0].standings == ("", "best")
    many = sides(table(700), table(700), table(700), table(735)).measures[0]
    assert many.standings == ("", "", "", "first")


def test_equal_sides_have_no_best() -> None:
    assert sides(table(700), table(700)).measures[0].standings == ("", "")
    assert sides(table(600), table(700), table(700)).measures[0].standings == ("", "first", "first")


def test_the_lowest_is_best_where_less_is_better() -> None:
    p = factories.binary()
    worse = replace(p, summary={**p.summary, "log_loss": replace(p.summary["log_loss"], value=9.0)})
    found = side_by_side([(Side("B", Name.of("b")), worse), (Side("1", Name.of("a")), p)])
    loss = next(one for one in found.measures if one.title == "Log loss")
    assert loss.extreme == "lowest"
    assert loss.standings[0] == ""


def test_classes_have_a_drawing_each_the_largest_spread_first() -> None:
    before = np.diag([80, 80, 80]) + np.array([[0, 20, 0], [20, 0, 0], [20, 0, 0]])
    after = np.diag([78, 50, 90]) + np.array([[0, 22, 0], [50, 0, 0], [10, 0, 0]])
    found = sides(before.tolist(), after.tolist())
    assert [str(panel.name) for panel in found.classes] == ["c1", "c2", "c0"]
    assert found.classes[0].alt.startswith("Recall of c1 in %: B 80.0 (")
    assert "1 50.0 (" in found.classes[0].alt


def test_sides_may_have_their_classes_in_another_order() -> None:
    one = factories.make_evaluation([[9, 1], [5, 5]], ("cat", "dog"))
    other = factories.make_evaluation([[5, 5], [1, 9]], ("dog", "cat"))
    found = side_by_side([(Side("B", Name.of("b")), one), (Side("1", Name.of("a")), other)])
    recalls = {str(p.name): [c.value for c in p.cells] for p in found.classes}
    assert recalls == {"cat": [0.9, 0.9], "dog": [0.5, 0.5]}


def test_many_classes_are_cut_with_a_word() -> None:
    k = MOST_PANELS + 6
    found = sides((5 * np.eye(k, dtype=int)).tolist(), (5 * np.eye(k, dtype=int)).tolist())
    assert len(found.classes) == MOST_PANELS
    assert f"{MOST_PANELS} of {k} classes are shown" in str(found.class_note)


@pytest.mark.parametrize(("right", "axis"), [((700, 900), (0.6, 1.0)), ((10, 990), (0.0, 1.0))])
def test_the_axis_holds_every_interval_and_ends_at_tens(
    right: tuple[int, int], axis: tuple[float, float]
) -> None:
    assert sides(*map(table, right)).axis == pytest.approx(axis)
