"""`read_sample_list`: paths, labels and further columns of samples."""

from __future__ import annotations

import shlex
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import plain_label
from reportgen.importers.columns.detect import find_id
from reportgen.importers.columns.ids import id_texts
from reportgen.importers.columns.labels import require_single
from reportgen.importers.columns.words import folded, is_called, several_columns
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.schemas import class_labels
from reportgen.importers.formats.tables import (
    LIST,
    NARROW_ROWS,
    NUMBER,
    OTHER,
    Table,
    is_unnamed,
)
from reportgen.importers.ground_truth.labels_table import one_hot_labels
from reportgen.importers.ground_truth.one_hot import named_one_hot, one_hot_columns
from reportgen.importers.sample_lists.layouts import Listed, open_list
from reportgen.importers.sample_lists.splits import best_split, split_role
from reportgen.importers.table_predictions import RESERVED
from reportgen.options import InputOptions, Options
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "SampleList",
    "read_sample_list",
    "sample_list_in",
    "samples_of_columns",
]


_SPLIT_WORDS = frozenset({
    "split", "subset", "set", "partition", "fold", "dataset_split", "data_split", "dataset",
})  # fmt: skip


_MORE_LABELS = frozenset({
    "class", "class_name", "classname", "class_label", "category", "category_name", "label_name",
})  # fmt: skip
"""Names of label columns that are used if no column has a common label name."""


_MOST_SPLITS = 20


_MOST_FOLDERS = 4


_UNKNOWN = "-1"
"""Marks the labels of a hidden test set in Hugging Face data sets."""


@dataclass(frozen=True)
class SampleList:
    """The samples in a table, one entry per row.

    Attributes
    ----------
    name
        Name of the file.
    paths
        Paths as in the file.
    labels
        Labels as in the file, empty if missing; None without a label column.
    place
        Location of row i: ``line 7``.
    folder
        The folder below the root that the paths are relative to; usually empty.
    classes, classes_source
        The class names in the order of indices, and their source, if the file has them.
    columns
        Arrow table of further columns, text and numbers only; or None.
    read_as
        How it was read, in one line.
    skipped
        Other rows of the file, such as other splits: reason → number.
    """

    name: str
    paths: Sequence[str]
    labels: Sequence[str] | None
    place: Callable[[int], str]
    folder: str
    classes: tuple[str, ...] | None
    classes_source: str
    columns: Any
    read_as: str
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def unlabelled(cls, name: str, paths: Sequence[str]) -> SampleList:
        """Images of which only names are known."""
        return cls(
            name=name,
            paths=paths,
            labels=None,
            place=lambda at: printable(paths[at]),
            folder="",
            classes=None,
            classes_source="",
            columns=None,
            read_as=f"{plural(len(paths), 'image')} without labels",
        )

    def columns_of(self, ids: Sequence[str]) -> Any:
        """The further columns of the samples with these ids: an Arrow table with ``id``."""
        import pyarrow as pa

        if self.columns is None or not self.columns.num_columns:
            return None
        return self.columns.append_column("id", pa.array(ids, pa.string()))


def read_sample_list(path: Path, options: Options) -> SampleList:
    """Read the samples in a file; those of ``options.split`` if it has several splits.

    Raises
    ------
    DataError
        ``table-columns``: there is no column of paths; ``list-splits``: there are several splits,
        and none is chosen; ``labels-several``; ``list-header``; and the errors of reading a table.
    UsageError
        ``column-ambiguous``: the option that decides is in the hint. ``split-unknown``.
    """
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        samples, _ = sample_list_in(open_list(path, Path(spool)), options)
    return samples


def sample_list_in(listed: Listed, options: Options) -> tuple[SampleList, Sequence[int]]:
    """The samples of an opened table, and the table row of each.

    Raises the errors of :func:`read_sample_list`.
    """
    table = listed.table
    roles = _roles(listed, options)
    paths = _texts(table, roles.path) if roles.path else list(listed.ids or ())
    rows, other = _chosen_rows(table, roles, options, paths)
    labels, known = _labels(listed, roles)
    kept = range(len(paths)) if rows is None else rows
    if labels is not None:
        counted = Counter(labels[i] for i in kept if labels[i])
        if options.labels_are != "names":
            require_single(counted, {}, lambda _, text: table.place(labels.index(text)))
    samples = SampleList(
        name=table.name,
        paths=[paths[i] for i in kept],
        labels=None if labels is None else [labels[i] for i in kept],
        place=lambda i: table.place(kept[i]),
        folder=listed.folder,
        classes=known,
        classes_source=f"the classes in {printable(table.name)}" if known else "",
        columns=_columns(listed, roles, rows),
        read_as=_read_as(listed, roles, len(kept)),
        skipped={f"rows of the split {name}": n for name, n in sorted(other.items())},
    )
    return samples, kept


