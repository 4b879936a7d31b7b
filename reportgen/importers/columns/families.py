"""Columns named after the classes, each in the same words: ``P(cat)``, ``P(dog)``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reportgen.importers.columns.words import folded

__all__ = [
    "SMALLEST_IS_BEST",
    "Template",
    "are_score_words",
    "templates",
    "word_for_distances",
]


_SCORE_WORDS = frozenset({
    "p", "pr", "prob", "probs", "proba", "probability", "probabilities", "conf", "confidence",
    "score", "scores", "softmax", "logit", "logits", "posterior", "likelihood",
})  # fmt: skip


_FILLERS = frozenset({
    "y", "of", "is", "for", "the", "class", "label", "pred", "predicted", "prediction", "target",
    "output", "model", "log",
})  # fmt: skip


_DISTANCES = frozenset({
    "dist", "dists", "distance", "distances", "l1", "l2", "loss", "losses", "energy", "nll", "rank",
    "ranks", "cost", "costs", "err", "error", "errors", "mse", "rmse", "mae", "divergence", "kl",
    "perplexity", "ppl", "deviance", "euclidean", "mahalanobis", "hamming", "dissimilarity",
    "residual", "residuals", "entropy", "crossentropy",
})  # fmt: skip


SMALLEST_IS_BEST = (
    "if the smallest is the prediction, write its class into a column prediction and pass "
    "--scores-columns none"
)
"""The hint for distances and losses."""


def word_for_distances(name: str) -> str | None:
    """The word of a column name for values that are smallest for the prediction.

    >>> word_for_distances("L2 distance"), word_for_distances("score")
    ('distance', None)
    """
    found = _DISTANCES & set(folded(name).split("_"))
    return min(found) if found else None


@dataclass(frozen=True)
class Template:
    """The text before and after a class name."""

    before: str
    behind: str

    def family(self, columns: Sequence[str]) -> dict[str, str]:
        """Class name → column, for all columns of this pattern, in their order."""
        found = {}
        for column in columns:
            if column.startswith(self.before) and column.endswith(self.behind):
                inner = column[len(self.before) : len(column) - len(self.behind)]
                if inner and len(self.before) + len(self.behind) < len(column):
                    found[inner] = column
        return found


def templates(classes: Sequence[str], columns: Sequence[str]) -> Iterator[Template]:
    """The patterns of column names with a column for each class, for at least two classes."""
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
    """Whether the words mark the columns unambiguously as class scores."""
    words = re.findall(r"[a-z]+", folded(f"{around.before} {around.behind}"))
    return bool(_SCORE_WORDS & set(words)) and set(words) <= _SCORE_WORDS | _FILLERS
