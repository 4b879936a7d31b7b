"""DATA that can't be read is named, and the printed way makes of it what can."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import torch
from PIL import Image

import reportgen
from reportgen.errors import DataError
from reportgen.inference.folders.scan import scan
from reportgen.inference.packed.npz_images import open_data
from reportgen.options import Options
from tests.inference.file_trees import file_tree


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        scan(path)
    return caught.value


def followed(error: DataError) -> list[str]:
    """Run the lines that the error prints, and give the labels in the archive that they make."""
    assert error.hint == "then pass images.npz as DATA"
    code = "\n".join(line[4:] for line in error.details if line.startswith("    "))
    exec(compile(code, "hint", "exec"), {})
    return list(open_data(Path("images.npz"), Options()).samples.labels or ())


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.jsonl"])
def test_a_folder_with_a_table_beside_its_images_names_the_table(name: str) -> None:
    file_tree(Path("set"), ["one.png", name])
    error = refused(Path("set"))
    assert error.slug == "data-layout"
    assert error.hint == f"if it lists paths and labels, pass the table: set/{name}"


def test_a_folder_of_tables_without_images_names_one() -> None:
    Path("set").mkdir()
    parquet.write_table(pa.table({"path": ["a.png"], "label": [0]}), "set/labels.parquet")
    error = refused(Path("set"))
    assert error.hint == (
        "its tables contain no images; if one lists paths and labels, pass it: "
        "set/labels.parquet --root DIR"
    )


def encoded(colour: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (colour, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


IMAGES = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)


def test_arrays_of_their_own_become_an_archive() -> None:
    np.save("x.npy", IMAGES)
    np.save("labels.npy", np.array([2, 0, 1]))
    assert followed(refused(Path("x.npy"))) == ["2", "0", "1"]


def test_a_file_of_matlab_becomes_an_archive() -> None:
    import scipy.io

    scipy.io.savemat("test.mat", {"X": IMAGES.transpose(1, 2, 3, 0), "y": [[10], [1], [2]]})
    assert followed(refused(Path("test.mat"))) == ["0", "1", "2"]


def test_a_file_of_hdf5_becomes_an_archive() -> None:
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    with h5py.File("test.h5", "w") as file:
        file["x"], file["y"] = IMAGES, np.array([1, 0, 1]).reshape(3, 1, 1, 1)
    assert followed(refused(Path("test.h5"))) == ["1", "0", "1"]


@pytest.mark.parametrize(
    ("name", "meta", "key"),
    [("test_batch", "batches.meta", "labels"), ("test", "meta", "fine_labels")],
)
def test_pickles_of_cifar_become_an_archive(name: str, meta: str, key: str) -> None:
    Path("cifar").mkdir()
    batch = {"data": np.zeros((3, 3072), np.uint8), key: [7, 8, 9]}
    Path("cifar", name).write_bytes(pickle.dumps(batch))
    Path("cifar", meta).write_bytes(pickle.dumps({}))
    error = refused(Path("cifar"))
    assert "can run code" in error.details[1]
    assert followed(error) == ["7", "8", "9"]
    Path("images.npz").unlink()
    error = refused(Path("cifar", name))
    assert error.message.endswith("a pickle of CIFAR")
    assert followed(error) == ["7", "8", "9"]


def test_a_database_becomes_a_table() -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect("d.sqlite")) as database:
        database.execute("create table images (path text, label text)")
        database.executemany(
            "insert into images values (?, ?)", [("a.png", "cat"), ("b.png", "dog")]
        )
        database.commit()
    error = refused(Path("d.sqlite"))
    assert "an SQLite database" in error.message
    exec("\n".join(line[4:] for line in error.details if line.startswith("    ")), {})
    assert error.hint == "then pass table.csv as DATA, with --root DIR for its paths"
    assert Path("table.csv").read_text() == "path,label\na.png,cat\nb.png,dog\n"


def zipped(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "x")


NAMED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "lmdb": (lambda p: file_tree(p, ["data.mdb", "lock.mdb"]), "this is an LMDB database"),
    "flat": (lambda p: file_tree(p, ["0.png"]), "the images have no labels here"),
    "model.pt2": (lambda p: p.write_bytes(b"PK"), "MODEL comes first, then DATA"),
    "one.png": (lambda p: p.write_bytes(encoded(1)), "DATA/<class name>/<image>"),
    "one.lmdb": (lambda p: p.write_bytes(bytes(16) + b"\xde\xc0\xef\xbe"), "an LMDB database"),
    "a.tfrecord": (lambda p: p.write_bytes(b"\x01"), ".glob('a.tfrecord')"),
    "b.tfrecord-00001-of-00002": (
        lambda p: p.write_bytes(b"\x01"), ".glob('b.tfrecord-*-of-00002')",
    ),
    "records": (
        lambda p: file_tree(p, ["b.tfrecord-00000-of-00002"]),
        "Path('records').glob('b.tfrecord-*-of-00002')",
    ),
    "b.dat": (lambda p: p.write_bytes(b"\x01"), "or, in Python, a live network and a Dataset"),
    "a.7z": (lambda p: p.write_bytes(b"7z\xbc\xaf\x27\x1c"), "a 7-Zip archive\n  unpack it"),
    "a.rar": (lambda p: p.write_bytes(b"Rar!"), "a RAR archive\n  unpack it"),
    "docs.zip": (lambda p: zipped(p, "a.txt"), "a zip archive without images"),
    "data.csv.zip": (lambda p: zipped(p, "a.csv"), "a zipped CSV file"),
    "preds.json": (lambda p: p.write_text("[]"), "reportgen render TABLE -o OUT"),
}  # fmt: skip


class Pixels:
    """What a program that wrote its records has: a Dataset of them."""

    classes = ("dark", "bright")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
        return torch.full((1, 2, 2), float(at % 2)), at % 2


class Brightness(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([1 - x.mean((1, 2, 3)), x.mean((1, 2, 3))], 1)


@pytest.mark.parametrize("name", ["lmdb", "one.lmdb", "b.dat"])
def test_a_program_that_can_read_its_records_gives_a_report_in_python(name: str) -> None:
    NAMED[name][0](Path(name))
    hint = refused(Path(name)).hint or ""
    call = hint[hint.index("reportgen.run(") :]
    scope = {"reportgen": reportgen, "network": Brightness(), "dataset": Pixels()}
    assert eval(call, scope).summary["accuracy"].value == 1


@pytest.mark.parametrize("name", NAMED)
def test_other_layouts_are_named(name: str, here: Path) -> None:
    make, text = NAMED[name]
    make(Path(name))
    for path in (Path(name), here / name):
        error = refused(path)
        assert text in str(error)