def samples_of_columns(
    name: str,
    columns: Mapping[str, Any],
    ids: Sequence[str],
    options: Options,
    *,
    image: str,
    label: str | None = None,
    classes: tuple[str, ...] | None = None,
    layout: str = "",
) -> tuple[SampleList, Sequence[int]]:
    """The samples of columns in memory, and the row of each.

    Parameters
    ----------
    columns
        Arrays or lists, as long as `ids`.
    ids
        Default sample ids, used unless ``options.id_column`` names a column.
    image
        Name of the images, which are not in `columns`.
    label
        The column of labels, if known; otherwise it is detected.
    classes
        The class names in the order of indices, if known.
    layout
        The kind of data, in words.

    Raises the errors of :func:`read_sample_list`.
    """
    table = ArraysTable.of_mapping(columns, name)
    table = table.settled(list(columns)) if columns else replace(table, n_rows=len(ids))
    listed = Listed(table, None, label, "", classes, layout, image, ids)
    return sample_list_in(listed, options)


@dataclass(frozen=True)
class _Roles:
    """The roles of columns; `label` may be several one-hot columns, `path` is the sample id."""

    path: str | None
    label: Any
    split: str | None
    image: str | None = None

    @property
    def label_columns(self) -> tuple[str, ...]:
        if self.label is None:
            return ()
        return (self.label,) if isinstance(self.label, str) else tuple(self.label.columns)


def _roles(listed: Listed, options: Options) -> _Roles:
    table = listed.table
    path = listed.path
    if path is None and (listed.ids is None or options.id_column is not None):
        path = find_id(table.name, table.columns, options.id_column, "--id-column", None)
    taken = {path, listed.image}
    label = listed.label or _label(table, taken, options)
    return _Roles(path, label, _split_column(table, {*taken, label}, options), listed.image)


def _label(table: Table, taken: set[str | None], options: Options) -> Any:
    given = options.label_column
    if given == "none":
        return None
    if given is not None:
        if found := named_one_hot(table, given):
            return found
        return find_id(table.name, table.columns, given, "--label-column", None)
    free = [c for c in table.columns.values() if c.name not in taken]
    typed = [c for c in free if c.name in class_labels(table)]
    named = [c for c in free if is_called(c.name, "label")]
    if not named or any(c not in typed for c in named):
        named += [c for c in typed if c not in named]
    named = named or [c for c in free if folded(c.name) in _MORE_LABELS]
    if len(named) > 1:
        raise several_columns(
            quoted(table.name),
            [c.name for c in named],
            "columns that could be the label",
            "--label-column",
        )
    if named and named[0].kind == LIST and named[0].width is not None:
        return one_hot_columns(table, taken, None, alone=False)  # the convention of arrays
    if named and named[0].kind in (LIST, OTHER):
        raise DataError(
            f"column {quoted(named[0].name)} of {quoted(table.name)} contains lists: several "
            "labels per sample",
            slug="labels-several",
            details=["reportgen evaluates one class per sample"],
            hint="keep one label per cell",
        )
    if named:
        return named[0].name
    hot = one_hot_columns(table, taken, None, alone=False)
    if hot is not None:
        return hot
    others = [c.name for c in free if _is_plain(c)]
    split = _split_column(table, taken, options)
    if [name for name in others if name != split]:
        raise _no_label(table, one_hot_columns(table, taken, None, alone=True))
    return None


def _no_label(table: Table, hot: Any) -> DataError:
    """The error for a table without labels; `hot` are columns of 0 and 1, or None."""
    columns = "" if hot is None else ",".join(hot.columns)
    return DataError(
        f"{quoted(table.name)} has no label column",
        slug="table-columns",
        details=[f"its columns: {listing(map(printable, table.columns), 20)}"],
        hint="specify it: --label-column NAME"
        + (f", or one-hot columns: --label-column {shlex.quote(columns)}" if columns else "")
        + "; --label-column none where it has no labels",
    )


def _is_plain(column: Any) -> bool:
    return column.kind not in (LIST, OTHER) and not is_unnamed(column.name)


def _split_column(table: Table, taken: set[Any], options: Options) -> str | None:
    given = options.split_column
    if given == "none":
        return None
    if given is not None:
        return find_id(table.name, table.columns, given, "--split-column", None)
    found = [
        c.name
        for c in table.columns.values()
        if folded(c.name) in _SPLIT_WORDS and c.name not in taken and _is_plain(c)
    ]
    return found[0] if len(found) == 1 else None


def _chosen_rows(
    table: Table, roles: _Roles, options: Options, paths: Sequence[str]
) -> tuple[list[int] | None, dict[str, int]]:
    """The rows of the chosen split, None for all; and the number of rows in other splits."""
    values, where = _split_of_rows(table, roles, options, paths)
    counted, wanted = Counter(values), options.split
    if not wanted:
        if len(counted) > 1:
            raise _splits(table, where, counted)
        return None, {}
    if not values:
        return None, {}
    same = [v for v in counted if v == wanted] or [
        v for v in counted if v.casefold() == wanted.casefold()
    ]
    if len(same) != 1:
        raise UsageError(
            f"{quoted(table.name)} has no split {quoted(wanted)} in {where}",
            slug="split-unknown",
            details=[f"it has: {_counts(counted)}"],
            hint=f"--split {printable(best_split(sorted(counted), wanted))}; --split-column none "
            "uses all rows",
        )
    rows = [i for i, value in enumerate(values) if value == same[0]]
    return rows, {printable(v) or "(empty)": n for v, n in counted.items() if v != same[0]}


