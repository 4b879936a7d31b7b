"""Gates against a baseline: not worse by more than a margin, and no harm that is shown."""

from __future__ import annotations

import math
from typing import NamedTuple

from reportgen.comparison.reasons import REASONS
from reportgen.comparison.value import Comparison
from reportgen.gates.differences import ALPHA, Compared, compared_in, harm_p, needed_to_show
from reportgen.gates.known import definition_of, scope
from reportgen.gates.outcome import RANKS, Outcome, combined, undefined_words
from reportgen.gates.value import Gate, Part, Status
from reportgen.gates.words import (
    called,
    change,
    change_unit,
    exact,
    noun,
    others,
    samples_of,
    told,
    unit_of,
)
from reportgen.multiple import holm

__all__ = ["decide_harm", "decide_margin"]

SAME = "no_disagreement"
"""The reason of a difference without an interval because both sides gave the same answers."""
UNKNOWN = "not_recorded"
"""The reason of a figure that the document of one side, of another version, does not hold."""
FEW = 30
"""With fewer samples than this, a drop that is not shown is no reason to be at ease."""
SELDOM = 0.001
"""Below this p-value chance "would hardly" do it, else it "would rarely"."""

_PLAINLY = {
    "recall": "{} of them are found, before {}",
    "precision": "{} of such answers are right, before {}",
}


class _Words(NamedTuple):
    """Of a figure that gets worse; `rose` is of one that gets better."""

    fell: str
    fallen: str
    fall: str
    rose: str


_WORSE = {
    "fell": _Words("fell", "fallen", "fall", "rose"),
    "rose": _Words("rose", "risen", "rise", "fell"),
}

Judged = tuple[Status, Compared, float | None]


def decide_margin(gate: Gate, comparison: Comparison) -> Outcome:
    """Non-inferiority: whether a loss of the margin or more can be ruled out at 95 %, one-sided.

    Passed where the lower bound of the gain is above the negative margin, failed where the upper
    bound is below it, else inconclusive. Identical predictions pass.
    """
    found: list[Judged] = [
        (_margin_status(gate, one), one, None) for one in compared_in(gate, comparison)
    ]
    found.sort(key=lambda judged: (RANKS[judged[0]], _lower(judged[1])))
    status, worst, _ = found[0]
    needed = max(
        (_margin_needed(gate, one) or 0 for s, one, _ in found if s == "inconclusive"), default=0
    )
    clause = _margin_clause(gate, status, worst, needed, len(found))
    return _outcome(gate, found, status, clause, needed)


def decide_harm(gate: Gate, comparison: Comparison) -> Outcome:
    """No harm: failed only where a drop over ``max_drop`` is shown, Holm-adjusted, one-sided 5 %.

    Inconclusive where the measured drop is over ``max_drop`` and either the uncorrected test alone
    is significant, or there are fewer than :data:`FEW` samples. Passed otherwise. What is
    undefined on either side was not tested; where nothing is defined, the gate fails.
    """
    things = compared_in(gate, comparison)
    raw = [harm_p(one, gate.limit) for one in things]
    adjusted = holm([math.nan if p is None else p for p in raw])
    found: list[Judged] = [
        (_harm_status(gate, one, p, by_holm), one, None if p is None else by_holm)
        for one, p, by_holm in zip(things, raw, adjusted.p.tolist(), strict=True)
    ]
    found.sort(key=lambda judged: (RANKS[judged[0]], _first(judged[2]), _first(judged[1].gain)))
    status = combined([status for status, _, _ in found])
    if status == "not applicable" and any(one.source.reason != UNKNOWN for one in things):
        status, found = "failed", [("failed", one, p) for _, one, p in found]
    needed = 0
    if status == "inconclusive":
        alpha = ALPHA / max(adjusted.m, 1)
        open_ones = [one for s, one, _ in found if s == "inconclusive"]
        needed = max(needed_to_show(one, _drop(one) - gate.limit, alpha) or 0 for one in open_ones)
    return _outcome(gate, found, status, _harm_clause(gate, status, found, needed), needed)


