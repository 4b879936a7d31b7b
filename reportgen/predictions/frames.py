"""The rows of a predictions file as a pandas DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from reportgen.predictions.table import Predictions

__all__ = [
    "predictions_frame",
]


_SCORES = ("confidence", "label_probability", "label_rank")


def predictions_frame(predictions: Predictions) -> pd.DataFrame:
    """Implementation of :meth:`Predictions.to_frame`."""
    import pandas as pd

    names = ["id", "label", "prediction", *_SCORES, *predictions.metadata]
    kept = ["probabilities"] if predictions.has_probabilities else []
    read: dict[str, list[Any]] = {name: [] for name in [*names, *kept]}
    for batch in predictions.batches(*read):
        for name, values in batch.items():
            read[name].append(values)
    columns: dict[str, Any] = {
        name: np.concatenate(parts) if parts else [] for name, parts in read.items()
    }
    frame = pd.DataFrame({name: columns[name] for name in names}).set_index("id")
    classes = predictions.facts.classes
    categories = pd.Index(classes, dtype=object)
    for side in ("label", "prediction"):
        frame[side] = pd.Categorical.from_codes(frame[side].astype(int).to_numpy(), categories)
    ranks = frame["label_rank"].astype("Int32")
    frame["label_rank"] = ranks.mask(ranks == 0)
    if not kept:
        return frame
    heads = [f"p({name})" for name in classes]
    shares = np.asarray(columns["probabilities"], np.float32).reshape(-1, len(classes))
    scores = pd.DataFrame(shares, frame.index, heads)
    further = list(predictions.metadata)
    return pd.concat([frame.drop(columns=further), scores, frame[further]], axis=1)
