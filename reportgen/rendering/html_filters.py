"""Small elements of the page that show numbers: names, bars, whiskers, cells, changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from reportgen.rendering import svg
from reportgen.report import (
    Axis,
    Cell,
    MatrixRow,
    MatrixSection,
    Name,
    Words,
)
from reportgen.text import percent

if TYPE_CHECKING:
    from reportgen.report import Delta, DifferenceCell, Scale, SubRow

__all__ = [
    "CHANGE_FILTERS",
    "FILTERS",
]


LEFT, WIDTH = 2, 100
"""Left end and length of the axis in the drawing of a bar."""


def change_bar(change: Delta, scale: Scale) -> Markup:
    """A bar from 0 to the change, to the left for a decrease, with a whisker.

    An interval beyond the axis is cut at its end, without a cap.
    """
    if change.value is None:
        return Markup("")

    def x(value: float) -> float:
        place = (value - scale.low) / (scale.high - scale.low)
        return LEFT + min(max(0.0, place), 1.0) * WIDTH

    zero, end = x(0.0), x(change.value)
    whisker = ""
    if change.low is not None and change.high is not None:
        caps = "".join(
            f"M{x(value):.1f} 5V11"
            for value in (change.low, change.high)
            if scale.low <= value <= scale.high
        )
        whisker = f'<path class="g-cap" d="M{x(change.low):.1f} 8H{x(change.high):.1f}{caps}"/>'
    return Markup(
        '<svg viewBox="0 0 104 16" aria-hidden="true">'
        f'<rect class="g-bar" x="{min(zero, end):.1f}" y="4" '
        f'width="{max(abs(end - zero), 0.5):.1f}" height="8"/>'
        f'{whisker}<path class="g-zero" d="M{zero:.1f} 0V16"/></svg>'
    )


def difference_cells(cells: Sequence[DifferenceCell], index: int) -> Markup:
    """A row of differences as table cells, in 21 steps from decrease to increase."""
    return _change_cells(cells, index, "d")


def heat_cells(cells: Sequence[DifferenceCell], index: int) -> Markup:
    """A row of proportions as table cells, in 21 steps from 0 to 100%."""
    return _change_cells(cells, index, "h")


def _change_cells(cells: Sequence[DifferenceCell], index: int, ramp: str) -> Markup:
    parts = []
    for column, cell in enumerate(cells):
        kind = "na" if cell.step is None else f"{ramp}{cell.step}"
        on_diagonal = " dg" if column == index else ""
        parts.append(f'<td class="{kind}{on_diagonal}">{escape(cell.text)}</td>')
    return Markup("".join(parts))


CHANGE_FILTERS: dict[str, Callable[..., Any]] = {
    "change_bar": change_bar,
    "difference_cells": difference_cells,
    "heat_cells": heat_cells,
}


HEAT_STEPS = 20


BAR = 100  # px that 0..1 takes in a cell's bar


SIZE = 96  # px of the longest bar of counts


TILE_FROM, TILE_TO = 4, 196


def name(value: Name | str) -> Markup:
    """A name; one that is not ASCII is isolated, to keep its writing direction."""
    text = escape(str(value))
    cut = isinstance(value, Name) and len(value.full) > len(value.text)
    if cut:
        return Markup('<bdi title="{}">{}</bdi>').format(value.full, text)  # type: ignore[union-attr]
    return text if str(value).isascii() else Markup("<bdi>{}</bdi>").format(text)


def path(value: Name | str) -> Markup:
    """A file name, with line breaks preferably after slashes, underscores and hyphens."""
    text = str(value)
    if not text.replace("\u2026", "").isascii():
        return name(value)
    shown = Markup("<wbr>").join(map(escape, _AFTER.split(text)))
    if isinstance(value, str) or value.full == text:
        return shown
    return Markup('<bdi title="{}">{}</bdi>').format(value.full, shown)


_AFTER = re.compile("(?<=[/_-])(?=[^/_-])")


def full(value: Name) -> Markup:
    """A name in full length."""
    if value.full.isascii():
        return escape(value.full)
    return Markup("<bdi>{}</bdi>").format(value.full)


_TOGETHER = re.compile(
    r"[+\u2212]?[\d.,]*\d%?\u2013\d[\d.,]*%?(?: pp)?|[+\u2212]?[\d.,]*\d pp\b"
    r"|\bp [<=] [\d.]*\d|--[a-z][a-z-]*|[\d,]+ / [\d,]*\d"
    r"|[<>\u2264\u2265] [+\u2212]?[\d.,]*\d%?(?: pp\b)?"
)
"""Parts that no line break may separate: a range; a ratio; a number and its unit or comparison
sign; an option."""


def words(value: Words | str) -> Markup:
    """A sentence with its names."""
    shown = Markup("")
    parts = (value,) if isinstance(value, str) else value.parts
    for is_text, some in groupby(parts, lambda part: isinstance(part, str)):
        if is_text:  # "p " and "< 0.001" belong together
            shown += _unbroken("".join(map(str, some)))
        else:
            shown += Markup("").join(_in_sentence(part) for part in some if isinstance(part, Name))
    return shown


def _unbroken(text: str) -> Markup:
    """Words whose numbers stay on one line with what belongs to them."""
    safe, place = Markup(""), 0
    for found in _TOGETHER.finditer(text):
        safe += text[place : found.start()]
        safe += Markup('<span class="nb">{}</span>').format(found[0])
        place = found.end()
    return safe + text[place:]


def _in_sentence(value: Name) -> Markup:
    """A name in a sentence: a class by style, any other in quotation marks where it needs them.

    A short one is not broken at its own hyphens and spaces.
    """
    unbroken = len(value.text) <= 16 and not value.text.isalnum()
    if value.is_class:
        kind = "cls nb" if unbroken else "cls"
        return Markup('<b class="{}">{}</b>').format(kind, name(value))
    shown = name(value) if value.bare else Markup("“{}”").format(name(value))
    return Markup('<span class="nb">{}</span>').format(shown) if unbroken else shown


def exact(value: float | None) -> str:
    """The number in full, for sorting; empty if undefined."""
    return "" if value is None else repr(value)


def size_bar(value: int, most: int, kind: str = "") -> Markup:
    """A count as a bar, against the largest of its table; `kind` ``"up"`` for errors that grew."""
    width = SIZE * abs(value) / max(most, 1)
    more = f" {kind}" if kind else ""
    return Markup(
        f'<svg class="mb{more}" viewBox="0 0 {SIZE} 12" aria-hidden="true">'
        f'<rect y="2" width="{max(width, 1.0 if value else 0.0):.1f}" height="8"/></svg>'
    )


def bar(cell: Cell, limit: float | None = None, before: float | None = None) -> Markup:
    """A proportion as a bar from 0 to 100%, with its interval as a whisker.

    Also the `limit` of a gate, and a tick at the baseline's value `before`.
    """
    if cell.value is None:
        return Markup("")
    whisker = line = ""
    if limit is not None:
        line = f'<path class="g-limit" d="M{2 + BAR * limit:.1f} 0V16"/>'
    if before is not None:
        line += f'<path class="g-past" d="M{2 + BAR * before:.1f} 2V14"/>'
    if cell.low is not None and cell.high is not None:
        low, high = f"{2 + BAR * cell.low:.1f}", f"{2 + BAR * cell.high:.1f}"
        whisker = f'<path class="g-cap" d="M{low} 8H{high}M{low} 5V11M{high} 5V11"/>'
    return Markup(
        '<svg viewBox="0 0 104 16" aria-hidden="true">'
        '<rect class="g-track" x="2" y="4" width="100" height="8"/>'
        f'<rect class="g-bar" x="2" y="4" width="{BAR * cell.value:.1f}" height="8"/>'
        f"{line}{whisker}</svg>"
    )


def dot(cell: Cell, axis: Axis, baseline: float | None = None) -> Markup:
    """A tile's value and interval on its axis, and the axis's ends; hollow: the `baseline`."""
    if cell.value is None:
        return Markup("")

    def x(value: float) -> str:
        place = (value - axis.low) / (axis.high - axis.low)
        return f"{TILE_FROM + min(max(0.0, place), 1.0) * (TILE_TO - TILE_FROM):.1f}"

    chance = interval = before = line = ""
    if axis.limit is not None:
        line = f'<path class="g-limit" d="M{x(axis.limit)} 0V16"/>'
    bad = " bad" if axis.failed else ""
    if baseline is not None:
        before = f'<circle class="g-before" cx="{x(baseline)}" cy="8" r="3.25"/>'
    if axis.chance is not None:
        chance = f'<path class="g-chance" d="M{x(axis.chance)} 1V15"/>'
    if cell.low is not None and cell.high is not None:
        interval = f'<path class="g-ci{bad}" d="M{x(cell.low)} 8H{x(cell.high)}"/>'
    return Markup(
        '<svg viewBox="0 0 200 16" aria-hidden="true">'
        '<rect class="g-track" x="4" y="6" width="192" height="4"/>'
        f"{chance}{line}{before}{interval}"
        f'<circle class="g-dot{bad}" cx="{x(cell.value)}" cy="8" r="4"/>'
        "</svg>"
        f"<span>{100 * axis.low:.0f}</span><span>{100 * axis.high:.0f}%</span>"
    )


def fit_beside(matrix: MatrixSection) -> bool:
    """Whether both tables have room side by side in a page of 1,280 px, by estimate."""
    longest = max(len(str(name)) for name in matrix.names)
    widest = _widest_count(matrix)
    cells = len(matrix.names) * (max(36, 7.5 * widest) + 37)
    return cells + 7.2 * longest + 230 <= 1056


def too_wide_for_paper(matrix: MatrixSection) -> bool:
    """Whether the row percentages need small type to fit a sheet of 703 px, by estimate."""
    longest = max(len(str(name)) for name in matrix.names)
    widest = _widest_count(matrix)
    return len(matrix.names) * max(23, 5.2 * widest) + 5.2 * longest + 110 > 690


def _widest_count(matrix: MatrixSection) -> int:
    """Characters of the longest count; 0 without counts."""
    return max((len(f"{count:,}") for row in matrix.rows for count in row.counts), default=0)


def are_short(names: Sequence[Name]) -> bool:
    """Whether column names are short enough not to be rotated."""
    return all(len(name.text) <= 3 for name in names)


def heat(share: float | None) -> str:
    """The class of a cell's colour: h0 to h20 in steps of 5%, or "na" if undefined."""
    return "na" if share is None else f"h{round(HEAT_STEPS * share)}"


