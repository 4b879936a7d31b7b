"""The calibration section: calibration, and selective prediction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from reportgen.analysis.confusions import simultaneous
from reportgen.evaluation import Confidence, Evaluation, ReliabilityBar
from reportgen.metrics import Metric, wilson
from reportgen.report.context import LOW_SUPPORT, Context
from reportgen.report.elements import Fact
from reportgen.report.words import (
    Words,
    at_most,
    interval,
    join,
    say,
    share,
    signed,
    signed_interval,
)
from reportgen.text import count, interval_ends, plural

__all__ = [
    "Calibration",
    "Chart",
    "ConfidenceSection",
    "CurveRow",
    "HistogramRow",
    "KeyNumber",
    "OperatingPoint",
    "ReliabilityRow",
    "confidence_section",
    "decimals",
]


@dataclass(frozen=True)
class ReliabilityRow:
    """A bin of the reliability diagram: its numbers for the drawing, and as text."""

    bar: ReliabilityBar
    span: str
    count: str
    accuracy: str
    range: str
    confidence: str
    few: bool


@dataclass(frozen=True)
class HistogramRow:
    """Correct and incorrect predictions in a confidence bin, as counts and as % of their kind."""

    span: str
    right: int
    wrong: int
    right_share: float
    wrong_share: float


@dataclass(frozen=True)
class CurveRow:
    """A point of the risk–coverage curve: coverage and risk, 0..1, and as text."""

    coverage: float
    error: float
    coverage_text: str
    error_text: str


@dataclass(frozen=True)
class OperatingPoint:
    """A marked point of the risk–coverage curve: its letter, location and meaning."""

    letter: str
    coverage: float
    error: float
    sentence: Words


@dataclass(frozen=True)
class Chart:
    """The texts of a chart: title, message, and caption."""

    title: str
    alt: str
    caption: Words


@dataclass(frozen=True)
class KeyNumber:
    """A key number of the section; `missing` is shown instead of an unavailable number."""

    title: str
    value: str
    note: Words
    missing: bool = False


@dataclass(frozen=True)
class ConfidenceSection:
    """The calibration section; without rows if `missing` has a reason.

    Attributes
    ----------
    lead
        The message.
    missing
        Which parts are missing, and why; empty if none.
    facts
        A sentence per metric.
    reliability, histogram, curve
        The rows of the three charts, including empty bins.
    curve_table
        The points of the curve in its table.
    points
        Operating points, marked on the curve and in words.
    charts
        The texts of reliability, histogram and curve, in this order.
    numbers
        The three most informative metrics, shown large.
    """

    lead: Words
    missing: Words
    facts: tuple[Fact, ...] = ()
    reliability: tuple[ReliabilityRow, ...] = ()
    histogram: tuple[HistogramRow, ...] = ()
    curve: tuple[CurveRow, ...] = ()
    curve_table: tuple[CurveRow, ...] = ()
    points: tuple[OperatingPoint, ...] = ()
    charts: tuple[Chart, ...] = ()
    numbers: tuple[KeyNumber, ...] = ()


@dataclass(frozen=True)
class Calibration:
    """Confidence versus accuracy, over the predictions with a confidence.

    Attributes
    ----------
    n, n_correct
        Number of predictions, at least 1, and of correct ones.
    mean_confidence
        0..1.
    direction
        1 if the mean confidence is above the 95% CI of accuracy, -1 if below, else 0; also 0 if
        `beyond_chance` is False.
    beyond_chance
        Whether the ECE exceeds the 95th percentile of a perfectly calibrated model on this many
        samples.
    threshold_text
        The confidence threshold above which at most 1% of predictions are incorrect, with 95%
        confidence; empty if there is none.
    """

    known: Confidence
    n: int
    n_correct: int
    mean_confidence: float
    direction: Literal[-1, 0, 1]
    beyond_chance: bool
    threshold_text: str

    @classmethod
    def of(cls, facts: Context) -> Calibration | None:
        """The calibration, or None if the input has no confidences."""
        known, error = facts.evaluation.confidence, facts.summary("ece").value
        if known is None or known.mean_confidence is None or error is None:
            return None
        n, right = sum(bar.n for bar in known.bins), sum(bar.n_correct for bar in known.bins)
        low, high = wilson(right, n)
        beyond = error > (known.chance_ece_high or 0.0)
        mean, threshold = known.mean_confidence, known.held_threshold
        return cls(
            known,
            n,
            right,
            mean,
            (1 if mean > float(high) else -1 if mean < float(low) else 0) if beyond else 0,
            beyond,
            "" if threshold is None else decimals(threshold),
        )

    @property
    def accuracy(self) -> float:
        """Accuracy of the predictions with a confidence, 0..1."""
        return self.n_correct / self.n


def decimals(threshold: float) -> str:
    """A confidence in 0..1 to three decimals, or more if it would read as 1: ``0.999871``."""
    rest = 1 - threshold
    digits = 3 if rest <= 0 or rest > 0.05 else min(2 + math.ceil(-math.log10(rest)), 9)
    text = f"{threshold:.{digits}f}"
    return text.rstrip("0").rstrip(".") if float(text) in (0, 1) else text


SURE = 0.9
"""The confidence threshold for comparing correct and incorrect predictions."""


CURVE_STEP = 0.05
"""Step in coverage of the curve's table; the drawing has all points."""


