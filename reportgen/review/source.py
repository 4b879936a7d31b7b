"""One side of a comparison: rows if samples are known, otherwise an evaluation of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reportgen.confusion_counter import ConfusionCounter
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import (
    Evaluation,
    counts_needed,
    evaluate_matrix,
    evaluate_predictions,
    read_hierarchy,
    refuse_for_proportions,
    refuse_groups,
    require_file,
    with_costs,
)
from reportgen.importers import kind_of, open_input
from reportgen.options import EvaluationOptions, InputOptions
from reportgen.output_folder import finish_around
from reportgen.paths import is_pattern, local_path, matching_files, pattern_root, refuse_address
from reportgen.predictions import PredictionRows, Predictions
from reportgen.provenance import Provenance
from reportgen.review.display_names import as_in_data
from reportgen.storage import Address, AddressFolder, found_at
from reportgen.text import middle_cut, plural, printable, quoted

if TYPE_CHECKING:
    from reportgen.importers import MatrixInput

__all__ = [
    "LoadedInput",
    "add_columns",
    "find_file",
    "load_input",
    "recompute",
    "require_counts",
]


_MOST_NAMED = 5


Unpaired = Literal["", "matrix", "no_predictions"]


@dataclass(frozen=True)
class LoadedInput:
    """The content of an input.

    Attributes
    ----------
    rows
        One row per sample; None if only counts are known.
    held
        The evaluation, if there are no rows.
    unpaired
        Why there are no rows: ``"matrix"`` or ``"no_predictions"`` (a report.json only); otherwise
        empty.
    shown
        Display names of classes in a report, if they differ from those in the data.
    """

    rows: PredictionRows | None
    held: Evaluation | None = None
    unpaired: Unpaired = ""
    shown: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in order."""
        if self.rows is not None:
            return self.rows.facts.classes
        assert self.held is not None
        return self.held.classes

    def require_classes(self, classes: Sequence[str]) -> None:
        """Raise :class:`DataError` if a model with these classes can't be compared with this."""
        origins = None
        if self.rows is not None:
            origins = (self.rows.facts.provenance, Provenance("inference"))
        from reportgen.comparison import match_classes

        match_classes(self.classes, classes, origins)

    @property
    def abstains(self) -> bool:
        """Whether some of its predictions are abstentions."""
        return self.rows is not None and bool(self.rows.facts.n_abstained)

    def evaluated(self, options: EvaluationOptions) -> Evaluation:
        """The evaluation of this side."""
        if self.rows is not None:
            return evaluate_predictions(self.rows, options)
        assert self.held is not None
        return self.held


def load_input(
    source: Any,
    reading: InputOptions,
    options: EvaluationOptions,
    spool: Path,
    *,
    rows_first: bool,
    as_baseline: bool = False,
    other_abstains: bool = False,
) -> LoadedInput:
    """Open a saved input of any kind.

    Parameters
    ----------
    source
        A path, an address of object storage, or an object in memory: an evaluation, predictions,
        a table of predictions, or a matrix.
    reading, options
        How to read it, and what to compute.
    spool
        A folder for copies of data that can't be read twice.
    rows_first
        Whether to read ``predictions.parquet`` beside a ``report.json`` instead: for comparisons,
        which need the samples.
    as_baseline
        Whether to ignore options that only concern the candidate's samples.
    other_abstains
        Whether the other side of a comparison contains the abstentions of ``reading.abstain``; then
        this one need not. A baseline need not either: the candidate is read later.
    """
    of_counts = options.for_baseline if as_baseline else options
    if isinstance(source, Evaluation):
        return _of_report(source, of_counts)
    if isinstance(source, Predictions):
        return LoadedInput(add_columns(source, options))
    source = found_at(source, spool, rows_first=rows_first)
    if isinstance(source, (str, Path)):
        path = find_file(local_path(source, "INPUT"), rows_first=rows_first)
        kind = kind_of(path, reading)
        source = path
    elif isinstance(source, (Address, AddressFolder)):
        kind = kind_of(source, reading)
    else:
        kind = _hold(source, reading.kind)
    if kind == "evaluation":
        return _of_report(_read_report(Path(source)), of_counts)
    if kind == "matrix":
        return _of_matrix_input(source, reading, of_counts)
    found = _open_rows(source, reading, spool, may_lack=as_baseline or other_abstains)
    if isinstance(found, Predictions):
        return LoadedInput(add_columns(found, options, reading))
    from reportgen.importers import MatrixInput  # our own files need no reader of matrices

    if isinstance(found, MatrixInput):
        return LoadedInput(None, _of_matrix(found, of_counts), "matrix")
    return LoadedInput(add_columns(found, options, reading))


def _open_rows(source: Any, reading: InputOptions, spool: Path, *, may_lack: bool) -> Any:
    """`may_lack`: without abstentions, all predictions are valid."""
    try:
        return open_input(source, reading, spool=spool)
    except DataError as error:
        if error.slug != "abstain-unknown" or not may_lack:
            raise
        return open_input(source, replace(reading, abstain=()), spool=spool)


def _read_report(path: Path) -> Evaluation:
    from reportgen.importers import read_json

    return Evaluation.from_json(read_json(path))


def _of_matrix_input(source: Any, reading: InputOptions, options: EvaluationOptions) -> LoadedInput:
    from reportgen.importers import read_matrix_any

    return LoadedInput(None, _of_matrix(read_matrix_any(source, reading), options), "matrix")


