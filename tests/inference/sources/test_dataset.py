"""Whatever a file or a transform does, a data set gives samples of numbers and strings."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from reportgen.errors import Interrupted
from reportgen.inference.folders.scan import scan
from reportgen.inference.folders.tree import UnreadableFile
from reportgen.inference.images.flags import ImageFlag
from reportgen.inference.images.preprocessing import Preprocessing
from reportgen.inference.packed import contents
from reportgen.inference.sources.dataset import ImageFolderDataset, Sample
from reportgen.options.run import Options

CIFAR = Path(__file__).resolve().parents[4] / "shared/data/cifar10/test"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Six small images in two classes, one name of which is not UTF-8."""
    colours = np.random.default_rng(3).integers(0, 256, (6, 8, 9, 3), dtype=np.uint8)
    names = ["cat/a.png", "cat/b.png", "cat/caf\udce9.png", "dog/c.png", "dog/d.png", "dog/e.png"]
    for name, pixels in zip(names, colours, strict=True):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as stream:  # Pillow can't encode such a name itself
            Image.fromarray(pixels).save(stream, "PNG")
    return tmp_path / "data"


def made(root: Path, **options: Any) -> ImageFolderDataset:
    return ImageFolderDataset(scan(root).files, Preprocessing.from_options(Options(**options)))


def transform(root: Path, body: str) -> str:
    path = root.parent / "prepare.py"
    path.write_text(f"import torch\n{body}\n", encoding="utf-8")
    return f"{path}:prepare"


def only_numbers_and_strings(sample: Sample) -> bool:
    return (
        type(sample.index) is int
        and type(sample.flags) is int
        and (sample.reason is None or type(sample.reason) is str)
        and (sample.image is None) is (sample.reason is not None)
    )


def test_samples_are_the_images_in_the_order_of_the_scan(root: Path) -> None:
    dataset = made(root)
    theirs = ImageFolder(
        str(root), v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    )
    assert len(dataset) == len(theirs) == 6
    for index, (image, _) in enumerate(theirs):
        sample = dataset[index]
        assert only_numbers_and_strings(sample)
        assert sample.index == index
        assert sample.image is not None
        assert torch.equal(sample.image, image)
        assert (sample.flags, sample.fatal) == (0, False)


def test_iterating_ends(root: Path) -> None:
    assert [sample.index for sample in made(root)] == list(range(6))  # type: ignore[attr-defined]
    with pytest.raises(IndexError):
        made(root)[-1]


def test_an_empty_data_set_is_empty(root: Path) -> None:
    empty = ImageFolderDataset([], Preprocessing())
    assert len(empty) == 0
    assert list(empty) == []  # type: ignore[call-overload]


def test_flags_of_the_decoder_are_passed_on(root: Path) -> None:
    (root / "cat/a.png").rename(root / "cat/a.jpg")
    assert made(root)[0].flags == ImageFlag.WRONG_EXTENSION


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<html></html>", "is not an image (starts with <html)"),
        (b"version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer, run git lfs pull"),
    ],
)
def test_a_bad_file_is_a_reason_and_the_others_go_on(
    root: Path, content: bytes, reason: str
) -> None:
    (root / "cat/b.png").write_bytes(content)
    samples = list(made(root))  # type: ignore[call-overload]
    assert [sample.reason for sample in samples] == [None, reason, None, None, None, None]
    assert all(map(only_numbers_and_strings, samples))


def test_a_file_that_vanished_since_the_scan_is_not_used(root: Path) -> None:
    dataset = made(root)
    (root / "cat/a.png").unlink()
    (root / "dog/d.png").unlink()
    os.mkfifo(root / "dog/d.png")
    (root / "dog/e.png").unlink()
    (root / "dog/e.png").mkdir()
    assert [dataset[index].reason for index in (0, 3, 4, 5)] == [
        "is not there",
        None,
        "is a named pipe, not a file",
        "is a device, not a file",
    ]


def test_a_sample_says_the_hash_of_the_bytes_that_were_decoded(root: Path) -> None:
    (root / "cat/b.png").write_bytes(b"no image")
    (root / "dog/d.png").unlink()
    dataset = made(root)
    (root / "dog/e.png").unlink()
    expected = [
        hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None
        for path in (root / file.raw for file in scan(root).files)
    ]
    assert [sample.digest for sample in dataset] == [*expected, None]  # type: ignore[attr-defined]
    assert [dataset.digest(i) for i in range(len(dataset))] == [*expected, None]


def test_what_the_scan_knows_to_be_no_file_is_never_opened(root: Path) -> None:
    files = [*scan(root).files, UnreadableFile("dog/z", "dog", "is a device, not a file")]
    dataset = ImageFolderDataset(files, Preprocessing())
    assert len(dataset) == 7
    assert (dataset[6].reason, dataset[6].digest) == ("is a device, not a file", None)
    assert dataset.digest(6) is None
    assert dataset[5].image is not None


