"""The section on confidence: is the model as sure as it is right, and can it abstain?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from reportgen.evaluation import Confidence, ReliabilityBar
from reportgen.metrics import Metric
from reportgen.report.calibration import Calibration, decimals
from reportgen.report.facts import LOW_SUPPORT, Facts
from reportgen.report.model import (
    Chart,
    ConfidenceSection,
    CurveRow,
    Fact,
    HistogramRow,
    OperatingPoint,
    ReliabilityRow,
)
from reportgen.report.words import (
    NBSP,
    Words,
    interval,
    join,
    say,
    share,
    signed,
    signed_interval,
)
from reportgen.text import count, interval_ends, plural

__all__ = ["confidence_section"]

SURE = 0.9
"""What "very sure" means where right and wrong answers are compared."""
CURVE_STEP = 0.05
"""Distance of the curve's points in its table; the drawing has all of them."""


def confidence_section(facts: Facts) -> ConfidenceSection:
    """Sentences, three drawings, and why something is missing."""
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
    )


def _nothing(facts: Facts) -> Words:
    if facts.evaluation.provenance.kind == "confusion matrix":
        return say(
            "Calibration, abstaining and scores need confidences, and the input is a confusion "
            "matrix: it holds counts, no answers."
        )
    if facts.evaluation.has_independent_scores:
        return say(
            "The scores of the classes are independent of each other (one-vs-rest, such as "
            "sigmoids) and need not sum to 1. Without a probability of the prediction there is no "
            "calibration (ECE), no selective prediction, no log loss and no Brier score. ROC AUC "
            "and average precision of each class need no such probability."
        )
    return say(
        "Calibration, abstaining and scores need confidences, and the input has labels and "
        "predictions only. With a column of confidences, or the scores of all classes, this "
        "section is filled."
    )


def _missing(facts: Facts, known: Calibration) -> Words:
    """What part of the figures lacks its input."""
    without = facts.matrix.n_samples - known.n
    some = say(
        "{n} {verb} no confidence and {are} left out of this section.",
        n=plural(without, "answer"),
        verb="has" if without == 1 else "have",
        are="is" if without == 1 else "are",
    )
    scores = say(
        "The Brier score, class-wise calibration, ROC AUC and average precision, and their curves, "
        "need the probabilities of all classes; the input holds those of the predicted classes "
        "only."
    )
    lacking = facts.summary("brier_score").value is None
    return join(some if without else Words(()), scores if lacking else Words(()))


def _lead(known: Calibration) -> Words:
    """Too sure, not sure enough, or as it should be: no more than the samples show."""
    means = {
        "confidence": share(known.mean_confidence),
        "accuracy": share(known.accuracy),
    }
    if not known.beyond_chance:
        return say(
            "No miscalibration is shown: the model's mean confidence is {confidence}, {accuracy} "
            "of its answers are right, and its calibration error is no larger than chance alone "
            "may show on {n}.",
            n=plural(known.n, "sample"),
            **means,
        )
    if known.direction == 0:
        return say(
            "On the whole confidence and accuracy agree ({confidence} and {accuracy}), but not at "
            "each level of confidence: the calibration error is larger than chance would show.",
            **means,
        )
    return say(
        "The model is {how}: its mean confidence is {confidence}, but {accuracy} of its answers "
        "are right, and so large a gap is not chance.",
        how="too sure of itself" if known.direction > 0 else "less sure than it need be",
        **means,
    )


def _facts(facts: Facts, known: Calibration) -> Iterable[Fact]:
    """One sentence for each figure that there is."""
    yield Fact("Calibration error", tuple(_calibration_words(facts, known)))
    if log_loss := _log_loss(facts, known):
        yield Fact("Log loss", (log_loss,))
    brier, auc = facts.summary("brier_score"), facts.summary("macro_roc_auc")
    if brier.value is not None:
        words = say(
            "{value}{ends}, from 0, perfect, to 2, sure and wrong every time.",
            value=signed(brier.value),
            ends=_ends(brier),
        )
        yield Fact("Brier score", (words,))
    if auc.value is not None:
        words = say(
            "ROC AUC {value}{ends}, the mean over classes: put a sample of a class beside one of "
            "another, and so often the class's own has the higher score; 0.5 is guessing.",
            value=signed(auc.value),
            ends=_ends(auc),
        )
        yield Fact("Telling classes apart", (join(words, _ranking_error(known.known)),))
    if (aurc := facts.summary("aurc")).value is not None:
        words = say(
            "AURC {value}{ends}: the error rate, averaged over how often the model may abstain.",
            value=share(aurc.value),
            ends=_share_ends(aurc),
        )
        yield Fact("Abstaining", (words,))


