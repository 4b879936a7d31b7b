"""A user's costs of confusions: read from a file, and stored in ``report.json``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from reportgen.class_list import name_key
from reportgen.csv_text import unguard
from reportgen.errors import DataError
from reportgen.evaluation.given_groups import require_file
from reportgen.jsonio import ClassIndex, JsonPath, Range, Via
from reportgen.metrics import Costs
from reportgen.text import listing, nearest, plural, printable, quoted

__all__ = [
    "GivenCosts",
    "read_costs",
]


COLUMNS = ("true", "predicted", "cost")


_HINT = "write a CSV with the columns true, predicted and cost, one pair of classes per line"


def read_costs(path: Path, classes: Sequence[str], ids: Sequence[str] = ()) -> Costs:
    """Read costs from a CSV (TSV for ``.tsv`` and ``.tab``) with the columns of :data:`COLUMNS`.

    Parameters
    ----------
    classes, ids
        The K class names in the order of the matrix, and those in data and models if different;
        both are accepted.

    Raises
    ------
    DataError
        ``option-file-missing``; ``costs-columns``: there is no such header; ``costs-empty``: there
        is nothing below it; ``costs-class``: a class is not in `classes`; ``costs-number``: a cost
        is missing, not finite or below 0; ``costs-pair-twice``. All but the first two name the
        line. Other columns are ignored.
    """
    from reportgen.importers import dialect_of, rows_of

    require_file(path, "--costs")
    lines = rows_of(path, dialect_of(path, "", "utf-8"))
    source = printable(path.name)
    _, header = next(lines, (1, ()))
    places = _places(header, source)
    index = {name_key(name): i for names in (ids, classes) for i, name in enumerate(names)}
    line_of: dict[tuple[int, int], int] = {}
    pairs: list[tuple[int, int, float]] = []
    for line, cells in lines:
        true, predicted, cost = (unguard(cells[at]).strip() for at in places)
        pair = (
            _class(true, index, classes, line, source),
            _class(predicted, index, classes, line, source),
        )
        _refuse_twice(line_of.setdefault(pair, line), line, (true, predicted), source)
        pairs.append((*pair, _cost(cost, line, source)))
    if not pairs:
        raise DataError(
            f"{quoted(source)} contains no costs",
            slug="costs-empty",
            hint="add a line for each pair whose cost is not 1, or omit --costs",
        )
    return Costs.of(source, pairs)


def _places(header: Sequence[str], source: str) -> list[int]:
    names = [unguard(cell).strip() for cell in header]
    for name in COLUMNS:
        if names.count(name) != 1:
            raise DataError(
                f"{quoted(source)} has {'two columns' if name in names else 'no column'} "
                f"{quoted(name)}",
                slug="costs-columns",
                details=[f"its columns are {listing(names)}" if any(names) else "it is empty"],
                hint=_HINT,
            )
    return [names.index(name) for name in COLUMNS]


def _class(name: str, index: dict[str, int], classes: Sequence[str], line: int, source: str) -> int:
    found = index.get(name_key(name))
    if found is not None:
        return found
    near = nearest(name, classes)
    raise DataError(
        f"line {line:,} of {quoted(source)}: "
        + (f"there is no class {quoted(name)}" if name else "a class is missing")
        + (f"; the closest is {quoted(near)}" if near else ""),
        slug="costs-class",
        details=[f"the {plural(len(classes), 'class', 'classes')}: {listing(classes)}"],
        hint="use the names of the class list, or remove the line",
    )


def _refuse_twice(first: int, line: int, names: tuple[str, str], source: str) -> None:
    if first != line:
        raise DataError(
            f"line {line:,} of {quoted(source)}: {quoted(names[0])} → {quoted(names[1])} already "
            f"has a cost in line {first:,}",
            slug="costs-pair-twice",
            hint="each pair has one cost: remove one of the lines",
        )


def _cost(text: str, line: int, source: str) -> float:
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and value >= 0:
        return value + 0.0  # -0.0 is 0.0
    raise DataError(
        f"line {line:,} of {quoted(source)}: "
        + (f"the cost {quoted(text)} is not a finite number of 0 or more" if text else "no cost"),
        slug="costs-number",
        hint="write a number such as 5 or 0.5, or remove the line: the cost is then the "
        "default, 1, or 0 on the diagonal",
    )


@dataclass(frozen=True)
class ListedCost:
    """The cost of a sample of class `true` predicted as `predicted`."""

    true: ClassIndex
    predicted: ClassIndex
    cost: Annotated[float, Range(0)]


@dataclass(frozen=True)
class CostTable:
    """A user's costs as in ``report.json``: other errors cost 1, correct predictions 0.

    `pairs` are sorted by true, then by predicted class.
    """

    source: str
    pairs: tuple[ListedCost, ...]


def _table(costs: Costs) -> CostTable:
    columns = (costs.rows, costs.columns, costs.values)
    cells = zip(*(column.tolist() for column in columns), strict=True)
    return CostTable(costs.source, tuple(ListedCost(*cell) for cell in cells))


def _costs(form: CostTable, place: JsonPath) -> Costs:
    """Raises :class:`~reportgen.jsonio.Fault` if a pair is listed twice."""
    try:
        return Costs.of(form.source, [(one.true, one.predicted, one.cost) for one in form.pairs])
    except ValueError as error:
        place["pairs"].contradicts(str(error))


GivenCosts = Annotated[Costs, Via(CostTable, _table, _costs)]
"""Given costs, in JSON as :class:`CostTable`."""
