"""CSV that spreadsheets can open without running what stands in it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.csv_text import csv_of_columns, csv_text, guard, guarded, unguard
from reportgen.text import printable


@given(st.text())
def test_a_guarded_text_comes_back_and_is_no_formula(text):
    assert unguard(guard(text)) == text
    assert not guard(text).startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff20"))


@pytest.mark.parametrize(
    "text", ["\uff1dcmd|x!A0", "\uff0b1", "\uff0d1", "\uff20SUM(1)", " =1", "\u00a0\u3000=1"]
)
def test_formulas_are_guarded_in_wide_forms_and_behind_blanks(text):
    assert guard(text) == f"'{text}"
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("texts", [[], ["a", "b=c"], ["a", ""], ["a", "=b"], ["a", "' =b", "c"]])
def test_texts_are_guarded_together_as_one_by_one(texts):
    assert list(guarded(texts)) == list(map(guard, texts))


def test_numbers_are_never_guarded_and_none_is_empty():
    assert csv_text(["a", "=b"], [(-1, None), (0.5, "-x")]) == "a,'=b\n-1,\n0.5,'-x\n"


@given(st.lists(st.text().map(printable), min_size=1, max_size=4))
def test_any_names_come_back(names):
    """As they reach a file: made printable before, so without line ends or NUL."""
    table = csv_text(names, [names])
    rows = list(csv.reader(io.StringIO(table, newline=""), strict=True))
    assert [[unguard(cell) for cell in row] for row in rows if row] in ([names, names], [])


def test_columns_are_written_as_the_rows_that_they_make():
    header, names, numbers = ["=class", "n", "x"], ["=a", "b,c"], [0.1, None]
    rows = zip(names, [1, 2], numbers, strict=True)
    columns = [map(guard, names), [1, 2], numbers]
    assert csv_of_columns(header, columns) == csv_text(header, rows)


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="shorter"):
        csv_of_columns(["a", "b"], [[1], []])
