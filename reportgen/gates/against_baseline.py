"""Gates that compare a candidate with its baseline."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reportgen.analysis.scoring import non_inferiority_samples
from reportgen.comparison import REASONS, ClassChange, Comparison, Difference, PairedCounts, tango_z
from reportgen.gates.gate import (
    RANKS,
    Gate,
    Outcome,
    Part,
    Rule,
    Status,
    Unit,
    combine_outcomes,
    undefined_words,
)
from reportgen.gates.selectors import classes_of
from reportgen.gates.targets import definition_of, scope_of
from reportgen.gates.wording import (
    change_text,
    change_unit,
    class_name,
    exact,
    joined,
    measured_words,
    metric_words,
    needed_words,
    others,
    p_words,
    signed,
    subject_of_slice,
    unit_of,
    value_words,
)
from reportgen.metrics import holm, quantile

__all__ = [
    "ALPHA",
    "DECIDERS",
    "Compared",
    "compared_in",
    "harm_p",
    "needed_to_show",
    "score_z",
]


ALPHA = 0.05


MOST_NEEDED = 10**9


NO_SUCH_SLICE = Difference(None, None, None, reason="the test set has no samples in that slice")


Proportions = tuple[int, int, int, int]


@dataclass(frozen=True)
class Compared:
    """A metric on both sides; the sign of differences is such that below 0 is worse.

    Attributes
    ----------
    subject
        Class or slice in words; empty for an overall metric.
    source
        Candidate minus baseline, as in the comparison.
    n
        Number of its samples.
    higher_is_better
        Whether higher values are better.
    counts
        Paired counts of matched samples, for recall and accuracy only.
    proportions
        Correct and all samples of the candidate, then of the baseline, for unmatched samples; for
        recall and accuracy only.
    identical
        Whether all predictions are identical, and the metric depends on predictions only.
    """

    subject: str
    source: Difference
    n: int
    higher_is_better: bool
    counts: PairedCounts | None = None
    proportions: Proportions | None = None
    identical: bool = False

    @property
    def gain(self) -> float | None:
        """The difference; above 0 if the candidate is better."""
        value = self.source.difference
        return value if value is None or self.higher_is_better else 0.0 - value

    @property
    def bounds(self) -> tuple[float, float] | None:
        """One-sided 95% bounds of the gain: lower, upper."""
        ends = self.source.bounds
        return ends if ends is None or self.higher_is_better else (0.0 - ends[1], 0.0 - ends[0])

    @property
    def standard_error(self) -> float | None:
        """Half the width of the bounds, on the scale of a normal distribution."""
        ends = self.bounds
        return None if ends is None else (ends[1] - ends[0]) / (2 * quantile(1 - 2 * ALPHA))


def compared_in(gate: Gate, comparison: Comparison) -> list[Compared]:
    """The metrics that the gate covers, in class order; at least one.

    Raises :class:`UsageError` (``gates-class``) for an unknown class.
    """
    where = scope_of(gate)
    better = definition_of(gate).higher_is_better is not False
    identical = comparison.identical and gate.metric not in ("log_loss", "ece")
    if where == "slice":
        return [_of_slice(gate, comparison, identical)]
    if where == "class":
        return [
            _of_class(gate, comparison, comparison.classes[i], identical)
            for i in classes_of(gate, comparison.candidate.classes)
        ]
    source, counts, proportions = comparison.summary[gate.metric], None, None
    if gate.metric == "accuracy":
        counts = comparison.paired
        if counts is None:
            sides = comparison.candidate.confusion, comparison.baseline.confusion
            (right, n), (right_before, n_before) = ((m.n_correct, m.n_samples) for m in sides)
            proportions = right, n, right_before, n_before
    n = comparison.candidate.n_samples
    return [Compared("", source, n, better, counts, proportions, identical)]


def _of_class(gate: Gate, comparison: Comparison, change: ClassChange, identical: bool) -> Compared:
    counts, proportions = None, None
    if gate.metric == "recall":
        counts = change.paired
        if counts is None:
            sides = comparison.candidate.confusion, comparison.baseline.confusion
            (hits, n), (hits_before, n_before) = (
                (int(m.diagonal[change.index]), int(m.true_totals[change.index])) for m in sides
            )
            proportions = hits, n, hits_before, n_before
    return Compared(
        class_name(comparison.candidate.classes[change.index]),
        getattr(change, gate.metric),
        change.support,
        True,
        counts,
        proportions,
        identical,
    )


def _of_slice(gate: Gate, comparison: Comparison, identical: bool) -> Compared:
    name = subject_of_slice(gate)
    for change in comparison.slices:
        if (change.column, change.part) == gate.slice:
            return Compared(name, change.accuracy, change.n, True, identical=identical)
    return Compared(name, NO_SUCH_SLICE, 0, True)


def harm_p(one: Compared, max_drop: float) -> float | None:
    """One-sided p-value of the null hypothesis "worse by at most `max_drop`"; None if undefined.

    At 0 it is half of the comparison's two-sided p-value, or 1 minus that: McNemar's mid-p for
    matched samples. Above 0 it is Tango's score test at that drop, for unmatched samples the score
    test of two proportions (Farrington & Manning 1990, Statistics in Medicine 9, 1447-1454), and
    otherwise the normal distribution of the bounds. A drop of more than `max_drop` is a drop, so
    the value is at least that at 0, which limits the score test if few samples changed.
    """
    gain = one.gain
    if gain is None:
        return None
    at_zero = _p_at_zero(one, gain)
    if max_drop == 0 or at_zero is None:
        return at_zero
    z = _z_at(one, gain, max_drop)
    return None if z is None else max(_below(z), at_zero)


def _p_at_zero(one: Compared, gain: float) -> float | None:
    p = one.source.p
    if p is not None:
        return p / 2 if gain <= 0 else 1 - p / 2
    z = _normal_z(one, gain, 0.0)
    return None if z is None else _below(z)


def _z_at(one: Compared, gain: float, max_drop: float) -> float | None:
    if one.counts is not None and one.counts.n:
        return tango_z(one.counts.gained, one.counts.lost, one.counts.n, -min(max_drop, 1.0))
    if one.proportions is not None and one.proportions[1] and one.proportions[3]:
        return score_z(one.proportions, -min(max_drop, 1.0))
    return _normal_z(one, gain, max_drop)


def _normal_z(one: Compared, gain: float, max_drop: float) -> float | None:
    error = one.standard_error
    if error is None:
        return None
    above = gain + max_drop
    if error > 0:
        return above / error
    return math.copysign(math.inf, above) if above else 0.0


def _below(z: float) -> float:
    """P(Z < z) of a standard normal Z."""
    return math.erfc(-z / math.sqrt(2)) / 2


def score_z(proportions: Proportions, delta: float) -> float:
    """Score statistic of "hits/n - other_hits/other_n is `delta`" for two groups of samples.

    The variance is that of the maximum-likelihood pair of proportions with this difference, the
    root of a cubic. Farrington & Manning 1990, Statistics in Medicine 9, 1447-1454.
    """
    hits, n, other_hits, other_n = proportions
    share, other = hits / n, other_hits / other_n
    q = _likeliest(share, other, other_n / n, delta)
    p = min(max(q + delta, 0.0), 1.0)
    variance = p * (1 - p) / n + q * (1 - q) / other_n
    above = share - other - delta
    if variance > 0:
        return above / math.sqrt(variance)
    return math.copysign(math.inf, above) if abs(above) > 1e-12 else 0.0


def _likeliest(share: float, other: float, ratio: float, delta: float) -> float:
    """The second proportion, 0..1, of maximum likelihood if the first is `delta` above it."""
    a = 1 + ratio
    b = -(1 + ratio + share + ratio * other + delta * (ratio + 2))
    c = delta * delta + delta * (2 * share + ratio + 1) + share + ratio * other
    d = -share * delta * (1 + delta)
    v = (b / (3 * a)) ** 3 - b * c / (6 * a * a) + d / (2 * a)
    u = math.copysign(math.sqrt(max((b / (3 * a)) ** 2 - c / (3 * a), 0.0)), v)
    w = (math.pi + math.acos(min(max(v / u**3, -1.0), 1.0))) / 3 if u else 0.0
    first = 2 * u * math.cos(w) - b / (3 * a)
    return min(max(first - delta, 0.0, -delta), 1.0, 1.0 - delta)


def needed_to_show(one: Compared, margin: float, alpha: float = ALPHA) -> int | None:
    """Samples that would distinguish the gain from one `margin` away, with 80% power.

    None if unknown, or not above the current number.
    """
    if margin <= 0:
        return None
    if one.counts is not None and one.counts.n and margin <= 1:
        needed = _paired_samples(one.counts.discordance, margin, alpha)
    else:
        error = one.standard_error
        if not error:
            return None
        reach = quantile(1 - 2 * alpha) + quantile(0.6)  # one-sided: z of 1 - alpha, and of 80%
        needed = one.n * (reach * error / margin) ** 2
    return math.ceil(needed) if one.n < needed <= MOST_NEEDED else None


def _paired_samples(discordance: float, margin: float, alpha: float) -> float:
    if discordance == 0:  # without disagreements, Tango's z is the root of n m / (1 - m)
        return quantile(1 - 2 * alpha) ** 2 * (1 - margin) / margin
    return non_inferiority_samples(discordance, margin, alpha=alpha)


SAME = "no_disagreement"
"""The reason for a difference without an interval: predictions are identical."""


UNKNOWN = "not_recorded"
"""The reason for a metric missing in one side's document, of another version."""


