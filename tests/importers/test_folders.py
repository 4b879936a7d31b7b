"""Folders of part files, with the keys of Hive in the names of folders."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from reportgen.errors import DataError
from reportgen.importers.formats import folders
from tests.importers.conftest import accuracy, columns

ROWS = [("a", "cat", "cat", "test"), ("b", "dog", "cat", "test"), ("c", "dog", "dog", "val")]


def test_the_keys_of_hive_become_columns(box):
    names = ("id", "label", "prediction", "split")
    table = pa.table(dict(zip(names, map(list, zip(*ROWS, strict=True)), strict=True)))
    ds.write_dataset(
        table, box.folder / "parts", format="parquet",
        partitioning=ds.partitioning(pa.schema([("split", pa.string())]), flavor="hive"),
    )  # fmt: skip
    assert (box.folder / "parts/split=test/part-0.parquet").is_file()
    found = box.open(box.folder / "parts", where="none")
    assert columns(found, "split")["split"].tolist() == ["test", "test", "val"]
    assert accuracy(found) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("part-{}.csv", bytes), ("part-{}.csv.gz", gzip.compress), ("part-{}.tsv", lambda b: b.replace(b",", b"\t"))],
)  # fmt: skip
def test_a_folder_of_csv_parts_is_one_table(box, name, pack):
    for i, row in enumerate(ROWS):
        part = box.folder / "out" / f"day=2024-01-0{i + 1}" / "hour=%20x" / name.format(i)
        part.parent.mkdir(parents=True)
        part.write_bytes(pack(b"id,label,prediction,split\n" + ",".join(row).encode() + b"\n"))
    (box.folder / "out" / "_SUCCESS").write_text("")
    (box.folder / "out" / ".part-0.csv.crc").write_text("x")
    pairs = box.pairs(box.folder / "out", where="none")
    assert pairs == [("cat", "cat"), ("dog", "cat"), ("dog", "dog")]
    found = box.open(box.folder / "out", where="none")
    assert {"day", "hour", "split"} <= set(found.metadata)
    assert 'id "id"' in found.facts.provenance.read_as


def test_a_folder_of_json_lines_may_be_called_json_as_spark_calls_it(box):
    (box.folder / "out").mkdir()
    for i in range(2):
        line = '{"label": "cat", "prediction": "dog"}\n{"label": "dog", "prediction": "dog"}\n'
        (box.folder / "out" / f"part-{i}.json").write_text(line)
    assert len(box.pairs(box.folder / "out")) == 4


def test_a_missing_value_of_a_key_is_no_value(box):
    for value in ("x", "__HIVE_DEFAULT_PARTITION__"):
        part = box.folder / "out" / f"label={value}" / "p.csv"
        part.parent.mkdir(parents=True)
        part.write_text("id,prediction\n1,x\n")
    with pytest.raises(DataError, match=r"line 2 of label=x/p.csv|the label is empty") as caught:
        box.open(box.folder / "out", id_column="none")
    assert caught.value.message.startswith("line 2 of label=__HIVE_DEFAULT_PARTITION__/p.csv")


def test_a_place_names_the_part(box):
    (box.folder / "out").mkdir()
    (box.folder / "out/a.csv").write_text("label,prediction\ncat,cat\ndog,dog\n")
    (box.folder / "out/b.csv").write_text("label,prediction\ncat,cat\n,dog\n")
    with pytest.raises(DataError, match=r"line 3 of b\.csv"):
        box.open(box.folder / "out")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.csv": "label,prediction\nx,x\n", "b.jsonl": "{}"}, "several formats: a.csv, b.jsonl"),
        ({"a.csv": "label,prediction\nx,x\n", "b.csv": "label,pred\nx,x\n"}, '"b.csv" has other columns than'),
        ({"k=1/a.csv": "label,prediction\nx,x\n", "b=1/b.csv": "label,prediction\nx,x\n"}, "other keys"),
        ({"notes.md": "x"}, "contains no tables"),
    ],
)  # fmt: skip
def test_a_folder_whose_parts_are_no_one_table_is_refused(box, files, words):
    for name, content in files.items():
        path = box.folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with pytest.raises(DataError, match=words) as caught:
        box.open(box.folder / "out")
    assert caught.value.hint


def test_large_parts_of_text_are_moved_to_disk(box, monkeypatch):
    monkeypatch.setattr(folders, "HELD_BYTES", 1)
    (box.folder / "out").mkdir()
    for i in range(2):
        (box.folder / f"out/{i}.csv").write_text("label,prediction\ncat,cat\ndog,cat\n")
    assert box.pairs(box.folder / "out") == [("cat", "cat"), ("dog", "cat")] * 2
    assert len(list(box.spool.glob("*.arrow"))) >= 2


def test_parquet_beside_other_files_is_the_table(box):
    (box.folder / "out").mkdir()
    pq.write_table(pa.table({"label": ["x"], "prediction": ["x"]}), box.folder / "out/p.parquet")
    (box.folder / "out/list.csv").write_text("a,b\n1,2\n")
    assert box.pairs(box.folder / "out") == [("x", "x")]
