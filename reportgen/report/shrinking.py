"""A report with fewer pictures, for a page that would be too large."""

from __future__ import annotations

from dataclasses import replace

from reportgen.report.model import (
    Direction,
    Example,
    Fact,
    PairSection,
    Report,
    SuspectSection,
)
from reportgen.report.model_review import ChangeGallery, ComparisonSection
from reportgen.report.words import say
from reportgen.text import plural

__all__ = ["PICTURES", "count_pictures", "pictures_fact", "with_fewer_pictures"]

PICTURES = "Pictures"
CHANGES_TO_ONE = 3
"""Broken and fixed samples whose pictures stay, for each one that stays of a pair."""


def with_fewer_pictures(report: Report, most: int) -> Report:
    """At most `most` pictures for each pair, the most confident mistakes; 0 leaves the names.

    The page says so where the galleries begin, and where it says how it was made.
    """
    groups = tuple(
        replace(group, directions=tuple(_fewer(one, most) for one in group.directions))
        for group in report.pairs.groups
    )
    note = f"{report.pairs.gallery_note} {_note(most)}"
    pairs = replace(report.pairs, groups=groups, gallery_note=note)
    suspects = report.suspects
    if not most:
        rows = tuple(replace(row, thumbnail=None) for row in suspects.rows)
        suspects = replace(suspects, rows=rows)
    comparison = _fewer_changes(report.comparison, CHANGES_TO_ONE * most)
    n = count_pictures(pairs, suspects, comparison)
    made = [fact for fact in report.made if fact.term != PICTURES]
    place = next((i for i, fact in enumerate(report.made) if fact.term == PICTURES), len(made))
    made[place:place] = pictures_fact(n)
    return replace(
        report,
        pairs=pairs,
        suspects=suspects,
        comparison=comparison,
        made=tuple(made),
        n_thumbnails=n,
    )


def count_pictures(
    pairs: PairSection, suspects: SuspectSection, comparison: ComparisonSection | None = None
) -> int:
    """Thumbnails of samples on the page."""
    changes = (
        example
        for gallery in (comparison.galleries if comparison else ())
        for example in gallery.examples
    )
    examples = (
        example
        for group in pairs.groups
        for direction in group.directions
        for example in direction.examples
    )
    return (
        sum(example.thumbnail is not None for example in examples)
        + sum(row.thumbnail is not None for row in suspects.rows)
        + sum(example.thumbnail is not None for example in changes)
    )


def pictures_fact(n: int) -> tuple[Fact, ...]:
    """How many samples' pictures the page holds, where it holds any."""
    if not n:
        return ()
    words = say(
        "this page holds {n} of the data set, re-encoded without metadata", n=plural(n, "thumbnail")
    )
    return (Fact(PICTURES, (words,)),)


def _fewer(direction: Direction, most: int) -> Direction:
    shown = direction.examples[:most] if most else tuple(map(_bare, direction.examples))
    return replace(direction, examples=shown)


def _fewer_changes(comparison: ComparisonSection | None, most: int) -> ComparisonSection | None:
    """The pictures of the first `most` broken and the first `most` fixed samples."""
    if comparison is None:
        return None

    def fewer(gallery: ChangeGallery) -> ChangeGallery:
        examples = tuple(
            example
            if i < most
            else replace(example, thumbnail=None, elsewhere=example.elsewhere if most else "")
            for i, example in enumerate(gallery.examples)
        )
        return replace(gallery, examples=examples)

    return replace(comparison, galleries=tuple(map(fewer, comparison.galleries)))


def _bare(example: Example) -> Example:
    return replace(example, thumbnail=None)


def _note(most: int) -> str:
    kept = f"only the first {plural(most, 'mistake')} of each" if most else "names and scores only"
    return f"With all pictures this page would be too large: {kept}."
