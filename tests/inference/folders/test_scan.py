"""A folder of class folders is listed the same everywhere, completely, and without surprises."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reportgen.errors import DataError, UsageError
from reportgen.inference.folders import tree
from reportgen.inference.folders.files import has_image_name, locate
from reportgen.inference.folders.scan import check_local, scan
from reportgen.inference.folders.tree import FolderScan
from tests.inference.file_trees import file_tree, ids

CIFAR = Path(__file__).resolve().parents[4] / "shared/data/cifar10/test"
E_ACUTE, E_COMBINED = "\u00e9", "e\u0301"


def note_codes(found: FolderScan) -> list[str]:
    return [note.code for note in found.notes]


def fails(root: Path, **options: Any) -> DataError:
    with pytest.raises(DataError) as caught:
        scan(root, **options)
    return caught.value


# --- what is found -------------------------------------------------------------------------------


def test_images_are_listed_by_id_with_folder_and_path(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["dog/2.png", "cat/b.jpg", "cat/a.JPEG", "cat/deep/er/c.webp"])
    found = scan(root)
    assert ids(found) == ["cat/a.JPEG", "cat/b.jpg", "cat/deep/er/c.webp", "dog/2.png"]
    assert found.folders == ("cat", "dog")
    assert [file.folder for file in found.files] == ["cat", "cat", "cat", "dog"]
    assert found.n_found == 4
    assert found.notes == ()
    for file in found.files:
        assert file.path.read_bytes() == file.id.encode()
        assert locate(root, file.id) == file.path


def test_a_millionth_of_a_million_files_takes_little_memory(tmp_path: Path) -> None:
    file = scan(file_tree(tmp_path, ["cat/a.png"])).files[0]
    assert not hasattr(file, "__dict__")
    assert file.raw is file.id


EXTENSIONS = "jpg jpeg jpe jfif png webp bmp dib gif tif tiff ppm pgm pbm pnm JPG Jpeg TIFF"


@pytest.mark.parametrize("extension", EXTENSIONS.split())
def test_the_extension_in_any_case_selects_candidates(tmp_path: Path, extension: str) -> None:
    assert ids(scan(file_tree(tmp_path, [f"cat/x.{extension}"]))) == [f"cat/x.{extension}"]


@pytest.mark.parametrize("name", ["x", "jpg", "x.txt", "x.svg", "x.heic", "x.jpg.txt", "png."])
def test_other_files_are_no_candidates(name: str) -> None:
    assert not has_image_name(name)


def test_what_is_no_sample_is_counted_by_reason(tmp_path: Path) -> None:
    root = file_tree(
        tmp_path,
        [
            "cat/a.png",
            "cat/Thumbs.db",
            "cat/readme.txt",
            "cat/.DS_Store",
            "cat/.hidden.png",
            "cat/._a.png",
            "cat/.ipynb_checkpoints/a.png",
            ".git/x.png",
            "__MACOSX/cat/a.png",
            "cat/@eaDir/a.png",
            "labels.csv",
            "stray.png",
            "other.jpg",
        ],
    )
    found = scan(root)
    assert ids(found) == ["cat/a.png"]
    assert found.folders == ("cat",)
    assert found.skipped == {
        "AppleDouble files (._*)": 1,
        "files that are not images": 3,
        "hidden files": 2,
        "hidden or system folders": 4,
        "images outside the class folders": 2,
    }
    notes = {note.code: note for note in found.notes}
    assert notes["folders-hidden"].examples == (
        ".git",
        "__MACOSX",
        "cat/.ipynb_checkpoints",
        "cat/@eaDir",
    )
    assert notes["images-outside-folders"].count == 2
    assert notes["images-outside-folders"].severity == "warning"


def test_a_class_folder_without_images_is_kept_and_told(tmp_path: Path) -> None:
    found = scan(file_tree(tmp_path, ["cat/a.png", "dog/", "eel/notes.txt"]))
    assert found.folders == ("cat", "dog", "eel")
    (note,) = found.notes
    assert (note.code, note.count, note.examples) == ("class-folders-empty", 2, ("dog", "eel"))


def test_the_listing_does_not_depend_on_the_order_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = file_tree(tmp_path, [f"{c}/{n}/{c}{n}.png" for c in "cab" for n in "312"])
    (root / "b" / "0").symlink_to(root / "c")
    (root / "a" / "9").symlink_to(root / "b")
    expected = scan(root)
    entries = tree._Walker.entries

    def backwards(self: Any, folder: Any) -> Any:
        return entries(self, folder)[::-1]

    monkeypatch.setattr(tree._Walker, "entries", backwards)
    assert scan(root) == expected


# --- names ---------------------------------------------------------------------------------------


def test_folders_whose_names_look_the_same_are_refused(tmp_path: Path) -> None:
    error = fails(file_tree(tmp_path, [f"caf{E_ACUTE}/a.png", f"caf{E_COMBINED}/b.png"]))
    assert error.slug == "classes-twins"
    assert r'"caf\xe9"' in error.message
    assert r'"cafe\u0301"' in error.message
    assert fails(file_tree(tmp_path / "x", ["cat/a.png", "cat /b.png"])).slug == "classes-twins"


def test_folders_that_differ_in_case_are_a_warning(tmp_path: Path) -> None:
    found = scan(file_tree(tmp_path, ["Cat/a.png", "cat/b.png", "dog/c.png"]))
    (note,) = found.notes
    assert (note.code, note.severity, note.examples) == (
        "class-folders-case",
        "warning",
        ("Cat/cat",),
    )


# --- links and special files ---------------------------------------------------------------------


def test_links_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    root = file_tree(tmp_path / "root", ["cat/a.png", "dog/b.png"])
    (root / "cat" / "up").symlink_to(root)
    (root / "cat" / "self").symlink_to(root / "cat")
    (root / "dog" / "to-cat").symlink_to(root / "cat")
    found = scan(root)
    assert ids(found) == ["cat/a.png", "dog/b.png"]
    (note,) = found.notes
    assert note.code == "folders-reached-twice"
    assert note.examples == ("cat/self → cat", "cat/up → .", "dog/to-cat → cat")
    assert found.skipped == {"folders reached a second time": 3}


def test_a_link_takes_no_images_from_the_folder_they_lie_in(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["b/1.png", "c/2.png"])
    (root / "a").symlink_to(root / "b")
    (root / "b" / "0").symlink_to(root / "c")
    found = scan(root)
    assert ids(found) == ["b/1.png", "c/2.png"]
    assert found.folders == ("a", "b", "c")
    assert note_codes(found) == ["class-folders-empty", "folders-reached-twice"]


def test_links_out_of_the_folder_are_followed(tmp_path: Path) -> None:
    outside = file_tree(tmp_path / "outside", ["deep/1.png", "2.png"])
    root = file_tree(tmp_path / "root", ["cat/0.png"])
    (root / "cat" / "more").symlink_to(outside)
    (root / "dog").symlink_to(outside / "deep")
    (root / "cat" / "link.png").symlink_to(outside / "2.png")
    found = scan(root)
    assert ids(found) == ["cat/0.png", "cat/link.png", "cat/more/2.png", "cat/more/deep/1.png"]
    assert locate(root, "cat/more/2.png") == root / "cat/more/2.png"


def test_what_is_no_regular_file_is_listed_and_never_opened(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["cat/a.png"])
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    (root / "cat" / "self.jpg").symlink_to("self.jpg")
    (root / "cat" / "note.txt").symlink_to(root / "nowhere.txt")
    (root / "cat" / "device.png").symlink_to("/dev/zero")
    os.mkfifo(root / "cat" / "pipe.png")
    os.mkfifo(root / "cat" / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(root / "cat")  # a socket's path must be short
        try:
            server.bind("socket.png")
        finally:
            os.chdir(here)
        found = scan(root)
    assert ids(found) == ["cat/a.png"]
    assert [(entry.id, entry.reason) for entry in found.unreadable] == [
        ("cat/device.png", "is a device, not a file"),
        ("cat/gone.png", "is a broken link"),
        ("cat/pipe", "is a named pipe, not a file"),
        ("cat/pipe.png", "is a named pipe, not a file"),
        ("cat/self.jpg", "is a broken link"),
        ("cat/socket.png", "is a socket, not a file"),
    ]
    assert {entry.folder for entry in found.unreadable} == {"cat"}
    assert found.n_found == 7
    assert found.skipped == {"files that are not images": 1}


def test_a_folder_that_cannot_be_listed_stops_the_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = file_tree(tmp_path, ["cat/a.png", "dog/b.png"])
    scandir = os.scandir

    def refused(path: Any) -> Any:
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    error = fails(root)
    assert error.slug == "data-unreadable"
    assert error.message == 'cannot list the folder "dog": permission denied'


# --- folders that can't be used ------------------------------------------------------------------


def test_a_missing_folder_and_a_file_are_told_apart(tmp_path: Path) -> None:
    missing = fails(tmp_path / "gone")
    assert (missing.slug, missing.exit_code) == ("data-missing", 3)
    assert f'"{tmp_path}/gone" does not exist' in missing.message
    file = file_tree(tmp_path, ["data.zip"]) / "data.zip"
    assert fails(file).slug == "data-not-a-folder"
    assert "is a file, not a folder" in fails(file).message
    os.mkfifo(tmp_path / "pipe")
    assert "is a named pipe" in fails(tmp_path / "pipe").message
    assert fails(tmp_path / ("x" * 300)).slug == "data-unreadable"


def test_an_empty_folder_is_told_the_layout(tmp_path: Path) -> None:
    error = fails(tmp_path)
    assert error.slug == "data-layout"
    assert error.details == ("it is empty",)
    assert "DATA/<class name>/<image>" in str(error.hint)


def test_a_flat_folder_is_told_the_layout_and_what_was_seen(tmp_path: Path) -> None:
    error = fails(file_tree(tmp_path, [f"{n}.png" for n in range(9)] + [".git/x"]))
    assert error.slug == "data-layout"
    assert error.details == ("first entries: .git, 0.png, 1.png, 2.png, 3.png and 5 more",)


def test_class_folders_without_any_image_are_nothing_to_evaluate(tmp_path: Path) -> None:
    error = fails(file_tree(tmp_path / "val", ["cat/", "dog/readme.txt"]))
    assert error.slug == "no-samples"
    assert error.message == 'no samples in "val": nothing to evaluate'


@pytest.mark.parametrize(
    "address",
    ["http://x/y", "https://x/y", "s3://bucket/x", "gs://b/x", "hf://datasets/x", "file:///tmp"],
)
def test_addresses_are_refused_and_never_fetched(address: str) -> None:
    for refuse in (lambda: check_local(address), lambda: scan(Path(address))):
        with pytest.raises(UsageError, match="only local paths") as caught:
            refuse()
        assert (caught.value.slug, caught.value.exit_code) == ("data-remote", 2)


@pytest.mark.parametrize("path", ["data", "/data/x", "C:/data", "C:\\data", "a:b", "./http:/x"])
def test_local_paths_are_no_addresses(path: str) -> None:
    check_local(path)


# --- progress and scale --------------------------------------------------------------------------


def test_a_large_folder_is_told_while_it_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "_TELL_EVERY", 10)
    root = file_tree(tmp_path, [f"cat/{n}.png" for n in range(35)])
    told: list[int] = []
    scan(root, progress=told.append)
    assert told == [10, 20, 30, 36]


# --- the real thing ------------------------------------------------------------------------------


@pytest.mark.skipif(not CIFAR.is_dir(), reason="the CIFAR-10 images are not beside the checkout")
def test_the_cifar_10_test_set_is_found_whole() -> None:
    found = scan(CIFAR)
    assert (len(found.files), len(found.folders), found.n_found) == (10_000, 10, 10_000)
    assert len({file.id for file in found.files}) == 10_000
    assert ids(found) == sorted(ids(found))


def test_neither_torch_nor_pillow_is_needed_to_scan(tmp_path: Path) -> None:
    file_tree(tmp_path, ["cat/a.png"])
    code = (
        "import sys\n"
        "for name in ('torch', 'torchvision', 'PIL', 'numpy'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from reportgen.inference.folders.files import locate\n"
        "from reportgen.inference.folders.scan import scan\n"
        f"root = Path({str(tmp_path)!r})\n"
        "print(scan(root).files[0].id, locate(root, 'cat/a.png') is not None)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "cat/a.png True"
