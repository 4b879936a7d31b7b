"""docs/gates.md: its files are gates, and its table of keys is complete."""

import re
from pathlib import Path
from typing import get_args

import pytest

from reportgen.gates import parse_gates
from reportgen.gates.against_baseline import FEW
from reportgen.gates.gate import Verdict
from reportgen.gates.reading import KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "gates.md").read_text("utf-8")
FILES = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_there_are_files():
    assert len(FILES) == 2


@pytest.mark.parametrize("text", FILES)
def test_the_files_in_the_docs_are_gates(text):
    assert len(parse_gates(text)) == text.count("[[gate]]")


def rows(heading):
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `?([\w ]+?)`? \|", section, re.MULTILINE)[1:]


def test_the_table_of_keys_is_complete():
    assert tuple(rows("Keys")) == KEYS


def test_the_table_of_verdicts_is_complete():
    assert set(rows("Verdict")) == set(get_args(Verdict))


def test_the_numbers_in_the_rules_are_those_of_the_code():
    assert f"fewer than {FEW} samples" in PAGE
