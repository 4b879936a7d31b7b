"""What became of one gate, before it is put beside the others."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.gates.value import Part, Status

__all__ = ["RANKS", "Outcome", "combined", "undefined_words"]

RANKS: dict[Status, int] = {"failed": 0, "inconclusive": 1, "passed": 2, "not applicable": 3}
"""Worst first: a gate that looks at several classes is as good as its worst class."""


@dataclass(frozen=True)
class Outcome:
    """As in :class:`~reportgen.gates.value.Check`; `clause` is a sentence without its full stop,
    to stand after a colon."""

    status: Status
    clause: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    subject: str = ""
    needed: int | None = None
    parts: tuple[Part, ...] = ()
    margin: float | None = None


def combined(statuses: list[Status]) -> Status:
    """The worst of them; at least one."""
    return min(statuses, key=RANKS.__getitem__)


def undefined_words(reason: str) -> str:
    """The sentence of a reason, to stand after a colon."""
    text = reason.rstrip(".").split(". ")[0]
    return text[:1].lower() + text[1:]
