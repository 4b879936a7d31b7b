"""Arrow files, Feather and Arrow streams."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pyarrow as pa
import pyarrow.feather as pf
import pyarrow.parquet as pq
import pytest

import reportgen
from reportgen.errors import DataError
from tests.importers.conftest import columns

TABLE = {
    "id": ["a", "b", "c", "d"], "label": ["cat", "dog", "cat", "dog"],
    "prediction": ["cat", "cat", "cat", "dog"], "confidence": [0.9, 0.6, 0.8, 0.7],
}  # fmt: skip


def as_file(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def as_stream(table, path):
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.arrow", as_file),
        ("t.arrow", as_stream),
        ("t.data", as_stream),
        ("t.feather", lambda t, path: pf.write_feather(t, str(path), compression="lz4")),
        ("t.feather", lambda t, path: pf.write_feather(t, str(path), compression="uncompressed")),
        ("t.ipc", lambda t, path: pf.write_feather(t, str(path), compression="zstd")),
        ("t.feather", lambda t, path: t.to_pandas().to_feather(path)),
    ],
)
def test_arrow_is_read_as_the_same_table_is_in_csv(box, name, write):
    path = box.folder / name
    write(pa.table(TABLE), path)
    csv = reportgen.load(box.write(pd.DataFrame(TABLE).to_csv(index=False)))
    found = reportgen.load(path)
    assert found.confusion == csv.confusion
    assert found.summary["accuracy"].value == csv.summary["accuracy"].value == 0.75
    assert found.provenance.data_fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.provenance.read_as == csv.provenance.read_as


@pytest.mark.parametrize("write", [as_file, as_stream])
def test_arrow_columns_of_every_width_of_text_and_categories_are_read(box, write):
    table = pa.table(
        {
            "label": pa.array(["cat", "dog", "dog", "dog"], pa.large_string()),
            "prediction": pa.array(["cat", "cat", "dog", "dog"]).dictionary_encode(),
            "scores": pa.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]], pa.list_(pa.float32(), 2)),
        }
    )  # fmt: skip
    write(table, box.folder / "t.arrow")
    found = box.open(box.folder / "t.arrow", classes=["cat", "dog"])
    assert columns(found, "label", "prediction")["prediction"].tolist() == [0, 0, 1, 1]
    assert found.facts.classes == ("cat", "dog")


def test_a_data_set_of_hugging_face_keeps_its_class_names(box):
    features = {"label": {"names": ["ant", "bee"], "_type": "ClassLabel"}}
    described = json.dumps({"info": {"features": features}}).encode()
    table = pa.table({"label": [0, 1, 1], "prediction": [0, 1, 0]})
    as_stream(table.replace_schema_metadata({b"huggingface": described}), box.folder / "t.arrow")
    assert box.pairs(box.folder / "t.arrow") == [("ant", "ant"), ("bee", "bee"), ("bee", "ant")]


@pytest.mark.parametrize("write", [as_file, as_stream])
@pytest.mark.parametrize("n_kept", [9, 200, -30])
def test_an_arrow_file_that_is_cut_off_is_refused(box, write, n_kept):
    path = box.folder / "t.arrow"
    write(pa.table(TABLE), path)
    path.write_bytes(path.read_bytes()[:n_kept])
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == "predictions-damaged"
    assert "can't be read as Arrow" in caught.value.message


def test_an_offset_that_points_outside_is_refused(box):
    path = box.folder / "t.arrow"
    as_file(pa.table({"label": ["cat", "dog"], "prediction": ["cat", "dog"]}), path)
    offsets = b"\x00\x00\x00\x00\x03\x00\x00\x00\x06\x00\x00\x00"
    content = path.read_bytes()
    assert offsets in content
    path.write_bytes(content.replace(offsets, offsets[:8] + b"\xff\xff\xff\x0f"))
    with pytest.raises(DataError, match="can't be read as Arrow"):
        box.open(path)


def test_an_empty_arrow_file_is_refused_as_an_empty_table_is(box):
    for write in (as_file, as_stream):
        write(pa.table(TABLE).slice(0, 0), box.folder / "t.arrow")
        pq.write_table(pa.table(TABLE).slice(0, 0), box.folder / "t.parquet")
        slugs = set()
        for name in ("t.arrow", "t.parquet"):
            with pytest.raises(DataError) as caught:
                reportgen.load(box.folder / name)
            slugs.add(caught.value.slug)
        assert len(slugs) == 1


def test_two_columns_of_one_name_are_refused(box):
    table = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["label", "prediction", "label"])
    as_file(table, box.folder / "t.arrow")
    with pytest.raises(DataError, match="two columns"):
        box.open(box.folder / "t.arrow")
