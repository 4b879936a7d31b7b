"""What the sections ask of an evaluation whose matrix holds shares only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reportgen.evaluation import SharePair, Shares
from reportgen.report.facts import Facts
from reportgen.report.words import Name

__all__ = ["OF", "WHOLE", "ShareFacts"]

OF = {
    "true": "of the true class",
    "predicted": "of the predicted class",
    "all": "of all samples",
}
"""What shares are over → how a share is called."""
WHOLE = {"true": "balanced_accuracy", "predicted": "macro_precision", "all": "accuracy"}
"""What shares are over → the figure of the whole that says most."""


@dataclass(frozen=True)
class ShareFacts(Facts):
    """An evaluation without counts: nothing may be asked of its empty matrix."""

    @property
    def shares(self) -> Shares:
        assert self.evaluation.shares is not None
        return self.evaluation.shares

    @property
    def over(self) -> str:
        return self.shares.over

    @property
    def figure(self) -> str:
        """The figure of a class that its diagonal cell tells: recall or precision."""
        return "precision" if self.over == "predicted" else "recall"

    @cached_property
    def present(self) -> list[int]:
        """Classes that have a share in some row cell."""
        return [int(i) for i in np.flatnonzero(self.shares.values.any(axis=1))]

    @cached_property
    def known(self) -> dict[int, float]:
        """:attr:`figure` of each class where it is defined."""
        values = self.evaluation.per_class[self.figure].value.tolist()
        return {i: value for i, value in enumerate(values) if value == value}

    @cached_property
    def order(self) -> list[int]:
        """All classes, the weakest first; those whose figure is undefined last."""
        known = self.known
        return sorted(range(len(self.names)), key=lambda i: (i not in known, known.get(i, 0.0), i))

    @cached_property
    def taken(self) -> dict[int, SharePair]:
        """The largest error of each true class; of each predicted one with shares of these."""
        first: dict[int, SharePair] = {}
        for pair in self.shares.pairs:
            first.setdefault(pair.predicted if self.over == "predicted" else pair.true, pair)
        return first

    def other(self, pair: SharePair) -> Name:
        """The class at the other end of a :attr:`taken` error."""
        return self.names[pair.true if self.over == "predicted" else pair.predicted]

    def share_of(self, pair: SharePair) -> float:
        """A :attr:`taken` error as a share of its own class."""
        return pair.share if pair.share_of_true is None else pair.share_of_true
