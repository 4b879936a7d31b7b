"""A gate, what came of checking it, and the decision that follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from reportgen.jsonio import (
    NOT_IN_JSON,
    Flat,
    Form,
    Interval,
    Json,
    JsonPath,
    Key,
    OmitDefault,
    Share,
    Unknown,
    read_value,
    restore_unknown,
    write_value,
)

__all__ = [
    "RANKS",
    "Check",
    "Decision",
    "Gate",
    "Outcome",
    "Part",
    "Rule",
    "Severity",
    "Status",
    "Unit",
    "Verdict",
    "combine_outcomes",
    "undefined_words",
]


Rule = Literal["at_least", "at_most", "not_worse_by", "no_harm", "at_most_share"]


Severity = Literal["block", "warn"]


Status = Literal["passed", "failed", "inconclusive", "not applicable"]


Unit = Literal["%", "points", ""]


Verdict = Literal["SHIP", "DO NOT SHIP", "INCONCLUSIVE", "NO GATES SET"]


@dataclass(frozen=True)
class Gate:
    """One requirement, as written in ``gates.toml``.

    Attributes
    ----------
    name
        Of the gate; unique among the gates.
    limit
        What the measured value is compared with; of ``no_harm`` its ``max_drop``.
    metric
        The summary or class metric that it is about; empty for a pair.
    rule
        ``at_least``, ``at_most``, ``not_worse_by``, ``no_harm``, or ``at_most_share`` of a pair.
        None where a document of an earlier version had no more than name, metric, limit and
        severity: then the fields below are not known either.
    number
        Its place in the file, from 1.
    confident
        Compare the bound of the 95% interval that is hardest to keep, not the value.
    each_class, classes
        Every class, or the classes of these names and glob patterns; else the whole.
    slice
        Column and value of a slice; None for the whole.
    pair
        True and predicted class of a confusion.
    severity, when_inconclusive
        What a failure, and an open question, mean for the release.
    """

    name: str
    limit: float
    metric: str = ""
    rule: Annotated[Rule | None, Key("kind"), OmitDefault()] = None
    number: Annotated[int, OmitDefault()] = 0
    confident: Annotated[bool, OmitDefault()] = False
    each_class: Annotated[bool, OmitDefault()] = False
    classes: Annotated[tuple[str, ...], OmitDefault()] = ()
    slice: Annotated[tuple[str, str] | None, OmitDefault()] = None
    pair: Annotated[tuple[str, str] | None, OmitDefault()] = None
    severity: Severity = "block"
    when_inconclusive: Annotated[Literal["fail", "warn"], OmitDefault()] = "fail"

    __json__: ClassVar[Form] = Form(optional=frozenset({"metric"}))


@dataclass(frozen=True)
class Part:
    """One class of a gate that looks at several: what was measured there."""

    name: str
    status: Status
    value: float | None
    interval: Interval | None
    p: Share | None = None

    __json__: ClassVar[Form] = Form(optional=frozenset())


@dataclass(frozen=True)
class Check:
    """Whether one gate was kept.

    Attributes
    ----------
    gate
        The requirement.
    rule
        The same in words: "accuracy at least 90%".
    status
        The outcome.
    blocks
        Whether it keeps the candidate from being released.
    value, interval
        What was compared with the limit, unrounded; of the part that decides where there are
        several. For comparisons both are of the difference.
    subject
        The class, slice or pair that decides, empty for the whole.
    sentence
        What happened, in words for someone who knows no statistics, with digits enough that they
        never contradict the outcome.
    needed
        Samples that would decide an inconclusive check, None where that is unknown.
    parts
        The classes of a gate that looks at several, worst first.
    unit
        How `value`, `limit`, `interval` and `margin` are read: ``"%"`` for shares of 0..1,
        ``"points"`` for differences of shares, ``""`` for plain numbers and their differences.
    margin
        By how much the limit is kept, unrounded: below 0 where it is not; None where unknown.
    """

    gate: Annotated[Gate, Flat()]
    rule: str
    status: Status
    blocks: bool
    value: float | None
    interval: Interval | None
    subject: str
    sentence: str
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    unit: Unit = "%"
    margin: float | None = None

    __json__: ClassVar[Form] = Form(
        order=(
            *("name", "rule", "severity", "status", "blocks", "value", "limit", "interval"),
            *("subject", "sentence", "needed", "parts", "unit", "margin", "metric", "kind"),
            *("number", "confident", "each_class", "classes", "slice", "pair"),
            "when_inconclusive",
        ),
        optional=frozenset(),
    )

    @property
    def name(self) -> str:
        return self.gate.name

    @property
    def severity(self) -> Severity:
        return self.gate.severity

    @property
    def limit(self) -> float:
        return self.gate.limit

    @property
    def metric(self) -> str:
        return self.gate.metric


@dataclass(frozen=True)
class Decision:
    """May it ship? `reason` is one sentence; checks are in the order of the file.

    `unknown` are members that a later version wrote.
    """

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    unknown: Annotated[tuple[Unknown, ...], NOT_IN_JSON] = ()

    __json__: ClassVar[Form] = Form(optional=frozenset())

    @property
    def exit_code(self) -> int:
        """1 where a blocking gate failed or is inconclusive, else 0."""
        return int(any(check.blocks for check in self.checks))

    def to_json(self) -> dict[str, Any]:
        """``{"verdict": …, "reason": …, "checks": [...]}``, plain values."""
        return restore_unknown(write_value(Decision, self), self.unknown)

    @classmethod
    def from_json(cls, value: Json) -> Decision:
        """The inverse of :meth:`to_json`; `value` may contain more: the rest of ``report.json``.

        Raises :class:`~reportgen.jsonio.Fault` where it is not of it.
        """
        whole = JsonPath.of(value).members()
        place = JsonPath({name: whole[name] for name in _OWN if name in whole})
        found: Decision = read_value(Decision, place)
        return replace(found, unknown=tuple(place.reading.unknown))

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` where a release is blocked by its own checks."""
        if self.verdict in _NOTHING_BLOCKS and self.exit_code:
            place["verdict"].contradicts("one of the checks keeps it from being released")


_OWN = ("verdict", "reason", "checks")


_NOTHING_BLOCKS = ("SHIP", "NO GATES SET")


RANKS: dict[Status, int] = {"failed": 0, "inconclusive": 1, "passed": 2, "not applicable": 3}
"""Worst first: a gate that looks at several classes is as good as its worst class."""


@dataclass(frozen=True)
class Outcome:
    """As in :class:`~reportgen.gates.gate.Check`; `clause` is a sentence without its full stop,
    to be put after a colon."""

    status: Status
    clause: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    subject: str = ""
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    margin: float | None = None


def combine_outcomes(statuses: list[Status]) -> Status:
    """The worst of them; at least one."""
    return min(statuses, key=RANKS.__getitem__)


def undefined_words(reason: str) -> str:
    """The sentence of a reason, for use after a colon."""
    text = reason.rstrip(".").split(". ")[0]
    return text[:1].lower() + text[1:]
