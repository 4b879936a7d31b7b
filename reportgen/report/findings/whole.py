"""Rules that look at the test set as a whole."""

from __future__ import annotations

import numpy as np

from reportgen.metrics import one_sided_error_bound
from reportgen.report.facts import Facts
from reportgen.report.findings.wording import unquoted
from reportgen.report.model import Finding
from reportgen.report.words import NBSP, at_most, interval, say, share
from reportgen.text import count, interval_ends, plural

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


def few_samples(facts: Facts) -> Finding | None:
    n = facts.matrix.n_samples
    ends = facts.summary("accuracy").interval
    if ends is None or (n > 1 and ends[1] - ends[0] <= WIDE_INTERVAL):
        return None
    head = "1 sample supports no conclusion:" if n == 1 else "{n} samples leave much open:"
    return Finding(
        say(head, n=count(n)),
        say("the 95 % interval of the accuracy runs from {ends}.", ends=_from_to(ends)),
        "headline",
        say("The headline"),
    )


def nothing_right(facts: Facts) -> Finding | None:
    if facts.matrix.n_correct:
        return None
    n = facts.matrix.n_samples
    if n == 1:
        return Finding(
            say("The one answer is wrong."), say("It supports no rate."), "pairs", say("The pair")
        )
    return Finding(
        say("Not one of {n} answers is right.", n=count(n)),
        say("Check that the class list has the order of the model's outputs."),
        "matrix",
        say("The matrix"),
    )


def nothing_wrong(facts: Facts) -> Finding | None:
    if facts.matrix.n_errors:
        return None
    n = facts.matrix.n_samples
    return Finding(
        say("No errors were seen in {n}:", n=plural(n, "sample")),
        say(
            "the error rate is at most {bound} (one-sided 95 % bound).",
            bound=at_most(one_sided_error_bound(n)),
        ),
        "headline",
        say("The headline"),
    )


def no_better_than_constant(facts: Facts) -> Finding | None:
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if len(facts.present) < 2 or accuracy.interval is None or constant.value is None:
        return None
    low, high = accuracy.interval
    if low > constant.value:
        return None
    worse = high < constant.value
    commonest = facts.names[int(np.argmax(facts.matrix.true_totals))]
    return Finding(
        say("A constant answer would do better:")
        if worse
        else say("The model is not shown to beat a constant answer:"),
        say(
            "“always {name}” is right for {constant} of the samples, the model for {accuracy} "
            "(95 % interval {ends}).",
            name=unquoted(commonest),
            constant=share(constant.value),
            accuracy=share(accuracy.value or 0.0),
            ends=interval(accuracy.interval),
        ),
        "headline",
        say("The headline"),
    )


def one_class_only(facts: Facts) -> Finding | None:
    if len(facts.present) != 1:
        return None
    return Finding(
        say("All samples are of one class, {name}:", name=facts.names[facts.present[0]]),
        say("how well it is told apart from others cannot be seen here."),
        "data",
        say("Data notes"),
    )


def imbalance(facts: Facts) -> Finding | None:
    accuracy, balanced = facts.summary("accuracy").value, facts.summary("balanced_accuracy").value
    if accuracy is None or balanced is None or abs(accuracy - balanced) < IMBALANCE:
        return None
    sizes = ("larger", "smaller") if accuracy > balanced else ("smaller", "larger")
    return Finding(
        say("Accuracy flatters the model:")
        if accuracy > balanced
        else say("Accuracy is below the mean over classes:"),
        say(
            "{accuracy} of all samples are right, but the mean recall over classes is {balanced}. "
            "On the whole, {first} classes are found better than {second} ones.",
            accuracy=share(accuracy),
            balanced=share(balanced),
            first=sizes[0],
            second=sizes[1],
        ),
        "headline",
        say("The headline"),
    )


def above_chance(facts: Facts) -> Finding | None:
    accuracy, constant = facts.summary("accuracy"), facts.summary("no_information_rate")
    if accuracy.interval is None or constant.value is None or len(facts.present) < 2:
        return None
    if accuracy.interval[0] <= constant.value:
        return None
    return Finding(
        say("The model beats a constant answer:"),
        say(
            "it is right for {accuracy} of the samples, “always {name}” would be for {constant}.",
            name=unquoted(facts.names[int(np.argmax(facts.matrix.true_totals))]),
            accuracy=share(accuracy.value or 0.0),
            constant=share(constant.value),
        ),
        "headline",
        say("The headline"),
    )


def _from_to(ends: tuple[float, float]) -> str:
    low, high = interval_ends(ends)
    return f"{low}{NBSP}% to {high}{NBSP}%"
