"""From a file, DataFrame or arrays to validated predictions, one named step per line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import display_name
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import TextCells, as_index, plain_label
from reportgen.importers.columns.counted import count_columns
from reportgen.importers.columns.detect import (
    Roles,
    columns_named_after,
    find_roles,
    require_prediction,
)
from reportgen.importers.columns.families import SMALLEST_IS_BEST
from reportgen.importers.columns.held_rows import give_back_after
from reportgen.importers.columns.hits import require_agreement
from reportgen.importers.columns.labels import ClassNames, Reading, read_labels
from reportgen.importers.columns.rankings import folded_rankings, ranking_of
from reportgen.importers.columns.scores import (
    ScoreBlocks,
    Scored,
    not_finite_error,
    read_scores,
    require_unranked,
)
from reportgen.importers.columns.survey import Survey, confidences, ignored_places, take_survey
from reportgen.importers.columns.words import is_called, label_and_prediction
from reportgen.importers.formats.arrays import ArraysTable
from reportgen.importers.formats.cell_lists import CellReader, sample_reader
from reportgen.importers.formats.detecting import format_of
from reportgen.importers.formats.opening import open_table
from reportgen.importers.formats.schemas import class_labels
from reportgen.importers.formats.tables import LIST, NARROW_ROWS, OTHER, TEXT, Table
from reportgen.importers.formats.unfolded import (
    can_hold_lists,
    first_cells,
    unfolded,
    with_score_lists,
)
from reportgen.importers.ground_truth.finding import labelled, reading_of
from reportgen.importers.import_notes import facts_of
from reportgen.importers.matrices.crosstabs import Grid
from reportgen.importers.matrices.long_form import long_grid
from reportgen.importers.matrices.of_tables import grid_of_table
from reportgen.importers.matrices.reading import MatrixInput, matrix_input
from reportgen.importers.row_selection import require_samples_once, select_rows
from reportgen.importers.table_predictions import TablePredictions
from reportgen.options import InputOptions
from reportgen.predictions import Predictions
from reportgen.provenance import DataNote
from reportgen.storage import Address
from reportgen.text import count, listing, plural, printable, quoted, typed

__all__ = [
    "open_others",
]


def open_others(
    source: Any, options: InputOptions, spool: Path
) -> Predictions | TablePredictions | MatrixInput:
    """As :func:`~reportgen.importers.open_input`, for inputs that reportgen did not write."""
    if options.supports is not None:
        raise UsageError(
            "--supports gives the samples of each class to a confusion matrix: a table of "
            "predictions has them",
            slug="option-conflict",
            hint="omit --supports, or read the input with --kind matrix",
        )
    table = open_table(source, options, spool)
    if (grid := _matrix_in(source, table, options)) is not None:
        return matrix_input(grid, table.sha256, _stem(table), options)
    selection = select_rows(table, options)
    table = selection.table
    counted = count_columns(_countable(table), options) if options.labels is None else None
    if counted is not None:
        grid = long_grid(_countable(table), counted)
        grid = replace(grid, told=(*grid.told, *selection.told), notes=selection.notes)
        return matrix_input(grid, table.sha256, _stem(table), options)
    table = _with_rankings(table, options)
    given = _given_classes(table, options)
    truth = labelled(table, options, given.names if given else None, spool)
    if truth is not None:
        before, table = table, truth.table
        options = reading_of(truth, options, before)
        given = given or (ClassNames.checked(*truth.classes) if truth.classes else None)
    found = _open_it(table, given, options, spool)
    if truth is not None:
        found = _told(found, truth.told, truth.notes, truth.facts)
    return _told(found, selection.told, selection.notes)


def _matrix_in(source: Any, table: Table, options: InputOptions) -> Grid | None:
    """The matrix in a file with typed columns; text files are detected by their lines."""
    if not isinstance(source, (str, Path, Address)) or isinstance(table, ArraysTable):
        return None
    if options.kind != "auto" or options.labels is not None:
        return None
    if isinstance(source, (str, Path)) and format_of(Path(source)) == "csv":
        return None
    return grid_of_table(table)


def _stem(table: Table) -> str:
    """The model name, from the file name of the table; empty without a file."""
    return printable(Path(table.name).stem) if table.sha256 else ""


def _told(
    found: TablePredictions,
    told: Sequence[str],
    more: Sequence[DataNote],
    facts: Mapping[str, str] = MappingProxyType({}),
) -> TablePredictions:
    """Add facts about the source of the labels, or the selected rows."""
    made = found.facts.provenance
    read_as = "; ".join((made.read_as, *told))
    made = replace(made, inference={**made.inference, **facts}, read_as=read_as)
    notes = (*found.facts.notes, *more)
    return replace(found, facts=replace(found.facts, provenance=made, notes=notes))


def _open_it(
    table: Table, given: ClassNames | None, options: InputOptions, spool: Path
) -> TablePredictions:
    roles = find_roles(table.name, table.columns, options, given.names if given else None)
    if isinstance(table, ArraysTable):
        table = table.settled(roles.used)
    _require_one_type(table, roles)
    _require_answers(table, roles, options)
    _require_best_first(table, roles)
    as_is = options.labels_are == "names" or _are_wrapped(given)
    silent = roles.prediction is None and roles.scores is None and roles.ranking is None
    asked = replace(roles, confidence=None) if silent else roles  # which type would it be?
    survey = take_survey(
        table, asked, options.ignore_label, options.abstain, folder=spool, as_is=as_is
    )
    require_samples_once(table, roles, options)
    _refuse_header(table, roles, survey, given)
    _refuse_numbers(table, roles, survey, options)
    _require_abstained(table, roles, survey, options)
    roles = _prove(table, roles, survey, options)
    require_prediction(roles, table.name, table.columns, sorted(survey.labels.counts))
    if roles.scores is None:
        return _read_unscored(table, roles, survey, given, options)
    return _read_scored(table, roles, survey, given, options, spool)


def _are_wrapped(given: ClassNames | None) -> bool:
    """Whether classes are named ``[0]`` or similar; such cells are then names."""
    return given is not None and any(plain_label(name) != name for name in given.names)


def _countable(table: Table) -> Table:
    """The table with a known number of rows; for arrays, those as long as the first."""
    if not isinstance(table, ArraysTable) or not table.columns:
        return table
    single = [c.name for c in table.columns.values() if c.kind not in (LIST, OTHER)]
    return table.settled(single[:1]) if single else table


def _with_rankings(table: Table, options: InputOptions) -> Table:
    """The table with lists in cells unfolded: top classes to columns, text to lists of numbers."""
    if isinstance(table, ArraysTable):
        return table
    label, prediction = label_and_prediction(
        list(table.columns), options.label_column, options.prediction_column
    )
    if options.labels is not None and options.label_column is None:
        label = None  # a column of that name contains predictions
    if options.scores_columns is None:
        wide = unfolded(
            table, folded_rankings(table.columns, {label}), _best_classes(table, label, prediction)
        )
        if ranking_of(wide.columns, {label}) is not None:
            return wide
    named = options.scores_columns
    wanted = [
        c.name
        for c in table.columns.values()
        if c.kind == TEXT
        and c.name != label
        and (c.name == named if named is not None else _may_be_scores(c.name, options))
    ]
    return with_score_lists(table, wanted)


def _may_be_scores(column: str, options: InputOptions) -> bool:
    roles = ("scores", "prediction", "confidence")
    given = (options.prediction_column, options.confidence_column, options.id_column)
    return column not in given and any(is_called(column, role) for role in roles)


def _best_classes(
    table: Table, label: str | None, prediction: str | None
) -> Mapping[str, CellReader]:
    """The prediction column, if its cells are lists of the top classes of each sample."""
    if label not in table.columns or prediction not in table.columns or label == prediction:
        return {}
    columns = (str(label), str(prediction))
    kinds = [table.columns[name].kind for name in columns]
    if kinds[0] in (LIST, OTHER) or kinds[1] == LIST or not can_hold_lists(table, columns[1]):
        return {}
    labels, cells = first_cells(table, *columns)
    read = sample_reader(cells, list(map(str, labels)))
    return {} if read is None else {columns[1]: read}


def _given_classes(table: Table, options: InputOptions) -> ClassNames | None:
    if (given := ClassNames.given(options)) is not None:
        return given
    if isinstance(table, ArraysTable) and (found := table.class_names()):
        return ClassNames.checked(found[0], f"the array {quoted(found[1])} of {table.name}")
    return _names_in_schema(table, options)


def _names_in_schema(table: Table, options: InputOptions) -> ClassNames | None:
    """The class list in the schema of a Hugging Face label column; both columns must agree."""
    known = class_labels(table)
    if not known:
        return None
    columns = label_and_prediction(
        list(table.columns), options.label_column, options.prediction_column
    )
    lists = {c: known[c] for c in columns if c and c in known}
    if not lists:
        return None
    if len(set(lists.values())) > 1:
        one, other = (quoted(str(column)) for column in lists)
        raise DataError(
            f"the columns {one} and {other} of {quoted(table.name)} have different class lists",
            slug="classes-differ",
            hint="pass the class list of both with --classes FILE",
        )
    column, names = next(iter(lists.items()))
    return ClassNames.checked(names, f"the names of column {column} in {table.name}")


def _require_one_type(table: Table, roles: Roles) -> None:
    """Refuse a typed column with both 1 and "cat": one of them is an accident."""
    for role, name in (("label", roles.label), ("prediction", roles.prediction)):
        if name is not None and (both := table.columns[name].mixed):
            raise DataError(
                f"the {role}s of {quoted(table.name)} are text and numbers: {both}",
                slug="labels-mixed",
                hint="write all of them as text, or all as indices",
            )


def _require_answers(table: Table, roles: Roles, options: InputOptions) -> None:
    if options.abstain and roles.prediction is None:
        raise UsageError(
            f"--abstain needs a prediction column, and {quoted(table.name)} has none",
            slug="option-conflict",
            hint="specify it with --prediction-column, or omit --abstain",
        )


def _require_best_first(table: Table, roles: Roles) -> None:
    """Refuse top-k columns whose first class is not the most probable, as an argsort gives them."""
    ranking = roles.ranking
    if ranking is None or len(ranking.confidences) < 2 or roles.prediction != ranking.classes[0]:
        return
    ends, n, start = [ranking.confidences[0], ranking.confidences[-1]], 0, 0
    for batch in table.batches(ends, NARROW_ROWS):
        first, last = (
            confidences(table, name, column, start)
            for name, column in zip(ends, batch.columns, strict=True)
        )
        n, start = n + int(np.count_nonzero(first < last)), start + len(batch)
    if n == 0:
        return
    turned = f"--prediction-column {typed(ranking.classes[-1])}"
    raise DataError(
        f"in {count(n)} of {count(start)} rows of {quoted(table.name)} {quoted(ends[0])} is below "
        f"{quoted(ends[1])}: the best class is not the first",
        slug="scores-order",
        hint=f"if it is the last: {turned}"
        if n == start
        else "write the best class of each row first",
    )


def _require_best_found_first(
    table: Table, roles: Roles, ranks: NDArray[np.int32] | None, n_rows: int
) -> None:
    """Refuse top-k columns whose last class is the label much more often than the first."""
    if roles.ranking is None or ranks is None or roles.prediction is None:
        return
    last = len(roles.ranking.classes)
    n_first, n_last = (int(np.count_nonzero(ranks == place)) for place in (1, last))
    if n_rows < _FEWEST_DIFFERING or 2 * n_last < n_rows or n_last < 2 * n_first:
        return
    column = roles.ranking.classes[-1]
    if column in getattr(table, "base", table).columns:
        turned = f"if the best class is the last: --prediction-column {typed(column)}"
    else:  # lists in cells
        turned = "write the best class of each row first"
    raise DataError(
        f"the label is the last of the top classes in {count(n_last)} of {count(n_rows)} rows of "
        f"{quoted(table.name)}, and the first in {count(n_first)}",
        slug="scores-order",
        hint=f"{turned}; if the first is the prediction: --labels-are names",
    )


def _require_abstained(table: Table, roles: Roles, survey: Survey, options: InputOptions) -> None:
    if not options.abstain or survey.n_abstained:
        return
    raise DataError(
        f"no prediction of {quoted(table.name)} is {listing(map(quoted, options.abstain))} "
        "(--abstain)",
        slug="abstain-unknown",
        details=[
            f"column {quoted(roles.prediction or '')} contains {listing(survey.predictions.counts)}"
        ],
        hint="correct the value, or omit --abstain if every sample has a prediction",
    )


def _refuse_header(table: Table, roles: Roles, survey: Survey, given: ClassNames | None) -> None:
    """Refuse a header among the rows, as in files that were joined: it would be a sample.

    Its columns may be in another order. Where both names are in the class list, they are classes.
    """
    label, prediction = roles.label, roles.prediction
    if prediction is None:
        return
    names = {label, prediction}
    if not names & set(survey.labels.counts) or not names & set(survey.predictions.counts):
        return
    if given is not None and names <= set(given.names):
        return
    start, of_label, of_prediction = 0, TextCells(), TextCells()
    for batch in table.batches([label, prediction], NARROW_ROWS):
        columns = zip((of_label, of_prediction), batch.columns, strict=True)
        which = [
            np.array([1 if text == label else 2 if text == prediction else 0 for text in texts])[at]
            for read, column in columns
            for texts, at in [read(column)]
        ]
        if len(rows := np.flatnonzero(which[0] + which[1] == 3)):  # one of each
            raise DataError(
                f"{table.place(start + int(rows[0]))} of {quoted(table.name)} contains the names "
                "of the columns again",
                slug="table-header",
                hint="keep the header in the first line only; if these are classes, list all of "
                "them with --classes",
            )
        start += len(batch)


def _refuse_numbers(table: Table, roles: Roles, survey: Survey, options: InputOptions) -> None:
    """Refuse probabilities in the prediction column, as Keras returns for two classes."""
    texts = list(survey.predictions.counts)
    if options.labels_are != "auto" or roles.prediction is None or not texts:
        return
    if any(as_index(text) is None for text in survey.labels.counts):
        return
    numbers = [_unit_number(text) for text in texts]
    if None in numbers or all(as_index(text) is not None for text in texts):
        return
    column = typed(roles.prediction)
    raise DataError(
        f"column {quoted(roles.prediction)} of {quoted(table.name)} contains probabilities, not "
        "predicted classes",
        slug="predictions-scores",
        details=[f"such as {quoted(texts[0])}"],
        hint=f"if they are those of the second of two classes: --scores-columns {column} "
        "--prediction-column none",
    )


def _unit_number(text: str) -> float | None:
    """A number in 0..1, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _refuse_second_score(
    table: Table, roles: Roles, survey: Survey, reading: Reading, options: InputOptions
) -> None:
    """Refuse a confidence below 0.5 for two classes: it is usually the score of one class.

    The hint has the options that say which.
    """
    if not survey.n_below_half or len(reading.classes.names) != 2 or roles.confidence is None:
        return
    if options.confidence_column is not None:
        return
    column = typed(roles.confidence)
    raise DataError(
        f"column {quoted(roles.confidence)} of {quoted(table.name)} is below 0.5 in "
        f"{plural(survey.n_below_half, 'row')}, so it is not the probability of the prediction",
        slug="confidence-second",
        details=[f"the classes are {listing(reading.classes.names)}"],
        hint=f"if it is the score of one class: --scores-columns {column} --classes FILE, with "
        "that class second in FILE; if not: --confidence-column none",
    )


