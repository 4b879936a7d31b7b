"""Reports for the tests of what is sent: a review, and names that programs act on."""

from __future__ import annotations

from functools import cache

from reportgen.gates import decide, parse_gates
from reportgen.report import build_report
from tests import factories, review_factories

NAMES = (
    *factories.HOSTILE,
    "@octocat", "@org/team", "#12", "GH-12", "octo/repo#3", "a|b", "a||b", "`x`", "``x", "*x*",
    "_x_", "**x**", "~~x~~", "<b>x</b>", "<!-- x -->", "-->", "<details>", "</details>", "&lt;",
    "&amp;amp;", "[x](https://example.org)", "![x](https://example.org/x.png)", "[x]: /y", "[^1]",
    "https://example.org", "http://example.org/a_b", "www.example.org", "WWW.example.org",
    "ftp://example.org", "mail@example.org", "mailto:a@b.org", ":smile:", "$x$", "$$x$$", "\\(x\\)",
    "x\\", "# x", "> x", "- x", "1. x", "    x", "| --- |", "\\|", "<https://example.org>",
    "javascript:alert(1)", "a  b", "example.org", "weights.py",
    "^[x]", "[[x]]", "[^1]: x", "/close", "~bug %1.0 !12 &3 $4", "@all", "> [!WARNING]", "{{ site.x }}",
    "<!-- reportgen:v1 key=default -->", "```\n</code>", "xmpp:a@b.org", "](javascript:x)",
)  # fmt: skip
"""Sixty class names, each of which some renderer would act on."""


@cache
def reviewed():
    comparison = review_factories.paired()
    decision = review_factories.decision(comparison)
    return build_report(comparison.candidate, None, None, comparison, decision)


GATES = """
[[gate]]
name = "www.example.org @octocat :smile: $x$ https://example.org"
metric = "recall"
each_class = true
at_least = 0.99
"""


def report_of(names):
    counts = [[0] * len(names) for _ in names]
    for i in range(len(names)):
        counts[i][i], counts[i][(i + 1) % len(names)] = 20, 3 + i % 5
    found = factories.make_evaluation(counts, names)
    return build_report(found, decision=decide(parse_gates(GATES), found))