def matrix_cells(row: MatrixRow, matrix: MatrixSection) -> Markup:
    """The table cells of one true class, with counts and all percentages.

    The page shows the selected one.

    Its colour is that of the row percentage; the column percentage has its own.
    """
    if not row.counts:
        return Markup("".join(_shares_alone(row, matrix)))
    return Markup("".join(_full_cells(row, matrix)))


def _full_cells(row: MatrixRow, matrix: MatrixSection) -> Iterator[str]:
    shares = zip(row.shares, row.column_shares, row.all_shares, strict=True)
    for column, (count, (of_row, of_column, of_all)) in enumerate(
        zip(row.counts, shares, strict=True)
    ):
        number = f"{count:,}"
        if (row.index, column) in matrix.anchors:
            number = f'<a href="#p-{row.index}-{column}">{number}</a>'
        kind = _kind(row, column, of_row, matrix)
        if not count and of_row is not None:
            zero = f'<span class="cp {heat(of_column)}">{_percent(of_column)}</span>'
            yield f'<td class="{kind} z"><b>{number}</b>{zero}</td>'
            continue
        yield (
            f'<td class="{kind}"><b>{number}</b><i>{_percent(of_row)}</i>'
            f'<span class="cp {heat(of_column)}">{_percent(of_column)}</span>'
            f"<u>{_percent(of_all)}</u></td>"
        )