def _n_kept(table: Table, survey: Survey) -> int:
    """Number of rows that are evaluated: with a label that is not ignored, and a prediction."""
    return table.n_rows - survey.n_ignored - survey.n_unlabelled - survey.n_abstained


def _prove(table: Table, roles: Roles, survey: Survey, options: InputOptions) -> Roles:
    """Keep the candidate score columns that the labels confirm."""
    if roles.ranking is not None:
        return roles
    labels = {display_name(text) for text in survey.labels.counts}
    numbered = all(as_index(text) is not None for text in survey.labels.counts)
    scores = roles.scores
    if scores is not None and scores.names is not None and scores.width is not None:
        mapped = len(scores.columns) == 1 and scores.width > 1  # objects have no order
        if mapped and options.classes is None and numbered and not labels <= set(scores.names):
            raise _no_class_of_scores(table, labels, scores.names)
    if roles.unproven and scores is not None and scores.names is not None:
        named = labels <= {display_name(name) for name in scores.names}
        if named or (numbered and _are_numbered(scores.names, options.label_base)):
            return roles
        if roles.prediction is None:
            raise _no_class_of_scores(table, labels, scores.names)
        return find_roles(table.name, table.columns, replace(options, scores_columns="none"), None)
    derived = options.scores_columns is None and options.classes is None and scores is None
    if derived and len(labels) > 1:
        taken: set[str | None] = {roles.label, roles.prediction, roles.id}
        found = columns_named_after(sorted(labels), table.columns, taken)
        if found is not None:
            return replace(roles, scores=found, confidence=None)
    return roles


