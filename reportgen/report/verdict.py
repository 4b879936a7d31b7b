"""The verdict of a report, what it is about, and what it was compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from reportgen.gates import Decision
from reportgen.gates import Verdict as Decided
from reportgen.metrics import Metric
from reportgen.provenance import Provenance
from reportgen.report.context import Context
from reportgen.report.elements import Fact
from reportgen.report.words import PROPORTIONS_ONLY, Name, Words, interval, join, say, share
from reportgen.text import plural, printable

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "Verdict",
    "compared_with",
    "review_verdict",
    "subject",
    "verdict",
]


@dataclass(frozen=True)
class Verdict:
    """May it ship? `kind` chooses the shape, `word` says it, `reason` is one sentence or two."""

    kind: Literal["none", "ship", "stop", "unclear"]
    word: str
    reason: Words


def verdict(facts: Context) -> Verdict:
    """Without release rules there is no decision: the page says so, and what it measured."""
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
        + ("Accuracy {accuracy}. Confidence interval " if known else "Accuracy ")
        + f"{PROPORTIONS_ONLY}.",
        accuracy=share(accuracy.value or 0.0),
    )


def _weakest_words(facts: Context) -> Words:
    """The range of recall, and whether a class stands out in it beyond chance."""
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
        "{head}: {name}, {share} (significant).",
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
    data = " ".join(filter(None, (provenance.data_name, provenance.split)))
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
    """What the gates decide; without gates, what was measured, and how it changed."""
    if decision is not None and (decision.checks or decision.verdict != "NO GATES SET"):
        kind = KINDS[decision.verdict]
        return Verdict(kind, decision.verdict, Words((printable(decision.reason),)))  # type: ignore[arg-type]
    measured = verdict(facts)
    if comparison is None:
        return measured
    return replace(measured, reason=_measured(comparison))


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
    """The facts of the verdict band, with the baseline behind the model."""
    if comparison is None:
        return facts
    from reportgen.report.comparison.names import baseline_name

    place = sum(fact.term in {"Model", "Version"} for fact in facts)
    baseline = Fact("Compared with", (baseline_name(comparison),))
    return (*facts[:place], baseline, *facts[place:])