def _shares_alone(row: MatrixRow, matrix: MatrixSection) -> Iterator[str]:
    """For a matrix with proportions only."""
    for column, share in enumerate(row.shares or row.column_shares or row.all_shares):
        text = _percent(share)
        if (row.index, column) in matrix.anchors:
            text = f'<a href="#p-{row.index}-{column}">{text}</a>'
        yield f'<td class="{_kind(row, column, share, matrix)}">{text}</td>'


def _kind(row: MatrixRow, column: int, share: float | None, matrix: MatrixSection) -> str:
    """The CSS classes of a cell: its heat, and whether it is correct or a marked error."""
    if column == row.index:
        return f"{heat(share)} dg"
    return heat(share) + (" hot" if share is not None and share >= matrix.hot else "")


def count_cells(row: MatrixRow, matrix: MatrixSection) -> Markup:
    """The cells of one true class with one number each: the count, otherwise the percentage."""
    shares = row.shares or row.column_shares or row.all_shares
    texts = [f"{n:,}" for n in row.counts] or [_percent(share) for share in shares]
    return Markup("").join(
        Markup('<td class="{}{}">{}</td>').format(
            _kind(row, column, share, matrix), "" if share else " z", Markup(text)
        )
        for column, (share, text) in enumerate(zip(shares, texts, strict=True))
    )


