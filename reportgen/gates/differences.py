"""What gates against a baseline look at: a difference, and the counts that it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reportgen.comparison.paired import tango_z
from reportgen.comparison.value import ClassChange, Comparison, Difference, PairedCounts
from reportgen.gates.known import definition_of, scope
from reportgen.gates.names import classes_of
from reportgen.gates.value import Gate
from reportgen.gates.words import class_name, named, subject_of_slice
from reportgen.metrics.intervals import quantile
from reportgen.scoring import non_inferiority_samples

__all__ = ["ALPHA", "Compared", "compared_in", "harm_p", "needed_to_show", "score_z"]

ALPHA = 0.05
MOST_NEEDED = 10**9
NO_SUCH_SLICE = Difference(None, None, None, reason="no sample of these data is in that slice")

Proportions = tuple[int, int, int, int]


@dataclass(frozen=True)
class Compared:
    """One thing on both sides; all differences are turned so that below 0 is worse.

    Attributes
    ----------
    subject
        Class or slice in words; empty for the whole.
    said
        The same in a sentence, where a class may need quotation marks.
    source
        Candidate less baseline, as it stands in the comparison.
    n
        Samples that it is of.
    higher_is_better
        Which way is up.
    counts
        Of matched samples, for recall and accuracy alone.
    proportions
        Right and all samples of the candidate, then of the baseline, where these are not matched;
        for recall and accuracy alone.
    identical
        Whether both sides predicted the same for every sample of the data, and the figure is made
        of predictions alone.
    """

    subject: str
    said: str
    source: Difference
    n: int
    higher_is_better: bool
    counts: PairedCounts | None = None
    proportions: Proportions | None = None
    identical: bool = False

    @property
    def gain(self) -> float | None:
        """The difference; above 0 the candidate is better."""
        value = self.source.difference
        return value if value is None or self.higher_is_better else 0.0 - value

    @property
    def bounds(self) -> tuple[float, float] | None:
        """One-sided 95 % bounds of the gain: lower, upper."""
        ends = self.source.bounds
        return ends if ends is None or self.higher_is_better else (0.0 - ends[1], 0.0 - ends[0])

    @property
    def standard_error(self) -> float | None:
        """Half the width of the bounds, on the scale of a normal distribution."""
        ends = self.bounds
        return None if ends is None else (ends[1] - ends[0]) / (2 * quantile(1 - 2 * ALPHA))


def compared_in(gate: Gate, comparison: Comparison) -> list[Compared]:
    """What the gate looks at, in class order; at least one.

    Raises :class:`UsageError` with slug ``gates-class`` where a class is not there.
    """
    where = scope(gate)
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
    return [Compared("", "", source, n, better, counts, proportions, identical)]


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
        named(comparison.candidate.classes[change.index]),
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
            return Compared(name, name, change.accuracy, change.n, True, identical=identical)
    return Compared(name, name, NO_SUCH_SLICE, 0, True)


def harm_p(one: Compared, max_drop: float) -> float | None:
    """One-sided p-value of "the candidate is worse by `max_drop` at most"; None where undefined.

    At 0 it is half of the comparison's two-sided p-value, or the rest of it: McNemar's mid-p for
    matched samples. Above 0 it is Tango's score test at that drop, for samples that are not
    matched the score test of two shares (Farrington & Manning 1990, Statistics in Medicine 9,
    1447-1454), and for all else the normal distribution that the bounds were made for. A drop of
    more than `max_drop` is a drop, so the value is never below that at 0: this holds the score
    test in check where few samples changed.
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
    """Chance that a standard normal is below z."""
    return math.erfc(-z / math.sqrt(2)) / 2


def score_z(proportions: Proportions, delta: float) -> float:
    """Score statistic of "hits/n - other_hits/other_n is `delta`" for two groups of samples.

    The variance is that of the likeliest pair of shares with this difference, found as the root
    of a cubic. Farrington & Manning 1990, Statistics in Medicine 9, 1447-1454.
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
    """The second share, 0..1, that is likeliest where the first is `delta` above it."""
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
    """Samples that would likely (power 80 %) tell the gain from one that is `margin` away.

    None where that can't be told, or is no more than there are.
    """
    if margin <= 0:
        return None
    if one.counts is not None and one.counts.n and margin <= 1:
        needed = _paired_samples(one.counts.discordance, margin, alpha)
    else:
        error = one.standard_error
        if not error:
            return None
        reach = quantile(1 - 2 * alpha) + quantile(0.6)  # one-sided: z of 1 - alpha, and of 80 %
        needed = one.n * (reach * error / margin) ** 2
    return math.ceil(needed) if one.n < needed <= MOST_NEEDED else None


def _paired_samples(discordance: float, margin: float, alpha: float) -> float:
    if discordance == 0:  # where the two never disagree, Tango's z is the root of n m / (1 - m)
        return quantile(1 - 2 * alpha) ** 2 * (1 - margin) / margin
    return non_inferiority_samples(discordance, margin, alpha=alpha)
