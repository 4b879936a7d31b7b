"""The rule that looks at parts of the data."""

from __future__ import annotations

from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.slices import points
from reportgen.report.words import MINUS, NBSP, Name, p_words, say, share
from reportgen.text import plural

__all__ = ["worst_slice"]


def worst_slice(facts: Facts) -> Finding | None:
    """The part of the data that is shown to be worst, after correction for all comparisons."""
    report = facts.evaluation.slices
    worse = [one for one in report.slices if one.verdict == "worse"]
    if not worse:
        return None
    one = worse[0]
    ends = one.difference.interval or (0.0, 0.0)  # what is shown to be worse has an interval
    return Finding(
        say(
            "Slice {column} = {part}:",
            column=Name.of(one.column),
            part=Name(Name.of(one.part.text).text, one.part.text),
        ),
        say(
            "accuracy {share} on {n}, {fewer} points below the rest (95{percent} CI {low} to "
            "{high}; p {p}, Holm over {tests}).{more}",
            share=share(one.n_correct / one.n),
            n=plural(one.n, "sample"),
            fewer=points(one.difference.value).removeprefix(MINUS),
            percent=f"{NBSP}%",
            low=points(-ends[1]).removeprefix("+"),
            high=points(-ends[0]).removeprefix("+"),
            p=p_words(one.p_holm or 0.0),
            tests=plural(report.n_tests, "slice"),
            more=f" {_more(len(worse) - 1)}" if len(worse) > 1 else "",
        ),
        "slices",
        say("Slices"),
    )


def _more(n: int) -> str:
    return f"{plural(n, 'further slice')} {'is' if n == 1 else 'are'} also significantly worse."