def _outcome(gate: Gate, found: list[Judged], status: Status, clause: str, needed: int) -> Outcome:
    worst = found[0][1]
    parts = tuple(
        Part(one.subject, status, one.source.difference, one.source.interval, p)
        for status, one, p in found
    )
    return Outcome(
        status,
        clause,
        worst.source.difference,
        worst.source.interval,
        worst.subject,
        needed or None if status == "inconclusive" else None,
        parts if scope(gate) == "class" else (),
        _margin(gate, status, worst),
    )


def _margin(gate: Gate, status: Status, one: Compared) -> float | None:
    """By how much the limit is kept: by the lower bound, or where harm is looked for, by the
    measured gain; None where that would contradict the outcome, which is then made otherwise."""
    end = one.gain
    if gate.rule == "not_worse_by":
        end = None if one.bounds is None else one.bounds[0]
    if end is None or (status == "passed" and end + gate.limit < 0):
        return None
    return end + gate.limit


def _margin_status(gate: Gate, one: Compared) -> Status:
    if one.gain is None:
        return "not applicable" if one.source.reason == UNKNOWN else "failed"
    if one.identical:
        return "passed"
    if one.bounds is None:
        return "passed" if one.source.reason == SAME else "inconclusive"
    low, high = one.bounds
    if low > -gate.limit:
        return "passed"
    return "failed" if high < -gate.limit else "inconclusive"


def _margin_needed(gate: Gate, one: Compared) -> int | None:
    """For a candidate as good as its baseline; where that is no more than there are, for one that
    differs as it was measured to."""
    needed = needed_to_show(one, gate.limit)
    if needed is None and one.gain is not None:
        return needed_to_show(one, abs(one.gain + gate.limit))
    return needed


def _harm_status(gate: Gate, one: Compared, p: float | None, adjusted: float) -> Status:
    if one.gain is None:
        return "not applicable"
    if p is None:
        return "passed" if one.source.reason == SAME else "inconclusive"
    if one.identical or _drop(one) <= gate.limit:
        return "passed"
    if adjusted < ALPHA:
        return "failed"
    return "inconclusive" if p < ALPHA or one.n < FEW else "passed"


def _drop(one: Compared) -> float:
    return 0.0 if one.gain is None else 0.0 - one.gain


def _lower(one: Compared) -> float:
    if one.gain is None:
        return -math.inf
    return one.gain if one.bounds is None else one.bounds[0]


def _first(value: float | None) -> float:
    return math.inf if value is None else value


# Words


def _margin_clause(gate: Gate, status: Status, one: Compared, needed: int, n: int) -> str:
    what = noun(gate, one.said)
    if one.gain is None:
        return _undefined(what, one)
    if one.identical:
        return "both sides predict the same class for every sample"
    unit = change_unit(definition_of(gate))
    limit = exact(gate.limit, unit)
    moved = _moved(gate, one, what)
    if one.bounds is None:
        return _unsure(moved, one)
    words = _WORSE[_worse_verb(gate)]
    low, high = one.bounds
    least, most = change(high, unit, gate.limit), change(low, unit, gate.limit)
    may_have = f"may have {words.fallen} by as much as {most}"
    if status == "failed":
        return (
            f"{moved}; with 95 % confidence it {words.fell} by at least {least}, where less than "
            f"{limit} is allowed, and it {may_have}"
        )
    if status == "passed":
        every = f" (of {n:,} classes the least certain)" if n > 1 else ""
        return (
            f"{moved}{every}; with 95 % confidence it {_at_worst(words, low, most)}, and a "
            f"{words.fall} of less than {limit} is allowed"
        )
    more = f"; {samples_of(needed, gate, one.said)} would decide it" if needed else ""
    return f"{moved}, but {may_have} (95 % confidence), where less than {limit} is allowed{more}"


