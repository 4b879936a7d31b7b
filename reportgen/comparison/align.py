"""Aligns two tables of predictions by sample id, and their classes by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reportgen.comparison.compared_rows import Arrays, ComparedRows, align_rows
from reportgen.comparison.matching import Match, ids_at
from reportgen.comparison.spelling import common_ending, match_spelled
from reportgen.errors import DataError
from reportgen.predictions import PredictionRows
from reportgen.provenance import Accounting, DataNote, Provenance
from reportgen.text import count, listing, nearest, plural, printable, quoted

__all__ = [
    "Aligned",
    "LabelsFrom",
    "MatchedClasses",
    "align_predictions",
    "match_classes",
    "refuse_classes",
]


_DERIVED = frozenset({"the names that occur", "the indices that occur"})
"""Sources of class lists that only contain classes occurring in the data."""


ClassPlaces = NDArray[np.int32]


@dataclass(frozen=True)
class MatchedClasses:
    """One class list for two sides.

    Attributes
    ----------
    names
        The candidate's classes in its order, then those that only the baseline has.
    baseline, candidate
        Class index of that side → index in `names`: int32; None if they are equal.
    only_baseline, only_candidate
        Names that the other side lacks; no sample may be labelled with one of them.
    notes
        Notes for the reader.
    """

    names: tuple[str, ...]
    baseline: ClassPlaces | None
    candidate: ClassPlaces | None
    only_baseline: tuple[str, ...] = ()
    only_candidate: tuple[str, ...] = ()
    notes: tuple[DataNote, ...] = ()


def match_classes(
    baseline: Sequence[str],
    candidate: Sequence[str],
    origins: tuple[Provenance, Provenance] | None = None,
) -> MatchedClasses:
    """Match two class lists by name; the candidate's order is used.

    A class missing on one side is refused (:class:`DataError`), unless that side's list was derived
    from the names in its table, so that the class may just not occur. Then it is added, and the
    caller must check that no sample has it as label. `origins` are the provenances of both sides;
    None if no list is known to be incomplete.
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
        tuple(_class_notes(baseline, candidate, only_baseline, only_candidate)),
    )


def _places(names: Sequence[str], among: Sequence[str]) -> ClassPlaces | None:
    place = {name: i for i, name in enumerate(among)}
    places = np.array([place[name] for name in names], np.int32)
    return None if np.array_equal(places, np.arange(len(places))) else places


def _class_notes(
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
                f"{'occurs' if n == 1 else 'occur'} only as incorrect predictions of one model: "
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
                "The class orders differ; classes were matched by name and are shown "
                "in the candidate's order.",
            )
        )
    return notes


def refuse_classes(
    baseline: Sequence[str],
    candidate: Sequence[str],
    only_baseline: Collection[str],
    only_candidate: Collection[str],
) -> DataError:
    """The error for two class lists that can't be matched."""
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
                details.append(f"{quoted(first)} is similar to {quoted(near)} in the other")
    return DataError(
        "baseline and candidate have different classes",
        slug="compare-classes",
        details=details,
        hint="use the same class names in both: tables take a class list with --classes FILE",
    )


LabelsFrom = Literal["candidate", "baseline"]


Places = NDArray[np.integer[Any]]


_EXAMPLES = 5


NOT_SHARED = "not in the other"