FEW = 30
"""With fewer samples, a drop that is not significant is inconclusive."""


STAYS = " would be needed at this difference"
"""The assumption behind a stated number of samples."""


Judged = tuple[Status, Compared, float | None]


def decide_margin(gate: Gate, comparison: Comparison) -> Outcome:
    """Non-inferiority: whether a drop of the margin or more can be ruled out at 95%, one-sided.

    Passed if the lower bound of the gain is above the negative margin, failed if the upper bound is
    below it, else inconclusive. Identical predictions pass.
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
    """No harm: failed only for a significant drop above ``max_drop``, one-sided 5% (Holm).

    Inconclusive if the measured drop is above ``max_drop`` and either only the uncorrected test is
    significant, or there are fewer than :data:`FEW` samples. Passed otherwise. Metrics undefined on
    either side are not tested; if all are undefined, the gate fails.
    """
    things = compared_in(gate, comparison)
    raw = [harm_p(one, gate.limit) for one in things]
    adjusted = holm([math.nan if p is None else p for p in raw])
    found: list[Judged] = [
        (_harm_status(gate, one, p, by_holm), one, None if p is None else by_holm)
        for one, p, by_holm in zip(things, raw, adjusted.p.tolist(), strict=True)
    ]
    found.sort(key=lambda judged: (RANKS[judged[0]], _first(judged[2]), _first(judged[1].gain)))
    status = combine_outcomes([status for status, _, _ in found])
    if status == "not applicable" and any(one.source.reason != UNKNOWN for one in things):
        status, found = "failed", [("failed", one, p) for _, one, p in found]
    needed = 0
    if status == "inconclusive":
        alpha = ALPHA / max(adjusted.m, 1)
        open_ones = [one for s, one, _ in found if s == "inconclusive"]
        needed = max(needed_to_show(one, _drop(one) - gate.limit, alpha) or 0 for one in open_ones)
    return _outcome(gate, found, status, _harm_clause(gate, status, found, needed), needed)


DECIDERS: dict[Rule, Callable[[Gate, Comparison], Outcome]] = {
    "not_worse_by": decide_margin,
    "no_harm": decide_harm,
}
"""Rule that needs a baseline → its decision function."""


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
        parts if scope_of(gate) == "class" else (),
        _margin(gate, status, worst),
    )


def _margin(gate: Gate, status: Status, one: Compared) -> float | None:
    """The margin to the limit: of the lower bound, or for no-harm gates of the measured gain.

    None if it would contradict the outcome, which then has another basis.
    """
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
    """Samples needed if the difference from the baseline stays as measured."""
    return None if one.gain is None else needed_to_show(one, abs(one.gain + gate.limit))


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
    what = measured_words(gate, one.subject)
    if one.gain is None:
        return _undefined(what, one)
    if one.identical:
        return "predictions are identical"
    moved = _moved(gate, one, what)
    if one.bounds is None:
        return _unsure(moved, one)
    every = f", least certain of {n:,} classes" if n > 1 and status == "passed" else ""
    more = f"; {needed_words(needed, gate, one.subject)}{STAYS}" if needed else ""
    return f"{moved}{every}; {_bound_words(gate, status, one.bounds, n)}{more}"


def _bound_words(gate: Gate, status: Status, bounds: tuple[float, float], n: int) -> str:
    """``lower 95% bound −1.1 pp, margin −0.5 pp``; the bound has the sign of the difference."""
    sign = -1.0 if definition_of(gate).higher_is_better is False else 1.0
    at = 1 if status == "failed" else 0
    bound, margin, unit = sign * bounds[at], -sign * gate.limit, change_unit(definition_of(gate))
    end = "lower" if (sign > 0) == (at == 0) else "upper"
    each = " per class" if n > 1 else ""
    shown = signed(bound, unit, margin)
    return f"{end} 95% bound{each} {shown}, margin {_margin_words(margin, unit)}"


def _margin_words(margin: float, unit: Unit) -> str:
    """The margin with its sign, with its digits as given."""
    return ("+" if margin > 0 else "") + exact(margin, unit)


def _harm_clause(gate: Gate, status: Status, found: list[Judged], needed: int) -> str:
    one, p = found[0][1], found[0][2]
    what = measured_words(gate, one.subject)
    if one.gain is None:
        return _undefined(what, one)
    if one.identical:
        return "predictions are identical"
    if status == "passed":
        return _harmless_clause(gate, found)
    unit = change_unit(definition_of(gate))
    over = f", more than the allowed {exact(gate.limit, unit)}" if gate.limit else ""
    moved = f"{_moved(gate, one, what, gate.limit)}{over}"
    if status == "failed":
        verb = _worse_verb(gate)
        more = [other.subject for s, other, _ in found[1:] if s == "failed"]
        also = f"; {others(more)} {verb} significantly too" if more else ""
        return f"{moved}, {_significant(p or 0.0, len(found))}{also}"
    if p is None:
        return _unsure(moved, one)
    more_samples = f"; {needed_words(needed, gate, one.subject)}{STAYS}" if needed else ""
    return f"{moved}, not {_significant(p, len(found))}{more_samples}"


def _significant(p: float, n: int) -> str:
    """``significant (p = 0.012)``; p is corrected for several classes."""
    return f"significant ({p_words(p)}{', Holm' if n > 1 else ''})"


def _harmless_clause(gate: Gate, found: list[Judged]) -> str:
    definition = definition_of(gate)
    verb, unit = _worse_verb(gate), change_unit(definition)
    worst = max((one for _, one, _ in found), key=_drop)
    drop, several = _drop(worst), scope_of(gate) == "class"
    figure = metric_words(definition) if several else measured_words(gate, worst.subject)
    nowhere = f"{figure} {verb} in no class" if several else f"{figure} did not get worse"
    if drop <= 0:
        return nowhere
    size, limit = change_text(drop, unit, gate.limit), exact(gate.limit, unit)
    what = f"largest {'drop' if verb == 'dropped' else 'rise'}: {worst.subject}, {size}"
    if drop > gate.limit:
        if several and gate.limit:
            return f"{figure} {verb} significantly more than {limit} in no class; {what}"
        if several:
            return f"{figure} {verb} significantly in no class; {what}"
        over = f", more than the allowed {limit}" if gate.limit else ""
        return f"{figure} {verb} {size}{over}, not significantly"
    if several:
        return f"{figure} {verb} more than {limit} in no class; {what}"
    return f"{figure} {verb} {size} (allowed {limit})"


def _moved(gate: Gate, one: Compared, what: str, *beside: float) -> str:
    """``recall of cat dropped 3.0 pp (67.2 → 64.2%)``."""
    source, definition = one.source, definition_of(gate)
    difference = source.difference or 0.0
    if difference == 0:
        return f"{what} is unchanged"
    size = change_text(difference, change_unit(definition), gate.limit, *beside)
    text = f"{what} {'dropped' if difference < 0 else 'rose'} {size}"
    if source.baseline is None or source.candidate is None:
        return text
    unit = unit_of(definition)
    before = value_words(source.baseline, unit, source.candidate)
    after = value_words(source.candidate, unit, source.baseline)
    return f"{text} ({joined(before, after, ' → ')})"


def _worse_verb(gate: Gate) -> str:
    return "rose" if definition_of(gate).higher_is_better is False else "dropped"


def _unsure(moved: str, one: Compared) -> str:
    """The clause for a difference without an interval."""
    if one.source.reason == SAME:
        return f"{moved}: {_reason(one)}"
    return f"{moved}, no CI: {_reason(one)}"


def _undefined(what: str, one: Compared) -> str:
    return f"{what} cannot be compared: {_reason(one)}"


def _reason(one: Compared) -> str:
    code = one.source.reason or "no_interval"
    return undefined_words(REASONS.get(code, code))
