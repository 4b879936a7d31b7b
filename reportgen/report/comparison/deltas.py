"""Differences between candidate and baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from reportgen.comparison import ALPHA, Difference, Tendency
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS
from reportgen.metrics import COSTING, Definition
from reportgen.report.elements import NOT_AVAILABLE, Footnotes, number
from reportgen.report.slices import difference_range, points, points_range
from reportgen.report.words import MINUS, Words, signed
from reportgen.text import count

__all__ = [
    "CLASS_DEFINITIONS",
    "DEFINITIONS",
    "HARM",
    "KINDS",
    "WORDS",
    "Delta",
    "DeltaKind",
    "Scale",
    "Tally",
    "delta",
    "scale_of",
    "signed_count",
    "whole_kind",
]


DeltaKind = Literal["worse", "unclear", "better"]


@dataclass(frozen=True)
class Delta:
    """Candidate minus baseline of one metric, exact and as text.

    Attributes
    ----------
    value, low, high
        The exact difference and its 95% CI; None if undefined.
    before, after
        The metric of each side as text, without a unit; "n/a" if undefined.
    exact_before
        The baseline's metric, exact.
    text, range
        The difference as signed text in `unit`, and its interval; `range` may be empty.
    unit
        ``"points"`` for differences of proportions, empty for plain numbers.
    kind, word
        The meaning for the candidate: an icon, and words.
    mark
        Letter of the :class:`Reason` for a missing value, or empty.
    """

    value: float | None
    low: float | None
    high: float | None
    before: str
    after: str
    exact_before: float | None
    text: str
    range: str
    unit: Literal["points", ""]
    kind: DeltaKind
    word: str
    mark: str = ""


@dataclass(frozen=True)
class Scale:
    """The common axis of several bars, below and above 0, in the unit of the bars."""

    low: float
    high: float
    ends: tuple[str, str]


@dataclass(frozen=True)
class Tally:
    """The number of classes that changed in this way, and the first of them."""

    kind: DeltaKind
    word: str
    count: int
    names: Words


DEFINITIONS: Mapping[str, Definition] = {item.name: item for item in (*SUMMARY_METRICS, COSTING)}


CLASS_DEFINITIONS: Mapping[str, Definition] = {item.name: item for item in CLASS_METRICS}


KINDS: Mapping[Tendency, DeltaKind] = {
    "worse": "worse",
    "perhaps worse": "unclear",
    "no clear change": "unclear",
    "perhaps better": "unclear",
    "better": "better",
}


WORDS: Mapping[DeltaKind, str] = {
    "worse": "regressed",
    "unclear": "no significant change",
    "better": "improved",
}
"""Meanings of a change, worst first."""


HARM: Mapping[DeltaKind, int] = {kind: rank for rank, kind in enumerate(WORDS)}


STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Ends of a scale are multiples of one of these."""


MOST_STEPS = 12


def delta(
    difference: Difference,
    definition: Definition,
    notes: Footnotes,
    tendency: Tendency | None = None,
) -> Delta:
    """The difference as text, with its meaning, derived from it without `tendency`."""
    is_share = definition.kind == "share"
    value, ends = difference.difference, difference.interval
    kind = KINDS[tendency] if tendency else whole_kind(difference, definition)
    low, high = ends or (None, None)
    text = points if is_share else _plain
    return Delta(
        value=value,
        low=low,
        high=high,
        before=_side(difference.baseline, definition),
        after=_side(difference.candidate, definition),
        exact_before=difference.baseline,
        text=NOT_AVAILABLE if value is None else text(value),
        range=points_range(ends) if is_share else difference_range(ends, _plain),
        unit="points" if is_share else "",
        kind=kind,
        word=_word(difference, kind),
        mark=notes.mark(difference.reason) if difference.reason else "",
    )


def _word(difference: Difference, kind: DeltaKind) -> str:
    if difference.difference is None:
        return "not comparable"
    return "not tested" if difference.p_adjusted is None else WORDS[kind]


def whole_kind(difference: Difference, definition: Definition) -> DeltaKind:
    """The tendency, if the change is significant: Holm-corrected p < 0.05."""
    value, p = difference.difference, difference.p_adjusted
    if not value or p is None or p >= ALPHA:
        return "unclear"
    better = (value > 0) == (definition.higher_is_better is not False)
    return "better" if better else "worse"


def _side(value: float | None, definition: Definition) -> str:
    return NOT_AVAILABLE if value is None else number(value, definition)


def _plain(value: float) -> str:
    """A difference of plain numbers: ``+0.012``, ``−0.340``, ``0``."""
    if value == 0:
        return "0"
    text = signed(abs(value))
    return f"{'+' if value > 0 else MINUS}{text}"


def scale_of(values: Iterable[float]) -> Scale:
    """An axis with 0 that contains all of `values`, differences of proportions."""
    known = [0.0, *values]
    low, high = min(known), max(known)
    if low == high:
        low, high = -0.01, 0.01
    step = next((s for s in STEPS if high - low <= MOST_STEPS * s), STEPS[-1])
    least, most = -_steps_up(-low, step), _steps_up(high, step)
    return Scale(least, most, (_end(least), _end(most)))


def _steps_up(reach: float, step: float) -> float:
    """`reach`, at least 0, rounded up to a whole number of steps."""
    n = round(reach / step)
    return round((n if n * step >= reach - 1e-12 else n + 1) * step, 6)


def _end(value: float) -> str:
    if value == 0:
        return "0"
    return f"{'+' if value > 0 else MINUS}{100 * abs(value):.3g}"


def signed_count(n: int) -> str:
    """``+12``, ``−1,204``, ``0``."""
    return f"{'+' if n > 0 else MINUS if n < 0 else ''}{count(abs(n))}"
