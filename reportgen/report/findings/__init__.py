"""Key findings: sentences that follow from the numbers by rule, most important first.

Each rule covers one subject and returns a finding or nothing. Its sentence must be true with few
samples, ties and absent classes too. At most seven are shown. Findings on failed gates come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from reportgen.gates import Decision
from reportgen.report.context import Context
from reportgen.report.findings.classes import (
    absent_classes,
    concentration,
    grouped_errors,
    hardest_pair,
    least_reliable,
    miscalled,
    never_found,
    perfect_classes,
    weakest_class,
)
from reportgen.report.findings.rules import Failing, Finding, Told
from reportgen.report.findings.whole import (
    above_chance,
    abstaining,
    calibration,
    few_samples,
    imbalance,
    no_better_than_constant,
    nothing_right,
    nothing_wrong,
    one_class_only,
    worst_slice,
)
from reportgen.report.words import say

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "MAX_FINDINGS",
    "findings",
]


MAX_FINDINGS = 7


Rule = Callable[[Context], Finding | None]


BEFORE_CHANGES: tuple[Rule, ...] = (few_samples, nothing_right)
"""More important than any change from a baseline."""


RULES: tuple[Rule, ...] = (
    no_better_than_constant,
    one_class_only,
    nothing_wrong,
    never_found,
    weakest_class,
    hardest_pair,
    absent_classes,
    imbalance,
    worst_slice,
    calibration,
    abstaining,
    concentration,
    grouped_errors,
    miscalled,
    least_reliable,
    perfect_classes,
    above_chance,
)


OF_CLASSES: tuple[Rule, ...] = (never_found, weakest_class, miscalled, least_reliable)
"""Weaknesses of single classes."""


OF_THE_WHOLE: Mapping[Rule, str] = {
    nothing_right: "accuracy",
    no_better_than_constant: "accuracy",
    calibration: "ece",
}
"""Weaknesses in an overall metric: rule → metric."""


NO_COUNTS = Finding(
    say("No findings:"),
    say("tests and confidence intervals need counts, and the matrix has proportions only."),
    "data",
    say("Data notes"),
)


def findings(
    facts: Context, comparison: Comparison | None = None, decision: Decision | None = None
) -> tuple[Finding, ...]:
    """The findings of all rules, most important first, at most seven.

    Changes from a baseline come early, and findings on failed gates of `decision` first.
    """
    if facts.proportions is not None:
        return (NO_COUNTS,)
    failing = Failing.of(decision, facts.evaluation)
    found = [
        *_told(BEFORE_CHANGES, facts, failing),
        *_of_changes(facts, comparison, failing),
        *_told(RULES, facts, failing),
    ]
    found.sort(key=lambda one: not one.failed)
    return tuple(one.finding for one in found)[:MAX_FINDINGS]


def _of_changes(
    facts: Context, comparison: Comparison | None, failing: Failing
) -> tuple[Told, ...]:
    if comparison is None:
        return ()
    from reportgen.report.findings.comparison import comparison_findings

    return comparison_findings(facts, comparison, failing)


def _told(rules: Iterable[Rule], facts: Context, failing: Failing) -> Iterator[Told]:
    for rule in rules:
        if finding := rule(facts):
            yield Told(finding, _has_failed(rule, finding, facts, failing))


def _has_failed(rule: Rule, finding: Finding, facts: Context, failing: Failing) -> bool:
    """Whether the finding concerns a failed gate."""
    if rule in OF_CLASSES:
        return finding.target in {facts.at_class(i)[0] for i in failing.classes}
    if rule is worst_slice:
        one = next(one for one in facts.evaluation.slices.slices if one.verdict == "worse")
        return failing.has_slice(one.column, one.part.text)
    if rule is hardest_pair:
        names = facts.evaluation.classes
        return any(
            failing.has_pair(names[true], names[predicted])
            and finding.target
            in (facts.at_pair(true, predicted)[0], facts.at_pair(predicted, true)[0])
            for true, predicted in facts.shown
        )
    return OF_THE_WHOLE.get(rule) in failing.metrics
