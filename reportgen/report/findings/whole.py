"""Rules on the whole test set, its slices, and confidence."""

from __future__ import annotations

import numpy as np

from reportgen.analysis.confusions import SIGNIFICANT, beats_constant_p, recall_by_size_p
from reportgen.metrics import one_sided_error_bound
from reportgen.report.confidence import Calibration
from reportgen.report.context import Context
from reportgen.report.findings.rules import Finding
from reportgen.report.slices import points
from reportgen.report.words import MINUS, Name, at_most, interval, p_words, say, share
from reportgen.text import count, plural

__all__ = [
    "above_chance",
    "abstaining",
    "calibration",
    "few_samples",
    "imbalance",
    "no_better_than_constant",
    "nothing_right",
    "nothing_wrong",
    "one_class_only",
    "worst_slice",
]


WIDE_INTERVAL = 0.10


IMBALANCE = 0.02


_AT_METRICS = ("headline", say("Key metrics"))


def few_samples(facts: Context) -> Finding | None:
    n = facts.matrix.n_samples
    ends = facts.summary("accuracy").interval
    if ends is None or (n > 1 and ends[1] - ends[0] <= WIDE_INTERVAL):
        return None
    head = "One sample, no conclusion:" if n == 1 else "Small test set ({n} samples):"
    return Finding(
        say(head, n=count(n)),
        say("the 95{percent} CI of accuracy is {ends}.", percent="%", ends=interval(ends)),
        *_AT_METRICS,
    )


def nothing_right(facts: Context) -> Finding | None:
    if facts.matrix.n_correct:
        return None
    n = facts.matrix.n_samples
    if n == 1:
        return Finding(
            say("The one prediction is incorrect."),
            say("One sample: no rate."),
            "pairs",
            say("Pair"),
        )
    return Finding(
        say("0 of {n} correct:", n=count(n)),
        say("check that the class list has the order of the model's outputs."),
        "matrix",
        say("Confusion matrix"),
    )


def nothing_wrong(facts: Context) -> Finding | None:
    if facts.matrix.n_errors:
        return None
    n = facts.matrix.n_samples
    return Finding(
        say("No errors in {n}:", n=plural(n, "sample")),
        say(
            "the error rate is at most {bound} (one-sided 95{percent} bound).",
            bound=at_most(one_sided_error_bound(n)),
            percent="%",
        ),
        *_AT_METRICS,
    )


def no_better_than_constant(facts: Context) -> Finding | None:
    """Accuracy below that of the majority class, or not significantly above it."""
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if len(facts.present) < 2 or accuracy.interval is None or constant.value is None:
        return None
    if _is_above(facts):
        return None
    _, below = beats_constant_p(facts.matrix)
    worse = below < SIGNIFICANT and accuracy.interval[1] < constant.value
    return Finding(
        say("Below the majority-class baseline:")
        if worse
        else say("Not significantly above the majority-class baseline:"),
        say(
            "accuracy {accuracy} (95{percent} CI {ends}); always predicting {name} gives "
            "{constant}.",
            name=facts.names[int(np.argmax(facts.matrix.true_totals))],
            constant=share(constant.value),
            accuracy=share(accuracy.value or 0.0),
            percent="%",
            ends=interval(accuracy.interval),
        ),
        *_AT_METRICS,
    )


def _is_above(facts: Context) -> bool:
    """Whether accuracy is significantly above the majority-class baseline.

    The interval accounts for clustered samples, the test for the selection of the class.
    """
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if accuracy.interval is None or constant.value is None:
        return False
    above, _ = beats_constant_p(facts.matrix)
    return above < SIGNIFICANT and accuracy.interval[0] > constant.value


def one_class_only(facts: Context) -> Finding | None:
    if len(facts.present) != 1:
        return None
    return Finding(
        say("Only one class in the test set:"),
        say("{name}. Discrimination cannot be assessed.", name=facts.names[facts.present[0]]),
        "data",
        say("Data notes"),
    )


