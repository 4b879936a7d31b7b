"""Matches samples of two sides whose ids are spelled differently."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from reportgen.comparison.compared_rows import Arrays
from reportgen.comparison.matching import Match, match_rows
from reportgen.importers import Spelling, common_spelling
from reportgen.predictions import PredictionRows, RunFacts
from reportgen.provenance import DataNote

__all__ = [
    "Matched",
    "common_ending",
    "match_spelled",
]


_MOST = 2_000_000
"""Maximum number of ids per side kept as texts, to compare spellings."""


@dataclass(frozen=True)
class Matched:
    """The matched rows of two sides, and the common spelling of their ids."""

    match: Match
    spelling: Spelling | None = None

    def notes(self) -> Iterator[DataNote]:
        """Notes on the spelling."""
        if self.spelling is not None:
            yield DataNote(
                "compared-ids",
                f"Sample ids are spelled differently and were matched {self.spelling.words}.",
            )


def match_spelled(
    baseline: PredictionRows, candidate: PredictionRows, *, by_ending: bool
) -> Matched:
    """Match by id; if samples remain, by ids in a common spelling.

    With `by_ending`, the longest common suffix of paths is tried too. Raises :class:`DataError` if
    an id has more than one row on the same side.
    """
    match = match_rows(baseline, candidate)
    if _n_shared(match) == max(match.n_baseline, match.n_candidate):
        return Matched(match)
    spelling = _spelling(baseline, candidate, match, by_ending=by_ending)
    if spelling is None:
        return Matched(match)
    sides = (_Respelled(side, spelling) for side in (baseline, candidate))
    return Matched(match_rows(*sides), spelling)


def common_ending(
    baseline: PredictionRows, candidate: PredictionRows, match: Match
) -> Spelling | None:
    """The common suffix that would match ids, if no id is equal."""
    return _spelling(baseline, candidate, match, by_ending=True)


def _n_shared(match: Match) -> int:
    return match.n_candidate if match.rows is None else int(np.count_nonzero(match.rows >= 0))


def _spelling(
    baseline: PredictionRows, candidate: PredictionRows, match: Match, *, by_ending: bool
) -> Spelling | None:
    named = all(getattr(side, "has_ids", True) for side in (baseline, candidate))
    if not named or max(match.n_baseline, match.n_candidate) > _MOST:
        return None
    ours, theirs = (
        [text for batch in side.batches("id") for text in batch["id"].tolist()]
        for side in (baseline, candidate)
    )
    return common_spelling(ours, theirs, by_ending=by_ending)


@dataclass(frozen=True)
class _Respelled:
    """Rows whose ids are converted to the common spelling."""

    rows: PredictionRows
    spelling: Spelling

    @property
    def facts(self) -> RunFacts:
        return replace(self.rows.facts)

    @property
    def has_confidence(self) -> bool:
        return self.rows.has_confidence

    @property
    def has_probabilities(self) -> bool:
        return self.rows.has_probabilities

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[Arrays]:
        for batch in self.rows.batches(*columns, wrong_only=wrong_only):
            ids = [self.spelling.write(str(text)) for text in batch["id"].tolist()]
            yield {**batch, "id": np.array(ids, object)}