def _calibration_words(facts: Facts, known: Calibration) -> Iterable[Words]:
    error, worst = facts.summary("ece"), facts.summary("mce")
    yield join(
        say(
            "ECE {value}: by so much confidence misses accuracy on average.",
            value=share(error.value or 0.0),
        ),
        say(
            "On {n}, chance alone shows {mean} of a perfectly calibrated model, and more than "
            "{high} in 5 of 100 test sets.",
            n=plural(known.n, "answer"),
            mean=share(known.known.chance_ece or 0.0),
            high=share(known.known.chance_ece_high or 0.0),
        ),
        _error_ends(error),
    )
    if worst.value is not None:
        yield say(
            "The bin that is furthest off misses by {value}{ends}: the MCE, which a bin of few "
            "samples can make large by chance.",
            value=share(worst.value),
            ends=_share_ends(worst),
        )


def _error_ends(error: Metric) -> Words:
    """The interval, which is of the ECE in all samples there could be: chance adds to that of few,
    so its middle lies below what was measured.
    """
    if error.interval is None:
        return Words(())
    return say(
        "Less chance's share, the model's own calibration error lies between {low} and {high} "
        "(95 % interval).",
        low=share(error.interval[0]),
        high=share(error.interval[1]),
    )


def _log_loss(facts: Facts, known: Calibration) -> Words:
    loss, n_zero = facts.summary("log_loss"), known.known.n_zero_probability
    if loss.value is None:
        return Words(())
    words = say(
        "{value} nats{ends}; always giving every class the same probability would cost {even}.",
        value=signed(loss.value),
        ends=_ends(loss),
        even=signed(math.log(len(facts.names))),
    )
    n_tiny = max(0, known.known.n_clipped_probability - n_zero)
    return join(words, *_no_chance(n_zero, n_tiny))


def _no_chance(n_zero: int, n_tiny: int) -> Iterable[Words]:
    if n_zero:
        yield say(
            "{n} gave the true class no chance at all: each counts as 36 nats.",
            n=plural(n_zero, "answer"),
        )
    if n_tiny:
        yield say(
            "{n} gave the true class a chance below 2⁻⁵²: each counts as 36 nats{too}.",
            n=plural(n_tiny, "answer"),
            too=" too" if n_zero else "",
        )


def _ranking_error(known: Confidence) -> Words:
    """What was lost because scores were ranked in bins, or saved with few digits."""
    binned = Words(())
    if known.ranking_bins:
        binned = say(
            "The scores are too many to be ranked one by one and were ranked in {bins} bins a "
            "class: this figure is exact to within {auc}, the macro average precision to within "
            "{ap}, and those of each class to within {worst}.",
            bins=count(known.ranking_bins),
            auc=_at_most(known.ranking_error),
            ap=_at_most(known.average_precision_error),
            worst=_at_most(known.class_ranking_error),
        )
    elif known.ranking_error:  # in files from before the bins were told
        binned = say("Exact to within {error}.", error=_at_most(known.ranking_error))
    rounded = say(
        "The probabilities have no more digits than half precision (float16) holds: many may be "
        "equal that were not when the model gave them, and count as ties."
    )
    return join(binned, rounded if known.half_precision else Words(()))


def _at_most(error: float) -> str:
    """One digit, rounded up, so that "to within" stays true: ``0.0003`` of 0.00021."""
    if error == 0:
        return "0"
    step = 10.0 ** math.floor(math.log10(error))
    return f"{math.ceil(error / step - 1e-9) * step:.1g}"


def _ends(metric: Metric) -> str:
    return f" (95{NBSP}% interval {signed_interval(metric.interval)})" if metric.interval else ""


def _share_ends(metric: Metric) -> str:
    return f" (95{NBSP}% interval {interval(metric.interval)})" if metric.interval else ""


