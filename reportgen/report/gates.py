"""The gates as they are read: failed ones first, with digits that don't contradict the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reportgen.gates.value import Check, Decision, Status, Unit
from reportgen.gates.words import spoken, told
from reportgen.report.cells import NOT_AVAILABLE
from reportgen.report.model_review import GatePart, GateRow, GateSection
from reportgen.report.words import MINUS, NBSP, Name, Words, join, p_text, say
from reportgen.text import printable

__all__ = ["gate_section", "quantity"]

ORDER: Mapping[Status, int] = {"failed": 0, "inconclusive": 1, "passed": 2, "not applicable": 3}
"""What is shown first."""
WORDS: Mapping[Status, str] = {
    "failed": "Failed",
    "inconclusive": "Inconclusive",
    "passed": "Passed",
    "not applicable": "Not applicable",
}
AFTER: Mapping[Unit, str] = {"%": f"{NBSP}%", "points": f"{NBSP}points", "": ""}
LISTED_PARTS = 200


def gate_section(decision: Decision | None) -> GateSection | None:
    """All gates; None where there are none."""
    if decision is None or not decision.checks:
        return None
    checks = enumerate(decision.checks, start=1)
    ordered = sorted(checks, key=lambda item: (ORDER[item[1].status], not item[1].blocks, item[0]))
    return GateSection(
        _lead(decision.checks), tuple(_row(number, check) for number, check in ordered)
    )


def _lead(checks: Sequence[Check]) -> Words:
    lead = say(
        "Decided on unrounded values; numbers have the digits that this takes. Failed gates come "
        "first, each with its number in the file."
    )
    if all(check.status != "inconclusive" for check in checks):
        return lead
    return join(
        lead,
        say(
            "Inconclusive: the promise may be kept or broken, these samples can't tell, and more "
            "would."
        ),
    )


def quantity(value: float, unit: Unit, limit: float = 0.0) -> str:
    """A number with its unit and, for differences, its sign: ``64.2 %``, ``+4.50 points``.

    It has the digits that tell it from `limit`, on either side of 0.
    """
    text = told(value, unit, limit, -limit)
    sign = "+" if unit == "points" and value > 0 else ""
    return f"{sign}{text}".replace(" ", NBSP)


def _range(ends: tuple[float, float] | None, unit: Unit, limit: float) -> str:
    """Both ends, the unit once: ``61.2–67.1 %``, ``−1.20 to +0.40 points``."""
    if ends is None:
        return ""
    low, high = (quantity(end, unit, limit).split(NBSP)[0] for end in ends)
    link = " to " if unit == "points" or MINUS in low + high else "–"
    return f"{low}{link}{high}{AFTER[unit]}"


def _row(number: int, check: Check) -> GateRow:
    return GateRow(
        number=number,
        name=Name.of(check.name, 80),
        rule=printable(check.rule),
        status=check.status,
        word=WORDS[check.status],
        weight=_weight(check),
        subject=Name.of(check.subject) if check.subject else None,
        value=_value(check.value, check),
        range=_range(check.interval, check.unit, check.limit),
        margin=_margin(check),
        sentence=printable(check.sentence),
        needed=_needed(check),
        parts=tuple(_parts(check)),
    )


def _value(value: float | None, check: Check) -> str:
    return NOT_AVAILABLE if value is None else quantity(value, check.unit, check.limit)


def _weight(check: Check) -> str:
    """Where the outcome does not stop the release although it is no pass."""
    if check.blocks or check.status in {"passed", "not applicable"}:
        return ""
    return "warns only"


def _margin(check: Check) -> str:
    """By how much the limit is kept: ``+4.50 points``, ``−0.003``."""
    if check.margin is None:
        return ""
    unit: Unit = "points" if check.unit else ""
    sign = "+" if not unit and check.margin > 0 else ""
    return f"{sign}{quantity(check.margin, unit)}"


def _needed(check: Check) -> str:
    """How many samples would decide, where the sentence doesn't say it."""
    if check.status != "inconclusive":
        return ""
    if check.needed is None:
        return "How many samples would decide it can't be told."
    known = spoken(check.needed)
    return "" if known in check.sentence else f"{known.capitalize()} would decide it."


def _parts(check: Check) -> Iterable[GatePart]:
    for place, part in enumerate(check.parts[:LISTED_PARTS]):
        yield GatePart(
            name=Name.of(part.name),
            status=part.status,
            word=WORDS[part.status],
            value=_value(part.value, check),
            range=_range(part.interval, check.unit, check.limit),
            p="" if part.p is None else p_text(part.p),
            exact_value=part.value,
            exact_p=part.p,
            place=place,
        )