@dataclass(frozen=True)
class Aligned:
    """The common samples of two sides, read in batches, never loaded as a whole.

    Attributes
    ----------
    baseline, candidate
        Both sides with the same samples, labels and classes, each in its own row order.
    order
        For each candidate row, the baseline row, shape (n,); None if the orders are equal.
    notes
        Notes on the matching.
    """

    baseline: ComparedRows
    candidate: ComparedRows
    order: Places | None = None
    notes: tuple[DataNote, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The common classes."""
        return self.candidate.facts.classes

    @property
    def n_rows(self) -> int:
        """Number of compared samples, including those without a known label."""
        return self.candidate.n_rows

    def batches(
        self,
        *columns: str,
        of_baseline: Sequence[str] | None = None,
        compact: Callable[[Arrays], Arrays] | None = None,
    ) -> Iterator[tuple[Arrays, Arrays]]:
        """Yields (baseline, candidate): the same samples in both, in the candidate's order.

        Parameters
        ----------
        *columns
            Columns of the candidate, such as ``id``, ``label``, ``prediction``, ``confidence``,
            ``label_probability``.
        of_baseline
            Columns of the baseline; by default the same, without ``id`` and ``label``, which are
            equal.
        compact
            Applied to each baseline batch before it is stored: if the orders differ, the baseline's
            columns of all samples are in memory at once, so they should be small.
        """
        wanted = [c for c in columns if c not in ("id", "label")]
        wanted = wanted if of_baseline is None else list(of_baseline)
        make = compact or (lambda batch: batch)
        baseline = (make(batch) for batch in self.baseline.batches(*wanted))
        candidate = self.candidate.batches(*columns)
        if self.order is None:
            yield from align_rows(baseline, candidate)
            return
        held = _hold(baseline, self.n_rows)
        start = 0
        for batch in candidate:
            at = self.order[start : start + len(next(iter(batch.values())))]
            start += len(at)
            yield {name: values[at] for name, values in held.items()}, batch


def _hold(batches: Iterator[Arrays], n: int) -> Arrays:
    """Concatenate batches, without two copies in memory at any time."""
    held: Arrays = {}
    start = 0
    for batch in batches:
        for name, values in batch.items():
            if name not in held:
                held[name] = np.empty((n, *values.shape[1:]), values.dtype)
            held[name][start : start + len(values)] = values
        start += len(next(iter(batch.values())))
    return held


def align_predictions(
    baseline: PredictionRows,
    candidate: PredictionRows,
    *,
    allow_partial: bool = False,
    labels_from: LabelsFrom | None = None,
    ids_by_ending: bool = False,
) -> Aligned:
    """Match two tables of predictions by sample id, and their classes by name.

    Parameters
    ----------
    baseline, candidate
        As for :func:`~reportgen.evaluation.evaluate_predictions`.
    allow_partial
        Compare only the common samples, if they differ.
    labels_from
        The side whose labels are used if they differ.
    ids_by_ending
        Match paths with different roots by their longest common suffix.

    Raises
    ------
    DataError
        Classes, samples or labels differ, or an id has more than one row; the message has counts,
        examples, and the option that resolves it.
    """
    given = baseline.facts, candidate.facts
    classes = match_classes(
        given[0].classes, given[1].classes, (given[0].provenance, given[1].provenance)
    )
    matched = match_spelled(baseline, candidate, by_ending=ids_by_ending)
    match = matched.match
    by_number = _is_numbered(baseline), _is_numbered(candidate)
    shared = _find_shared(baseline, candidate, match, by_number, allow_partial)
    both = _restrict(baseline, candidate, classes, match, shared)
    _refuse_labels_of_one_side(both, classes)
    n_differing = _n_differing_labels(both)
    notes = [*classes.notes, *matched.notes(), *_alignment_notes(both, match, by_number)]
    if n_differing:
        if labels_from is None:
            raise _differing_labels(both, n_differing, any(by_number))
        both = _add_labels(both, labels_from)
        notes.append(_labels_note(n_differing, labels_from))
    return replace(both, notes=tuple(notes))


def _is_numbered(rows: PredictionRows) -> bool:
    """Whether the ids are row numbers, because the input has no ids."""
    return not getattr(rows, "has_ids", True)


def _find_shared(
    baseline: PredictionRows,
    candidate: PredictionRows,
    match: Match,
    by_number: tuple[bool, bool],
    allow_partial: bool,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """The rows of each side that the other has too; None for all."""
    if match.rows is None:
        return None
    of_candidate = match.rows >= 0
    of_baseline = np.zeros(match.n_baseline, np.bool_)
    of_baseline[match.rows[of_candidate]] = True
    n_shared = int(np.count_nonzero(of_candidate))
    if n_shared == match.n_baseline == match.n_candidate:
        return None
    examples = [
        ids_at(rows, np.flatnonzero(~there)[:_EXAMPLES])
        for rows, there in ((baseline, of_baseline), (candidate, of_candidate))
    ]
    _refuse_positions(examples, match, by_number, n_shared)
    if n_shared and allow_partial:
        return of_baseline, of_candidate
    ending = None if n_shared else common_ending(baseline, candidate, match)
    raise _different_samples(examples, match, n_shared, "" if ending is None else ending.words)


def _refuse_positions(
    examples: Sequence[Sequence[str]], match: Match, by_number: tuple[bool, bool], n_shared: int
) -> None:
    """Refuse row numbers as ids beside names, or for tables of different length."""
    numbers = [bool(names) and all(name.isdecimal() for name in names) for names in examples]
    if not any(by_number) and (n_shared or numbers[0] == numbers[1]):
        return
    kinds = [
        "row numbers: it has no ids" if numbered else "numbers" if number else "names"
        for numbered, number in zip(by_number, numbers, strict=True)
    ]
    raise DataError(
        "the samples can't be matched: positions are not ids",
        slug="compare-positions",
        details=[
            f"{side}: {plural(n, 'row')}, ids are {kind}, such as {listing(names, 3)}"
            for side, n, kind, names in zip(
                ("baseline", "candidate"), (match.n_baseline, match.n_candidate), kinds, examples,
                strict=True,
            )
        ],
        hint="save the sample id (such as its path) in both, and specify its column with "
        "--id-column",
    )  # fmt: skip


def _different_samples(
    examples: Sequence[Sequence[str]], match: Match, n_shared: int, by_ending: str
) -> DataError:
    details = [
        f"baseline {count(match.n_baseline)}, candidate {count(match.n_candidate)}, "
        f"in both {count(n_shared)}"
    ]
    for side, n, names in (
        ("baseline", match.n_baseline - n_shared, examples[0]),
        ("candidate", match.n_candidate - n_shared, examples[1]),
    ):
        if n:
            rest = n - len(names)
            more = f" and {count(rest)} more" if rest else ""
            details.append(f"only in the {side} ({count(n)}): {listing(names)}{more}")
    return DataError(
        "baseline and candidate contain different samples"
        if n_shared
        else "no sample is in both baseline and candidate",
        slug="compare-samples",
        details=details,
        hint=_hint(n_shared, by_ending),
    )


def _hint(n_shared: int, by_ending: str) -> str:
    if n_shared:
        return "compare the samples that both have with --allow-partial"
    if by_ending:
        return f"match them {by_ending}: --ids-by-ending"
    return "the ids must be the same in both: specify their column with --id-column"


def _restrict(
    baseline: PredictionRows,
    candidate: PredictionRows,
    classes: MatchedClasses,
    match: Match,
    shared: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None,
) -> Aligned:
    order = match.rows
    n = match.n_candidate
    if shared is not None and order is not None:
        n = int(np.count_nonzero(shared[1]))
        rank = np.cumsum(shared[0], dtype=order.dtype) - 1
        order = rank[order[shared[1]]]
    if order is not None and np.array_equal(order, np.arange(n)):
        order = None
    kept = shared or (None, None)
    return Aligned(
        _side(baseline, classes.names, classes.baseline, kept[0], n),
        _side(candidate, classes.names, classes.candidate, kept[1], n),
        order,
    )


def _side(
    rows: PredictionRows,
    names: tuple[str, ...],
    places: NDArray[np.int32] | None,
    kept: NDArray[np.bool_] | None,
    n: int,
) -> ComparedRows:
    samples = rows.facts.samples
    if kept is not None and (n_lost := len(kept) - n):
        excluded = {**samples.excluded, NOT_SHARED: n_lost}
        left = samples.counted - n_lost
        samples = Accounting(samples.found, left, excluded, samples.skipped)
    else:
        kept = None
    return ComparedRows(rows, replace(rows.facts, classes=names, samples=samples), n, places, kept)


def _refuse_labels_of_one_side(both: Aligned, classes: MatchedClasses) -> None:
    """Refuse samples labelled with a class that one side does not have."""
    alone = [classes.names.index(c) for c in (*classes.only_baseline, *classes.only_candidate)]
    if not alone:
        return
    for side in (both.baseline, both.candidate):
        for batch in side.batches("label"):
            if np.isin(batch["label"], alone).any():
                raise refuse_classes(
                    [c for c in classes.names if c not in classes.only_candidate],
                    [c for c in classes.names if c not in classes.only_baseline],
                    classes.only_baseline,
                    classes.only_candidate,
                )


def _n_differing_labels(both: Aligned) -> int:
    return sum(
        int(np.count_nonzero(before["label"] != after["label"]))
        for before, after in both.batches("label", of_baseline=["label"])
    )


def _differing_labels(both: Aligned, n: int, by_number: bool) -> DataError:
    examples: list[str] = []
    for before, after in both.batches("id", "label", of_baseline=["label"]):
        at = np.flatnonzero(before["label"] != after["label"])[: _EXAMPLES - len(examples)]
        examples += [
            f"{printable(str(after['id'][i]))}: {_class_name(both, before['label'][i])} in the "
            f"baseline, {_class_name(both, after['label'][i])} in the candidate"
            for i in at.tolist()
        ]
        if len(examples) == _EXAMPLES:
            break
    if by_number:
        where = "the rows were matched by number: their order may differ"
        examples = [where, *examples[: _EXAMPLES - 1]]
    return DataError(
        f"{plural(n, 'sample')} of {count(both.n_rows)} "
        f"{'has' if n == 1 else 'have'} different labels in baseline and candidate",
        slug="compare-labels",
        details=examples,
        hint="specify the id column with --id-column"
        if by_number
        else "if the data set was relabelled, use the new labels for both: --labels-from candidate",
    )


def _class_name(both: Aligned, index: int) -> str:
    return "no label" if index < 0 else quoted(both.classes[index])


def _add_labels(both: Aligned, labels_from: LabelsFrom) -> Aligned:
    """Replace the labels of one side by those of the other."""
    if labels_from == "baseline":
        labels = np.empty(both.n_rows, np.int32)
        start = 0
        for before, _ in both.batches("label", of_baseline=["label"]):
            labels[start : start + len(before["label"])] = before["label"]
            start += len(before["label"])
        return replace(both, candidate=replace(both.candidate, labels=labels))
    labels = np.concatenate([batch["label"] for batch in both.candidate.batches("label")])
    labels = labels.astype(np.int32)
    if both.order is not None:
        in_order = np.empty_like(labels)
        in_order[both.order] = labels
        labels = in_order
    return replace(both, baseline=replace(both.baseline, labels=labels))


def _labels_note(n: int, labels_from: LabelsFrom) -> DataNote:
    return DataNote(
        "compared-labels",
        f"{plural(n, 'sample')} {'has' if n == 1 else 'have'} different labels in baseline and "
        f"candidate; those of the {labels_from} are used for both, as requested.",
        "warning",
        n,
    )


def _alignment_notes(
    both: Aligned, match: Match, by_number: tuple[bool, bool]
) -> Iterator[DataNote]:
    n = both.n_rows
    if match.n_baseline > n or match.n_candidate > n:
        lost = match.n_baseline - n, match.n_candidate - n
        yield DataNote(
            "compared-in-part",
            f"Only the {plural(n, 'sample')} that both have are compared: "
            f"{count(lost[0])} of the baseline and {count(lost[1])} of the candidate are "
            "excluded.",
            "warning",
            sum(lost),
        )
    if any(by_number):
        yield DataNote(
            "compared-by-row",
            "The samples have no ids and were matched by row number; their labels agree in every "
            "row.",
            "warning",
            n,
        )
    yield from _provenance_notes(both, in_full=match.n_baseline == match.n_candidate == n)


def _provenance_notes(both: Aligned, *, in_full: bool) -> Iterator[DataNote]:
    before, after = both.baseline.facts.provenance, both.candidate.facts.provenance
    if before.kind != "inference" or after.kind != "inference":
        return
    prints = before.data_fingerprint, after.data_fingerprint
    if in_full and all(prints) and prints[0] != prints[1]:
        yield DataNote(
            "compared-content",
            "The sample ids agree, but the fingerprints of the data differ: files or labels may "
            "have changed between the two runs.",
            "warning",
        )
    settings = ("device", "precision")
    ran = [" ".join(p.inference.get(k, "") for k in settings).strip() for p in (before, after)]
    if all(ran) and ran[0] != ran[1]:
        yield DataNote(
            "compared-devices",
            f"The baseline ran on {printable(ran[0])}, the candidate on {printable(ran[1])}: "
            "a few predictions near a tie may differ only for that reason.",
        )
