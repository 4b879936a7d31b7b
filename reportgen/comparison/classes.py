"""Classes of two sides as one list, matched by name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.provenance import DataNote, Provenance
from reportgen.text import listing, nearest, plural, quoted

__all__ = ["MatchedClasses", "matched_classes", "refuse_classes"]

_DERIVED = frozenset({"the names that occur", "the indices that occur"})
"""Origins of class lists that name no class that did not happen to occur."""

Places = NDArray[np.int32]


@dataclass(frozen=True)
class MatchedClasses:
    """One class list for two sides.

    Attributes
    ----------
    names
        The candidate's classes in its order, then those that only the baseline has.
    baseline, candidate
        Class index of that side → index in `names`: int32; None where nothing changes.
    only_baseline, only_candidate
        Names that the other side lacks; no sample may be labelled with one of them.
    notes
        What to know about it.
    """

    names: tuple[str, ...]
    baseline: Places | None
    candidate: Places | None
    only_baseline: tuple[str, ...] = ()
    only_candidate: tuple[str, ...] = ()
    notes: tuple[DataNote, ...] = ()


def matched_classes(
    baseline: Sequence[str],
    candidate: Sequence[str],
    origins: tuple[Provenance, Provenance] | None = None,
) -> MatchedClasses:
    """Match two class lists by name; the candidate's order counts.

    A class that one side lacks is refused (:class:`DataError`), but for one case: the list of that
    side was made of the names that occur in its table, so the class may just not have occurred.
    Then it is added, and the caller must see to it that no sample has it as label.

    `origins` are the provenances of both sides; None where no list is known to be incomplete.
    """
    only_baseline = tuple(name for name in baseline if name not in set(candidate))
    only_candidate = tuple(name for name in candidate if name not in set(baseline))
    derived = [o.classes_source in _DERIVED for o in origins] if origins else [False, False]
    if (only_candidate and not derived[0]) or (only_baseline and not derived[1]):
        raise refuse_classes(baseline, candidate, only_baseline, only_candidate)
    names = (*candidate, *only_baseline)
    return MatchedClasses(
        names,
        _places(baseline, names),
        None,
        only_baseline,
        only_candidate,
        tuple(_notes(baseline, candidate, only_baseline, only_candidate)),
    )


def _places(names: Sequence[str], among: Sequence[str]) -> Places | None:
    place = {name: i for i, name in enumerate(among)}
    places = np.array([place[name] for name in names], np.int32)
    return None if np.array_equal(places, np.arange(len(places))) else places


def _notes(
    baseline: Sequence[str],
    candidate: Sequence[str],
    only_baseline: tuple[str, ...],
    only_candidate: tuple[str, ...],
) -> list[DataNote]:
    notes = []
    if n := len(only_baseline) + len(only_candidate):
        names = (*only_baseline, *only_candidate)
        notes.append(
            DataNote(
                "compared-classes-added",
                f"{plural(n, 'class', 'classes')} without samples "
                f"{'occurs' if n == 1 else 'occur'} on one side only, as wrong answers: "
                f"{listing(names)}.",
                count=n,
                examples=names[:10],
            )
        )
    known = set(baseline)
    if [name for name in candidate if name in known] != [
        name for name in baseline if name in set(candidate)
    ]:
        notes.append(
            DataNote(
                "compared-classes-order",
                "The two sides list the classes in different orders; they were matched by name, "
                "and the candidate's order is shown.",
            )
        )
    return notes


def refuse_classes(
    baseline: Sequence[str],
    candidate: Sequence[str],
    only_baseline: Collection[str],
    only_candidate: Collection[str],
) -> DataError:
    """The error of two class lists that can't be matched."""
    details = [
        f"the baseline has {plural(len(baseline), 'class', 'classes')}, "
        f"the candidate {len(candidate):,}"
    ]
    for side, names, others in (
        ("baseline", only_baseline, candidate),
        ("candidate", only_candidate, baseline),
    ):
        if names:
            details.append(f"only in the {side} ({len(names):,}): {listing(names)}")
            first = next(iter(names))
            if (near := nearest(first, others)) is not None and near != first:
                details.append(f"{quoted(first)} is close to {quoted(near)} of the other side")
    return DataError(
        "baseline and candidate have different classes",
        slug="compare-classes",
        details=details,
        hint="give both sides the same names: tables take a class list with --classes FILE",
    )
