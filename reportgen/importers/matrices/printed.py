"""Printed confusion matrices: white space between cells, names beside and above.

``np.savetxt``, ``print(matrix)``, ``print(pandas.crosstab(…))``, ``confusionMatrix`` of R's caret,
Weka. Titles such as "Reference" above the columns determine the orientation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from reportgen.errors import DataError
from reportgen.importers.columns.words import COMMON_NAMES, folded
from reportgen.importers.formats.compressed import open_text
from reportgen.importers.formats.delimited import Dialect
from reportgen.importers.formats.limits import readable
from reportgen.importers.matrices.edges import bare_names
from reportgen.text import plural, quoted

__all__ = [
    "Printed",
    "printed_matrix",
]


_LONGEST = 4 << 20


_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?%?|nan|NaN")


_RULE = re.compile(r"[\s\-=_+|*#~]+")


_WEKA = re.compile(r"\s*((?:\d+(?:\.\d+)?\s+)+)\|\s*(\S+)\s*=\s*(.*\S)\s*")


_NESTED = re.compile(r"\[\s*\[[^\[\]]*\](?:[\s,]*\[[^\[\]]*\])*[\s,]*\]")


_MARKS = "()[]{}:|\"' \t"


@dataclass(frozen=True)
class Printed:
    """A printed matrix.

    Attributes
    ----------
    cells
        K rows of K numbers, as text.
    names, columns
        K names of the rows and of the columns, or None.
    rows
        Orientation, ``"true"`` or ``"predicted"``; empty if not stated.
    told
        Description of the format, in words.
    """

    cells: list[list[str]]
    names: tuple[str, ...] | None
    rows: str
    told: str
    columns: tuple[str, ...] | None = None


def printed_matrix(path: Path, dialect: Dialect) -> Printed | None:
    """The printed matrix in a text file; None if there is none, or if the file has a delimiter.

    Raises :class:`DataError` if there are several over the same classes.
    """
    if dialect.given or dialect.comma:
        return None
    with readable(path):
        try:
            with open_text(path, "utf-8-sig" if dialect.is_utf8 else dialect.encoding) as stream:
                text = stream.read(_LONGEST + 1)
        except UnicodeError:
            return None
    if len(text) > _LONGEST or not text.strip() or "\0" in text:
        return None
    lines = [line.rstrip() for line in text.splitlines()]
    found = _nested(text) or _weka(lines) or _blocks(lines)
    alike = [one for one in found if one.names == found[0].names]
    if len(alike) > 1:
        raise DataError(
            f"{quoted(path.name)} shows {len(alike)} matrices",
            slug="input-kind",
            hint="save the intended one in a separate file",
        )
    return found[0] if found else None


def _nested(text: str) -> list[Printed]:
    """Matrices such as ``[[40 10] [2 48]]``, as numpy, torch and Python print them."""
    found = []
    matches = list(_NESTED.finditer(text))
    told = "printed in brackets" + _not_used(_n_lines_beside(text, matches))
    for match in matches:
        rows = [row.replace(",", " ").split() for row in re.findall(r"\[([^\[\]]*)\]", match[0])]
        is_square = len(rows) > 1 and all(len(row) == len(rows) for row in rows)
        before = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if not is_square or set(before) & set(",;\t\"'") or not all(map(_is_number, chain(*rows))):
            return []
        found.append(Printed([[c.rstrip(".") for c in row] for row in rows], None, "", told))
    return found


def _n_lines_beside(text: str, matches: Sequence[re.Match[str]]) -> int:
    """Number of lines with text that no match begins, crosses or ends in."""
    n, end = 0, 0
    for match in matches:
        begin = text.rfind("\n", 0, match.start()) + 1
        n += sum(map(bool, map(str.strip, text[end:begin].splitlines())))
        after = text.find("\n", match.end())
        end = len(text) if after < 0 else after
    return n + sum(map(bool, map(str.strip, text[end:].splitlines())))


def _not_used(n: int) -> str:
    return f"; {plural(n, 'other line')} not used" if n > 0 else ""


def _is_number(token: str) -> bool:
    return _NUMBER.fullmatch(token) is not None


def _weka(lines: Sequence[str]) -> list[Printed]:
    """Rows such as ``40 10 | a = cat`` under ``a b <-- classified as``."""
    blocks: list[list[re.Match[str]]] = [[]]
    for line in lines if any("classified as" in line for line in lines) else ():
        if (match := _WEKA.fullmatch(line)) is not None:
            blocks[-1].append(match)
        elif blocks[-1]:
            blocks.append([])
    found = []
    for block in blocks:
        cells = [match[1].split() for match in block]
        if len(block) > 1 and all(len(row) == len(block) for row in cells):
            names = tuple(match[3] for match in block)
            found.append(Printed(cells, names, "true", "printed by Weka", names))
    return found


def _blocks(lines: Sequence[str]) -> list[Printed]:
    """The matrices of K consecutive lines that end in K numbers each."""
    first = next((line for line in lines if line.strip()), "")
    if any(mark in first for mark in ",;") or _is_report(lines):
        return []
    if all("\t" in line for line in lines if line.strip()) and not any(
        " " in cell.strip() for line in lines for cell in line.split("\t")
    ):
        return []  # tab-separated: a delimited file
    every = (_of_run(lines, start, stop) for start, stop in _runs(lines))
    return [one for one in every if one is not None]


def _of_run(lines: Sequence[str], start: int, stop: int) -> Printed | None:
    for skipped in (0, 1):
        block = lines[start + skipped : stop]
        k = len(block)
        split = [_split(line, k) for line in block]
        rows = [row for row in split if row]
        if k >= 2 and len(rows) == k and (not skipped or _numbers_rows(lines[start], rows)):
            return _named(lines, start + skipped, rows)
    return None


def _numbers_rows(header: str, rows: Sequence[tuple[str, list[str]]]) -> bool:
    """Whether a line of numbers names the columns: the names of the rows."""
    return header.split() == [label for label, _ in rows]


def _is_report(lines: Sequence[str]) -> bool:
    text = " ".join(lines[:20]).lower()
    return "precision" in text and "recall" in text


def _runs(lines: Sequence[str]) -> list[tuple[int, int]]:
    """(first, one past the last) of each run of lines that end in at least two numbers."""
    runs, start = [], None
    for i, line in enumerate([*lines, ""]):
        if _split(line, 2) is not None:
            start = i if start is None else start
        elif start is not None:
            runs.append((start, i))
            start = None
    return runs


def _split(line: str, k: int) -> tuple[str, list[str]] | None:
    """(the text before, the last `k` numbers); None if there are fewer."""
    tokens = line.split()
    if len(tokens) < k or not all(map(_is_number, tokens[-k:])):
        return None
    before = " ".join(tokens[:-k])
    return before, tokens[-k:]


def _named(
    lines: Sequence[str], start: int, rows: Sequence[tuple[str, list[str]]]
) -> Printed | None:
    """The matrix with the names at its edges, and the titles above them."""
    k = len(rows)
    above = [line for line in lines[:start] if line.strip() and not _RULE.fullmatch(line)][-3:]
    labels, row_word = _labels([label for label, _ in rows])
    names, column_words, corner = _header(above, k, labels)
    is_title = labels is None and bool(above) and above[-1].rstrip().endswith((":", "="))
    if (above and names is None and not is_title) or _names_columns(above):
        return None
    words = [row_word or corner, *column_words]
    said = _rows_said(words[0], words[1:])
    n_others = sum(bool(line.strip()) for line in lines) - k - len(above)
    told = f"printed with white space{_not_used(n_others)}"
    return Printed([row for _, row in rows], labels, said, told, names)


def _labels(labels: Sequence[str]) -> tuple[tuple[str, ...] | None, str]:
    """(row names, the word before all of them)."""
    if not all(labels):
        return None, ""
    clean = [label.strip(_MARKS) for label in labels]
    words = [label.split(None, 1) for label in clean]
    first = words[0][0] if words[0] else ""
    if all(len(one) == 2 and one[0] == first for one in words) and _role(first):
        return tuple(one[1].strip(_MARKS) for one in words), first
    if _role(first) and len(words[0]) == 2 and not any(_role(label) for label in clean[1:]):
        return (words[0][1].strip(_MARKS), *clean[1:]), first  # the word is in the first row
    return tuple(clean), ""


def _header(
    above: Sequence[str], k: int, labels: tuple[str, ...] | None
) -> tuple[tuple[str, ...] | None, list[str], str]:
    """(names above the columns, the title above them, the title above the row names)."""
    if not above:
        return None, [], ""
    for back in (1, 2):  # pandas prints the title of the rows on a line of its own
        if len(above) < back:
            break
        tokens = [token.strip(_MARKS) for token in above[-back].split()]
        tokens = [token for token in tokens if token]
        over = [word for line in above[:-back] for word in line.split()]
        found = _names_at_end(tokens, k, labels)
        if found is None:
            continue
        names, before = found
        if back == 2:
            return names, [*before, *over], above[-1].strip()
        return names, over, " ".join(before)
    return None, [], ""


def _names_at_end(
    tokens: Sequence[str], k: int, labels: tuple[str, ...] | None
) -> tuple[tuple[str, ...], list[str]] | None:
    """(column names at the end of a line, the words before them), or None.

    They must be the row names in any order, or as many words.
    """
    for n_before in (0, 1, 2, 3) if labels else ():
        ordered = _in_order(" ".join(tokens[n_before:]), set(labels or ()))
        if ordered is not None:
            return ordered, list(tokens[:n_before])
    if len(tokens) not in (k, k + 1):
        return None
    names = tuple(tokens[-k:])
    if labels and not set(bare_names(labels, names)[0]) & set(bare_names(labels, names)[1]):
        return None  # other words: their order relative to the rows is unknown
    return names, list(tokens[: len(tokens) - k])


def _in_order(text: str, names: set[str]) -> tuple[str, ...] | None:
    """The names in the order in which a text has each of them once; None for other texts."""
    if not names:
        return () if not text else None
    for name in sorted(names, key=len, reverse=True):
        if text == name or text.startswith(f"{name} "):
            rest = _in_order(text[len(name) + 1 :], names - {name})
            if rest is not None:
                return (name, *rest)
    return None


def _names_columns(above: Sequence[str]) -> bool:
    """Whether the line above has the column names of a table of predictions: both roles."""
    roles = {_role(token) for token in (above[-1].split() if above else [])}
    return {"true", "predicted"} <= roles


def _role(word: str) -> str:
    word = folded(word.strip(_MARKS))
    if word in COMMON_NAMES["label"]:
        return "true"
    return "predicted" if word in COMMON_NAMES["prediction"] else ""


def _rows_said(over_rows: str, over_columns: Sequence[str]) -> str:
    """The orientation stated at the edges; empty if none or both are."""
    turned = {"true": "predicted", "predicted": "true", "": ""}
    said = {_role(over_rows), *(turned[_role(word)] for word in over_columns)} - {""}
    return said.pop() if len(said) == 1 else ""
