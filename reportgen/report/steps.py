"""Suggested next steps, by rule, each with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.gates import Decision, sample_words
from reportgen.report.confidence import Calibration, decimals
from reportgen.report.context import Context
from reportgen.report.words import Name, Words, list_names, say, share
from reportgen.text import count, plural

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "MOST_STEPS",
    "Step",
    "next_steps",
]


@dataclass(frozen=True)
class Step:
    """An action, its reason, and the id of the element with the evidence."""

    head: Words
    body: Words
    target: str
    link: Words


MOST_STEPS = 3


ENOUGH = 100
"""With fewer samples than this, review of the least confident ones is not suggested."""


@dataclass(frozen=True)
class _Known:
    facts: Context
    comparison: Comparison | None
    decision: Decision | None


Rule = Callable[[_Known], Step | None]


def next_steps(
    facts: Context, comparison: Comparison | None = None, decision: Decision | None = None
) -> tuple[Step, ...]:
    """At most three, most urgent first; none if only proportions are known."""
    if facts.proportions is not None:
        return ()
    return tuple(_found(_Known(facts, comparison, decision)))[:MOST_STEPS]


def _found(known: _Known) -> Iterator[Step]:
    for rule in RULES:
        if step := rule(known):
            yield step


def _inspect_regressions(known: _Known) -> Step | None:
    """Inspect classes that regressed significantly."""
    if known.comparison is None or known.comparison.identical:
        return None
    worse = [one for one in known.comparison.classes if one.tendency == "worse"]
    if not worse:
        return None
    worst = min(worse, key=lambda one: one.recall.difference or 0.0)
    return Step(
        say("Inspect regressions of {names}:", names=_names(known, [one.index for one in worse])),
        say(
            "recall dropped significantly in {n}.",
            n=plural(len(worse), "class", "classes"),
        ),
        f"d-{worst.index}",
        say("Per-class changes"),
    )


def _names(known: _Known, indices: list[int]) -> Words:
    return list_names([known.facts.names[i] for i in indices], 3)


def _collect_to_decide(known: _Known) -> Step | None:
    """Collect samples for a gate that blocks only because it is inconclusive."""
    checks = known.decision.checks if known.decision is not None else ()
    for number, check in enumerate(checks, start=1):
        if check.status == "inconclusive" and check.blocks and check.needed:
            return Step(
                say("Extend the test set:"),
                say(
                    "{needed} would be needed to decide gate {number} ({name}).",
                    needed=sample_words(check.needed),
                    number=str(number),
                    name=Name.of(check.name),
                ),
                "gates",
                say("Release gates"),
            )
    return None


def _review_labels(known: _Known) -> Step | None:
    found = known.facts.evaluation.suspects
    if found.reason is not None or not found.n_suspects:
        return None
    return Step(
        say("Review {n}:", n=plural(found.n_suspects, "label")),
        say("the model confidently predicts another class."),
        "suspects",
        say("Labels"),
    )


def _collect_images(known: _Known) -> Step | None:
    """Collect images of a significantly over-represented confusion, or of a weak class."""
    facts = known.facts
    pair = facts.most_confused
    if pair is not None and pair.significant and pair.ties == 1:
        errors = facts.matrix.true_totals - facts.matrix.diagonal
        both = int(errors[pair.a] + errors[pair.b])
        return Step(
            say("Collect {a} and {b} images:", a=facts.names[pair.a], b=facts.names[pair.b]),
            say(
                "the two classes account for {both} of {all} ({share}).",
                both=count(both),
                all=plural(facts.matrix.n_errors, "error"),
                share=share(both / facts.matrix.n_errors),
            ),
            facts.at_pair(pair.a, pair.b)[0],
            say("Pair"),
        )
    i = facts.weakest
    if i is None or not facts.is_low(i):
        return None
    return Step(
        say("Collect {name} images:", name=facts.names[i]),
        say("recall {recall} is significantly low.", recall=share(facts.recall[i])),
        facts.at_class(i)[0],
        say("Class"),
    )


def _send_to_review(known: _Known) -> Step | None:
    """Review the least confident tenth, if abstaining on it lowers the error significantly."""
    calibration = Calibration.of(known.facts)
    error = known.facts.summary("error_at_90_percent_coverage")
    if calibration is None or calibration.n < ENOUGH or error.interval is None:
        return None
    threshold = calibration.known.threshold_90_percent_coverage
    overall = 1 - calibration.accuracy
    if threshold is None or error.value is None or error.interval[1] >= overall:
        return None
    return Step(
        say("Send confidence < {threshold} to review:", threshold=decimals(threshold)),
        say(
            "error {before} → {after} at 90{percent} coverage.",
            before=share(overall),
            after=share(error.value),
            percent="%",
        ),
        "selective",
        say("Curve"),
    )


RULES: tuple[Rule, ...] = (
    _inspect_regressions,
    _collect_to_decide,
    _review_labels,
    _collect_images,
    _send_to_review,
)
