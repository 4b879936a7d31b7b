"""The rule that looks at parts of the data."""

from __future__ import annotations

from reportgen.report.facts import Facts
from reportgen.report.model import Finding
from reportgen.report.slices import points
from reportgen.report.words import MINUS, Name, say, share
from reportgen.text import count, plural

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
            "Where {column} is {part}, the model does worse:",
            column=Name.of(one.column),
            part=Name(Name.of(one.part.text).text, one.part.text, bare=False),
        ),
        say(
            "{share} of {n} are right, {fewer} points fewer than elsewhere (95 % interval {low} to "
            "{high}; beyond chance after correction for {tests}).{more}",
            share=share(one.n_correct / one.n),
            n=count(one.n),
            fewer=points(one.difference.value).removeprefix(MINUS),
            low=points(-ends[1]).removeprefix("+"),
            high=points(-ends[0]).removeprefix("+"),
            tests=plural(report.n_tests, "comparison"),
            more=f" {_more(len(worse) - 1)}" if len(worse) > 1 else "",
        ),
        "slices",
        say("The slices"),
    )


def _more(n: int) -> str:
    return f"{plural(n, 'further part')} of the data {'is' if n == 1 else 'are'} worse as well."
