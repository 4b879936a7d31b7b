"""Images as arrays: ``.npz`` as MedMNIST and Keras write it, and IDX as MNIST is kept."""

from __future__ import annotations

import gzip
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.errors import DataError, ReportgenError
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.npz_images import open_data
from reportgen.options import Options
from tests.inference.colours import NAMES, facts_of, labelled, predicted, refused, rows_of

Array = np.ndarray[Any, Any]


def images() -> Array:
    """uint8, shape (6, 8, 8, 3)."""
    return np.stack([np.asarray(Image.open(file)) for file in sorted(Path("tree").rglob("*.png"))])


LABELS = np.array([0, 0, 1, 1, 2, 2], np.uint8)


def saved(name: str = "d.npz", **arrays: Any) -> Path:
    np.savez(name, **arrays)
    return Path(name)


def expected(array: str) -> list[tuple[str, str]]:
    return [(f"{array}#{i}", NAMES[k]) for i, k in enumerate(LABELS)]


FORMS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "images and labels": (lambda: {"images": images(), "labels": LABELS}, "images"),
    "x and y": (lambda: {"x": images(), "y": LABELS[:, None].astype(int)}, "x"),
    "X and y": (lambda: {"X": images(), "y": LABELS.astype(float)}, "X"),
    "by position": (lambda: {"arr_0": images(), "arr_1": LABELS}, "arr_0"),
    "channels first": (lambda: {"x": images().transpose(0, 3, 1, 2), "y": LABELS}, "x"),
    "one-hot": (lambda: {"x": images(), "y": np.eye(3)[LABELS]}, "x"),
    "names": (lambda: {"x": images(), "y": np.array([NAMES[k] for k in LABELS])}, "x"),
    "int64": (lambda: {"x": images().astype(np.int64), "y": LABELS}, "x"),
    "0 to 1": (lambda: {"x": (images() / 255).astype(np.float32), "y": LABELS}, "x"),
    "0 to 255": (lambda: {"x": images().astype(np.float32), "y": LABELS}, "x"),
    "RGBA": (lambda: {"x": np.concatenate([images(), np.full((6, 8, 8, 1), 255, np.uint8)], 3), "y": LABELS}, "x"),
    "further arrays": (lambda: {"images": images(), "labels": LABELS, "lux": np.arange(6), "seed": np.array(3)}, "images"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORMS)
def test_every_form_gives_the_images_of_the_class_folders(kind: str) -> None:
    make, array = FORMS[kind]
    made = rows_of(saved(**make()))
    plain = rows_of("tree")
    assert [(row["id"], NAMES[row["label"]]) for row in made] == expected(array)
    assert [row["probabilities"] for row in made] == [row["probabilities"] for row in plain]


@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_read_compressed_arrays_each_by_itself(workers: int) -> None:
    np.savez_compressed("d.npz", x=images(), y=LABELS)
    assert [row["probabilities"] for row in rows_of("d.npz", workers=workers, batch_size=1)] == [
        row["probabilities"] for row in rows_of("tree")
    ]


def test_grey_images_and_sixteen_bits_are_read_as_files_would_be() -> None:
    grey = np.arange(6, dtype=np.uint8)[:, None, None] * np.full((6, 8, 8), 40, np.uint8)
    wide = grey.astype(np.uint16) * 257
    first, second = (rows_of(saved(x=x, y=LABELS)) for x in (grey, wide))
    assert [row["confidence"] for row in first] == [row["confidence"] for row in second]
    assert any("16" in note.sentence for note in facts_of("d.npz").notes)
    bright = saved("b.npz", x=grey > 60, y=LABELS)
    assert len(rows_of(bright)) == 6


def medmnist() -> Path:
    """As MedMNIST writes it: three splits, labels (N, 1)."""
    parts = {"train": slice(0, 2), "val": slice(2, 3), "test": slice(3, 6)}
    arrays = {}
    for name, some in parts.items():
        arrays |= {f"{name}_images": images()[some], f"{name}_labels": LABELS[some, None]}
    return saved("pathmnist.npz", **arrays)


