"""What is done otherwise in large tables, and must not be seen."""

import errno
import mmap
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reportgen
from reportgen.errors import DataError, OutputError
from reportgen.evaluation import counting
from reportgen.importers.columns import held_rows as held_rows_module
from reportgen.importers.columns import ids as ids_module
from reportgen.importers.columns import survey
from reportgen.importers.columns.cells import TextCells
from reportgen.importers.columns.detect import find_roles
from reportgen.importers.columns.held_rows import give_back, held_rows
from reportgen.importers.formats import delimited, tables
from reportgen.importers.formats.delimited import Dialect, read_delimited
from reportgen.importers.formats.parquet import ParquetTable
from reportgen.importers.opening import open_others as open_predictions
from reportgen.importers.row_selection import require_samples_once
from reportgen.options.importing import InputOptions
from reportgen.rendering.errors_csv import error_parts


def cells(table):
    """All cells as text, by column."""
    batches = list(table.batches(list(table.columns), 1000))
    return {
        name: [cell for batch in batches for cell in batch.column(name).to_pylist()]
        for name in table.columns
    }


@pytest.mark.parametrize("held", [1 << 30, 0], ids=["in memory", "on disk"])
def test_a_column_of_few_values_has_the_same_cells_in_every_block(tmp_path, monkeypatch, held):
    labels = ["NA", "007", "", "ü"] * 500 + [f"late {i % 7}" for i in range(2000)]
    rows = [f"{i}.png,{label},0.5" for i, label in enumerate(labels)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["id,label,confidence", *rows]), "utf-8")
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(tables, "HELD_BYTES", held)
    table = read_delimited(path, Dialect(), tmp_path)
    assert (table.path is None) == (held > 0)
    found = cells(table)
    assert found["label"] == labels
    assert found["id"] == [f"{i}.png" for i in range(len(labels))]
    assert set(found["confidence"]) == {"0.5"}
    kinds = {
        field.name: field.type for field in next(iter(table.batches(["id", "label"], 9))).schema
    }
    assert pa.types.is_dictionary(kinds["label"])
    assert pa.types.is_string(kinds["id"])


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 9)), st.booleans())
def test_hashes_that_come_twice_are_all_found(numbers, crowded):
    if crowded:  # all in one slot
        numbers = [n % (1 << 20) for n in numbers]
    twice = sorted(n for n, times in Counter(numbers).items() if times > 1)
    assert ids_module._twice(np.array(numbers, np.uint64)).tolist() == twice


def test_hashes_are_told_apart_over_several_pieces(monkeypatch):
    monkeypatch.setattr(ids_module, "_HASHED_ROWS", 10)
    hashes = np.random.default_rng(0).permutation(1000).astype(np.uint64) << np.uint64(54)
    assert len(ids_module._twice(hashes)) == 0
    hashes[[3, 500, 999]] = hashes[250]
    hashes[17] = hashes[18]
    assert set(ids_module._twice(hashes).tolist()) == {int(hashes[250]), int(hashes[18])}


@given(st.lists(st.text(max_size=20), min_size=1), st.integers(0, 3))
def test_a_text_has_one_hash_whatever_stands_beside_it(texts, begin):
    begin = min(begin, len(texts) - 1)
    together = ids_module._hashes(pa.array(texts, pa.string())[begin:])
    alone = [ids_module._hashes(pa.array([text], pa.string()))[0] for text in texts[begin:]]
    assert together.tolist() == alone


@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 19, 300])
def test_texts_of_one_length_are_hashed_as_among_others(width):
    texts = [str(i % 10) * width for i in range(25)]
    same = ids_module._hashes(pa.array(texts, pa.string()))
    mixed = ids_module._hashes(pa.array([*texts, "longer" * 60], pa.string()))
    assert same.tolist() == mixed[:-1].tolist()
    assert len(set(same.tolist())) == (10 if width else 1)


def test_an_id_that_comes_again_beside_a_long_one_in_another_batch_is_found(tmp_path, monkeypatch):
    ids = ["b.png", "a.png", "c.png", "d.png", "a very long name of a picture.png", "a.png"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["id,label,prediction", *(f"{i},x,y" for i in ids)]))
    monkeypatch.setattr(ids_module, "NARROW_ROWS", 3)
    table = read_delimited(path, Dialect(), tmp_path)
    roles = find_roles(table.name, table.columns, InputOptions(), None)
    with pytest.raises(DataError, match="1 id more than once: a.png"):
        require_samples_once(table, roles, InputOptions())


@pytest.mark.parametrize("times", [256, 257, 513])
def test_a_hash_that_comes_so_often_that_its_count_overflows_is_found(times):
    hashes = np.array([7 << 50] * times + [1 << 60, 1 << 61, 1 << 62], np.uint64)
    assert ids_module._twice(hashes).tolist() == [7 << 50]


