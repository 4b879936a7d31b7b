"""A report from the output of ``Trainer.predict`` of Hugging Face Transformers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.api import render
from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.integrations.columns import as_array
from reportgen.text import listing, quoted

__all__ = ["report_from_prediction_output"]


NO_LABEL = -100
"""Ignored by the losses of PyTorch, and by Transformers."""


def report_from_prediction_output(
    output: Any,
    *,
    out: str | Path,
    classes: Mapping[Any, str] | Sequence[str] | str | Path | None = None,
    ids: Sequence[Any] | None = None,
    **options: Any,
) -> Evaluation:
    """Write the report of ``trainer.predict(dataset)``, for models that classify whole samples.

    Parameters
    ----------
    output
        A ``PredictionOutput`` or an ``EvalPrediction``: ``predictions`` of shape (N, K), the
        logits, or (N,), class indices of a ``preprocess_logits_for_metrics``; ``label_ids`` of
        shape (N,). Samples with the label -100 are excluded, and counted as such.
    out
        The folder for the report.
    classes
        ``model.config.id2label``, or any value for ``classes`` of :func:`reportgen.render`.
    ids
        N names of the samples; by default their positions.
    **options
        Options of :func:`reportgen.render`: ``images``, ``gates``, ``baseline``, …

    Raises
    ------
    DataError
        ``prediction-output``: it is not from such a model; and the errors of
        :func:`reportgen.render`.
    """
    labels = _labels(output)
    scores = _scores(getattr(output, "predictions", None), len(labels))
    table: dict[str, Any] = {} if ids is None else {"id": list(ids)}
    table |= {"label": labels, "prediction" if scores.ndim == 1 else "scores": scores}
    if NO_LABEL in labels:
        options.setdefault("ignore_label", NO_LABEL)
    if classes is not None:
        options["classes"] = _in_order(classes) if isinstance(classes, Mapping) else classes
    return render(table, out=out, **options)


def _labels(output: Any) -> NDArray[Any]:
    given = getattr(output, "label_ids", None)
    if given is None:
        raise _refused(
            f"the {type(output).__name__} has no label_ids",
            "pass the result of trainer.predict on a data set with labels",
        )
    if isinstance(given, (tuple, list)) and len(given) > 1 and np.ndim(given[0]):
        raise _refused(
            f"label_ids are {len(given)} arrays: the model has several kinds of labels",
            "set label_names of TrainingArguments to the column of the class",
        )
    labels = as_array(given)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise _refused(
            f"label_ids have the shape {labels.shape}, not one class for each sample",
            "reports are for models that assign one class to each sample; labels of tokens, pixels "
            "or several classes have none",
        )
    return labels


def _scores(given: Any, n: int) -> NDArray[Any]:
    """The logits, shape (N, K): among hidden states or losses, the only array of that shape."""
    parts = given if isinstance(given, (tuple, list)) else (given,)
    arrays = [as_array(part) for part in parts if part is not None]
    fitting = [one for one in arrays if one.ndim in (1, 2) and one.shape[0] == n]
    fitting = [one for one in fitting if one.ndim == 1 or one.shape[1] > 1]
    if len(fitting) != 1:
        shapes = listing([str(one.shape) for one in arrays]) or "nothing"
        raise _refused(
            f"the predictions have the shape {shapes} for {n:,} labels, not one row of class "
            "scores for each sample",
            "let preprocess_logits_for_metrics=lambda logits, labels: logits[0] of the Trainer "
            "choose the logits"
            if len(arrays) > 1
            else "reports are for models that assign one class to each sample",
        )
    return fitting[0]


def _in_order(id2label: Mapping[Any, str]) -> list[str]:
    named = {str(key): str(name) for key, name in id2label.items()}
    missing = [str(i) for i in range(len(named)) if str(i) not in named]
    if missing:
        raise _refused(
            f"classes has no name for class {missing[0]}: its keys are "
            f"{listing(map(quoted, named))}",
            "pass model.config.id2label, from index to name",
        )
    return [named[str(i)] for i in range(len(named))]


def _refused(message: str, hint: str) -> DataError:
    return DataError(message, slug="prediction-output", hint=hint)
