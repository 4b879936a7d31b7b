"""Differences of the confusion matrices of candidate and baseline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.analysis.confusions import SIGNIFICANT, confusion_order, grown_p
from reportgen.comparison import Comparison, PairChange
from reportgen.confusion_matrix import DENSE_LIMIT, ConfusionMatrix
from reportgen.report.comparison.deltas import signed_count
from reportgen.report.context import Context
from reportgen.report.matrix import (
    NUMBERED_CLASSES,
    ROOMY_CLASSES,
    TABLED_CLASSES,
    HeatmapSpec,
    percent_text,
    texts_of,
    whole_percent_text,
)
from reportgen.report.slices import points
from reportgen.report.words import MINUS, Name, Words, say, share, shorten
from reportgen.text import count, middle_cut, plural

__all__ = [
    "DIFFERENCE_STEPS",
    "DifferenceCell",
    "DifferenceRow",
    "DifferenceSection",
    "GrownRow",
    "SideMatrix",
    "SideRow",
    "difference_section",
    "grown_row",
    "grown_rows",
]


@dataclass(frozen=True)
class DifferenceCell:
    """A cell: step 0..20 of the diverging scale (10 is no difference), None if undefined."""

    step: int | None
    text: str


@dataclass(frozen=True)
class DifferenceRow:
    """A true class: differences of counts and of row-normalised values, in column order."""

    index: int
    name: Name
    counts: tuple[DifferenceCell, ...]
    shares: tuple[DifferenceCell, ...]


@dataclass(frozen=True)
class GrownRow:
    """A confusion on both sides; `target` is the id of the pair, or empty."""

    true_name: Name
    predicted_name: Name
    before: int
    after: int
    change: str
    exact_change: int
    points: str
    exact_points: float | None
    target: str


@dataclass(frozen=True)
class SideRow:
    """A true class of one matrix: row-normalised values with heat step 0..20, None if undefined."""

    index: int
    name: Name
    cells: tuple[DifferenceCell, ...]


@dataclass(frozen=True)
class SideMatrix:
    """The row-normalised matrix of one side, on the fixed scale from 0 to 100%."""

    title: str
    rows: tuple[SideRow, ...]


@dataclass(frozen=True)
class DifferenceSection:
    """Candidate minus baseline, cell by cell.

    Attributes
    ----------
    names
        Column titles; empty if there are too many classes for a table.
    rows
        The table rows; empty if pictures replace them.
    ends
        The values of the darkest colours, as text: largest decrease, largest increase.
    counts_note
        The colours of the table of counts.
    reading
        A summary of the cells, in sentences.
    increases, decreases
        The errors that increased and decreased most, five of each.
    tested
        The number of confusions with a significant increase or decrease.
    sides
        Both matrices, as tables.
    figures
        Differences and baseline as pictures, if there are no tables.
    slides
        The tables as pictures, for slides; not shown on the page.
    """

    lead: Words
    names: tuple[Name, ...]
    rows: tuple[DifferenceRow, ...]
    ends: tuple[str, str]
    counts_note: str
    reading: tuple[Words, ...]
    increases: tuple[GrownRow, ...]
    decreases: tuple[GrownRow, ...]
    tested: Words
    sides: tuple[SideMatrix, ...]
    figures: tuple[HeatmapSpec, ...] = ()
    slides: tuple[HeatmapSpec, ...] = ()

    @property
    def largest_change(self) -> int:
        """The largest change of an error in samples, at least 0."""
        rows = (*self.increases, *self.decreases)
        return max((abs(row.exact_change) for row in rows), default=0)


def grown_rows(
    comparison: Comparison, names: Sequence[Name], shown: frozenset[tuple[int, int]]
) -> Iterable[GrownRow]:
    """The pairs that increased most."""
    for one in comparison.grown:
        yield grown_row(one, comparison, names, shown)


def grown_row(
    one: PairChange,
    comparison: Comparison,
    names: Sequence[Name],
    shown: frozenset[tuple[int, int]],
) -> GrownRow:
    """A confusion on both sides, in samples and in pp of its true class."""
    sides = comparison.baseline.confusion, comparison.candidate.confusion
    totals = [int(side.true_totals[one.true]) for side in sides]
    change = one.candidate - one.baseline
    share = None
    if all(totals):  # like differences of recall: one division of integers
        above = one.candidate * totals[0] - one.baseline * totals[1]
        share = above / (totals[0] * totals[1])
    on_page = (one.true, one.predicted) in shown
    return GrownRow(
        true_name=names[one.true],
        predicted_name=names[one.predicted],
        before=one.baseline,
        after=one.candidate,
        change=signed_count(change),
        exact_change=change,
        points="n/a" if share is None else points(share),
        exact_points=share,
        target=f"p-{one.true}-{one.predicted}" if on_page else "",
    )


DIFFERENCE_STEPS = 20


HEAT_STEPS = 20


TOPS = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Possible values of the darkest colours; the smallest that contains all changes is used."""