def test_ids_of_mistakes_are_the_texts_of_an_array_each_made_when_asked_for():
    array = pa.array(["a\n.png", None, "b.png", "ü"], pa.string())
    late = ids_module.PrintableIds(array, np.array([2, 0, 1]))
    whole = np.asarray(late)
    assert whole.tolist() == late.tolist() == list(late) == ["b.png", "a\\n.png", ""]
    assert len(late) == 3
    assert late[whole != ""].tolist() == ["b.png", "a\\n.png"]
    assert len(ids_module.PrintableIds(array)) == 4


def test_ids_that_are_numbers_or_in_a_dictionary_are_texts_too():
    for array in (pa.array([7, None]), pa.array(["7", None]).dictionary_encode()):
        late = ids_module.PrintableIds(array)
        assert [late[0], late[1]] == np.asarray(late).tolist() == ["7", ""]


def test_rows_longer_than_the_probed_bytes_are_read_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "_PROBED_BYTES", 64)
    path = tmp_path / "a.csv"
    path.write_text("id,label\n" + "".join(f"{'x' * 200}{i},a\n" for i in range(9)), "utf-8")
    table = read_delimited(path, Dialect(), tmp_path)
    assert cells(table)["label"] == ["a"] * 9


def wide(n=60):
    """A table with metadata of every kind."""
    rng = np.random.default_rng(0)
    columns = {
        "id": [f"{i}.png" for i in range(n)],
        "label": rng.choice(["a", "b"], n),
        "prediction": rng.choice(["a", "b"], n),
        "same": ["x"] * n,
        "site": rng.choice(["north", "", "=south"], n),
        "age": rng.integers(20, 80, n),
        "weight": np.where(rng.random(n) < 0.2, np.nan, rng.random(n)),
    }
    return pa.table(columns)


def test_slices_of_a_few_columns_at_a_time_are_those_of_all_at_once(tmp_path, monkeypatch):
    pq.write_table(wide(), tmp_path / "a.parquet")
    whole = reportgen.load(tmp_path / "a.parquet")
    monkeypatch.setattr(counting, "_COLUMNS_AT_ONCE", 1)
    assert reportgen.load(tmp_path / "a.parquet") == whole
    assert [column.name for column in whole.slices.columns] == ["site", "age", "weight", "same"]
    assert len(whole.slices.slices) == 3 + 5 + 6


