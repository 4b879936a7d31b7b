"""`Report`: what is said about an evaluation and in which order; outputs only render it."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen import __version__
from reportgen.evaluation import Evaluation
from reportgen.report.confidence import confidence_section
from reportgen.report.facts import Facts
from reportgen.report.findings import findings
from reportgen.report.headline import headline
from reportgen.report.matrix import matrix_section
from reportgen.report.model import Report, Thumbnail
from reportgen.report.pairs import LISTED_PAIRS, pair_section
from reportgen.report.sections import (
    INTERVAL_NOTE,
    class_section,
    data_section,
    facts_of,
    glossary,
    made,
    subject,
    verdict,
)
from reportgen.report.shrinking import count_pictures, with_fewer_pictures
from reportgen.report.slices import slice_section
from reportgen.report.suspects import suspect_section
from reportgen.report.words import class_names

__all__ = ["Report", "Thumbnail", "build_report", "with_fewer_pictures"]


def build_report(
    evaluation: Evaluation,
    thumbnails: Mapping[str, Thumbnail] | None = None,
    versions: Mapping[str, str] | None = None,
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
    """
    pictures = thumbnails or {}
    shown = frozenset((pair.true, pair.predicted) for pair in evaluation.pairs[:LISTED_PAIRS])
    facts = Facts(evaluation, class_names(evaluation.classes), shown)
    decided, about = verdict(facts), subject(evaluation.provenance)
    pairs = pair_section(facts, pictures)
    suspects = suspect_section(facts, pictures)
    n_thumbnails = count_pictures(pairs, suspects)
    return Report(
        title=": ".join(filter(None, (decided.word, str(about)))),
        subject=about,
        verdict=decided,
        facts=facts_of(evaluation),
        cautions=tuple(note.sentence for note in evaluation.notes if note.severity == "warning"),
        headline=headline(facts),
        findings=findings(facts),
        matrix=matrix_section(facts, str(about), shown),
        pairs=pairs,
        classes=class_section(facts),
        confidence=confidence_section(facts),
        slices=slice_section(facts),
        suspects=suspects,
        data=data_section(facts),
        made=made(facts, n_thumbnails, versions or {}),
        glossary=glossary(),
        interval_note=INTERVAL_NOTE,
        n_thumbnails=n_thumbnails,
        made_with=f"reportgen {__version__}",
    )
