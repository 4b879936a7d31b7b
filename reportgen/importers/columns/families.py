"""Columns named after the classes, each in the same words: ``P(cat)``, ``P(dog)``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.importers.columns.words import folded

__all__ = [
    "Template",
    "are_score_words",
    "templates",
]


_SCORE_WORDS = frozenset({
    "p", "pr", "prob", "probs", "proba", "probability", "probabilities", "conf", "confidence",
    "score", "scores", "softmax", "logit", "logits", "posterior", "likelihood",
})  # fmt: skip


_FILLERS = frozenset({
    "y", "of", "is", "for", "the", "class", "label", "pred", "predicted", "prediction", "target",
    "output", "model", "log",
})  # fmt: skip


@dataclass(frozen=True)
class Template:
    """What is before and behind the name of a class."""

    before: str
    behind: str

    def family(self, columns: Sequence[str]) -> dict[str, str]:
        """Name of a class → column, of all columns with such names, in their order."""
        found = {}
        for column in columns:
            if column.startswith(self.before) and column.endswith(self.behind):
                inner = column[len(self.before) : len(column) - len(self.behind)]
                if inner and len(self.before) + len(self.behind) < len(column):
                    found[inner] = column
        return found


def templates(classes: Sequence[str], columns: Sequence[str]) -> Iterator[Template]:
    """The words around the names of classes that have a column for each of them: two at least."""
    if len(classes) < 2:
        return
    seen = set()
    for column in columns:
        for match in re.finditer(re.escape(classes[0]), column):
            found = Template(column[: match.start()], column[match.end() :])
            if found in seen or not found.before + found.behind:
                continue
            seen.add(found)
            if set(classes) <= set(found.family(columns)):
                yield found


def are_score_words(around: Template) -> bool:
    """Whether the words say that the columns are scores of the classes, and nothing else."""
    words = re.findall(r"[a-z]+", folded(f"{around.before} {around.behind}"))
    return bool(_SCORE_WORDS & set(words)) and set(words) <= _SCORE_WORDS | _FILLERS