def confidence_section(facts: Context, baseline: Evaluation | None = None) -> ConfidenceSection:
    """Sentences, three charts, and reasons for missing parts; key numbers beside a `baseline`'s."""
    known = Calibration.of(facts)
    if known is None:
        return ConfidenceSection(Words(()), _nothing(facts))
    points = tuple(_points(facts, known))
    return ConfidenceSection(
        lead=_lead(known),
        missing=_missing(facts, known),
        facts=tuple(_facts(facts, known)),
        reliability=tuple(map(_bin_row, known.known.bins)),
        histogram=_histogram(known.known),
        curve=tuple(_curve_row(*point) for point in known.known.curve),
        curve_table=tuple(_curve_table(known.known.curve)),
        points=points,
        charts=(
            _reliability_chart(known),
            _histogram_chart(known.known),
            _curve_chart(points),
        ),
        numbers=tuple(_numbers(facts, known, baseline)),
    )


def _numbers(
    facts: Context, known: Calibration, baseline: Evaluation | None
) -> Iterator[KeyNumber]:
    """ECE, log loss or Brier score, and the largest coverage with a low error bound."""

    def before(name: str, text: Callable[[float], str]) -> str:
        value = None if baseline is None else baseline.summary[name].value
        return "" if value is None else f", baseline {text(value)}"

    yield KeyNumber(
        "ECE",
        share(facts.summary("ece").value or 0.0),
        say(
            "expected by chance {mean}{before}",
            mean=share(known.known.chance_ece or 0.0),
            before=before("ece", share),
        ),
    )
    for name, title in (("log_loss", "Log loss"), ("brier_score", "Brier score")):
        metric = facts.summary(name)
        if metric.value is not None:
            ends = (_ends(metric).strip(" ()") + before(name, signed)).removeprefix(", ")
            yield KeyNumber(title, signed(metric.value), say("{ends}", ends=ends))
            break
    coverage, bound = known.known.held_coverage, known.known.held_error_bound
    title = "Coverage at ≤ 1% error"
    if coverage and bound is not None:
        in_sample = facts.summary("coverage_at_1_percent_error").value
        note = say(
            "threshold {threshold}, 95{percent} confidence{rest}",
            threshold=known.threshold_text,
            percent="%",
            rest="" if in_sample is None else f"; {share(in_sample)} in-sample",
        )
        yield KeyNumber(title, share(coverage), note)
    else:
        yield KeyNumber(title, "not shown", say("not shown at any coverage"), missing=True)


