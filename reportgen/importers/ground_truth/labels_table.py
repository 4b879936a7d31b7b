"""`with_labels`: the true classes from a separate file, joined by id or by position."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import NO_LABEL
from reportgen.importers.columns.detect import delimiter_hint, find_id, missing_column
from reportgen.importers.columns.id_spelling import common_spelling, places_of
from reportgen.importers.columns.ids import printable_ids
from reportgen.importers.columns.words import is_called, several_columns
from reportgen.importers.formats.arrays import ArraysTable, npy_file
from reportgen.importers.formats.delimited import dialect_of, rows_of
from reportgen.importers.formats.detecting import format_of
from reportgen.importers.formats.opening import open_table, text_options
from reportgen.importers.formats.tables import LIST, NARROW_ROWS, OTHER, Table, is_unnamed
from reportgen.importers.ground_truth.added_columns import free_name, with_added
from reportgen.importers.ground_truth.one_hot import (
    OneHot,
    named_one_hot,
    one_hot_columns,
    one_hot_places,
)
from reportgen.options import NONE, InputOptions
from reportgen.provenance import DataNote
from reportgen.text import count, listing, plural, printable, quoted

__all__ = [
    "Labelled",
    "one_hot_labels",
    "with_labels",
]


_EXAMPLES = 5


_FLAG = "--labels-id"


@dataclass(frozen=True)
class Labelled:
    """A table with an added column of true classes.

    Attributes
    ----------
    table
        The table with that column.
    label
        Name of that column.
    classes
        The class list and its source, if the labels were one-hot columns.
    notes
        Notes for the reader.
    facts
        Facts for the provenance: name → value.
    told
        A phrase for the line on how the input was read.
    """

    table: Table
    label: str
    classes: tuple[tuple[str, ...], str] | None = None
    notes: tuple[DataNote, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


def with_labels(
    table: Table, options: InputOptions, classes: Sequence[str] | None, spool: Path
) -> Labelled:
    """Add the true classes of ``options.labels`` to `table`.

    Raises
    ------
    DataError
        ``labels-missing``: a sample has no label, or a label has no sample; ``labels-repeated``: an
        id is in two rows; ``labels-ids``: there are no ids to join by; ``length-mismatch``.
    UsageError
        ``labels-position``: the labels have no ids, and the samples have.
    """
    assert options.labels is not None
    path = options.labels
    one_column = _one_column(path, options, table)
    if one_column is not None:
        _require_position(table, options, path)
        return _by_position(table, _arrays_table(path, one_column), options, classes)
    labels = open_table(path, text_options(path, options, options.labels_id), spool)
    if options.labels_id == NONE and NONE not in labels.columns:
        return _by_position(table, labels, options, classes)
    return _by_id(table, labels, options, classes)


def _one_column(path: Path, options: InputOptions, table: Table) -> NDArray[Any] | None:
    """The labels in a file that contains nothing else; None for a table."""
    found = format_of(path)
    if found == "npy":
        array = npy_file(path)
        if array.dtype.names is not None:
            return None
        whole = array.read()
        return whole[:, 0] if whole.ndim == 2 and whole.shape[1] == 1 else whole
    if found != "csv":
        return None
    text = text_options(path, options, options.labels_id)
    dialect = dialect_of(path, text.separator, text.encoding, text.decimal)
    lines: list[str] = []
    for _, cells in rows_of(path, dialect):
        if len(cells) > 1:
            return None
        lines.append(cells[0])
    _refuse_pairs(path, lines)
    return np.array(_without_header(lines, table), dtype=object)


_PAIR = re.compile(
    r"\s*(\S.*\.(?:jpe?g|png|bmp|gif|tiff?|webp))['\"]?[\s;|:]+(\S.*)", re.IGNORECASE
)


def _refuse_pairs(path: Path, lines: Sequence[str]) -> None:
    """Refuse lines of an image and its label without a header, as ImageNet and CVAT have them."""
    pairs = [match for line in lines if (match := _PAIR.fullmatch(line))]
    if not lines or len(pairs) + 1 < len(lines) or not pairs:
        return
    image, label = pairs[0].groups()
    raise DataError(
        f"{quoted(path.name)} has an image and a label in each line, and no header: "
        f"{quoted(image)} and {quoted(label)}",
        slug="labels-pairs",
        hint="write it as CSV: a first line path,label, and a comma between image and label",
    )


def _without_header(lines: list[str], table: Table) -> list[str]:
    """Drop a header line: one line more than samples, or a common column name."""
    n_rows = _n_rows(table)
    if lines and is_called(lines[0], "label") and len(lines) != n_rows:
        return lines[1:]
    return lines


def _n_rows(table: Table) -> int:
    if not isinstance(table, ArraysTable):
        return table.n_rows
    lengths = {array.shape[0] for array in table.arrays.values() if array.shape}
    return lengths.pop() if len(lengths) == 1 else -1


def _arrays_table(path: Path, values: NDArray[Any]) -> Table:
    if values.ndim == 0:
        raise DataError(
            f"{quoted(path.name)} contains a single value: one label per sample is needed",
            slug="array-kind",
            hint="save one label per sample",
        )
    return ArraysTable(path.name, path, {"label": values}, len(values))


def _require_position(table: Table, options: InputOptions, path: Path) -> None:
    """Labels without ids are in the order of arrays; for a table the user must say so."""
    if isinstance(table, ArraysTable) or options.labels_id == NONE:
        return
    raise UsageError(
        f"{quoted(path.name)} contains only labels, no ids: are they in the order of "
        f"{quoted(table.name)}?",
        slug="labels-position",
        hint=f"if so:  {_FLAG} none; else add a column of ids to it",
    )


def _by_position(
    table: Table, labels: Table, options: InputOptions, classes: Sequence[str] | None
) -> Labelled:
    column = _label_column(labels, options, {None}, classes)
    settled = _settled(labels, column)
    values, known = _label_values(settled, column, options)
    n_rows = _n_rows(table)
    if not isinstance(table, ArraysTable) and len(values) != n_rows:
        raise DataError(
            f"{quoted(table.name)} has {count(n_rows)} rows, {quoted(labels.name)} has "
            f"{count(len(values))}",
            slug="length-mismatch",
            hint="to match by position, every sample needs one label; or join them by id",
        )
    name = free_name(f"{_words(column)} (in {labels.name})", table, labels.name)
    note = DataNote(
        "labels-joined",
        f"The true classes come from {printable(labels.name)}, by position: its first row belongs "
        "to the first sample, and so on.",
        count=len(values),
    )
    facts = _facts(labels, "by position")
    told = (f"labels of {printable(labels.name)} by position",)
    return Labelled(with_added(table, {name: values}), name, known, (note,), facts, told)


def _by_id(
    table: Table, labels: Table, options: InputOptions, classes: Sequence[str] | None
) -> Labelled:
    ids_name = _id_of_input(table, options, labels)
    labels_id = find_id(labels.name, labels.columns, options.labels_id, _FLAG, ids_name)
    column = _label_column(labels, options, {labels_id}, classes)
    labels = _settled(labels, column, labels_id)
    table_of_ids = table.settled([ids_name]) if isinstance(table, ArraysTable) else table
    ours, theirs = _ids(table_of_ids, ids_name), _ids(labels, labels_id)
    _require_distinct(table_of_ids, ids_name, ours, "--id-column")
    _require_distinct(labels, labels_id, theirs, _FLAG)
    joint = _joint(ours, theirs, options)
    _require_found(table_of_ids, labels, labels_id, ours, theirs, joint, options)
    values, known = _label_values(labels, column, options)
    name = free_name(f"{_words(column)} (in {labels.name})", table, labels.name)
    added = {name: _taken(values, joint.places, NO_LABEL)}
    for other in _further_columns(labels, {labels_id, *_columns(column)}):
        added[free_name(other, table, labels.name)] = _taken(_whole(labels, other), joint.places)
    return Labelled(
        with_added(table, added),
        name,
        known,
        tuple(_notes(labels, labels_id, ours, theirs, joint)),
        _facts(labels, f"joined by its column {printable(labels_id)}"),
        (f"labels joined by {quoted(labels_id)} of {printable(labels.name)}",),
    )


def _id_of_input(table: Table, options: InputOptions, labels: Table) -> str:
    ids = [name for name in table.columns if is_called(name, "id")]
    if options.id_column is not None or ids:
        wanted = options.labels_id or next((name for name in ids if name in labels.columns), None)
        return find_id(table.name, table.columns, options.id_column, "--id-column", wanted)
    only = next(iter(table.columns), "")
    if len(table.columns) == 1 and delimiter_hint(only) and not isinstance(table, ArraysTable):
        raise missing_column(table.name, table.columns, "id", "--id-column")
    raise DataError(
        f"{quoted(table.name)} has no ids that {quoted(labels.name)} could be joined by",
        slug="labels-ids",
        details=[f"its columns: {listing(table.columns, 20)}"],
        hint=f"name its column of ids: --id-column NAME; or, if both files have one order: "
        f"{_FLAG} none",
    )


def _label_column(
    labels: Table, options: InputOptions, taken: set[str | None], classes: Sequence[str] | None
) -> str | OneHot:
    """The column of true classes, or the one-hot columns."""
    given = options.labels_column
    if given is not None:
        if found := named_one_hot(labels, given):
            return found
        only = given if isinstance(given, str) else given[0]
        return _single(labels, only)
    named = [
        c.name
        for c in labels.columns.values()
        if is_called(c.name, "label") and c.name not in taken and c.kind not in (LIST, OTHER)
    ]
    if len(named) > 1:
        what = "columns that could be the label"
        raise several_columns(quoted(labels.name), named, what, "--labels-column")
    if named:
        return named[0]
    if hot := one_hot_columns(_of_one_length(labels, taken), taken, classes, alone=True):
        return hot
    rest = [c.name for c in labels.columns.values() if c.name not in taken and _holds_values(c)]
    if len(rest) == 1:
        return rest[0]
    raise missing_column(labels.name, labels.columns, "label", "--labels-column")


def _of_one_length(labels: Table, taken: set[str | None]) -> Table:
    """Keep the arrays as long as the ids: only they form a table."""
    ids = [name for name in taken if name]
    if isinstance(labels, ArraysTable) and labels.n_rows < 0 and ids:
        return labels.settled(ids)
    return labels


def _single(labels: Table, name: str) -> str:
    if name in labels.columns and labels.columns[name].kind not in (LIST, OTHER):
        return name
    return find_id(labels.name, labels.columns, name, "--labels-column", None)


def _columns(column: str | OneHot) -> tuple[str, ...]:
    return (column,) if isinstance(column, str) else column.columns


def _words(column: str | OneHot) -> str:
    return column if isinstance(column, str) else column.words


def _settled(labels: Table, column: str | OneHot, *more: str) -> Table:
    if isinstance(labels, ArraysTable):
        return labels.settled([*_columns(column), *more])
    return labels


def _label_values(
    labels: Table, column: str | OneHot, options: InputOptions
) -> tuple[Any, tuple[tuple[str, ...], str] | None]:
    """(an Arrow array of text, one per row; the classes, if the columns define them)."""
    if isinstance(column, str):
        return _as_text(_whole(labels, column)), None
    return one_hot_labels(labels, column, options)


def one_hot_labels(
    table: Table, found: OneHot, options: InputOptions
) -> tuple[Any, tuple[tuple[str, ...], str] | None]:
    """The class of each row as an Arrow array of text, by name or index; and all classes."""
    import pyarrow as pa

    places = one_hot_places(table, found, soft=options.soft_labels == "argmax")
    if found.names is None:
        names = list(map(str, range(options.label_base, options.label_base + found.width(table))))
    else:
        names = list(found.names)
    values = pa.DictionaryArray.from_arrays(pa.array(places), pa.array(names, pa.string()))
    source = f"the one-hot labels of {printable(table.name)}"
    return values, (tuple(names), source)


def _whole(table: Table, name: str) -> Any:
    """A column as one Arrow array."""
    import pyarrow as pa

    pieces = [batch.column(0) for batch in table.batches([name], NARROW_ROWS)]
    if not pieces:
        return pa.array([], pa.string())
    return pa.chunked_array(pieces).unify_dictionaries().combine_chunks()


def _as_text(array: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(pa.string()).fill_null("").dictionary_encode()


def _taken(array: Any, places: NDArray[np.int32], missing: str | None = None) -> Any:
    """The rows at `places`; for -1 `missing`, or null."""
    import pyarrow as pa

    found = array.take(pa.array(places, mask=places < 0))
    if missing is None or not (places < 0).any():
        return found
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    return found.cast(pa.string()).fill_null(missing).dictionary_encode()


def _further_columns(labels: Table, used: set[str]) -> list[str]:
    return [c.name for c in labels.columns.values() if c.name not in used and _holds_values(c)]


def _holds_values(column: Any) -> bool:
    return column.kind not in (LIST, OTHER) and not is_unnamed(column.name)


def _ids(table: Table, column: str) -> Any:
    import pyarrow as pa

    pieces = [
        printable_ids(batch.column(0)).cast(pa.large_string())
        for batch in table.batches([column], NARROW_ROWS)
    ]
    return pa.concat_arrays([pa.array([], pa.large_string()), *pieces])


def _require_distinct(table: Table, column: str, ids: Any, flag: str) -> None:
    encoded = ids.dictionary_encode()
    if len(ids) == len(encoded.dictionary):
        return
    places = encoded.indices.to_numpy()
    repeated = np.flatnonzero(np.bincount(places) > 1)
    first, second = np.flatnonzero(places == repeated[0])[:2].tolist()
    examples = encoded.dictionary.take(repeated[:_EXAMPLES]).to_pylist()
    raise DataError(
        f"the id {quoted(examples[0])} appears in two rows of {quoted(table.name)}: "
        f"{table.place(first)} and {table.place(second)}",
        slug="labels-repeated",
        details=[f"{plural(len(repeated), 'id')} more than once: {listing(examples)}"],
        hint=f"give every sample one row; is {quoted(column)} the column of ids? {flag} NAME "
        "names another",
    )


@dataclass(frozen=True)
class _Joint:
    """The labels row of each sample, -1 for none: int32, shape (samples,)."""

    places: NDArray[np.int32]
    words: str = ""

    @property
    def without(self) -> NDArray[np.intp]:
        """Samples without a label."""
        return np.flatnonzero(self.places < 0)

    def unused(self, n_rows: int) -> NDArray[np.intp]:
        """Rows of the labels without a sample."""
        used = np.zeros(n_rows, np.bool_)
        used[self.places[self.places >= 0]] = True
        return np.flatnonzero(~used)


def _joint(ours: Any, theirs: Any, options: InputOptions) -> _Joint:
    import pyarrow as pa

    places = places_of(ours, theirs)
    if (places >= 0).all():
        return _Joint(places)
    both = ours.to_pylist(), theirs.to_pylist()
    spelling = common_spelling(*both, by_ending=options.ids_by_ending)
    if spelling is None:
        return _Joint(places)
    alike = [pa.array(list(map(spelling.write, ids)), pa.large_string()) for ids in both]
    return _Joint(places_of(*alike), spelling.words)


def _require_found(
    table: Table, labels: Table, labels_id: str, ours: Any, theirs: Any, joint: _Joint,
    options: InputOptions,
) -> None:  # fmt: skip
    without, unused = joint.without, joint.unused(len(theirs))
    if len(without) == len(ours) and len(ours):
        raise _nothing_common(labels, labels_id, ours, theirs, options)
    if options.labels_partial:
        return
    for lacking, source, ids, at, other, what in (
        (labels, table, ours, without, "label", "sample"),
        (table, labels, theirs, unused, "prediction", "label"),
    ):
        if not len(at):
            continue
        examples = ids.take(at[:_EXAMPLES]).to_pylist()
        raise DataError(
            f"{source.place(int(at[0]))} of {quoted(source.name)}: {quoted(examples[0])} has no "
            f"{other} in {quoted(lacking.name)}",
            slug="labels-missing",
            details=[
                f"{plural(len(at), 'id')} of {count(len(ids))} without a {other}: "
                f"{listing(examples)}",
            ],
            hint=f"correct the files; or skip (and count) such {what}s: --labels-partial",
        )


def _nothing_common(
    labels: Table, labels_id: str, ours: Any, theirs: Any, options: InputOptions
) -> DataError:
    by_ending = not options.ids_by_ending and common_spelling(
        ours.to_pylist(), theirs.to_pylist(), by_ending=True
    )
    return DataError(
        f"no sample has a label in {quoted(labels.name)}: no id is the same",
        slug="labels-ids",
        details=[
            f"ids of the predictions: {', '.join(map(quoted, ours[:3].to_pylist()))}",
            f"column {quoted(labels_id)} of {quoted(labels.name)}: "
            f"{', '.join(map(quoted, theirs[:3].to_pylist())) or 'no rows'}",
        ],
        hint=f"match them {by_ending.words}: --ids-by-ending"
        if by_ending
        else f"ids must match exactly; {_FLAG} NAME names another column of the labels",
    )


def _facts(labels: Table, how: str) -> dict[str, str]:
    found = {"labels": f"{printable(labels.name)}, {how}"}
    if labels.sha256:
        found["labels SHA-256"] = labels.sha256
    return found


def _notes(labels: Table, labels_id: str, ours: Any, theirs: Any, joint: _Joint) -> list[DataNote]:
    name, without, unused = printable(labels.name), joint.without, joint.unused(len(theirs))
    n_found = len(ours) - len(without)
    how = f" Ids are matched {joint.words}." if joint.words else ""
    notes = [
        DataNote(
            "labels-joined",
            f"The true classes of {plural(n_found, 'sample')} come from {name}, joined by its "
            f"column {printable(labels_id)}.{how}",
            count=n_found,
        )
    ]
    if len(unused):
        examples = tuple(theirs.take(unused[:_EXAMPLES]).to_pylist())
        notes.append(
            DataNote(
                "labels-unused",
                f"{plural(len(unused), 'row')} of {name} "
                f"{'has' if len(unused) == 1 else 'have'} no prediction and "
                f"{'is' if len(unused) == 1 else 'are'} not counted: {listing(examples, 3)}.",
                "warning",
                len(unused),
                examples,
            )
        )
    return notes
