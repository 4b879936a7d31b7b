"""A gate, its check, and the resulting decision."""

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
        Unique name of the gate.
    limit
        The limit of the measured value; for ``no_harm`` its ``max_drop``.
    metric
        The overall or class metric; empty for a pair.
    rule
        ``at_least``, ``at_most``, ``not_worse_by``, ``no_harm``, or ``at_most_share`` of a pair.
        None for documents of earlier versions with only name, metric, limit and severity; the
        fields below are then unknown too.
    number
        Its position in the file, from 1.
    confident
        Compare the less favourable bound of the 95% CI, not the value.
    each_class, classes
        Every class, or the classes of these names and glob patterns; neither for an overall metric.
    slice
        Column and value of a slice; None for all samples.
    pair
        True and predicted class of a confusion.
    severity, when_inconclusive
        The effect of a failed, and of an inconclusive gate on the release.
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
    """The measured value of one class, for a gate on several."""

    name: str
    status: Status
    value: float | None
    interval: Interval | None
    p: Share | None = None

    __json__: ClassVar[Form] = Form(optional=frozenset())


@dataclass(frozen=True)
class Check:
    """The check of one gate.

    Attributes
    ----------
    gate
        The requirement.
    rule
        The rule in words: "accuracy at least 90%".
    status
        The outcome.
    blocks
        Whether it blocks the release.
    value, interval
        The value compared with the limit, unrounded, and its interval; of the deciding part if
        there are several. For comparisons both are those of the difference.
    subject
        The deciding class, slice or pair; empty for an overall metric.
    sentence
        The outcome in plain words, with enough digits not to contradict it.
    needed
        Number of samples that would decide an inconclusive check; None if unknown.
    parts
        The classes of a gate on several, worst first.
    unit
        The unit of `value`, `limit`, `interval` and `margin`: ``"%"`` for proportions in 0..1,
        ``"points"`` for their differences, ``""`` for plain numbers and their differences.
    margin
        The margin to the limit, unrounded: below 0 if it is not met; None if unknown.
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
    """The release decision.

    `reason` is one sentence; checks are in the order of the file. `unknown` are members written by
    a later version.
    """

    verdict: Verdict
    reason: str
    checks: tuple[Check, ...] = ()
    unknown: Annotated[tuple[Unknown, ...], NOT_IN_JSON] = ()

    __json__: ClassVar[Form] = Form(optional=frozenset())

    @property
    def exit_code(self) -> int:
        """1 if a blocking gate failed or is inconclusive, else 0."""
        return int(any(check.blocks for check in self.checks))

    def to_json(self) -> dict[str, Any]:
        """``{"verdict": …, "reason": …, "checks": [...]}``, plain values."""
        return restore_unknown(write_value(Decision, self), self.unknown)

    @classmethod
    def from_json(cls, value: Json) -> Decision:
        """The inverse of :meth:`to_json`; `value` may be a complete ``report.json``.

        Raises :class:`~reportgen.jsonio.Fault` if it is invalid.
        """
        whole = JsonPath.of(value).members()
        place = JsonPath({name: whole[name] for name in _OWN if name in whole})
        found: Decision = read_value(Decision, place)
        return replace(found, unknown=tuple(place.reading.unknown))

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if the verdict contradicts blocking checks."""
        if self.verdict in _NOTHING_BLOCKS and self.exit_code:
            place["verdict"].contradicts("one of the checks keeps it from being released")


_OWN = ("verdict", "reason", "checks")


_NOTHING_BLOCKS = ("SHIP", "NO GATES SET")


RANKS: dict[Status, int] = {"failed": 0, "inconclusive": 1, "passed": 2, "not applicable": 3}
"""Worst first: a gate on several classes has the status of its worst class."""


@dataclass(frozen=True)
class Outcome:
    """Fields as in :class:`~reportgen.gates.gate.Check`.

    `clause` is a sentence without full stop, for use after a colon.
    """

    status: Status
    clause: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    subject: str = ""
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    margin: float | None = None


def combine_outcomes(statuses: list[Status]) -> Status:
    """The worst of the statuses; at least one."""
    return min(statuses, key=RANKS.__getitem__)


def undefined_words(reason: str) -> str:
    """The sentence of a reason, for use after a colon."""
    text = reason.rstrip(".").split(". ")[0]
    return text[:1].lower() + text[1:]
