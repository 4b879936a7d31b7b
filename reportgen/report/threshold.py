"""The section on decision thresholds of a two-class model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reportgen.analysis.scoring import TARGET_SENSITIVITY, ThresholdCurve, ThresholdPoint
from reportgen.evaluation import CLASS_METRICS
from reportgen.metrics import wilson
from reportgen.report.confidence import Chart
from reportgen.report.context import Context
from reportgen.report.elements import Cell, Fact, Footnotes, Reason, cell
from reportgen.report.explorer import (
    Explorer,
    UnitCosts,
    cheapest_point,
    explorer,
    unit_costs,
)
from reportgen.report.words import Name, Words, interval, say, share, signed
from reportgen.text import count

__all__ = [
    "ThresholdMark",
    "ThresholdRow",
    "ThresholdSection",
    "threshold_section",
]


@dataclass(frozen=True)
class ThresholdRow:
    """An operating point: `letters` are its marks in the drawings, `remark` describes it.

    `exact` is the threshold for sorting; `cells` are sensitivity, specificity, PPV, NPV and F1.
    `cost` is the expected cost, if costs are given.
    """

    exact: float
    text: str
    letters: str
    remark: str
    flagged: int
    cells: tuple[Cell, ...]
    cost: Cell | None = None


@dataclass(frozen=True)
class ThresholdMark:
    """A marked point of both curves; no precision if nothing is flagged. All values are 0..1."""

    letter: str
    false_alarms: float
    sensitivity: float
    precision: float | None


@dataclass(frozen=True)
class ThresholdSection:
    """The effect of the decision threshold on the probability of the positive class.

    Attributes
    ----------
    lead
        The positive class, and the effect of a threshold.
    facts
        The named operating points, in words.
    rows
        The table, by increasing threshold.
    roc
        (1 − specificity, sensitivity), both 0..1, from nothing flagged to everything flagged.
    precision_recall
        (recall, precision), both 0..1, from the highest threshold with anything flagged.
    prevalence
        Prevalence of the positive class, 0..1: the chance level of precision.
    marks
        The named points, for the drawings.
    charts
        Title, message and caption of the two drawings; empty if a class has no samples.
    notes
        Notes on choosing a threshold.
    reasons
        Footnotes of the table.
    explorer
        The points of the slider; None if a class has no samples.
    """

    lead: Words
    facts: tuple[Fact, ...]
    rows: tuple[ThresholdRow, ...]
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    prevalence: float
    marks: tuple[ThresholdMark, ...]
    charts: tuple[Chart, ...]
    notes: tuple[Words, ...]
    reasons: tuple[Reason, ...]
    explorer: Explorer | None = None


HALF = 0.5
"""The default threshold: the class with the larger probability is predicted."""


NONE_FLAGGED = "no positives predicted"


NONE_CLEARED = "no negatives predicted"


ONE_SIDED = "one of the classes has no samples"


@dataclass(frozen=True)
class _Known:
    """The curve with its named points."""

    facts: Context
    curve: ThresholdCurve

    @property
    def positive(self) -> Name:
        return self.facts.names[self.curve.positive]

    @property
    def negative(self) -> Name:
        return self.facts.names[1 - self.curve.positive]

    @property
    def costs(self) -> UnitCosts | None:
        return unit_costs(self.facts.evaluation.costs, self.curve.positive)

    @property
    def answered(self) -> ThresholdPoint:
        """The model's own predictions, including those without scores."""
        counts, i = self.facts.matrix.counts, self.curve.positive
        return ThresholdPoint(HALF, int(counts[i, i]), int(counts[1 - i, i]))

    @property
    def _turns_at_half(self) -> bool:
        return any(
            point.threshold == HALF and (point.tp, point.fp) == (self.answered.tp, self.answered.fp)
            for point in self.curve.levels
        )

    def named(self) -> Iterator[tuple[str, ThresholdPoint, str]]:
        """Letter, point and remark of each named point."""
        yield "A", self.answered, "default (0.5)" if self._turns_at_half else "as predicted"
        if self.curve.youden is not None:
            yield "B", self.curve.youden, "max Youden’s J"
        if self.curve.sensitive is not None:
            yield "C", self.curve.sensitive, f"sensitivity ≥ {TARGET_SENSITIVITY}%"
        if (cheapest := cheapest_point(self.curve, self.costs)) is not None:
            yield "D", cheapest, "lowest expected cost on these samples"


