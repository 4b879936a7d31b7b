"""A user's groups: every class once, and an error that names what is wrong."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportgen.analysis.confusions import grouping_from_rows
from reportgen.csv_text import csv_text
from reportgen.errors import DataError

CLASSES = ("Shirt", "Coat", "Sandal", "caf\u00e9", "=sum")
GOOD = "class,group\nSandal,shoes\nShirt,clothes\nCoat,clothes\ncaf\u00e9,places\n'=sum,other\n"


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(), strict=True)
    return ((reader.line_num, row) for row in reader)


def refused(text: str, classes: tuple[str, ...] = CLASSES) -> DataError:
    with pytest.raises(DataError) as caught:
        grouping_from_rows(rows(text), classes, "groups.csv")
    assert caught.value.exit_code == 3
    assert caught.value.hint
    return caught.value


def test_groups_are_read_in_the_order_of_the_table() -> None:
    found = grouping_from_rows(rows(GOOD), CLASSES, "groups.csv")
    assert found.names == ("shoes", "clothes", "places", "other")
    assert found.group_of.tolist() == [1, 1, 0, 2, 3]
    assert found.source == "groups.csv"
    assert found.modularity is None


def test_columns_may_stand_in_any_order_beside_others() -> None:
    text = "note,group,class\nx,a,one\ny,b,two\n"
    found = grouping_from_rows(rows(text), ("one", "two"), "groups.csv")
    assert found.names == ("a", "b")


def test_names_are_compared_without_spaces_and_after_unicode_normalisation() -> None:
    text = "class,group\n cafe\u0301 , a\nNA,a \n007,b\n"
    found = grouping_from_rows(rows(text), ("caf\u00e9", "NA", "007"), "groups.csv")
    assert found.names == ("a", "b")
    assert found.group_of.tolist() == [0, 0, 1]


def test_what_reportgen_writes_it_reads() -> None:
    text = csv_text(["class", "group"], [["=1+1", "-a"], ["b\x07", "+b"]])
    found = grouping_from_rows(rows(text), ("=1+1", "b\\x07"), "groups.csv")
    assert found.names == ("-a", "+b")


def test_group_names_are_made_printable() -> None:
    found = grouping_from_rows(rows("class,group\na,x\x1b[2J\n"), ("a",), "groups.csv")
    assert found.names == ("x\\x1b[2J",)


def test_the_strict_reader_of_tables_gives_the_rows(tmp_path: Path) -> None:
    strict_csv = pytest.importorskip("reportgen.importers.formats.delimited")
    path = tmp_path / "groups.csv"
    path.write_text("\ufeff" + GOOD, encoding="utf-8")
    lines = strict_csv.rows_of(path, strict_csv.dialect_of(path, "", "utf-8"))
    assert grouping_from_rows(lines, CLASSES, path.name).names[0] == "shoes"


@pytest.mark.parametrize(
    ("text", "message", "detail"),
    [
        ("", '"groups.csv" has no column "class"', "it is empty"),
        ("Shirt,clothes\n", '"groups.csv" has no column "class"', "its columns are Shirt, clothes"),
        ("class,super\n", '"groups.csv" has no column "group"', "its columns are class, super"),
        ("class,group,class\n", 'two columns "class"', "its columns are class, group, class"),
    ],
)
def test_a_table_without_the_columns_is_refused(text: str, message: str, detail: str) -> None:
    error = refused(text)
    assert error.slug == "hierarchy-columns"
    assert message in error.message
    assert error.details == (detail,)


def test_an_unknown_class_is_named_with_its_line_and_the_nearest_class() -> None:
    error = refused(GOOD.replace("Coat", "Coats").replace("Sandal", "Sandale"))
    assert error.slug == "hierarchy-class-unknown"
    assert error.message == (
        'line 2 of "groups.csv": there is no class "Sandale"; the closest is "Sandal"'
    )
    assert error.details[0] == "2 names: Sandale, Coats"
    assert "5 classes: Shirt, Coat, Sandal" in error.details[1]


def test_an_unknown_class_with_no_like_is_named_alone() -> None:
    error = refused(GOOD + "xyzzy,clothes\n")
    assert error.message == 'line 7 of "groups.csv": there is no class "xyzzy"'
    assert len(error.details) == 1


def test_a_missing_class_is_named() -> None:
    error = refused("class,group\nShirt,clothes\nSandal,shoes\n")
    assert error.slug == "hierarchy-class-missing"
    assert error.message == '"groups.csv" has no group for class "Coat"'
    assert error.details == ("3 of 5 classes missing: Coat, caf\u00e9, =sum",)


def test_a_class_that_comes_twice_is_named_with_both_lines() -> None:
    for again in ("Shirt,clothes", " Shirt,shoes"):
        error = refused(GOOD + again + "\n")
        assert error.slug == "hierarchy-class-twice"
        assert error.message == 'class "Shirt" appears in lines 3 and 7 of "groups.csv"'


@pytest.mark.parametrize(("row", "what"), [("Shirt, ", "group"), (" ,clothes", "class")])
def test_an_empty_cell_is_named_with_its_line(row: str, what: str) -> None:
    error = refused("class,group\n" + row + "\n")
    assert error.slug == "hierarchy-blank"
    assert error.message == f'line 2 of "groups.csv" has no {what}'


def test_groups_that_differ_in_case_only_are_refused() -> None:
    error = refused("class,group\na,Shoes\nb,clothes\nc,shoes\n", ("a", "b", "c"))
    assert error.slug == "hierarchy-group-twins"
    assert '"Shoes" (line 2) and "shoes" (line 4)' in error.message


def test_names_in_errors_are_made_printable() -> None:
    error = refused("class,group\n\x1b[31mred,a\n")
    assert "\x1b" not in str(error)
    assert '"\\x1b[31mred"' in error.message
