"""`Report`: what is said about an evaluation and in which order; outputs only render it."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen import __version__
from reportgen.comparison.value import Comparison
from reportgen.comparison.value import cautions as cautions_of
from reportgen.evaluation import Evaluation
from reportgen.gates.value import Decision
from reportgen.report.changes import compared
from reportgen.report.confidence import confidence_section
from reportgen.report.curves import curve_section
from reportgen.report.facts import Facts
from reportgen.report.findings import findings
from reportgen.report.gate_marks import with_class_gates, with_tile_gates
from reportgen.report.gates import gate_section
from reportgen.report.groups import group_section
from reportgen.report.headline import headline
from reportgen.report.intervals import interval_note
from reportgen.report.matrix import matrix_section
from reportgen.report.model import Report, Thumbnail
from reportgen.report.pairs import listed_pairs, pair_section
from reportgen.report.review import (
    compared_with,
    comparison_glossary,
    comparison_section,
    review_verdict,
    with_changes,
    with_class_changes,
)
from reportgen.report.sections import (
    class_section,
    data_section,
    facts_of,
    glossary,
    made,
    subject,
)
from reportgen.report.shares import share_report
from reportgen.report.shrinking import count_pictures, pictured, with_fewer_pictures
from reportgen.report.slices import slice_section
from reportgen.report.suspects import suspect_section
from reportgen.report.threshold import threshold_section
from reportgen.report.words import class_names

__all__ = ["Report", "Thumbnail", "build_report", "pictured", "with_fewer_pictures"]


def build_report(
    evaluation: Evaluation,
    thumbnails: Mapping[str, Thumbnail] | None = None,
    versions: Mapping[str, str] | None = None,
    comparison: Comparison | None = None,
    decision: Decision | None = None,
) -> Report:
    """Everything that the outputs say.

    Parameters
    ----------
    evaluation
        The facts.
    thumbnails
        Sample id → picture, for the examples of the galleries; a missing one is shown as a name.
    versions
        Library → version that makes the page, for "How this was made".
    comparison
        The evaluation against its baseline; `evaluation` is then of the candidate.
    decision
        What the gates say.
    """
    if evaluation.shares is not None:
        return share_report(evaluation, versions, decision)
    pictures = thumbnails or {}
    listed = evaluation.pairs[: listed_pairs(len(evaluation.classes))]
    shown = frozenset((pair.true, pair.predicted) for pair in listed)
    facts = Facts(evaluation, class_names(evaluation.classes), shown)
    decided, about = review_verdict(facts, decision, comparison), subject(evaluation.provenance)
    pairs = pair_section(facts, pictures, comparison)
    change = None if comparison is None else compared(comparison)
    review = comparison_section(facts, comparison, pictures)
    suspects = suspect_section(facts, pictures)
    n_thumbnails = count_pictures(pairs, suspects, review)
    return Report(
        title=": ".join(filter(None, (decided.word, str(about)))),
        subject=about,
        verdict=decided,
        facts=compared_with(facts_of(evaluation), comparison),
        cautions=cautions_of(evaluation, comparison),
        headline=with_tile_gates(
            with_changes(headline(facts), facts, change), decision, evaluation
        ),
        findings=findings(facts, comparison, decision),
        matrix=matrix_section(facts, str(about), shown),
        pairs=pairs,
        groups=group_section(facts),
        classes=with_class_gates(
            with_class_changes(class_section(facts), change), decision, evaluation
        ),
        confidence=confidence_section(facts),
        slices=slice_section(facts),
        suspects=suspects,
        data=data_section(facts),
        made=made(facts, n_thumbnails, versions or {}),
        glossary=(*glossary(evaluation), *comparison_glossary(comparison)),
        interval_note=interval_note(evaluation),
        n_thumbnails=n_thumbnails,
        made_with=f"reportgen {__version__}",
        threshold=threshold_section(facts),
        curves=curve_section(facts),
        gates=gate_section(decision),
        comparison=review,
    )
