"""`with_metadata`: further columns of the samples, from a table of their own, joined by id.

The table is read once, and its columns are kept in memory in the order of the samples: 1 to 4 bytes
per sample for text (distinct values once), 8 for numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError
from reportgen.importers.columns.detect import find_id
from reportgen.importers.columns.id_spelling import Spelling, common_spelling, places_of
from reportgen.importers.columns.ids import SampleColumn, printable_ids, sample_columns
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.opening import open_table, text_options
from reportgen.importers.formats.tables import LIST, NARROW_ROWS, OTHER, Table, is_unnamed
from reportgen.importers.table_predictions import RESERVED
from reportgen.options import InputOptions
from reportgen.predictions import DerivedRows, PredictionRows, RunFacts
from reportgen.provenance import DataNote
from reportgen.text import count, listing, plural, printable, quoted

__all__ = [
    "WithMetadata",
    "join_metadata",
]


_EXAMPLES = 10


_MOST_SPELLED = 2_000_000  # maximum number of ids kept as texts, to compare spellings


_FLAG = "--metadata-id"


Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class WithMetadata(DerivedRows):
    """Predictions with the columns of a second table.

    Attributes
    ----------
    facts
        The facts of the predictions, with notes on the join.
    joined
        Name in :meth:`batches` → values of all rows, in their order.
    """

    joined: Mapping[str, SampleColumn]

    @property
    def has_ids(self) -> bool:
        """Whether the rows have ids; without them nothing can be joined."""
        return True

    @property
    def metadata(self) -> Mapping[str, str]:
        """Further columns: name in :meth:`batches` → column name in its table."""
        return {**super().metadata, **{name: c.name for name, c in self.joined.items()}}

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[Arrays]:
        """Batches of the predictions with the joined columns.

        Joined columns are objects, ``""`` for a missing text, or float64, nan for a missing number.
        """
        if not any(name in self.joined for name in columns):
            yield from self.rows.batches(*columns, wrong_only=wrong_only)
            return
        theirs = [name for name in columns if name not in self.joined]
        needed = list(dict.fromkeys([*theirs, "label", *(["prediction"] if wrong_only else [])]))
        start = 0
        for batch in self.rows.batches(*needed):
            stop = start + len(batch["label"])
            keep = _mistaken(batch) if wrong_only else slice(None)
            yield {
                name: (
                    self.joined[name].values(start, stop) if name in self.joined else batch[name]
                )[keep]
                for name in columns
            }
            start = stop


def join_metadata(
    rows: PredictionRows,
    path: str | Path,
    *,
    id_column: str | None = None,
    text: InputOptions | None = None,
    by_ending: bool = False,
) -> WithMetadata:
    """Join the columns of the table in `path` to `rows`, by sample id.

    Ids are compared as printable text; paths from other systems are normalised to ``/``. A sample
    that the table lacks has missing values; table rows without a sample are ignored; notes count
    both. A column that the predictions have too gets another name, such as ``camera (in
    table.csv)``.

    Parameters
    ----------
    rows
        Predictions of any origin, with ids of their own.
    path
        CSV, TSV, Parquet, JSON Lines or .npz: one row per sample.
    id_column
        The column of ids; by default the one with the name of the predictions' id column, else
        ``id``, ``path``, ``file``, …
    text
        How text files of predictions are read, which applies to this file too: encoding, decimal
        mark, and the delimiter if the first line contains it.
    by_ending
        Whether differing ids are matched by the longest common suffix of their paths.

    Raises
    ------
    DataError
        ``metadata-repeated``: an id is in two rows; ``metadata-ids``: the predictions have no ids,
        or the table has none of them; ``metadata-empty``: the table has no further column;
        ``table-…``: it can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        options = text_options(Path(path), text or InputOptions(), id_column)
        table = open_table(Path(path), options, Path(spool))
        if not getattr(rows, "has_ids", True):
            raise _no_ids(table)
        prefer = getattr(rows, "id_name", None)
        ids_name = find_id(table.name, table.columns, id_column, _FLAG, prefer)
        if isinstance(table, ArraysTable):
            table = table.settled([ids_name])
        ids = _table_ids(table, ids_name)
        _require_distinct(table, ids_name, ids)
        joint = _joint(rows, ids)
        if joint.n_found < len(joint.places):
            joint = _spelled_joint(rows, ids, joint, by_ending=by_ending)
        if not joint.n_found and len(joint.places):
            ending = None if by_ending else _spelling(rows, ids, joint, by_ending=True)
            raise _nothing_common(table, ids_name, ids, joint, ending)
        names = _usable(table, ids_name)
        columns = sample_columns(table, names, joint.places)
    shown = _shown_names(table, names, _own_metadata(rows))
    facts = _facts(rows.facts, table, ids_name, ids, joint, shown)
    joined = dict(zip(shown, columns, strict=True))
    return WithMetadata(rows, facts, len(joint.places), joined)


