"""Gates on a value: at least, at most, and the rate of a confusion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.evaluation import Evaluation
from reportgen.gates.gate import (
    RANKS,
    Gate,
    Outcome,
    Part,
    Status,
    combine_outcomes,
    undefined_words,
)
from reportgen.gates.rules import Direction, direction_of
from reportgen.gates.selectors import classes_of, pair_of
from reportgen.gates.targets import definition_of, scope_of
from reportgen.gates.wording import (
    class_name,
    exact,
    limit_words,
    measured_words,
    metric_words,
    needed_words,
    pair_words,
    range_words,
    subject_of_slice,
    unit_of,
    value_words,
)
from reportgen.metrics import REASONS, Metric, wilson

__all__ = [
    "decide_level",
]


NO_SLICE = "the test set has no samples in that slice"


INAPPLICABLE = frozenset({"too_few_classes", "not_recorded"})
"""A gate does not apply to a top-k accuracy that is always 1, nor to an unrecorded metric."""


MOST_NEEDED = 10**9


@dataclass(frozen=True)
class Measured:
    """A measured value: its name, its metric, and its number of samples."""

    subject: str
    metric: Metric
    n: int


def decide_level(gate: Gate, evaluation: Evaluation) -> Outcome:
    """Whether a metric meets its limit.

    Raises :class:`UsageError` (``gates-class``) for an unknown class.
    """
    found = [(_status(gate, one.metric), one) for one in _measured(gate, evaluation)]
    found.sort(key=lambda pair: (RANKS[pair[0]], _badness(gate, pair[1].metric)))
    status = combine_outcomes([status for status, _ in found])
    worst = found[0][1]
    needed = max((_needed(gate, one) or 0 for s, one in found if s == "inconclusive"), default=0)
    several = scope_of(gate) == "class"
    parts = tuple(
        Part(one.subject, status, one.metric.value, one.metric.interval) for status, one in found
    )
    return Outcome(
        status,
        _clause(gate, status, worst, needed, len(found)),
        worst.metric.value,
        worst.metric.interval,
        worst.subject,
        needed or None if status == "inconclusive" else None,
        parts if several else (),
        _margin(gate, worst.metric),
    )


def _measured(gate: Gate, evaluation: Evaluation) -> list[Measured]:
    where = scope_of(gate)
    if where == "whole":
        metric = evaluation.summary.get(gate.metric, Metric(None, None, "no_scores"))
        return [Measured("", metric, evaluation.n_samples)]
    if where == "slice":
        return [_of_slice(gate, evaluation)]
    if where == "pair":
        return [_of_pair(gate, evaluation)]
    column = evaluation.per_class.get(gate.metric)
    return [
        Measured(
            class_name(evaluation.classes[i]),
            Metric(None, None, "no_scores") if column is None else column.metric(i),
            int(evaluation.confusion.true_totals[i]),
        )
        for i in classes_of(gate, evaluation.classes)
    ]


def _of_slice(gate: Gate, evaluation: Evaluation) -> Measured:
    name = subject_of_slice(gate)
    for one in evaluation.slices.slices:
        if (one.column, one.part.text) == gate.slice:
            return Measured(name, getattr(one, gate.metric), one.n)
    return Measured(name, Metric(None, None, NO_SLICE), 0)


def _of_pair(gate: Gate, evaluation: Evaluation) -> Measured:
    indices = pair_of(gate, evaluation.classes)
    assert indices is not None
    true, predicted = indices
    n = int(evaluation.confusion.true_totals[true])
    count = evaluation.confusion.count(true, predicted)
    metric = Metric(None, None, "no_true_samples")
    if n:
        low, high = (float(end) for end in wilson(count, n))
        metric = Metric(count / n, (low, high), None)
    subject = pair_words(evaluation.classes[true], evaluation.classes[predicted])
    return Measured(subject, metric, n)


def _direction(gate: Gate) -> Direction:
    direction = direction_of(gate.rule)
    assert direction is not None, f"{gate.rule} is not a rule on a value"
    return direction


def _status(gate: Gate, metric: Metric) -> Status:
    if metric.value is None:
        return "not applicable" if metric.reason in INAPPLICABLE else "failed"
    direction = _direction(gate)
    if not gate.confident:
        return "passed" if direction.keeps(metric.value, gate.limit) else "failed"
    if metric.interval is None:
        return "inconclusive" if direction.keeps(metric.value, gate.limit) else "failed"
    near, far = direction.ends(metric.interval)
    if direction.keeps(near, gate.limit):
        return "passed"
    return "inconclusive" if direction.keeps(far, gate.limit) else "failed"


def _margin(gate: Gate, metric: Metric) -> float | None:
    """The margin of the compared value or interval end to the limit."""
    if metric.value is None:
        return None
    near, direction = metric.value, _direction(gate)
    if gate.confident and metric.interval is not None:
        near, _ = direction.ends(metric.interval)
    return direction.margin(near, gate.limit)


def _badness(gate: Gate, metric: Metric) -> float:
    if metric.value is None:
        return -math.inf
    return _direction(gate).sign * metric.value


def _needed(gate: Gate, one: Measured) -> int | None:
    """Samples needed if the value stays: the width of intervals shrinks with their square root."""
    value, interval = one.metric.value, one.metric.interval
    if value is None or interval is None or value == gate.limit:
        return None
    end = interval[0] if value > gate.limit else interval[1]
    needed = one.n * ((value - end) / (value - gate.limit)) ** 2
    return math.ceil(needed) if one.n < needed <= MOST_NEEDED else None


# Words


def _clause(gate: Gate, status: Status, worst: Measured, needed: int, n: int) -> str:
    what, metric = measured_words(gate, worst.subject), worst.metric
    if metric.value is None:
        verb = "does not apply" if status == "not applicable" else "is undefined"
        return f"{what} {verb}: {_reason(metric)}"
    unit = unit_of(definition_of(gate))
    shown = value_words(metric.value, unit, gate.limit)
    if gate.confident:
        return f"{what} is {shown}{_confidently(gate, status, worst, needed, n)}"
    if n > 1 and status != "failed":
        extreme, figure = _direction(gate).extreme, metric_words(definition_of(gate))
        what, shown = f"{extreme} {figure} of {n:,} classes", f"{shown}, {worst.subject}"
    return f"{what} is {shown} ({_asked(gate)})"


def _confidently(gate: Gate, status: Status, worst: Measured, needed: int, n: int) -> str:
    """The text after the value of a confident gate."""
    metric, unit = worst.metric, unit_of(definition_of(gate))
    if metric.interval is None:
        why = "" if status == "failed" else f", no CI: {_reason(metric)}"
        return f" ({_asked(gate)}){why}"
    each = "per-class " if n > 1 else ""
    span = f"{each}95% CI {range_words(metric.interval, unit, gate.limit)}"
    if status != "inconclusive":
        return f" ({span}; {_asked(gate)})"
    more = ""
    if needed:
        more = f"; {needed_words(needed, gate, worst.subject)} would be needed at this value"
    return f" ({span}), and the CI includes the limit of {exact(gate.limit, unit)}{more}"


def _asked(gate: Gate) -> str:
    """``required ≥ 75%``, ``allowed ≤ 5%``."""
    direction = _direction(gate)
    return f"{direction.asked} {limit_words(gate, direction)}"


def _reason(metric: Metric) -> str:
    code = metric.reason or ""
    return undefined_words(REASONS.get(code, code))
