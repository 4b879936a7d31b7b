"""CSV and TSV: every cell is text, nothing is dropped, and every fault has its line."""

import csv
import io
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import reportgen
from reportgen.errors import DataError, OutputError, ReportgenError, UsageError
from reportgen.importers.columns import ids as ids_module
from reportgen.importers.formats import delimited, tables
from reportgen.importers.formats.delimited import Dialect, read_delimited, rows_of
from tests.importers.conftest import Box, columns

GOOD = "id,label,prediction,confidence\na,cat,cat,0.9\nb,dog,cat,0.6\nc,dog,dog,1\n"


def test_a_plain_table_is_read_as_it_stands(box):
    found = box.open(GOOD)
    assert found.facts.classes == ("cat", "dog")
    assert (found.n_rows, found.has_confidence, found.has_probabilities) == (3, True, False)
    rows = columns(found, "id", "label", "prediction", "confidence", "label_rank", "top_tied")
    assert rows["id"].tolist() == ["a", "b", "c"]
    assert rows["label"].tolist() == [0, 1, 1]
    assert rows["prediction"].tolist() == [0, 0, 1]
    assert rows["confidence"].tolist() == pytest.approx([0.9, 0.6, 1.0])
    assert rows["label_rank"].tolist() == [0, 0, 0]
    assert found.facts.provenance.data_fingerprint
    assert found.facts.samples.found == found.facts.samples.counted == 3


def test_only_the_wrong_rows_are_given_where_those_are_asked_for(box):
    rows = columns(box.open(GOOD), "id", "confidence", wrong_only=True)
    assert rows["id"].tolist() == ["b"]
    assert rows["confidence"].tolist() == pytest.approx([0.6])


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan", "n/a", "TRUE", "007", "1e5", "#N/A"])
def test_a_class_may_be_called_anything(box, name):
    assert box.pairs(f"label,prediction\n{name},{name}\nother,{name}\n") == [
        (name, name),
        ("other", name),
    ]


def test_007_and_7_are_two_classes(box):
    assert box.pairs("label,prediction\n007,7\n") == [("007", "7")]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.rstrip("\n").encode(),
        GOOD.replace("\n", "\n\n").encode(),
        GOOD.replace("cat", '"cat"').encode(),
        GOOD.replace("a,cat", '"a",cat').encode(),
    ],
    ids=["byte-order mark", "CRLF", "CR", "no last line end", "blank lines", "quotes", "one quote"],
)
def test_marks_line_ends_and_quotes_are_no_part_of_a_cell(box, content):
    assert box.pairs(content) == [("cat", "cat"), ("dog", "cat"), ("dog", "dog")]


def test_spaces_around_column_names_and_classes_do_not_count(box):
    assert box.pairs("id, label, prediction\na, cat, cat\n") == [("cat", "cat")]


def test_a_quoted_cell_may_hold_delimiters_and_line_ends(box):
    assert box.pairs('label,prediction\n"a,\nb",c\nc,c\n') == [("a,\\nb", "c"), ("c", "c")]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("label;prediction\ncat;dog\n", {"delimiter": ";"}),
        ("label\tprediction\ncat\tdog\n", {"delimiter": "tab"}),
        ("label\tprediction\ncat\tdog\n", {"name": "table.tsv"}),
        ("label§prediction\ncat§dog\n", {"delimiter": "§"}),
        ("label,prediction\ncat,dög\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("label,prediction\ncat,dög\n".encode("latin-1"), {"encoding": "latin-1"}),
    ],
)
def test_other_delimiters_and_encodings_are_read_when_they_are_named(box, content, options):
    assert box.pairs(content, **options)[0][1] in ("dog", "dög")


