"""`Report`: what is said about an evaluation, and in which order. No HTML, no colours.

Every output (page, mail, pull-request comment) reads these values; numbers that a reader sees
stand here as text already, so that all outputs round alike. Shares are 0..1, undefined is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import Definition
from reportgen.report.model_base import Cell, Fact, Reason, Thumbnail
from reportgen.report.model_confidence import (
    Chart,
    ConfidenceSection,
    CurveRow,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
)
from reportgen.report.model_curves import CurveSection
from reportgen.report.model_groups import GroupSection, PairRanking
from reportgen.report.model_review import ComparisonSection, Delta, GateSection, Scale
from reportgen.report.model_samples import SliceRow, SliceSection, SuspectRow, SuspectSection
from reportgen.report.model_shares import SharePairs, ShareTable
from reportgen.report.model_threshold import ThresholdSection
from reportgen.report.words import Name, Words

__all__ = [
    "Axis",
    "Cell",
    "Chart",
    "ClassRow",
    "ClassSection",
    "ConfidenceSection",
    "CurveRow",
    "DataSection",
    "Direction",
    "Example",
    "Fact",
    "Finding",
    "GroupSection",
    "Headline",
    "HeatmapSpec",
    "HistogramRow",
    "MatrixRow",
    "MatrixSection",
    "Note",
    "OperatingPoint",
    "PairGroup",
    "PairRanking",
    "PairRow",
    "PairSection",
    "Reason",
    "ReliabilityRow",
    "Report",
    "SliceRow",
    "SliceSection",
    "SummaryRow",
    "SuspectRow",
    "SuspectSection",
    "Thumbnail",
    "Tile",
    "Verdict",
]


@dataclass(frozen=True)
class Verdict:
    """May it ship? `kind` chooses the shape, `word` says it, `reason` is one sentence or two."""

    kind: Literal["none", "ship", "stop", "unclear"]
    word: str
    reason: Words


@dataclass(frozen=True)
class Axis:
    """What a tile's number is drawn on, `low` to `high`, with a mark at what chance alone shows.

    `limit` is what a gate asks for, and `failed` says that it is not kept.
    """

    low: float
    high: float
    chance: float | None = None
    limit: float | None = None
    failed: bool = False


@dataclass(frozen=True)
class Tile:
    """A headline number; `unit` follows it, `lines` explain it. Without an axis it isn't drawn.

    `metric` is its name, of the class with the index `of_class` where that is not None. `change` is
    its difference from the baseline, where there is one.
    """

    title: Words
    cell: Cell
    unit: str
    lines: tuple[Words, ...]
    metric: str
    of_class: int | None = None
    axis: Axis | None = None
    change: Delta | None = None


@dataclass(frozen=True)
class SummaryRow:
    """One metric of the whole test set, for the complete list."""

    definition: Definition
    cell: Cell
    unit: str


@dataclass(frozen=True)
class Headline:
    """The tiles, notes on them, and the list of all summary metrics."""

    tiles: tuple[Tile, ...]
    notes: tuple[Words, ...]
    rows: tuple[SummaryRow, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Finding:
    """A true sentence, and where its evidence stands: the id of an element, and its name."""

    head: Words
    body: Words
    target: str
    link: Words


@dataclass(frozen=True)
class HeatmapSpec:
    """A picture of the matrix.

    Attributes
    ----------
    name
        What the file is called where it becomes one.
    title, subtitle
        Drawn above the picture.
    values
        float64, shape (K, K), rows true; nan where undefined.
    texts
        K rows of K texts, one a cell; None where numbers would not be legible.
    labels
        The classes' short names; empty where the axes show no names.
    top
        The value of the darkest colour; the lightest is 0.
    unit
        What a value is, for the colour scale.
    power
        1 where colours are proportional to values; below 1, small values are seen better.
    alt
        The message in words, for those who don't see the picture.
    purpose
        What this picture is for.
    diverging
        Whether values lie around 0, from -`top` to `top`: fewer is orange, more is blue.
    numbers
        What the axes show where no font has the glyphs of the labels; empty for 1, 2, 3, …
    boxes
        (first cell, number of cells) of squares on the diagonal that are framed.
    beside
        Texts of the cells of a picture that stands beside this one: where they need a wider
        picture, this one is as wide.
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