def imbalance(facts: Context) -> Finding | None:
    """A significant dependence of recall on class size."""
    accuracy, balanced = facts.summary("accuracy").value, facts.summary("balanced_accuracy").value
    if accuracy is None or balanced is None or abs(accuracy - balanced) < IMBALANCE:
        return None
    p = recall_by_size_p(facts.matrix)
    if p >= SIGNIFICANT:
        return None
    above = accuracy > balanced
    return Finding(
        say("Recall depends on class size:"),
        say(
            "accuracy ({accuracy}) {verb} balanced accuracy ({balanced}); {which} classes do "
            "better (p {p}).",
            accuracy=share(accuracy),
            balanced=share(balanced),
            verb="exceeds" if above else "is below",
            which="frequent" if above else "rare",
            p=p_words(p),
        ),
        *_AT_METRICS,
    )


def above_chance(facts: Context) -> Finding | None:
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if accuracy.value is None or constant.value is None or len(facts.present) < 2:
        return None
    if not _is_above(facts):
        return None
    return Finding(
        say("Above the majority-class baseline:"),
        say(
            "accuracy {accuracy}; always predicting {name} gives {constant}.",
            name=facts.names[int(np.argmax(facts.matrix.true_totals))],
            accuracy=share(accuracy.value),
            constant=share(constant.value),
        ),
        *_AT_METRICS,
    )


def worst_slice(facts: Context) -> Finding | None:
    """The slice with the lowest accuracy that is significant after Holm correction."""
    report = facts.evaluation.slices
    worse = [one for one in report.slices if one.verdict == "worse"]
    if not worse:
        return None
    one = worse[0]
    return Finding(
        say(
            "Slice {column} = {part}:",
            column=Name.of(one.column),
            part=Name(Name.of(one.part.text).text, one.part.text),
        ),
        say(
            "accuracy {share} on {n}, {fewer} pp below the rest (p {p}, Holm).{more}",
            share=share(one.n_correct / one.n),
            n=plural(one.n, "sample"),
            fewer=points(one.difference.value).removeprefix(MINUS),
            p=p_words(one.p_holm or 0.0),
            more=f" {_more(len(worse) - 1)}" if len(worse) > 1 else "",
        ),
        "slices",
        say("Slices"),
    )


def _more(n: int) -> str:
    return f"{count(n)} more {'is' if n == 1 else 'are'} worse."


MISCALIBRATED = 0.02


ENOUGH = 300
"""With fewer predictions, no error bound of 1% is possible."""


WORTHWHILE = 0.05


def calibration(facts: Context) -> Finding | None:
    """An ECE of at least 2 pp that exceeds the one expected of a calibrated model."""
    known = Calibration.of(facts)
    error = facts.summary("ece").value
    if known is None or not known.beyond_chance or (error or 0.0) < MISCALIBRATED:
        return None
    heads = {
        1: "Overconfident:",
        -1: "Underconfident:",
        0: "Miscalibrated:",
    }
    body = say(
        "mean confidence {confidence}, accuracy {accuracy}, ECE {error} (by chance {chance}; "
        "significant).",
        confidence=share(known.mean_confidence),
        accuracy=share(known.accuracy),
        error=share(error or 0.0),
        chance=share(known.known.chance_ece or 0.0),
    )
    return Finding(say(heads[known.direction]), body, "confidence", say("Calibration"))


def abstaining(facts: Context) -> Finding | None:
    """The gain from abstaining on some predictions."""
    known = Calibration.of(facts)
    if known is None or known.n < ENOUGH or known.accuracy >= 0.99:
        return None
    coverage = known.known.held_coverage or 0.0
    if coverage >= WORTHWHILE:
        body = say(
            "at confidence ≥ {threshold}, coverage is {part} with an error of at most {bound} "
            "(95{percent} confidence).",
            threshold=known.threshold_text,
            part=share(coverage),
            bound=at_most(known.known.held_error_bound or 0.0),
            percent="%",
        )
        return Finding(say("Selective prediction:"), body, "confidence", say("Calibration"))
    error = facts.summary("error_at_90_percent_coverage").value
    if error is None:
        return None
    return Finding(
        say("Abstention is not shown to reach 1{percent} error:", percent="%"),
        say(
            "at 90{percent} coverage the error is {rest} (overall {all}).",
            percent="%",
            rest=share(error),
            all=share(1 - known.accuracy),
        ),
        "confidence",
        say("Calibration"),
    )
