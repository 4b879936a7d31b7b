"""Findings on a matrix that holds shares only: true without counts, and without intervals."""

from __future__ import annotations

from collections.abc import Callable

from reportgen.report.model import Finding
from reportgen.report.share_facts import ShareFacts
from reportgen.report.words import Words, join, listed, say, share
from reportgen.text import count

__all__ = ["share_findings"]

Rule = Callable[[ShareFacts], Finding | None]


def share_findings(facts: ShareFacts) -> tuple[Finding, ...]:
    """What the rules find, weightiest first."""
    found = (rule(facts) for rule in RULES)
    return tuple(finding for finding in found if finding)


def no_counts(_facts: ShareFacts) -> Finding:
    return Finding(
        say("No confidence intervals and no tests:"),
        say("the matrix holds proportions, not counts."),
        "data",
        say("Data notes"),
    )


def constant_answer(facts: ShareFacts) -> Finding | None:
    accuracy, constant = facts.summary("accuracy").value, facts.summary("no_information_rate").value
    if accuracy is None or constant is None or accuracy > constant or len(facts.present) < 2:
        return None
    rows = facts.shares.values.sum(axis=1).tolist()
    return Finding(
        say("Not above the majority-class baseline:"),
        say(
            "accuracy {accuracy}; always predicting {name} gives {constant}.",
            name=facts.names[rows.index(max(rows))],
            constant=share(constant),
            accuracy=share(accuracy),
        ),
        "headline",
        say("The headline"),
    )


def no_errors(facts: ShareFacts) -> Finding | None:
    if facts.shares.pairs:
        return None
    return Finding(
        say("No errors in the matrix:"),
        say("the number of samples is not known."),
        "matrix",
        say("The matrix"),
    )


def nothing_right(facts: ShareFacts) -> Finding | None:
    if any(facts.known.values()):
        return None
    return Finding(
        say("No correct predictions in the matrix:"),
        say("check that the class list has the order of the model's outputs."),
        "matrix",
        say("The matrix"),
    )


def weakest(facts: ShareFacts) -> Finding | None:
    known = facts.known
    if len(known) < 2 or len(set(known.values())) == 1:
        return None
    lowest = min(known.values())
    which = [i for i in known if known[i] == lowest]
    if len(which) > 1:
        return Finding(
            say("Lowest {figure} (tie):", figure=facts.figure),
            say(
                "{names}, {share} each; not tested.",
                names=listed([facts.names[i] for i in which]),
                share=share(lowest),
            ),
            "classes",
            say("The table"),
        )
    i = which[0]
    head = say("Lowest {figure}:", figure=facts.figure)
    body = say("{name}, {share}; not tested.", name=facts.names[i], share=share(lowest))
    return Finding(head, join(body, _instead(facts, i)), *facts.at_class(i))


def _instead(facts: ShareFacts, i: int) -> Words:
    """What stands in the class's place most often, where it is one class alone."""
    pair = facts.taken.get(i)
    if pair is None:
        return Words(())
    end = "predicted" if facts.over == "predicted" else "true"
    ties = [p for p in facts.shares.pairs if getattr(p, end) == i and p.share == pair.share]
    if len(ties) > 1:
        return Words(())
    verb = "are truly" if facts.over == "predicted" else "are predicted as"
    return say(
        "{share} {verb} {name}.",
        share=share(facts.share_of(pair)),
        verb=verb,
        name=facts.other(pair),
    )


def largest_pair(facts: ShareFacts) -> Finding | None:
    pairs = facts.shares.pairs
    if not pairs or (len(pairs) > 1 and pairs[1].share == pairs[0].share):
        return None
    first = pairs[0]
    true, predicted = facts.names[first.true], facts.names[first.predicted]
    said, back = {
        "true": ("{true} → {predicted}, {share} of {true}", "{back} of {predicted}"),
        "predicted": (
            "{true} → {predicted}, {share} of the predictions of {predicted}",
            "{back} of those of {true}",
        ),
        "all": ("{true} → {predicted}, {share} of all samples", "{back}"),
    }[facts.over]
    known = first.reversed_share is not None
    head = {
        "true": "Most frequent confusion (by true class):",
        "predicted": "Most frequent confusion (by predicted class):",
        "all": "Most frequent confusion:",
    }[facts.over]
    return Finding(
        say(head),
        say(
            f"{said}; in the other direction {back}. Not tested."
            if known
            else f"{said}. Not tested.",
            share=share(first.share),
            true=true,
            predicted=predicted,
            back=share(first.reversed_share or 0.0),
        ),
        *facts.at_pair(first.true, first.predicted),
    )


def without_errors(facts: ShareFacts) -> Finding | None:
    """Classes that are always found, or answers that are always right, as far as shares show."""
    perfect = [facts.names[i] for i, value in facts.known.items() if value == 1]
    if not perfect or len(facts.known) < 2 or not facts.shares.pairs:
        return None
    what = "answers" if facts.figure == "precision" else "classes"
    n = f"1 {what.removesuffix('s').removesuffix('e') if what == 'classes' else 'answer'}"
    return Finding(
        say("{n} without errors:", n=n if len(perfect) == 1 else f"{count(len(perfect))} {what}"),
        say("{names}, as far as the shares show.", names=listed(perfect)),
        "classes",
        say("The table"),
    )


RULES: tuple[Rule, ...] = (
    no_counts,
    constant_answer,
    no_errors,
    nothing_right,
    weakest,
    largest_pair,
    without_errors,
)
