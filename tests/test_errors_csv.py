"""errors.csv: every misclassified sample, and no other."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reportgen
from reportgen.api import compare_reviews
from reportgen.api.review_request import ReviewRequest
from reportgen.csv_text import csv_cells, guard, unguard
from reportgen.options import EvaluationOptions, InputOptions
from reportgen.predictions import decimals, joined_lines
from reportgen.rendering.errors_csv import error_parts
from reportgen.rendering.privacy import hash_ids
from reportgen.review import load_input
from reportgen.text import printable

HEAD = ["id", "true", "predicted", "p_predicted", "p_true"]
TABLE = pd.DataFrame(
    {
        "id": ["a/1.png", "b/1.png", "=c.png", "d.png", "e.png"],
        "label": ["cat", "cat", "dog", "dog", "fox"],
        "p_cat": [0.25, 0.75, 0.5, 0.125, 0.25],
        "p_dog": [0.5, 0.125, 0.25, 0.75, 0.5],
        "p_fox": [0.25, 0.125, 0.25, 0.125, 0.25],
        "camera": ["left", "right", "", "left", "=1+1"],
        "night": [1, 0, 1, 0, 0],
        "exposure": [0.5, 1.0, 2.0, 3.0, float("nan")],
    }
)
TABLE["prediction"] = ["dog", "cat", "cat", "dog", "dog"]


CLASSES = ("cat", "dog", "fox")


def read(text):
    return list(csv.reader(io.StringIO(text)))


def rows_of(path):
    return read((path / "errors.csv").read_text("utf-8"))


@pytest.fixture
def written(tmp_path):
    """The rows of errors.csv of a table, its header first."""

    def write(table, classes=CLASSES, **how):
        held = load_input(
            table, InputOptions(), EvaluationOptions(), tmp_path, rows_first=False
        ).rows
        return read("".join(error_parts(held, classes, **how)))

    return write


def test_every_error_has_its_path_both_classes_both_probabilities_and_further_columns(written):
    head, *rows = written(TABLE)
    assert head == [*HEAD, "camera", "night", "exposure"]
    assert rows == [
        ["a/1.png", "cat", "dog", "0.5", "0.25", "left", "1", "0.5"],
        ["'=c.png", "dog", "cat", "0.5", "0.25", "", "1", "2"],
        ["e.png", "fox", "dog", "0.5", "0.25", "'=1+1", "0", ""],
    ]
    assert unguard(rows[1][0]) == "=c.png"


def test_without_errors_the_table_is_its_header(written):
    assert written(TABLE[["id", "label"]].assign(prediction=TABLE.label)) == [HEAD]


def test_without_scores_the_probabilities_are_empty_cells(written):
    assert written(TABLE[["id", "label", "prediction"]])[1] == ["a/1.png", "cat", "dog", "", ""]


def test_a_public_table_names_no_sample_and_repeats_no_metadata(written):
    head, *rows = written(TABLE, public=True)
    assert head == HEAD
    assert [row[0] for row in rows] == [hash_ids(one) for one in ("a/1.png", "=c.png", "e.png")]
    assert [row[1:3] for row in rows] == [["cat", "dog"], ["dog", "cat"], ["fox", "dog"]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_are_written_with_the_digits_that_give_them_back(written, dtype):
    p = np.array([0.6, 2 / 3, 0.7], dtype)
    table = {"id": list("abc"), "label": list("xxy"), "prediction": list("yyx"), "confidence": p}
    cells = [row[3] for row in written(table, "xy")[1:]]
    assert [dtype(one) for one in cells] == p.tolist()
    assert all(len(one) <= (10 if dtype is np.float32 else 19) for one in cells)


def test_counts_alone_have_no_errors_to_list_and_those_of_an_earlier_report_go(tmp_path):
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"cat": "Katze", "dog": "Hund", "fox": "Fuchs"}))
    reportgen.render(TABLE, out=tmp_path / "o", class_names=names, public=True)
    assert rows_of(tmp_path / "o")[1][:3] == [hash_ids("a/1.png"), "Katze", "Hund"]
    reportgen.render(np.array([[5, 1], [0, 5]]), out=tmp_path / "o", force=True)
    assert not (tmp_path / "o/errors.csv").exists()


def test_each_of_several_candidates_has_its_own_errors(tmp_path):
    paths = []
    for name, table in (("base", TABLE), ("one", TABLE.iloc[1:]), ("two", TABLE.iloc[::-1])):
        paths.append(tmp_path / f"{name}.csv")
        table.to_csv(paths[-1], index=False)
    done = compare_reviews(paths[0], paths[1:], out=tmp_path / "o", allow_partial=True)
    assert [row[0] for row in rows_of(done[0][1])[1:]] == ["'=c.png", "e.png"]
    assert len(rows_of(done[1][1])[1:]) == 3
    assert [review.evaluation.confusion.n_errors for review, _ in done] == [2, 3]


def test_samples_that_are_left_out_of_a_comparison_are_no_errors_of_it(tmp_path):
    options = {"allow_partial": True}
    asked = ReviewRequest.of(options, [TABLE], TABLE.iloc[1:])
    review = asked.review(TABLE, tmp_path)
    rows = read("".join(error_parts(review.rows, CLASSES)))
    assert [row[0] for row in rows[1:]] == ["'=c.png", "e.png"]
    assert review.evaluation.confusion.n_errors == 2


def test_rows_without_ids_are_written_as_those_of_a_writer(tmp_path):
    names = ["plain", "=1+1", 'a "b", c', "two\nlines", "", "猫e\u0301"]
    labels, answers = np.divmod(np.arange(150) % 36 ^ 1, 6)
    matrix = pd.DataFrame({"label": labels, "prediction": answers})
    asked = InputOptions(classes=tuple("abcdef"))
    rows = load_input(matrix, asked, EvaluationOptions(), tmp_path, rows_first=False).rows
    text = "".join(error_parts(rows, names))
    expected = io.StringIO()
    csv.writer(expected, lineterminator="\n").writerows(
        [HEAD]
        + [
            [i, guard(names[label]), guard(names[answer]), None, None]
            for i, (label, answer) in enumerate(zip(labels, answers, strict=True))
            if label != answer
        ]
    )
    assert text == expected.getvalue()
    assert "\n0," in text


NUMBERS = st.one_of(
    st.floats(0, 1), st.floats(1e-6, 1e-3), st.floats(), st.integers(-99, 10**7).map(float)
)


@given(st.lists(NUMBERS, max_size=20), st.sampled_from([np.float32, np.float64]))
def test_numbers_are_written_as_python_writes_them(numbers, dtype):
    with np.errstate(over="ignore"):
        values = np.array(numbers).astype(dtype)
    expected = [
        None
        if np.isnan(one)
        else str(int(one))
        if dtype is np.float64 and float(one).is_integer()
        else str(one)
        for one in values
    ]
    assert decimals(values).to_pylist() == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_a_million_probabilities_are_written_as_python_writes_them(dtype):
    values = (10 ** np.random.default_rng(0).uniform(-6, 0, 500_000)).astype(dtype)
    assert decimals(values).to_pylist() == list(map(str, values))


@given(st.lists(st.tuples(st.text(), st.text()).map(lambda pair: tuple(map(printable, pair)))))
def test_lines_are_those_of_a_writer(rows):
    names = [name for pair in rows for name in pair]
    cells = csv_cells(names)
    expected = io.StringIO()
    csv.writer(expected, lineterminator="\n").writerows(
        [guard(a), i, None, guard(b)] for i, (a, b) in enumerate(rows)
    )
    columns = [cells[::2], np.arange(len(rows)), None, cells[1::2]]
    assert joined_lines(columns, len(rows)) == expected.getvalue()