def _are_numbered(names: Sequence[str], base: int) -> bool:
    """Whether the names are exactly the possible label indices."""
    numbers = sorted(-1 if (n := as_index(name)) is None else n for name in names)
    return numbers == list(range(base, base + len(names)))


def _no_class_of_scores(table: Table, labels: set[str], names: Sequence[str]) -> DataError:
    missing = sorted(labels - set(map(display_name, names)))
    return DataError(
        f"the label {quoted(missing[0])} of {quoted(table.name)} has no score column",
        slug="scores-classes",
        details=[f"the score columns are those of {listing(names, 10)}"],
        hint="pass the class names, in the order of their numbers, with --classes FILE"
        if _are_numbered(names, 0)
        or _are_numbered(names, 1)
        or all(as_index(label) is not None for label in labels)
        else "specify the scores of all classes with --scores-columns NAMES, or the predictions "
        "with --prediction-column NAME",
    )


def _place(table: Table, roles: Roles, ignore: str | None) -> Any:
    """("label" or "prediction", text) → location of the first such cell."""

    def find(role: str, text: str) -> str:
        column = roles.label if role == "label" else roles.prediction
        assert column is not None
        start = 0
        of_label, of_column = TextCells(), TextCells()
        for batch in table.batches(list(dict.fromkeys([roles.label, column])), NARROW_ROWS):
            texts, places = of_column(batch.column(column))
            wanted = np.array([text in (t, plain_label(t)) for t in texts])[places]
            texts, places = of_label(batch.column(roles.label))
            if (ignored := ignored_places(texts, ignore)) is not None:
                wanted &= ~ignored[places]
            if len(at := np.flatnonzero(wanted)):
                return table.place(start + int(at[0]))
            start += len(batch)
        return quoted(table.name)

    return find