def test_a_file_of_a_size_that_no_image_has_is_not_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "MAX_IMAGE_BYTES", 10)
    assert "GB; the limit is" in str(made(root)[0].reason)


RAISERS = {
    "ValueError": "def prepare(image):\n    raise ValueError('no')",
    "unpicklable": (
        "class Odd(Exception):\n"
        "    def __init__(self, a, b): super().__init__(lambda: a)\n"
        "def prepare(image):\n    raise Odd(1, 2)"
    ),
    "not an Exception": (
        "class Panic(BaseException): ...\ndef prepare(image):\n    raise Panic('at the disco')"
    ),
    "str fails": (
        "class Odd(Exception):\n"
        "    def __str__(self): raise RuntimeError\n"
        "def prepare(image):\n    raise Odd"
    ),
    "recursion": "def prepare(image):\n    return prepare(image)",
    "memory": "def prepare(image):\n    raise MemoryError",
    "stop": "def prepare(image):\n    raise StopIteration",
}


@pytest.mark.parametrize("name", RAISERS)
def test_whatever_a_transform_raises_becomes_a_reason(root: Path, name: str) -> None:
    sample = made(root, transform=transform(root, RAISERS[name]))[0]
    assert only_numbers_and_strings(sample)
    assert not sample.fatal
    assert sample.reason is not None
    assert sample.reason.startswith("the transform failed: ")


def test_the_reason_of_a_failing_transform_names_the_error_and_the_line(root: Path) -> None:
    sample = made(root, transform=transform(root, RAISERS["ValueError"]))[0]
    assert sample.reason == "the transform failed: ValueError: no (prepare.py, line 3, in prepare)"


def test_a_transform_that_returns_no_tensor_is_fatal(root: Path) -> None:
    sample = made(root, transform=transform(root, "prepare = lambda image: None"))[0]
    assert sample.fatal
    assert only_numbers_and_strings(sample)
    assert sample.reason == ('the transform "prepare.py:prepare" returned a NoneType, not a tensor')


@pytest.mark.parametrize("request_to_end", [KeyboardInterrupt, SystemExit, Interrupted("stop")])
def test_a_request_to_end_is_no_finding_about_an_image(
    root: Path, monkeypatch: pytest.MonkeyPatch, request_to_end: Any
) -> None:
    def prepare(self: Preprocessing, image: Image.Image) -> torch.Tensor:
        raise request_to_end

    def decode(content: bytes, *, name: str) -> Any:
        raise request_to_end

    kind = request_to_end if isinstance(request_to_end, type) else Interrupted
    dataset = made(root)
    with monkeypatch.context() as patched:
        patched.setattr(Preprocessing, "__call__", prepare)
        with pytest.raises(kind):
            dataset[0]
    monkeypatch.setattr(contents, "decode", decode)
    with pytest.raises(kind):
        dataset[0]


def test_it_is_small_and_survives_pickling(root: Path) -> None:
    dataset = made(root, resize="4x4")
    content = pickle.dumps(dataset)
    assert b"ImageFile" not in content
    again = pickle.loads(content)
    for one, other in zip(dataset, again, strict=True):  # type: ignore[call-overload]
        assert torch.equal(one.image, other.image)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_give_the_same_samples(root: Path, method: str) -> None:
    """A raising transform among them: its exception can't be pickled, and nobody hangs."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    body = (
        "class Odd(Exception):\n"
        "    def __init__(self, a, b): super().__init__(lambda: a)\n"
        "seen = []\n"
        "def prepare(image):\n"
        "    if image.getpixel((0, 0)) == BAD: raise Odd(1, 2)\n"
        "    return torch.full((1, 2, 2), image.getpixel((0, 0))[0] / 255)\n"
    )
    with Image.open(root / "dog/c.png") as image:
        body += f"BAD = {image.getpixel((0, 0))}\n"
    dataset = made(root, transform=transform(root, body))
    expected = list(dataset)  # type: ignore[call-overload]
    loader: Any = torch.utils.data.DataLoader(
        dataset,  # type: ignore[arg-type]
        batch_size=2,
        num_workers=1,
        collate_fn=list,
        timeout=120,
        multiprocessing_context=method,
    )
    found = [sample for batch in loader for sample in batch]
    assert [sample.reason is None for sample in found] == [True, True, True, False, True, True]
    for one, other in zip(found, expected, strict=True):
        assert (one.index, one.reason) == (other.index, other.reason)
        assert one.image is None or torch.equal(one.image, other.image)


@pytest.mark.skipif(not CIFAR.is_dir(), reason="the CIFAR-10 images are not beside the checkout")
def test_real_images_equal_those_of_torchvisions_image_folder() -> None:
    theirs = ImageFolder(
        str(CIFAR), v2.Compose([v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)])
    )
    files = scan(CIFAR).files
    dataset = ImageFolderDataset(files, Preprocessing())
    assert [str(file.path) for file in files] == [path for path, _ in theirs.samples]
    for index in range(0, len(files), 97):
        image = dataset[index].image
        assert image is not None
        assert torch.equal(image, theirs[index][0])