def threshold_section(facts: Context) -> ThresholdSection | None:
    """The section; None unless there are two classes with probabilities."""
    curve = facts.evaluation.threshold
    if curve is None or len(facts.names) != 2:
        return None
    known, notes = _Known(facts, curve), Footnotes()
    rows = tuple(_rows(known, notes))
    both = bool(curve.n_positive and curve.n_negative)
    return ThresholdSection(
        lead=_lead(known),
        facts=tuple(_facts(known, rows)),
        rows=rows,
        roc=tuple(_roc(curve)) if both else (),
        precision_recall=tuple(_precision_recall(curve)) if both else (),
        prevalence=curve.n_positive / max(curve.n_positive + curve.n_negative, 1),
        marks=tuple(_marks(known)) if both else (),
        charts=(_roc_words(known), _precision_recall_words(known)) if both else (),
        notes=tuple(_notes(known)),
        reasons=notes.reasons(),
        explorer=explorer(curve, facts.names, known.costs),
    )


def _lead(known: _Known) -> Words:
    order = "second" if known.curve.positive else "first"
    return (
        say(
            "The positive class is {positive}, the " + order + " of the two in the class list. A "
            "sample is flagged as {positive} where its probability of {positive} is at least the "
            "threshold, and is {negative} otherwise. The default threshold is 0.5.",
            positive=known.positive,
            negative=known.negative,
        )
        if not known.facts.evaluation.has_independent_scores
        else say(
            "The positive class is {positive}, the " + order + " of the two in the class list. A "
            "sample is predicted as {positive} if its score of {positive} is at least the "
            "threshold, else as {negative}. The model's predictions have no threshold: they are "
            "the class with the larger of two independent scores.",
            positive=known.positive,
            negative=known.negative,
        )
    )


def _facts(known: _Known, rows: Sequence[ThresholdRow]) -> Iterator[Fact]:
    """Each named point, with the threshold of its row in the table."""
    texts = {letter: row.text for row in rows for letter in row.letters.split(", ")}
    for letter, point, remark in known.named():
        what = remark[0].upper() + remark[1:]
        if letter != "A":
            what += f", threshold {texts[letter]}"
        yield Fact(f"{letter}: {what}", (_told(known, point, all_answers=letter == "A"),))


def _told(known: _Known, point: ThresholdPoint, *, all_answers: bool) -> Words:
    positives, negatives = _totals(known, all_answers=all_answers)
    return say(
        "Sensitivity {found} of {n} {positive}, false-positive rate {alarms} of {m} {negative}.",
        found=_of(point.tp, positives),
        n=count(positives),
        positive=known.positive,
        alarms=_of(point.fp, negatives),
        m=count(negatives),
        negative=known.negative,
    )


def _totals(known: _Known, *, all_answers: bool) -> tuple[int, int]:
    """Number of samples of both classes: all, or those with scores."""
    if all_answers:
        i = known.curve.positive
        return known.facts.support(i), known.facts.support(1 - i)
    return known.curve.n_positive, known.curve.n_negative


def _of(part: int, whole: int) -> str:
    return share(part / whole) if whole else "n/a"


def _rows(known: _Known, notes: Footnotes) -> Iterator[ThresholdRow]:
    """Rows by increasing threshold; a named point with the same counts shares a row."""
    entries: list[tuple[ThresholdPoint, list[tuple[str, str]], str]] = [
        (point, [], _text(point.threshold)) for point in known.curve.levels
    ]
    for letter, point, remark in known.named():
        home = _home(entries, letter, point)
        if home is None:
            text = "as predicted" if letter == "A" else _text(point.threshold)
            entries.append((point, [(letter, remark)], text))
        else:
            home.append((letter, remark))
    entries.sort(key=lambda entry: (entry[0].threshold, bool(entry[1])))
    for point, names, text in entries:
        own = text == "as predicted"
        yield ThresholdRow(
            exact=point.threshold,
            text=text,
            letters=", ".join(letter for letter, _ in names),
            remark="; ".join(remark for _, remark in names),
            flagged=point.flagged,
            cells=_cells(point, _totals(known, all_answers=own), notes),
            cost=_cost(known, point, _totals(known, all_answers=own)),
        )


def _cost(known: _Known, point: ThresholdPoint, totals: tuple[int, int]) -> Cell | None:
    if known.costs is None or not sum(totals):
        return None
    value = known.costs.of(point, *totals)
    return Cell(value, None, None, signed(value), "")


def _home(
    entries: list[tuple[ThresholdPoint, list[tuple[str, str]], str]],
    letter: str,
    point: ThresholdPoint,
) -> list[tuple[str, str]] | None:
    """The names of the row with the same counts; the model's predictions only match 0.5."""
    for other, names, text in entries:
        same = (other.tp, other.fp) == (point.tp, point.fp) and text != "as predicted"
        if same and (letter != "A" or text == _text(HALF)):
            return names
    return None