LARGEST = 5


HEAD_WIDTH = 24


LABELLED_CLASSES = 60


OVERVIEW_SIDE = 390


OVERVIEW_POWER = 1 / 3


Image = NDArray[np.float64]


Counts = NDArray[np.int64]


def share_differences(counts: tuple[Counts, Counts], totals: tuple[Counts, Counts]) -> Image:
    """Candidate minus baseline of ``counts / totals``; nan for a total of 0.

    Computed in integers with a single division, so that differences are equal everywhere.
    """
    above = counts[0] * totals[1] - counts[1] * totals[0]
    below = totals[0] * totals[1]
    difference = np.full(above.shape, np.nan)
    np.divide(above, below, out=difference, where=below > 0)
    return difference


@dataclass(frozen=True)
class _Cells:
    """The cells with samples on either side: true, predicted, both counts; int64 (M,)."""

    baseline: ConfusionMatrix
    candidate: ConfusionMatrix

    @cached_property
    def keys(self) -> Counts:
        return np.union1d(self.baseline.keys, self.candidate.keys)

    @cached_property
    def true(self) -> Counts:
        return self.keys // self.candidate.n_classes

    @cached_property
    def predicted(self) -> Counts:
        return self.keys % self.candidate.n_classes

    @cached_property
    def before(self) -> Counts:
        return self.baseline.lookup(self.true, self.predicted)

    @cached_property
    def after(self) -> Counts:
        return self.candidate.lookup(self.true, self.predicted)

    @cached_property
    def same_samples(self) -> bool:
        """Whether every class has the same number of samples on both sides."""
        return bool(np.array_equal(self.baseline.true_totals, self.candidate.true_totals))

    @cached_property
    def shares(self) -> Image:
        """Differences of row-normalised values; nan if the class has no samples on a side."""
        totals = self.candidate.true_totals[self.true], self.baseline.true_totals[self.true]
        return share_differences((self.after, self.before), totals)

    @cached_property
    def change(self) -> Image:
        """The change of a cell: in counts for equal class sizes, else in row-normalised values."""
        if self.same_samples:
            return (self.after - self.before).astype(np.float64)
        return self.shares

    @cached_property
    def top(self) -> float:
        """The value of the darkest colours."""
        known = np.abs(self.shares[np.isfinite(self.shares)])
        reach = float(known.max()) if len(known) else 0.0
        return next((top for top in TOPS if top >= reach), TOPS[-1])