def _read(
    table: Table,
    roles: Roles,
    survey: Survey,
    given: ClassNames | None,
    options: InputOptions,
    n_scores: int | None = None,
) -> Reading:
    return read_labels(
        survey.labels.counts,
        survey.predicted(),
        given,
        n_scores=n_scores,
        labels_are=options.labels_are,
        base=options.label_base,
        place=_place(table, roles, options.ignore_label),
    )


def _read_unscored(
    table: Table,
    roles: Roles,
    survey: Survey,
    given: ClassNames | None,
    options: InputOptions,
) -> TablePredictions:
    reading = _read(table, roles, survey, given, options)
    _refuse_second_score(table, roles, survey, reading, options)
    n_bad = survey.n_without_confidence
    if n_bad > options.max_bad:
        places = [table.place(row) for row in survey.without_confidence[:5]]
        raise not_finite_error(n_bad, places, options.max_bad, "no finite confidence")
    n_rows = _n_kept(table, survey) - n_bad
    labels = survey.labels.taken_as(reading.labels)
    predictions = survey.predictions.taken_as(reading.predictions)
    ranks = _ranks(survey, reading, labels)
    if options.prediction_column is None and options.labels_are == "auto":
        _require_best_found_first(table, roles, ranks, n_rows)
    _refuse_shifted(table, survey, (labels, predictions), reading, options)
    _require_one_right(table, labels, predictions, n_rows, options)
    require_agreement(table, roles, labels, predictions, options)
    return TablePredictions(
        table, roles, facts_of(table, roles, survey, reading, options), n_rows,
        labels, predictions, survey.confidence, ranks=ranks,
    )  # fmt: skip


