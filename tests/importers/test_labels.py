"""Labels by name or by index: what fits one reading is read, what fits two is refused."""

import pytest

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import as_index
from tests.importers.conftest import columns, note_codes


def table(*rows, header="label,prediction"):
    return header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7), (" 7 ", 7), ("7.0", 7), ("7.", 7), ("-1", -1), ("0", 0), ("true", 1), ("false", 0),
        ("007", None), ("1e5", None), ("7.5", None), ("+7", None), ("", None), ("٣", None),
        ("1_0", None), ("9" * 30, None), ("TRUE", None), ("-0", 0),
    ],
)  # fmt: skip
def test_a_cell_is_an_index_only_when_it_is_written_as_one(text, number):
    assert as_index(text) == number


def test_derived_names_are_sorted_and_said_to_be_derived(box):
    found = box.open(table(("dog", "cat"), ("cat", "bee")))
    assert found.facts.classes == ("bee", "cat", "dog")
    assert note_codes(found) == {"classes-derived"}
    assert found.facts.provenance.inference["label column"] == "label (names)"


def test_names_with_two_plausible_orders_carry_a_warning(box):
    found = box.open(table(("img10", "img9"), ("img9", "img9")))
    assert found.facts.classes == ("img10", "img9")
    [note] = found.facts.notes
    assert (note.severity, "alphabetical" in note.sentence) == ("warning", True)


def test_indices_without_a_class_list_are_classes_up_to_the_largest(box):
    found = box.open(table((0, 2), (3, 3)))
    assert found.facts.classes == ("0", "1", "2", "3")
    assert columns(found, "prediction")["prediction"].tolist() == [2, 3]


def test_numbers_with_large_gaps_are_names(box):
    found = box.open(table((3, 8), (8, 8)))
    assert found.facts.classes == ("3", "8")
    assert box.open(table((3, 8), (8, 8)), labels_are="indices").facts.classes == tuple("012345678")


def test_numbers_that_are_names_stand_in_the_order_of_their_value(box):
    assert box.open(table((300, 20), (1, 20))).facts.classes == ("1", "20", "300")


def test_a_gap_as_of_a_class_without_samples_keeps_indices(box):
    assert len(box.open(table((0, 1), (4, 2), (5, 5))).facts.classes) == 6


def test_labels_that_begin_with_1_carry_a_warning(box):
    assert "labels-from-one" in note_codes(box.open(table((1, 2), (2, 2), (3, 3))))
    found = box.open(table((1, 2), (2, 2), (3, 3)), label_base=1)
    assert found.facts.classes == ("1", "2", "3")
    assert "labels-from-one" not in note_codes(found)


def test_whole_floats_are_indices(box):
    found = box.open(table(("1.0", "0.0"), ("2.0", "1")))
    assert columns(found, "label", "prediction")["label"].tolist() == [1, 2]
    found = box.open(table(("3.0", "8"), ("8.0", "3.0")))
    assert found.facts.classes == ("3", "8")
    assert columns(found, "label")["label"].tolist() == [0, 1]


def test_digits_and_letters_together_are_names(box):
    assert box.open(table(("7", "A"), ("B", "B"))).facts.classes == ("7", "A", "B")


@pytest.mark.parametrize(
    ("rows", "classes", "expected"),
    [
        ([("dog", "cat")], ("dog", "cat"), [0, 1]),
        ([(0, 1)], ("dog", "cat"), [0, 1]),
        ([("dog", 1)], ("dog", "cat"), [0, 1]),
        ([("0", "1")], ("0", "1"), [0, 1]),
        ([(" dog ", "cat")], ("dog", "cat"), [0, 1]),
        ([("café", "cat")], ("cafe\u0301", "cat"), [0, 1]),
        ([(1, 3)], ("1", "2", "3"), [0, 2]),
        ([("3.0", "8.0")], ("3", "8"), [0, 1]),
        ([("false", "true")], ("cat", "dog"), [0, 1]),
    ],
)
def test_a_class_list_says_what_the_cells_mean(box, rows, classes, expected):
    found = box.open(table(*rows), classes=classes)
    cells = columns(found, "label", "prediction")
    assert [cells["label"][0], cells["prediction"][0]] == expected
    assert note_codes(found) == set()


def test_a_class_list_may_come_from_a_file(box):
    path = box.write("dog\ncat\n", "names.txt")
    found = box.open(table(("cat", "dog")), classes=path)
    assert found.facts.classes == ("dog", "cat")
    assert found.facts.provenance.classes_source == "names.txt"


@pytest.mark.parametrize("classes", [("[0]", "[1]"), ("[1]", "[0]"), ("[1]", "cat", "[0]")])
def test_cells_are_names_where_classes_are_called_so(box, classes):
    rows = [("[0]", "[1]"), ("[1]", "[1]")]
    assert box.pairs(table(*rows), classes=classes) == rows
    ignored = box.pairs(table(*rows), classes=classes, ignore_label="[0]")
    assert ignored == rows[1:]


