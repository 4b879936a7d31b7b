"""What a scan says of its files: duplicates, one fingerprint, sizes, and training data."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image

from reportgen.errors import ModelError
from reportgen.inference.folders import scan as hashes
from reportgen.inference.folders.notes import looks_like_training, training_note
from reportgen.inference.folders.scan import scan, uniform_size_or_error
from reportgen.inference.folders.tree import FolderScan, ImageFile, data_fingerprint
from tests.inference.file_trees import file_tree

# --- duplicates and fingerprints -----------------------------------------------------------------


def test_identical_content_is_reported_in_pairs(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/a.png", "cat/b.png", "dog/c.png", "dog/d.png"])
    for name in ("cat/z.png", "dog/y.png"):
        (root / name).write_bytes((root / "cat/a.png").read_bytes())
    (root / "dog/x.png").write_bytes((root / "dog/c.png").read_bytes())
    found = scan(root)
    assert found.duplicates == (
        ("cat/a.png", "cat/z.png"),
        ("cat/a.png", "dog/y.png"),
        ("dog/c.png", "dog/x.png"),
    )
    assert found.n_duplicates == 3
    same, across = found.notes
    assert (same.code, same.severity, same.count) == ("duplicate-images", "info", 3)
    assert (across.code, across.severity, across.count, across.examples) == (
        "duplicate-images-across-classes",
        "warning",
        1,
        ("cat/a.png = dog/y.png",),
    )


def test_empty_files_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/a.png"])
    for name in ("cat/b.png", "cat/c.png"):
        (root / name).touch()
    assert scan(root).n_duplicates == 0


def test_pairs_are_counted_beyond_those_kept(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/"])
    for n in range(1005):
        (root / "cat" / f"{n}.png").write_bytes(b"same")
    found = scan(root)
    assert (len(found.duplicates), found.n_duplicates) == (1000, 1004)
    assert found.notes[0].sentence.startswith("1,004 images have the same content as another")


def test_the_fingerprint_depends_on_ids_labels_and_content_only(tmp_path: Path) -> None:
    one = scan(file_tree(tmp_path / "one", ["cat/a.png", "dog/b.png"])).files
    two = scan(file_tree(tmp_path / "two", ["cat/a.png", "dog/b.png"])).files
    value = data_fingerprint(one, ["cat", "dog"])
    assert len(value) == 64
    assert data_fingerprint(two, ["cat", "dog"]) == value
    assert data_fingerprint(two[::-1], ["dog", "cat"]) == value
    assert data_fingerprint(one, ["cat", "cat"]) != value
    assert data_fingerprint(one[:1], ["cat"]) != value
    changed = ImageFile(one[0].id, "cat", bytes(32), one[0].root, one[0].raw)
    assert data_fingerprint([changed, one[1]], ["cat", "dog"]) != value
    renamed = ImageFile("cat/x.png", "cat", one[0].digest, one[0].root, one[0].raw)
    assert data_fingerprint([renamed, one[1]], ["cat", "dog"]) != value


def test_large_files_are_hashed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(hashes, "read_to_end", None)
    monkeypatch.setattr(hashes, "_HEAD_BYTES", 500)
    monkeypatch.setattr(hashes, "_BLOCK_BYTES", 333)
    root = file_tree(tmp_path, ["cat/"])
    content = os.urandom(5000)
    (root / "cat" / "a.png").write_bytes(content)
    assert scan(root).files[0].digest == hashlib.sha256(content).digest()


# --- sizes ---------------------------------------------------------------------------------------


def images(root: Path, sizes: dict[str, tuple[int, int]]) -> FolderScan:
    for name, size in sizes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size).save(root / name)
    return scan(root, want_sizes=True)


def test_sizes_come_from_the_headers_when_asked_for(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 20), "cat/b.jpg": (40, 32), "dog/c.gif": (7, 5)})
    assert [file.size for file in found.files] == [(32, 20), (40, 32), (7, 5)]
    assert {file.size for file in scan(tmp_path).files} == {None}


def test_images_of_two_sizes_are_refused_before_any_inference(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 32), "cat/b.png": (32, 32), "dog/x.png": (40, 32)})
    with pytest.raises(ModelError) as caught:
        uniform_size_or_error(found.files)
    assert (caught.value.slug, caught.value.exit_code) == ("image-sizes", 4)
    assert caught.value.message == (
        'images cannot be stacked: 32x32 and 40x32, first at "dog/x.png"; add --resize HxW'
    )


def test_images_of_one_size_can_be_stacked(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (32, 20), "dog/b.jpg": (32, 20)})
    (tmp_path / "dog" / "broken.png").write_bytes(b"nothing")
    assert uniform_size_or_error(found.files) == (32, 20)
    assert uniform_size_or_error(scan(tmp_path, want_sizes=True).files) == (32, 20)
    assert uniform_size_or_error([]) is None


def test_sizes_are_compared_after_the_declared_steps(tmp_path: Path) -> None:
    found = images(tmp_path, {"cat/a.png": (40, 20), "dog/b.jpg": (80, 40)})
    assert uniform_size_or_error(found.files, lambda size: (2, 1)) == (2, 1)


def test_a_header_that_pillow_warns_about_has_a_size(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/"])
    Image.new("RGB", (32, 20)).save(root / "cat" / "a.jpg")
    content = (root / "cat" / "a.jpg").read_bytes()
    index = b"MPF\0II*\0\x08\0\0\0\0\0"  # of several pictures, but names none
    segment = b"\xff\xe2" + (len(index) + 2).to_bytes(2, "big") + index
    (root / "cat" / "a.jpg").write_bytes(content[:2] + segment + content[2:])
    (file,) = scan(root, want_sizes=True).files
    assert file.size == (32, 20)


def test_a_decompression_bomb_has_no_size_and_makes_no_noise(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/"])
    (root / "cat" / "a.ppm").write_bytes(b"P5\n10000 10000\n255\n")
    (root / "cat" / "b.ppm").write_bytes(b"P5\n20000 20000\n255\n")
    assert [file.size for file in scan(root, want_sizes=True).files] == [None, None]


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
