"""Promises, and whether they were kept: the values that all outputs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

__all__ = ["Check", "Decision", "Gate", "Part", "Rule", "Severity", "Status", "Unit", "Verdict"]

Rule = Literal["at_least", "at_most", "not_worse_by", "no_harm", "at_most_share"]
Severity = Literal["block", "warn"]
Status = Literal["passed", "failed", "inconclusive", "not applicable"]
Unit = Literal["%", "points", ""]
UNITS = get_args(Unit)
Verdict = Literal["SHIP", "DO NOT SHIP", "INCONCLUSIVE", "NO GATES SET"]


@dataclass(frozen=True)
class Gate:
    """One promise, as written in ``gates.toml``.

    Attributes
    ----------
    number
        Its place in the file, from 1.
    name
        Unique among the gates.
    metric
        A summary or class metric; empty for `pair`.
    rule, limit
        What is promised: ``at_least``, ``at_most``, ``not_worse_by``, ``no_harm`` (`limit` is its
        ``max_drop``), or ``at_most_share`` of a pair.
    confident
        Compare the bound of the 95 % interval that is hardest to keep, not the value.
    each_class, classes
        Every class, or the classes of these names and glob patterns; else the whole.
    slice
        Column and value of a slice; None for the whole.
    pair
        True and predicted class of a confusion.
    severity, when_inconclusive
        What a failure, and an open question, mean for the release.
    """

    number: int
    name: str
    metric: str
    rule: Rule
    limit: float
    confident: bool = False
    each_class: bool = False
    classes: tuple[str, ...] = ()
    slice: tuple[str, str] | None = None
    pair: tuple[str, str] | None = None
    severity: Severity = "block"
    when_inconclusive: Literal["fail", "warn"] = "fail"


@dataclass(frozen=True)
class Part:
    """One class of a gate that looks at several: what was measured there."""

    name: str
    status: Status
    value: float | None
    interval: tuple[float, float] | None
    p: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, names as they stand here."""
        return {
            "name": self.name,
            "status": self.status,
            "value": self.value,
            "interval": _listed(self.interval),
            "p": self.p,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Part:
        """The inverse of :meth:`to_json`."""
        return cls(
            _text(value["name"]),
            _one_of(value["status"], get_args(Status)),
            _number(value["value"]),
            _interval(value["interval"]),
            _number(value["p"]),
        )


@dataclass(frozen=True)
class Check:
    """Whether one gate was kept.

    Attributes
    ----------
    name, rule, severity
        Of the gate; `rule` in words with its limit: "accuracy at least 90 %".
    status
        The outcome.
    blocks
        Whether it keeps the candidate from being released.
    value, limit, interval
        What was compared with what, unrounded; of the part that decides where there are several.
        For comparisons `value` and `interval` are of the difference.
    subject
        The class, slice or pair that decides, empty for the whole.
    sentence
        What happened, in words for someone who knows no statistics, with digits enough that they
        never contradict the outcome.
    needed
        Samples that would decide an inconclusive check, None where that can't be told.
    parts
        The classes of a gate that looks at several, worst first.
    unit
        How `value`, `limit`, `interval` and `margin` are read: ``"%"`` for shares of 0..1,
        ``"points"`` for differences of shares, ``""`` for plain numbers and their differences.
    margin
        By how much the limit is kept, unrounded: below 0 where it is not; None where unknown.
    """

    name: str
    rule: str
    severity: Severity
    status: Status
    blocks: bool
    value: float | None
    limit: float
    interval: tuple[float, float] | None
    subject: str
    sentence: str
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    unit: Unit = "%"
    margin: float | None = None

    def to_json(self) -> dict[str, Any]:
        """One element of ``checks`` in ``report.json``."""
        return {
            "name": self.name,
            "rule": self.rule,
            "severity": self.severity,
            "status": self.status,
            "blocks": self.blocks,
            "value": self.value,
            "limit": self.limit,
            "interval": _listed(self.interval),
            "subject": self.subject,
            "sentence": self.sentence,
            "needed": self.needed,
            "parts": [part.to_json() for part in self.parts],
            "unit": self.unit,
            "margin": self.margin,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Check:
        """The inverse of :meth:`to_json`."""
        needed, blocks = value["needed"], value["blocks"]
        if not isinstance(blocks, bool):
            raise TypeError(f"blocks {blocks!r} is no boolean")
        return cls(
            name=_text(value["name"]),
            rule=_text(value["rule"]),
            severity=_one_of(value["severity"], get_args(Severity)),
            status=_one_of(value["status"], get_args(Status)),
            blocks=blocks,
            value=_number(value["value"]),
            limit=float(value["limit"]),
            interval=_interval(value["interval"]),
            subject=_text(value["subject"]),
            sentence=_text(value["sentence"]),
            needed=None if needed is None else int(needed),
            parts=tuple(Part.from_json(part) for part in value["parts"]),
            unit=_one_of(value["unit"], UNITS),
            margin=_number(value["margin"]),
        )


@dataclass(frozen=True)
class Decision:
    """May it ship? `reason` is one sentence; checks stand in the order of the file."""

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()

    @property
    def exit_code(self) -> int:
        """1 where a blocking gate failed or is inconclusive, else 0."""
        return int(any(check.blocks for check in self.checks))

    def to_json(self) -> dict[str, Any]:
        """``{"verdict": …, "reason": …, "checks": [...]}``, plain values."""
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "checks": [check.to_json() for check in self.checks],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Decision:
        """The inverse of :meth:`to_json`.

        Raises :class:`KeyError`, :class:`TypeError` or :class:`ValueError` where it is not of it.
        """
        return cls(
            _one_of(value["verdict"], get_args(Verdict)),
            _text(value["reason"]),
            tuple(Check.from_json(check) for check in value["checks"]),
        )


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _interval(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value
    return float(low), float(high)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _one_of(value: Any, choices: Sequence[Any]) -> Any:
    if value not in choices:
        raise ValueError(f"{value!r} is none of {choices}")
    return value
