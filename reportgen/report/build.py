"""From an evaluation or review to a report: its content and order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reportgen import __version__
from reportgen.comparison import cautions
from reportgen.evaluation import Evaluation
from reportgen.gates import Decision
from reportgen.report.class_cards import (
    CARDS,
    COMPACT_CARDS,
    card_changes,
    class_cards,
    compact_cards,
)
from reportgen.report.classes import ClassSection, class_section
from reportgen.report.confidence import confidence_section
from reportgen.report.context import Context
from reportgen.report.curves import curve_section
from reportgen.report.data import data_section, facts_of, made
from reportgen.report.elements import Thumbnail
from reportgen.report.errors import ErrorList
from reportgen.report.findings import findings
from reportgen.report.gates import gate_section, mark_classes, mark_tiles
from reportgen.report.glossary import glossary
from reportgen.report.groups import group_section
from reportgen.report.headline import Headline, headline
from reportgen.report.intervals import interval_note
from reportgen.report.label_issues import label_issue_section
from reportgen.report.matrix import HeatmapSpec, Normalize, matrix_picture, matrix_section
from reportgen.report.page_budget import count_pictures, list_pictures, reduce_pictures
from reportgen.report.pairs import listed_pairs, pair_section
from reportgen.report.picture_cells import picture_cells
from reportgen.report.report import Report
from reportgen.report.slices import slice_section
from reportgen.report.steps import next_steps
from reportgen.report.sub_matrix import sub_matrix
from reportgen.report.threshold import threshold_section
from reportgen.report.verdict import compared_with, review_verdict, subject
from reportgen.report.words import class_names

if TYPE_CHECKING:
    from reportgen.comparison import Comparison
    from reportgen.report.comparison.overview import ComparisonSection

__all__ = [
    "Report",
    "Thumbnail",
    "build_report",
    "confusion_picture",
    "list_pictures",
    "reduce_pictures",
]


def build_report(
    evaluation: Evaluation,
    thumbnails: Mapping[str, Thumbnail] | None = None,
    versions: Mapping[str, str] | None = None,
    comparison: Comparison | None = None,
    decision: Decision | None = None,
    errors: ErrorList | None = None,
) -> Report:
    """Build the content of all outputs.

    Parameters
    ----------
    evaluation
        The results to report.
    thumbnails
        Sample id → picture, for the galleries; a missing one is shown as a name.
    versions
        Versions of the libraries that render the page, for "Provenance".
    comparison
        The comparison with a baseline; `evaluation` is then that of the candidate.
    decision
        The outcome of the gates.
    errors
        All errors by path; None if samples are unknown.
    """
    pictures = thumbnails or {}
    listed = evaluation.pairs[: listed_pairs(len(evaluation.classes))]
    shown = frozenset((pair.true, pair.predicted) for pair in listed)
    facts = Context(evaluation, class_names(evaluation.classes), shown)
    decided, about = review_verdict(facts, decision, comparison), subject(evaluation.provenance)
    pairs = pair_section(facts, pictures, comparison)
    tiles, rows, review = headline(facts), class_section(facts), None
    if comparison is not None:
        tiles, rows, review = _against_baseline(comparison, facts, tiles, rows, pictures)
    suspects = label_issue_section(facts, pictures)
    listed_classes = [row.index for row in rows.rows]
    cards = card_changes(class_cards(facts, listed_classes[:CARDS], pictures), review)
    n_thumbnails = count_pictures(pairs, suspects, review, cards)
    return Report(
        title=": ".join(filter(None, (decided.word, str(about)))),
        subject=about,
        verdict=decided,
        facts=compared_with(facts_of(evaluation), comparison),
        cautions=cautions(evaluation, comparison),
        headline=mark_tiles(tiles, decision, evaluation),
        findings=findings(facts, comparison, decision),
        matrix=matrix_section(facts, str(about), shown),
        pairs=pairs,
        groups=group_section(facts),
        classes=mark_classes(rows, decision, evaluation),
        confidence=confidence_section(facts, None if comparison is None else comparison.baseline),
        slices=slice_section(facts),
        suspects=suspects,
        data=data_section(facts, gated=decision is not None, compared=comparison is not None),
        made=made(facts, n_thumbnails, versions or {}),
        glossary=glossary(evaluation, compared=comparison is not None),
        interval_note=interval_note(evaluation),
        n_thumbnails=n_thumbnails,
        made_with=f"reportgen {__version__}",
        threshold=threshold_section(facts),
        curves=curve_section(facts),
        gates=gate_section(decision),
        comparison=review,
        steps=next_steps(facts, comparison, decision),
        sub_matrix=sub_matrix(facts),
        picture_cells=picture_cells(facts),
        cards=cards,
        errors=errors,
        compact_cards=compact_cards(facts, facts.by_recall[CARDS:COMPACT_CARDS]),
    )


def confusion_picture(evaluation: Evaluation, normalize: Normalize | None) -> HeatmapSpec:
    """The confusion matrix as a picture; see :func:`~reportgen.report.matrix.matrix_picture`."""
    facts = Context(evaluation, class_names(evaluation.classes), frozenset())
    return matrix_picture(facts, str(subject(evaluation.provenance)), normalize)


def _against_baseline(
    comparison: Comparison,
    facts: Context,
    tiles: Headline,
    classes: ClassSection,
    pictures: Mapping[str, Thumbnail],
) -> tuple[Headline, ClassSection, ComparisonSection]:
    """Tiles and classes with their changes, and the comparison section.

    Its modules are a large part of this package, and are imported only with a baseline.
    """
    from reportgen.report.comparison.overview import (
        add_changes,
        add_class_changes,
        compare_sections,
        comparison_section,
    )

    change = compare_sections(comparison)
    return (
        add_changes(tiles, facts, change),
        add_class_changes(classes, change),
        comparison_section(facts, comparison, pictures),
    )
