"""Merges parts; parts of different runs are refused. torch is not needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, UsageError
from reportgen.predictions.outline import RunOutline
from reportgen.predictions.parts import LIST_OF_SAMPLES, ROW_GROUP_ROWS, usable
from reportgen.predictions.shards import OUTPUTS_AS_DECIDED, PartFile, PartHeader, finished_rows
from reportgen.predictions.sums import Sums, sum_up
from reportgen.provenance import DataNote, Provenance
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "PartSet",
]


@dataclass(frozen=True)
class PartSet:
    """The parts of one run, ordered by shard; at least one."""

    parts: tuple[PartFile, ...]

    @classmethod
    def of(cls, parts: Sequence[PartFile]) -> PartSet:
        """Validate and sort parts.

        Raises
        ------
        DataError
            ``shards-overlap``: a shard is repeated, or N differs. ``shards-listing``: their lists
            of samples differ.
        UsageError
            ``shards-mixed``: they were made with different models, classes or settings.
            ``shards-outputs``: their output types differ.
        """
        ordered = sorted(parts, key=lambda part: (part.header.shard, str(part.path)))
        for before, part in pairwise(ordered):
            _require_apart(before, part)
        for part in ordered[1:]:
            _require_one_run(ordered[0], part)
        return cls(tuple(ordered))

    @property
    def header(self) -> PartHeader:
        """The header of the first part."""
        return self.parts[0].header

    @property
    def n_shards(self) -> int:
        """Number of shards of the whole run."""
        return self.header.shard[1]

    def read(self, columns: Sequence[str] = ()) -> Iterator[Any]:
        """The rows of all parts as Arrow tables, in order; all columns, or the named ones."""
        for part in self.parts:
            yield from part.read(*columns)

    def finished_rows(self) -> Iterator[Any]:
        """The rows of the finished file, sorted by id.

        Samples of folders are already in that order and are read once. For others, such as tables
        of images, the ids are kept in memory, and the rows of each block are gathered.
        """
        if self.sums.is_ordered:
            yield from map(finished_rows, self.read())
            return
        ids = [one for t in self.read(("id", "reason")) for one in usable(t)["id"].to_pylist()]
        order = np.argsort(np.array(ids, dtype=object), kind="stable")
        places = np.concatenate(
            [np.flatnonzero(t["reason"].is_null().to_numpy()) + at for at, t in self._placed()]
        )
        for begin in range(0, len(order), ROW_GROUP_ROWS):
            yield finished_rows(self._rows(places[order[begin : begin + ROW_GROUP_ROWS]]))

    def _placed(self) -> Iterator[tuple[int, Any]]:
        """Tables of reasons, each with the index of its first row."""
        at = 0
        for table in self.read(("reason",)):
            yield at, table
            at += len(table)

    def _rows(self, places: NDArray[np.int64]) -> Any:
        """The rows at these indices over all parts, in this order."""
        import pyarrow as pa

        starts = np.cumsum([0, *(part.n_rows for part in self.parts)])
        part_of = np.searchsorted(starts, places, side="right") - 1
        pieces, back = [], []
        for at in np.unique(part_of):
            here = np.flatnonzero(part_of == at)
            pieces.append(self.parts[at].take(places[here] - starts[at]))
            back.append(here)
        return pa.concat_tables(pieces).take(np.argsort(np.concatenate(back)))

    @cached_property
    def sums(self) -> Sums:
        """Sums over all rows.

        Raises :class:`DataError` (``shards-rows``) if they are not exactly the samples that the
        parts declare.
        """
        sums = sum_up(self.read, self.header.facts.classes)
        if sums.listing != self.header.listing:
            raise DataError(
                f"the {plural(sums.n_rows, 'row')} of the parts are not the "
                f"{plural(self.header.total, 'sample')} of the data",
                slug="shards-rows",
                details=["a row was removed, added or edited, or has another id or label"],
                hint="predict the shards again, with --force",
            )
        return sums

    @property
    def identity(self) -> dict[str, str]:
        """The inputs that determined the rows, as for a run over all samples."""
        shaped = {k: v for k, v in self.header.identity.items() if k != OUTPUTS_AS_DECIDED}
        return {**shaped, LIST_OF_SAMPLES: self.header.listing}

    @property
    def outline(self) -> RunOutline:
        """The facts of all parts together, apart from the rows."""
        outlines = [part.header.facts for part in self.parts]
        notes = {note.code: note for one in reversed(outlines) for note in one.run_notes}
        halved = [one.forward_size for one in outlines if one.forward_size]
        return replace(
            outlines[0],
            provenance=self._provenance(),
            run_notes=(*notes.values(), *self._notes()),
            forward_size=min(halved, default=0),
        )

    def _provenance(self) -> Provenance:
        first = self.header.facts.provenance
        return replace(
            first,
            inference={key: ", ".join(found) for key, found in self._found("inference").items()},
            versions={key: ", ".join(found) for key, found in self._found("versions").items()},
        )

    def _found(self, name: str) -> dict[str, dict[str, list[int]]]:
        """Key of a provenance mapping → value → the shards with it."""
        found: dict[str, dict[str, list[int]]] = {}
        for part in self.parts:
            said: Mapping[str, str] = getattr(part.header.facts.provenance, name)
            for key, value in said.items():
                found.setdefault(key, {}).setdefault(value, []).append(part.header.shard[0])
        return found

    def _notes(self) -> Iterator[DataNote]:
        """Notes on differing machines: the last bits of scores may differ too."""
        for code, name, what in (
            ("shards-devices", "inference", "on different devices"),
            ("shards-versions", "versions", "with different versions"),
        ):
            differing = {k: found for k, found in self._found(name).items() if len(found) > 1}
            if differing:
                told = "; ".join(
                    f"{printable(key)} {listing(found)}" for key, found in differing.items()
                )
                yield DataNote(
                    code,
                    f"The shards ran {what}: {told}. Confidences may differ from those of one "
                    "machine in their last bits.",
                    "info",
                )


def _require_apart(before: PartFile, part: PartFile) -> None:
    (one, n_before), (other, n) = before.header.shard, part.header.shard
    if n_before != n:
        raise DataError(
            f"the parts are of {n_before} and of {plural(n, 'shard')}",
            slug="shards-overlap",
            details=[f"{_shown(before)} and {_shown(part)}"],
            hint=f"pass only those of one run: OUT/shards/*-of-{n_before:05d}.parquet, or "
            f"OUT/shards/*-of-{n:05d}.parquet",
        )
    if one == other:
        raise DataError(
            f"shard {one}/{n} appears twice",
            slug="shards-overlap",
            details=[f"{_shown(before)} and {_shown(part)}"],
            hint="pass each shard once",
        )


def _require_one_run(first: PartFile, part: PartFile) -> None:
    one, other = first.header, part.header
    ours, theirs = _said(first), _said(part)
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    told = [
        f"{key.replace('_', ' ')}: {printable(ours.get(key, 'none'))[:200]} in {_shown(first)}, "
        f"{printable(theirs.get(key, 'none'))[:200]} in {_shown(part)}"
        for key in differing
    ]
    if differing == [OUTPUTS_AS_DECIDED]:
        raise UsageError(
            "the outputs of the model were read in different ways",
            slug="shards-outputs",
            details=told,
            hint="specify the output type for all shards, such as --outputs logits, and predict "
            "them again with --force",
        )
    if differing:
        raise UsageError(
            f"the parts were made with different {differing[0].replace('_', ' ')}",
            slug="shards-mixed",
            details=told[:5],
            hint="pass only the parts of one run, or predict those that differ again with --force",
        )
    if one.listing != other.listing or one.total != other.total:
        raise DataError(
            "the parts were made of different lists of samples",
            slug="shards-listing",
            details=[
                f"{plural(one.total, 'sample')} in {_shown(first)}, "
                f"{plural(other.total, 'sample')} in {_shown(part)}",
                "files or labels were added, removed or changed between the shards",
            ],
            hint="predict all shards again over unchanged data, with --force",
        )


def _said(part: PartFile) -> dict[str, str]:
    """The fields that must be equal in all parts of a run: name → value."""
    by = part.header.facts.provenance
    return {
        **part.header.identity,
        "model_name": by.model.name,
        "model_version": by.model.version,
        "model_source": by.model.source,
        "data_name": by.data_name,
        "split": by.split,
        "title": by.title,
        "date": by.date,
        "class_list": by.classes_source,
        "command": by.command,
        "columns": ", ".join(f"{one.name} {one.type}" for one in part.further),
    }


def _shown(part: PartFile) -> str:
    """The file name, with the folders that distinguish it from others: ``run1/shards/…``.

    For an address only the last segment.
    """
    path = part.source or part.path
    return quoted("/".join(path.parts[-3:]) if isinstance(path, Path) else path.name)
