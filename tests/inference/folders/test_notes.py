"""What is said of the files of a scan: sizes, and signs of training data."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from reportgen.errors import ModelError
from reportgen.inference.folders import contents
from reportgen.inference.folders.contents import header_sizes, uniform_size_or_error
from reportgen.inference.folders.notes import looks_like_training, training_note
from reportgen.inference.folders.scan import scan
from reportgen.inference.images.decoding import Size
from tests.inference.file_trees import file_tree

# --- sizes ---------------------------------------------------------------------------------------


def sizes(root: Path) -> list[tuple[str, Size | None]]:
    files = scan(root).files
    found = header_sizes([str(file.path) for file in files])
    return list(zip((file.id for file in files), found, strict=True))


def images(root: Path, sizes_of: dict[str, tuple[int, int]]) -> list[tuple[str, Size | None]]:
    for name, size in sizes_of.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(root / name)
    return sizes(root)


def test_sizes_come_from_the_headers(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 20), "cat/b.jpg": (40, 32), "dog/c.gif": (7, 5)})
    assert [size for _, size in found] == [(32, 20), (40, 32), (7, 5)]


def test_a_header_at_the_end_of_a_file_is_found_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "_HEAD_BYTES", 10)
    assert images(tmp_path, {"cat/a.tif": (32, 20)}) == [("cat/a.tif", (32, 20))]
    monkeypatch.setattr(contents, "WHOLE_BYTES", 20)
    assert sizes(tmp_path) == [("cat/a.tif", None)]


def test_images_of_two_sizes_are_refused_before_any_inference(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 32), "cat/b.png": (32, 32), "dog/x.png": (40, 32)})
    with pytest.raises(ModelError) as caught:
        uniform_size_or_error(found)
    assert (caught.value.slug, caught.value.exit_code) == ("image-sizes", 4)
    assert caught.value.message == (
        'images cannot be stacked: 32x32 and 40x32, first at "dog/x.png"; add --resize HxW'
    )


def test_images_of_one_size_can_be_stacked(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 20), "dog/b.jpg": (32, 20)})
    (tmp_path / "dog" / "broken.png").write_bytes(b"nothing")
    assert uniform_size_or_error(found) == (32, 20)
    assert uniform_size_or_error(sizes(tmp_path)) == (32, 20)
    assert uniform_size_or_error([]) is None


def test_a_header_that_pillow_warns_about_has_a_size(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/"])
    Image.new("RGB", (32, 20)).save(root / "cat" / "a.jpg")
    content = (root / "cat" / "a.jpg").read_bytes()
    index = b"MPF\0II*\0\x08\0\0\0\0\0"  # of several pictures, but names none
    segment = b"\xff\xe2" + (len(index) + 2).to_bytes(2, "big") + index
    (root / "cat" / "a.jpg").write_bytes(content[:2] + segment + content[2:])
    assert sizes(root) == [("cat/a.jpg", (32, 20))]


def test_a_decompression_bomb_has_no_size_and_makes_no_noise(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/"])
    (root / "cat" / "a.ppm").write_bytes(b"P5\n10000 10000\n255\n")
    (root / "cat" / "b.ppm").write_bytes(b"P5\n20000 20000\n255\n")
    assert [size for _, size in sizes(root)] == [None, None]


def test_interrupting_the_progress_leaves_no_thread_behind(tmp_path: Path) -> None:
    root = file_tree(tmp_path, [f"cat/{n}.png" for n in range(200)])

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(header_sizes([str(file.path) for file in scan(root).files], interrupt))
    assert not [thread for thread in threading.enumerate() if "reportgen" in thread.name]


# --- training data -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root", "split", "expected"),
    [
        ("/data/cifar/train", "", True),
        ("/data/cifar/train/images", "", True),
        ("/data/TRAIN", "", True),
        ("/data/imagesTrain", "", True),
        ("/data/mytrain2017", "", True),
        ("/data/training_set", "", True),
        ("/data/cifar/test", "train", True),
        ("/data/cifar/test", "Training", True),
        ("/data/cifar/test", "", False),
        ("/home/me/training-runs/cifar/test", "", False),
        ("/home/me/train/val", "", False),
        ("/home/me/test/train", "", True),
        ("/data/strains", "", False),
        ("/data/train/latest", "", True),
        ("/data/train/intervals", "", True),
        ("/data/holdout", "test", False),
    ],
)
def test_training_data_is_told_by_its_name(root: str, split: str, expected: bool) -> None:
    assert looks_like_training(Path(root), split) is expected
    notes = training_note(Path(root), split)
    assert len(notes) == expected
    if notes:
        assert "results are optimistic" in notes[0].sentence
