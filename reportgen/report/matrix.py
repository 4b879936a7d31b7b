"""The confusion matrix as tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions import confusion_order
from reportgen.confusion_matrix import DENSE_LIMIT
from reportgen.evaluation import OF, Proportions
from reportgen.metrics import PER_CLASS, SUMMARY, Definition
from reportgen.report.context import Context
from reportgen.report.elements import Cell, Footnotes, cell
from reportgen.report.pairs import listed_pairs
from reportgen.report.words import PROPORTIONS_ONLY, Name, Words, join, say, share, shorten
from reportgen.text import count, middle_cut

__all__ = [
    "NUMBERED_CLASSES",
    "OVERVIEW_SIDE",
    "ROOMY_CLASSES",
    "TABLED_CLASSES",
    "HeatmapSpec",
    "MatrixRow",
    "MatrixSection",
    "boxes",
    "drawn_order",
    "matrix_picture",
    "matrix_section",
    "overview",
    "percent_text",
    "texts_of",
    "whole_percent_text",
]


Image = NDArray[np.float64]


OVERVIEW_SIDE = 390
"""Maximum cells per side of an overview picture; above it, a pixel is a maximum of cells."""


FROM_CLASSES = 30
"""Up to this many classes, and above 2,048, pictures are in data order."""


def drawn_order(facts: Context) -> NDArray[np.int64]:
    """The classes in the order of the pictures: int64, shape (K,)."""
    k = len(facts.names)
    return facts.groups.order if FROM_CLASSES < k <= DENSE_LIMIT else np.arange(k)


def boxes(facts: Context) -> tuple[tuple[int, int], ...]:
    """The clusters in a picture in :func:`drawn_order`.

    (first cell, number of cells) of each cluster with errors and more than one class.
    """
    groups, k = facts.groups.suggested, len(facts.names)
    if groups is None or not FROM_CLASSES < k <= DENSE_LIMIT:
        return ()
    side = min(k, OVERVIEW_SIDE)
    of_place = groups.grouping.group_of[facts.groups.order]
    found = []
    for g in range(len(groups.grouping.names)):
        places = np.flatnonzero(of_place == g)
        first, last = int(places[0]) * side // k, int(places[-1]) * side // k
        if groups.within[g] and last > first:
            found.append((first, last - first + 1))
    return tuple(found)


def overview(
    order: NDArray[np.int64], rows: NDArray[np.int64], columns: NDArray[np.int64], values: Image
) -> Image:
    """Cells as an array of shape (P, P), P <= 390; each pixel is the largest of its cells."""
    k = len(order)
    side = min(k, OVERVIEW_SIDE)
    place = np.empty(k, np.int64)
    place[order] = np.arange(k) * side // k
    picture = np.zeros((side, side))
    np.maximum.at(picture, (place[rows], place[columns]), values)
    return picture


VIEWS = ("counts", "rows", "columns", "all")
"""The tables of a matrix: counts, and normalised by true class, by predicted class, or by all."""


KNOWN_VIEWS = {"true": ("rows",), "predicted": ("columns",), "all": VIEWS[1:]}
"""Normalisation of proportions → the tables that they determine."""


OVER: dict[str, Literal["true", "pred", "all"]] = {
    "true": "true",
    "predicted": "pred",
    "all": "all",
}


FILES = {
    "true": "confusion-row-shares",
    "predicted": "confusion-column-shares",
    "all": "confusion-shares-of-all",
}


@dataclass(frozen=True)
class HeatmapSpec:
    """A picture of the matrix.

    Attributes
    ----------
    name
        Name of its file.
    title, subtitle
        Texts above the picture.
    values
        float64, shape (K, K), rows true; nan if undefined.
    texts
        K rows of K texts, one per cell; None if numbers would be illegible.
    labels
        The classes' short names; empty for axes without names.
    top
        The value of the darkest colour; the lightest is 0.
    unit
        The unit of values, for the colour scale.
    power
        1 for colours proportional to values; below 1, small values are emphasised.
    alt
        Alternative text.
    purpose
        The purpose of this picture.
    digits_note
        How to read its numbers, if drawn with them.
    diverging
        Whether values range from -`top` to `top`: decreases are orange, increases blue.
    numbers
        The labels of the axes if no font has the glyphs of the names; empty for 1, 2, 3, …
    boxes
        (first cell, number of cells) of framed squares on the diagonal.
    beside
        Cell texts of the picture beside this one, so that both have the same width.
    listed
        Whether the page lists the classes in the order of the picture.
    """

    name: str
    title: str
    subtitle: str
    values: NDArray[np.float64]
    texts: tuple[tuple[str, ...], ...] | None
    labels: tuple[str, ...]
    top: float
    unit: str
    power: float
    alt: str
    purpose: str
    diverging: bool = False
    numbers: tuple[int, ...] = ()
    boxes: tuple[tuple[int, int], ...] = ()
    beside: tuple[str, ...] = ()
    digits_note: str = ""
    listed: bool = False


@dataclass(frozen=True)
class MatrixRow:
    """A true class: counts and row-normalised values; None if undefined.

    `column_shares` and `all_shares` are column-normalised, and normalised by all samples; empty if
    the tables are shown on demand.
    """

    index: int
    name: Name
    counts: tuple[int, ...]
    shares: tuple[float | None, ...]
    support: str
    ends: tuple[Cell, ...]
    column_shares: tuple[float | None, ...] = ()
    all_shares: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class MatrixSection:
    """The confusion matrix.

    Attributes
    ----------
    lead
        How to read it.
    names
        Column titles, in class order.
    rows
        The table's rows; empty for more than 100 classes.
    open
        Whether the tables are the primary view (up to 30 classes), or shown on demand.
    totals, n_samples
        Column sums and the grand total, as text.
    end_titles, macro
        Titles of the metrics at the ends of rows, and their macro averages below.
    figures
        Counts and row-normalised matrix as pictures.
    anchors
        Cells (true, predicted) with a row in the pair section, to be linked.
    hot
        Errors of at least this proportion of a class are outlined.
    grouped
        The classes in clustered order; empty if that is the data order, or if the tables are shown
        on demand.
    drawn
        The classes in the order of the pictures, if these may show no names: 13 to 100.
    views
        The available tables: all of :data:`VIEWS`; for proportions, those that they determine.
    """

    lead: Words
    names: tuple[Name, ...]
    rows: tuple[MatrixRow, ...]
    open: bool
    totals: tuple[str, ...]
    n_samples: str
    end_titles: tuple[str, ...]
    macro: tuple[Cell, ...]
    figures: tuple[HeatmapSpec, ...]
    anchors: frozenset[tuple[int, int]]
    hot: float
    grouped: tuple[int, ...] = ()
    drawn: tuple[Name, ...] = ()
    views: tuple[str, ...] = VIEWS


NUMBERED_CLASSES = 30
"""Up to this many classes, the matrix is a table of numbers, and pictures have numbers."""


TABLED_CLASSES = 100
"""Up to this many classes, the matrix has a table; above, its largest cells are listed instead."""


ROOMY_CLASSES = 12
"""Up to this many classes, pictures have room for long names and all digits."""


LABELLED_CLASSES = 60
"""Up to this many classes, names are legible on the axes of a picture."""


OVERVIEW_POWER = 1 / 3


HEAD_WIDTH = 24


HOT = 0.05


ENDS = ("recall", "precision", "f1")


def matrix_section(
    facts: Context, subject: str, anchors: frozenset[tuple[int, int]]
) -> MatrixSection:
    """Tables up to 100 classes, pictures always; the pair section lists the largest cells."""
    matrix, k = facts.matrix, len(facts.names)
    tabled = k <= TABLED_CLASSES
    notes = Footnotes()
    return MatrixSection(
        lead=_lead(facts),
        names=_column_names(facts) if tabled else (),
        rows=tuple(_rows(facts, notes)) if tabled else (),
        open=k <= NUMBERED_CLASSES,
        totals=tuple(map(count, matrix.predicted_totals.tolist())) if tabled else (),
        n_samples=count(matrix.n_samples) if facts.proportions is None else "n/a",
        end_titles=tuple(item.title for item in _end_definitions()),
        macro=tuple(_macro(facts, notes)),
        views=VIEWS if facts.proportions is None else KNOWN_VIEWS[facts.proportions.over],
        figures=tuple(_figures(facts, subject)),
        anchors=anchors,
        hot=HOT,
        grouped=_group(facts) if k <= NUMBERED_CLASSES else (),
        drawn=tuple(facts.names[i] for i in drawn_order(facts)) if _is_listed(k) else (),
    )


def _is_listed(k: int) -> bool:
    return ROOMY_CLASSES < k <= TABLED_CLASSES


def _group(facts: Context) -> tuple[int, ...]:
    order = tuple(confusion_order(facts.matrix).tolist())
    return () if order == tuple(range(len(order))) else order


def _lead(facts: Context) -> Words:
    k = len(facts.names)
    axes = say("Rows: true class; columns: predicted class.")
    if facts.proportions is not None:
        return join(axes, say(f"Sample counts {PROPORTIONS_ONLY}."))
    if k <= NUMBERED_CLASSES:
        return join(
            axes,
            say(f"Colour: % of row, fixed scale 0–100%. Outline: ≥ {share(HOT, 0)} of a class."),
        )
    if k <= TABLED_CLASSES:
        return join(
            axes,
            say(
                "{k} classes: numbers are in the table below and in confusion.csv.",
                k=count(k),
            ),
        )
    return join(axes, _overview_words(facts))


def _overview_words(facts: Context) -> Words:
    pairs = facts.evaluation.pairs[: listed_pairs(len(facts.names))]
    covered = sum(pair.count for pair in pairs) / max(facts.matrix.n_errors, 1)
    seen = (
        say("The images show all {k} classes.", k=count(len(facts.names)))
        if len(facts.names) <= OVERVIEW_SIDE
        else say(
            "The images show all {k} classes; each pixel shows the maximum of neighbouring cells.",
            k=count(len(facts.names)),
        )
    )
    if not pairs:
        return seen
    return join(
        seen,
        say(
            "The {n} most frequent confusions account for {share} of "
            "{errors} errors; all are in confusion.csv.",
            n=count(len(pairs)),
            share=share(covered),
            errors=count(facts.matrix.n_errors),
        ),
    )


def _column_names(facts: Context) -> tuple[Name, ...]:
    """The names in table heads: shorter than elsewhere, but unique."""
    full = [name.full for name in facts.names]
    return tuple(
        Name(short, whole) for short, whole in zip(shorten(full, HEAD_WIDTH), full, strict=True)
    )


def _end_definitions() -> list[Definition]:
    return [item for name in ENDS for item in PER_CLASS if item.name == name]


def _rows(facts: Context, notes: Footnotes) -> Iterable[MatrixRow]:
    k, known = len(facts.names), facts.proportions
    counts: list[list[int]] = [[]] * k if known is not None else facts.matrix.counts.tolist()
    small = k <= NUMBERED_CLASSES or known is not None
    shares = _shares(facts, "true")
    columns = _shares(facts, "predicted") if small else [()] * k
    whole = _shares(facts, "all") if small else [()] * k
    for i, name in enumerate(_column_names(facts)):
        yield MatrixRow(
            index=i,
            name=name,
            counts=tuple(counts[i]),
            shares=shares[i],
            support=count(facts.support(i)) if known is None else "n/a",
            ends=tuple(
                cell(facts.of_class(item.name, i), item, notes) for item in _end_definitions()
            ),
            column_shares=columns[i],
            all_shares=whole[i],
        )


def _shares(facts: Context, over: str) -> list[tuple[float | None, ...]]:
    """The rows of the normalised matrix, None for a divisor of 0; empty if unknown."""
    known = facts.proportions
    table = facts.matrix.normalized(OVER[over]) if known is None else known.normalised(over)
    if table is None:
        return [()] * len(facts.names)
    return [tuple(None if value != value else value for value in row) for row in table.tolist()]


def _macro(facts: Context, notes: Footnotes) -> Iterable[Cell]:
    for name in ("macro_recall", "macro_precision", "macro_f1"):
        definition = next(item for item in SUMMARY if item.name == name)
        yield cell(facts.summary(name), definition, notes)


def _figures(facts: Context, subject: str) -> Iterable[HeatmapSpec]:
    k = len(facts.names)
    numbered = k <= NUMBERED_CLASSES
    power = 1.0 if numbered else OVERVIEW_POWER
    small = k > ROOMY_CLASSES
    labels: tuple[str, ...] = ()
    if k <= LABELLED_CLASSES:
        names = shorten([name.full for name in facts.names], 24 if small else 40)
        labels = tuple(names[i] for i in drawn_order(facts))
    subtitle = middle_cut(subject, 90)
    how = "" if numbered else _order_words(facts)
    exact = "Empty cells are 0. Exact numbers are in the table." if small and numbered else ""
    percent = whole_percent_text if small else percent_text
    draw = partial(
        HeatmapSpec,
        subtitle=subtitle,
        labels=labels,
        power=power,
        numbers=tuple((drawn_order(facts) + 1).tolist()) if labels else (),
        boxes=boxes(facts),
        listed=_is_listed(k),
    )
    if facts.proportions is not None:
        over, shares = facts.proportions.over, _draw_proportions(facts.proportions)
        yield draw(
            name=FILES[over],
            title=f"Confusion matrix: % of {OF[over]}",
            values=shares,
            texts=texts_of(shares, percent) if numbered else None,
            top=float(np.nanmax(shares)) if over == "all" else 1.0,
            unit=f"% of {OF[over]}",
            alt=f"Heatmap of the matrix in % of {OF[over]}, rows true, columns predicted.",
            purpose=f"Each cell in % of {OF[over]}.{how}",
            digits_note=exact,
        )
        return
    counts, shares, top = _values(facts)
    numbers = texts_of(counts, _brief_count if small else _count_text) if numbered else None
    percents = texts_of(shares, percent) if numbered else None
    yield draw(
        name="confusion-counts",
        title="Confusion matrix: counts",
        values=counts,
        texts=numbers,
        top=top,
        unit="samples",
        alt=_alt(facts, "counts"),
        beside=_longest(percents),
        purpose="Counts per cell." + how,
        digits_note=_letters(numbers) + exact,
    )
    yield draw(
        name="confusion-row-shares",
        title="Confusion matrix: % of the true class",
        values=shares,
        texts=percents,
        top=1.0,
        unit="% of the true class",
        alt=_alt(facts, "row percentages"),
        beside=_longest(numbers),
        purpose="Normalised by row (recall on the diagonal)." + how,
        digits_note=exact,
    )


Normalize = Literal["true", "pred", "all"]


def matrix_picture(facts: Context, subject: str, normalize: Normalize | None) -> HeatmapSpec:
    """The matrix as counts, or normalised by true class, by predicted class or by all.

    Without counts, None gives the proportions as they are. Raises ValueError if the requested
    normalisation can't be derived from them.
    """
    figures, known = tuple(_figures(facts, subject)), facts.proportions
    over = next((name for name, ours in OVER.items() if ours == normalize), None)
    if over is None:
        return figures[0]
    picture = figures[-1]
    if over == ("true" if known is None else known.over):
        return picture
    values, small = _drawn_shares(facts, over), len(facts.names) > ROOMY_CLASSES
    percent = whole_percent_text if small else percent_text
    return replace(
        picture,
        name=FILES[over],
        title=f"Confusion matrix: % of {OF[over]}",
        values=values,
        texts=None if picture.texts is None else texts_of(values, percent),
        top=float(np.nanmax(values)) if over == "all" else 1.0,
        unit=f"% of {OF[over]}",
        alt=f"Heatmap of the matrix in % of {OF[over]}, rows true, columns predicted.",
    )


def _drawn_shares(facts: Context, over: str) -> Image:
    """Normalised values in 0..1, nan if undefined, in picture order; or as an overview."""
    order, matrix, known = drawn_order(facts), facts.matrix, facts.proportions
    if known is None and len(order) > TABLED_CLASSES:
        totals = (
            matrix.predicted_totals
            if over == "predicted"
            else np.full(len(order), matrix.n_samples)
        )
        cells = matrix.values / totals[matrix.columns]
        return overview(order, matrix.rows, matrix.columns, cells)
    table = matrix.normalized(OVER[over]) if known is None else known.normalised(over)
    if table is None:
        assert known is not None
        raise ValueError(
            f"the matrix contains % of {OF[known.over]} and no counts, which do not determine "
            f"% of {OF[over]}"
        )
    if len(order) <= TABLED_CLASSES:
        shown: Image = table[np.ix_(order, order)]
        return shown
    rows, columns = np.nonzero(np.nan_to_num(table))
    return overview(order, rows, columns, table[rows, columns])


def _order_words(facts: Context) -> str:
    ordered = facts.groups.tree is not None and len(facts.names) <= DENSE_LIMIT
    order = "Clustered order" if ordered else "Data order"
    framed = ", boxes = clusters" if boxes(facts) else ""
    return f" {order}{framed}; cube-root colour scale."


def texts_of(values: Image, text: Callable[[float], str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(map(text, row)) for row in values.tolist())


def _longest(texts: tuple[tuple[str, ...], ...] | None) -> tuple[str, ...]:
    """The longest text, if there are any."""
    return () if texts is None else (max((text for row in texts for text in row), key=len),)


def _letters(numbers: tuple[tuple[str, ...], ...] | None) -> str:
    """The footnotes of letters behind numbers."""
    last = {text[-1:] for row in numbers or () for text in row}
    words = {"k": "k: thousands. ", "M": "M: millions. "}
    return "".join(meaning for letter, meaning in words.items() if letter in last)


def _count_text(value: float) -> str:
    return f"{value:,.0f}"


def _brief_count(value: float) -> str:
    """``999``, ``1.9k``, ``61k``, ``1.2M``: at most four characters, and empty for 0."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if scaled < 9.95 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}" if value else ""


