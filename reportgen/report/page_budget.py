"""Reduces the pictures of a report if its page would be too large."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from reportgen.report.class_cards import ClassCard
from reportgen.report.data import PICTURES, pictures_fact
from reportgen.report.label_issues import LabelIssueRow, LabelIssueSection
from reportgen.report.pairs import OPEN_GALLERIES, Direction, PairSection
from reportgen.report.report import Report
from reportgen.report.samples import Example, bare_beyond
from reportgen.text import plural

if TYPE_CHECKING:
    from reportgen.report.comparison.overview import ComparisonSection
    from reportgen.report.comparison.samples import ChangeExample, ChangeGallery

__all__ = [
    "count_pictures",
    "fold_pictures",
    "list_pictures",
    "reduce_pictures",
]


CHANGES_TO_ONE = 3
"""Pictures of regressions and fixes that are kept, for each picture kept of a pair."""


def reduce_pictures(report: Report, most: int) -> Report:
    """Keep at most `most` pictures per pair, of the most confident mistakes; 0 keeps names only.

    The page states it at the galleries and in the provenance.
    """
    groups = tuple(
        replace(group, directions=tuple(_fewer(one, most) for one in group.directions))
        for group in report.pairs.groups
    )
    note = _join(report.pairs.gallery_note, _note(most))
    pairs = replace(report.pairs, groups=groups, gallery_note=note)
    suspects = report.suspects if most else _drop_pictures(report.suspects)
    kept = {one.path.full for one in list_pictures(pairs, suspects)}
    comparison = _fewer_changes(report.comparison, CHANGES_TO_ONE * most, kept)
    return _with(report, pairs, suspects, comparison)


def fold_pictures(report: Report, most: int) -> Report:
    """Keep fewer pictures in folded parts.

    Cards keep those shown elsewhere too, folded galleries `most` of a pair and half as many of its
    reverse, at least one. Each states its number.
    """
    open_ones, folded = report.pairs.groups[:OPEN_GALLERIES], report.pairs.groups[OPEN_GALLERIES:]
    fewer = (
        replace(
            group,
            directions=tuple(
                replace(
                    one,
                    examples=bare_beyond(one.examples, max(1, most // (1 + place))),
                    correct=one.correct[: most // 2],
                )
                for place, one in enumerate(group.directions)
            ),
        )
        for group in folded
    )
    pairs = replace(report.pairs, groups=(*open_ones, *fewer))
    return _with(report, pairs, report.suspects, report.comparison)


def _with(
    report: Report,
    pairs: PairSection,
    suspects: LabelIssueSection,
    comparison: ComparisonSection | None,
) -> Report:
    """The report with these pictures; cards show no others, and the number is stated."""
    kept = {one.path.full for one in list_pictures(pairs, suspects, comparison)}
    cards = tuple(_bare_card(card, kept) for card in report.cards)
    n = count_pictures(pairs, suspects, comparison, cards)
    made = [fact for fact in report.made if fact.term != PICTURES]
    place = next((i for i, fact in enumerate(report.made) if fact.term == PICTURES), len(made))
    made[place:place] = pictures_fact(n)
    return replace(
        report,
        pairs=pairs,
        suspects=suspects,
        comparison=comparison,
        cards=cards,
        made=tuple(made),
        n_thumbnails=n,
    )


def list_pictures(
    pairs: PairSection,
    suspects: LabelIssueSection,
    comparison: ComparisonSection | None = None,
    cards: Sequence[ClassCard] = (),
) -> Iterator[Example | ChangeExample | LabelIssueRow]:
    """All locations of sample pictures on the page."""
    of_pairs: Iterator[Example | ChangeExample | LabelIssueRow] = (
        example
        for group in pairs.groups
        for direction in group.directions
        for example in (*direction.examples, *direction.correct)
    )
    of_cards = (example for card in cards for example in (*card.mistakes, *card.correct))
    changes = (
        example
        for gallery in (comparison.galleries if comparison else ())
        for example in gallery.examples
    )
    places = chain(of_pairs, changes, suspects.rows, of_cards)
    return (one for one in places if one.thumbnail is not None)


def count_pictures(
    pairs: PairSection,
    suspects: LabelIssueSection,
    comparison: ComparisonSection | None = None,
    cards: Sequence[ClassCard] = (),
) -> int:
    """Number of samples with pictures on the page; one in several places counts once."""
    return len({one.path.full for one in list_pictures(pairs, suspects, comparison, cards)})


def _fewer(direction: Direction, most: int) -> Direction:
    """Correct examples stay only for pairs with mistakes beside them."""
    examples, correct = direction.examples[:most], direction.correct[: most // 2]
    if not most:
        examples, correct = _bare(direction.examples), _bare(direction.correct)
    return replace(direction, examples=examples, correct=correct)


def _bare(examples: Sequence[Example], kept: Collection[str] = ()) -> tuple[Example, ...]:
    """Without pictures, except for those `kept` in other places."""
    return tuple(one if one.path.full in kept else replace(one, thumbnail=None) for one in examples)


def _bare_card(card: ClassCard, kept: Collection[str]) -> ClassCard:
    mistakes, correct = _bare(card.mistakes, kept), _bare(card.correct, kept)
    return replace(card, mistakes=mistakes, correct=correct)


def _drop_pictures(suspects: LabelIssueSection) -> LabelIssueSection:
    return replace(suspects, rows=tuple(replace(row, thumbnail=None) for row in suspects.rows))


def _fewer_changes(
    comparison: ComparisonSection | None, most: int, kept: Collection[str]
) -> ComparisonSection | None:
    """The first `most` pictures of regressions and of fixes, and those `kept` in other places.

    The latter's bytes are on the page anyway.
    """
    if comparison is None:
        return None

    def fewer(gallery: ChangeGallery) -> ChangeGallery:
        examples = tuple(
            example if i < most or example.path.full in kept else replace(example, thumbnail=None)
            for i, example in enumerate(gallery.examples)
        )
        return replace(gallery, examples=examples)

    galleries = tuple(map(fewer, comparison.galleries))
    if galleries == comparison.galleries:
        return comparison
    why = "some samples only" if most else "no images"
    note = _join(comparison.gallery_note, f"{TOO_LARGE}: {why}.")
    return replace(comparison, galleries=galleries, gallery_note=note)


TOO_LARGE = "Thumbnails reduced to limit the file size"


def _note(most: int) -> str:
    kept = f"first {plural(most, 'mistake')} of each pair" if most else "no images"
    return f"{TOO_LARGE}: {kept}."


def _join(note: str, more: str) -> str:
    return " ".join(filter(None, (note, more)))