def difference_section(
    comparison: Comparison, facts: Context, shown: frozenset[tuple[int, int]]
) -> DifferenceSection:
    """Tables up to 30 classes, a picture above; the largest changes of errors always."""
    cells = _Cells(comparison.baseline.confusion, comparison.candidate.confusion)
    k = len(facts.names)
    tabled = k <= NUMBERED_CLASSES
    names = _heads(facts.names) if tabled else ()
    return DifferenceSection(
        lead=_lead(cells, k),
        names=names,
        rows=tuple(_rows(cells, names)) if tabled else (),
        ends=(f"{MINUS}{_scale_end(cells.top)} pp", f"+{_scale_end(cells.top)} pp"),
        counts_note="by the difference of row %"
        if cells.same_samples
        else "by the difference of counts, since the class totals differ",
        reading=tuple(_reading(cells)),
        increases=tuple(_largest(cells, 1, comparison, facts.names, shown)),
        decreases=tuple(_largest(cells, -1, comparison, facts.names, shown)),
        tested=_tested(cells),
        sides=tuple(_sides(comparison, names)) if tabled else (),
        figures=() if tabled else tuple(_figures(cells, comparison, facts)),
        slides=tuple(_slides(cells, comparison, facts)) if tabled else (),
    )


def _tested(cells: _Cells) -> Words:
    """The number of confusions with a significant increase or decrease."""
    p = np.array(list(grown_p(cells.baseline, cells.candidate).values()))
    change = cells.change[cells.true != cells.predicted]  # in the same order
    shown = p < SIGNIFICANT
    up, down = int((shown & (change > 0)).sum()), int((shown & (change < 0)).sum())
    return say(
        "Significant changes (Holm over {all}): {which}.",
        all=plural(len(p), "confusion"),
        which=f"{plural(up, 'increase')}, {plural(down, 'decrease')}" if up or down else "none",
    )


def _lead(cells: _Cells, k: int) -> Words:
    lead = "Candidate − baseline. Rows: true class; columns: predicted class."
    if k <= NUMBERED_CLASSES:
        colour = (
            f"Orange: decrease; blue: increase; darkest: "
            f"{_scale_end(cells.top)} pp of the true class."
        )
        return say(f"{lead} {colour}")
    if k <= TABLED_CLASSES:
        return say(f"{lead} {{k}} classes: no numbers in the image.", k=count(k))
    return say(
        f"{lead} The image shows all {{k}} classes in the order of the candidate's matrix"
        "{shared}.",
        k=count(k),
        shared=""
        if k <= OVERVIEW_SIDE
        else "; each pixel shows the largest change of neighbouring cells",
    )


def _scale_end(top: float) -> str:
    return f"{100 * top:.0f}"


def _heads(names: Sequence[Name]) -> tuple[Name, ...]:
    full = [name.full for name in names]
    return tuple(
        Name(short, whole) for short, whole in zip(shorten(full, HEAD_WIDTH), full, strict=True)
    )


def _rows(cells: _Cells, names: Sequence[Name]) -> Iterable[DifferenceRow]:
    after, before = cells.candidate, cells.baseline
    counts = after.counts - before.counts
    totals = after.true_totals[:, None], before.true_totals[:, None]
    shares = share_differences((after.counts, before.counts), totals)
    most = max(int(np.abs(counts).max()), 1)
    for i, name in enumerate(names):
        row = shares[i].tolist()
        by = row if cells.same_samples else (counts[i] * (cells.top / most)).tolist()
        yield DifferenceRow(
            index=i,
            name=name,
            counts=tuple(
                DifferenceCell(_step(colour, cells.top), signed_count(n))
                for n, colour in zip(counts[i].tolist(), by, strict=True)
            ),
            shares=tuple(
                DifferenceCell(_step(value, cells.top), "n/a" if value != value else points(value))
                for value in row
            ),
        )


def _step(value: float, top: float) -> int | None:
    """0..20 for −top..top, 10 for no difference; None if undefined."""
    if value != value:
        return None
    half = DIFFERENCE_STEPS // 2
    return half + max(-half, min(half, round(half * value / top)))