def _of_report(held: Evaluation, options: EvaluationOptions) -> LoadedInput:
    shown = held.classes if held.class_ids else ()
    return LoadedInput(None, recompute(as_in_data(held), options, shown), "no_predictions", shown)


def add_columns(
    rows: PredictionRows, options: EvaluationOptions, reading: InputOptions | None = None
) -> PredictionRows:
    """The predictions of the requested classes, with the columns of the metadata table.

    `reading` has the text options of the predictions.
    """
    if options.subset_classes is not None:
        from reportgen.importers import restrict_classes

        rows = restrict_classes(rows, options.subset_classes)
    if options.metadata is None:
        return rows
    from reportgen.importers import join_metadata

    require_file(options.metadata, "--metadata")
    joined: PredictionRows = join_metadata(
        rows,
        options.metadata,
        id_column=options.metadata_id,
        text=reading,
        by_ending=options.ids_by_ending,
    )
    return joined


def recompute(
    evaluation: Evaluation, options: EvaluationOptions, shown: Sequence[str] = ()
) -> Evaluation:
    """The evaluation in a ``report.json``, with the user's groups of classes and costs, if given.

    `shown` are the display names of its classes. Its metrics are fixed: raises :class:`UsageError`
    if others are requested.
    """
    refuse_groups(options, "a report.json")
    words = replace(options, hierarchy=None, class_names=None, costs=None).command_words()
    asked = [word for word in words if word.startswith("--")]
    if asked:
        raise UsageError(
            f"{asked[0]} cannot change the metrics of a report.json",
            slug="figures-made",
            hint="pass the predictions or confusion matrix that it was made from",
        )
    if options.costs is not None:
        evaluation = with_costs(evaluation, options.costs, shown)
    if options.hierarchy is None:
        return evaluation
    if evaluation.shares is not None:
        refuse_for_proportions(options)
    return replace(evaluation, hierarchy=read_hierarchy(options.hierarchy, evaluation.classes))


def require_counts(evaluation: Evaluation, what: str, holder: str = "the matrix") -> None:
    """Raise :class:`UsageError` if `what` needs counts, but `holder` has proportions only."""
    if evaluation.shares is not None:
        raise counts_needed(what, holder)


def find_file(path: Path, *, rows_first: bool) -> Path:
    """The file to read for a run's folder, or for a report.json with predictions beside it.

    A pattern of files, or of parts in Hive folders, is returned unchanged. An interrupted
    replacement of a report is completed first, so that no mixture is read.
    """
    refuse_address(path, "INPUT")
    if not _could_exist(path):
        raise DataError(
            f"{quoted(middle_cut(path.name))} can't be read: no file can have that name",
            slug="input-unreadable",
            hint="check the path",
        )
    if is_pattern(path):
        found = matching_files(path)
        below = found[0].relative_to(pattern_root(path)).parent
        if len(found) > 1 or "=" in str(below):
            return path
        path = found[0]
    finish_around(path)
    if path.is_dir():
        names = ["report.json", "predictions.parquet"]
        for name in reversed(names) if rows_first else names:
            if (path / name).is_file():
                return path / name
        _refuse_several(path)
    elif rows_first and path.name == "report.json":
        beside = path.with_name("predictions.parquet")
        return beside if beside.is_file() else path
    return path


def _could_exist(path: Path) -> bool:
    try:
        path.exists()
    except (OSError, ValueError):
        return False
    return True


def _refuse_several(folder: Path) -> None:
    """Refuse the folder of a comparison with several candidates: it is ambiguous."""
    try:
        found = [path.parent for path in folder.glob("*/report.json")]
    except OSError:
        return
    if not found:
        return
    found.sort(key=lambda path: (len(path.name.partition("-")[0]), path.name))  # 2-b before 10-a
    named = [printable(str(path)) for path in found]
    shown = ", ".join(named[:_MOST_NAMED])
    more = f", and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    raise UsageError(
        f"the folder {quoted(folder.name)} contains no report, but "
        f"{plural(len(named), 'report')} in subfolders",
        slug="several-reports",
        hint=f"name {'it' if len(named) == 1 else 'one of'}: {shown}{more}",
    )


def _of_matrix(found: MatrixInput, options: EvaluationOptions) -> Evaluation:
    from reportgen.evaluation import evaluate_proportions
    from reportgen.importers import NormalisedMatrix

    refuse_groups(options, "a confusion matrix")
    if options.subset_classes is not None:
        raise UsageError(
            "--subset-classes needs the scores of each sample, and a confusion matrix has none",
            slug="option-conflict",
            hint="pass the predictions that the matrix was made from, with the scores of all "
            "classes",
        )
    if isinstance(found.matrix, NormalisedMatrix):
        return evaluate_proportions(
            found.matrix, found.classes, found.provenance, found.notes, options
        )
    return evaluate_matrix(found.matrix, found.classes, found.provenance, found.notes, options)


def _hold(source: Any, said: str) -> str:
    """The kind of an object in memory: a table of predictions, or a matrix.

    A cross table, for example, may be either; `said` decides.
    """
    if isinstance(source, (ConfusionMatrix, ConfusionCounter)):
        return "matrix"
    if hasattr(source, "columns") or isinstance(source, Mapping):
        return "matrix" if said == "matrix" else "predictions"
    if isinstance(source, list) or getattr(source, "ndim", 0) == 2:
        return "matrix"
    raise DataError(
        f"a {type(source).__name__} is not a saved input",
        slug="input-kind",
        hint="pass a path, a DataFrame or mapping of columns, a square array of counts, a "
        "ConfusionMatrix or a ConfusionCounter",
    )
