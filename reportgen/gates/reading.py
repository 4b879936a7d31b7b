"""Reads ``gates.toml`` and ``--fail-under`` strictly; errors suggest the probable intention."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

from reportgen.class_list import display_name, name_key
from reportgen.errors import UsageError
from reportgen.gates.gate import Gate, Rule, Severity
from reportgen.gates.rules import COMPARISONS, direction_of
from reportgen.gates.selectors import refuse_namesakes
from reportgen.gates.targets import Scope, comparison_targets, definitions, range_of
from reportgen.text import listing, middle_cut, nearest, printable, quoted

__all__ = [
    "Entry",
    "fail_under",
    "gate_of",
    "parse_gates",
    "read_gates",
]


RULES: tuple[Rule, ...] = get_args(Rule)


KEYS = (
    "name", "metric", *RULES, "max_drop", "confident", "each_class", "class", "classes", "slice",
    "pair", "severity", "when_inconclusive",
)  # fmt: skip


OPEN = ("fail", "warn")


SUSPECT_MARGIN = 0.2
"""A bare margin of at least 0.2 (20 pp) is probably a mistake for percentage points."""


MAX_NAME = 200


_PERCENTAGE = re.compile(r"[ ]*([0-9]{1,9}(?:\.[0-9]{1,30})?)[ ]*%[ ]*", re.ASCII)


def gate_of(number: int, table: Mapping[str, object]) -> Gate:
    """The gate in a TOML table; `number` is its position in the file, from 1.

    Raises :class:`UsageError`: ``gates-key`` for an unknown, missing or conflicting key,
    ``gates-metric`` for an unknown metric, or ``gates-value``.
    """
    return Entry(number, table).gate()


@dataclass(frozen=True)
class Entry:
    """One gate as written in the file.

    Attributes
    ----------
    number
        Its position, from 1.
    table
        Its TOML table.
    place
        Its location in messages; empty for ``gate 2 ("floor")``.
    """

    number: int
    table: Mapping[str, object]
    place: str = ""

    def gate(self) -> Gate:
        """The gate, validated as far as possible without classes and slices."""
        self._check_keys()
        name, where, rule = self._name(), self._scope(), self._rule()
        self._check_scope(where, rule)
        metric = "" if where == "pair" else self._metric(where)
        self._check_direction(metric, where, rule)
        return Gate(
            number=self.number,
            name=name,
            metric=metric,
            rule=rule,
            limit=self._limit(metric, rule),
            confident=self._confident(rule),
            each_class=self._flag("each_class"),
            classes=self._classes(),
            slice=self._slice(),
            pair=self._pair(),
            severity=self._word("severity", get_args(Severity), "block"),
            when_inconclusive=self._word(
                "when_inconclusive", OPEN, "warn" if rule == "no_harm" else "fail"
            ),
        )

    # Errors

    @property
    def where(self) -> str:
        name = self.table.get("name")
        if self.place:
            return self.place
        if isinstance(name, str) and name.strip():
            return f"gate {self.number} ({quoted(middle_cut(name.strip(), 60))})"
        return f"gate {self.number}"

    def error(self, slug: str, problem: str, hint: str | None = None) -> UsageError:
        """The error of this gate."""
        return UsageError(f"{self.where}: {problem}", slug=slug, hint=hint)

    def _wrong_value(self, key: str, needed: str, hint: str | None = None) -> UsageError:
        return self.error("gates-value", f"{key} = {spell(self.table[key])} {needed}", hint)

    # Keys

    def _check_keys(self) -> None:
        for key in self.table:
            if key not in KEYS:
                meant = nearest(key, KEYS)
                raise self.error(
                    "gates-key",
                    f"there is no key {quoted(middle_cut(key, 60))}",
                    f"did you mean {meant}?" if meant else f"the keys are {', '.join(KEYS)}",
                )
        if "class" in self.table and "classes" in self.table:
            raise self.error(
                "gates-key", "class and classes are both given", "write one of them, with a list"
            )

    def _name(self) -> str:
        if "name" not in self.table:
            raise self.error("gates-key", "it has no name", 'add name = "…", unlike all others')
        name = self._text("name")
        if len(name) > MAX_NAME:
            raise self.error("gates-value", f"its name has over {MAX_NAME} characters")
        return name

    def _rule(self) -> Rule:
        found = [rule for rule in RULES if rule in self.table]
        if len(found) > 1:
            raise self.error(
                "gates-key",
                f"it has {len(found)} rules: {', '.join(found)}",
                "write one gate for each rule",
            )
        if not found:
            stray = "max_drop" in self.table
            raise self.error(
                "gates-key",
                "max_drop requires no_harm" if stray else "it has no rule",
                "add no_harm = true" if stray else f"add one of {', '.join(RULES)}",
            )
        if "max_drop" in self.table and found[0] != "no_harm":
            raise self.error(
                "gates-key",
                f"max_drop cannot be combined with {found[0]}",
                "it applies only to no_harm = true: omit it",
            )
        return found[0]

    def _scope(self) -> Scope:
        each_class = self._flag("each_class")
        chosen: list[tuple[str, Scope]] = [
            (key, where)
            for key, where in _SCOPES
            if key in self.table and (key != "each_class" or each_class)
        ]
        kinds = {where for _, where in chosen}
        if len(kinds) > 1:
            keys = " and ".join(key for key, _ in chosen)
            raise self.error(
                "gates-key", f"{keys} cannot be combined", "write one gate for each of them"
            )
        return chosen[0][1] if chosen else "whole"

    def _check_scope(self, where: Scope, rule: Rule) -> None:
        if where == "pair" and "metric" in self.table:
            raise self.error("gates-key", "a pair cannot have a metric", "omit metric")
        if where == "pair" and rule != "at_most_share":
            raise self.error(
                "gates-key", f"a pair does not take {rule}", "write at_most_share, as in 0.02"
            )
        if where != "pair" and rule == "at_most_share":
            raise self.error(
                "gates-key",
                "at_most_share requires pair",
                'add pair = ["true class", "predicted class"], or write at_most',
            )

    # Metrics

    def _metric(self, where: Scope) -> str:
        if "metric" not in self.table:
            raise self.error("gates-key", "it has no metric", 'add metric = "accuracy", or another')
        metric = self._text("metric")
        if metric not in definitions(where):
            raise self._unknown_metric(metric, where)
        return metric

    def _unknown_metric(self, metric: str, where: Scope) -> UsageError:
        shown, known = quoted(middle_cut(metric, 60)), tuple(definitions(where))
        if where == "class" and metric == "accuracy":
            return self.error(
                "gates-metric",
                "there is no accuracy of a class",
                "use recall, often called the accuracy of a class",
            )
        if where == "whole" and metric in definitions("class"):
            twin = nearest(f"macro_{metric}", known)
            return self.error(
                "gates-metric",
                f"{shown} is a per-class metric, not an overall metric",
                'add each_class = true or class = "…"' + (f", or write {twin}" if twin else ""),
            )
        if where == "class" and metric in definitions("whole"):
            problem = f"{shown} is an overall metric, not a per-class metric"
        else:
            problem = f"there is no metric {shown}" + _OF.get(where, "")
        meant = nearest(metric, known)
        return self.error(
            "gates-metric", problem, f"did you mean {meant}?" if meant else _one_of(known)
        )

    def _check_direction(self, metric: str, where: Scope, rule: Rule) -> None:
        if where == "pair":
            return
        definition = definitions(where)[metric]
        better = definition.higher_is_better
        if better is None:
            raise self.error(
                "gates-metric",
                f"{metric} describes the data, not the model",
                "choose a metric such as accuracy or recall",
            )
        if rule in COMPARISONS and metric not in comparison_targets(where):
            raise self.error(
                "gates-metric",
                f"{metric} is not compared with a baseline{_OF.get(where, '')}",
                _one_of(comparison_targets(where)),
            )
        direction = direction_of(rule)
        if direction is not None and (direction.sign > 0) != better:
            opposite, side = ("at_least", "high") if better else ("at_most", "low")
            raise self.error(
                "gates-key",
                f"{metric} is better when it is {side}",
                f"write {opposite}, not {rule}",
            )

    def _confident(self, rule: Rule) -> bool:
        confident = self._flag("confident")
        if confident and rule in COMPARISONS:
            raise self.error(
                "gates-key",
                f"confident cannot be combined with {rule}, which already uses the interval",
                "omit it",
            )
        return confident

    # Numbers

    def _limit(self, metric: str, rule: Rule) -> float:
        if rule != "no_harm":
            return self._number(rule, metric)
        if self.table["no_harm"] is not True:
            raise self._wrong_value(
                "no_harm", "is not true", "write no_harm = true, or remove the gate"
            )
        return self._number("max_drop", metric) if "max_drop" in self.table else 0.0

    def _number(self, key: str, metric: str) -> float:
        low, high = range_of(metric)
        margin = key in ("not_worse_by", "max_drop")
        if margin:
            low, high = 0.0, min(high - low, math.inf)
        value = self.table[key]
        if isinstance(value, str):
            return self._percentage(key, value, low, high)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong_value(key, "is not a number", 'write a number such as 0.9, or "90%"')
        if not -1e300 < value < 1e300:  # an int may be too large for a float
            raise self._wrong_value(key, "is not a finite number")
        share = high == 1.0
        if share and (1 < value <= 100 or (margin and SUSPECT_MARGIN <= value < 1)):
            raise self._wrong_value(key, *_percent_confusion(value, margin))
        self._check_range(key, float(value), low, high)
        return float(value) + 0.0  # -0.0 is 0.0

    def _percentage(self, key: str, text: str, low: float, high: float) -> float:
        found = _PERCENTAGE.fullmatch(text)
        if found is None:
            raise self._wrong_value(
                key, "is not a number", 'write a number such as 0.9, or a percentage such as "90%"'
            )
        if high == math.inf or high > 1:
            raise self._wrong_value(key, "cannot be a percentage", "write a number")
        value = float(Decimal(found[1]) / 100)
        self._check_range(key, value, low, high)
        return value

    def _check_range(self, key: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            limits = f"{low:g} or more" if high == math.inf else f"between {low:g} and {high:g}"
            raise self._wrong_value(key, f"is out of range: it must be {limits}")
        if key == "not_worse_by" and value == 0:
            raise self._wrong_value(
                key,
                "leaves no margin, so no sample size could pass",
                "write a small margin such as 0.005, or no_harm = true",
            )

    # Texts

    def _text(self, key: str) -> str:
        value = self.table[key]
        if not isinstance(value, str):
            raise self._wrong_value(key, "is not a string", f'write {key} = "…"')
        if not value.strip():
            raise self._wrong_value(key, "is empty")
        return name_key(value)

    def _flag(self, key: str) -> bool:
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self._wrong_value(key, "is neither true nor false", "write it without quotes")
        return value

    def _word(self, key: str, choices: Sequence[str], default: str) -> Any:
        if key not in self.table:
            return default
        value = self.table[key]
        if value not in choices:
            meant = nearest(value, choices) if isinstance(value, str) else None
            raise self._wrong_value(
                key,
                f"is not one of {', '.join(choices)}",
                f'did you mean "{meant}"?' if meant else None,
            )
        return value

    def _classes(self) -> tuple[str, ...]:
        for key in ("class", "classes"):
            if key in self.table:
                value = self.table[key]
                names = value if isinstance(value, list) else [value]
                if not names or not all(isinstance(one, str) and one.strip() for one in names):
                    raise self._wrong_value(
                        key, "is not a name, nor a list of names", f'write {key} = "cat"'
                    )
                return tuple(dict.fromkeys(map(display_name, names)))
        return ()

    def _slice(self) -> tuple[str, str] | None:
        if "slice" not in self.table:
            return None
        column, sign, part = self._text("slice").partition("=")
        if not (sign and column.strip() and part.strip()):
            raise self._wrong_value("slice", "is not a slice", 'write slice = "column=value"')
        return column.strip(), part.strip()

    def _pair(self) -> tuple[str, str] | None:
        if "pair" not in self.table:
            return None
        value = self.table["pair"]
        if not (
            isinstance(value, list)
            and len(value) == 2
            and all(isinstance(one, str) and one.strip() for one in value)
        ):
            raise self._wrong_value(
                "pair", "is not a list of two classes", 'write pair = ["true", "predicted"]'
            )
        true, predicted = map(display_name, value)
        if true == predicted:
            raise self._wrong_value("pair", "names one class twice", "name two classes")
        return true, predicted


_SCOPES: tuple[tuple[str, Literal["class", "slice", "pair"]], ...] = (
    ("each_class", "class"), ("class", "class"), ("classes", "class"), ("slice", "slice"),
    ("pair", "pair"),
)  # fmt: skip


_OF = {"class": " of a class", "slice": " of a slice"}


def spell(value: object) -> str:
    """A value roughly in TOML notation, on one line, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(middle_cut(value, 60))
    if isinstance(value, int) and abs(value) >= 10**40:
        return "a number of over 40 digits"
    return middle_cut(printable(str(value)).replace("'", '"'), 60)