@dataclass(frozen=True)
class MatrixRow:
    """A true class: counts and shares of its samples in each column; None where undefined.

    `column_shares` and `all_shares` are the same counts as shares of the predicted class and of
    all samples; empty where the tables are there on demand.
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
        Column heads, in class order.
    rows
        The table's rows; empty where there are more than 100 classes.
    open
        Whether the tables are the primary view (to 30 classes), or there on demand.
    totals, n_samples
        Column sums and the grand total, as text.
    end_titles, macro
        Titles of the metrics that continue the rows, and their macro averages below.
    figures
        Counts and row shares as pictures.
    anchors
        Cells (true, predicted) that the pair section shows, so that they can be linked.
    hot
        Errors that take at least this share of a class are outlined.
    grouped
        The classes in an order in which confused ones stand together; empty where that is the
        order of the data set, or the tables are there on demand.
    tables
        What stands in place of `rows` where the matrix holds shares only, and no counts.
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
    tables: tuple[ShareTable, ...] = ()


@dataclass(frozen=True)
class Example:
    """A misclassified sample: its path, the two probabilities as text, its picture if known."""

    path: Name
    file: Name
    confidence: str
    label_probability: str
    thumbnail: Thumbnail | None
    alt: str


@dataclass(frozen=True)
class Direction:
    """Samples of one class called another: "cat called dog"; `before` is how many the baseline
    called so, and of how many where these are others; empty without one.
    """

    true: int
    predicted: int
    true_name: Name
    predicted_name: Name
    count: int
    exact_share: float
    share: str
    range: str
    share_of_errors: str
    examples: tuple[Example, ...]
    before: str = ""


@dataclass(frozen=True)
class PairGroup:
    """Two classes that are confused, the larger direction first, its reverse beside it."""

    rank: int
    errors: str
    share_of_errors: str
    directions: tuple[Direction, ...]


@dataclass(frozen=True)
class PairRow:
    """One line of the ranked list; `has_gallery` where it is shown again among the galleries."""

    rank: int
    direction: Direction
    reversed_count: int
    cumulated: float
    cumulated_text: str
    has_gallery: bool


@dataclass(frozen=True)
class PairSection:
    """The most confused pairs; `rest` says what the list leaves out, so that shares add up.

    `rankings` are the same pairs in other orders; empty where those would say nothing new.
    `shares` stands in place of `rows` where the matrix holds shares only.
    """

    lead: Words
    rows: tuple[PairRow, ...]
    rest: Words
    rest_count: int
    rest_share: str
    groups: tuple[PairGroup, ...]
    gallery_note: str
    rankings: tuple[PairRanking, ...] = ()
    shares: SharePairs | None = None


@dataclass(frozen=True)
class ClassRow:
    """All that is known of one class; `cells` by metric name, `change` is of recall.

    `counts` is empty where the matrix holds shares only. `limits` has what gates ask of it, by
    metric name, and `missed` says which it fails.
    """

    index: int
    name: Name
    counts: Mapping[str, int]
    cells: Mapping[str, Cell]
    remarks: tuple[str, ...]
    taken: float | None
    taken_for: Name | None
    taken_share: str
    change: Delta | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    missed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassSection:
    """The classes, worst recall first; `main` metrics stand in the first table, `others` in tables
    that are narrow enough for paper.

    Above 2,000 classes `rows` holds the 200 worst and the 50 best, and `lookup` all of them:
    name, samples, predictions, and the main metrics as text. `scale` is the axis of the rows'
    changes, None without a baseline.
    """

    lead: Words
    rows: tuple[ClassRow, ...]
    main: tuple[Definition, ...]
    others: tuple[tuple[Definition, ...], ...]
    reasons: tuple[Reason, ...]
    reasons_of_others: tuple[Reason, ...]
    lookup: tuple[tuple[str, ...], ...]
    scale: Scale | None = None


@dataclass(frozen=True)
class Note:
    """A data note, ready to be shown."""

    warning: bool
    sentence: str
    examples: tuple[Name, ...]
    more: int


@dataclass(frozen=True)
class DataSection:
    """What became of every sample, and what to know about the data."""

    facts: tuple[Fact, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Report:
    """One report: its sections in the order of the page.

    `shares_only` tells that there are no counts, and so no intervals.
    """

    title: str
    subject: Words
    verdict: Verdict
    facts: tuple[Fact, ...]
    cautions: tuple[str, ...]
    headline: Headline
    findings: tuple[Finding, ...]
    matrix: MatrixSection
    pairs: PairSection
    groups: GroupSection | None
    classes: ClassSection
    confidence: ConfidenceSection
    slices: SliceSection | None
    suspects: SuspectSection
    data: DataSection
    made: tuple[Fact, ...]
    glossary: tuple[tuple[str, tuple[Definition, ...]], ...]
    interval_note: str
    n_thumbnails: int
    made_with: str
    threshold: ThresholdSection | None = None
    curves: CurveSection | None = None
    gates: GateSection | None = None
    comparison: ComparisonSection | None = None
    shares_only: bool = False