def _points(facts: Facts, known: Calibration) -> Iterable[OperatingPoint]:
    """A: the most answers with at most 1 % errors. B: all but the least sure tenth."""
    yield from _at_error(facts, known)
    error = facts.summary("error_at_90_percent_coverage")
    threshold = known.known.threshold_90_percent_coverage
    if error.value is None or threshold is None or known.n < 10:
        return
    coverage = min((c for c, _ in known.known.curve if c >= 0.9), default=1.0)
    yield OperatingPoint(
        "B",
        coverage,
        error.value,
        say(
            "Leave the least sure answers to a person and keep those with a confidence of at "
            "least {threshold}, {coverage} of all: {error} of these are wrong{ends}, not {all}.",
            threshold=decimals(threshold),
            coverage=share(coverage),
            error=share(error.value),
            ends=_share_ends(error),
            all=share(1 - known.accuracy),
        ),
    )


def _at_error(facts: Facts, known: Calibration) -> Iterable[OperatingPoint]:
    metric = facts.summary("coverage_at_1_percent_error")
    coverage = metric.value
    if coverage is None or not known.threshold_text or not coverage:
        return
    error = _nearest(known.known.curve, coverage)
    caution = say("The threshold is chosen on these very samples: expect a little less on others.")
    sentence = say(
        "Accept the answers with a confidence of at least {threshold}: at most 1 % of them are "
        "wrong, and {coverage} of all are answered{ends}.",
        threshold=known.threshold_text,
        coverage=share(coverage),
        ends=_share_ends(metric),
    )
    if coverage == 1:
        sentence, caution = (
            say("Of all answers at most 1 % are wrong: none need be left."),
            Words(()),
        )
    yield OperatingPoint("A", coverage, min(error, 0.01), join(sentence, caution))


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
    return share(value).removesuffix(f"{NBSP}%")


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
    """About one point for every step of coverage, the last one always."""
    wanted = CURVE_STEP
    for coverage, error in curve:
        if coverage >= wanted - 1e-9 or coverage == 1:
            yield _curve_row(coverage, error)
            wanted = (math.floor(coverage / CURVE_STEP + 1e-9) + 1) * CURVE_STEP


def _reliability_chart(known: Calibration) -> Chart:
    bars = [bar for bar in known.known.bins if bar.n >= LOW_SUPPORT and bar.interval]
    above = sum((bar.confidence or 0) > bar.interval[1] for bar in bars if bar.interval)
    below = sum((bar.confidence or 0) < bar.interval[0] for bar in bars if bar.interval)
    alt = (
        f"Reliability diagram: of {plural(len(bars), 'bin')} with {LOW_SUPPORT} samples or more, "
        f"the model is too sure in {above} and not sure enough in {below}."
    )
    caption = say(
        "Share of right answers at each level of confidence, in 15 bins. Dots stand at the mean "
        "confidence of their bin, whiskers are 95 % intervals, hollow dots are bins with fewer "
        "than {few} samples. On the dashed line confidence equals accuracy; below it the model is "
        "too sure. Empty bins are left blank.",
        few=str(LOW_SUPPORT),
    )
    return Chart("As sure as right?", alt, caption)


def _histogram_chart(known: Confidence) -> Chart:
    wrong, right = _sure(known.wrong), _sure(known.right)
    told = [
        f"of {plural(sum(counts), kind)} {share(part)}"
        for counts, part, kind in (
            (known.wrong, wrong, "wrong answer"),
            (known.right, right, "right one"),
        )
        if part is not None
    ]
    message = f"{', '.join(told).capitalize()} have a confidence above {SURE:.0%}."
    message = message.replace("90%", f"90{NBSP}%")
    caption = join(
        say(message),
        say("Each drawing shows shares of its own kind of answer, both on the same scale."),
    )
    return Chart("Right and wrong answers", f"Two histograms of confidence. {message}", caption)


def _sure(counts: Sequence[int]) -> float | None:
    """The share of these answers in the bins above 90 %."""
    total = sum(counts)
    return sum(counts[round(SURE * len(counts)) :]) / total if total else None


def _curve_chart(points: Sequence[OperatingPoint]) -> Chart:
    told = " ".join(f"{point.letter}: {point.sentence}" for point in points)
    caption = say(
        "Errors among the answers that are accepted, from the surest alone, at the left, to all "
        "of them, at the right."
    )
    alt = f"Risk-coverage curve. {told}".strip()
    return Chart("If the model may abstain", alt, caption)
