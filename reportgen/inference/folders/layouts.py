"""What DATA is where it is no folder of class folders, with a way to make one of it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from reportgen.errors import DataError
from reportgen.inference.folders.files import escape, has_image_name
from reportgen.inference.models.formats import as_typed, by_content, by_ending, by_entries

__all__ = [
    "LAYOUT_HINT",
    "layout_of",
    "refuse_file",
]


LAYOUT_HINT = "expected: class folders with images, DATA/<class name>/<image>"


_HEAD = 1024


_MODELS = (".pt2", ".pt", ".pth", ".safetensors", ".ckpt", ".onnx", ".keras", ".tflite")


_LISTS = (".csv", ".tsv", ".jsonl")


_TARS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")


_TABLES = ("a table", "a JSON file", "a Parquet table", "an Arrow table", "a text file")


def refuse_file(path: Path, shown: str) -> DataError:
    """The error for a file as DATA: what it is, and how it becomes class folders."""
    what, lines, hint = _file(path)
    return DataError(
        f"the data path {shown} is a file, not a folder: {what}",
        slug="data-not-a-folder",
        details=lines,
        hint=hint,
    )


def layout_of(root: Path, names: Sequence[str]) -> tuple[list[str], str]:
    """Lines and a hint for a folder in which no class folders were found, by its entries."""
    endings = {Path(name).suffix.lower() for name in names}
    table = next((name for name in names if Path(name).suffix.lower() in _LISTS), None)
    if "state.json" in names or "dataset_dict.json" in names or "dataset_info.json" in names:
        return _saved_dataset(root)
    if {"data.mdb", "lock.mdb"} & set(names):
        return [], f"this is an LMDB database: write its images out; {LAYOUT_HINT}"
    if endings & {".tar"}:
        return [], f"these are tar archives, possibly WebDataset shards: unpack them; {LAYOUT_HINT}"
    if endings & {".parquet", ".arrow"}:
        return _parquet(as_typed(root), "*.parquet")
    if table is not None and any(map(has_image_name, names)):
        return [], f"if it lists paths and labels, pass the table: {as_typed(root / table)}"
    if any(map(has_image_name, names)):
        return [], (
            f"the images have no labels here; {LAYOUT_HINT}, or a table of paths and labels as "
            "DATA; predictions alone: reportgen predict MODEL DATA -o OUT"
        )
    return [], LAYOUT_HINT


Found = tuple[str, list[str], str]


def _file(path: Path) -> Found:
    head, entries = _head(path), _zip_entries(path)
    what = by_entries(entries) or by_content(head) or by_ending(path) or "of another format"
    folded = path.name.lower()
    if path.suffix.lower() in _MODELS:
        return (
            "it looks like a model",
            [],
            ("MODEL comes first, then DATA: reportgen run MODEL DATA -o OUT"),
        )
    if folded.endswith(_TARS) or what == "a tar archive":
        return (
            "a tar archive",
            [f"unpack it: python -m tarfile -e {as_typed(path)} DATA"],
            (f"{LAYOUT_HINT}; then pass the folder"),
        )
    if what == "a NumPy archive":
        return (
            what,
            _arrays(path),
            ("then, in Python: reportgen.run(model, data, classes=[...], out=OUT)"),
        )
    if entries:
        return (
            what if by_entries(entries) else "a zip archive",
            [f"unpack it: python -m zipfile -e {as_typed(path)} DATA"],
            f"{LAYOUT_HINT}; then pass the folder",
        )
    if what == "a Parquet table":
        lines, hint = _parquet(as_typed(path.parent), escape(path.name))
        return what, lines, hint
    if what == "an image":
        return what, [], LAYOUT_HINT
    extra = "; a table of predictions: reportgen render TABLE -o OUT" if what in _TABLES else ""
    return what, [], f"{LAYOUT_HINT}, or a Dataset in Python: reportgen.run(model, data){extra}"


def _arrays(path: Path) -> list[str]:
    names = [name.removesuffix(".npy") for name in _zip_entries(path)]
    images = next((n for n in names if n.lower() in ("images", "x", "x_test", "data")), "images")
    labels = next((n for n in names if n.lower() in ("labels", "y", "y_test", "label")), "labels")
    images = next((n for n in names if n.lower() == "test_images"), images)
    labels = next((n for n in names if n.lower() == "test_labels"), labels)
    return [
        "pass its arrays as a Dataset, images as (N, channels, height, width) in [0, 1]:",
        "    import numpy, torch",
        f"    arrays = numpy.load({as_typed(path)!r})",
        f"    x, y = torch.as_tensor(arrays[{escape(images)!r}]), "
        f"torch.as_tensor(arrays[{escape(labels)!r}])",
        "    x = x[..., None] if x.ndim == 3 else x",
        "    x = x.permute(0, 3, 1, 2) if x.shape[-1] in (1, 3) else x",
        "    x = x if x.is_floating_point() else x.float() / 255",
        "    data = torch.utils.data.TensorDataset(x, y.reshape(-1).long())",
    ]


def _parquet(folder: str, pattern: str) -> tuple[list[str], str]:
    """A script that writes the images in Parquet files out, by pyarrow alone."""
    return [
        "write its images out as class folders, in Python:",
        "    import json, pathlib, pyarrow.parquet as parquet",
        f"    for file in sorted(pathlib.Path({folder!r}).rglob({pattern!r})):",
        "        table = parquet.read_table(file)",
        "        facts = json.loads((table.schema.metadata or {}).get(b'huggingface', b'{}'))",
        "        names = facts.get('info', {}).get('features', {}).get('label', {}).get('names')",
        "        for i, row in enumerate(table.select(['image', 'label']).to_pylist()):",
        "            name = names[row['label']] if names else str(row['label'])",
        "            target = pathlib.Path('DATA', name, f'{file.stem}-{i}.png')",
        "            target.parent.mkdir(parents=True, exist_ok=True)",
        "            target.write_bytes(row['image']['bytes'])",
    ], "then DATA is the new folder; replace image and label if the columns have other names"


def _saved_dataset(root: Path) -> tuple[list[str], str]:
    return [
        "a data set that save_to_disk wrote; write its images out as class folders, in Python:",
        "    import datasets, pathlib",
        f"    data = datasets.load_from_disk({as_typed(root)!r})",
        "    for i, row in enumerate(data):",
        "        name = data.features['label'].int2str(row['label'])",
        "        target = pathlib.Path('DATA', name, f'{i}.png')",
        "        target.parent.mkdir(parents=True, exist_ok=True)",
        "        row['image'].save(target)",
    ], "then DATA is the new folder; of several splits take one: data = data['test']"


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
