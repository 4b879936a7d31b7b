"""Identifies unsupported DATA, with a way to convert it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from reportgen.class_list import name_key
from reportgen.errors import DataError
from reportgen.foreign_formats import by_content, by_ending, by_entries, is_tfrecord
from reportgen.inference.folders.files import has_image_name
from reportgen.paths import as_typed
from reportgen.text import listing, quoted

__all__ = [
    "LAYOUT_HINT",
    "layout_of",
    "refuse_file",
    "refuse_tables",
]


LAYOUT_HINT = "expected: class folders with images, DATA/<class name>/<image>"


_HEAD = 1024


_MODELS = (".pt2", ".pt", ".pth", ".safetensors", ".ckpt", ".onnx", ".keras", ".tflite")


_LISTS = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow")


_TABLES = ("a table", "a JSON file", "a Parquet table", "an Arrow table", "a text file")


_LIVE = "in Python, a live network and a Dataset: reportgen.run(network, dataset, out='OUT')"


_OWN_READER = f"only the program that wrote its records can read them; pass, {_LIVE}"


_SHARD = re.compile(r"-\d+-of-")


_LISTED = "then pass labels.csv as DATA"


_UNPACKED = ("a 7-Zip archive", "a RAR archive")


_CIFAR = {"test_batch", "data_batch_1", "test"}


_CIFAR_TRAINING = {"train", *(f"data_batch_{n}" for n in range(2, 6))}


_PICKLE = b"\x80"


def refuse_file(path: Path, shown: str) -> DataError:
    """The error for an unsupported file as DATA: its format, and how to convert it."""
    what, lines, hint = _file(path)
    return DataError(
        f"the data path {shown} is a file, not a folder: {what}",
        slug="data-not-a-folder",
        details=lines,
        hint=hint,
    )


def layout_of(root: Path, names: Sequence[str]) -> tuple[list[str], str]:
    """Lines and a hint for a folder without class folders, based on its entries."""
    table = next((name for name in names if Path(name).suffix.lower() in _LISTS), None)
    if {"data.mdb", "lock.mdb"} & set(names):
        return [], f"this is an LMDB database: {_OWN_READER}"
    if (record := min(filter(is_tfrecord, names), default=None)) is not None:
        return _of_records(root / record), _LISTED
    if {"batches.meta", "meta"} & set(names) and (batch := sorted(_CIFAR & set(names))):
        return _cifar(root, batch[-1])
    if table is not None and any(map(has_image_name, names)):
        return [], f"if it lists paths and labels, pass the table: {as_typed(root / table)}"
    if table is not None:
        return [], (
            f"its tables contain no images; if one lists paths and labels, pass it: "
            f"{as_typed(root / table)} --root DIR"
        )
    if any(map(has_image_name, names)):
        return [], (
            f"the images have no labels here; {LAYOUT_HINT}, or a table of paths and labels as "
            "DATA; predictions only: reportgen predict MODEL DATA -o OUT"
        )
    return [], LAYOUT_HINT


Found = tuple[str, list[str], str]


def refuse_tables(root: Path, folders: Sequence[str], known: Sequence[str] | None) -> None:
    """Refuse a folder of a table and its images, if no folder is that of a class.

    `known` is the class list of the model, if it has one. Raises :class:`DataError`
    (``data-layout``).
    """
    if known is None and len(folders) > 1:
        return
    keys = set(map(name_key, known or ()))
    tables = sorted(path for path in root.iterdir() if path.suffix.lower() in _LISTS)
    if not tables or not folders or any(name_key(folder) in keys for folder in folders):
        return
    images = f" --root {as_typed(root / folders[0])}" if len(folders) == 1 else ""
    raise DataError(
        f"no folder in {quoted(root.name)} is that of a class, and there is a table: "
        f"{quoted(tables[0].name)}",
        slug="data-layout",
        details=[f"the folders are {listing(map(quoted, folders))}"],
        hint=f"if it lists paths and labels, pass the table: {as_typed(tables[0])}{images}",
    )


def _file(path: Path) -> Found:
    head, entries = _head(path), _zip_entries(path)
    what = by_entries(entries) or by_content(head) or by_ending(path) or "of another format"
    if head.startswith(_PICKLE) and path.name in {*_CIFAR, *_CIFAR_TRAINING}:
        return "a pickle of CIFAR", *_cifar(path.parent, path.name)
    if path.suffix.lower() in _MODELS:
        return (
            "it looks like a model",
            [],
            "MODEL comes first, then DATA: reportgen run MODEL DATA -o OUT",
        )
    if what in _UNPACKED:
        return what, [], f"unpack it, and pass the folder; {LAYOUT_HINT}"
    if entries:
        what = what if by_entries(entries) else "a zip archive without images"
        return what, [], f"{LAYOUT_HINT}; a zip or tar archive of them is read without unpacking"
    if what == "an image":
        return what, [], LAYOUT_HINT
    if what == "an SQLite database":
        return (
            what,
            _of_database(path),
            "then pass table.csv as DATA, with --root DIR for its paths",
        )
    if what == "an LMDB database":
        return what, [], _OWN_READER
    if what == "a TFRecord file":
        return what, _of_records(path), _LISTED
    if (made := _arrays(path, what)) is not None:
        return what, made, "then pass images.npz as DATA"
    extra = "; a table of predictions: reportgen render TABLE -o OUT" if what in _TABLES else ""
    return what, [], f"{LAYOUT_HINT}; or, {_LIVE}{extra}"


def _arrays(path: Path, what: str) -> list[str] | None:
    """Code that converts a file of arrays to images.npz; None for other files."""
    file = as_typed(path)
    if what == "a NumPy array":
        return _npz(f"numpy.load({file!r})", "numpy.load('labels.npy')")
    if what == "a MATLAB file":
        return [
            "with images as X (height, width, channels, N) and labels as y, as SVHN has them:",
            "    import numpy, scipy.io",
            f"    arrays = scipy.io.loadmat({file!r})",
            "    images, labels = arrays['X'].transpose(3, 0, 1, 2), arrays['y'].reshape(-1)",
            "    numpy.savez('images.npz', images=images, labels=labels % 10)",
        ]
    if what == "a Keras or HDF5 file":
        return [
            "with images as x and labels as y, for example:",
            "    import h5py, numpy",
            f"    with h5py.File({file!r}) as arrays:",
            "        images, labels = arrays['x'][()], arrays['y'][()].reshape(-1)",
            "    numpy.savez('images.npz', images=images, labels=labels)",
        ]
    return None


def _of_database(path: Path) -> list[str]:
    """Code that exports a table of paths and labels from a database."""
    return [
        "if one of its tables lists paths and labels:",
        "    import pandas, sqlite3",
        f"    database = sqlite3.connect({as_typed(path)!r})",
        "    query = \"select name from sqlite_master where type = 'table'\"",
        "    names = list(pandas.read_sql(query, database)['name'])",
        "    table = pandas.read_sql(f'select * from \"{names[0]}\"', database)",
        "    table.to_csv('table.csv', index=False)",
    ]


def _of_records(path: Path) -> list[str]:
    """Lines that make image files and a table of them of records of TensorFlow."""
    files = _SHARD.sub("-*-of-", path.name)
    return [
        "where TensorFlow is installed, with the names of its features:",
        "    import tensorflow",
        "    from pathlib import Path",
        "    image, label = 'image/encoded', 'image/class/label'  # of tfds: 'image', 'label'",
        f"    files = sorted(map(str, Path({as_typed(path.parent)!r}).glob({files!r})))",
        "    Path('images').mkdir()",
        "    lines = ['path,label']",
        "    for n, record in enumerate(tensorflow.data.TFRecordDataset(files)):",
        "        fields = tensorflow.train.Example.FromString(record.numpy()).features.feature",
        "        file = Path(f'images/{n:06}.jpg')",
        "        file.write_bytes(fields[image].bytes_list.value[0])",
        "        lines.append(f'{file},{fields[label].int64_list.value[0]}')",
        "    Path('labels.csv').write_text('\\n'.join(lines))",
    ]


def _npz(images: str, labels: str) -> list[str]:
    return [
        "save it with its labels in one file, in Python:",
        "    import numpy",
        f"    numpy.savez('images.npz', images={images}, labels={labels})",
    ]


def _cifar(root: Path, batch: str) -> tuple[list[str], str]:
    """The CIFAR pickles: the user must convert them, since a pickle can run code."""
    key = "labels" if "batch" in batch else "fine_labels"
    return [
        "pickles of CIFAR, which can run code; if they are from where you would run a program:",
        "    import numpy, pickle",
        f"    with open({as_typed(root / batch)!r}, 'rb') as stream:",
        "        batch = pickle.load(stream, encoding='latin1')",
        "    images = batch['data'].reshape(-1, 3, 32, 32)",
        f"    numpy.savez('images.npz', images=images, labels=batch[{key!r}])",
    ], "then pass images.npz as DATA"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def _zip_entries(path: Path) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            return tuple(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return ()
