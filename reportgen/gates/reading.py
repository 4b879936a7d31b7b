"""``gates.toml`` and ``--fail-under`` → gates. Whatever could silently be no gate is refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from reportgen.errors import UsageError
from reportgen.gates.names import refuse_namesakes
from reportgen.gates.schema import Entry, gate_of
from reportgen.gates.value import Gate
from reportgen.text import middle_cut, nearest, printable, quoted

__all__ = ["fail_under", "parse_gates", "read_gates"]

MAX_BYTES = 256 << 10
MAX_DOTS = 32
"""A key of more parts is refused before it is parsed: parsing takes the square of their number."""

_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#.*')
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_EXAMPLE = '[[gate]]\n  name = "accuracy floor"\n  metric = "accuracy"\n  at_least = 0.90'


def read_gates(path: Path) -> tuple[Gate, ...]:
    """The gates of a file, in its order; at least one.

    UTF-8, with or without a byte-order mark; lines end in ``\\n`` or ``\\r\\n``.

    Raises :class:`UsageError`: ``gates-file`` where it can't be read, ``gates-syntax`` where it is
    no TOML (with line and column), ``gates-empty`` where it holds no gate, else as
    :func:`reportgen.gates.schema.gate_of`.
    """
    return parse_gates(_text_of(path), path.name)


def parse_gates(text: str, name: str = "gates.toml") -> tuple[Gate, ...]:
    """The gates of a text in the form of ``gates.toml``; `name` is for messages."""
    tables = _tables(_parsed(text, name), name)
    gates = tuple(gate_of(number, table) for number, table in enumerate(tables, 1))
    refuse_namesakes(gates)
    return gates


def fail_under(texts: Sequence[str]) -> tuple[Gate, ...]:
    """Gates of the form ``accuracy=0.9`` or ``accuracy=90%``, one a text: the figure at least that.

    Raises :class:`UsageError` with slug ``fail-under`` where a text has another form or a metric is
    given twice; else as :func:`read_gates`.
    """
    gates = tuple(_one_line(number, text) for number, text in enumerate(texts, 1))
    for number, gate in enumerate(gates):
        if any(gate.metric == other.metric for other in gates[:number]):
            raise UsageError(
                f"--fail-under gives {gate.metric} twice",
                slug="fail-under",
                hint="give it once",
            )
    return gates


def _one_line(number: int, text: str) -> Gate:
    metric, sign, limit = (part.strip() for part in text.partition("="))
    shown = middle_cut(text, 60)
    if not (metric and sign and limit) or metric[-1] in "<>!" or limit[0] == "=":
        raise UsageError(
            f"--fail-under {quoted(shown)} is not a metric and a number",
            slug="fail-under",
            hint="write --fail-under accuracy=0.9",
        )
    value: object = limit
    if not limit.endswith("%"):
        try:
            value = float(limit)
        except ValueError:
            value = limit
    table = {"name": f"--fail-under {metric}", "metric": metric, "at_least": value}
    return Entry(number, table, f"--fail-under {printable(shown)}").gate()


def _text_of(path: Path) -> str:
    content = _content(path)
    where = quoted(path.name)
    if len(content) > MAX_BYTES:
        raise UsageError(
            f"{where} is over {MAX_BYTES >> 10} kB: that is no file of gates", slug="gates-file"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            f"{where} is not UTF-8 in line {line}", slug="gates-file", hint="save it as UTF-8"
        ) from error


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(
            f"cannot read the gates {quoted(path.name)}: {reason.lower()}",
            slug="gates-file",
            hint="--gates takes a TOML file",
        ) from error


def _parsed(text: str, name: str) -> dict[str, object]:
    where = quoted(name)
    text = text.replace("\r\n", "\n") + "\n"  # so that a fault in the last line has a place
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS and _STRINGS.sub("", line).count(".") > MAX_DOTS:
            raise UsageError(
                f"{where}, line {number}: a key of over {MAX_DOTS} parts", slug="gates-syntax"
            )
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply to be read", slug="gates-syntax") from error
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        problem, place = _located(str(error), text)
        raise UsageError(
            f"{where}{place}: {problem}",
            slug="gates-syntax",
            hint=_syntax_hint(problem),
        ) from error


def _located(message: str, text: str) -> tuple[str, str]:
    """What the parser found, and where: ``", line 2, column 7"``."""
    found = _PLACE.search(message)
    if found is None:
        return printable(message.split(":")[0].strip()), ""
    problem = printable(message[: found.start()])
    if found[1] is None:
        return problem, f", line {len(text.rstrip().splitlines()) or 1} (the last)"
    return problem, f", line {found[1]}, column {found[2]}"


def _syntax_hint(problem: str) -> str:
    if "Cannot overwrite" in problem:
        return "the key is given twice: leave one of them out"
    if "Invalid value" in problem:
        return 'texts stand in quotes, percentages too: "90%"'
    return "docs/gates.md shows the form"


def _tables(parsed: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    where = quoted(name)
    for key in parsed:
        if key != "gate":
            raise _unknown_table(key, where)
    gates = parsed.get("gate", [])
    if isinstance(gates, dict):
        raise UsageError(
            f"{where}: [gate] is one table, not a list of gates",
            slug="gates-key",
            hint="write [[gate]], with two brackets, above each gate",
        )
    if not isinstance(gates, list) or not all(isinstance(one, dict) for one in gates):
        raise UsageError(
            f"{where}: gate is no list of tables",
            slug="gates-key",
            hint="write [[gate]] above each gate",
        )
    if not gates:
        raise UsageError(
            f"{where} holds no gate: 0 gates would be checked",
            slug="gates-empty",
            hint=f"leave --gates out, or write a gate:\n  {_EXAMPLE}",
        )
    return list(gates)


def _unknown_table(key: str, where: str) -> UsageError:
    meant = "gate" if nearest(key, ["gate", "gates"]) else None
    return UsageError(
        f"{where}: there is no key {quoted(middle_cut(key, 60))} outside of a gate",
        slug="gates-key",
        hint="did you mean [[gate]]?" if meant else "every key stands below a line [[gate]]",
    )