def _read_as(path):
    return reportgen.load(path).provenance.read_as


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("label;prediction\ncat;dog\n", "';'"),
        ("\ufefflabel;prediction\r\ncat;dog\r\n", "';'"),
        ('"label";"prediction"\n"cat";"dog"\n', "';'"),
        ('label;prediction;"of, all"\ncat;dog;x\n', "';'"),
        ("label\tprediction\ncat\tdog\n", "tab"),
        ("label|prediction\ncat|dog\n", "'|'"),
        ("label;a, b;prediction\ncat;1;dog\n", "';'"),
        ("label;prediction;note|s\ncat;dog;x\n", "';'"),
        ("label;prediction;score\ncat;dog;0,85\n", "';'"),
    ],
)
def test_a_header_without_commas_says_what_separates_cells(box, content, word):
    assert box.pairs(content) == [("cat", "dog")]
    read = _read_as(box.write(content))
    assert f"cells separated by {word}" in read


@pytest.mark.parametrize(
    "content",
    [
        "label,prediction\ncat,dog\n",
        "label,prediction,a;b\ncat,dog,x\n",
        "sep=;\nlabel;prediction\ncat;dog\n",
    ],
)
def test_separators_that_are_usual_or_declared_are_not_told(box, content):
    assert box.pairs(content) == [("cat", "dog")]
    assert "separated" not in _read_as(box.write(content))


def test_a_matrix_is_read_with_the_separator_of_its_header(box):
    path = box.write(";cat;dog\ncat;40;2\ndog;3;50\n")
    assert reportgen.load(path).n_samples == 95
    assert "cells separated by ';'" in _read_as(path)


@pytest.mark.parametrize(
    ("mark", "columns"), [(";", ("label", "x|prediction")), ("|", ("label;x", "prediction"))]
)
def test_the_hint_on_two_separators_works(box, mark, columns):
    path = box.write("label;x|prediction\na;b|c\nd;e|f\n")
    with pytest.raises(DataError, match="may be separated by"):
        reportgen.load(path)
    named = {"label_column": columns[0], "prediction_column": columns[1], "labels_are": "names"}
    found = reportgen.load(path, delimiter=mark, **named)
    assert found.n_samples == 2


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_the_hint_on_two_separators_works_in_a_file_beside_the_input(box, between):
    path = box.write("id,label,prediction\n1,a,a\n2,b,a\n".replace(",", between))
    beside = "id;camera|lens\n1;n|w\n2;s|w\n"
    with pytest.raises(DataError, match="may be separated by") as caught:
        reportgen.load(path, metadata=box.write(beside, "beside.csv"))
    assert caught.value.hint.endswith("in a file beside INPUT by its first line: sep=; or sep=|")
    found = reportgen.load(path, metadata=box.write("sep=;\n" + beside, "beside.csv"))
    assert found.n_samples == 2


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_every_file_beside_the_input_is_read_with_the_separator_of_its_header(box, mark):
    path = box.write("id,prediction\n1,a\n2,a\n3,b\n")
    beside = {
        "labels": "id,label\n1,a\n2,b\n3,b\n",
        "metadata": "id,camera\n1,n\n2,s\n3,s\n",
        "costs": "true,predicted,cost\nb,a,5\n",
        "classes": "index,class\n1,a\n0,b\n",
        "class_names": "class,name\na,ant\nb,bee\n",
        "hierarchy": "class,group\na,insect\nb,insect\n",
    }
    files = {
        option: box.write(text.replace(",", mark), f"{option}.csv")
        for option, text in beside.items()
    }
    found = reportgen.load(path, **files)
    assert found.classes == ("bee", "ant")
    assert found.summary["accuracy"].value == pytest.approx(2 / 3)
    assert found.summary["expected_cost"].value == pytest.approx(5 / 3)
    assert [one.name for one in found.slices.columns] == ["camera"]


@pytest.mark.parametrize("name", ["labels.csv", "labels.txt"])
@pytest.mark.parametrize("head", ["", "label\n"])
def test_files_of_one_column_are_matched_by_position(box, name, head):
    path = box.write("prediction\na\na\nb\n")
    labels = box.write(f"{head}a\nb\nb\n", name)
    found = reportgen.load(path, labels=labels, labels_id="none")
    assert found.summary["accuracy"].value == pytest.approx(2 / 3)


def test_a_table_of_one_column_has_no_predictions(box):
    with pytest.raises(DataError) as caught:
        reportgen.load(box.write("label\na\nb\n"))
    assert caught.value.slug == "table-columns"