def _sides(comparison: Comparison, names: Sequence[Name]) -> Iterable[SideMatrix]:
    for title, side in (("Baseline", comparison.baseline), ("Candidate", comparison.candidate)):
        shares = side.confusion.normalized("true").tolist()
        yield SideMatrix(
            title,
            tuple(
                SideRow(i, name, tuple(map(_share_cell, row)))
                for i, (name, row) in enumerate(zip(names, shares, strict=True))
            ),
        )


def _share_cell(value: float) -> DifferenceCell:
    if value != value:
        return DifferenceCell(None, "n/a")
    return DifferenceCell(round(HEAT_STEPS * value), share(value).removesuffix("%"))


def _reading(cells: _Cells) -> Iterable[Words]:
    """A summary of the cells: the diagonal, then the errors."""
    yield say("Improvements: blue on the diagonal, orange elsewhere.")
    on_diagonal = cells.true == cells.predicted
    yield _diagonal_words(_recall_changes(cells))
    errors = cells.change[~on_diagonal]
    errors = errors[np.isfinite(errors)]
    if len(errors):
        up, down = int((errors > 0).sum()), int((errors < 0).sum())
        yield say(
            "Of {n}, {down}, {up} and {same}.",
            n=plural(len(errors), "confusion"),
            down=f"{_count(down)} decreased",
            up=f"{_count(up)} increased",
            same=_unchanged(len(errors) - up - down),
        )


def _recall_changes(cells: _Cells) -> Image:
    """Differences of recall for classes with samples on both sides."""
    sides = cells.candidate, cells.baseline
    both = (sides[0].true_totals > 0) & (sides[1].true_totals > 0)
    hits, totals = (
        (sides[0].diagonal[both], sides[1].diagonal[both]),
        (sides[0].true_totals[both], sides[1].true_totals[both]),
    )
    return share_differences(hits, totals)


def _diagonal_words(changes: Image) -> Words:
    n = len(changes)
    up, down = changes[changes > 0], changes[changes < 0]
    if len(up) == n:
        return say("All {n} diagonal cells increased, by {by} pp.", n=count(n), by=_span(up))
    if len(down) == n:
        return say("All {n} diagonal cells decreased, by {by} pp.", n=count(n), by=_span(-down))
    parts = [
        f"{_count(len(some))} {verb}{f' (by {_span(abs(some))} pp)' if len(some) else ''}"
        for some, verb in ((up, "increased"), (down, "decreased"))
    ]
    return say(
        "Of {n} on the diagonal, {up}, {down} and {same}.",
        n=plural(n, "cell"),
        up=parts[0],
        down=parts[1],
        same=_unchanged(n - len(up) - len(down)),
    )


def _span(sizes: Image) -> str:
    low, high = (points(float(end)).removeprefix("+") for end in (sizes.min(), sizes.max()))
    return low if low == high else f"{low} to {high}"


def _count(n: int) -> str:
    return count(n) if n else "none"


def _unchanged(n: int) -> str:
    return f"{_count(n)} {'are' if n > 1 else 'is'} unchanged"


def _largest(
    cells: _Cells,
    sign: Literal[1, -1],
    comparison: Comparison,
    names: Sequence[Name],
    shown: frozenset[tuple[int, int]],
) -> Iterable[GrownRow]:
    """The errors that increased most, or with a `sign` of -1 decreased most."""
    weight = sign * np.where(np.isfinite(cells.change), cells.change, 0.0)
    weight = np.where(cells.true == cells.predicted, 0.0, weight)
    order = np.lexsort((cells.keys, -weight))[:LARGEST]
    for i in order.tolist():
        if weight[i] <= 0:
            return
        pair = PairChange(
            int(cells.true[i]), int(cells.predicted[i]), int(cells.before[i]), int(cells.after[i])
        )
        yield grown_row(pair, comparison, names, shown)


