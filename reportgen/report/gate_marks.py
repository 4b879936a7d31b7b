"""Where gates stand on tiles and in the table of classes: their limits, and who misses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reportgen.evaluation import Evaluation
from reportgen.gates.value import Check, Decision
from reportgen.gates.words import class_name, exact
from reportgen.report.model import ClassSection, Headline, Tile
from reportgen.report.words import NBSP, join, say

__all__ = ["class_statuses", "with_class_gates", "with_tile_gates"]

LESS_IS_BETTER = "ece"
"""The one tile whose gate asks for at most its limit."""


def with_tile_gates(
    headline: Headline, decision: Decision | None, evaluation: Evaluation
) -> Headline:
    """The tiles with the limits of gates on their figures; of several on one, the hardest to keep.

    Axes are lengthened until they hold them.
    """
    checks = _levels(decision)
    tiles = [_limited(tile, checks, evaluation) for tile in headline.tiles]
    shares = [tile.axis for tile in tiles if tile.axis and tile.metric != LESS_IS_BETTER]
    lowest = min((axis.limit for axis in shares if axis.limit is not None), default=1.0)
    return replace(headline, tiles=tuple(_with_room(tile, lowest) for tile in tiles))


def with_class_gates(
    section: ClassSection, decision: Decision | None, evaluation: Evaluation
) -> ClassSection:
    """The classes with the limits of gates on their main figures, and the gates that each fails."""
    limits: dict[int, dict[str, float]] = {}
    for check in _levels(decision):
        for i in class_statuses(check, evaluation):
            known = limits.setdefault(i, {})
            known[check.metric] = max(check.limit, known.get(check.metric, 0.0))
    missed: dict[int, list[str]] = {}
    for number, check in enumerate(decision.checks if decision else (), start=1):
        for i, status in class_statuses(check, evaluation).items():
            if status == "failed":
                missed.setdefault(i, []).append(f"fails gate {number}")
    rows = tuple(
        replace(row, limits=limits.get(row.index, {}), missed=tuple(missed.get(row.index, ())))
        for row in section.rows
    )
    drawn = {item.name for item in section.main[:-1]}  # the last has no bar
    if not any(drawn & of_class.keys() for of_class in limits.values()):
        return replace(section, rows=rows)
    return replace(section, rows=rows, lead=join(section.lead, say("Dashed: limit of a gate.")))


def _levels(decision: Decision | None) -> list[Check]:
    """The gates on shares themselves, not on their changes."""
    checks = decision.checks if decision is not None else ()
    return [check for check in checks if check.unit == "%" and check.metric]


def _limited(tile: Tile, checks: Iterable[Check], evaluation: Evaluation) -> Tile:
    if tile.axis is None:
        return tile
    found = [
        (status, check)
        for check in checks
        if check.metric == tile.metric
        and (status := _status(check, tile.of_class, evaluation)) is not None
    ]
    if not found:
        return tile
    status, hardest = max(found, key=lambda one: _demand(one[1]))
    failed = status == "failed"
    line = say(
        "{gate}: {limit} or {side}",
        gate="fails its gate" if failed else "gate",
        limit=exact(hardest.limit, hardest.unit).replace(" ", NBSP),
        side="less" if tile.metric == LESS_IS_BETTER else "more",
    )
    axis = replace(tile.axis, limit=hardest.limit, failed=failed)
    return replace(tile, axis=axis, lines=(line, *tile.lines))


def _status(check: Check, of_class: int | None, evaluation: Evaluation) -> str | None:
    """Of the whole, or of one class; None where the gate does not look at it."""
    if of_class is not None:
        return class_statuses(check, evaluation).get(of_class)
    return None if check.parts or check.subject else check.status


def _demand(check: Check) -> float:
    return -check.limit if check.metric == LESS_IS_BETTER else check.limit


def _with_room(tile: Tile, lowest: float) -> Tile:
    axis = tile.axis
    if axis is None:
        return tile
    if tile.metric == LESS_IS_BETTER:
        high = max(axis.high, axis.limit or 0.0)
        return replace(tile, axis=replace(axis, high=high))
    low = min(axis.low, max(0.0, int(10 * lowest - 0.25) / 10))
    return replace(tile, axis=replace(axis, low=low))


def class_statuses(check: Check, evaluation: Evaluation) -> Mapping[int, str]:
    """Class index → status, of the classes that a gate looks at."""
    if not check.parts:
        return {}
    index = {class_name(name): i for i, name in enumerate(evaluation.classes)}
    return {index[part.name]: part.status for part in check.parts if part.name in index}
