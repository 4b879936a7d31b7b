"""Findings: plain sentences that follow from the numbers by rule, the weightiest first.

Each rule looks at one thing and returns a finding or nothing; what it says is true as it stands,
with few samples, with ties, with classes that don't occur. At most seven are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reportgen.comparison.value import Comparison
from reportgen.report.facts import Facts
from reportgen.report.findings.classes import (
    absent_classes,
    least_reliable,
    miscalled,
    never_found,
    perfect_classes,
    weakest_class,
)
from reportgen.report.findings.comparison import comparison_findings
from reportgen.report.findings.confidence import abstaining, calibration
from reportgen.report.findings.pairs import concentration, grouped_errors, hardest_pair
from reportgen.report.findings.slices import worst_slice
from reportgen.report.findings.whole import (
    above_chance,
    few_samples,
    imbalance,
    no_better_than_constant,
    nothing_right,
    nothing_wrong,
    one_class_only,
)
from reportgen.report.model import Finding

__all__ = ["MAX_FINDINGS", "findings"]

MAX_FINDINGS = 7

Rule = Callable[[Facts], Finding | None]

BEFORE_CHANGES: tuple[Rule, ...] = (few_samples, nothing_right)
"""What weighs more than any change from a baseline."""
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


def findings(facts: Facts, comparison: Comparison | None = None) -> tuple[Finding, ...]:
    """What the rules find, weightiest first, at most seven; changes from a baseline come early."""
    first: Iterable[Finding | None] = (rule(facts) for rule in BEFORE_CHANGES)
    rest: Iterable[Finding | None] = (rule(facts) for rule in RULES)
    found = (*first, *comparison_findings(facts, comparison), *rest)
    return tuple(finding for finding in found if finding)[:MAX_FINDINGS]
