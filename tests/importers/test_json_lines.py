"""JSON Lines are read strictly: what two parsers would read differently is refused with its line."""

import json

import pytest

from reportgen.errors import DataError
from reportgen.importers.formats.json_files import JsonFault, parse
from tests.importers.conftest import columns


def lines(*objects):
    return "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in objects)


def test_objects_are_rows_and_keys_are_columns(box):
    content = lines(
        {"id": "x", "label": "cat", "prediction": "NA", "confidence": 0.9, "site": 3},
        {"id": "y", "label": "007", "prediction": "cat", "confidence": 1, "site": None},
        {"prediction": "cat", "label": "NA", "id": "z", "confidence": 0.25},
    )
    found = box.open(content, "t.jsonl")
    assert found.facts.classes == ("007", "NA", "cat")
    rows = columns(found, "id", "label", "prediction", "confidence", "site")
    assert rows["id"].tolist() == ["x", "y", "z"]
    assert rows["label"].tolist() == [2, 0, 1]
    assert rows["confidence"].tolist() == pytest.approx([0.9, 1.0, 0.25])
    assert rows["site"].tolist() == ["3", "", ""]
    assert found.facts.provenance.data_fingerprint


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [(0, 1, [0, 1]), (0.0, 1.0, [0, 1]), ("0", "1", [0, 1]), (False, True, [0, 1])],
)
def test_labels_may_be_numbers_texts_or_truths(box, a, b, expected):
    content = lines({"label": a, "prediction": b}, {"label": b, "prediction": b})
    rows = columns(box.open(content, "t.jsonl"), "label", "prediction")
    assert [rows["label"][0], rows["prediction"][0]] == expected


def test_a_mark_blank_lines_and_foreign_line_ends_do_not_matter(box):
    content = (
        b'\xef\xbb\xbf{"label": "a", "prediction": "b"}\r\n\r\n{"label": "b", "prediction": "b"}'
    )
    assert box.pairs(content, "t.jsonl") == [("a", "b"), ("b", "b")]


def test_nested_values_are_left_out_and_said_so(box):
    found = box.open(
        lines({"label": "a", "prediction": "b", "box": {"x": [1]}, "tags": ["q"]}), "t.jsonl"
    )
    assert {n.code: n.examples for n in found.facts.notes}["columns-left-out"] == ("box", "tags")
    assert dict(found.metadata) == {}


ROW = {"label": "a", "prediction": "a"}


@pytest.mark.parametrize(
    ("content", "slug", "words"),
    [
        ("", "table-empty", "is empty"),
        ("\n\n", "table-empty", "is empty"),
        (lines(ROW, '{"label": NaN, "prediction": 0}'), "table-syntax", "line 2 of"),
        (lines(ROW, '{"label": "a", "prediction": "a", "x": -Infinity}'), "table-syntax", "-Infinity is not a JSON number"),
        (lines(ROW, '{"label": "a", "label": "b", "prediction": "a"}'), "table-syntax", 'the key "label" appears twice'),
        (lines(ROW, '{"label": "a", "l\\u0061bel": "b", "prediction": "a"}'), "table-syntax", "appears twice"),
        (lines(ROW, "[" * 100_000), "table-syntax", "line 2"),
        (lines(ROW, '{"label":' + "[" * 100_000 + "]" * 100_000 + "}"), "table-syntax", "nested more than"),
        (lines(ROW, '{"label": ' + "9" * 5000 + ', "prediction": 1}'), "table-syntax", "digits"),
        (lines(ROW, '{"label": "a"'), "table-syntax", "line 2 of"),
        (lines(ROW, "[1, 2]"), "table-syntax", "is not a JSON object"),
        (lines(ROW, "nothing"), "table-syntax", "line 2"),
        (lines(ROW, {"label": ["a"], "prediction": "a"}), "table-cell", 'line 2 of "t.jsonl" has a list in "label"'),
        (lines(ROW, {"label": None, "prediction": "a"}), "label-empty", "line 2: the label is empty"),
        (lines(ROW, {"label": "a"}), "prediction-empty", "line 2: the prediction"),
        (lines(ROW, {"label": 1, "prediction": "a"}), "labels-mixed", 'the text "a" in line 1, the number "1" in line 2'),
        (lines({"x": 1}), "table-columns", "no label column"),
        (lines({"x": [[1]]}), "table-columns", "contains no columns"),
        (lines({}), "table-columns", "contains no columns"),
        (lines(ROW, '{"label": "\\ud800", "prediction": "a"}'), "table-encoding", "line 2 of"),
        (lines('{"\\ud800": 1, "label": "a", "prediction": "a"}'), "table-encoding", "in a key"),
        (lines(ROW).encode() + b'{"label": "\xff", "prediction": "a"}\n', "table-encoding", "line 2"),
        (lines({"label": 0, "scores": [1, 2]}, {"label": 0, "scores": ["1", 2]}), "table-cell", "no numbers"),
        (lines({"label": 0, "scores": [1, 2]}, {"label": 0, "scores": 3}), "table-cell", "has no list"),
        (lines({"label": 0, "scores": [1, 2]}, {"label": 0}), "table-cell", "has no list"),
        (lines({"label": 0, "scores": [1, 2]}, '{"label": 0, "scores": [1, ' + "9" * 400 + "]}"), "table-cell", "10^308"),
        (lines({"label": "a", "scores": {"a": 1, "b": 2}}, {"label": "a", "scores": {"a": 1, "c": 2}}), "table-cell", "other keys"),
    ],
)  # fmt: skip
def test_a_line_that_can_not_be_trusted_is_named(box, content, slug, words):
    with pytest.raises(DataError) as caught:
        box.open(content, "t.jsonl")
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_a_line_without_an_end_is_not_read_into_memory(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.formats.json_files.MAX_LINE_BYTES", 1000)
    with pytest.raises(DataError, match=r"line 2 of .* is longer than 1\.0 kB"):
        box.open(lines(ROW) + '{"label": "' + "x" * 2000, "t.jsonl")


def test_many_lines_are_read_in_chunks(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.formats.json_files._CHUNK_CELLS", 6)
    content = lines(*({"label": str(i % 3), "prediction": "1"} for i in range(50)))
    assert columns(box.open(content, "t.jsonl"), "label")["label"].tolist() == [
        i % 3 for i in range(50)
    ]
    with pytest.raises(DataError, match="line 51"):
        box.open(content + lines({"label": "", "prediction": "1"}), "t.jsonl")


def test_a_list_of_objects_is_a_table_too(box):
    from reportgen.importers import kind_of
    from reportgen.options.importing import InputOptions

    path = box.write('[{"label": "a", "prediction": "b"}]', "t.json")
    assert kind_of(path, InputOptions()) == "predictions"
    assert box.pairs(path) == [("a", "b")]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('{"a": 1,\n "b": NaN}', 2, "NaN"),
        ('{"a": {"x": 1},\n\n "a": 2}', 3, "twice"),
        ('["NaN", "a",\n {"a": "a", "b": ["a"],\n "b": 1}]', 3, "twice"),
        ("[1,\n2,", 2, "expecting value"),
        ("[\n" + "1" * 6000 + "]", 2, "digits"),
    ],
)
def test_a_fault_in_a_document_is_found_with_its_line(text, line, words):
    with pytest.raises(JsonFault) as caught:
        parse(text)
    assert caught.value.line == line
    assert words in caught.value.what


def test_what_looks_like_a_fault_inside_a_text_is_none():
    assert parse('{"a": "NaN, \\"a\\": 1", "b": ["a", "a"], "c": {"a": 1}}')["b"] == ["a", "a"]