def _one_of(names: Sequence[str]) -> str:
    return f"the metrics are {listing(names, 40)}"


def _percent_confusion(value: float, margin: bool) -> tuple[str, str]:
    if margin and value < 1:
        points = f"{100 * value:g} pp"
        return (
            f"would allow a loss of {points}",
            f'did you mean {value / 100:g} or "{value:g}%"? if {points} are meant, '
            f'write "{100 * value:g}%"',
        )
    return "is over 1, and a rate is at most 1", f'did you mean {value / 100:g} or "{value:g}%"?'


MAX_BYTES = 256 << 10


MAX_DOTS = 32
"""A key with more parts is refused before parsing, which takes quadratic time."""


_STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#.*')


_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


_EXAMPLE = '[[gate]]\n  name = "accuracy floor"\n  metric = "accuracy"\n  at_least = 0.90'


def read_gates(path: Path) -> tuple[Gate, ...]:
    """Read the gates of a file, in order; at least one.

    UTF-8, with or without a byte-order mark; lines end in ``\\n`` or ``\\r\\n``.

    Raises :class:`UsageError`: ``gates-file`` if it can't be read, ``gates-syntax`` if it is not
    TOML (with line and column), ``gates-empty`` if it has no gate, and the errors of
    :func:`reportgen.gates.reading.gate_of`.
    """
    return parse_gates(_text_of(path), path.name)