def _figures(cells: _Cells, comparison: Comparison, facts: Context) -> Iterable[HeatmapSpec]:
    """The differences, then the baseline on the scale of the candidate's picture."""
    k = len(facts.names)
    overview = k > TABLED_CLASSES
    after, before = cells.candidate, cells.baseline
    if overview:
        order = confusion_order(after) if k <= DENSE_LIMIT else np.arange(k)
        difference = _overview(k, order, cells.true, cells.predicted, cells.shares)
        part = before.values / before.true_totals[before.rows]
        whole = _overview(k, order, before.rows, before.columns, part)
    else:
        whole = before.normalized("true")
        totals = after.true_totals[:, None], before.true_totals[:, None]
        difference = share_differences((after.counts, before.counts), totals)
    labels: tuple[str, ...] = ()
    if k <= LABELLED_CLASSES:
        labels = shorten([name.full for name in facts.names], HEAD_WIDTH)
    power = OVERVIEW_POWER if overview else 1.0
    how = " Cube-root colour scale." if overview else ""
    yield HeatmapSpec(
        name="difference-row-shares",
        title="Candidate − baseline (pp of true class)",
        subtitle="orange: decrease; blue: increase",
        values=difference,
        texts=None,
        labels=labels,
        top=cells.top,
        unit="% of the true class",
        power=power,
        alt=f"Heatmap of differences, rows true, columns predicted. {_alt(cells)}",
        purpose=f"Change in row % (pp).{how}",
        diverging=True,
    )
    yield HeatmapSpec(
        name="baseline-row-shares",
        title="Baseline: % of the true class",
        subtitle=middle_cut(str(_subject(comparison)), 90),
        values=whole,
        texts=None,
        labels=labels,
        top=1.0,
        unit="% of the true class",
        power=power,
        alt=f"Heatmap of the row-normalised baseline matrix: {count(before.n_correct)} of "
        f"{count(before.n_samples)} samples are on the diagonal.",
        purpose="Baseline, on the scale of the candidate's row-normalised matrix.",
    )


def _slides(cells: _Cells, comparison: Comparison, facts: Context) -> Iterable[HeatmapSpec]:
    """The tables of differences and of the baseline as pictures with numbers."""
    difference, baseline = _figures(cells, comparison, facts)
    small = len(facts.names) > ROOMY_CLASSES
    changes = (cells.candidate.counts - cells.baseline.counts).astype(np.float64)
    yield replace(difference, texts=texts_of(difference.values, _whole_points if small else points))
    yield replace(
        difference,
        name="difference-counts",
        title="Candidate − baseline (samples)",
        subtitle="coloured by pp of true class; orange: decrease; blue: increase",
        texts=texts_of(changes, _brief_change if small else _change),
    )
    shares = texts_of(baseline.values, whole_percent_text if small else percent_text)
    yield replace(baseline, texts=shares)


def _whole_points(value: float) -> str:
    """Percentage points without decimals; empty if they would read 0."""
    return _change(round(100 * value)) if abs(value) >= 0.005 else ""


def _change(value: float) -> str:
    return signed_count(round(value))


def _brief_change(value: float) -> str:
    """Empty for 0, and thousands as k, to fit small cells."""
    if abs(value) < 1000:
        return _change(value) if value else ""
    return f"{_change(value / 1000)}k"


def _subject(comparison: Comparison) -> Name:
    model = comparison.baseline.provenance.model
    return Name.of(" ".join(filter(None, (model.name, model.version))), 80)


def _alt(cells: _Cells) -> str:
    return str(_diagonal_words(_recall_changes(cells)))


def _overview(k: int, order: Counts, true: Counts, predicted: Counts, values: Image) -> Image:
    """float64, shape (P, P), P <= 390: each pixel is the value of its cells furthest from 0."""
    side = min(k, OVERVIEW_SIDE)
    place = np.empty(k, np.int64)
    place[order] = np.arange(k) * side // k
    known = np.isfinite(values)
    rising = np.argsort(np.abs(values[known]), kind="stable")
    picture = np.zeros((side, side))
    picture[place[true[known]][rising], place[predicted[known]][rising]] = values[known][rising]
    return picture
