"""The verdict of a report, its subject, and its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from reportgen.gates import Check, Decision
from reportgen.gates import Verdict as Decided
from reportgen.metrics import Metric
from reportgen.provenance import Provenance
from reportgen.report.context import Context
from reportgen.report.data import data_words
from reportgen.report.elements import Fact
from reportgen.report.gates import quantity, requirement
from reportgen.report.headline import DEFINITIONS, OF_CLASS
from reportgen.report.words import Name, Words, interval, join, say, share
from reportgen.text import plural, printable

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "Verdict",
    "VerdictReason",
    "compared_with",
    "review_verdict",
    "subject",
    "verdict",
]


@dataclass(frozen=True)
class VerdictReason:
    """A blocking gate: its subject, the measured and the required value."""

    name: Words
    measured: str
    required: str


@dataclass(frozen=True)
class Verdict:
    """The release verdict: `kind` determines the icon, `word` is its text, `reason` the sentences.

    `reasons` are at most three blocking gates, `tally` counts all gates; both are empty if no gate
    blocks.
    """

    kind: Literal["none", "ship", "stop", "unclear"]
    word: str
    reason: Words
    tally: str = ""
    reasons: tuple[VerdictReason, ...] = ()


MOST_REASONS = 3


def verdict(facts: Context) -> Verdict:
    """Without gates there is no decision; the page shows the measured values."""
    accuracy = facts.summary("accuracy")
    if facts.proportions is not None:
        return Verdict("none", "NO GATES SET", _of_proportions(accuracy))
    measured = say(
        "No release gates were set. Accuracy {accuracy} on {n}{ends}.",
        accuracy=share(accuracy.value or 0.0),
        n=plural(facts.matrix.n_samples, "sample"),
        ends=_in_brackets(accuracy),
    )
    return Verdict("none", "NO GATES SET", join(measured, _weakest_words(facts)))


def _of_proportions(accuracy: Metric) -> Words:
    known = accuracy.value is not None
    return say(
        "No release gates were set. "
        + ("Accuracy {accuracy}, without a confidence interval" if known else "Accuracy is unknown")
        + ": the matrix has proportions only.",
        accuracy=share(accuracy.value or 0.0),
    )


def _weakest_words(facts: Context) -> Words:
    """The range of recall, and whether a class is significantly low."""
    if len(facts.recall) < 2:
        return Words(())
    low, high = min(facts.recall.values()), max(facts.recall.values())
    if low == high:
        return say("All classes have a recall of {share}.", share=share(low))
    i = facts.weakest
    if i is None or not facts.is_low(i):
        return say(
            "Per-class recall ranges from {low} to {high}; no class is significantly low.",
            low=share(low),
            high=share(high),
        )
    return say(
        "{head}: {name}, {share}, significantly below the rest.",
        head="Lowest recall" if facts.recall[i] == low else "Low recall",
        name=facts.names[i],
        share=share(facts.recall[i]),
    )


def _in_brackets(metric: Metric) -> str:
    if metric.interval is None:
        return ""
    return f" (95% CI {interval(metric.interval)})"


def subject(provenance: Provenance) -> Words:
    """``candidate 1.2 on CIFAR-10 test``, or the title that the user gave."""
    if provenance.title:
        return Words((Name.of(provenance.title, 120),))
    model = " ".join(filter(None, (provenance.model.name, provenance.model.version)))
    data = data_words(provenance)
    known: list[str | Name] = [Name.of(text, 80) for text in (model, data) if text]
    if len(known) == 2:
        known.insert(1, " on ")
    return Words(tuple(known))


KINDS: Mapping[Decided, str] = {
    "SHIP": "ship",
    "DO NOT SHIP": "stop",
    "INCONCLUSIVE": "unclear",
    "NO GATES SET": "none",
}


def review_verdict(
    facts: Context, decision: Decision | None, comparison: Comparison | None
) -> Verdict:
    """The decision of the gates; without gates, the measured values and their changes."""
    if decision is not None and (decision.checks or decision.verdict != "NO GATES SET"):
        kind = KINDS[decision.verdict]
        reasons = tuple(_reasons(decision))
        return Verdict(
            kind,  # type: ignore[arg-type]
            decision.verdict,
            Words((printable(decision.reason),)),
            _tally(decision) if reasons else "",
            reasons,
        )
    measured = verdict(facts)
    if comparison is None:
        return measured
    return replace(measured, reason=_measured(comparison))


def _tally(decision: Decision) -> str:
    """``2 of 6 gates failed, 1 is inconclusive.``"""
    found = [check.status for check in decision.checks]
    n, failed, unsure = len(found), found.count("failed"), found.count("inconclusive")
    verb = "is" if unsure == 1 else "are"
    if not failed:
        return f"{unsure} of {plural(n, 'gate')} {verb} inconclusive."
    rest = f", {unsure} {verb} inconclusive" if unsure else ""
    return f"{failed} of {plural(n, 'gate')} failed{rest}."


def _reasons(decision: Decision) -> Iterator[VerdictReason]:
    """Among the blocking gates, the failed ones; the inconclusive ones if none failed."""
    blocking = [check for check in decision.checks if check.blocks and check.gate.rule]
    failed = [check for check in blocking if check.status == "failed"]
    known = [check for check in failed or blocking if check.value is not None]
    for check in known[:MOST_REASONS]:
        assert check.value is not None
        measured = quantity(check.value, check.unit, check.limit)
        yield VerdictReason(_about(check), measured, requirement(check))


def _about(check: Check) -> Words:
    """``Recall of cat``, ``cat → dog rate``, ``Accuracy``."""
    if check.gate.pair is not None:
        true, predicted = map(Name.of, check.gate.pair)
        return say("{true} → {predicted} rate", true=true, predicted=predicted)
    known = DEFINITIONS.get(check.metric) or OF_CLASS[check.metric]
    if not check.subject:
        return say(known.title)
    link = " of " if check.gate.slice is None else " where "
    return Words((known.title, link, Name.of(check.subject)))


def _measured(comparison: Comparison) -> Words:
    from reportgen.report.comparison.overview import compare_sections

    change = compare_sections(comparison).summary["accuracy"]
    return say(
        "No release gates were set. "
        "Accuracy {after} vs {before} for the baseline ({text} "
        "pp{ends}; {word}).",
        after=f"{change.after}%",
        before=f"{change.before}%",
        text=change.text,
        ends=f", 95% CI {change.range}" if change.range else "",
        word="not significant" if change.kind == "unclear" else "significant",
    )


def compared_with(facts: tuple[Fact, ...], comparison: Comparison | None) -> tuple[Fact, ...]:
    """The facts of the verdict band, with the baseline beside the model."""
    if comparison is None:
        return facts
    from reportgen.report.comparison.names import baseline_name

    place = sum(fact.term == "Model" for fact in facts)
    baseline = Fact("Baseline", (baseline_name(comparison),))
    return (*facts[:place], baseline, *facts[place:])