def _nothing(facts: Context) -> Words:
    if facts.evaluation.provenance.kind == "confusion matrix":
        return say(
            "Not available from a confusion matrix ({what} only): calibration, "
            "ROC, selective prediction.",
            what="counts" if facts.proportions is None else "proportions",
        )
    if facts.evaluation.has_independent_scores:
        return say(
            "Scores are independent per class (one-vs-rest, "
            "such as sigmoids). Not available: calibration (ECE), selective prediction, log loss "
            "and Brier score. ROC AUC and average precision are available."
        )
    return say(
        "Not available without confidences: calibration, ROC, "
        "selective prediction. Add a column of confidences or the scores of all classes."
    )


def _missing(facts: Context, known: Calibration) -> Words:
    """Which metrics lack their input."""
    without = facts.matrix.n_samples - known.n
    some = say(
        "{n} {verb} no confidence and {are} excluded from this section.",
        n=plural(without, "prediction"),
        verb="has" if without == 1 else "have",
        are="is" if without == 1 else "are",
    )
    scores = say(
        "The Brier score, class-wise calibration, ROC AUC and average precision, and their curves, "
        "require the probabilities of all classes; the input contains only those of the predicted "
        "classes."
    )
    lacking = facts.summary("brier_score").value is None
    return join(some if without else Words(()), scores if lacking else Words(()))


def _lead(known: Calibration) -> Words:
    """Overconfident, underconfident, or calibrated: only as far as the samples show."""
    means = {
        "confidence": share(known.mean_confidence),
        "accuracy": share(known.accuracy),
    }
    if not known.beyond_chance:
        return say(
            "Well calibrated within sampling error: mean confidence {confidence}, accuracy "
            "{accuracy} on {n}.",
            n=plural(known.n, "sample"),
            **means,
        )
    if known.direction == 0:
        return say(
            "Calibrated on average (mean confidence {confidence}, accuracy {accuracy}), but not "
            "across confidence levels: the ECE is significantly above chance.",
            **means,
        )
    return say(
        "{how}: mean confidence {confidence}, accuracy {accuracy} (significant).",
        how="Overconfident" if known.direction > 0 else "Underconfident",
        **means,
    )


def _facts(facts: Context, known: Calibration) -> Iterable[Fact]:
    """One sentence for each available metric."""
    yield Fact("Calibration error", tuple(_calibration_words(facts, known)))
    if log_loss := _log_loss(facts, known):
        yield Fact("Log loss", (log_loss,))
    brier, auc = facts.summary("brier_score"), facts.summary("macro_roc_auc")
    if brier.value is not None:
        words = say(
            "{value}{ends}; 0 = perfect, 2 = worst.",
            value=signed(brier.value),
            ends=_ends(brier),
        )
        yield Fact("Brier score", (words,))
    if auc.value is not None:
        words = say(
            "Macro one-vs-rest ROC AUC {value}{ends}; 0.5 = chance level.",
            value=signed(auc.value),
            ends=_ends(auc),
        )
        yield Fact("ROC and precision–recall", (join(words, _ranking_error(known.known)),))
    if (aurc := facts.summary("aurc")).value is not None:
        words = say(
            "AURC {value}{ends}: selective risk averaged over coverage.",
            value=share(aurc.value),
            ends=_share_ends(aurc),
        )
        yield Fact("Selective prediction", (words,))


def _calibration_words(facts: Context, known: Calibration) -> Iterable[Words]:
    error, worst = facts.summary("ece"), facts.summary("mce")
    yield join(
        say("ECE {value}.", value=share(error.value or 0.0)),
        say(
            "A perfectly calibrated model would show {mean} on {n} (95th percentile {high}).",
            n=plural(known.n, "sample"),
            mean=share(known.known.chance_ece or 0.0),
            high=share(known.known.chance_ece_high or 0.0),
        ),
        _error_ends(error),
    )
    if worst.value is not None:
        yield say(
            "MCE {value}{ends}, largest bin gap; unstable for small bins.",
            value=share(worst.value),
            ends=_share_ends(worst),
        )


