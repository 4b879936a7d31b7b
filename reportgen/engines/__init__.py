"""Predictions by any engine: `Predict` makes the rows of a batch, `collect` one file of all rows"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.engines.collecting import collect
    from reportgen.engines.predicting import Predict

__all__ = [
    "Predict",
    "collect",
]

__getattr__ = lazy_names(
    __name__,
    {
        "collecting": "collect",
        "predicting": "Predict",
    },
)
