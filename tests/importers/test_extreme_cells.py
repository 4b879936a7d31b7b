"""Cells that no program expects: numbers beyond every type, digits of other scripts, ragged rows."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import reportgen
from reportgen.class_list import names_in_class_file, natural_key
from reportgen.errors import DataError, ReportgenError
from reportgen.importers.columns.rankings import ranking_of
from reportgen.importers.formats.tables import TEXT, Column
from reportgen.provenance import RANKED_CLASSES, Provenance

HUGE = "9" * 400
ENDLESS = "7" * 5000
"""More digits than Python makes a number of."""


def split(rows, columns, cells, **more):
    return json.dumps({"index": rows, "columns": columns, "data": cells, **more})


def refusal(box, text, name="table.csv", **options):
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write(text, name), **options)
    return caught.value


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[5, 1], [2]], "1 cell in row 2, 2 names of columns"),
        ([[5, 1]], "1 row of cells, 2 names of rows"),
        ([[5, 1], [2, 7], [1, 1]], "3 rows of cells, 2 names of rows"),
    ],
)
def test_a_crosstab_with_ragged_rows_is_refused(box, cells, message):
    error = refusal(box, split(["dog", "cat"], ["cat", "dog"], cells), "m.json")
    assert (error.slug, message in error.message) == ("matrix-not-square", True)


BIG_MATRICES = [
    ("m.json", f'{{"classes": ["cat", "dog"], "counts": [[{HUGE}, 1], [2, 7]]}}'),
    ("m.json", f'{{"classes": ["cat", "dog"], "counts": [[{"9" * 19}, 1], [2, 7]]}}'),
    ("m.csv", f",cat,dog\ncat,{HUGE},1\ndog,2,7\n"),
    ("m.csv", ",cat,dog\ncat,1e400,1\ndog,2,7\n"),
    ("m.csv", f',cat,dog\ncat,"1{",000" * 120}",1\ndog,2,7\n'),
    ("m.csv", f',cat,dog\ncat,"1{",000" * 1500}",1\ndog,2,7\n'),
    ("m.csv", f",cat,dog\ncat,{ENDLESS},1\ndog,2,7\n"),
    ("m.csv", f"label,prediction,count\ncat,cat,{ENDLESS}\ncat,dog,1\ndog,dog,3\n"),
]


@pytest.mark.parametrize(("name", "text"), BIG_MATRICES)
def test_a_count_beyond_all_types_names_its_cell(box, name, text):
    error = refusal(box, text, name)
    assert (error.slug, 'row "cat", column "cat"' in error.message) == ("matrix-cell", True)
    assert error.hint == "counts are below 9,007,199,254,740,992: correct the cell"


@pytest.mark.parametrize("at", [(0, 0), (1, 0), (2, 2)])
def test_totals_beyond_all_types_are_no_sums(box, at):
    cells = [[1, 2, 3], [2, 7, 9], [3, 9, 12]]
    cells[at[0]][at[1]] = int(HUGE)
    text = json.dumps({"classes": ["cat", "dog", "Total"], "counts": cells})
    assert refusal(box, text, "m.json").slug in ("matrix-cell", "matrix-totals")


@pytest.mark.parametrize("cell", [HUGE, "1e400", "1" + ",000" * 1500])
def test_a_proportion_beyond_all_types_is_refused(box, cell):
    text = f";cat;dog\ncat;{cell};0.1\ndog;0.2;0.8\n"
    error = refusal(box, text, normalised=True, delimiter=";")
    assert error.slug == "matrix-cell"


def test_names_with_thousands_of_digits_are_classes(box):
    text = f"label,prediction\nc{ENDLESS},c1\nc1,c1\nc2,c{ENDLESS}\n"
    assert reportgen.load(box.write(text)).n_samples == 3
    text = f"label,prediction\n{ENDLESS},{ENDLESS}\n1,1\n2,1\n"
    assert reportgen.load(box.write(text)).n_samples == 3


def test_numbers_in_names_sort_by_value_whatever_their_length():
    names = [f"c{ENDLESS}", "c10", "c9", "c09", "c2", "d", "c٣"]
    assert sorted(names, key=natural_key) == ["c2", "c٣", "c9", "c09", "c10", f"c{ENDLESS}", "d"]
    assert natural_key("img007") == natural_key("img7")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("c.txt", f"{ENDLESS} cat\n1 dog"),
        ("c.csv", f"class,index\ncat,{ENDLESS}\ndog,1"),
        ("c.json", json.dumps({"cat": ENDLESS, "dog": "1"})),
        ("c.json", json.dumps({ENDLESS: "cat", "1": "dog"})),
        ("c.json", f'{{"cat": {ENDLESS}, "dog": 1}}'),
    ],
)
def test_an_index_with_thousands_of_digits_is_none(file, text):
    try:
        names = names_in_class_file(text, file)
    except ReportgenError as error:
        assert error.slug == "classes-form"
    else:
        assert names == text.split("\n")


def test_a_power_sign_is_no_number(box):
    for cells in (["²", "5"], [ENDLESS, "5"]):
        path = box.folder / "m.parquet"
        pd.DataFrame({"cat": cells, "dog": ["3", "4"]}).to_parquet(path)
        with pytest.raises(DataError) as caught:
            reportgen.load(path)
        assert caught.value.slug == "table-columns"
    columns = {
        f"{word}_{n}": Column(f"{word}_{n}", TEXT) for word in ("index", "prob") for n in "²1"
    }
    assert ranking_of(columns, set()) is None
    assert Provenance(kind="", inference={RANKED_CLASSES: "²"}).n_ranked is None


@pytest.mark.parametrize("name", ["supercells", "my.cells", "excells"])
def test_a_key_that_ends_in_cells_holds_rows_of_a_matrix(box, name):
    text = json.dumps({"labels": ["cat", "dog"], name: [[5, 1], [2, 7]]})
    found = reportgen.load(box.write(text, "m.json"))
    assert found.confusion.counts.tolist() == [[5, 1], [2, 7]]


def test_triples_lie_under_cells_alone(box):
    inner = {"classes": ["cat", "dog"], "cells": [[0, 0, 5], [1, 0, 2]]}
    found = reportgen.load(box.write(json.dumps({"my.test": inner}), "m.json"))
    assert found.confusion.counts.tolist() == [[5, 0], [2, 0]]
