"""Galleries of regressions and fixes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.comparison import Change, Comparison
from reportgen.report.context import Context
from reportgen.report.elements import Thumbnail
from reportgen.report.samples import FILE_WIDTH, LargeView, large_view
from reportgen.report.words import Name, Words, say, share
from reportgen.text import count, plural

__all__ = [
    "ChangeExample",
    "ChangeGallery",
    "change_galleries",
    "gallery_note",
]


@dataclass(frozen=True)
class ChangeExample:
    """A sample that only one side predicts correctly."""

    path: Name
    file: Name
    true: Name
    before: Name
    before_confidence: str
    after: Name
    after_confidence: str
    thumbnail: Thumbnail | None
    alt: str
    large: LargeView | None = None


@dataclass(frozen=True)
class ChangeGallery:
    """Regressions or fixes, most confident mistakes first; `id` is that of the element."""

    id: str
    title: str
    lead: Words
    examples: tuple[ChangeExample, ...]


SHOWN = 12
"""Maximum number of pictures of a gallery; the list below it has all stored samples."""


def change_galleries(
    comparison: Comparison,
    facts: Context,
    thumbnails: Mapping[str, Thumbnail],
) -> Iterable[ChangeGallery]:
    """Regressions first."""
    paired = comparison.paired
    for name, title, changes, total, order in (
        (
            "broken",
            "Regressions",
            comparison.broken,
            paired.lost if paired else 0,
            "highest confidence first",
        ),
        (
            "fixed",
            "Fixes",
            comparison.fixed,
            paired.gained if paired else 0,
            "highest baseline confidence first",
        ),
    ):
        if not changes:
            continue
        shown, of = min(len(changes), SHOWN), max(total, len(changes))
        yield ChangeGallery(
            name,
            title,
            say(
                "{n}, {order}",
                n=f"{count(shown)} of {count(of)}" if shown < of else plural(of, "sample"),
                order=order,
            ),
            tuple(
                _example(one, facts, thumbnails if place < SHOWN else {})
                for place, one in enumerate(changes)
            ),
        )


def _example(one: Change, facts: Context, thumbnails: Mapping[str, Thumbnail]) -> ChangeExample:
    true, before, after = (facts.names[i] for i in (one.label, one.baseline, one.candidate))
    return ChangeExample(
        path=Name.of(one.id, 400),
        file=Name.of(one.id, FILE_WIDTH),
        true=true,
        before=before,
        before_confidence=_sure(one.baseline_confidence),
        after=after,
        after_confidence=_sure(one.candidate_confidence),
        thumbnail=thumbnails.get(one.id),
        alt=f"{true}: baseline predicts {before}, candidate predicts {after}",
        large=_large(one, facts),
    )


def _large(one: Change, facts: Context) -> LargeView:
    sure = _sure(one.candidate_confidence)
    before = one.baseline, _sure(one.baseline_confidence)
    known = [(one.candidate, sure)] if sure else []
    return large_view(facts, one.label, one.candidate, one.top, known, before)


def _sure(confidence: float | None) -> str:
    return "" if confidence is None else share(confidence)


def gallery_note(shown: Sequence[ChangeGallery]) -> str:
    """Why the galleries have no pictures; empty if they do, or if there are none."""
    examples = [example for gallery in shown for example in gallery.examples]
    if examples and not any(example.thumbnail for example in examples):
        return "Images not available: names and probabilities only."
    return ""
