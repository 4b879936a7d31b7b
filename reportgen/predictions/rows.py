"""What is asked of predictions, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from numpy.typing import NDArray

from reportgen.predictions.facts import RunFacts

__all__ = ["PredictionRows"]


class PredictionRows(Protocol):
    """One row a sample, read in batches: ours, or another program's."""

    @property
    def facts(self) -> RunFacts:
        """What is known besides the rows."""

    @property
    def has_confidence(self) -> bool:
        """Whether the rows say how sure the model was."""

    @property
    def has_probabilities(self) -> bool:
        """Whether they hold the probabilities of all classes."""

    def batches(self, *columns: str, wrong_only: bool = False) -> Iterator[dict[str, NDArray[Any]]]:
        """The named columns: see :meth:`reportgen.predictions.Predictions.batches`."""
