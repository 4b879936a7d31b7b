"""The sections of a release review as values: gates, and the comparison with a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reportgen.gates.value import Status
from reportgen.report.model_base import Fact, Reason, Thumbnail
from reportgen.report.model_confidence import Chart, ReliabilityRow
from reportgen.report.words import Name, Words

if TYPE_CHECKING:
    from reportgen.report.model import HeatmapSpec

__all__ = [
    "CalibrationChange",
    "ChangeExample",
    "ChangeGallery",
    "ClassChangeRow",
    "ClassChanges",
    "Compared",
    "ComparisonSection",
    "Delta",
    "DeltaKind",
    "DifferenceCell",
    "DifferenceRow",
    "DifferenceSection",
    "GatePart",
    "GateRow",
    "GateSection",
    "GrownRow",
    "PairedTable",
    "Scale",
    "SideMatrix",
    "SideRow",
    "SliceChangeRow",
    "SummaryChange",
    "Tally",
]

DeltaKind = Literal["worse", "unclear", "better"]


@dataclass(frozen=True)
class Delta:
    """Candidate less baseline of one figure, as drawn and as read.

    Attributes
    ----------
    value, low, high
        The exact difference and its 95 % interval; None where undefined.
    before, after
        The figure of each side as text, without a unit; "n/a" where undefined.
    exact_before
        The baseline's figure, for a drawing.
    text, range
        The difference as signed text in `unit`, and its interval; `range` may be empty.
    unit
        ``"points"`` for differences of shares, empty for plain numbers.
    kind, word
        What it means for the candidate: a shape, and the same in words.
    mark
        Letter of the :class:`Reason` why something is missing, or empty.
    """

    value: float | None
    low: float | None
    high: float | None
    before: str
    after: str
    exact_before: float | None
    text: str
    range: str
    unit: Literal["points", ""]
    kind: DeltaKind
    word: str
    mark: str = ""


@dataclass(frozen=True)
class Scale:
    """The common axis of several bars, below 0 and above, in the unit of what is drawn."""

    low: float
    high: float
    ends: tuple[str, str]


@dataclass(frozen=True)
class GatePart:
    """One class of a gate that looks at several."""

    name: Name
    status: Status
    word: str
    value: str
    range: str
    p: str
    exact_value: float | None
    exact_p: float | None
    place: int


@dataclass(frozen=True)
class GateRow:
    """One promise and what became of it; numbers with digits that don't contradict `status`.

    `number` is its place in the file of gates; `needed` says how many samples would decide an
    open question; `weight` is a word where the gate only warns, or where being open is allowed.
    """

    number: int
    name: Name
    rule: str
    status: Status
    word: str
    weight: str
    subject: Name | None
    value: str
    range: str
    margin: str
    sentence: str
    needed: str
    parts: tuple[GatePart, ...]


@dataclass(frozen=True)
class GateSection:
    """The gates: failed ones first, then open, passed and not applicable ones."""

    lead: Words
    rows: tuple[GateRow, ...]

    @property
    def by_class(self) -> tuple[GateRow, ...]:
        """Those that look at several classes, in the order of their file."""
        several = (row for row in self.rows if len(row.parts) > 1)
        return tuple(sorted(several, key=lambda row: row.number))


@dataclass(frozen=True)
class PairedTable:
    """Both right, gained, lost, both wrong: counts as text, and shares of all samples."""

    both_right: tuple[str, str]
    gained: tuple[str, str]
    lost: tuple[str, str]
    both_wrong: tuple[str, str]
    sentence: Words


@dataclass(frozen=True)
class SummaryChange:
    """One figure of the whole, on both sides."""

    title: str
    unit: str
    lower_is_better: bool
    delta: Delta
    p: str
    how: str


@dataclass(frozen=True)
class ClassChangeRow:
    """One class on both sides; `rank` is its place by harm, `gained` and `lost` are its samples
    by who was right alone, None where samples are not matched.
    """

    index: int
    name: Name
    rank: int
    support: int
    few: bool
    recall: Delta
    p: str
    exact_p: float | None
    gained: int | None
    lost: int | None
    precision: Delta
    f1: Delta


@dataclass(frozen=True)
class Tally:
    """How many classes changed in this way, and the first of them."""

    kind: DeltaKind
    word: str
    count: int
    names: Words


@dataclass(frozen=True)
class ClassChanges:
    """The classes by harm, and how many fell and rose; `paired` where gained and lost are known."""

    lead: Words
    tally: tuple[Tally, ...]
    rows: tuple[ClassChangeRow, ...]
    scale: Scale
    paired: bool


@dataclass(frozen=True)
class DifferenceCell:
    """One cell: step 0..20 of the diverging scale (10 is no difference), None where undefined."""

    step: int | None
    text: str


@dataclass(frozen=True)
class DifferenceRow:
    """A true class: differences of counts and of row shares, in column order."""

    index: int
    name: Name
    counts: tuple[DifferenceCell, ...]
    shares: tuple[DifferenceCell, ...]


@dataclass(frozen=True)
class GrownRow:
    """Samples of one class called another, on both sides; `target` is the pair's id, or empty."""

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
    """A true class of one side's matrix: row shares with the heat step 0..20, None undefined."""

    index: int
    name: Name
    cells: tuple[DifferenceCell, ...]