def _split_of_rows(
    table: Table, roles: _Roles, options: Options, paths: Sequence[str]
) -> tuple[list[str], str]:
    """The split of each row, and its source; nothing if the table has no splits."""
    if roles.split is not None:
        return _texts(table, roles.split), f"column {quoted(roles.split)}"
    if options.split_column == "none" or roles.image is not None:
        return [], ""
    folders = [path.replace("\\", "/").removeprefix("./").partition("/")[0] for path in paths]
    names = set(folders)
    if 2 <= len(names) <= _MOST_FOLDERS and all(map(split_role, names)):
        return folders, "the folders of its paths"
    return [], ""


def _splits(table: Table, where: str, counted: Counter[str]) -> DataError:
    best = best_split(sorted(counted))
    return DataError(
        f"{quoted(table.name)} contains splits, in {where}: {_counts(counted)}",
        slug="list-splits",
        details=["a report on all of them would include training data"],
        hint=f"choose one: --split {printable(best) or 'NAME'}; --split-column none uses all rows",
    )


def _counts(counted: Counter[str]) -> str:
    pairs = sorted(counted.items())[:_MOST_SPLITS]
    return listing((f"{printable(v) or '(empty)'} ({n:,})" for v, n in pairs), _MOST_SPLITS)


def _texts(table: Table, column: str) -> list[str]:
    found: list[str] = []
    for batch in table.batches([column], NARROW_ROWS):
        found += id_texts(batch.column(0)).to_pylist()
    return found


def _labels(listed: Listed, roles: _Roles) -> tuple[list[str] | None, tuple[str, ...] | None]:
    """The label of each row as text, and the class list in the file."""
    if roles.label is None:
        return None, listed.classes
    if not isinstance(roles.label, str):
        values, known = one_hot_labels(listed.table, roles.label, InputOptions())
        names = known[0] if known and roles.label.names is not None else listed.classes
        return values.cast("string").to_pylist(), names
    texts = [plain_label(text.strip()) for text in _texts(listed.table, roles.label)]
    names = class_labels(listed.table).get(roles.label)
    if names is not None:
        texts = ["" if text == _UNKNOWN else text for text in texts]
    return texts, listed.classes or names


def _columns(listed: Listed, roles: _Roles, rows: Sequence[int] | None) -> Any:
    """The further columns, as an Arrow table of text and numbers."""
    import pyarrow as pa

    table, known = listed.table, class_labels(listed.table)
    used = {roles.path, roles.image, *roles.label_columns}
    names = [c.name for c in table.columns.values() if c.name not in used and _is_plain(c)]
    found: dict[str, Any] = {}
    pieces = list(table.batches(names, NARROW_ROWS)) if names else []
    for at, name in enumerate(names):
        kind = pa.float64() if table.columns[name].kind == NUMBER else pa.string()
        whole = pa.chunked_array([_plain(piece.column(at), kind) for piece in pieces], kind)
        shown = printable(name)
        shown = f"{shown} (in the table)" if shown in RESERVED else shown
        found[shown] = _named(whole, known[name]) if name in known else whole
    made = pa.table({**found, **listed.added})
    return made if rows is None or not made.num_columns else made.take(pa.array(rows, pa.int64()))


def _named(indices: Any, names: Sequence[str]) -> Any:
    """The names of a column of indices; nothing if an index has no name."""
    import pyarrow as pa

    found = [
        names[int(value)] if value is not None and 0 <= value < len(names) else None
        for value in indices.to_pylist()
    ]
    return pa.array(found, pa.string())


def _plain(array: Any, kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.cast(kind)


def _read_as(listed: Listed, roles: _Roles, n_rows: int) -> str:
    table = listed.table
    label = ", no label"
    if isinstance(roles.label, str):
        label = f", label {quoted(roles.label)}"
    elif roles.label is not None:
        label = f", label {roles.label.words}"
    used = {roles.path, roles.image, *roles.label_columns}
    rest = [c for c in table.columns.values() if c.name not in used]
    kept = [*(c.name for c in rest if _is_plain(c)), *listed.added]
    lost = [c.name for c in rest if not _is_plain(c)]
    layout = [f"as {listed.layout}"] if listed.layout else []
    sliced = [f"slices: {listing(map(printable, kept), 8)}"] if kept else []
    unused = [f"not used: {listing(map(printable, lost), 8)}"] if lost else []
    ids = f"{'id' if roles.image else 'path'} {quoted(roles.path)}" if roles.path else ""
    image = f"image {quoted(roles.image)}" if roles.image else ""
    head = f"{plural(n_rows, 'sample')}: {', '.join(filter(None, (image, ids)))}{label}"
    return "; ".join([head, *layout, *sliced, *unused])