def _own_metadata(rows: PredictionRows) -> Mapping[str, str]:
    found: Mapping[str, str] = getattr(rows, "metadata", {})
    return found


def _mistaken(batch: Arrays) -> NDArray[np.intp]:
    label = batch["label"]
    return np.flatnonzero((label >= 0) & (label != batch["prediction"]))


def _table_ids(table: Table, column: str) -> Any:
    """The ids of all rows, as one Arrow array of text."""
    import pyarrow as pa

    pieces = [
        printable_ids(batch.column(0)).cast(pa.large_string())
        for batch in table.batches([column], NARROW_ROWS)
    ]
    return pa.concat_arrays([pa.array([], pa.large_string()), *pieces])


def _require_distinct(table: Table, column: str, ids: Any) -> None:
    encoded = ids.dictionary_encode()
    n_repeated = len(ids) - len(encoded.dictionary)
    if not n_repeated:
        return
    places = encoded.indices.to_numpy()
    repeated = np.flatnonzero(np.bincount(places) > 1)
    first, second = np.flatnonzero(places == repeated[0])[:2].tolist()
    examples = encoded.dictionary.take(repeated[:5]).to_pylist()
    raise DataError(
        f"the id {quoted(examples[0])} appears in two rows of {quoted(table.name)}: "
        f"{table.place(first)} and {table.place(second)}",
        slug="metadata-repeated",
        details=[f"{plural(len(repeated), 'id')} more than once: {listing(examples)}"],
        hint=f"a metadata table needs one row per sample; is {quoted(column)} the column of ids? "
        f"{_FLAG} NAME names another",
    )


@dataclass(frozen=True)
class _Joint:
    """The table row of each sample.

    Attributes
    ----------
    places
        int32, shape (samples,): row of the table, -1 for none.
    n_found
        Number of samples with a row.
    without
        Ids of the first samples without one.
    how
        How ids with another spelling were matched; empty if they are equal.
    """

    places: NDArray[np.int32]
    n_found: int
    without: tuple[str, ...]
    how: str = ""

    def unused(self, n_rows: int) -> NDArray[np.intp]:
        """The rows of the table without a sample."""
        used = np.zeros(n_rows, np.bool_)
        used[self.places[self.places >= 0]] = True
        return np.flatnonzero(~used)


def _joint(rows: PredictionRows, ids: Any) -> _Joint:
    import pyarrow as pa
    import pyarrow.compute as pc

    places, without = [np.zeros(0, np.int32)], list[str]()
    for samples in _gather(rows, max(len(ids), NARROW_ROWS)):
        texts = pa.array(samples, pa.large_string())
        found = pc.index_in(texts, value_set=ids).fill_null(-1).to_numpy().astype(np.int32)
        missing = np.flatnonzero(found < 0)[: _EXAMPLES - len(without)]
        without += [printable(samples[i]) for i in missing.tolist()]
        places.append(found)
    every = np.concatenate(places)
    return _Joint(every, int(np.count_nonzero(every >= 0)), tuple(without))


def _spelled_joint(rows: PredictionRows, ids: Any, joint: _Joint, *, by_ending: bool) -> _Joint:
    """The join by normalised paths, if that matches more rows."""
    import pyarrow as pa

    spelling = _spelling(rows, ids, joint, by_ending=by_ending)
    if spelling is None:
        return joint
    samples = _texts(rows)
    alike = [
        pa.array(list(map(spelling.write, texts)), pa.large_string())
        for texts in (samples, ids.to_pylist())
    ]
    places = places_of(*alike)
    missing = np.flatnonzero(places < 0)
    without = tuple(printable(samples[i]) for i in missing[:_EXAMPLES].tolist())
    return _Joint(places, len(places) - len(missing), without, spelling.words)


def _spelling(rows: PredictionRows, ids: Any, joint: _Joint, *, by_ending: bool) -> Spelling | None:
    """The common spelling of both sides; None if there is none, or there are too many ids."""
    if max(len(joint.places), len(ids)) > _MOST_SPELLED:
        return None
    return common_spelling(_texts(rows), ids.to_pylist(), by_ending=by_ending)


def _texts(rows: PredictionRows) -> list[str]:
    return [text for batch in rows.batches("id") for text in batch["id"].tolist()]