def parse_gates(text: str, name: str = "gates.toml") -> tuple[Gate, ...]:
    """The gates of a text in the format of ``gates.toml``; `name` is for messages."""
    tables = _tables(_parse(text, name), name)
    gates = tuple(gate_of(number, table) for number, table in enumerate(tables, 1))
    refuse_namesakes(gates)
    return gates


def fail_under(texts: Sequence[str]) -> tuple[Gate, ...]:
    """Gates of the form ``accuracy=0.9`` or ``accuracy=90%``, one per text: minimum values.

    Raises :class:`UsageError` (``fail-under``) if a text is invalid or a metric is repeated;
    otherwise as :func:`read_gates`.
    """
    gates = tuple(_one_line(number, text) for number, text in enumerate(texts, 1))
    for number, gate in enumerate(gates):
        if any(gate.metric == other.metric for other in gates[:number]):
            raise UsageError(
                f"--fail-under sets {gate.metric} twice",
                slug="fail-under",
                hint="set it once",
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
            f"{where} is over {MAX_BYTES >> 10} kB, too large for a gates file", slug="gates-file"
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


def _parse(text: str, name: str) -> dict[str, object]:
    where = quoted(name)
    text = text.replace("\r\n", "\n") + "\n"  # so that an error in the last line has a location
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS and _STRINGS.sub("", line).count(".") > MAX_DOTS:
            raise UsageError(
                f"{where}, line {number}: a key of over {MAX_DOTS} parts", slug="gates-syntax"
            )
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise UsageError(f"{where} is nested too deeply", slug="gates-syntax") from error
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        problem, place = _locate_entry(str(error), text)
        raise UsageError(
            f"{where}{place}: {problem}",
            slug="gates-syntax",
            hint=_syntax_hint(problem),
        ) from error


def _locate_entry(message: str, text: str) -> tuple[str, str]:
    """The parser's message and location: ``", line 2, column 7"``."""
    found = _PLACE.search(message)
    if found is None:
        return printable(message.split(":")[0].strip()), ""
    problem = printable(message[: found.start()])
    if found[1] is None:
        return problem, f", line {len(text.rstrip().splitlines()) or 1} (the last)"
    return problem, f", line {found[1]}, column {found[2]}"


def _syntax_hint(problem: str) -> str:
    if "Cannot overwrite" in problem:
        return "the key is given twice: remove one of them"
    if "Invalid value" in problem:
        return 'strings need quotes, percentages too: "90%"'
    return "see docs/gates.md for the format"


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
            f"{where}: gate is not a list of tables",
            slug="gates-key",
            hint="write [[gate]] above each gate",
        )
    if not gates:
        raise UsageError(
            f"{where} contains no gate: 0 gates would be checked",
            slug="gates-empty",
            hint=f"omit --gates, or write a gate:\n  {_EXAMPLE}",
        )
    return list(gates)


def _unknown_table(key: str, where: str) -> UsageError:
    meant = "gate" if nearest(key, ["gate", "gates"]) else None
    return UsageError(
        f"{where}: there is no key {quoted(middle_cut(key, 60))} outside of a gate",
        slug="gates-key",
        hint="did you mean [[gate]]?" if meant else "every key belongs below a line [[gate]]",
    )
