"""Options of saved inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reportgen.errors import UsageError
from reportgen.options.declared import Declared, option
from reportgen.text import quoted

__all__ = [
    "NONE",
    "InputOptions",
    "render_command",
]


KINDS = ("auto", "predictions", "matrix", "evaluation")


OUTPUT_KINDS = (
    "auto",
    "logits",
    "probabilities",
    "log-probabilities",
    "percentages",
    "one-vs-rest",
)


NONE = "none"
"""As a column's name: there is none, whatever the columns are called."""


_WHAT, _COLUMNS, _LABELS = "Kind of INPUT", "Columns of a predictions table", "Labels"


_SCORES, _MATRIX, _TEXT = "Scores", "Confusion matrix", "Text files"


@dataclass(frozen=True)
class InputOptions(Declared):
    """How to read a saved input. Every field has the same name as its option."""

    kind: str = option("auto", "What INPUT is.", _WHAT, choices=KINDS)
    classes: Path | tuple[str, ...] | None = option(
        None,
        "Class names in the order of indices, scores and matrix rows: one a line, or JSON or CSV.",
        _WHAT,
        metavar="FILE",
    )
    label_column: str | None = option(
        None, "True class. Default: label, true, y_true, target, …", _COLUMNS, metavar="NAME"
    )
    prediction_column: str | None = option(
        None,
        "Predicted class. Default: prediction, pred, y_pred, …, else the largest score.",
        _COLUMNS,
        metavar="NAME|none",
    )
    id_column: str | None = option(
        None,
        "Name of the sample, such as its path. Default: id, path, file, …, else row numbers.",
        _COLUMNS,
        metavar="NAME|none",
    )
    confidence_column: str | None = option(
        None,
        "Probability of the prediction, 0 to 1. Default: confidence, conf, score, …",
        _COLUMNS,
        metavar="NAME|none",
    )
    scores_columns: str | tuple[str, ...] | None = option(
        None,
        "Scores of all classes: columns such as 'prob_*', several with commas, or one column "
        "or array that holds lists. Default: columns named after the classes.",
        _COLUMNS,
        metavar="PATTERN|NAMES|none",
    )
    count_column: str | None = option(
        None,
        "Samples that each line stands for: a confusion matrix with one cell a line. Default: "
        "count, n, freq, … where each pair of classes stands once; else each line is one sample.",
        _COLUMNS,
        metavar="NAME|none",
    )
    labels: Path | None = option(
        None,
        "Table with the true classes, joined to INPUT by id. A .npy, or text with one class a "
        "line, gives them to arrays by position.",
        _LABELS,
        metavar="TABLE",
    )
    labels_id: str | None = option(
        None,
        "Ids in the --labels table. Default: as in INPUT, else id, path, file, … none: join by "
        "position.",
        _LABELS,
        metavar="NAME|none",
    )
    labels_column: str | tuple[str, ...] | None = option(
        None,
        "True class in the --labels table, or its one-hot columns, with commas. Default: label, "
        "true, …",
        _LABELS,
        metavar="NAME|NAMES",
    )
    labels_partial: bool = option(
        False,
        "Leave out, and count, the samples that only one of INPUT and --labels has.",
        _LABELS,
    )
    soft_labels: str = option(
        "refuse",
        "Labels that spread over several classes. argmax: take the largest.",
        _LABELS,
        choices=("refuse", "argmax"),
    )
    ids_by_ending: bool = option(
        False,
        "Match ids of two files by the longest common ending of their paths, where they differ.",
        _LABELS,
    )
    labels_are: str = option(
        "auto",
        "Whether labels and predictions are names or indices. auto refuses what could be both.",
        _LABELS,
        choices=("auto", "names", "indices"),
    )
    label_base: int = option(
        0, "Index of the first class, for labels and predictions.", _LABELS, choices=(0, 1)
    )
    ignore_label: str | None = option(
        None, "Leave out, and count, the samples with this label.", _LABELS, metavar="LABEL"
    )
    abstain: str | None = option(
        None,
        "The prediction that means none was made, such as '' or unknown: coverage is reported, and "
        "all else is of the other samples.",
        _LABELS,
        metavar="VALUE",
    )
    max_bad: int = option(
        0, "Most samples whose scores may be not finite; they are left out.", _SCORES, min=0
    )
    outputs: str = option(
        "auto",
        "What the scores are. auto decides once, over the whole file, and says so. one-vs-rest: "
        "independent of each other, such as sigmoids.",
        _SCORES,
        choices=OUTPUT_KINDS,
    )
    rows: str = option(
        "true", "What the rows of a matrix are.", _MATRIX, choices=("true", "predicted")
    )
    normalised: bool = option(
        False,
        "The matrix holds shares, not counts: the report has no intervals and no tests, unless "
        "--supports restores the counts.",
        _MATRIX,
    )
    normalised_over: str = option(
        "auto",
        "What the shares of a normalised matrix add up to 1 over.",
        _MATRIX,
        choices=("auto", "true", "predicted", "all"),
    )
    supports: Path | None = option(
        None,
        "Samples of each true class: class,count, or one number a line. They restore the counts of "
        "a --normalised matrix, and check the rows of any other.",
        _MATRIX,
        metavar="FILE",
    )
    delimiter: str | None = option(
        None, "Between cells. Default: comma, in .tsv files tab.", _TEXT, metavar="CHAR|tab|spaces"
    )
    encoding: str = option("utf-8", "Encoding of text files.", _TEXT, metavar="NAME")

    PATHS: ClassVar[tuple[str, ...]] = ("classes", "labels", "supports")
    TUPLES: ClassVar[tuple[str, ...]] = ("classes", "scores_columns", "labels_column")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.delimiter is not None and len(self.separator) != 1:
            raise UsageError(
                f"--delimiter {quoted(self.delimiter)} is not one character",
                slug="option-value",
                hint="for example --delimiter ';', --delimiter tab or --delimiter spaces",
            )
        if self.separator in ('"', "\n", "\r", "\0"):
            raise UsageError(
                f"--delimiter {quoted(self.separator)} can't separate cells", slug="option-value"
            )
        for name in ("labels_id", "labels_column", "labels_partial"):
            if getattr(self, name) and self.labels is None:
                raise UsageError(
                    f"--{name.replace('_', '-')} needs --labels too", slug="option-conflict"
                )
        if self.normalised_over != "auto" and not self.normalised:
            raise UsageError("--normalised-over needs --normalised too", slug="option-conflict")

    @property
    def separator(self) -> str:
        """The character between cells; empty where none was given."""
        return {"tab": "\t", "\\t": "\t", "spaces": " "}.get(
            self.delimiter or "", self.delimiter or ""
        )

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        """An index to leave out, or one that means no prediction, may be a number."""
        for name in ("ignore_label", "abstain"):
            if isinstance(values.get(name), int):
                values[name] = str(values[name])
        return super().converted(values)


def render_command(name: str, options: InputOptions) -> str:
    """The command that repeats this, with base names only."""
    words = (f"'{w}'" if set(w) & set(" *;'\"") or not w else w for w in options.command_words())
    return " ".join([f"reportgen render {name} -o OUT", *words])