def percent_text(value: float, digits: int = 1) -> str:
    """Percent without sign; only a true 0 is "0", only a true 1 is "100"."""
    return "n/a" if value != value else share(value, digits).removesuffix("%")


def whole_percent_text(value: float) -> str:
    return percent_text(value, 0) if value else ""


def _alt(facts: Context, what: str) -> str:
    matrix = facts.matrix
    text = (
        f"Heatmap of {what}, rows true, columns predicted: {count(matrix.n_correct)} of "
        f"{count(matrix.n_samples)} samples are on the diagonal."
    )
    if not facts.evaluation.pairs:
        return f"{text} There are no errors."
    pair = facts.evaluation.pairs[0]
    size = count(pair.count) if what == "counts" else share(pair.count / facts.support(pair.true))
    true, predicted = facts.names[pair.true], facts.names[pair.predicted]
    return f"{text} The most frequent error: {true} → {predicted}, {size}."


def _values(facts: Context) -> tuple[Image, Image, float]:
    """Counts, row-normalised values, and the largest count; or as an overview."""
    matrix, k = facts.matrix, len(facts.names)
    if k <= TABLED_CLASSES:
        drawn = np.ix_(drawn_order(facts), drawn_order(facts))
        counts = matrix.counts.astype(np.float64)[drawn]
        return counts, matrix.normalized("true")[drawn], float(counts.max())
    order, rows, columns = drawn_order(facts), matrix.rows, matrix.columns
    counts = overview(order, rows, columns, matrix.values.astype(np.float64))
    shares = overview(order, rows, columns, matrix.values / matrix.true_totals[rows])
    return counts, shares, float(counts.max())


def _draw_proportions(known: Proportions) -> Image:
    """The proportions as saved, nan if undefined; or as an overview."""
    values = known.values
    if known.n_classes > TABLED_CLASSES:
        rows, columns = np.nonzero(values)
        return overview(np.arange(known.n_classes), rows, columns, values[rows, columns])
    return np.where(values.any(axis=1, keepdims=True) | (known.over != "true"), values, np.nan)