@dataclass(frozen=True)
class SideMatrix:
    """The row shares of one side, on the fixed scale from 0 to 100 %."""

    title: str
    rows: tuple[SideRow, ...]


@dataclass(frozen=True)
class DifferenceSection:
    """Candidate less baseline, cell by cell.

    Attributes
    ----------
    names
        Column heads; empty where there are too many classes for a table.
    rows
        The tables; empty where pictures take their place.
    ends
        What the darkest colours stand for, as text: most fewer, most more.
    counts_note
        How the table of counts is coloured.
    reading
        What the cells say, a sentence each.
    largest
        The cells that changed most.
    largest_lead
        How they are chosen.
    sides
        Both matrices, as tables.
    figures
        Differences and baseline as pictures, where there are no tables.
    slides
        The tables as pictures, which the page doesn't show.
    """

    lead: Words
    names: tuple[Name, ...]
    rows: tuple[DifferenceRow, ...]
    ends: tuple[str, str]
    counts_note: str
    reading: tuple[Words, ...]
    largest: tuple[GrownRow, ...]
    largest_lead: str
    sides: tuple[SideMatrix, ...]
    figures: tuple[HeatmapSpec, ...] = ()
    slides: tuple[HeatmapSpec, ...] = ()


@dataclass(frozen=True)
class ChangeExample:
    """A sample that one side got right and the other wrong."""

    path: Name
    file: Name
    true: Name
    before: Name
    before_confidence: str
    after: Name
    after_confidence: str
    thumbnail: Thumbnail | None
    alt: str


@dataclass(frozen=True)
class ChangeGallery:
    """Broken or fixed samples, the surest mistakes first; `id` is the element's."""

    id: str
    title: str
    lead: Words
    examples: tuple[ChangeExample, ...]


@dataclass(frozen=True)
class SliceChangeRow:
    """One part of the data on both sides."""

    part: Name
    column: Name
    count: int
    delta: Delta
    rank: int
    p: str
    exact_p: float | None


@dataclass(frozen=True)
class CalibrationChange:
    """Confidence on both sides: figures as rows of text (name, baseline, candidate), and the bins
    of the two reliability diagrams, baseline first.
    """

    sentence: Words
    rows: tuple[tuple[str, str, str], ...]
    charts: tuple[tuple[Chart, tuple[ReliabilityRow, ...]], ...]


@dataclass(frozen=True)
class Compared:
    """What of the comparison other sections show: changes by name of the figure, and of recall by
    index of the class, over `n` samples.
    """

    summary: Mapping[str, Delta]
    classes: Mapping[int, Delta]
    scale: Scale
    n: int


@dataclass(frozen=True)
class ComparisonSection:
    """Candidate against baseline; what can't be told is None or empty, and `facts` say why."""

    lead: Words
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]
    pairing: PairedTable | None
    summary: tuple[SummaryChange, ...]
    summary_note: Words
    classes: ClassChanges | None
    difference: DifferenceSection | None
    galleries: tuple[ChangeGallery, ...]
    gallery_note: str
    grown: tuple[GrownRow, ...]
    slices: tuple[SliceChangeRow, ...]
    calibration: CalibrationChange | None
    reasons: tuple[Reason, ...]