@pytest.mark.parametrize("given", [{"labels_are": "names"}, {"labels_are": "indices"}])
def test_names_that_are_also_other_indices_must_be_declared(box, given):
    with pytest.raises(UsageError) as caught:
        box.open(table(("1", "0")), classes=("1", "0"))
    assert caught.value.slug == "labels-ambiguous"
    expected = [0, 1] if given["labels_are"] == "names" else [1, 0]
    cells = columns(box.open(table(("1", "0")), classes=("1", "0"), **given), "label", "prediction")
    assert [cells["label"][0], cells["prediction"][0]] == expected


CATS = {"classes": ("cat", "dog")}


@pytest.mark.parametrize(
    ("content", "options", "slug", "words"),
    [
        (table(("cat", "dog"), ("catt", "dog")), CATS, "label-unknown", 'line 3: the label "catt" is not a class; the closest is "cat"'),
        (table(("cat", "dog"), ("cat", "bird")), CATS, "label-unknown", 'the prediction "bird"'),
        (table((0, 1), (2, 1)), CATS, "label-out-of-range", 'line 3: the label "2": valid are 0..1'),
        (table((0, 1), (0, 7)), CATS, "prediction-out-of-range", "valid are 0..1"),
        (table((1, 1), (2, 2)), CATS, "label-out-of-range", "--label-base 1"),
        (table((0, 1), (-100, 1)), CATS, "label-out-of-range", "--ignore-label -100"),
        (table((0, 1), (-1, 1)), {}, "label-out-of-range", "--ignore-label -1"),
        (table((0, 1), (1, -1)), {}, "prediction-out-of-range", "they begin with 0"),
        (table((1, 1), (0, 1)), {"label_base": 1}, "label-out-of-range", "they begin with 1"),
        (table(("cat", 1)), {"labels_are": "indices", **CATS}, "label-out-of-range", " is not an index"),
        (table((0, 1)), {"labels_are": "names", **CATS}, "label-unknown", '"0" is not a class'),
        (table((0.5, 1)), CATS, "label-unknown", '"0.5"'),
        (table((0, "cat"), (1, "dog")), {}, "labels-mixed", '"0" (line 2)'),
        (table(("cat", 0), ("dog", 1)), {}, "labels-mixed", "predictions are numbers"),
        (table(("cafe\u0301", "caf\u00e9")), {}, "classes-twins", "look the same"),
        (table(("cat ", "cat")), {}, "classes-twins", "look the same"),
        (table(("cat", "dog")), {"classes": ("cat", "cat")}, "classes-duplicate", "twice"),
        (table(("cat", "dog")), {"classes": ()}, "classes-empty", "lists no classes"),
    ],
)  # fmt: skip
def test_labels_that_are_no_classes_are_refused_with_their_place(
    box, content, options, slug, words
):
    with pytest.raises(DataError) as caught:
        box.open(content, **options)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_declared_indices_that_are_none_are_refused(box):
    with pytest.raises(UsageError) as caught:
        box.open(table(("cat", "dog")), labels_are="indices")
    assert caught.value.slug == "labels-ambiguous"


@pytest.mark.parametrize("ignore", ["-1", -1, "-1.0", " -1 "])
def test_an_ignored_label_is_left_out_and_counted(box, ignore):
    found = box.open(table((0, 1), (-1, 5), (-1, ""), (1, 1)), ignore_label=ignore)
    assert found.facts.classes == ("0", "1")
    samples = found.facts.samples
    assert (samples.found, samples.counted, sum(samples.excluded.values())) == (4, 2, 2)
    assert columns(found, "label", "id")["id"].tolist() == ["0", "3"]
    assert "labels-ignored" in note_codes(found)


def test_an_empty_label_can_be_ignored(box):
    found = box.open(table(("a", "b"), ("", "b"), ("b", "b")), ignore_label="")
    assert found.facts.samples.counted == 2
    assert "(empty)" in next(iter(found.facts.samples.excluded))


def test_the_place_of_an_error_is_not_that_of_an_ignored_row(box):
    with pytest.raises(DataError, match="line 4: the prediction"):
        box.open(table(("x", "bird"), ("cat", "cat"), ("cat", "bird")), ignore_label="x", **CATS)