@pytest.mark.parametrize(
    ("content", "slug", "words"),
    [
        ("", "table-empty", "is empty"),
        ("\n\n", "table-empty", "is empty"),
        ("label,prediction\na,b\na\n", "table-ragged", "line 3 of"),
        ("label,prediction\na,b\na,b,c\n", "table-ragged", "has 3 cells, not 2"),
        ('label,prediction\na,b\nc,"d\ne,f\n', "table-syntax", "opens in line 3"),
        ('label,prediction\na,b\nc,"d"e\n', "table-syntax", "line 3"),
        (f"label,prediction\na,b\n{'x' * 131_073},c\n", "table-syntax", "line 3: a field is longer"),
        (f'label,prediction\na,"{"b,b" * 70_000}\n', "table-syntax", "line 2"),
        (f'label,prediction\na,"{"b,b" + chr(10)}' + "c,c\n" * 70_000, "table-syntax", "line 2"),
        ("label,prediction\na,b\na,b\0\n", "table-syntax", "line 3"),
        (b"label,prediction\ncat,d\xf6g\n", "table-encoding", "not UTF-8 at byte 22"),
        ("label,prediction\na,b\n".encode("utf-16"), "table-encoding", "--encoding utf-16"),
        ("label,prediction\na,b\n".encode("utf-16-le"), "table-syntax", "utf-16-le"),
        ("label,label,prediction\na,b,c\n", "table-columns", "1 and 2"),
        ("label,score\na,0.5\n", "table-columns", "no prediction column"),
        ("wahr,geraten\na,b\n", "table-columns", "its columns: wahr, geraten"),
        ("label;x|prediction\na;b|c\n", "table-delimiter", "';' or --delimiter '|'"),
        ("label;a, b;prediction\na;1,5;b\n", "table-delimiter", "',' or --delimiter ';'"),
        ("label;prediction\na;b\na;b;c\n", "table-ragged", "has 3 cells, not 2"),
        ("label,prediction\ncat,cat\n ,dog\n", "label-empty", "line 3: the label is empty"),
        ("label,prediction\ncat,cat\ncat,\n", "prediction-empty", "line 3: the prediction"),
        ("label,prediction,score\na,a,0.5\na,b,zwei\n", "table-number", 'line 3: "zwei"'),
        ("label,prediction,score\na,a,0.5\na,b,1.5\n", "confidence-range", "line 3: the confidence 1.5"),
        ("label,prediction,score\na,a,0.5\na,b,93\n", "confidence-range", "divide percentages"),
        ("label,prediction,score\na,a,0.5\na,b,-0.1\n", "confidence-range", "line 3"),
        ('label,prediction,score\na,a,"1,234"\n', "table-number", "--decimal ','"),
        ("label,prediction,score\na,a,1_0\n", "table-number", '"1_0"'),
        ("label,prediction,score\na,a,0.5\na,b,\n", "too-many-bad", "line 3"),
        ("label,prediction,score\na,a,nan\na,b,\n", "too-many-bad", "--max-bad 2"),
        ("label,prediction,score\na,a,inf\n", "too-many-bad", "line 2"),
    ],
)  # fmt: skip
def test_a_table_that_can_not_be_trusted_is_refused_with_its_place(box, content, slug, words):
    with pytest.raises(DataError) as caught:
        box.open(content)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_lines_are_counted_in_the_file_and_not_in_rows(box):
    with pytest.raises(DataError, match="line 6: the label is empty"):
        box.open('label,prediction\n"a\nb",c\n\n"c",c\n"",c\n')


@pytest.mark.parametrize("encoding", ["no-such", "rot13", "hex", "base64"])
def test_an_encoding_that_is_none_is_a_usage_error(box, encoding):
    with pytest.raises(UsageError) as caught:
        box.open(GOOD, encoding=encoding)
    assert caught.value.slug == "option-value"


def test_a_wrong_encoding_is_named(box):
    with pytest.raises(DataError) as caught:
        box.open(b"label,prediction\n\xff,b\n", encoding="ascii")
    assert caught.value.slug == "table-encoding"
    assert "ASCII" in str(caught.value)