def _error_ends(error: Metric) -> Words:
    """The interval of the ECE in the population.

    Sampling increases the ECE of few samples, so the interval's middle is below the measured value.
    """
    if error.interval is None:
        return Words(())
    return say(
        "Bias-corrected 95{percent} CI: {ends}.",
        percent="%",
        ends=interval(error.interval),
    )


def _log_loss(facts: Context, known: Calibration) -> Words:
    loss, n_zero = facts.summary("log_loss"), known.known.n_zero_probability
    if loss.value is None:
        return Words(())
    words = say(
        "{value} nats{ends}; uniform prediction: {even}.",
        value=signed(loss.value),
        ends=_ends(loss),
        even=signed(math.log(len(facts.names))),
    )
    n_tiny = max(0, known.known.n_clipped_probability - n_zero)
    return join(words, *_no_chance(n_zero, n_tiny))


def _no_chance(n_zero: int, n_tiny: int) -> Iterable[Words]:
    if n_zero:
        yield say(
            "{n} assigned p = 0 to the true class (clipped at 36 nats).",
            n=plural(n_zero, "prediction"),
        )
    if n_tiny:
        yield say(
            "{n} assigned p < 2⁻⁵² to the true class (clipped at 36 nats){too}.",
            n=plural(n_tiny, "prediction"),
            too=" too" if n_zero else "",
        )


def _ranking_error(known: Confidence) -> Words:
    """The error bound of metrics if scores were ranked in bins, or saved with few digits."""
    binned = Words(())
    if known.ranking_bins:
        binned = say(
            "Scores were ranked in {bins} bins per class: this value "
            "is exact to within {auc}, macro average precision to within {ap}, per-class values "
            "to within {worst}.",
            bins=count(known.ranking_bins),
            auc=_at_most(known.ranking_error),
            ap=_at_most(known.average_precision_error),
            worst=_at_most(known.class_ranking_error),
        )
    elif known.ranking_error:  # files of versions that did not save the bins
        binned = say("Exact to within {error}.", error=_at_most(known.ranking_error))
    rounded = say(
        "The probabilities have float16 precision or less, so some ties may be rounding artefacts."
    )
    return join(binned, rounded if known.half_precision else Words(()))


def _at_most(error: float) -> str:
    """One digit, rounded up, so that "to within" stays true: ``0.0003`` for 0.00021."""
    if error == 0:
        return "0"
    step = 10.0 ** math.floor(math.log10(error))
    return f"{math.ceil(error / step - 1e-9) * step:.1g}"


def _ends(metric: Metric) -> str:
    return f" (95% CI {signed_interval(metric.interval)})" if metric.interval else ""


def _share_ends(metric: Metric) -> str:
    return f" (95% CI {interval(metric.interval)})" if metric.interval else ""


def _points(facts: Context, known: Calibration) -> Iterable[OperatingPoint]:
    """A: the most predictions with an error bound of 1%. B: all but the least confident tenth."""
    yield from _hold(known)
    error = facts.summary("error_at_90_percent_coverage")
    threshold = known.known.threshold_90_percent_coverage
    if error.value is None or threshold is None or known.n < 10:
        return
    coverage = min((c for c, _ in known.known.curve if c >= 0.9), default=1.0)
    if known.n_correct == known.n:
        sentence = say("No errors at any coverage.")
    else:
        sentence = say(
            "At {coverage} coverage (confidence ≥ {threshold}) the error is {error}{ends} instead "
            "of {all}.",
            threshold=decimals(threshold),
            coverage=share(coverage),
            error=share(error.value),
            ends=_share_ends(error),
            all=share(1 - known.accuracy),
        )
    yield OperatingPoint("B", coverage, error.value, sentence)


def _hold(known: Calibration) -> Iterable[OperatingPoint]:
    coverage, bound = known.known.held_coverage, known.known.held_error_bound
    if not coverage or bound is None:
        return
    error = min(_nearest(known.known.curve, coverage), bound)
    where = (
        say("At full coverage")
        if coverage == 1
        else say(
            "At confidence ≥ {threshold}, {coverage} coverage,",
            threshold=known.threshold_text,
            coverage=share(coverage),
        )
    )
    sentence = say(
        "{where} the error is at most {bound} (95{percent} confidence).",
        where=where,
        bound=at_most(bound),
        percent="%",
    )
    yield OperatingPoint("A", coverage, error, sentence)


