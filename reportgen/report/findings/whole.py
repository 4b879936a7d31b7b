"""Rules that look at the test set as a whole."""

from __future__ import annotations

import numpy as np

from reportgen.confusions import SIGNIFICANT, beats_constant_p, recall_by_size_p
from reportgen.metrics import one_sided_error_bound
from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.words import NBSP, at_most, interval, p_words, say, share
from reportgen.text import count, plural

__all__ = [
    "above_chance",
    "few_samples",
    "imbalance",
    "no_better_than_constant",
    "nothing_right",
    "nothing_wrong",
    "one_class_only",
]

WIDE_INTERVAL = 0.10
IMBALANCE = 0.02
_AT_METRICS = ("headline", say("Key metrics"))


def few_samples(facts: Facts) -> Finding | None:
    n = facts.matrix.n_samples
    ends = facts.summary("accuracy").interval
    if ends is None or (n > 1 and ends[1] - ends[0] <= WIDE_INTERVAL):
        return None
    head = "One sample, no conclusion:" if n == 1 else "Small test set ({n} samples):"
    return Finding(
        say(head, n=count(n)),
        say("the 95{percent} CI of accuracy is {ends}.", percent=f"{NBSP}%", ends=interval(ends)),
        *_AT_METRICS,
    )


def nothing_right(facts: Facts) -> Finding | None:
    if facts.matrix.n_correct:
        return None
    n = facts.matrix.n_samples
    if n == 1:
        return Finding(
            say("The one prediction is incorrect."),
            say("One sample supports no rate."),
            "pairs",
            say("Pair"),
        )
    return Finding(
        say("0 of {n} correct:", n=count(n)),
        say("check that the class list has the order of the model's outputs."),
        "matrix",
        say("Confusion matrix"),
    )


def nothing_wrong(facts: Facts) -> Finding | None:
    if facts.matrix.n_errors:
        return None
    n = facts.matrix.n_samples
    return Finding(
        say("No errors in {n}:", n=plural(n, "sample")),
        say(
            "the error rate is at most {bound} (one-sided 95{percent} bound).",
            bound=at_most(one_sided_error_bound(n)),
            percent=f"{NBSP}%",
        ),
        *_AT_METRICS,
    )


def no_better_than_constant(facts: Facts) -> Finding | None:
    """Accuracy below that of the majority class, or not shown to be above it."""
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
            percent=f"{NBSP}%",
            ends=interval(accuracy.interval),
        ),
        *_AT_METRICS,
    )


def _is_above(facts: Facts) -> bool:
    """Whether the model is significantly more often correct than the majority class would be.

    The interval allows for samples that come in groups, the test for that class being chosen.
    """
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if accuracy.interval is None or constant.value is None:
        return False
    above, _ = beats_constant_p(facts.matrix)
    return above < SIGNIFICANT and accuracy.interval[0] > constant.value


def one_class_only(facts: Facts) -> Finding | None:
    if len(facts.present) != 1:
        return None
    return Finding(
        say("Only one class in the test set:"),
        say("{name}. Discrimination cannot be assessed.", name=facts.names[facts.present[0]]),
        "data",
        say("Data notes"),
    )


def imbalance(facts: Facts) -> Finding | None:
    """Recall depends on how many samples a class has: more than chance would make it."""
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


def above_chance(facts: Facts) -> Finding | None:
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