def test_an_encoding_that_makes_half_characters_is_refused(box):
    with pytest.raises(DataError) as caught:
        box.open(b"label,prediction\n\\ud800,b\n", encoding="unicode_escape")
    assert caught.value.slug == "table-encoding"


def test_missing_confidences_are_left_out_and_counted_when_that_is_allowed(box):
    content = "label,prediction,score\na,a,nan\na,b,\nb,b,0.5\n"
    found = box.open(content, max_bad=2)
    samples = found.facts.samples
    assert (samples.found, samples.counted, dict(samples.excluded)) == (
        3, 1, {"no finite confidence": 2},
    )  # fmt: skip
    assert columns(found, "label", "confidence")["confidence"].tolist() == [0.5]
    assert found.n_rows == 1


def test_confidences_can_be_left_unread(box):
    found = box.open("label,prediction,score\na,a,x\n", confidence_column="none")
    assert not found.has_confidence
    assert found.metadata == {"score": "score"}


def test_other_columns_are_metadata_as_text(box):
    found = box.open("label,prediction,site,age\na,a,NA,41\nb,a,,7\n", count_column="none")
    assert found.metadata == {"site": "site", "age": "age"}
    rows = columns(found, "site", "age")
    assert rows["site"].tolist() == ["NA", ""]
    assert rows["age"].tolist() == ["41", "7"]


def test_metadata_that_is_called_like_a_column_of_ours_does_not_hide_it(box):
    found = box.open("y,prediction,label\na,b,x\n", label_column="y")
    assert found.metadata == {"label (in the table)": "label"}
    assert columns(found, "label (in the table)")["label (in the table)"].tolist() == ["x"]


def test_a_column_without_a_name_is_left_out_because_it_is_mostly_row_numbers(box):
    found = box.open(",label,prediction,Unnamed: 0\n0,a,b,0\n1,b,b,1\n")
    assert dict(found.metadata) == {}
    [note] = [note for note in found.facts.notes if note.code == "columns-left-out"]
    assert note.examples == ("(column 1)", "Unnamed: 0")
    assert "2 columns without a name" in note.sentence


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a,a,0.9\nb,c,0.3\n", "Somewhere the confidence is below 0.333"),
        ("a,a,0.9\nb,c,0.34\n", None),
        ("a,a,0.5\nb,b,0.9\n", None),
        ("a,a,nan\nb,b,0.9\n", None),
        ("x,a,0.1\na,a,1\nb,b,0.9\n", None),
    ],
)
def test_a_confidence_that_no_prediction_can_have_is_said(box, rows, words):
    found = box.open("label,prediction,score\n" + rows, max_bad=1, ignore_label="x")
    said = [n.sentence for n in found.facts.notes if n.code == "confidence-below-chance"]
    assert [sentence[: len(words or "")] for sentence in said] == ([words] if words else [])


def test_a_confidence_below_one_half_of_two_classes_is_asked_about(box):
    rows = "label,prediction,score\na,a,0.1\nb,b,0.9\na,b,0.2\n"
    with pytest.raises(DataError, match="below 0.5 in 2 rows") as caught:
        box.open(rows)
    assert caught.value.slug == "confidence-second"
    assert "--scores-columns score --classes FILE" in caught.value.hint
    found = box.open(rows, scores_columns="score", classes=("a", "b"))
    assert columns(found, "confidence")["confidence"].tolist() == pytest.approx([0.9, 0.9, 0.2])
    assert not box.open(rows, confidence_column="none").has_confidence
    named = box.open(rows, confidence_column="score")
    (said,) = (n.sentence for n in named.facts.notes if n.code == "confidence-below-chance")
    assert said.startswith("For 2 rows the confidence is below 0.5 (the smallest is 0.1)")


def test_rows_without_ids_are_numbered_from_0(box):
    found = box.open("label,prediction\na,a\na,b\n")
    assert columns(found, "id")["id"].tolist() == ["0", "1"]
    assert not found.has_ids


def test_ids_are_made_printable(box):
    found = box.open("id,label,prediction\nx\x1b[31m,a,a\n")
    assert columns(found, "id")["id"].tolist() == ["x\\x1b[31m"]


