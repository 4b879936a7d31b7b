"""DATA that is no folder of class folders is named, and the printed way makes one of it."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

from reportgen.errors import DataError
from reportgen.inference.folders.scan import scan
from tests.inference.builders import colour_tree
from tests.inference.file_trees import file_tree


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        scan(path)
    return caught.value


def code_in(error: DataError) -> str:
    return "\n".join(line[4:] for line in error.details if line.startswith("    "))


def followed(error: DataError) -> list[str]:
    """Do what the error says, and give the samples that are found then."""
    if code := code_in(error):
        exec(compile(code, "hint", "exec"), {})
    else:
        (line,) = [line for line in error.details if line.startswith("unpack it: ")]
        words = shlex.split(line.removeprefix("unpack it: "))
        subprocess.run([sys.executable, *words[1:]], check=True)
    return [file.id for file in scan(Path("DATA")).files]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def archived(name: str) -> Path:
    colour_tree(Path("tree"), "cat dog", n=1)
    files = sorted(Path("tree").rglob("*.png"))
    if name.endswith(".zip"):
        with zipfile.ZipFile(name, "w") as target:
            for file in files:
                target.write(file, file.relative_to("tree"))
    else:
        with tarfile.open(name, "w:gz" if name.endswith("gz") else "w") as tar:
            for file in files:
                tar.add(file, file.relative_to("tree"))
    return Path(name)


@pytest.mark.parametrize("name", ["images.zip", "images.tar", "images.tar.gz"])
def test_archives_are_unpacked_by_the_command(name: str) -> None:
    error = refused(archived(name))
    assert error.slug == "data-not-a-folder"
    assert "archive" in error.message
    assert followed(error) == ["cat/000.png", "dog/000.png"]


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "metadata.jsonl"])
def test_a_folder_with_a_table_beside_its_images_names_the_table(name: str) -> None:
    file_tree(Path("set"), ["one.png", name])
    error = refused(Path("set"))
    assert error.slug == "data-layout"
    assert error.hint == f"if it lists paths and labels, pass the table: set/{name}"


def encoded(colour: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (colour, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def hub_table(path: Path) -> Path:
    """As Hugging Face writes a data set of images."""
    rows = {"image": [{"bytes": encoded(c), "path": "x.png"} for c in (9, 99)], "label": [1, 0]}
    features = {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
    table = pa.table(rows).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)
    return path


@pytest.mark.parametrize("given", ["root/data/test-0.parquet", "root/data", "root"])
def test_images_in_parquet_are_written_out(given: str) -> None:
    hub_table(Path("root/data/test-0.parquet"))
    error = refused(Path(given))
    assert followed(error) == ["cat/test-0-1.png", "dog/test-0-0.png"]


def test_arrays_become_a_data_set() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    np.savez("set.npz", test_images=images, test_labels=np.array([[0], [1], [1]]))
    error = refused(Path("set.npz"))
    assert "a NumPy archive" in error.message
    names: dict[str, Any] = {}
    exec(code_in(error), names)
    names["arrays"].close()
    image, label = names["data"][1]
    assert (tuple(image.shape), label.item()) == ((3, 4, 4), 1)


NAMED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "shards": (lambda p: file_tree(p, ["0.tar", "1.tar"]), "tar archives, possibly WebDataset"),
    "lmdb": (lambda p: file_tree(p, ["data.mdb", "lock.mdb"]), "this is an LMDB database"),
    "saved": (lambda p: file_tree(p, ["state.json", "x.arrow"]), "one: data = data['test']"),
    "flat": (lambda p: file_tree(p, ["0.png"]), "the images have no labels here"),
    "model.pt2": (lambda p: p.write_bytes(b"PK"), "MODEL comes first, then DATA"),
    "one.png": (lambda p: p.write_bytes(encoded(1)), "DATA/<class name>/<image>"),
    "train-images-idx3-ubyte.gz": (
        lambda p: p.write_bytes(b"\x1f\x8b\x08"), "or a Dataset in Python",
    ),
    "a.tfrecord": (lambda p: p.write_bytes(b"\x01"), "or a Dataset in Python"),
    "preds.json": (lambda p: p.write_text("[]"), "reportgen render TABLE -o OUT"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_other_layouts_are_named(name: str, here: Path) -> None:
    make, text = NAMED[name]
    make(Path(name))
    for path in (Path(name), here / name):
        error = refused(path)
        assert text in str(error)


def test_what_saved_data_sets_print_is_python() -> None:
    file_tree(Path("saved"), ["state.json", "x.arrow"])
    compile(code_in(refused(Path("saved"))), "hint", "exec")