def sub_cells(row: SubRow, place: int) -> Markup:
    """The cells of one row of the matrix of the most confused classes.

    Each has a colour by % of the true class, and one relative to the largest error, used when the
    diagonal is hidden.
    """
    last = len(row.cells) - 1
    parts = []
    for column, cell in enumerate(row.cells):
        kind = heat(cell.share)
        if column == place:
            kind += " dg"
        elif last in (column, place):
            kind = "oth"
        text = f"{cell.count:,}"
        scaled = (
            ""
            if column == place
            else f'<span class="cp h{round(20 * cell.of_largest)}">{text}</span>'
        )
        parts.append(f'<td class="{kind}{"" if cell.count else " z"}"><b>{text}</b>{scaled}</td>')
    return Markup("".join(parts))


def plain_cells(row: MatrixRow) -> Markup:
    """The counts of one true class as table cells without colour, for large tables.

    Proportions if there are no counts.
    """
    kinds = {False: "<td>{}</td>", True: '<td class="e">{}</td>'}
    values = row.counts or row.all_shares or row.shares or row.column_shares
    texts = values if row.counts else [_percent(value) for value in values]
    cells = [kinds[bool(value)].format(text) for value, text in zip(values, texts, strict=True)]
    cells[row.index] = f'<td class="dg">{texts[row.index]}</td>'
    return Markup("".join(cells))


def _percent(share: float | None) -> str:
    if share is None:
        return "n/a"
    return percent(share, 1, "").replace("<", "&lt;").replace(">", "&gt;")


FILTERS: dict[str, Callable[..., Any]] = {
    **svg.FILTERS,
    **CHANGE_FILTERS,
    "are_short": are_short,
    "bar": bar,
    "count_cells": count_cells,
    "dot": dot,
    "exact": exact,
    "fit_beside": fit_beside,
    "full": full,
    "heat": heat,
    "matrix_cells": matrix_cells,
    "name": name,
    "path": path,
    "plain_cells": plain_cells,
    "size_bar": size_bar,
    "sub_cells": sub_cells,
    "too_wide_for_paper": too_wide_for_paper,
    "words": words,
}
