"""What is done otherwise in large tables, and must not be seen."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.inputs import delimited, survey, tables
from reportgen.inputs.delimited import read_delimited
from reportgen.inputs.options import InputOptions
from reportgen.inputs.roles import find_roles
from reportgen.inputs.strict_csv import Dialect


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
    assert survey._twice(np.array(numbers, np.uint64)).tolist() == twice


def test_hashes_are_told_apart_over_several_pieces(monkeypatch):
    monkeypatch.setattr(survey, "NARROW_ROWS", 10)
    hashes = np.random.default_rng(0).permutation(1000).astype(np.uint64) << np.uint64(54)
    assert len(survey._twice(hashes)) == 0
    hashes[[3, 500, 999]] = hashes[250]
    hashes[17] = hashes[18]
    assert set(survey._twice(hashes).tolist()) == {int(hashes[250]), int(hashes[18])}


@given(st.lists(st.text(max_size=20), min_size=1), st.integers(0, 3))
def test_a_text_has_one_hash_whatever_stands_beside_it(texts, begin):
    begin = min(begin, len(texts) - 1)
    together = survey._hashes(pa.array(texts, pa.string())[begin:])
    alone = [survey._hashes(pa.array([text], pa.string()))[0] for text in texts[begin:]]
    assert together.tolist() == alone


@pytest.mark.parametrize("width", [0, 1, 7, 8, 9, 19, 300])
def test_texts_of_one_length_are_hashed_as_among_others(width):
    texts = [str(i % 10) * width for i in range(25)]
    same = survey._hashes(pa.array(texts, pa.string()))
    mixed = survey._hashes(pa.array([*texts, "longer" * 60], pa.string()))
    assert same.tolist() == mixed[:-1].tolist()
    assert len(set(same.tolist())) == (10 if width else 1)


def test_an_id_that_comes_again_beside_a_long_one_in_another_batch_is_found(tmp_path, monkeypatch):
    ids = ["b.png", "a.png", "c.png", "d.png", "a very long name of a picture.png", "a.png"]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["id,label,prediction", *(f"{i},x,y" for i in ids)]))
    monkeypatch.setattr(survey, "NARROW_ROWS", 3)
    table = read_delimited(path, Dialect(), tmp_path)
    roles = find_roles(table.name, table.columns, InputOptions(), None)
    found = survey.take_survey(table, roles, None)
    assert (found.n_repeated_ids, found.repeated_ids) == (1, ("a.png",))