_OFTEN = 10
"""As many times more samples are one class off than right, if they are numbered differently."""


_FEWEST_DIFFERING = 10
"""With fewer rows, labels and predictions may differ like this by chance."""


def _refuse_shifted(
    table: Table,
    survey: Survey,
    rows: tuple[NDArray[Any], NDArray[Any]],
    reading: Reading,
    options: InputOptions,
) -> None:
    """Refuse labels and predictions that seem to be numbered from different bases.

    Label and prediction of most samples differ by 1, and so do their ranges at both ends, or almost
    no prediction is right.
    """
    if options.labels_are != "auto" or options.classes is not None:
        return
    names = [as_index(name) for name in reading.classes.names]
    first = names[0] or 0
    of_labels, of_predictions = (
        [as_index(text) for text, n in values.counts.items() if n]
        for values in (survey.labels, survey.predictions)
    )
    numbers = [n for n in of_labels if n is not None], [n for n in of_predictions if n is not None]
    if names != list(range(first, first + len(names))) or not all(numbers):
        return
    n, above = _n_kept(table, survey), _labels_above(*rows)
    step = max((1, -1), key=above.__getitem__)
    if n < _FEWEST_DIFFERING or 2 * above[step] <= n:
        return
    ends = min(numbers[0]) - min(numbers[1]), max(numbers[0]) - max(numbers[1])
    if ends != (step, step) and above[0] * _OFTEN > above[step]:
        return
    later = "label" if step > 0 else "prediction"
    raise UsageError(
        f"in {quoted(table.name)} the {later}s seem to be counted from another number: "
        f"{count(above[step])} of {plural(n, 'row')} have the {later} one above the other",
        slug="labels-shifted",
        details=[f"{count(above[0])} have the same number in both"],
        hint=f"subtract 1 from the {later}s in the table; if both are counted alike: "
        "--labels-are indices",
    )


