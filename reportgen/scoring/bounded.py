"""`Bounded`: a figure with the range in which binning left it."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.metrics import Metric

__all__ = ["Bounded"]


@dataclass(frozen=True)
class Bounded:
    """A figure that may come from histograms.

    Attributes
    ----------
    metric
        The figure with its confidence interval, or None and why.
    exact
        Whether every sample was ranked by its own score; else the scores were binned.
    lowest, highest
        The figure of these very samples lies between the two, whatever their order inside the
        bins (nothing to do with the confidence interval). Both equal the figure where it is
        exact; None where it is undefined.
    """

    metric: Metric
    exact: bool
    lowest: float | None
    highest: float | None

    @classmethod
    def undefined(cls, reason: str, exact: bool) -> Bounded:
        """No figure, and why."""
        return cls(Metric(None, None, reason), exact, None, None)

    @property
    def error(self) -> float:
        """How far the figure of these samples may be from the value; 0 where it is exact."""
        value = self.metric.value
        if value is None or self.lowest is None or self.highest is None:
            return 0.0
        return max(value - self.lowest, self.highest - value)
