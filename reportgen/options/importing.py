"""Options of saved inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reportgen.errors import UsageError
from reportgen.options.declared import Declared, option
from reportgen.text import quoted, typed

__all__ = [
    "NONE",
    "OUTPUT_KINDS",
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
"""As a column name: there is no such column, whatever the names are."""


_WHAT, _COLUMNS, _LABELS = "Input format", "Columns of a predictions table", "Labels"


_SCORES, _MATRIX, _TEXT = "Scores", "Confusion matrix", "Text files"


@dataclass(frozen=True)
class InputOptions(Declared):
    """How to read a saved input. Every field has the same name as its option."""

    kind: str = option("auto", "Input format.", _WHAT, choices=KINDS)
    classes: Path | tuple[str, ...] | None = option(
        None,
        "Class names in the order of indices, scores and matrix rows: text with one name per "
        "line, JSON or CSV.",
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
        "Sample id, such as its path. Default: id, path, file, …, else row numbers.",
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
        "Scores of all classes: a pattern such as 'prob_*', comma-separated columns, or one "
        "column or array of lists. Default: columns named after the classes.",
        _COLUMNS,
        metavar="PATTERN|NAMES|none",
    )
    count_column: str | None = option(
        None,
        "Number of samples per line, for a confusion matrix with one cell per line. Default: "
        "count, "
        "n, freq, … if each pair of classes occurs once; else each line is one sample.",
        _COLUMNS,
        metavar="NAME|none",
    )
    where: tuple[str, ...] = option(
        (),
        "Evaluate only the rows with this value, such as split=test; repeatable: rows with all of "
        "them. none: the rows of all splits.",
        _COLUMNS,
        metavar="COLUMN=VALUE|none",
        repeated=True,
    )
    labels: Path | None = option(
        None,
        "Table of true classes, joined to INPUT by id. A .npy, or text with one class per "
        "line, is matched to arrays by position.",
        _LABELS,
        metavar="TABLE",
    )
    labels_id: str | None = option(
        None,
        "Id column of the --labels table. Default: as in INPUT, else id, path, file, … none: join "
        "by "
        "position.",
        _LABELS,
        metavar="NAME|none",
    )
    labels_column: str | tuple[str, ...] | None = option(
        None,
        "True class in the --labels table, or its comma-separated one-hot columns. Default: label, "
        "true, …",
        _LABELS,
        metavar="NAME|NAMES",
    )
    labels_partial: bool = option(
        False,
        "Skip (and count) samples that are in only one of INPUT and --labels.",
        _LABELS,
    )
    soft_labels: str = option(
        "refuse",
        "Soft labels. argmax: use the class with the largest value.",
        _LABELS,
        choices=("refuse", "argmax"),
    )
    ids_by_ending: bool = option(
        False,
        "Match ids by the longest common path suffix if they differ.",
        _LABELS,
    )
    labels_are: str = option(
        "auto",
        "Whether labels and predictions are names or indices. auto refuses ambiguous values.",
        _LABELS,
        choices=("auto", "names", "indices"),
    )
    label_base: int = option(
        0, "Index of the first class, for labels and predictions.", _LABELS, choices=(0, 1)
    )
    ignore_label: str | None = option(
        None, "Skip (and count) the samples with this label.", _LABELS, metavar="LABEL"
    )
    abstain: tuple[str, ...] = option(
        (),
        "Value that marks an abstention, such as '' or unknown; repeatable. Coverage is reported; "
        "other metrics use the predicted samples.",
        _LABELS,
        metavar="VALUE",
        repeated=True,
    )
    max_bad: int = option(
        0, "Maximum number of samples with non-finite scores; they are excluded.", _SCORES, min=0
    )
    outputs: str = option(
        "auto",
        "Type of the scores. auto detects it from the whole file and reports it. one-vs-rest: "
        "independent scores, such as sigmoids.",
        _SCORES,
        choices=OUTPUT_KINDS,
    )
    rows: str = option(
        "auto",
        "Whether the matrix rows are true or predicted classes. auto: as the file says, else true.",
        _MATRIX,
        choices=("auto", "true", "predicted"),
    )
    counts: bool = option(
        False, "The matrix contains counts, although they may be percentages.", _MATRIX
    )
    normalised: bool = option(
        False,
        "The matrix contains proportions, not counts: no intervals and no tests, unless "
        "--supports restores the counts.",
        _MATRIX,
    )
    normalised_over: str = option(
        "auto",
        "Axis that a normalised matrix is normalised over.",
        _MATRIX,
        choices=("auto", "true", "predicted", "all"),
    )
    supports: Path | None = option(
        None,
        "Class support: class,count, or one number per line. Restores the counts of a "
        "--normalised matrix, and checks the rows of any other.",
        _MATRIX,
        metavar="FILE",
    )
    delimiter: str | None = option(
        None,
        "Column delimiter. Default: tab in .tsv files; otherwise a comma, or the delimiter in the "
        "header: ';', tab or '|'.",
        _TEXT,
        metavar="CHAR|tab|spaces",
    )
    encoding: str = option("utf-8", "Text encoding.", _TEXT, metavar="NAME")
    decimal: str = option(
        ".",
        "Decimal mark. With a comma, points separate thousands: 1.234,5.",
        _TEXT,
        choices=(".", ","),
    )

    PATHS: ClassVar[tuple[str, ...]] = ("classes", "labels", "supports")
    TUPLES: ClassVar[tuple[str, ...]] = (
        "classes", "scores_columns", "labels_column", "abstain", "where",
    )  # fmt: skip

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
                    f"--{name.replace('_', '-')} requires --labels", slug="option-conflict"
                )
        if self.normalised_over != "auto" and not self.normalised:
            raise UsageError("--normalised-over requires --normalised", slug="option-conflict")
        if self.counts and self.normalised:
            raise UsageError(
                "--counts and --normalised contradict each other", slug="option-conflict"
            )

    @property
    def separator(self) -> str:
        """The character between cells; empty if none was given."""
        return {"tab": "\t", "\\t": "\t", "spaces": " "}.get(
            self.delimiter or "", self.delimiter or ""
        )

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        """An ignored label and an abstention may be numbers; a single value needs no list."""
        for name in ("ignore_label", "abstain"):
            if isinstance(values.get(name), int):
                values[name] = str(values[name])
        for name in ("abstain", "where"):
            if isinstance(values.get(name), str):
                values[name] = (values[name],)
            elif values.get(name, ()) is None:
                values[name] = ()
        return super().converted(values)


def render_command(name: str, options: InputOptions) -> str:
    """The command that repeats this, with base names only."""
    words = map(typed, options.command_words())
    return " ".join([f"reportgen render {name} -o OUT", *words])