def _require_one_right(
    table: Table,
    labels: NDArray[Any],
    predictions: NDArray[Any],
    n_rows: int,
    options: InputOptions,
) -> None:
    """Refuse a table without a correct prediction: it may contain the errors only."""
    if n_rows < _FEWEST_DIFFERING or options.labels_are != "auto" or options.classes is not None:
        return
    for start in range(0, len(labels), NARROW_ROWS):
        rows = slice(start, start + NARROW_ROWS)
        if ((labels[rows] >= 0) & (labels[rows] == predictions[rows])).any():
            return
    raise DataError(
        f"no prediction of {quoted(table.name)} is correct, in {count(n_rows)} rows",
        slug="predictions-wrong",
        details=["a table of errors, such as errors.csv, lacks the correct predictions"],
        hint="pass the predictions of all samples; if these are all: --labels-are names",
    )


def _labels_above(labels: NDArray[Any], predictions: NDArray[Any]) -> Mapping[int, int]:
    """Difference of label and prediction → number of rows, for -1, 0 and 1."""
    counts = dict.fromkeys((-1, 0, 1), 0)
    for start in range(0, len(labels), NARROW_ROWS):
        label, prediction = (
            values[start : start + NARROW_ROWS].astype(np.int64) for values in (labels, predictions)
        )
        above = (label - prediction)[label >= 0]
        for step in counts:
            counts[step] += int(np.count_nonzero(above == step))
        give_back_after(start, NARROW_ROWS, labels, predictions)
    return counts


def _ranks(survey: Survey, reading: Reading, labels: NDArray[Any]) -> NDArray[np.int32] | None:
    """The rank of each row's label among its top classes, from 1, shape (N,).

    The number of classes if the label is not among them; 0 for an excluded row.
    """
    if not survey.ranked:
        return None
    ranks = np.full(len(labels), len(reading.classes.names), np.int32)
    for place in range(len(survey.ranked), 0, -1):
        found = survey.ranked[place - 1].taken_as(reading.predictions)
        ranks[found == labels] = place
    ranks[labels < 0] = 0
    return ranks


def _read_scored(
    table: Table,
    roles: Roles,
    survey: Survey,
    given: ClassNames | None,
    options: InputOptions,
    spool: Path,
) -> TablePredictions:
    assert roles.scores is not None
    blocks = ScoreBlocks.of(table, roles.scores)
    given, order = _score_classes(blocks, given, options.label_base)
    n_scores = blocks.width if given is None else None
    reading = _read(table, roles, survey, given, options, n_scores)
    blocks = replace(blocks, order=order)
    names = blocks.columns.names
    if options.scores_columns is None and (
        names is None or _are_numbered(names, options.label_base)
    ):
        require_unranked(blocks)
    labels = survey.labels.taken_as(reading.labels)
    predictions = survey.predictions.taken_as(reading.predictions) if roles.prediction else None
    kind, scored = read_scores(blocks, options.outputs, labels, predictions, spool)
    _refuse_other_order(table, scored, len(reading.classes.names), options)
    if roles.prediction is None and options.outputs == "auto":
        n_rows = _n_kept(table, survey) - scored.n_not_finite
        _refuse_inverted(table, scored, n_rows, kind.kind)
    require_agreement(table, roles, scored.labels, scored.predictions, options)
    if scored.n_not_finite > options.max_bad:
        places = [table.place(row) for row in scored.not_finite[:5]]
        what = "scores that are not finite"
        raise not_finite_error(scored.n_not_finite, places, options.max_bad, what)
    return TablePredictions(
        table,
        roles,
        facts_of(table, roles, survey, reading, options, scored, kind, blocks.width),
        _n_kept(table, survey) - scored.n_not_finite,
        scored.labels,
        scored.predictions,
        None,
        scored,
        blocks,
        kind.kind,
    )


