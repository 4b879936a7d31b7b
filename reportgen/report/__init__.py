"""`Report`: the content of a report and its order; outputs only render it."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.report.build import build_report, confusion_picture
    from reportgen.report.candidates import Overview, OverviewEntry, build_overview
    from reportgen.report.class_cards import pictured_classes
    from reportgen.report.comparison.classes import ClassChangeRow
    from reportgen.report.comparison.deltas import DEFINITIONS, Delta, Scale, delta
    from reportgen.report.comparison.matrix import DifferenceCell
    from reportgen.report.comparison.overview import CalibrationChange, SummaryChange
    from reportgen.report.confidence import (
        Chart,
        ConfidenceSection,
        CurveRow,
        HistogramRow,
        OperatingPoint,
        ReliabilityRow,
    )
    from reportgen.report.curves import ClassCurves
    from reportgen.report.elements import Cell, Fact, Footnotes, Thumbnail, cell
    from reportgen.report.errors import ErrorRow, list_errors
    from reportgen.report.findings.rules import Finding
    from reportgen.report.gates import GateRow
    from reportgen.report.headline import Axis, Tile
    from reportgen.report.matrix import HeatmapSpec, MatrixRow, MatrixSection
    from reportgen.report.page_budget import fold_pictures, list_pictures, reduce_pictures
    from reportgen.report.pairs import Direction, PairRow
    from reportgen.report.report import Report
    from reportgen.report.side_by_side import ClassPanel, Side
    from reportgen.report.slices import points
    from reportgen.report.steps import Step
    from reportgen.report.sub_matrix import SubRow
    from reportgen.report.threshold import ThresholdMark, ThresholdSection
    from reportgen.report.words import Name, Words, say

__all__ = [
    "DEFINITIONS",
    "Axis",
    "CalibrationChange",
    "Cell",
    "Chart",
    "ClassChangeRow",
    "ClassCurves",
    "ClassPanel",
    "ConfidenceSection",
    "CurveRow",
    "Delta",
    "DifferenceCell",
    "Direction",
    "ErrorRow",
    "Fact",
    "Finding",
    "Footnotes",
    "GateRow",
    "HeatmapSpec",
    "HistogramRow",
    "MatrixRow",
    "MatrixSection",
    "Name",
    "OperatingPoint",
    "Overview",
    "OverviewEntry",
    "PairRow",
    "ReliabilityRow",
    "Report",
    "Scale",
    "Side",
    "Step",
    "SubRow",
    "SummaryChange",
    "ThresholdMark",
    "ThresholdSection",
    "Thumbnail",
    "Tile",
    "Words",
    "build_overview",
    "build_report",
    "cell",
    "confusion_picture",
    "delta",
    "fold_pictures",
    "list_errors",
    "list_pictures",
    "pictured_classes",
    "points",
    "reduce_pictures",
    "say",
]

__getattr__ = lazy_names(
    __name__,
    {
        "build": "build_report confusion_picture",
        "candidates": "Overview OverviewEntry build_overview",
        "class_cards": "pictured_classes",
        "comparison.classes": "ClassChangeRow",
        "comparison.deltas": "DEFINITIONS Delta Scale delta",
        "comparison.matrix": "DifferenceCell",
        "comparison.overview": "CalibrationChange SummaryChange",
        "confidence": (
            "Chart ConfidenceSection CurveRow HistogramRow OperatingPoint ReliabilityRow"
        ),
        "curves": "ClassCurves",
        "elements": "Cell Fact Footnotes Thumbnail cell",
        "errors": "ErrorRow list_errors",
        "findings.rules": "Finding",
        "gates": "GateRow",
        "headline": "Axis Tile",
        "matrix": "HeatmapSpec MatrixRow MatrixSection",
        "page_budget": "fold_pictures list_pictures reduce_pictures",
        "pairs": "Direction PairRow",
        "report": "Report",
        "side_by_side": "ClassPanel Side",
        "slices": "points",
        "sub_matrix": "SubRow",
        "steps": "Step",
        "threshold": "ThresholdMark ThresholdSection",
        "words": "Name Words say",
    },
)