def _at_worst(words: _Words, low: float, size: str) -> str:
    """``rose by at least 2.44 points``; `low` is the lower bound of the gain, `size` its size."""
    if low > 0:
        return f"{words.rose} by at least {size}"
    return f"{words.fell} by no more than {size}" if low < 0 else f"did not {words.fall}"


def _harm_clause(gate: Gate, status: Status, found: list[Judged], needed: int) -> str:
    one, p = found[0][1], found[0][2]
    what = noun(gate, one.said)
    if one.gain is None:
        return _undefined(what, one)
    if one.identical:
        return "both sides predict the same class for every sample"
    if status == "passed":
        return _harmless_clause(gate, found)
    unit = change_unit(definition_of(gate))
    over = f", more than the {exact(gate.limit, unit)} allowed" if gate.limit else ""
    moved = f"{_moved(gate, one, what, gate.limit)}{over}"
    if status == "failed":
        how = "hardly" if p is not None and p < SELDOM else "rarely"
        more = [other.said for s, other, _ in found[1:] if s == "failed"]
        also = f"; the same is true of {others(more)}" if more else ""
        return f"{moved}, and chance alone would {how} do that{also}"
    if p is None:
        return _unsure(moved, one)
    more_samples = f"; {samples_of(needed, gate, one.said)} would tell" if needed else ""
    return f"{moved}, which may be chance{more_samples}"


def _harmless_clause(gate: Gate, found: list[Judged]) -> str:
    definition = definition_of(gate)
    verb, unit = _worse_verb(gate), change_unit(definition)
    worst = max((one for _, one, _ in found), key=_drop)
    drop, several = _drop(worst), scope(gate) == "class"
    figure = called(definition) if several else noun(gate, worst.said)
    nowhere = f"{figure} {verb} in no class" if several else f"{figure} did not get worse"
    if drop <= 0:
        return nowhere
    size = change(drop, unit, gate.limit)
    whose = f"of {worst.said} it {verb} most, by {size}" if several else ""
    if drop > gate.limit:
        if several and gate.limit:
            return f"{nowhere} clearly by more than {exact(gate.limit, unit)}; {whose}"
        if several:
            return f"{nowhere} by more than chance may do; {whose}"
        over = f", over the {exact(gate.limit, unit)} allowed" if gate.limit else ""
        return f"{figure} {verb} by {size}{over}, but no more than chance may do"
    limit = exact(gate.limit, unit)
    if several:
        return f"{nowhere} by more than {limit}; {whose}"
    return f"{figure} {verb} by {size}, where {limit} are allowed"


def _moved(gate: Gate, one: Compared, what: str, *beside: float) -> str:
    """``recall of cat fell by 3.00 points (64.2 % of them are found, before 67.2 %)``."""
    source, definition = one.source, definition_of(gate)
    difference = source.difference or 0.0
    if difference == 0:
        return f"{what} is the same as before"
    size = change(difference, change_unit(definition), gate.limit, *beside)
    text = f"{what} {'fell' if difference < 0 else 'rose'} by {size}"
    if source.baseline is None or source.candidate is None:
        return text
    unit = unit_of(definition)
    before = told(source.baseline, unit, source.candidate)
    after = told(source.candidate, unit, source.baseline)
    return f"{text} ({_PLAINLY.get(gate.metric, '{}, before {}').format(after, before)})"


def _worse_verb(gate: Gate) -> str:
    return "rose" if definition_of(gate).higher_is_better is False else "fell"


def _unsure(moved: str, one: Compared) -> str:
    """Where there is no interval."""
    if one.source.reason == SAME:
        return f"{moved}: {_reason(one)}"
    return f"{moved}, but how sure that is can't be told: {_reason(one)}"


def _undefined(what: str, one: Compared) -> str:
    return f"{what} can't be compared: {_reason(one)}"


def _reason(one: Compared) -> str:
    code = one.source.reason or "no_interval"
    return undefined_words(REASONS.get(code, code))