def _refuse_other_order(
    table: Table, scored: Scored, n_classes: int, options: InputOptions
) -> None:
    """Refuse scores whose largest is not the prediction in most rows: their order is another one.

    For two classes, a decision threshold of the user may cause many such rows.
    """
    most = 0.9 if n_classes == 2 else 0.5
    n = scored.n_differing
    if n < _FEWEST_DIFFERING or n <= most * table.n_rows or options.scores_columns is not None:
        return
    raise DataError(
        f"in {count(n)} of {count(table.n_rows)} rows of {quoted(table.name)} the prediction is "
        "not the class of the largest score",
        slug="scores-order",
        details=["the scores seem to be in another order than the classes"],
        hint="give the classes in the order of the scores with --classes FILE; without the scores: "
        "--scores-columns none",
    )


_MOSTLY = 0.9


def _refuse_inverted(table: Table, scored: Scored, n: int, kind: str) -> None:
    """Refuse scores of which the smallest is that of the label much more often than the largest.

    `n` is the number of rows.
    """
    n_right, n_last = scored.n_right, scored.n_last
    often = 0.5 if scored.n_classes > 2 else _MOSTLY
    if n < _FEWEST_DIFFERING or n_last < often * n or n_last < 2 * n_right:
        return
    raise UsageError(
        f"in {count(n_last)} of {plural(n, 'row')} of {quoted(table.name)} the label has the "
        f"smallest score, and in {count(n_right)} the largest",
        slug="scores-inverted",
        details=["distances and losses are smallest for the predicted class"],
        hint=f"{SMALLEST_IS_BEST}; if the largest is the prediction: --outputs {kind}",
    )


def _score_classes(
    blocks: ScoreBlocks, given: ClassNames | None, base: int
) -> tuple[ClassNames | None, tuple[int, ...] | None]:
    """The class list, and the index of each class's score; None if they are already in order.

    Raises :class:`DataError` if the class list and the scores differ.
    """
    table, names, width = blocks.table, blocks.columns.names, blocks.width
    if names is not None and _are_numbered(names, base):
        numbers = [as_index(name) or 0 for name in names]
        order = sorted(range(width), key=numbers.__getitem__)
        names = None
    else:
        order = list(range(width))
    if given is None:
        if names is None:
            return None, _order(order)
        source = f"the score columns of {table.name}"
        return ClassNames.checked(names, source), _order(order)
    if names is None:
        n = len(given.names)
        if width != n and not (width == 1 and n == 2):
            raise DataError(
                f"{quoted(table.name)} has {count(width)} scores per sample, the class list has "
                f"{count(n)} classes",
                slug="classes-count",
                details=[f"the class list is {given.source}"],
                hint="pass the class list of the model that produced the scores with --classes "
                "FILE",
            )
        return given, _order(order)
    place = {display_name(name): i for i, name in enumerate(names)}
    if set(place) != set(given.names):
        raise _other_classes(table, given, list(place))
    return given, _order([place[name] for name in given.names])


def _order(places: list[int]) -> tuple[int, ...] | None:
    return None if places == list(range(len(places))) else tuple(places)


def _other_classes(table: Table, given: ClassNames, names: Sequence[str]) -> DataError:
    missing = [name for name in given.names if name not in names]
    extra = [name for name in names if name not in given.names]
    return DataError(
        f"the score columns of {quoted(table.name)} do not match the class list",
        slug="scores-classes",
        details=[
            *([f"classes without scores: {listing(missing)}"] if missing else []),
            *([f"scores without a class: {listing(extra)}"] if extra else []),
        ],
        hint="pass the class list of the model that produced the scores, or name the columns with "
        "--scores-columns",
    )
