"""`restrict_classes`: predictions over a subset of a model's classes.

Samples of other classes are excluded, the scores of other classes are dropped, the remaining scores
are renormalised to sum to 1, and the largest is the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import display_name, read_class_list
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.scores import SCORED_COLUMNS
from reportgen.metrics import OutputKind, score
from reportgen.predictions import DerivedRows, PredictionRows, RunFacts
from reportgen.provenance import Accounting, DataNote
from reportgen.text import count, listing, nearest, plural, printable, quoted

__all__ = ["SubsetRows", "restrict_classes"]

OUTSIDE = "class outside the subset"
_COMPUTED = frozenset({"label", "prediction", "probabilities", *SCORED_COLUMNS})

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class SubsetRows(DerivedRows):
    """Predictions over a subset of the classes.

    Attributes
    ----------
    rows
        The predictions over all classes, with probabilities.
    kept
        Index in `rows` of each class of the subset, increasing.
    """

    kept: NDArray[np.intp]

    @property
    def has_ids(self) -> bool:
        """Whether the rows have names of their own."""
        return bool(getattr(self.rows, "has_ids", True))

    @property
    def id_name(self) -> str | None:
        """The id column of the table, or None."""
        found: str | None = getattr(self.rows, "id_name", None)
        return found

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[Arrays]:
        """Batches of the predictions, over the subset."""
        others = [name for name in columns if name not in _COMPUTED]
        for batch in self.rows.batches(*dict.fromkeys([*others, "label", "probabilities"])):
            labels = _places(batch["label"], self.kept, len(self.rows.facts.classes))
            at = np.flatnonzero(labels != _OUTSIDE)
            found = self._restricted(batch, labels[at], at)
            if wrong_only:
                wrong = (found["label"] >= 0) & (found["label"] != found["prediction"])
                found = {name: values[wrong] for name, values in found.items()}
                at = at[wrong]
            yield {n: found[n] if n in _COMPUTED else batch[n][at] for n in columns}

    def _restricted(self, batch: Arrays, labels: NDArray[np.int32], at: NDArray[Any]) -> Arrays:
        shares = batch["probabilities"][at][:, self.kept].astype(np.float64)
        kind = OutputKind.ONE_VS_REST
        if self.facts.sum_tolerance is not None:
            sums = shares.sum(axis=1, keepdims=True)
            shares = np.divide(shares, sums, out=np.full_like(shares, np.nan), where=sums > 0)
            kind = OutputKind.PROBABILITIES
        scored = score(shares, labels, kind)
        if not scored.finite[labels >= 0].all():
            raise DataError(
                "a sample has no probability left for any class of the subset",
                slug="subset-zero",
                hint="save scores with more digits, or logits: --outputs logits",
            )
        return {
            "label": labels,
            "prediction": scored.prediction,
            "confidence": scored.confidence,
            "label_probability": scored.label_probability,
            "label_rank": scored.label_rank,
            "top_tied": scored.top_tied,
            "top_classes": scored.top_classes,
            "top_probabilities": scored.top_probabilities,
            "probabilities": scored.probabilities,
        }


_OUTSIDE = -2


def _places(labels: NDArray[Any], kept: NDArray[np.intp], n: int) -> NDArray[np.int32]:
    """Labels as indices into the subset; -1 stays, -2 for a class outside of it."""
    lookup = np.full(n + 1, _OUTSIDE, np.int32)
    lookup[kept] = np.arange(len(kept), dtype=np.int32)
    lookup[-1] = -1
    places: NDArray[np.int32] = lookup[labels]
    return places


def restrict_classes(rows: PredictionRows, given: Path | str | Sequence[str]) -> SubsetRows:
    """Restrict `rows` to the classes in `given`: names, or a class list in a file.

    Raises
    ------
    DataError
        ``subset-unknown``: a name is not a class; ``subset-scores``: the predictions lack the
        scores of all classes.
    UsageError
        ``subset-single``: only one class.
    """
    names, source = _names(given)
    kept = _known(names, source, rows.facts.classes)
    independent = rows.facts.sum_tolerance is None
    if not rows.has_probabilities and not independent:
        raise DataError(
            "--subset-classes needs the scores of all classes, and the predictions have none",
            slug="subset-scores",
            hint="save the scores of all classes with the predictions; for a run: "
            "--keep-probabilities yes",
        )
    n_rows = n_outside = 0
    for batch in rows.batches("label"):
        inside = _places(batch["label"], kept, len(rows.facts.classes)) != _OUTSIDE
        n_rows += int(np.count_nonzero(inside))
        n_outside += int(np.count_nonzero(~inside))
    return SubsetRows(rows, _facts(rows.facts, kept, n_outside, source), n_rows, kept)


def _names(given: Path | str | Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The names, and their source in words."""
    if not isinstance(given, (str, Path)):
        return tuple(given), "subset_classes="
    path = Path(given)
    if path.is_file() or not isinstance(given, str) or "," not in given:
        return read_class_list(path), printable(path.name)
    return tuple(part.strip() for part in given.split(",")), "--subset-classes"


def _known(names: Sequence[str], source: str, classes: Sequence[str]) -> NDArray[np.intp]:
    place = {name: i for i, name in enumerate(classes)}
    unknown = [name for name in names if display_name(name) not in place]
    if unknown:
        meant = nearest(display_name(unknown[0]), list(classes))
        raise DataError(
            f"{quoted(unknown[0])} in {source} is not a class"
            + (f"; the closest is {quoted(meant)}" if meant else ""),
            slug="subset-unknown",
            details=[
                f"{plural(len(unknown), 'name')} of {count(len(names))} unknown: "
                f"{listing(unknown, 5)}",
                f"the classes are {listing(classes)}",
            ],
            hint="write the names as in the class list of the model",
        )
    found = sorted({place[display_name(name)] for name in names})
    if len(found) < 2:
        raise UsageError(
            f"--subset-classes names {plural(len(found), 'class', 'classes')}: at least two are "
            "needed",
            slug="subset-single",
            hint="list at least two classes",
        )
    return np.array(found, np.intp)


def _facts(facts: RunFacts, kept: NDArray[np.intp], n_outside: int, source: str) -> RunFacts:
    n, of = len(kept), len(facts.classes)
    samples = facts.samples
    excluded = {**samples.excluded, **({OUTSIDE: n_outside} if n_outside else {})}
    made = facts.provenance
    how = f"{count(n)} of {count(of)} classes ({source})"
    sums = "" if facts.sum_tolerance is None else " and renormalised to sum to 1"
    note = DataNote(
        "subset-classes",
        f"Protocol: {count(n)} of the {count(of)} classes are evaluated. Scores are restricted to "
        f"them{sums}, and the largest is the prediction. {plural(n_outside, 'sample')} of other "
        f"classes {'is' if n_outside == 1 else 'are'} excluded.",
        "warning",
        n_outside,
    )
    told = f"{made.read_as}; restricted to {how}" if made.read_as else ""
    return replace(
        facts,
        classes=tuple(facts.classes[i] for i in kept.tolist()),
        provenance=replace(
            made, read_as=told, inference={**made.inference, "subset of classes": how}
        ),
        samples=Accounting(samples.found, samples.counted - n_outside, excluded, samples.skipped),
        notes=(*facts.notes, note),
    )
