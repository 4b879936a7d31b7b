"""Words and phrases that the field does not use are in no text of ours."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BANNED = {
    "told apart": r"(told|tell|tells) (them |classes )?apart",
    "taken for": r"taken for (one another|another|this)",
    "beyond chance": r"worse beyond chance",
    "clearly": r"clearly",
    "perhaps better": r"perhaps (better|worse)",
    "chance alone": r"chance alone (shows|would)",
    "less baseline": r"less (the )?baseline",
    "is asked for": r"is asked for",
    "as was asked": r"as (was )?asked",
    "stands twice": r"stands? (there )?(twice|in two rows|in lines|in columns)",
    "stands in the way": r"stands? in the way",
    "stand by itself": r"stands? by (itself|themselves)",
    "at hand": r"at hand",
    "so many answers": r"so many (answers|make)",
    "right answers": r"(right|wrong) answers?",
    "right group": r"(right|wrong) group",
    "by heart": r"by heart",
    "flatters": r"flatters?",
    "surest": r"surest|least sure|too sure|sure of itself",
    "hardly": r"hardly",
    "second look": r"second look",
    "as sure as right": r"as sure as",
    "false alarms": r"false alarms, %",
    "commonest": r"commonest",
    "weakest class": r"weakest (class|recall)",
    "way out": r"ways? out:",
    "mend": r"mend(s|ed)?",
    "95% interval": r"95 ?% interval of",
    "row shares": r"(row|column) shares",
    "error cells": r"error cells?",
    "one a line": r"one (name |row |label |score )?an? (line|sample|class|channel)",
    "is no number": r"(?<!there )is no (number|name|folder|probability|class list|date|count)",
    "points of recall": r"[+−][0-9.]+ points",
    "figures-ground": r"figures-ground",
}
_VALUE = "a value of report.json, which stays"
EXCEPTIONS = {
    ("docs/report-json.md", "perhaps better"): _VALUE,
    ("reportgen/comparison/comparison.py", "perhaps better"): _VALUE,
    ("reportgen/comparison/significance.py", "perhaps better"): _VALUE,
    ("reportgen/report/comparison/deltas.py", "perhaps better"): _VALUE,
    ("reportgen/report/matrix.py", "row shares"): "a key of a picture, which names its file",
}


def literals(path: Path) -> Iterator[str]:
    """The strings of a module that are no docstrings; fields of f-strings are left blank."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values
            )
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        ):
            yield node.value


def markup(path: Path) -> Iterator[str]:
    """The text of a template, without comments and tags."""
    text = re.sub(r"\{#.*?#\}", " ", path.read_text("utf-8"), flags=re.DOTALL)
    yield re.sub(r"\s+", " ", re.sub(r"<[^>]*>|\{%.*?%\}", " ", text, flags=re.DOTALL))


def texts() -> Iterator[tuple[str, str]]:
    """File → each text in it that is ours and meant for readers."""
    for path in sorted((ROOT / "reportgen").rglob("*.py")):
        yield from ((path.relative_to(ROOT).as_posix(), text) for text in literals(path))
    for path in sorted((ROOT / "templates").glob("*.j2")):
        yield from ((path.relative_to(ROOT).as_posix(), text) for text in markup(path))
    pages = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
    for path in [*pages, ROOT / "tests" / "error_examples.toml"]:
        yield path.relative_to(ROOT).as_posix(), re.sub(r"\s+", " ", path.read_text("utf-8"))


def found_in(text: str) -> set[str]:
    """The banned phrases in a text, as whole words, in any case."""
    return {
        name
        for name, pattern in BANNED.items()
        if re.search(rf"(?<![\w-])(?:{pattern})(?!\w)", text, re.IGNORECASE)
    }


def test_no_text_of_ours_has_a_banned_word():
    found = {(file, name) for file, text in texts() for name in found_in(text)}
    assert sorted(found - set(EXCEPTIONS)) == []


def test_every_exception_is_needed():
    found = {(file, name) for file, text in texts() for name in found_in(text)}
    assert set(EXCEPTIONS) <= found
    assert all(EXCEPTIONS.values())


PLANTED = {
    "surest": "the surest mistakes",
    "taken for": "cat is taken for another",
    "beyond chance": "one is worse beyond chance",
    "chance alone": "chance alone shows 2%",
    "right answers": "three right answers more",
    "so many answers": "So many answers",
    "as sure as right": "As sure as right?",
    "way out": "Way out: leave it",
    "weakest class": "Weakest class: cat",
    "95% interval": "the 95 % interval of accuracy",
    "false alarms": "false alarms, %",
    "one a line": "one name a line",
    "is no number": "it is no number",
    "points of recall": "+2.8 points",
    "stand by itself": "one stands by itself",
    "stands twice": "it stands there twice",
}


@pytest.mark.parametrize("name", BANNED)
def test_a_planted_word_is_found(name):
    assert name in found_in(f"Here {PLANTED.get(name, name)} ends.")
