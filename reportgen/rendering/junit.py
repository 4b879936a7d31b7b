"""``junit.xml``: one test case per gate, for CI services.

A case has the name of its gate, stable over runs; measured values are only in messages. A gate that
blocks, failed or inconclusive, is a failure; one that only warns passes, with the warning as
output; one that does not apply is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from reportgen.gates import Check, Decision
from reportgen.text import printable

__all__ = [
    "render_junit",
    "render_junit_of_several",
]


CLASS_NAME = "reportgen.gates"


_NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # the two that XML forbids and `printable` keeps


def render_junit(decision: Decision, suite_name: str) -> str:
    """The checks as JUnit XML; without a timestamp, so equal decisions give equal text."""
    return _document([(decision, suite_name, CLASS_NAME)])


def render_junit_of_several(decisions: Sequence[tuple[Decision, str, str]]) -> str:
    """One suite per candidate: its decision, the suite name, and the name of its folder.

    The folder is part of the class names of cases, so that they are unique.
    """
    names = _unique([name for _, name, _ in decisions])
    return _document(
        [
            (decision, name, f"{CLASS_NAME}.{folder.replace('.', '-')}")
            for (decision, _, folder), name in zip(decisions, names, strict=True)
        ]
    )


def _document(suites: Sequence[tuple[Decision, str, str]]) -> str:
    checks = [check for decision, _, _ in suites for check in decision.checks]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {_counts(checks)}>",
        *(line for suite in suites for line in _suite(*suite)),
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _counts(checks: Sequence[Check]) -> str:
    failures = sum(check.blocks for check in checks)
    skipped = sum(_is_skipped(check) for check in checks)
    return f'tests="{len(checks)}" failures="{failures}" errors="0" skipped="{skipped}"'


def _suite(decision: Decision, suite_name: str, class_name: str) -> Iterator[str]:
    checks = decision.checks
    yield f"  <testsuite name={_quoted(suite_name)} {_counts(checks)}>"
    yield "    <properties>"
    yield f'      <property name="verdict" value={_quoted(decision.verdict)}/>'
    yield "    </properties>"
    for name, check in zip(_unique([check.name for check in checks]), checks, strict=True):
        yield from _case(name, check, class_name)
    yield f"    <system-out>{_text(decision.reason)}</system-out>"
    yield "  </testsuite>"


def _case(name: str, check: Check, class_name: str) -> Iterator[str]:
    start = f"    <testcase classname={_quoted(class_name)} name={_quoted(name)}"
    content = _content(check)
    if content is None:
        yield f"{start}/>"
        return
    yield f"{start}>"
    yield f"      {content}"
    yield "    </testcase>"


def _content(check: Check) -> str | None:
    message = _quoted(check.sentence)
    if check.blocks:
        kind = check.status.replace(" ", "-")
        text = _text(f"{check.sentence} Required: {check.rule}.")
        return f"<failure type={_quoted(kind)} message={message}>{text}</failure>"
    if _is_skipped(check):
        return f"<skipped message={message}/>"
    if check.status in ("failed", "inconclusive"):
        return f"<system-out>{_text(f'Warning: {check.sentence}')}</system-out>"
    return None


def _is_skipped(check: Check) -> bool:
    return check.status == "not applicable" and not check.blocks


def _unique(names: Sequence[str]) -> list[str]:
    """The names, with a number appended to those that would be equal in XML."""
    taken: set[str] = set()
    unique = []
    for name in map(_plain, names):
        other, number = name, 2
        while other in taken:
            other, number = f"{name} ({number})", number + 1
        taken.add(other)
        unique.append(other)
    return unique


def _plain(text: str) -> str:
    """On one line, without characters that XML 1.0 forbids."""
    return _NO_CHARACTERS.sub(lambda found: f"\\u{ord(found[0]):04x}", printable(text))


def _text(text: str) -> str:
    return escape(_plain(text))


def _quoted(text: str) -> str:
    return f'"{escape(_plain(text), {chr(34): "&quot;"})}"'