def test_a_wide_table_is_read_in_shorter_batches_to_the_same_rows(tmp_path, monkeypatch):
    pq.write_table(wide(), tmp_path / "a.parquet")

    def errors():
        rows = open_predictions(tmp_path / "a.parquet", InputOptions(), tmp_path)
        return list(error_parts(rows, ["a", "b"]))

    head, once = errors()
    monkeypatch.setattr(tables, "_VALUES_AT_ONCE", 5 * 7)  # id and 4 columns of metadata
    many = errors()
    assert len(many) == 1 + -(-60 // 7)
    assert "".join(many) == head + once


def test_scores_in_single_precision_are_read_from_any_column(tmp_path):
    """Also in half precision, from a dictionary, and with a missing one."""
    coded = pa.array(np.array([0.5, 0.25, 0.5], np.float32)).dictionary_encode()
    half = pa.array([*np.array([0.5, 0.75], np.float16), None], pa.float16())
    table = pa.table([[0, 1, 1], coded, half], names=["label", "score_0", "score_1"])
    with (
        pa.OSFile(str(tmp_path / "a.arrow"), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as out,
    ):
        out.write_table(table)
    found = open_predictions(tmp_path / "a.arrow", InputOptions(max_bad=1), tmp_path)
    (rows,) = found.batches("probabilities")
    assert rows["probabilities"].dtype == np.float32
    assert rows["probabilities"].tolist() == [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(("late", "times"), [(0, 2), (5, 3)])
def test_scores_of_all_classes_are_read_twice(tmp_path, monkeypatch, late, times):
    """For type and predictions, and for metrics and label issues; once more if the first rows
    looked like another type.
    """
    monkeypatch.setattr("reportgen.importers.columns.scores._CELLS", 3)  # 64 rows at once
    p = np.random.default_rng(0).dirichlet(np.ones(3), 200).astype(np.float32)
    p[64:] += late
    names = ["label", "score_0", "score_1", "score_2"]
    pq.write_table(pa.table([p.argmax(axis=1), *p.T.copy()], names=names), tmp_path / "a.parquet")
    read, whole = Counter(), ParquetTable.batches

    def counted(table, columns, rows):
        yield from whole(table, columns, rows)
        read.update(columns)  # after the last batch

    monkeypatch.setattr(ParquetTable, "batches", counted)
    found = reportgen.load(tmp_path / "a.parquet")
    assert found.suspects.n_examined == 200
    assert {read[name] for name in names[1:]} == {times}
    assert ("logits" in found.provenance.outputs) == bool(late)


def test_as_many_values_are_read_at_once_of_wide_tables_as_of_narrow_ones():
    assert tables.rows_at_once(0) == tables.rows_at_once(8) == 131_072
    assert tables.rows_at_once(16) == 65_536
    assert tables.rows_at_once(1 << 30) == 1


BATCHES = [
    pa.array([3, 5, 4], pa.int32()),
    pa.array([7, None, -2], pa.int32()),
    pa.array([4, 5, 4], pa.int32()),
    pa.array([1 << 20, 1], pa.int32()),
    pa.array([2, 0], pa.int32()),
    pa.array([], pa.int32()),
    pa.array([(1 << 64) - 1, (1 << 64) - 2], pa.uint64()),
    pa.array([-128, 127], pa.int8()),
]


def test_integers_have_their_own_texts_whatever_the_batches_before_held():
    cells = TextCells()
    for batch in BATCHES:
        texts, places = cells(batch)
        expected = ["" if cell is None else str(cell) for cell in batch.to_pylist()]
        assert [texts[place] for place in places.tolist()] == expected
        assert texts[-1] == ""


def test_values_are_counted_and_placed_over_batches_with_lists_of_texts_of_their_own():
    values = survey.Values(8)
    few, more = ["b", "a", ""], ["tensor(1)", "a", "c", ""]
    values.add(few, np.array([0, 1]), None)
    values.add(few, np.array([1, 1, 1]), np.array([True, False, True]))
    values.add(more, np.array([0, 2, 1]), None)
    assert values.counts == {"b": 1, "a": 4, "1": 1, "c": 1}
    assert len(values) == 4
    assert values.wrapped == ("tensor(1)", "1")
    found = values.taken_as({"a": 0, "b": 1, "1": 2, "c": 300})
    assert found.tolist() == [1, 0, 0, -1, 0, 2, 300, 0]
    assert found.dtype == np.int16


def test_more_values_than_a_byte_counts_keep_the_places_of_those_before():
    texts = [str(i) for i in range(300)]
    values = survey.Values(600)
    values.add(texts, np.arange(100), None)
    values.add(texts, np.arange(300), None)
    values.add(texts, np.arange(200), None)
    found = values.taken_as({text: i for i, text in enumerate(texts)})
    assert found.tolist() == [*range(100), *range(300), *range(200)]


SCORED = {"score_a": [0.9, 0.2, 0.6] * 200, "score_b": [0.1, 0.8, 0.4] * 200}


@pytest.mark.parametrize(
    "columns",
    [
        {"prediction": [f"class {i % 299}" for i in range(600)]},
        {"prediction": ["a", "b", "b"] * 200, "confidence": ["0.75", "0.5", "1"] * 200},
        SCORED,
        {"prediction": ["a", "a", "b"] * 200, **SCORED},
    ],
    ids=["classes alone", "confidence as text", "scores", "scores and predictions"],
)
def test_rows_in_files_are_those_in_memory(tmp_path, monkeypatch, columns):
    first = "prediction" in columns and columns["prediction"][0]
    labels = ["a", "b", "a"] * 200 if first != "class 0" else columns["prediction"][::-1]
    table = pa.table({"label": labels, **columns})
    pq.write_table(table, tmp_path / "a.parquet")

    def found():
        rows = open_predictions(tmp_path / "a.parquet", InputOptions(), tmp_path)
        errors = "".join(error_parts(rows, rows.facts.classes))
        return counting.evaluate_predictions(rows), errors, rows

    expected, errors, rows = found()
    assert held_rows_module._mapped(rows.labels) is None
    monkeypatch.setattr(held_rows_module, "_IN_MEMORY", 0)
    monkeypatch.setattr(held_rows_module, "_ROWS_BETWEEN", 7)
    monkeypatch.setattr(survey, "NARROW_ROWS", 100)
    again, errors_again, rows = found()
    assert held_rows_module._mapped(rows.labels) is not None
    assert (again, errors_again) == (expected, errors)
    assert not list(tmp_path.glob("tmp*"))  # their files have no names


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="memory can't be given back")
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_memory_of_rows_in_files_is_given_back_and_the_rows_stay(tmp_path):
    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    rows = held_rows(64 << 20, np.int8, tmp_path)
    before = resident()
    rows[:] = 7
    assert resident() - before > 60 << 20
    give_back(rows[5:])
    assert resident() - before < 10 << 20
    assert rows.min() == rows.max() == 7


def refused(number):
    def refuse(*_):
        raise OSError(number, "refused")

    return refuse


def test_a_folder_without_room_for_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "posix_fallocate", refused(errno.ENOSPC), raising=False)
    with pytest.raises(OutputError, match="no space left on the device"):
        held_rows(64 << 20, np.int8, tmp_path)


@pytest.mark.parametrize("there", [True, False], ids=["unsupported", "missing"])
def test_room_for_rows_is_made_by_writing_where_the_system_cannot_reserve_it(
    tmp_path, monkeypatch, there
):
    if there:
        monkeypatch.setattr(os, "posix_fallocate", refused(errno.EOPNOTSUPP), raising=False)
    else:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    rows = held_rows((33 << 20) + 5, np.int8, tmp_path)
    assert len(rows) == (33 << 20) + 5
    assert held_rows_module._mapped(rows) is not None
    monkeypatch.setattr(os, "write", refused(errno.ENOSPC))
    with pytest.raises(OutputError, match="no space left on the device"):
        held_rows(64 << 20, np.int8, tmp_path)
