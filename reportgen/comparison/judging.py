"""From counts of both sides to a difference with interval and p-value, and to a word for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reportgen.comparison.paired import mcnemar_mid_p, tango
from reportgen.comparison.value import Difference, PairedCounts, Tendency
from reportgen.multiple import holm
from reportgen.slices import newcombe, two_sided_p

__all__ = [
    "ALPHA",
    "accuracy_change",
    "corrected",
    "tendency_of",
    "unpaired_change",
    "with_holm",
]

ALPHA = 0.05
"""Significant: a Holm-corrected p below this within its family, which is the five metrics of the
whole, the classes, the slices, or the confusions."""
ONE_SIDED = 0.90
"""Two-sided confidence whose ends are one-sided 95 % bounds."""


def accuracy_change(counts: PairedCounts, undefined: str = "no_samples") -> Difference:
    """Candidate less baseline share of right answers: Tango's interval, McNemar's mid-p.

    `undefined` is the reason where there are no samples.
    """
    n, gained, lost = counts.n, counts.gained, counts.lost
    if n == 0:
        return Difference(None, None, None, reason=undefined)
    return Difference(
        baseline=(counts.both_right + lost) / n,
        candidate=(counts.both_right + gained) / n,
        difference=(gained - lost) / n,
        interval=tango(gained, lost, n),
        bounds=tango(gained, lost, n, ONE_SIDED),
        p=mcnemar_mid_p(gained, lost),
        method="tango",
    )


def unpaired_change(
    hits: int, n: int, before_hits: int, before_n: int, undefined: str = "no_samples"
) -> Difference:
    """The same where samples are not matched: Newcombe's interval, score or Fisher's test."""
    if n == 0 or before_n == 0:
        before = before_hits / before_n if before_n else None
        return Difference(before, hits / n if n else None, None, reason=undefined)
    groups = hits, n, before_hits, before_n
    return Difference(
        baseline=before_hits / before_n,
        candidate=hits / n,
        difference=(hits * before_n - before_hits * n) / (n * before_n),
        interval=newcombe(*groups),
        bounds=newcombe(*groups, ONE_SIDED),
        p=two_sided_p(*groups),
        method="newcombe",
    )


def with_holm(differences: Sequence[Difference]) -> tuple[list[Difference], int]:
    """With p-values adjusted for the whole family, and how many tests it has; undefined ones are
    none.
    """
    adjusted = holm([math.nan if d.p is None else d.p for d in differences])
    corrected = [
        d if d.p is None else replace(d, p_adjusted=p)
        for d, p in zip(differences, adjusted.p.tolist(), strict=True)
    ]
    return corrected, adjusted.m


def corrected(summary: Mapping[str, Difference]) -> dict[str, Difference]:
    """The differences of the whole, with Holm's correction over all of them."""
    adjusted, _ = with_holm(list(summary.values()))
    return dict(zip(summary, adjusted, strict=True))


def tendency_of(change: Difference) -> Tendency:
    """What a difference with an adjusted p-value says."""
    if not change.difference or change.p is None or change.p_adjusted is None:
        return "no clear change"
    worse = change.difference < 0
    if change.p_adjusted < ALPHA:
        return "worse" if worse else "better"
    if change.p < ALPHA:
        return "perhaps worse" if worse else "perhaps better"
    return "no clear change"
