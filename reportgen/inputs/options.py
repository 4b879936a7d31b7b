"""Options of saved inputs: declared once, used by the command line and by the library alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from reportgen.errors import UsageError
from reportgen.text import nearest, quoted

__all__ = ["NONE", "InputOptions"]

KINDS = ("auto", "predictions", "matrix", "evaluation")
OUTPUT_KINDS = ("auto", "logits", "probabilities", "log-probabilities")
NONE = "none"
"""As a column's name: there is none, whatever the columns are called."""


def _told(text: str, panel: str, **more: Any) -> dict[str, Any]:
    return {"help": text, "panel": panel, **more}


_WHAT, _COLUMNS, _LABELS = "What INPUT is", "Columns of a table of predictions", "Labels"
_SCORES, _MATRIX, _TEXT = "Scores", "Confusion matrix", "Text files"


@dataclass(frozen=True)
class InputOptions:
    """How to read a saved input. Every field has the same name as its option."""

    kind: str = field(default="auto", metadata=_told("What INPUT is.", _WHAT, choices=KINDS))
    classes: Path | tuple[str, ...] | None = field(
        default=None,
        metadata=_told(
            "Class names in the order of indices, scores and matrix rows: UTF-8, one a line.",
            _WHAT,
            metavar="FILE",
        ),
    )
    label_column: str | None = field(
        default=None,
        metadata=_told(
            "True class. Default: label, true, y_true, target, …", _COLUMNS, metavar="NAME"
        ),
    )
    prediction_column: str | None = field(
        default=None,
        metadata=_told(
            "Predicted class. Default: prediction, pred, y_pred, …, else the largest score.",
            _COLUMNS,
            metavar="NAME|none",
        ),
    )
    id_column: str | None = field(
        default=None,
        metadata=_told(
            "Name of the sample, such as its path. Default: id, path, file, …, else row numbers.",
            _COLUMNS,
            metavar="NAME|none",
        ),
    )
    confidence_column: str | None = field(
        default=None,
        metadata=_told(
            "Probability of the prediction, 0 to 1. Default: confidence, conf, score, …",
            _COLUMNS,
            metavar="NAME|none",
        ),
    )
    scores_columns: str | tuple[str, ...] | None = field(
        default=None,
        metadata=_told(
            "Scores of all classes: columns such as 'prob_*', several with commas, or one column "
            "or array that holds lists. Default: columns named after the classes.",
            _COLUMNS,
            metavar="PATTERN|NAMES|none",
        ),
    )
    labels_file: Path | None = field(
        default=None,
        metadata=_told(
            "True classes for a .npy file of scores or predictions: .npy, or text with one a line.",
            _LABELS,
            metavar="FILE",
        ),
    )
    labels_are: str = field(
        default="auto",
        metadata=_told(
            "Whether labels and predictions are names or indices. auto refuses what could be both.",
            _LABELS,
            choices=("auto", "names", "indices"),
        ),
    )
    label_base: int = field(
        default=0,
        metadata=_told(
            "Index of the first class, for labels and predictions.", _LABELS, choices=(0, 1)
        ),
    )
    ignore_label: str | None = field(
        default=None,
        metadata=_told(
            "Leave out, and count, the samples with this label.", _LABELS, metavar="LABEL"
        ),
    )
    max_bad: int = field(
        default=0,
        metadata=_told(
            "Most samples whose scores may be not finite; they are left out.", _SCORES, min=0
        ),
    )
    outputs: str = field(
        default="auto",
        metadata=_told(
            "What the scores are. auto decides once, over the whole file, and says so.",
            _SCORES,
            choices=OUTPUT_KINDS,
        ),
    )
    rows: str = field(
        default="true",
        metadata=_told("What the rows of a matrix are.", _MATRIX, choices=("true", "predicted")),
    )
    normalised: bool = field(
        default=False,
        metadata=_told(
            "The matrix holds shares, not counts: no intervals, no tests, no number of samples.",
            _MATRIX,
        ),
    )
    normalised_over: str = field(
        default="auto",
        metadata=_told(
            "What the shares of a normalised matrix add up to 1 over.",
            _MATRIX,
            choices=("auto", "true", "predicted", "all"),
        ),
    )
    delimiter: str | None = field(
        default=None,
        metadata=_told(
            "Between cells. Default: comma, in .tsv files tab.", _TEXT, metavar="CHAR|tab"
        ),
    )
    encoding: str = field(
        default="utf-8", metadata=_told("Encoding of text files.", _TEXT, metavar="NAME")
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            _check(item.name, getattr(self, item.name), item.metadata)
        if self.delimiter is not None and len(self.separator) != 1:
            raise UsageError(
                f"--delimiter {quoted(self.delimiter)} is not one character",
                slug="option-value",
                hint="for example --delimiter ';' or --delimiter tab",
            )
        if self.separator in ('"', "\n", "\r", "\0"):
            raise UsageError(
                f"--delimiter {quoted(self.separator)} can't separate cells", slug="option-value"
            )
        if self.normalised_over != "auto" and not self.normalised:
            raise UsageError("--normalised-over needs --normalised too", slug="option-conflict")

    @property
    def separator(self) -> str:
        """The character between cells; empty where none was given."""
        return {"tab": "\t", "\\t": "\t"}.get(self.delimiter or "", self.delimiter or "")

    @classmethod
    def of(cls, keywords: Mapping[str, Any]) -> InputOptions:
        """From keyword arguments of the library's functions; unknown ones are refused."""
        known = {item.name for item in fields(cls)}
        for name in keywords:
            if name not in known:
                meant = nearest(name, sorted(known))
                raise UsageError(
                    f"there is no option {quoted(name)}",
                    slug="option-unknown",
                    hint=f"did you mean {meant}?" if meant else None,
                )
        values = dict(keywords)
        for name in ("classes", "labels_file"):
            if isinstance(values.get(name), str):
                values[name] = Path(values[name])
        for name in ("classes", "scores_columns"):
            if isinstance(values.get(name), (list, tuple)):
                values[name] = tuple(map(str, values[name]))
        if isinstance(values.get("ignore_label"), int):
            values["ignore_label"] = str(values["ignore_label"])
        return cls(**values)

    def command_words(self) -> list[str]:
        """The options that differ from their defaults, base names only."""
        words: list[str] = []
        for item in fields(self):
            value = getattr(self, item.name)
            if value == item.default:
                continue
            flag = "--" + item.name.replace("_", "-")
            if isinstance(value, bool):
                words.append(flag)
            elif item.name == "classes" and isinstance(value, tuple):
                words += [flag, "classes.txt"]
            elif isinstance(value, tuple):
                words += [flag, ",".join(value)]
            else:
                words += [flag, value.name if isinstance(value, Path) else str(value)]
        return words


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    flag = "--" + name.replace("_", "-")
    choices: Sequence[Any] = metadata.get("choices", ())
    if choices and value not in choices:
        meant = nearest(str(value), [str(choice) for choice in choices])
        raise UsageError(
            f"{flag} {quoted(str(value))} is not one of {', '.join(map(str, choices))}",
            slug="option-value",
            hint=f"did you mean {meant}?" if meant else None,
        )
    if "min" in metadata and value < metadata["min"]:
        raise UsageError(
            f"{flag} {value} is too small: at least {metadata['min']}", slug="option-value"
        )
