"""Predictions by any engine: `Predict` predicts a batch, `collect` writes all rows to one file."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.engines.cluster import require_ray
    from reportgen.engines.collecting import collect
    from reportgen.engines.driving import on_ray
    from reportgen.engines.predicting import Predict
    from reportgen.engines.ray import Ray

__all__ = [
    "Predict",
    "Ray",
    "collect",
    "on_ray",
    "require_ray",
]

__getattr__ = lazy_names(
    __name__,
    {
        "cluster": "require_ray",
        "collecting": "collect",
        "driving": "on_ray",
        "predicting": "Predict",
        "ray": "Ray",
    },
)
