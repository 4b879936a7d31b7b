"""Recognises reports of other programs, which have per-class metrics but no confusions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from reportgen.errors import DataError
from reportgen.importers.formats.compressed import open_text
from reportgen.importers.formats.delimited import Dialect
from reportgen.importers.formats.limits import readable
from reportgen.text import quoted

__all__ = [
    "refuse_report_json",
    "refuse_report_text",
]


_FIGURES = frozenset({"precision", "recall"})


_OF_MODELS = frozenset({
    "top1_err", "top5_err", "metrics/accuracy_top1", "metrics/accuracy_top5",
    "val_loss", "val_acc", "val_accuracy", "eval_loss", "eval_accuracy", "test_loss",
    "test_accuracy",
})  # fmt: skip
"""Columns of tables with a row per model or epoch; at least two must be present."""


_OTHERS = frozenset({"f1-score", "f1_score", "f1", "support", "fscore"})


def refuse_report_json(name: str, value: Any) -> None:
    """Raise :class:`DataError` if parsed JSON is a classification report."""
    members = value.values() if isinstance(value, Mapping) else value
    if not isinstance(members, (list, type({}.values()))):
        return
    for member in members:
        words = set(map(str, member)) if isinstance(member, Mapping) else set()
        if _are_figures(words):
            raise _report_error(name)
        if len(words & _OF_MODELS) > 1:
            raise _models_error(name)


def refuse_report_text(path: Path, dialect: Dialect) -> None:
    """Raise :class:`DataError` if a text file is a classification report, as CSV or printed."""
    try:
        with readable(path), open_text(path, dialect.encoding) as stream:
            lines = [line.strip() for line in islice(stream, 8)]
    except UnicodeError:
        return  # the reader of the file reports the line
    first = next((line for line in lines if line), "")
    words = {word.strip("\"' ").lower() for word in re.split(r"[,;\t]|\s{2,}|\s", first)}
    if _are_figures(words):
        raise _report_error(path.name)
    if len(words & _OF_MODELS) > 1:
        raise _models_error(path.name)


def _are_figures(words: set[str]) -> bool:
    words = {word.lower() for word in words}
    return words >= _FIGURES and bool(words & _OTHERS)


def _report_error(name: str) -> DataError:
    return DataError(
        f"{quoted(name)} is a report of metrics: it contains precision and recall of each class, "
        "and "
        "no confusions",
        slug="input-report",
        details=["it has neither the confusions nor the data for intervals"],
        hint="save the label and the prediction of each sample, or the confusion matrix",
    )


def _models_error(name: str) -> DataError:
    return DataError(
        f"{quoted(name)} contains metrics of whole models or epochs, and no samples",
        slug="input-report",
        details=["neither the classes nor the number of samples can be known from them"],
        hint="save the label and the prediction of each sample, or the confusion matrix",
    )