@pytest.mark.parametrize(
    ("ids", "repeated"),
    [
        (["a", "b", "c"], ()),
        (["c", "b", "a"], ()),
        (["b", "a", "b", "c", "a", "b"], ("b", "a")),
        (["a", "a"], ("a",)),
        (["x" * 300 + "1", "x" * 300 + "0"], ()),
        (["", "", "1"], ("",)),
        (["abcdefgh", "abcdefgh1", "abcdefg"], ()),
    ],
)
def test_an_id_in_two_rows_is_refused_with_both_lines(box, ids, repeated):
    text = "id,label,prediction\n" + "".join(f"{i},a,b\n" for i in ids)
    if not repeated:
        assert box.open(text).facts.samples.counted == len(ids)
        return
    with pytest.raises(DataError) as caught:
        box.open(text)
    assert (caught.value.slug, caught.value.exit_code) == ("ids-repeated", 3)
    one, other = [row for row, i in enumerate(ids, 2) if i == repeated[0]][:2]
    assert f"line {one} and line {other}" in str(caught.value)
    assert all(i in str(caught.value) for i in repeated)


def test_the_hint_at_repeated_ids_works(box):
    text = "name,label,prediction\ncat,a,b\ncat,a,a\n"
    with pytest.raises(DataError, match="--id-column none"):
        box.open(text)
    assert box.open(text, id_column="none").facts.samples.counted == 2


def test_repeated_ids_are_found_across_batches(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.columns.ids.NARROW_ROWS", 2)
    text = "id,label,prediction\n" + "".join(f"{i},a,b\n" for i in (3, 1, 2, 5, 1, 3))
    with pytest.raises(
        DataError, match=r"\"3\" .* line 2 and line 7\n.*2 ids more than once: 3, 1"
    ):
        box.open(text)


@settings(deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=30))
def test_texts_meet_in_their_hash_only_when_they_are_equal(texts):
    from reportgen.importers.columns.ids import _hashes

    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    array = pa.array(["skipped", *texts], pa.string()).slice(1)
    hashes = _hashes(array).tolist()
    assert len(set(hashes)) == len(set(texts))
    assert len(set(zip(hashes, texts, strict=True))) == len(set(texts))


def test_a_table_that_outgrows_memory_goes_to_disk_and_reads_the_same(box, monkeypatch):
    rows = [(f"i{n}", "a" if n % 3 else "b", "a", "0.5") for n in range(50_000)]
    content = "id,label,prediction,score\n" + "".join(",".join(row) + "\n" for row in rows)
    held = box.open(content)
    assert not list(box.spool.iterdir())
    monkeypatch.setattr(tables, "HELD_BYTES", 1000)
    monkeypatch.setattr(delimited, "_BLOCK_BYTES", 100_000)
    spooled = box.open(content)
    assert len(list(box.spool.iterdir())) == 1
    for name in ("id", "label", "prediction", "confidence"):
        assert columns(held, name)[name].tolist() == columns(spooled, name)[name].tolist()


def test_a_spool_without_room_is_an_output_error(box, monkeypatch):
    monkeypatch.setattr(tables, "HELD_BYTES", 0)
    box.spool.rmdir()
    with pytest.raises(OutputError):
        box.open(GOOD)


CELL = st.text(
    st.sampled_from(list("ab0 ,;\t\"'\\é\u2028\x0b\x0c\x85\x1c")) | st.characters(codec="utf-8"),
    max_size=4,
)


