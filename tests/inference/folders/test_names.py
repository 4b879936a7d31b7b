"""A sample's id can be printed anywhere and leads back to its file, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import DataError
from reportgen.inference.folders.files import escape, locate, open_regular, read_to_end
from reportgen.inference.folders.scan import scan
from tests.inference.file_trees import file_tree, ids

# --- names ---------------------------------------------------------------------------------------

NAMES = [
    (b"caf\xe9.png", r"caf\xe9.png"),
    ("café.png".encode(), "café.png"),
    (b"new\nline.png", r"new\nline.png"),
    (b"tab\t.png", r"tab\t.png"),
    (b"esc\x1b[31m.png", r"esc\x1b[31m.png"),
    ("rtl\u202egnp.png".encode(), r"rtl\u202egnp.png"),
    (b"-rf.png", "-rf.png"),
    (b"space .png", "space .png"),
    (b" <img src=x>.png", " <img src=x>.png"),
    ("長い名前.png".encode(), "長い名前.png"),
    (b"back\\slash.png", r"back\slash.png"),
    (b"x" * 251 + b".png", "x" * 251 + ".png"),
]


@pytest.mark.parametrize(("raw", "shown"), NAMES)
def test_any_file_name_has_a_printable_id_that_leads_back(
    tmp_path: Path, raw: bytes, shown: str
) -> None:
    root = file_tree(tmp_path, [b"cat/" + raw])
    (file,) = scan(root).files
    assert file.id == f"cat/{shown}"
    file.id.encode("utf-8")
    located = locate(root, file.id)
    assert located is not None
    assert located == file.path
    assert located.read_bytes() == b"cat/" + raw


def test_class_folders_may_have_any_name_too(tmp_path: Path) -> None:
    root = file_tree(tmp_path, [b"caf\xe9/in\x01ner/a.png"])
    found = scan(root)
    assert found.folders == (r"caf\xe9",)
    assert ids(found) == [r"caf\xe9/in\x01ner/a.png"]
    assert locate(root, ids(found)[0]) == found.files[0].path


def test_a_name_that_spells_out_the_escape_of_another_is_refused(tmp_path: Path) -> None:
    root = file_tree(tmp_path, [b"cat/\xe9.png", rb"cat/\xe9.png"])
    with pytest.raises(DataError) as caught:
        scan(root)
    assert caught.value.slug == "duplicate-ids"
    assert r'"cat/\xe9.png"' in caught.value.message


@given(st.binary(min_size=1, max_size=20).filter(lambda raw: b"/" not in raw and b"\0" not in raw))
def test_every_name_can_be_shown(raw: bytes) -> None:
    shown = escape(os.fsdecode(raw))
    shown.encode("utf-8")
    assert "\n" not in shown
    assert "\x1b" not in shown


# --- finding a file again ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sample_id",
    [
        "../secret.png",
        "cat/../../secret.png",
        "cat/..",
        "",
        "/",
        "cat",
        "cat/",
        "cat//a.png",
        "./cat/a.png",
        "cat/./a.png",
        "cat/.hidden.png",
        ".git/a.png",
        "cat/readme.txt",
        "cat/none.png",
        "cat/\0.png",
        "cat/a.png/b.png",
        "cat/pipe.png",
        "cat/\\xff.png",
        "x" * 5000 + "/a.png",
        "\\" + "x" * 5000 + "/a.png",
    ],
)
def test_an_id_that_no_scan_gives_leads_nowhere(tmp_path: Path, sample_id: str) -> None:
    root = file_tree(
        tmp_path / "root", ["cat/a.png", "cat/.hidden.png", ".git/a.png", "cat/readme.txt"]
    )
    file_tree(tmp_path, ["secret.png"])
    os.mkfifo(root / "cat" / "pipe.png")
    assert locate(root, sample_id) is None
    assert locate(root, str(tmp_path / "secret.png")) is None
    assert locate(root, "cat/a.png") == root / "cat" / "a.png"


def test_an_image_outside_a_class_folder_can_be_located(tmp_path: Path) -> None:
    root = file_tree(tmp_path, ["a.png"])
    assert locate(root, "a.png") == root / "a.png"


# --- reading ---


@pytest.mark.parametrize("believed", [0, 1, 99, 100, 101, 5000])
def test_a_file_is_read_to_its_end_whatever_size_it_was_thought_to_have(
    tmp_path: Path, believed: int
) -> None:
    content = os.urandom(100)
    (tmp_path / "x").write_bytes(content)
    with open_regular(tmp_path / "x") as (descriptor, size):
        assert size == 100
        assert read_to_end(descriptor, believed) == content


def test_a_pipe_that_takes_a_files_place_blocks_nobody(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(OSError, match="named pipe"), open_regular(tmp_path / "pipe.png"):
        pass
