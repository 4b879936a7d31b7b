"""Potential label errors: disagreements of model and label, without deciding which is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reportgen.analysis.label_issues import REASONS, WARNINGS, LabelIssue, LabelIssues
from reportgen.report.context import Context
from reportgen.report.elements import Thumbnail
from reportgen.report.samples import FILE_WIDTH, LargeView, large_view
from reportgen.report.words import Name, Words, join, say, share
from reportgen.text import count, plural

__all__ = [
    "LabelIssueRow",
    "LabelIssueSection",
    "label_issue_section",
]


@dataclass(frozen=True)
class LabelIssueRow:
    """A potential label error."""

    rank: int
    path: Name
    file: Name
    label: Name
    suggested: Name
    margin: float
    label_probability: str
    exact_label: float
    suggested_probability: str
    exact_suggested: float
    thumbnail: Thumbnail | None
    alt: str
    large: LargeView | None = None


@dataclass(frozen=True)
class LabelIssueSection:
    """Potential label errors: `found` in total, strongest listed; `warnings` are caveats."""

    lead: Words
    warnings: tuple[str, ...]
    rows: tuple[LabelIssueRow, ...]
    found: int = 0


SHOWN = 12
"""Maximum number shown with pictures."""


def label_issue_section(facts: Context, thumbnails: Mapping[str, Thumbnail]) -> LabelIssueSection:
    """The strongest potential label errors, or the reason why there are none.

    Empty if there are no scores: the section on the data lists what would add them.
    """
    found = facts.evaluation.suspects
    if found.reason == "no_scores":
        return LabelIssueSection(Words(()), (), ())
    if found.reason is not None:
        return LabelIssueSection(say(REASONS.get(found.reason, found.reason)), (), ())
    return LabelIssueSection(
        _lead(facts, found),
        tuple(WARNINGS.get(code, code) for code in found.warnings),
        tuple(
            _row(facts, rank, suspect, thumbnails if rank <= SHOWN else {})
            for rank, suspect in enumerate(found.suspects, start=1)
        ),
        found.n_suspects,
    )


def _lead(facts: Context, found: LabelIssues) -> Words:
    examined = plural(found.n_examined, "sample")
    if not found.n_suspects:
        return say(f"No potential label errors in {examined}.")
    lead = say(
        "{n} of {examined} may be mislabelled: p of another class exceeds that class's average. "
        "Largest margin first.",
        n=count(found.n_suspects),
        examined=examined,
    )
    listed = len(found.suspects)
    rest = (
        say("The {n} strongest are listed.", n=count(listed))
        if listed < found.n_suspects
        else Words(())
    )
    label, suggested, n = found.cells[0]
    often = say(
        "Most frequent: labelled {label}, predicted {suggested} ({n}).",
        label=facts.names[label],
        suggested=facts.names[suggested],
        n=plural(n, "time"),
    )
    return join(lead, rest, often if n > 1 else Words(()))


def _row(
    facts: Context,
    rank: int,
    suspect: LabelIssue,
    thumbnails: Mapping[str, Thumbnail],
) -> LabelIssueRow:
    label, suggested = facts.names[suspect.label], facts.names[suspect.suggested]
    return LabelIssueRow(
        rank=rank,
        path=Name.of(suspect.id, 400),
        file=Name.of(suspect.id, FILE_WIDTH),
        label=label,
        suggested=suggested,
        margin=suspect.margin,
        label_probability=share(suspect.label_probability),
        exact_label=suspect.label_probability,
        suggested_probability=share(suspect.suggested_probability),
        exact_suggested=suspect.suggested_probability,
        thumbnail=thumbnails.get(suspect.id),
        alt=f"labelled {label}, predicted {suggested}",
        large=_large(facts, suspect),
    )


def _large(facts: Context, suspect: LabelIssue) -> LargeView:
    """The predicted class is the top class, or the suggested one if that isn't kept."""
    predicted = suspect.top[0].index if suspect.top else suspect.suggested
    known = (
        (suspect.suggested, share(suspect.suggested_probability)),
        (suspect.label, share(suspect.label_probability)),
    )
    return large_view(facts, suspect.label, predicted, suspect.top, known)