def test_a_column_of_ids_is_no_column_of_classes(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.columns.survey.MAX_VALUES", 100)
    with pytest.raises(DataError) as caught:
        box.open(table(*((f"x{i}", "a") for i in range(101))))
    assert caught.value.slug == "too-many-classes"


@pytest.mark.parametrize(
    "rows", [(("0", "1"), ("1", "1312000000")), (("1312000000", "1"), ("1", "1"))]
)
def test_an_index_beyond_all_classes_makes_no_class_names(rows, box):
    with pytest.raises(DataError, match='"1312000000" is not a class index') as caught:
        box.open(table(*rows), labels_are="indices")
    assert caught.value.slug == "too-many-classes"
    assert caught.value.hint.endswith("--labels-are names")
    assert "1312000000" in box.open(table(*rows), labels_are="names").facts.classes


@pytest.mark.parametrize(
    ("header", "options", "expected"),
    [
        ("y_true,y_pred", {}, ("a", "b")),
        ("Target,Predicted", {}, ("a", "b")),
        ("ground truth,pred-label", {}, ("a", "b")),
        ("first,second", {"label_column": "second", "prediction_column": "first"}, ("b", "a")),
        ("label,target,pred", {"label_column": "label", "prediction_column": "pred"}, None),
    ],
)
def test_columns_are_known_by_their_common_names_or_by_what_the_user_says(
    box, header, options, expected
):
    row = ("a", "b") if expected else ("a", "x", "b")
    assert box.pairs(table(row, header=header), **options) == [expected or ("a", "b")]


@pytest.mark.parametrize(
    ("header", "options", "kind", "slug", "words"),
    [
        ("label,target,pred", {}, UsageError, "column-ambiguous", "label, target"),
        ("label,pred,predicted", {}, UsageError, "column-ambiguous", "--prediction-column pred"),
        (
            "label,pred,score",
            {"prediction_column": "label"},
            UsageError,
            "column-ambiguous",
            "both",
        ),
        ("label,pred,x", {"label_column": "labl"}, DataError, "table-columns", 'mean "label"'),
        ("label,pred,x", {"id_column": "name"}, DataError, "table-columns", "--id-column"),
        ("label,pred,x", {"scores_columns": "p_*"}, DataError, "table-columns", "--scores-columns"),
        (
            "label,pred,x",
            {"prediction_column": "none"},
            DataError,
            "table-columns",
            "no prediction",
        ),
    ],
)
def test_columns_that_are_not_clear_are_refused(box, header, options, kind, slug, words):
    with pytest.raises(kind) as caught:
        box.open(table(("a", "b", "0.5"), header=header), **options)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_the_more_common_of_two_names_for_ids_wins(box):
    found = box.open(table(("a", "b", "p/x.png", "7"), header="label,prediction,path,id"))
    assert columns(found, "id")["id"].tolist() == ["7"]
    assert found.metadata == {"path": "path"}


@pytest.mark.parametrize(
    "odd",
    ["cat_1", "c\u200bat", "cat-2", "cat (1)", "cat_v2", "cats", "Cats", "the cat", "class cat", "caat", "cta",
     "cat/", "n02123045 cat", "cat, tabby"],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_a_name_in_one_column_that_is_almost_another_is_asked_about(box, odd, turned):
    pairs = [*[("cat", "cat")] * 9, ("dog", "dog"), ("cat", odd)]
    lines = [f'"{b}","{a}"' if turned else f'"{a}","{b}"' for a, b in pairs]
    path = box.write("label,prediction\n" + "\n".join(lines))
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == "classes-spellings"
    assert "line 12" in caught.value.message
    assert len(box.open(path, labels_are="names").facts.classes) == 3
    classes = box.write(f'["cat", "dog", "{odd}"]', "names.json")
    assert len(box.open(path, classes=classes).facts.classes) == 3


@pytest.mark.parametrize(
    ("known", "odd"),
    [
        (["cat", "dog"], "wolf"), (["cat", "dog"], "bat"), (["horse", "cat"], "house"),
        (["type", "type_1"], "type_2"), (["class1", "class2"], "class10"), (["glass", "cat"], "gas"),
        (["grade_1", "none"], "grade_2"), (["stage I", "none"], "stage II"),
        (["none", "level-a"], "level-b"), (["none", "Model A"], "Model B"),
    ],
)  # fmt: skip
def test_a_class_that_is_only_predicted_is_one(box, known, odd):
    lines = [f"{name},{name}" for name in known] * 9 + [f"{known[0]},{odd}"]
    found = box.open("label,prediction\n" + "\n".join(lines))
    assert found.facts.classes == tuple(sorted([*known, odd]))


@pytest.mark.parametrize(("rows", "asked"), [(10, True), (2, False)])
def test_a_typing_error_is_rare(box, rows, asked):
    text = "label,prediction\n" + "airplane,airplane\n" * rows + "airplane,airplan\ncat,cat\n"
    if asked:
        with pytest.raises(DataError, match="may be one class"):
            box.open(text)
    else:
        assert len(box.open(text).facts.classes) == 3


@pytest.mark.parametrize("word", ["None", "#N/A", "NA", "inf", "-inf", "-", "undefined"])
def test_a_label_without_a_value_is_asked_about(box, word):
    path = box.write(f"label,prediction\ncat,cat\ndog,dog\n{word},cat\n")
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == "labels-gap"
    assert box.open(path, ignore_label=word).facts.samples.counted == 2