def both_ways(path, folder, delimiter):
    """(rows by pyarrow or None where it gave up, rows by the strict reader or its error)."""
    dialect = Dialect(delimiter)
    try:
        strict = [cells for _, cells in rows_of(path, dialect)][1:]
    except ReportgenError as error:
        strict = error.slug
    try:
        header = delimited._header(path, dialect)
        batches = list(delimited._quickly(path, dialect, header))
        quick = [
            list(row)
            for b in batches
            for row in zip(*(c.to_pylist() for c in b.columns), strict=True)
        ]
    except (pa.ArrowInvalid, ReportgenError):
        quick = None
    return quick, strict


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.lists(CELL, min_size=2, max_size=3), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
@example([["a", "b"], [" ", "x"]], "\n", True)
@example([["a", "b"], ["", ""]], "\n", True)
def test_the_quick_reader_gives_what_the_strict_one_gives(tmp_path, rows, end, last):
    text = end.join(",".join(row) for row in [["x", "y"], *rows]) + (end if last else "")
    path = tmp_path / "q.csv"
    path.write_bytes(text.encode("utf-8"))
    if '"' in text or "\0" in text:
        return  # such files go to the strict reader at once
    quick, strict = both_ways(path, tmp_path, ",")
    assert quick is None or quick == strict


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=6))
def test_what_the_csv_module_writes_comes_back_cell_by_cell(tmp_path, rows):
    rows = [(a.replace("\0", ""), b.replace("\0", "")) for a, b in rows]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("x", "y"), *rows])
    path = tmp_path / "w.csv"
    path.write_bytes(stream.getvalue().encode("utf-8"))
    table = read_delimited(path, Dialect(), tmp_path)
    batches = list(table.batches(["x", "y"], 100))
    found = [row for b in batches for row in zip(*(c.to_pylist() for c in b.columns), strict=True)]
    assert found == rows


def test_a_row_that_is_left_out_does_not_count_for_its_label_either(box):
    found = box.open("label,prediction,score\na,a,0.5\na,b,nan\nb,b,0.5\nb,a,0.9\n", max_bad=1)
    assert columns(found, "id", "label")["id"].tolist() == ["0", "2", "3"]
    assert found.n_rows == 3


def test_ids_that_are_in_order_in_every_batch_may_still_repeat(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.columns.ids.NARROW_ROWS", 2)
    with pytest.raises(DataError, match="line 3 and line 4"):
        box.open("id,label,prediction\n" + "".join(f"{i},a,b\n" for i in (1, 2, 2, 3)))
    box.open("id,label,prediction\n" + "".join(f"{i},a,b\n" for i in (1, 2, 3, 4)))


def test_a_nul_character_is_refused_in_every_encoding(box):
    with pytest.raises(DataError, match="line 2 of .* NUL"):
        box.open("label,prediction\na\0,b\n".encode("utf-16"), encoding="utf-16")


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.npz", "t.jsonl"])
def test_the_fingerprint_is_the_hash_of_the_file(box, name):
    import hashlib

    import numpy as np
    import pyarrow.parquet as pq

    path = box.folder / name
    if name == "t.csv":
        path.write_text("label,prediction\na,a\n")
    elif name == "t.jsonl":
        path.write_text('{"label": "a", "prediction": "a"}\n')
    elif name == "t.npz":
        np.savez(path, labels=[0], preds=[0])
    else:
        pq.write_table(pa.table({"label": [0], "prediction": [0]}), path)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert box.open(path).facts.provenance.data_fingerprint == expected


@pytest.mark.parametrize("name", ["{}", "img_{}.png", "{:04d}", "é{}"])
def test_ids_that_count_upwards_need_no_second_look(box, monkeypatch, name):
    monkeypatch.setattr(ids_module, "NARROW_ROWS", 3)
    monkeypatch.setattr(ids_module, "_hashes", None)
    ids = [name.format(i) for i in range(95, 105)]
    found = box.open("id,label,prediction\n" + "".join(f"{i},a,a\n" for i in ids))
    assert found.facts.samples.counted == len(ids)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "9", "10", "11", "a", "aa", "b", ""]), max_size=9))
def test_repeated_ids_are_those_that_a_counter_finds(tmp_path_factory, ids):
    box = Box(tmp_path_factory.mktemp("ids"))
    expected = sum(n > 1 for n in Counter(ids).values())
    message = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids_module, "NARROW_ROWS", 2)
        try:
            box.open("id,label,prediction\n" + "".join(f"{i},a,a\n" for i in ids))
        except DataError as error:
            message = str(error)
    assert bool(message) == bool(expected)
    assert not expected or f"{expected} id{'s' if expected > 1 else ''} more than once" in message
