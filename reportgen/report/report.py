"""`Report`: the content of a report and its order. No HTML, no colours.

Every output (page, mail, pull-request comment) renders these values; displayed numbers are already
text, so that all outputs round alike. Proportions are 0..1, undefined values are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.metrics import Definition
from reportgen.report.class_cards import ClassCard
from reportgen.report.classes import ClassSection
from reportgen.report.confidence import ConfidenceSection
from reportgen.report.curves import CurveSection
from reportgen.report.data import DataSection
from reportgen.report.elements import Fact
from reportgen.report.errors import ErrorList
from reportgen.report.findings.rules import Finding
from reportgen.report.gates import GateSection
from reportgen.report.groups import GroupSection
from reportgen.report.headline import Headline
from reportgen.report.label_issues import LabelIssueSection
from reportgen.report.matrix import MatrixSection
from reportgen.report.pairs import PairSection
from reportgen.report.picture_cells import PictureCells
from reportgen.report.slices import SliceSection
from reportgen.report.steps import Step
from reportgen.report.sub_matrix import SubMatrix
from reportgen.report.threshold import ThresholdSection
from reportgen.report.verdict import Verdict
from reportgen.report.words import Words

if TYPE_CHECKING:
    from reportgen.report.comparison.overview import ComparisonSection

__all__ = [
    "Report",
]


@dataclass(frozen=True)
class Report:
    """One report: its sections in the order of the page."""

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
    suspects: LabelIssueSection
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
    steps: tuple[Step, ...] = ()
    sub_matrix: SubMatrix | None = None
    cards: tuple[ClassCard, ...] = ()
    compact_cards: tuple[tuple[object, ...], ...] = ()
    errors: ErrorList | None = None
    picture_cells: PictureCells | None = None

    @property
    def scored(self) -> bool:
        """Whether the input has confidences or scores; else the page lists what would add them."""
        return bool(self.confidence.charts or self.threshold or self.curves)

    @property
    def carded(self) -> frozenset[int]:
        """The classes with a card, in the page or on demand."""
        compact = (index for index, *_ in self.compact_cards if isinstance(index, int))
        return frozenset([*(card.index for card in self.cards), *compact])