@pytest.mark.parametrize("names", ["{}_images {}_labels", "x_{} y_{}", "X_{} Y_{}", "X{} y{}"])
def test_splits_must_be_chosen_from(names: str) -> None:
    image, label = names.split()
    arrays = {}
    for split in ("train", "test"):
        arrays |= {image.format(split): images(), label.format(split): LABELS}
    error = refused(saved(**arrays))
    assert (error.slug, error.hint) == ("data-splits", "choose one: --split test")
    assert "test (6 images), train (6 images)" in error.message
    assert labelled("d.npz", split="test") == expected(image.format("test"))


def test_medmnist_is_read_by_split() -> None:
    data = medmnist()
    assert labelled(data, split="test") == [
        (f"test_images#{i}", NAMES[LABELS[i + 3]]) for i in range(3)
    ]
    assert facts_of(data, split="test").samples.skipped == {
        "images of the split train": 2, "images of the split val": 1,
    }  # fmt: skip
    error = refused(data, split="holdout")
    assert (error.slug, error.hint) == ("split-unknown", "--split test")


def test_class_names_in_the_file_are_read() -> None:
    own = np.array(["ship", "dog", "cat"])
    data = saved(x=images(), y=[list(own).index(NAMES[k]) for k in LABELS], class_names=own)
    assert labelled(data) == expected("x")
    made = predicted(data, classes=None)
    assert made.facts.classes == tuple(own)


def test_of_several_arrays_one_is_named() -> None:
    data = saved(left=images(), right=images()[::-1], y=LABELS)
    error = refused(data)
    assert (error.slug, error.hint) == ("column-ambiguous", "choose one: --image-column left")
    assert labelled(data, image_column="left") == expected("left")
    assert refused(data, image_column="y").slug == "table-columns"
    data = saved(x=images(), coarse=LABELS * 0, fine=LABELS)
    error = refused(data)
    assert (error.slug, "--label-column" in (error.hint or "")) == ("table-columns", True)
    assert labelled(data, label_column="fine") == expected("x")
    arrays = {"test_images": images(), "test_coarse": LABELS * 0, "test_fine": LABELS}
    assert labelled(saved(**arrays), label_column="test_fine") == expected("test_images")


REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], str, str]] = {
    "normalised": (lambda: {"x": (images() - 120.0) / 50, "y": LABELS}, "array-range", "pixels are 0 to 255"),
    "resized": (lambda: {"x": images() / 255 + 0.001, "y": LABELS}, "array-range", "no whole levels"),
    "not finite": (lambda: {"x": np.full((6, 8, 8), np.nan), "y": LABELS}, "array-range", "not finite"),
    "lengths": (lambda: {"x": images(), "y": LABELS[:5]}, "length-mismatch", '"x" has 6 images, "y" has 5 rows'),
    "several labels": (lambda: {"x": images(), "y": np.ones((6, 3), int)}, "labels-one-hot", ""),
    "no images": (lambda: {"scores": np.ones((6, 3)), "y": LABELS}, "array-images", "has no array of images"),
    "Fortran": (lambda: {"x": np.asfortranarray(images()), "y": LABELS}, "array-images", "Fortran order"),
    "objects": (lambda: {"x": np.array([images(), None], object), "y": LABELS}, "array-objects", ""),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_image_is_refused(kind: str) -> None:
    make, slug, words = REFUSED[kind]
    error = refused(saved(**make()))
    assert error.slug == slug
    assert error.exit_code in (2, 3)
    assert words in error.message


def code_in(error: Any) -> str:
    return "\n".join(line[4:] for line in error.details if line.startswith("    "))


def test_flat_rows_become_images_by_the_printed_lines() -> None:
    saved(x=np.arange(2 * 784).reshape(2, 784) % 256, y=[0, 1])
    exec(code_in(refused("d.npz")), {})
    assert np.load("images.npz")["x"].shape == (2, 28, 28)
    assert len(rows_of("images.npz")) == 2


def test_normalised_arrays_can_be_given_in_python_by_the_printed_lines() -> None:
    import torch

    saved(x=(images() - 120.0) / 50, y=LABELS)
    names = {"labels": LABELS.astype(int)}
    exec(code_in(refused("d.npz")), names)
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    made = reportgen.predict(network, names["data"], classes=NAMES, out="live")  # type: ignore[arg-type]
    assert made.n_rows == 6


def test_a_truncated_archive_is_refused() -> None:
    data = saved(x=images(), y=LABELS)
    data.write_bytes(data.read_bytes()[:-30])
    assert refused(data).slug == "array-damaged"
    with zipfile.ZipFile("e.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00")
    assert refused("e.npz").slug == "array-damaged"


def test_a_report_of_arrays_has_its_pictures_and_one_made_again_too() -> None:
    data = saved(x=images(), y=LABELS[::-1])
    reportgen.run("colours.py:make", data, out="report", classes="names.txt")
    reportgen.render("report/predictions.parquet", out="again", images=data)
    pages = [Path(folder, "report.html").read_text() for folder in ("report", "again")]
    assert pages[0].count("data:image/") == pages[1].count("data:image/") > 3


# IDX


def idx(path: str, values: Array, kind: int = 8) -> Path:
    head = bytes((0, 0, kind, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    content = head + values.tobytes()
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(gzip.compress(content) if path.endswith("gz") else content)
    return Path(path)


def grey() -> Array:
    """uint8, shape (6, 8, 8)."""
    return np.arange(6, dtype=np.uint8)[:, None, None] * np.full((6, 8, 8), 40, np.uint8)


def mnist(folder: str = "raw", ending: str = "-idx{}-ubyte.gz") -> Path:
    for split in ("train", "t10k"):
        idx(f"{folder}/{split}-images{ending.format(3)}", grey())
        idx(f"{folder}/{split}-labels{ending.format(1)}", LABELS)
    return Path(folder)


ROWS = [f"t10k-images-idx3-ubyte.gz#{i}" for i in range(6)]


def test_the_files_of_mnist_are_read_as_pairs() -> None:
    data = mnist()
    error = refused(data)
    assert (error.slug, error.hint) == ("data-splits", "choose one: --split test")
    for given, options in ((data, {"split": "test"}), (data / "t10k-images-idx3-ubyte.gz", {})):
        made = rows_of(given, **options)
        assert [row["id"] for row in made] == ROWS
        assert [row["label"] for row in made] == LABELS.tolist()
    assert facts_of(data, split="test").samples.skipped == {"files of the split train": 1}


@pytest.mark.parametrize("ending", ["-idx{}-ubyte", ".idx{}-ubyte", ".idx{}-ubyte.gz"])
def test_other_spellings_of_the_names_are_read(ending: str) -> None:
    data = mnist(ending=ending)
    assert [row["label"] for row in rows_of(data, split="test")] == LABELS.tolist()


def test_pixels_of_idx_are_those_of_files() -> None:
    for i, picture in enumerate(grey()):
        folder = Path("grey", NAMES[LABELS[i]])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(folder / f"{i}.png")
    files, rows = rows_of("grey"), rows_of(mnist(), split="test", workers=2, batch_size=1)
    assert [row["probabilities"] for row in rows] == [row["probabilities"] for row in files]


def test_a_compressed_file_beside_its_own_content_counts_once() -> None:
    data = mnist()
    idx("raw/t10k-images-idx3-ubyte", grey())
    made = rows_of(data, split="test")
    assert [row["id"] for row in made] == [f"t10k-images-idx3-ubyte#{i}" for i in range(6)]


def test_two_data_sets_in_a_folder_are_told_apart() -> None:
    for name in ("letters", "digits"):
        idx(f"raw/emnist-{name}-test-images-idx3-ubyte", grey())
        idx(f"raw/emnist-{name}-test-labels-idx1-ubyte", LABELS)
    error = refused("raw")
    assert (error.slug, error.hint) == ("data-splits", "choose one: --split emnist-digits-test")
    assert len(rows_of("raw", split="emnist-letters-test")) == 6


def damaged_pairs() -> dict[str, Callable[[], Any]]:
    return {
        "short": lambda: Path("a-images-idx3-ubyte").write_bytes(idx("a-images-idx3-ubyte", grey()).read_bytes()[:-1]),
        "long": lambda: Path("a-images-idx3-ubyte").write_bytes(idx("a-images-idx3-ubyte", grey()).read_bytes() + b"x"),
        "gzip": lambda: Path("a-images-idx3-ubyte.gz").write_bytes(idx("a-images-idx3-ubyte.gz", grey()).read_bytes()[:-12]),
        "huge": lambda: Path("a-images-idx3-ubyte").write_bytes(bytes((0, 0, 8, 3)) + b"\x7f" * 12),
        "flat": lambda: idx("a-images-idx3-ubyte", np.zeros((3, 0, 8), np.uint8)),
        "thin": lambda: idx("a-images-idx3-ubyte", np.zeros((3, 8, 0), np.uint8)),
        "labels": lambda: (idx("a-images-idx3-ubyte", grey()), idx("a-labels-idx1-ubyte", grey())),
    }  # fmt: skip


@pytest.mark.parametrize("kind", damaged_pairs())
def test_damaged_files_are_refused(kind: str) -> None:
    damaged_pairs()[kind]()
    (data,) = Path().glob("a-images-*")
    assert refused(data).slug == "idx-damaged"


def test_labels_of_another_length_and_none_are_told() -> None:
    idx("t10k-images-idx3-ubyte", grey())
    assert [row["label"] for row in rows_of("t10k-images-idx3-ubyte")] == [-1] * 6
    with pytest.raises(DataError) as caught:
        reportgen.run("colours.py:make", "t10k-images-idx3-ubyte", out="r", classes="names.txt")
    assert caught.value.slug == "data-unlabelled"
    idx("t10k-labels-idx1-ubyte", LABELS[:4])
    error = refused("t10k-images-idx3-ubyte")
    assert error.slug == "length-mismatch"


def test_a_report_of_idx_has_its_pictures() -> None:
    data = mnist()
    made = reportgen.run("colours.py:make", data, out="r", classes="names.txt", split="test")
    reportgen.render("r/predictions.parquet", out="again", images=data)
    pages = [Path(folder, "report.html").read_text() for folder in ("r", "again")]
    assert pages[0].count("data:image/") == pages[1].count("data:image/") > 0
    assert (
        json.loads(Path("r/report.json").read_text())["samples"]["counted"] == made.samples.counted
    )


def repacked(method: int) -> Path:
    """As an archive of that method, with the images at its end."""
    saved(y=LABELS, x=images())
    with zipfile.ZipFile("d.npz") as plain, zipfile.ZipFile("p.npz", "w", method) as packed:
        for name in plain.namelist():
            packed.writestr(name, plain.read(name))
    return Path("p.npz")


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_damage_in_an_array_is_told_wherever_it_is(method: int) -> None:
    """No image is taken from an array whose sum is wrong, and no place of it ends in a crash."""
    path = repacked(method)
    whole = path.read_bytes()
    n = 0
    for at in range(30, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            packed = open_data(path, Options())
        except ReportgenError:
            n += 1
            continue
        for raw in packed.raws:
            try:
                packed.contents.decode(packed.contents.read(raw), raw)
            except Unreadable:
                n += 1
                break
    assert n > 20


def test_a_damaged_array_ends_in_bad_samples() -> None:
    path = repacked(zipfile.ZIP_LZMA)
    content = bytearray(path.read_bytes())
    at = content.index(b"x.npy") + 60
    content[at] ^= 0x5A
    path.write_bytes(bytes(content))
    assert refused(path).slug in ("array-damaged", "too-many-bad")