def _nearest(curve: Sequence[tuple[float, float]], coverage: float) -> float:
    return min(curve, key=lambda point: abs(point[0] - coverage))[1]


def _bin_row(bar: ReliabilityBar) -> ReliabilityRow:
    return ReliabilityRow(
        bar,
        _span(bar.low, bar.high),
        count(bar.n),
        "" if bar.accuracy is None else _bare(bar.accuracy),
        "" if bar.interval is None else "–".join(interval_ends(bar.interval)),
        "" if bar.confidence is None else _bare(bar.confidence),
        bar.n < LOW_SUPPORT,
    )


def _bare(value: float) -> str:
    return share(value).removesuffix("%")


def _span(low: float, high: float) -> str:
    return f"{100 * low:.3g}–{100 * high:.3g}"


def _histogram(known: Confidence) -> tuple[HistogramRow, ...]:
    n = len(known.right)
    rights, wrongs = max(sum(known.right), 1), max(sum(known.wrong), 1)
    return tuple(
        HistogramRow(_span(i / n, (i + 1) / n), right, wrong, right / rights, wrong / wrongs)
        for i, (right, wrong) in enumerate(zip(known.right, known.wrong, strict=True))
    )


def _curve_row(coverage: float, error: float) -> CurveRow:
    return CurveRow(coverage, error, _bare(coverage), _bare(error))


def _curve_table(curve: Sequence[tuple[float, float]]) -> Iterable[CurveRow]:
    """About one point per step of coverage, always including the last."""
    wanted = CURVE_STEP
    for coverage, error in curve:
        if coverage >= wanted - 1e-9 or coverage == 1:
            yield _curve_row(coverage, error)
            wanted = (math.floor(coverage / CURVE_STEP + 1e-9) + 1) * CURVE_STEP


def _reliability_chart(known: Calibration) -> Chart:
    bars = [bar for bar in known.known.bins if bar.n >= LOW_SUPPORT]
    tested = bars if known.beyond_chance else []
    gaps = [
        (bar.confidence or 0.0, *simultaneous(bar.n_correct, bar.n, len(bars))) for bar in tested
    ]
    above = sum(confidence > high for confidence, _, high in gaps)
    below = sum(confidence < low for confidence, low, _ in gaps)
    alt = (
        f"Reliability diagram: of {plural(len(bars), 'bin')} with {LOW_SUPPORT} samples or more, "
        f"{above} {'is' if above == 1 else 'are'} significantly overconfident and {below} "
        "underconfident (Bonferroni)."
    )
    caption = say("hollow: n < {few}", few=str(LOW_SUPPORT))
    return Chart("Reliability diagram", alt, caption)


def _histogram_chart(known: Confidence) -> Chart:
    wrong, right = _sure(known.wrong), _sure(known.right)
    told = [
        f"{share(part)} of {plural(sum(counts), f'{kind} prediction')}"
        for counts, part, kind in (
            (known.right, right, "correct"),
            (known.wrong, wrong, "incorrect"),
        )
        if part is not None
    ]
    message = f"Confidence is above {SURE:.0%} for {' and '.join(told)}."
    caption = join(
        say(message),
        say("Each panel is normalised separately; both use the same scale."),
    )
    return Chart("Confidence distribution", f"Two histograms of confidence. {message}", caption)


def _sure(counts: Sequence[int]) -> float | None:
    """The proportion of these predictions in the bins above 90%."""
    total = sum(counts)
    return sum(counts[round(SURE * len(counts)) :]) / total if total else None


def _curve_chart(points: Sequence[OperatingPoint]) -> Chart:
    told = " ".join(f"{point.letter}: {point.sentence}" for point in points)
    caption = say("risk–coverage curve, most confident first")
    alt = f"Risk-coverage curve. {told}".strip()
    return Chart("Selective prediction", alt, caption)
