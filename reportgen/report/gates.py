"""The gates as text, and their marks on tiles and in the per-class table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.evaluation import Evaluation
from reportgen.gates import (
    Check,
    Decision,
    Status,
    Unit,
    class_name,
    direction_of,
    exact,
    metric_words,
    required_words,
    sample_words,
    value_words,
)
from reportgen.report.classes import ClassSection
from reportgen.report.elements import NOT_AVAILABLE
from reportgen.report.headline import DEFINITIONS, OF_CLASS, GateMark, Headline, Tile
from reportgen.report.words import MINUS, NBSP, Name, Words, join, p_text, say
from reportgen.text import count, enumerated, plural, printable

__all__ = [
    "GatePart",
    "GateRow",
    "GateSection",
    "class_statuses",
    "gate_section",
    "mark_classes",
    "mark_tiles",
    "quantity",
    "requirement",
]


LESS_IS_BETTER = "ece"
"""The only tile with an upper limit as its gate."""


def mark_tiles(headline: Headline, decision: Decision | None, evaluation: Evaluation) -> Headline:
    """The tiles with the limits of gates on their metrics; of several, the strictest.

    Axes are extended to include them.
    """
    checks = _levels(decision)
    tiles = [_limited(tile, checks, evaluation) for tile in headline.tiles]
    shares = [tile.axis for tile in tiles if tile.axis and tile.metric != LESS_IS_BETTER]
    lowest = min((axis.limit for axis in shares if axis.limit is not None), default=1.0)
    return replace(headline, tiles=tuple(_with_room(tile, lowest) for tile in tiles))


def mark_classes(
    section: ClassSection, decision: Decision | None, evaluation: Evaluation
) -> ClassSection:
    """The classes with the limits of gates on their main metrics, and the failed gates."""
    limits: dict[int, dict[str, float]] = {}
    for check in _levels(decision):
        for i in class_statuses(check, evaluation):
            known = limits.setdefault(i, {})
            known[check.metric] = max(check.limit, known.get(check.metric, 0.0))
    missed: dict[int, list[str]] = {}
    for number, check in enumerate(decision.checks if decision else (), start=1):
        for i, status in class_statuses(check, evaluation).items():
            if status == "failed":
                missed.setdefault(i, []).append(f"gate {number} failed")
    rows = tuple(
        replace(row, limits=limits.get(row.index, {}), missed=tuple(missed.get(row.index, ())))
        for row in section.rows
    )
    drawn = {item.name for item in section.main[:-1]}  # the last one has no bar
    if not any(drawn & of_class.keys() for of_class in limits.values()):
        return replace(section, rows=rows)
    return replace(section, rows=rows, lead=join(section.lead, say("Dashed: gate limit.")))


def _levels(decision: Decision | None) -> list[Check]:
    """The gates on values, not on changes."""
    checks = decision.checks if decision is not None else ()
    return [check for check in checks if check.unit == "%" and check.metric]


def _limited(tile: Tile, checks: Iterable[Check], evaluation: Evaluation) -> Tile:
    if tile.axis is None:
        return tile
    found = [
        (status, check)
        for check in checks
        if check.metric == tile.metric
        and (status := _status(check, tile.of_class, evaluation)) is not None
    ]
    if not found:
        return tile
    status, hardest = max(found, key=lambda one: _demand(one[1]))
    failed = status == "failed"
    side = "≤" if tile.metric == LESS_IS_BETTER else "≥"
    limit = exact(hardest.limit, hardest.unit)
    mark = GateMark(status, f"gate {side} {limit}".replace(" ", NBSP))
    axis = replace(tile.axis, limit=hardest.limit, failed=failed)
    return replace(tile, axis=axis, gate=mark)


def _status(check: Check, of_class: int | None, evaluation: Evaluation) -> Status | None:
    """Status overall, or for one class; None if the gate does not apply to it."""
    if of_class is not None:
        return class_statuses(check, evaluation).get(of_class)
    return None if check.parts or check.subject else check.status


def _demand(check: Check) -> float:
    return -check.limit if check.metric == LESS_IS_BETTER else check.limit


def _with_room(tile: Tile, lowest: float) -> Tile:
    axis = tile.axis
    if axis is None:
        return tile
    if tile.metric == LESS_IS_BETTER:
        high = max(axis.high, axis.limit or 0.0)
        return replace(tile, axis=replace(axis, high=high))
    low = min(axis.low, max(0.0, int(10 * lowest - 0.25) / 10))
    return replace(tile, axis=replace(axis, low=low))


def class_statuses(check: Check, evaluation: Evaluation) -> Mapping[int, Status]:
    """Class index → status, for the classes that a gate covers."""
    if not check.parts:
        return {}
    index = {class_name(name): i for i, name in enumerate(evaluation.classes)}
    return {index[part.name]: part.status for part in check.parts if part.name in index}


@dataclass(frozen=True)
class GatePart:
    """One class of a gate that covers several."""

    name: Name
    status: Status
    word: str
    value: str
    range: str
    p: str
    exact_value: float | None
    exact_p: float | None
    place: int


@dataclass(frozen=True)
class GateRow:
    """A requirement and its outcome; numbers have enough digits not to contradict `status`.

    `number` is its position in the gates file. `required` is the requirement; `figure` is its
    metric, if the name of the gate does not contain it. `sentence` is the whole check in one line,
    `detail` what the other cells lack. `needed` is the number of samples that would decide an
    inconclusive gate. `weight` is a word for gates that only warn, or may be inconclusive.
    `bound` is the one-sided bound that decides non-inferiority: `margin` is its distance from the
    limit.
    """

    number: int
    name: Name
    rule: str
    status: Status
    word: str
    weight: str
    subject: Name | None
    value: str
    range: str
    margin: str
    sentence: str
    detail: str
    needed: str
    parts: tuple[GatePart, ...]
    required: str = ""
    figure: str = ""
    bound: str = ""

    @property
    def intervals(self) -> str:
        """``+13.3 to +15.1 pp; lower bound +13.5 pp``."""
        return "; ".join(filter(None, (self.range, self.bound)))

    @property
    def asked(self) -> str:
        """The requirement with its metric."""
        return f"{self.figure} {self.required}".strip()

    @property
    def remark(self) -> str:
        """The detail, and the samples needed."""
        return " ".join(filter(None, (self.detail, self.needed)))

    @property
    def failed(self) -> int:
        """Classes that fail."""
        return sum(part.status == "failed" for part in self.parts)


@dataclass(frozen=True)
class GateSection:
    """The gates: failed ones first, then inconclusive, passed and not applicable ones."""

    lead: Words
    rows: tuple[GateRow, ...]


ORDER: Mapping[Status, int] = {"failed": 0, "inconclusive": 1, "passed": 2, "not applicable": 3}
"""Display order."""


WORDS: Mapping[Status, str] = {
    "failed": "Failed",
    "inconclusive": "Inconclusive",
    "passed": "Passed",
    "not applicable": "Not applicable",
}


AFTER: Mapping[Unit, str] = {"%": "%", "points": f"{NBSP}pp", "": ""}


LISTED_PARTS = 200


def gate_section(decision: Decision | None) -> GateSection | None:
    """The gate section; None without gates."""
    if decision is None or not decision.checks:
        return None
    checks = enumerate(decision.checks, start=1)
    ordered = sorted(checks, key=lambda item: (ORDER[item[1].status], not item[1].blocks, item[0]))
    return GateSection(
        _lead(decision.checks), tuple(_row(number, check) for number, check in ordered)
    )


def _lead(checks: Sequence[Check]) -> Words:
    """The common parts of all rows, and explanations that only some need."""
    lead = "Failed gates first; numbers refer to gates.toml. Decisions use unrounded values."
    if any(len(check.parts) > 1 for check in checks):
        lead += " CIs of single classes are pointwise."
    if any(map(_bound, checks)):
        lead += " Bounds are one-sided 95%."
    if any(check.status == "inconclusive" for check in checks):
        lead += " Inconclusive: the 95% CI includes the limit."
    return say(lead)


def quantity(value: float, unit: Unit, limit: float = 0.0) -> str:
    """A number with its unit and, for differences, its sign: ``64.2%``, ``+4.5 pp``.

    With enough digits to differ from `limit`.
    """
    text = value_words(value, unit, limit, -limit)
    sign = "+" if unit == "points" and value > 0 else ""
    return f"{sign}{text}".replace(" ", NBSP)


def _range(ends: tuple[float, float] | None, unit: Unit, limit: float) -> str:
    """Both ends with one unit: ``61.2–67.1%``, ``−1.2 to +0.4 pp``."""
    if ends is None:
        return ""
    low, high = (quantity(end, unit, limit).removesuffix(AFTER[unit]) for end in ends)
    link = " to " if unit == "points" or MINUS in low + high else "–"
    return f"{low}{link}{high}{AFTER[unit]}"


def _row(number: int, check: Check) -> GateRow:
    detail = _detail(check)
    return GateRow(
        number=number,
        name=Name.of(check.name, 80),
        rule=printable(check.rule),
        status=check.status,
        word=WORDS[check.status],
        weight=_weight(check),
        subject=_subject(check),
        value=_value(check.value, check),
        range=_range(check.interval, check.unit, check.limit),
        margin=_margin(check),
        sentence=printable(check.sentence),
        detail=detail,
        needed=_needed(check, detail),
        parts=tuple(_parts(check)),
        required=requirement(check),
        figure=_figure(check) if check.gate.rule else "",
        bound=_bound(check),
    )


def requirement(check: Check) -> str:
    """``≥ 90%``; the complete rule for documents of earlier versions."""
    return required_words(check.gate) if check.gate.rule else printable(check.rule)


def _subject(check: Check) -> Name | None:
    """The class, slice or pair that decides, if the name of the gate does not contain it."""
    said = check.name.casefold()
    parts = check.gate.pair or (check.subject,)
    return None if all(part.casefold() in said for part in parts) else Name.of(check.subject)


def _figure(check: Check) -> str:
    """The metric in lower case, if the name of the gate does not contain it."""
    known = DEFINITIONS.get(check.metric) or OF_CLASS.get(check.metric)
    if known is None or known.title.lower() in check.name.lower():
        return ""
    return metric_words(known)


def _value(value: float | None, check: Check) -> str:
    return NOT_AVAILABLE if value is None else quantity(value, check.unit, check.limit)


def _weight(check: Check) -> str:
    """A word if the outcome does not block the release, although the gate did not pass."""
    if check.blocks or check.status in {"passed", "not applicable"}:
        return ""
    return "warning only"


def _margin(check: Check) -> str:
    """The margin: ``+4.5 pp``, ``−0.003``."""
    if check.margin is None:
        return ""
    unit: Unit = "points" if check.unit else ""
    sign = "+" if not unit and check.margin > 0 else ""
    return f"{sign}{quantity(check.margin, unit)}"


def _bound(check: Check) -> str:
    """``lower bound +13.5 pp``; of a metric that is better when low, the upper one."""
    if check.margin is None or check.gate.rule != "not_worse_by":
        return ""
    gain = check.margin - check.limit
    known = DEFINITIONS.get(check.metric) or OF_CLASS.get(check.metric)
    is_loss = known is not None and known.higher_is_better is False
    end = quantity(-gain if is_loss else gain, check.unit, check.limit)
    return f"{'upper' if is_loss else 'lower'} bound {end}"


def _detail(check: Check) -> str:
    """What the other cells lack; for a limit on values only the number of classes that meet it."""
    open_ones = check.status in ("failed", "inconclusive")
    known = check.value is not None and check.interval is not None
    if not (open_ones and known and direction_of(check.gate.rule)):
        return printable(check.sentence)
    if len(check.parts) < 2:
        return ""
    passed = sum(part.status == "passed" for part in check.parts)
    failed = [printable(part.name) for part in check.parts if part.status == "failed"]
    counted = f"{count(passed)} of {plural(len(check.parts), 'class', 'classes')} passed"
    return f"{counted}; failed: {enumerated(failed, 3)}." if len(failed) > 1 else f"{counted}."


def _needed(check: Check, detail: str) -> str:
    """The number of samples that would decide, unless `detail` has it."""
    if check.status != "inconclusive":
        return ""
    if check.needed is None:
        return "The required sample size cannot be estimated."
    known = sample_words(check.needed)
    return "" if known in detail else f"{known.capitalize()} would be needed at the measured value."


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
