"""Decides on a release from gates, an evaluation and a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reportgen.evaluation import Evaluation
from reportgen.gates.gate import Check, Decision, Gate, Outcome
from reportgen.gates.rules import COMPARISONS
from reportgen.gates.selectors import check_gates
from reportgen.gates.targets import definition_of
from reportgen.gates.wording import change_unit, rule_words, sentence, unit_of

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "NO_GATES",
    "decide",
]


_MOST_NAMED = 3


NO_GATES = Decision("NO GATES SET", "No gates are set.")


def decide(
    gates: Sequence[Gate], evaluation: Evaluation, comparison: Comparison | None = None
) -> Decision:
    """Check every gate, in the given order, and decide on the release.

    - DO NOT SHIP: a blocking gate failed.
    - INCONCLUSIVE: none failed, but one with ``when_inconclusive = "fail"`` is inconclusive; or
      none passed.
    - SHIP: otherwise.
    - NO GATES SET: there are no blocking gates.

    A check blocks, and the exit code is 1, if a blocking gate failed, or is inconclusive without
    ``when_inconclusive = "warn"``; and if no blocking gate applies to the input. Raises
    :class:`UsageError` as :func:`reportgen.gates.check_gates` does, for classes and the baseline; a
    missing slice fails its gate.
    """
    if not gates:
        return NO_GATES
    check_gates(gates, classes=evaluation.classes, has_baseline=comparison is not None)
    results = [Result(gate, _outcome(gate, evaluation, comparison)) for gate in gates]
    blocking = [one for one in results if one.gate.severity == "block"]
    nothing = all(one.outcome.status == "not applicable" for one in blocking)
    checks = tuple(one.check(nothing) for one in results)
    if not blocking:
        return Decision("NO GATES SET", sentence(_warnings_only(results)), checks)
    if nothing:
        clause = blocking[0].outcome.clause
        reason = f"no blocking gate applies to this input: {clause}"
        return Decision("INCONCLUSIVE", sentence(reason), checks)
    failed = [one for one in blocking if one.outcome.status == "failed"]
    if failed:
        return Decision("DO NOT SHIP", sentence(_failure(failed, results)), checks)
    held = [one for one, check in zip(results, checks, strict=True) if check.blocks]
    if held:
        return Decision("INCONCLUSIVE", sentence(_open(held, results)), checks)
    if not any(one.outcome.status == "passed" for one in blocking):
        return Decision("INCONCLUSIVE", sentence(_nothing_shown(blocking)), checks)
    return Decision("SHIP", sentence(_success(results)), checks)


def _outcome(gate: Gate, evaluation: Evaluation, comparison: Comparison | None) -> Outcome:
    from reportgen.gates.against_baseline import DECIDERS
    from reportgen.gates.levels import decide_level

    if gate.rule in COMPARISONS:
        assert comparison is not None
        return DECIDERS[gate.rule](gate, comparison)
    return decide_level(gate, evaluation)


@dataclass(frozen=True)
class Result:
    """A gate and its outcome."""

    gate: Gate
    outcome: Outcome

    def check(self, nothing_applies: bool) -> Check:
        """The check for outputs; if no blocking gate applies, all of them block."""
        gate, found = self.gate, self.outcome
        definition = definition_of(gate)
        holds = (
            found.status == "failed"
            or (found.status == "inconclusive" and gate.when_inconclusive == "fail")
            or (found.status == "not applicable" and nothing_applies)
        )
        return Check(
            gate=gate,
            rule=rule_words(gate),
            status=found.status,
            blocks=gate.severity == "block" and holds,
            value=found.value,
            interval=found.interval,
            subject=found.subject,
            sentence=sentence(found.clause),
            needed=found.needed,
            parts=found.parts,
            unit=change_unit(definition) if gate.rule in COMPARISONS else unit_of(definition),
            margin=found.margin,
        )


def _of(n: int, results: list[Result]) -> str:
    """``1 of 5 gates``."""
    return "the gate" if len(results) == 1 else f"{n:,} of {len(results):,} gates"


def _failure(failed: list[Result], results: list[Result]) -> str:
    """The first three failed blocking gates, each with its required and measured value.

    The number is that of all failed gates.
    """
    named = [one.outcome.clause for one in failed[:_MOST_NAMED]]
    n = sum(one.outcome.status == "failed" for one in results)
    also = [f"{n - len(named):,} more"] if n > len(named) else []
    return f"{_of(n, results)} failed: {'; '.join(named + also)}"


def _open(held: list[Result], results: list[Result]) -> str:
    verb = "is" if len(held) == 1 else "are"
    return f"{_of(len(held), results)} {verb} inconclusive: {held[0].outcome.clause}"


def _nothing_shown(blocking: list[Result]) -> str:
    first = next(one for one in blocking if one.outcome.status == "inconclusive")
    return f"no gate failed, but none passed: {first.outcome.clause}"


def _success(results: list[Result]) -> str:
    passed = [one for one in results if one.outcome.status == "passed"]
    if len(passed) == len(results):
        n = len(passed)
        subject = {1: "the gate", 2: "both gates"}.get(n, f"all {n:,} gates")
        return f"{subject} passed: {passed[0].outcome.clause}"
    others = [one for one in results if one.outcome.status in ("failed", "inconclusive")]
    rest = others or [one for one in results if one.outcome.status == "not applicable"]
    note = rest[0].outcome.clause
    return f"{_of(len(passed), results)} passed, none blocks the release. Note: {note}"


def _warnings_only(results: list[Result]) -> str:
    order = ("failed", "inconclusive", "not applicable", "passed")
    worst = min(results, key=lambda one: order.index(one.outcome.status))
    return f"all gates are warnings only: {worst.outcome.clause}"
