"""Patterns as INPUT: the part files that match are one table, as those of a folder."""

from __future__ import annotations

import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import reportgen
from reportgen.cli import command
from reportgen.errors import DataError, UsageError
from reportgen.paths import with_pattern
from reportgen.review import find_file
from tests.importers.conftest import columns
from tests.test_predictions import IDS, split

HEAD = "label,prediction\n"


def write_parquet(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"label": labels, "prediction": ["cat"] * len(labels)}), path)


def write_text(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_pattern_is_read_as_the_folder_of_the_same_parts(box):
    parts = box.folder / "parts"
    write_parquet(parts / "a.parquet", ["cat", "dog"])
    write_parquet(parts / "b.parquet", ["dog"])
    found = reportgen.load(f"{parts}/*.parquet")
    assert found == reportgen.load(parts)
    assert found.n_samples == 3
    assert reportgen.load(f"{parts}/[b].parquet").n_samples == 1


@pytest.mark.parametrize("pattern", ["**/*.parquet", "split=*/*.parquet"])
def test_keys_of_hive_below_a_pattern_become_columns(box, pattern):
    for value in ("test", "val"):
        write_parquet(box.folder / f"out/split={value}/p.parquet", ["cat", "dog"])
    write_parquet(box.folder / "out/_temporary/0/p.parquet", ["cat"])
    found = box.open(box.folder / "out" / pattern, where="none")
    assert columns(found, "split")["split"].tolist() == ["test"] * 2 + ["val"] * 2


def test_the_key_of_a_single_match_becomes_a_column(box):
    write_parquet(box.folder / "out/split=test/p.parquet", ["cat", "dog"])
    found = box.open(find_file(box.folder / "out/*/*.parquet", rows_first=False))
    assert columns(found, "split")["split"].tolist() == ["test", "test"]


def test_a_pattern_of_one_file_is_that_file(box):
    write_text(box.folder / "run-7/matrix.csv", ",cat,dog\ncat,3,1\ndog,0,2\n")
    assert reportgen.load(box.folder / "run-*/matrix.csv").n_samples == 6


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(box):
    write_text(box.folder / "t[1].csv", HEAD + "cat,cat\ndog,cat\n")
    write_text(box.folder / "t1.csv", HEAD + "cat,cat\n")
    assert reportgen.load(box.folder / "t[1].csv").n_samples == 2


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("parts/*.parquet", r'parts" contains a.csv, b.csv'),
        ("gone/*.csv", r'there is no folder ".*gone"'),
        ("parts/none/**/*.csv", r'there is no folder ".*none"'),
    ],
)
def test_a_pattern_without_a_match_says_what_there_is(box, pattern, words):
    for name in ("a.csv", "b.csv", "_SUCCESS"):
        write_text(box.folder / "parts" / name, HEAD + "cat,cat\n")
    with pytest.raises(DataError, match=f"no file matches .*{words}") as caught:
        reportgen.load(box.folder / pattern)
    assert caught.value.slug == "input-no-match"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.csv", "b.parquet"), 'files of several formats: "a.csv", "b.parquet"'),
        (("a.csv", "b.md"), 'files of several formats: "a.csv", "b.md"'),
        (("a.npy", "b.npy"), '"a.npy", which is not a part of a table'),
    ],
)
def test_what_matches_and_is_no_part_is_refused(box, names, words):
    for name in names:
        write_text(box.folder / "parts" / name, HEAD + "cat,cat\n")
    with pytest.raises(DataError, match=words) as caught:
        reportgen.load(box.folder / "parts/*")
    assert caught.value.slug == "input-pattern"


def test_own_parts_that_match_keep_their_class_names(tmp_path):
    folder = split(tmp_path, IDS, [4, 5])
    assert reportgen.load(folder / "*.parquet").classes == ("a", "b", "c")


def test_a_pattern_that_the_shell_replaced_is_typed_again_in_quotes(box, capsys, monkeypatch):
    monkeypatch.chdir(box.folder)
    for name in ("part-0.parquet", "part-1.parquet"):
        write_parquet(Path("parts") / name, ["cat", "dog"])
    names = ["parts/part-0.parquet", "parts/part-1.parquet"]
    with pytest.raises(UsageError, match="2 files were passed") as caught:
        command(["render", *names, "-o", "OUT"])
    assert caught.value.slug == "input-unquoted"
    line = "reportgen render 'parts/*.parquet' -o OUT"
    assert caught.value.hint == f"quote the pattern: {line}"
    assert reportgen.load(shlex.split(line)[2]).n_samples == 4
    write_parquet(Path("parts") / "other.parquet", ["cat", "dog"])
    assert with_pattern([*names, "-o", "x"]) == (["parts/part-*.parquet", "-o", "x"], 2)
    write_parquet(Path("parts") / "part-2.parquet", ["cat", "dog"])
    assert with_pattern(names) is None
    assert command(["render", *names, "-o", "OUT"]) == 2
    assert "unexpected extra argument" in capsys.readouterr().err
