"""Predictions that are not a class: words for no answer, and sentences around a class."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = [
    "answer_inside",
    "is_no_answer",
    "is_summary",
]


_WORDS = frozenset({
    "nan", "none", "null", "n/a", "na", "n.a", "nat", "-", "--", "?", "unknown", "unk", "abstain",
    "abstained", "abstention", "reject", "rejected", "missing", "undefined", "other", "others",
    "other class", "refused", "refusal", "declined", "skip", "skipped", "error", "failed",
    "failure", "invalid", "timeout", "timed out", "unsure", "not sure", "uncertain", "unclear",
    "undetermined", "undecided", "indeterminate", "inconclusive", "ambiguous", "unclassified",
    "unassigned", "unrecognized", "unrecognised", "unidentified", "unlabeled", "unlabelled",
    "no answer", "no response", "no prediction", "no class", "no match", "no object",
    "no detection", "not detected", "none of the above", "none of these", "neither", "nothing",
    "not applicable", "not available", "not found", "blank", "empty", "idk", "ood",
    "out of distribution", "out of scope", "misc", "miscellaneous", "background", "tbd", "pending",
})  # fmt: skip
"""In lower case, with spaces between words."""


_SENTENCES = re.compile(
    r"i (?:do not|don.?t|cannot|can.?t|am (?:not|unable)|could not|couldn.?t)\b"
    r"|i.m (?:not|unable)\b"
    r"|sorry\b|(?:i.m|i am) sorry|unable to|cannot\b|can.?t\b|could ?n[o.]t|unfortunately"
    r"|as an ai\b|not (?:sure|able|enough|possible)|it is (?:unclear|not)|insufficient\b"
    r"|none of\b|no (?:answer|valid|clear)\b|(?:\w*error|exception|traceback)\b.*[:(\d]"
)


_AROUND = " .!,;:'\"`*<>[](){}#"


def is_no_answer(text: str) -> bool:
    """Whether a prediction seems to be no class, such as ``n/a``, ``other`` or ``I don't know``."""
    plain = re.sub(r"[\s_\-]+", " ", text.strip().lower().replace("\u2019", "'"))
    bare = plain.strip(_AROUND)
    return (
        text.strip() in _WORDS
        or plain in _WORDS
        or bare in _WORDS
        or _SENTENCES.match(bare) is not None
    )


_SUMMARIES = frozenset({
    "total", "totals", "grand total", "all", "sum", "mean", "average", "avg", "std", "count",
    "accuracy", "gesamt", "summe", "gesamtergebnis", "mittelwert", "somme", "moyenne",
    "total général", "suma", "media", "итого", "всего", "合計", "平均", "总计",
})  # fmt: skip


def is_summary(text: str) -> bool:
    """Whether a word names a total or a mean, as tables have in their last line."""
    return text.strip().strip(":").lower() in _SUMMARIES


_FEWEST_WORDS = 4


def answer_inside(text: str, classes: Collection[str]) -> str | None:
    """The only class that a longer text names, such as ``Answer: cat``; None if it seems a name.

    >>> answer_inside("The answer is cat.", {"cat", "dog"}), answer_inside("wild cat", {"cat"})
    ('cat', None)
    """
    if len(text.split()) < _FEWEST_WORDS and not re.search(r"[:=()\[\]{}\"*`\n]", text):
        return None
    words = set(re.findall(r"[^\W_]+", text.casefold()))
    found = [
        name
        for name in classes
        if name.casefold() in words
        or (" " in name and re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE))
    ]
    return found[0] if len(found) == 1 and found[0] != text else None
