"""Class lists are read exactly, and folders are mapped to classes by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.class_list import (
    ClassList,
    display_name,
    name_key,
    natural_key,
    read_class_list,
    resolve_classes,
)
from reportgen.errors import DataError, ReportgenError

E_ACUTE, E_COMBINED = "\u00e9", "e\u0301"
MODEL = "classes.json in candidate.pt2"


def listed(tmp_path: Path, content: bytes) -> tuple[str, ...]:
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    return read_class_list(path)


def resolved(
    folders: list[str],
    *,
    explicit: tuple[str, ...] | None = None,
    from_model: tuple[str, ...] | None = None,
    n_outputs: int | None = None,
    ignore_unknown: bool = False,
) -> ClassList:
    return resolve_classes(
        explicit, "names.txt (--classes)", from_model, MODEL, folders, n_outputs, ignore_unknown
    )


# --- reading a list ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"cat\ndog\n",
        b"cat\ndog",
        b"\xef\xbb\xbfcat\ndog\n",
        b"cat\r\ndog\r\n",
        b"cat\rdog\r",
        b"cat\ndog\n\n  \n\t\r\n",
        b"  cat \ndog\t\n",
    ],
)
def test_line_ends_marks_and_blank_lines_at_the_end_do_not_matter(
    tmp_path: Path, content: bytes
) -> None:
    assert listed(tmp_path, content) == ("cat", "dog")


def test_only_real_line_ends_separate_names(tmp_path: Path) -> None:
    assert listed(tmp_path, "a\u2028b\nc\x0cd\ne f\n".encode()) == ("a\u2028b", "c\x0cd", "e f")


@pytest.mark.parametrize("name", ["NA", "None", "null", "nan", "TRUE", "007", "1e5", "=1+1"])
def test_names_that_other_readers_convert_stay_text(tmp_path: Path, name: str) -> None:
    assert listed(tmp_path, f"{name}\nother\n".encode()) == (name, "other")


@pytest.mark.parametrize(
    ("content", "slug", "text"),
    [
        (b"", "classes-empty", 'the class list "names.txt" is empty'),
        (b"\n \n\r\n", "classes-empty", "is empty"),
        (b"cat\n\ndog\n", "classes-blank-line", "line 2 of the class list"),
        (b"cat\n  \ndog\n", "classes-blank-line", "line 2"),
        (b"cat\ndog\ncat\n", "classes-duplicate", '"cat" appears twice'),
        (b"cat\ndog\ncat\n", "classes-duplicate", "line 1 and line 3"),
        ("caf\u00e9\nx\ncafe\u0301\n".encode(), "classes-twins", "line 1 and line 3"),
        ("caf\u00e9\nx\ncafe\u0301\n".encode(), "classes-twins", r'"caf\xe9" and "cafe\u0301"'),
        (b"cat\nd\xf6g\n", "classes-not-utf8", "not UTF-8 at byte 5"),
        (b"\xef\xbb\xbfcat\nd\xf6g\n", "classes-not-utf8", "not UTF-8 at byte 8"),
        ("cat\n".encode("utf-16"), "classes-not-utf8", "not UTF-8 at byte 0"),
    ],
)
def test_a_list_that_can_be_misread_is_refused(
    tmp_path: Path, content: bytes, slug: str, text: str
) -> None:
    with pytest.raises(DataError) as caught:
        listed(tmp_path, content)
    assert caught.value.slug == slug
    assert text in caught.value.message
    assert caught.value.hint


def test_a_list_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.txt", tmp_path):
        with pytest.raises(DataError, match=path.name) as caught:
            read_class_list(path)
        assert caught.value.slug == "classes-unreadable"


def test_a_video_is_no_class_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reportgen.class_list.MAX_LIST_BYTES", 1 << 20)
    with pytest.raises(DataError, match="is over 1 MB") as caught:
        listed(tmp_path, b"x" * ((1 << 20) + 1))
    assert caught.value.slug == "classes-unreadable"


@given(st.binary(max_size=200))
def test_any_bytes_give_names_or_a_data_error(content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        try:
            names = listed(Path(folder), content)
        except DataError:
            return
    assert names
    assert len({name_key(name) for name in names}) == len(names)


# --- which list counts ---------------------------------------------------------------------------


def test_the_models_list_counts_before_the_folders() -> None:
    found = resolved(["cat", "dog"], from_model=("dog", "cat"))
    assert found.names == ("dog", "cat")
    assert found.source == MODEL
    assert found.index == {"cat": 1, "dog": 0}
    assert found.notes == ()


def test_the_users_list_counts_where_the_model_has_none() -> None:
    found = resolved(["cat", "dog"], explicit=("dog", "cat"))
    assert (found.names, found.source) == (("dog", "cat"), "names.txt (--classes)")


def test_two_equal_lists_agree_even_if_accents_are_composed_differently() -> None:
    found = resolved([], explicit=(E_ACUTE, "b"), from_model=(E_COMBINED, "b"), n_outputs=2)
    assert found.names == (E_ACUTE, "b")


def test_the_first_difference_of_two_lists_is_named() -> None:
    with pytest.raises(DataError) as caught:
        resolved([], explicit=("a", "c", "b"), from_model=("a", "b", "c"))
    assert caught.value.slug == "classes-differ"
    assert caught.value.message == (
        'class 2 is "c" in names.txt (--classes) but "b" in classes.json in candidate.pt2'
    )
    assert caught.value.details == ("both have the same names in another order",)


def test_lists_of_different_length_differ() -> None:
    with pytest.raises(DataError, match=r"has 3 classes, .* has 2") as caught:
        resolved([], explicit=("a", "b", "c"), from_model=("a", "b"))
    assert caught.value.slug == "classes-differ"
    assert caught.value.details == ()


def test_without_a_list_the_folders_are_taken_in_string_order_with_a_warning() -> None:
    found = resolved(["dog", "cat"])
    assert found.names == ("cat", "dog")
    assert found.source == "the class folders, in alphabetical order"
    assert [(note.code, note.severity) for note in found.notes] == [("classes-assumed", "warning")]


@pytest.mark.parametrize("folders", [["0", "1", "10", "2"], ["a10", "a9"], ["Zebra", "ant"]])
def test_two_plausible_orders_are_both_shown_and_none_is_guessed(folders: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        resolved(folders)
    assert caught.value.slug == "classes-order"
    strings, natural = caught.value.details
    assert strings == "alphabetical order: " + ", ".join(sorted(folders))
    assert natural.startswith("natural order: ")
    assert natural.removeprefix("natural order: ") != strings.removeprefix("alphabetical order: ")
    assert "--classes" in str(caught.value.hint)


def test_the_digits_have_one_order() -> None:
    digits = [str(digit) for digit in range(10)]
    assert resolved(digits[::-1]).names == tuple(digits)


def test_natural_order_is_by_value_and_ignores_case() -> None:
    names = ["b", "A", "a10", "a9", "10", "9", "\u00b2"]
    assert sorted(names, key=natural_key) == ["9", "10", "A", "a9", "a10", "b", "\u00b2"]


# --- names and numbers ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "slug"),
    [
        (("a", "b", "a"), "classes-duplicate"),
        (("a", "b", "a "), "classes-twins"),
        ((E_ACUTE, E_COMBINED), "classes-twins"),
        (("", " "), "classes-twins"),
        ((), "classes-empty"),
    ],
)
def test_a_models_list_must_be_unambiguous(names: tuple[str, ...], slug: str) -> None:
    with pytest.raises(DataError) as caught:
        resolved([], from_model=names)
    assert caught.value.slug == slug


def test_positions_of_a_duplicate_are_named() -> None:
    with pytest.raises(DataError, match="position 1 and position 3"):
        resolved([], from_model=("a", "b", "a"))


def test_names_are_made_printable_and_an_empty_one_is_called_empty() -> None:
    found = resolved([], from_model=("a\nb", "", "\x1b[31mred", "caf" + E_COMBINED))
    assert found.names == (r"a\nb", "(empty)", r"\x1b[31mred", "caf" + E_ACUTE)


def test_the_number_of_outputs_must_be_that_of_the_classes() -> None:
    names = tuple("abcdefghij")
    with pytest.raises(DataError, match="model has 1000 outputs, class list has 10") as caught:
        resolved(list(names), explicit=names, n_outputs=1000)
    assert caught.value.slug == "classes-count"
    assert resolved(list(names), explicit=names, n_outputs=10).names == names


def test_one_output_is_enough_for_two_classes_and_for_no_other_number() -> None:
    assert resolved(["a", "b"], explicit=("a", "b"), n_outputs=1).names == ("a", "b")
    with pytest.raises(DataError, match="model has 1 output, class list has 3"):
        resolved([], explicit=("a", "b", "c"), n_outputs=1)


# --- folders -------------------------------------------------------------------------------------


def test_an_absent_folder_shifts_no_other_class() -> None:
    found = resolved(["0", "180", "270"], from_model=("0", "90", "180", "270"))
    assert found.index == {"0": 0, "180": 2, "270": 3}
    (note,) = found.notes
    assert (note.code, note.severity, note.count, note.examples) == (
        "classes-absent",
        "warning",
        1,
        ("90",),
    )


def test_folders_match_after_normalisation_and_without_outer_spaces() -> None:
    found = resolved(["caf" + E_COMBINED, " dog"], from_model=("dog", "caf" + E_ACUTE))
    assert found.index == {"caf" + E_COMBINED: 1, " dog": 0}


def test_folders_of_other_case_do_not_match_but_are_offered() -> None:
    with pytest.raises(DataError, match=r'"Cat" is a .*, but not a class.*the closest is "cat"'):
        resolved(["Cat"], from_model=("cat", "dog"))


def test_an_unknown_folder_is_named_with_the_nearest_class() -> None:
    with pytest.raises(DataError) as caught:
        resolved(["cats", "dog", "zzz"], from_model=("cat", "dog"))
    assert caught.value.slug == "class-unknown"
    assert caught.value.exit_code == 3
    assert '"cats"' in caught.value.message
    assert 'the closest is "cat"' in caught.value.message
    assert caught.value.details[0] == '2 of 3 class folders are unknown: "cats", "zzz"'
    assert "--ignore-unknown-classes" in str(caught.value.hint)


def test_unknown_folders_can_be_left_out_and_are_counted() -> None:
    found = resolved(["cat", "cats", "zzz"], from_model=("cat",), ignore_unknown=True)
    assert found.index == {"cat": 0, "cats": None, "zzz": None}
    (note,) = found.notes
    assert (note.code, note.count, note.examples) == ("classes-ignored", 2, ("cats", "zzz"))


def test_hostile_names_are_escaped_in_errors() -> None:
    with pytest.raises(DataError) as caught:
        resolved(["a\n::error::\x1b[31m"], from_model=("cat", "b\x07"))
    text = str(caught.value)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\n::error" not in text


@given(
    st.lists(st.text(max_size=6), max_size=6),
    st.lists(st.text(max_size=6), max_size=6) | st.none(),
)
def test_any_names_give_a_list_or_a_reportgen_error(
    folders: list[str], names: list[str] | None
) -> None:
    try:
        found = resolved(folders, from_model=None if names is None else tuple(names))
    except ReportgenError as error:
        str(error).encode("utf-8")
        return
    assert len(set(found.names)) == len(found.names)
    for folder, position in found.index.items():
        assert position is not None
        assert found.names[position] == display_name(folder)


def test_importing_the_module_is_cheap() -> None:
    code = (
        "import sys, reportgen.class_list;"
        "print([m for m in ('torch', 'numpy', 'PIL', 'pyarrow') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


# Class lists in the forms that programs write


ANIMALS = ("cat", "dog", "bird")
WNIDS = ("n01440764", "n01443537", "n01484850")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("c.json", '["cat", "dog", "bird"]', ANIMALS),
        ("c.txt", '["cat", "dog", "bird"]', ANIMALS),
        ("c.json", '{"bird": 2, "cat": 0, "dog": 1}', ANIMALS),
        ("c.json", '{"bird": 3, "cat": 1, "dog": 2}', ANIMALS),
        ("c.json", '{"2": "bird", "0": "cat", "1": "dog"}', ANIMALS),
        ("class_to_idx.txt", "{'cat': 0, 'dog': 1, 'bird': 2}", ANIMALS),
        ("clsidx_to_labels.txt", "{0: 'cat',\n 1: 'dog',\n 2: 'bird'}", ANIMALS),
        ("config.json", '{"model_type": "vit", "id2label": {"0": "cat", "2": "bird", "1": "dog"}, "num_labels": 3}', ANIMALS),
        ("config.json", '{"label2id": {"cat": 0, "dog": 1, "bird": 2}}', ANIMALS),
        ("c.json", '{"classes": ["cat", "dog", "bird"], "count": 3}', ANIMALS),
        ("c.json", '{"categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "bird"}, {"id": 2, "name": "dog"}]}', ANIMALS),
        ("imagenet_class_index.json", '{"0": ["n01440764", "tench"], "1": ["n01443537", "crane"], "2": ["n01484850", "crane"]}', WNIDS),
        ("LOC_synset_mapping.txt", "n01440764 tench, Tinca tinca\nn01443537 goldfish\nn01484850 great white shark\n", WNIDS),
        ("labels.txt", "0 cat\n1 dog\n2 bird\n", ANIMALS),
        ("labels.txt", "2: bird\n0: cat\n1: dog\n", ANIMALS),
        ("classes.txt", "1 cat\n2 dog\n3 bird\n", ANIMALS),
        ("classes.txt", "cat 0\nbird 2\ndog 1\n", ANIMALS),
        ("classes.txt", "cat\t0\ndog\t1\nbird\t2", ANIMALS),
        ("c.csv", "class,index\ncat,0\nbird,2\ndog,1\n", ANIMALS),
        ("c.csv", "ID,Name,notes\n0,cat,x\n1,dog,y\n2,bird,z\n", ANIMALS),
        ("c.csv", "class\ncat\ndog\nbird\n", ANIMALS),
        ("c.csv", "cat\ndog\nbird\n", ANIMALS),
        ("c.csv", "cat,0\ndog,1\nbird,2\n", ANIMALS),
        ("c.csv", 'class;index\n"cat";0\ndog;1\nbird;2\n', ANIMALS),
        ("c.tsv", "class\tindex\ncat\t0\ndog\t1\nbird\t2\n", ANIMALS),
        ("c.txt", "0\n1\n2\n", ("0", "1", "2")),
        ("c.txt", "fox, red\ncat 9\n3 dogs\n", ("fox, red", "cat 9", "3 dogs")),
        ("c.txt", "007 spy\n1 dog\n", ("007 spy", "1 dog")),
        ("c.txt", "[UNK]\ncat\n", ("[UNK]", "cat")),
        ("c.txt", "[0]\n[1]\n[2]\n", ("[0]", "[1]", "[2]")),
        ("c.txt", "{empty}\n[no label]\ncat [2]\n", ("{empty}", "[no label]", "cat [2]")),
    ],
)  # fmt: skip
def test_a_class_list_of_a_usual_form_has_its_names_in_order(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_text(content)
    assert read_class_list(path) == expected


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("data.yaml", "names:\n  0: cat\n  1: dog\n", "is YAML"),
        ("c.txt", "---\n- cat\n- dog\n", "is YAML"),
        ("c.txt", "names:\n- cat\n- dog\n", "is YAML"),
        ("c.txt", "<html><body>cat</body></html>", "is HTML or XML"),
        ("c.json", "{cat, dog}", "is not JSON"),
        ("c.json", '["cat",\n "dog"', "is not JSON"),
        ("c.json", '[\n  "cat"\n  "dog"\n]', "is not JSON"),
        ("c.json", "['cat' 'dog']", "is not JSON"),
        ("c.txt", "[0 1 2]\n[3 4 5]\n", "is not JSON"),
        ("c.txt", "[classes]\ncat\ndog\n", "is not JSON"),
        ("c.txt", "{cat: 0}\n{dog: 1}\n", "is not JSON"),
        ("c.json", '{"cat": 0, "dog": 2}', "not 0 to 1"),
        ("c.json", '{"cat": 0, "dog": 0}', "not 0 to 1"),
        ("c.json", '{"cat": 0, "cat": 1}', "twice"),
        ("c.json", '{"cat": 0.5}', "not a class list"),
        ("c.json", "[1.5, 2.5]", "not of names"),
        ("c.json", '{"train": {"loss": 1}}', "not a class list"),
        ("c.txt", "class\ncat\ndog\n", "a header or a class"),
        ("c.txt", "Class names:\ncat\ndog\n", "a header or a class"),
        ("c.txt", "class,index\ncat,0\ndog,1\n", "a header or a class"),
        ("c.txt", "cat,dog,bird\n", "3 names on one line"),
        ("c.csv", "wort,zahl,x\ncat,0,1\ndog,1,2\n", "3 columns"),
        ("c.csv", "class,index\ncat,0\ndog,2\n", "not 0 to 1"),
    ],
)
def test_a_class_list_of_another_form_is_refused_by_its_name(tmp_path, name, content, what):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=what) as caught:
        read_class_list(path)
    assert caught.value.slug == "classes-form"
    assert caught.value.hint


def test_a_header_counts_as_one_where_the_file_is_called_csv(tmp_path):
    (tmp_path / "c.csv").write_text("class\ncat\ndog\n")  # what the hint says
    assert read_class_list(tmp_path / "c.csv") == ("cat", "dog")


def test_names_that_begin_with_a_bracket_are_read_as_the_hint_says(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("[a\nb\n")
    with pytest.raises(DataError) as caught:
        read_class_list(path)
    assert "write them as a JSON list" in caught.value.hint
    path.write_text('["[a", "b"]')
    assert read_class_list(path) == ("[a", "b")
