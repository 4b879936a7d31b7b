"""Broken and fixed samples with their pictures, each of which stands on the page once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reportgen.comparison.value import Change, Comparison
from reportgen.evaluation import Evaluation
from reportgen.report.facts import Facts
from reportgen.report.model import SuspectSection, Thumbnail
from reportgen.report.model_review import ChangeExample, ChangeGallery, ComparisonSection
from reportgen.report.words import Name, say, share
from reportgen.text import count, plural

__all__ = ["change_galleries", "gallery_note", "pictured", "without_repeats"]

FILE_WIDTH = 24


def change_galleries(
    comparison: Comparison,
    facts: Facts,
    thumbnails: Mapping[str, Thumbnail],
    pictured: Mapping[str, str],
) -> Iterable[ChangeGallery]:
    """Broken samples first; a picture that stands on the page already is linked."""
    paired = comparison.paired
    for name, title, changes, total, what in (
        (
            "broken",
            "Broken",
            comparison.broken,
            paired.lost if paired else 0,
            "right with the baseline, wrong with the candidate",
        ),
        (
            "fixed",
            "Fixed",
            comparison.fixed,
            paired.gained if paired else 0,
            "wrong with the baseline, right with the candidate",
        ),
    ):
        if not changes:
            continue
        listed = f"the {count(len(changes))} surest mistakes are" if total > len(changes) else "all"
        yield ChangeGallery(
            name,
            title,
            say(
                "{n}: {what}{listed}.",
                n=plural(max(total, len(changes)), "sample"),
                what=what,
                listed=f"; {listed} listed" if total > len(changes) else "",
            ),
            tuple(_example(one, facts, thumbnails, pictured) for one in changes),
        )


def _example(
    one: Change, facts: Facts, thumbnails: Mapping[str, Thumbnail], pictured: Mapping[str, str]
) -> ChangeExample:
    true, before, after = (facts.names[i] for i in (one.label, one.baseline, one.candidate))
    elsewhere = pictured.get(one.id, "") if one.id in thumbnails else ""
    return ChangeExample(
        path=Name.of(one.id, 400),
        file=Name.of(one.id.replace("\\", "/").rsplit("/", 1)[-1], FILE_WIDTH),
        true=true,
        before=before,
        before_confidence=_sure(one.baseline_confidence),
        after=after,
        after_confidence=_sure(one.candidate_confidence),
        thumbnail=None if elsewhere else thumbnails.get(one.id),
        elsewhere=elsewhere,
        alt=f"{true}: the baseline said {before}, the candidate says {after}",
    )


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else share(confidence)


def gallery_note(comparison: Comparison, galleries: Sequence[ChangeGallery]) -> str:
    """Why there are no galleries, or no pictures in them; empty where there are."""
    if comparison.paired is None:
        return "Which samples broke and which were fixed cannot be told: samples are not matched."
    examples = [example for gallery in galleries for example in gallery.examples]
    if examples and not any(example.thumbnail or example.elsewhere for example in examples):
        return "The pictures were not at hand when this page was made: names and scores only."
    return ""


def pictured(evaluation: Evaluation, thumbnails: Mapping[str, Thumbnail]) -> Mapping[str, str]:
    """Sample id → the gallery of a pair in which its picture stands."""
    return {
        mistake.id: f"p-{pair.true}-{pair.predicted}"
        for pair, mistakes in zip(evaluation.pairs, evaluation.examples, strict=False)
        for mistake in mistakes
        if mistake.id in thumbnails
    }


def without_repeats(
    suspects: SuspectSection, comparison: ComparisonSection | None
) -> SuspectSection:
    """The suspects, a link in place of each picture that stands among the broken samples."""
    if comparison is None:
        return suspects
    shown = {
        example.path.full: f"comparison-{gallery.id}"
        for gallery in comparison.galleries
        for example in gallery.examples
        if example.thumbnail
    }
    rows = tuple(
        replace(row, thumbnail=None, gallery=shown[row.path.full])
        if row.thumbnail and row.path.full in shown
        else row
        for row in suspects.rows
    )
    return replace(suspects, rows=rows)