def _cells(point: ThresholdPoint, totals: tuple[int, int], notes: Footnotes) -> tuple[Cell, ...]:
    """Sensitivity, specificity, PPV, NPV, F1."""
    positives, negatives = totals
    missed, cleared = positives - point.tp, negatives - point.fp
    return (
        _share_cell(point.tp, positives, ONE_SIDED, notes),
        _share_cell(cleared, negatives, ONE_SIDED, notes),
        _share_cell(point.tp, point.flagged, NONE_FLAGGED, notes),
        _share_cell(cleared, cleared + missed, NONE_CLEARED, notes),
        _f1(point, positives, notes),
    )


def _share_cell(part: int, whole: int, why: str, notes: Footnotes) -> Cell:
    if not whole:
        return Cell(None, None, None, "n/a", "", notes.mark(why))
    low, high = (float(end) for end in wilson(part, whole))
    value = part / whole
    return Cell(value, low, high, _percent(value), interval((low, high), ""))


def _f1(point: ThresholdPoint, positives: int, notes: Footnotes) -> Cell:
    if not positives:
        return Cell(None, None, None, "n/a", "", notes.mark(ONE_SIDED))
    value = 2 * point.tp / (point.flagged + positives)
    return Cell(value, None, None, _percent(value), "")


def _percent(value: float) -> str:
    return share(value).removesuffix("%")


def _text(threshold: float) -> str:
    """The threshold as a decimal that flags the same samples, without an exponent."""
    text = f"{threshold:.17f}" if threshold < 1e-4 else repr(threshold)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _roc(curve: ThresholdCurve) -> Iterator[tuple[float, float]]:
    yield 0.0, 0.0
    for point in curve.curve:
        yield point.fp / curve.n_negative, point.tp / curve.n_positive


def _precision_recall(curve: ThresholdCurve) -> Iterator[tuple[float, float]]:
    for point in curve.curve:
        yield point.tp / curve.n_positive, point.tp / point.flagged


def _marks(known: _Known) -> Iterator[ThresholdMark]:
    for letter, point, _ in known.named():
        positives, negatives = _totals(known, all_answers=letter == "A")
        precision = point.tp / point.flagged if point.flagged else None
        yield ThresholdMark(letter, point.fp / negatives, point.tp / positives, precision)


def _roc_words(known: _Known) -> Chart:
    caption = say(
        "Sensitivity for {positive} against the false-positive rate, threshold by threshold.",
        positive=known.positive,
    )
    area = _area(known, "roc_auc", "ROC AUC {value}{ends}.")
    dashes = "Dashed: chance level."
    points = " ".join(
        f"{letter}: sensitivity {share(mark.sensitivity)}, false-positive rate "
        f"{share(mark.false_alarms)}."
        for letter, mark in ((mark.letter, mark) for mark in _marks(known))
    )
    return Chart("ROC curve", f"ROC curve. {area} {points}".strip(), _after(caption, area, dashes))


def _precision_recall_words(known: _Known) -> Chart:
    caption = say("Precision for {positive} against recall.", positive=known.positive)
    mean = _area(known, "average_precision", "Average precision {value}{ends}.")
    positives, negatives = _totals(known, all_answers=False)
    dashes = f"Dashed: chance level, {_of(positives, positives + negatives)}."
    points = " ".join(
        f"{mark.letter}: precision {share(mark.precision)}, recall {share(mark.sensitivity)}."
        for mark in _marks(known)
        if mark.precision is not None
    )
    alt = f"Precision-recall curve. {mean} {points}".strip()
    return Chart("Precision and recall", alt, _after(caption, mean, dashes))


def _after(words: Words, *sentences: str) -> Words:
    text = " ".join(filter(None, sentences))
    return Words((*words.parts, f" {text}")) if text else words


def _area(known: _Known, name: str, sentence: str) -> str:
    """The metric of the positive class, as in the per-class table."""
    column: Any = known.facts.evaluation.per_class.get(name)
    metric = None if column is None else column.metric(known.curve.positive)
    if metric is None or metric.value is None:
        return ""
    shown = cell(metric, next(one for one in CLASS_METRICS if one.name == name), Footnotes())
    ends = f" (95% CI {shown.range})" if shown.range else ""
    return sentence.format(value=shown.text, ends=ends)


def _notes(known: _Known) -> Iterator[Words]:
    curve = known.curve
    total = curve.n_positive + curve.n_negative
    yield say(
        "PPV and NPV depend on the prevalence: {share} of these samples are {positive}. "
        "Sensitivity and specificity do not.",
        share=_of(curve.n_positive, total),
        positive=known.positive,
    )
    yield say(
        "A threshold that is chosen on these samples looks better here than on new ones: choose it "
        "on other data, such as the validation split, and read its metrics here."
    )
    if not curve.exact:
        yield say(
            "Scores were counted in bins: thresholds are bin edges, "
            "and the counts at each are exact."
        )
    if curve.n_without:
        yield say(
            "{n} of {all} samples have no scores: counted in row A only.",
            n=count(curve.n_without),
            all=count(total + curve.n_without),
        )
