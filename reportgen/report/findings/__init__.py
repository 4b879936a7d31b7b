"""Findings: plain sentences that follow from the numbers by rule, the weightiest first.

Each rule looks at one thing and returns a finding or nothing; what it says is true as it stands,
with few samples, with ties, with classes that don't occur. At most seven are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reportgen.report.facts import Facts
from reportgen.report.findings.classes import (
    absent_classes,
    least_reliable,
    miscalled,
    never_found,
    perfect_classes,
    weakest_class,
)
from reportgen.report.findings.confidence import abstaining, calibration
from reportgen.report.findings.pairs import concentration, hardest_pair
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

RULES: tuple[Rule, ...] = (
    few_samples,
    nothing_right,
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
    miscalled,
    least_reliable,
    perfect_classes,
    above_chance,
)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """What the rules find, weightiest first, at most seven."""
    found: Iterable[Finding | None] = (rule(facts) for rule in RULES)
    return tuple(finding for finding in found if finding)[:MAX_FINDINGS]
