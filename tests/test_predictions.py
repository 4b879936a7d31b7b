"""The predictions file: parts that survive, and one file whose bytes don't depend on them."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from reportgen.predictions import Predictions, RunFacts
from reportgen.predictions.parts import Parts
from reportgen.predictions.schema import Rows
from reportgen.provenance import Accounting, DataNote, ModelFacts, Provenance

CLASSES = ("a", "b", "c")


def rows(ids, bad=()):
    n = len(ids)
    rng = np.random.default_rng(n)
    reasons = ["is empty" if i in bad else None for i in ids]
    good = np.array([reason is None for reason in reasons])
    return Rows(
        id=list(ids),
        label=(np.arange(n) % 3).astype(np.int32),
        prediction=np.where(good, 1, -1).astype(np.int32),
        confidence=np.where(good, 0.75, np.nan).astype(np.float32),
        label_probability=np.where(good, rng.random(n), np.nan).astype(np.float32),
        label_rank=np.where(good, 2, 0).astype(np.int32),
        top_tied=np.zeros(n, bool),
        top_classes=np.tile(np.array([1, 0, 2], np.int32), (n, 1)),
        top_probabilities=np.tile(np.array([0.75, 0.2, 0.05], np.float32), (n, 1)),
        probabilities=np.zeros((n, 0), np.float32),
        flags=np.zeros(n, np.int32),
        reason=reasons,
    )


def facts(n):
    return RunFacts(
        CLASSES,
        Provenance("inference", model=ModelFacts("net", files={"net.pt": "ab"}, notes=("x",))),
        Accounting(n + 1, n, {"unreadable": 1}),
        (DataNote("code", "A sentence.", "warning", 3, ("x", "y")),),
        {"model": "ab"},
    )


def finished(tmp_path, name, blocks, bad=()):
    parts = Parts.start(tmp_path / f"{name}.partial", {"model": "ab"})
    for block in blocks:
        parts.write(rows(block, bad))
    target = tmp_path / f"{name}.parquet"
    parts.finish(target, facts(parts.n_rows))
    parts.discard()
    return target


def test_facts_come_back_as_they_were():
    assert RunFacts.from_text(facts(5).to_text(), "x") == facts(5)


def test_rows_are_sorted_by_id_and_bad_ones_are_left_out(tmp_path):
    path = finished(tmp_path, "p", [["9", "10", "1"], ["2", "x"]], bad=("2",))
    table = pq.read_table(path)
    assert table["id"].to_pylist() == ["1", "10", "9", "x"]
    assert "reason" not in table.schema.names
    assert not (tmp_path / "p.partial").exists()


def test_rows_that_move_keep_their_other_columns(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    for i in (3, 1, 2, 0):
        block = rows([f"{i}", f"{i + 4}"])
        block.prediction[:] = [i, i + 4]
        parts.write(block)
    parts.finish(tmp_path / "p.parquet", facts(8))
    table = pq.read_table(tmp_path / "p.parquet")
    assert table["id"].to_pylist() == [str(i) for i in range(8)]
    assert table["prediction"].to_pylist() == list(range(8))


@pytest.mark.parametrize("shuffled", [False, True])
def test_the_bytes_do_not_depend_on_where_the_parts_are_cut(tmp_path, shuffled, monkeypatch):
    monkeypatch.setattr("reportgen.predictions.parts.ROW_GROUP_ROWS", 100)
    ids = [f"{i:05d}" for i in range(512)]
    if shuffled:
        np.random.default_rng(1).shuffle(ids)
    contents = []
    for size in (512, 64, 7):
        parts = Parts.start(tmp_path / f"{size}.partial", {})
        whole = rows(ids)
        for start in range(0, 512, size):
            part = {k: getattr(whole, k)[start : start + size] for k in Rows.__dataclass_fields__}
            parts.write(Rows(**part))
        parts.finish(tmp_path / f"{size}.parquet", facts(512))
        contents.append((tmp_path / f"{size}.parquet").read_bytes())
    assert contents[0] == contents[1] == contents[2]
    groups = pq.ParquetFile(tmp_path / "7.parquet").metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [100] * 5 + [12]


def test_an_id_that_stands_for_two_samples_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        finished(tmp_path, "p", [["a", "b"], ["c", "b"]])
    assert caught.value.slug == "duplicate-ids"
    assert '"b"' in str(caught.value)
    assert not (tmp_path / "p.parquet").exists()


def test_a_resumed_run_finds_its_parts_and_drops_a_damaged_tail(tmp_path):
    folder = tmp_path / "p.partial"
    parts = Parts.start(folder, {"model": "ab"})
    for block in (["a", "b"], ["c", "d"], ["e", "f"]):
        parts.write(rows(block))
    content = bytearray((folder / "00001.parquet").read_bytes())
    content[60] ^= 0xFF
    (folder / "00001.parquet").write_bytes(content)
    (folder / ".reportgen-99-x-00003.parquet").touch()
    again = Parts.resume(folder, {"model": "ab"})
    assert again.n_rows == 2
    assert sorted(p.name for p in folder.iterdir()) == ["00000.parquet", "run.json"]


def test_a_run_with_other_settings_is_not_resumed(tmp_path):
    Parts.start(tmp_path / "p.partial", {"model": "ab", "batch_size": "64"}).write(rows(["a"]))
    with pytest.raises(UsageError) as caught:
        Parts.resume(tmp_path / "p.partial", {"model": "ab", "batch_size": "32"})
    assert caught.value.slug == "resume-differs"
    assert "batch size" in str(caught.value)
    assert "64 before, 32 now" in str(caught.value)


def test_a_try_that_predicted_nothing_leaves_nothing(tmp_path):
    folder = tmp_path / "p.partial"
    parts = Parts.start(folder, {"model": "ab"})
    parts.remember(replace(parts.state, outputs="logits"))
    assert list(tmp_path.iterdir()) == []
    parts.write(rows(["a"]))
    assert json.loads((folder / "run.json").read_text())["outputs"] == "logits"
    again = Parts.start(folder, {"model": "cd"})
    assert Parts.resume(folder, {"model": "ab"}).n_rows == 1  # until something takes its place
    again.write(rows(["b", "c"]))
    assert Parts.resume(folder, {"model": "cd"}).n_rows == 2
    assert [path.name for path in tmp_path.iterdir()] == ["p.partial"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"fingerprint": 3}'])
def test_a_damaged_state_starts_over(tmp_path, text):
    folder = tmp_path / "p.partial"
    Parts.start(folder, {"model": "ab"}).write(rows(["a"]))
    (folder / "run.json").write_text(text)
    parts = Parts.resume(folder, {"model": "ab"})
    assert parts.n_rows == 0
    parts.write(rows(["b"]))
    assert sorted(path.name for path in folder.iterdir()) == ["00000.parquet", "run.json"]
    assert json.loads((folder / "run.json").read_text())["fingerprint"] == {"model": "ab"}


def test_bad_samples_are_listed_with_their_reason(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    parts.write(rows(["a", "b"], bad=("b",)))
    assert [(sample.id, sample.reason) for sample in parts.bad()] == [("b", "is empty")]


def test_columns_are_read_in_batches_with_nan_and_0_for_null(tmp_path):
    predictions = Predictions.open(finished(tmp_path, "p", [["a", "b", "c"]]))
    (batch,) = predictions.batches("id", "label", "label_rank", "confidence")
    assert batch["id"].tolist() == ["a", "b", "c"]
    assert batch["label"].dtype == np.int32
    assert batch["confidence"].dtype == np.float32
    assert predictions.n_rows == 3
    (wrong,) = predictions.batches("id", wrong_only=True)
    assert wrong["id"].tolist() == ["a", "c"]


def test_probabilities_come_back_as_a_table(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    block = rows(["b", "a"])
    kept = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]], np.float32)
    parts.write(replace(block, probabilities=kept))
    parts.finish(tmp_path / "p.parquet", facts(2), with_probabilities=True)
    predictions = Predictions.open(tmp_path / "p.parquet")
    assert predictions.has_probabilities
    (batch,) = predictions.batches("id", "probabilities")
    np.testing.assert_array_equal(batch["probabilities"], kept[::-1])


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (None, "input-missing"),
        (b"", "predictions-damaged"),
        (b"PAR1xxxxPAR1", "predictions-damaged"),
    ],
)
def test_a_file_that_is_no_parquet_is_refused(tmp_path, content, slug):
    path = tmp_path / "p.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        Predictions.open(path)
    assert caught.value.slug == slug
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_or_a_foreign_table_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        Predictions.open(tmp_path)
    assert caught.value.slug == "input-is-folder"
    import pyarrow as pa

    pq.write_table(pa.table({"label": [1]}), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="label") as caught:
        Predictions.open(tmp_path / "x.parquet")
    assert caught.value.slug == "predictions-foreign"


def test_another_schema_version_is_named(tmp_path):
    text = facts(1).to_text().replace('"schema_version": 1', '"schema_version": 9')
    with pytest.raises(DataError) as caught:
        RunFacts.from_text(text, "p.parquet")
    assert caught.value.slug == "predictions-version"


@pytest.mark.parametrize("text", ["x", "{}", '{"schema_version": 1}', "[]"])
def test_damaged_facts_are_refused(text):
    with pytest.raises(DataError) as caught:
        RunFacts.from_text(text, "p.parquet")
    assert caught.value.slug == "predictions-damaged"


def split(tmp_path, ids, sizes, changes=()):
    """The folder of a predictions file that was cut into parts, as a cluster writes them."""
    table = pq.read_table(finished(tmp_path, "whole", [ids]))
    folder, start = tmp_path / "parts", 0
    folder.mkdir()
    for i, size in enumerate(sizes):
        part = table.slice(start, size)
        for at, change in changes:
            part = change(part) if at == i else part
        pq.write_table(part, folder / f"part-{i}.parquet")
        start += size
    return folder


def with_classes(part):
    metadata = dict(part.schema.metadata)
    (key,) = [key for key in metadata if b"reportgen" in key]
    return part.replace_schema_metadata({**metadata, key: metadata[key].replace(b'"c"', b'"d"')})


def with_an_earlier_id(part):
    ids = pa.array([*part["id"].to_pylist()[:-1], "3.png"])
    return pa.Table.from_arrays([ids, *part.columns[1:]], schema=part.schema)


IDS = [f"{i}.png" for i in range(9)]


def test_a_folder_of_our_part_files_is_read_as_the_file_that_they_are_of(tmp_path):
    folder = split(tmp_path, IDS, [4, 0, 5])
    whole = reportgen.load(tmp_path / "whole.parquet")
    assert reportgen.load(folder) == whole
    assert whole.classes == CLASSES


@pytest.mark.parametrize(
    ("sizes", "changes", "slug", "message"),
    [
        ([4], [], "part-files-rows", r"contain 4 rows; the full prediction has 9"),
        ([4, 5], [(1, with_classes)], "part-files-differ", r"not parts of one prediction: classes differ"),
        ([4, 5], [(1, lambda part: part.replace_schema_metadata({}))], "part-files-differ",
         r"\"part-1.parquet\" was not"),
        ([4, 5], [(1, with_an_earlier_id)], "part-files-rows",
         r'the id "3.png" is in two rows of "parts"'),
    ],
)  # fmt: skip
def test_part_files_that_are_not_one_prediction_are_refused(
    tmp_path, sizes, changes, slug, message
):
    with pytest.raises(DataError, match=message) as caught:
        reportgen.load(split(tmp_path, IDS, sizes, changes))
    assert caught.value.slug == slug
