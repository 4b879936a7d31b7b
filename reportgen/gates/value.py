"""Promises, and whether they were kept: the values that all outputs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from reportgen.json_fields import Interval, Json, Place, Share

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
    interval: Interval | None
    p: Share | None = None

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
    def from_json(cls, value: Json) -> Part:
        """The inverse of :meth:`to_json`.

        Raises :class:`~reportgen.json_fields.Fault` where it is not of it.
        """
        return Place.of(value).read_as(cls, every=True)


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
    metric
        The summary or class metric that it is about; empty for a pair.
    """

    name: str
    rule: str
    severity: Severity
    status: Status
    blocks: bool
    value: float | None
    limit: float
    interval: Interval | None
    subject: str
    sentence: str
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    unit: Unit = "%"
    margin: float | None = None
    metric: str = ""

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
            "metric": self.metric,
        }

    @classmethod
    def from_json(cls, value: Json) -> Check:
        """The inverse of :meth:`to_json`.

        Raises :class:`~reportgen.json_fields.Fault` where it is not of it.
        """
        place = Place.of(value)
        if "metric" in place:
            return place.read_as(cls, every=True)
        return place.read_as(cls, every=True, metric="")  # as it was before there was any


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
    def from_json(cls, value: Json) -> Decision:
        """The inverse of :meth:`to_json`; `value` may hold more: the rest of ``report.json``.

        Raises :class:`~reportgen.json_fields.Fault` where it is not of it.
        """
        place = Place.of(value)
        found = cls(
            place["verdict"].one_of(get_args(Verdict)),
            place["reason"].text(),
            place["checks"].read(tuple[Check, ...]),
        )
        if found.verdict in _NOTHING_BLOCKS and found.exit_code:
            place["verdict"].contradicts("one of the checks keeps it from being released")
        return found


_NOTHING_BLOCKS = ("SHIP", "NO GATES SET")


def _listed(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
