"""A saved confusion matrix is read as it was written, or refused with the cell named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.csv_text import csv_text, guarded, unguarded
from reportgen.errors import DataError
from reportgen.matrix_file import looks_like_matrix, read_matrix

GOOD = "true\\predicted,cat,dog\ncat,5,1\ndog,2,7\n"


def write(tmp_path, content):
    path = tmp_path / "m.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_rows_are_true_and_columns_predicted(tmp_path):
    matrix, classes = read_matrix(write(tmp_path, GOOD))
    assert classes == ("cat", "dog")
    assert matrix.count(true=0, predicted=1) == 1
    assert matrix.count(true=1, predicted=0) == 2


def test_a_declared_orientation_turns_the_matrix(tmp_path):
    matrix, _ = read_matrix(write(tmp_path, GOOD), rows_are_true=False)
    assert matrix.count(true=0, predicted=1) == 2


@pytest.mark.parametrize("names", [("NA", "None"), ("007", "7"), ("nan", "1e5"), ("TRUE", "null")])
def test_a_class_may_be_called_anything(tmp_path, names):
    a, b = names
    matrix, classes = read_matrix(write(tmp_path, f",{a},{b}\n{a},1,0\n{b},0,1\n"))
    assert classes == names
    assert matrix.n_samples == 2


def test_a_byte_order_mark_and_crlf_are_no_part_of_a_name(tmp_path):
    path = write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert looks_like_matrix(path)
    assert read_matrix(path)[1] == ("cat", "dog")


def test_the_guard_of_formula_like_names_is_removed(tmp_path):
    table = csv_text(["", "=SUM(A1)", "-x"], [("=SUM(A1)", 1, 0), ("-x", 0, 1)])
    assert "'=SUM(A1)" in table
    assert read_matrix(write(tmp_path, table))[1] == ("=SUM(A1)", "-x")


@given(st.text())
def test_a_guarded_text_comes_back_and_is_no_formula(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_the_long_form_is_read(tmp_path):
    path = write(tmp_path, "true,predicted,count\nb,a,3\na,a,4\n")
    assert looks_like_matrix(path)
    matrix, classes = read_matrix(path)
    assert classes == ("a", "b")
    assert matrix.count(true=1, predicted=0) == 3


def test_a_table_of_predictions_is_no_matrix(tmp_path):
    assert not looks_like_matrix(write(tmp_path, "id,label,prediction\nx,cat,dog\ny,dog,dog\n"))


@pytest.mark.parametrize(
    ("content", "slug", "words"),
    [
        ("", "matrix-empty", "is empty"),
        (",a,b\na,1,2\n", "matrix-not-square", "1 rows, 2 columns"),
        (",a,b\na,1,2\nc,3,4\n", "matrix-names", '"c"'),
        (",a,a\na,1,2\na,3,4\n", "duplicate-classes", "columns 2 and 3"),
        (",a,b\na,1,2\nb,3\n", "table-ragged", "line 3"),
        (",a,b\na,1,0.93\nb,3,4\n", "matrix-cell", '"0.93"'),
        (",a,b\na,1,-2\nb,3,4\n", "matrix-cell", '"-2"'),
        (",a,b\na,1,x\nb,3,4\n", "matrix-cell", '"x"'),
        (",a,b\na,1,nan\nb,3,4\n", "matrix-cell", '"nan"'),
        (',a,b\na,1,"2\nb,3,4\n', "table-syntax", "never closes"),
        (",a,b\na,1,2\x00\nb,3,4\n", "table-syntax", "NUL"),
        (b",a,b\na,1,\xff\nb,3,4\n", "table-encoding", "byte 9"),
        (",a, \na,1,2\n ,3,4\n", "matrix-names", "column 3"),
        ("x" * 140_000 + ",a\na,1\n", "table-syntax", "longer than"),
        ("true,predicted,count\na,a,1\na,a,2\n", "matrix-cell", "repeats"),
    ],
)
def test_a_table_that_is_no_matrix_of_counts_is_refused(tmp_path, content, slug, words):
    with pytest.raises(DataError) as caught:
        read_matrix(write(tmp_path, content))
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError) as caught:
        read_matrix(tmp_path / "none.csv")
    assert caught.value.slug == "input-missing"


def test_counts_may_be_written_as_whole_floats(tmp_path):
    matrix, _ = read_matrix(write(tmp_path, ",a,b\na,1.0,2e3\nb,0,1000000000000\n"))
    assert matrix.count(0, 1) == 2000
    assert matrix.count(1, 1) == 10**12