def _gather(rows: PredictionRows, n: int) -> Iterator[NDArray[Any]]:
    """The ids of the samples, in groups of about `n`: each group needs a lookup of the table."""
    held: list[NDArray[Any]] = []
    for batch in rows.batches("id"):
        held.append(batch["id"])
        if sum(map(len, held)) >= n:
            yield np.concatenate(held)
            held = []
    if held:
        yield np.concatenate(held)


def _no_ids(table: Table) -> DataError:
    return DataError(
        f"the predictions have no ids that {quoted(table.name)} could be joined by: their rows "
        "are numbered",
        slug="metadata-ids",
        hint="name their column of ids with --id-column, or write the metadata into the table of "
        "predictions itself",
    )


def _nothing_common(
    table: Table, column: str, ids: Any, joint: _Joint, ending: Spelling | None
) -> DataError:
    theirs = ids[:3].to_pylist()
    return DataError(
        f"no sample of the predictions is in {quoted(table.name)}: no id is the same",
        slug="metadata-ids",
        details=[
            f"ids of the predictions: {', '.join(map(quoted, joint.without[:3]))}",
            f"column {quoted(column)} of {quoted(table.name)}: "
            f"{', '.join(map(quoted, theirs)) or 'no rows'}",
        ],
        hint=f"match them {ending.words}: --ids-by-ending"
        if ending
        else f"ids must match exactly; {_FLAG} NAME names another column of the table",
    )


def _usable(table: Table, ids_name: str) -> list[str]:
    names = [c.name for c in table.columns.values() if c.name != ids_name and _holds_values(c)]
    if not names:
        raise DataError(
            f"{quoted(table.name)} has no column besides the ids in {quoted(ids_name)}",
            slug="metadata-empty",
            details=[f"its columns: {listing(table.columns, 20)}"],
            hint="pass a table with a column for each property of the samples",
        )
    return names


def _holds_values(column: Any) -> bool:
    return column.kind not in (LIST, OTHER) and not is_unnamed(column.name)


def _shown_names(table: Table, names: Sequence[str], own: Mapping[str, str]) -> list[str]:
    """The names in batches; those of the predictions' own columns are taken."""
    taken = {*RESERVED, *own}
    shown = []
    for name in names:
        chosen = name
        while chosen in taken:
            chosen = f"{chosen} (in {table.name})"
        taken.add(chosen)
        shown.append(chosen)
    return shown


def _facts(
    facts: RunFacts, table: Table, ids_name: str, ids: Any, joint: _Joint, shown: Sequence[str]
) -> RunFacts:
    name = printable(table.name)
    known = {"metadata": f"{name}, joined by its column {printable(ids_name)}"}
    if table.sha256:
        known["metadata SHA-256"] = table.sha256
    provenance = replace(facts.provenance, inference={**facts.provenance.inference, **known})
    notes = (*facts.notes, *_notes(table, ids_name, ids, joint, shown))
    return replace(facts, provenance=provenance, notes=notes)


def _notes(
    table: Table, ids_name: str, ids: Any, joint: _Joint, shown: Sequence[str]
) -> Iterator[DataNote]:
    name = printable(table.name)
    how = f", matched {joint.how}" if joint.how else ""
    yield DataNote(
        "metadata-joined",
        f"{name} adds {plural(len(shown), 'column')} to {plural(joint.n_found, 'sample')}, joined "
        f"by its column {printable(ids_name)}{how}: {listing(shown)}.",
        count=joint.n_found,
    )
    n_without = len(joint.places) - joint.n_found
    if n_without:
        yield DataNote(
            "metadata-missing",
            f"{plural(n_without, 'sample')} of {count(len(joint.places))} "
            f"{'has' if n_without == 1 else 'have'} no row in {name}: all its columns are missing "
            f"there, such as for {listing(joint.without[:3])}.",
            "warning",
            n_without,
            joint.without,
        )
    unused = joint.unused(len(ids))
    if len(unused):
        examples = tuple(ids.take(unused[:_EXAMPLES]).to_pylist())
        yield DataNote(
            "metadata-unused",
            f"{plural(len(unused), 'row')} of {name} "
            f"{'belongs' if len(unused) == 1 else 'belong'} to no sample and "
            f"{'is' if len(unused) == 1 else 'are'} not used: {listing(examples, 3)}.",
            count=len(unused),
            examples=examples,
        )
    left_out = [c.name for c in table.columns.values() if not _holds_values(c)]
    if left_out := [column for column in left_out if column != ids_name]:
        yield DataNote(
            "metadata-left-out",
            f"{plural(len(left_out), 'column')} of {name} without a name, or with neither text "
            f"nor numbers, {'is' if len(left_out) == 1 else 'are'} ignored: {listing(left_out)}.",
            count=len(left_out),
            examples=tuple(map(printable, left_out[:_EXAMPLES])),
        )
