"""Detects the role of each column, and surveys the whole table before it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import (
    NO_LABEL,
    TextCells,
    as_index,
    not_a_number,
    numbers,
    plain_label,
    smallest,
)
from reportgen.importers.columns.families import (
    SMALLEST_IS_BEST,
    are_score_words,
    templates,
    word_for_distances,
)
from reportgen.importers.columns.held_rows import give_back_after, held_rows
from reportgen.importers.columns.rankings import Ranking, ranking_of
from reportgen.importers.columns.words import (
    COMMON_NAMES,
    SCORE_PREFIXES,
    folded,
    is_called,
    several_columns,
    task_pairs,
)
from reportgen.importers.formats.tables import (
    LIST,
    NARROW_ROWS,
    NUMBER,
    OTHER,
    TEXT,
    Column,
    Table,
    is_unnamed,
)
from reportgen.options import NONE, InputOptions
from reportgen.text import listing, nearest, printable, quoted, typed

__all__ = [
    "MAX_VALUES",
    "Roles",
    "ScoreColumns",
    "Survey",
    "columns_named_after",
    "confidences",
    "delimiter_hint",
    "find_id",
    "find_prefixed_classes",
    "find_roles",
    "ignored_places",
    "missing_column",
    "require_prediction",
    "take_survey",
]


_MOST_PAIRS = 3


_RARE_MARKS = ":^~§¦"


_SPLIT = ("label", "prediction", "id")


_FILE = re.compile(r"\.(?:jpe?g|png|bmp|gif|tiff?|webp|npy|dcm)$|[/\\]", re.IGNORECASE)


@dataclass(frozen=True)
class ScoreColumns:
    """The columns with the scores of all classes.

    Attributes
    ----------
    columns
        One column of lists, or one column per class.
    names
        The class that each score is named after; None for scores without names.
    width
        Scores per sample; None for lists until they are read.
    hint
        ``"logits"``, ``"probabilities"`` or ``"log-probabilities"`` by the column names, else
        empty.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...] | None
    width: int | None
    hint: str = ""


@dataclass(frozen=True)
class Roles:
    """The columns with a role.

    Attributes
    ----------
    unproven
        Whether the score columns were found by their common prefix only: the labels must confirm
        the class names after it.
    spare
        Confidence columns beside scores: redundant, and not used for slices.
    ranking
        The top-k classes of each sample, if the table has those instead of all scores.
    """

    label: str
    prediction: str | None
    id: str | None
    confidence: str | None
    scores: ScoreColumns | None
    unproven: bool = False
    spare: tuple[str, ...] = ()
    ranking: Ranking | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """All columns with a role."""
        single = (self.label, self.prediction, self.id, self.confidence)
        some = [name for name in single if name is not None]
        ranked = self.ranking.columns if self.ranking else ()
        scores = self.scores.columns if self.scores else ()
        return tuple(dict.fromkeys((*some, *scores, *ranked, *self.spare)))

    def rest(self, columns: Mapping[str, Column], *, usable: bool) -> tuple[str, ...]:
        """The columns without a role: usable ones as metadata, or, if not `usable`, the others."""
        return tuple(
            c.name
            for c in columns.values()
            if c.name not in self.used
            and (c.kind not in (LIST, OTHER) and not is_unnamed(c.name)) == usable
        )


def find_roles(
    name: str, columns: Mapping[str, Column], options: InputOptions, classes: Sequence[str] | None
) -> Roles:
    """Find the roles of the columns of a table named `name`.

    `classes` is the class list, if already known.

    Raises
    ------
    UsageError
        ``column-ambiguous``: two columns could have the same role, and the user named neither.
    DataError
        ``table-columns``: the label or a named column is missing; ``column-kind``: its cells can't
        have that role.
    """
    finder = _Finder(name, columns, options)
    label = finder.required("label", options.label_column)
    taken: set[str | None] = {label}
    prediction = finder.optional("prediction", options.prediction_column, taken)
    ranking = None if options.scores_columns else ranking_of(columns, taken)
    if ranking is not None:
        return finder.ranked(label, prediction, ranking)
    scores = finder.scores(classes, taken | {prediction})
    if prediction == label:
        raise UsageError(
            f"column {quoted(label)} can't be both the label and the prediction",
            slug="column-ambiguous",
            hint="specify two columns: --label-column and --prediction-column",
        )
    taken |= {prediction, *(scores.columns if scores else ())}
    sample_id = finder.optional("id", options.id_column, taken)
    confidence = None
    if scores is None:
        confidence = finder.optional("confidence", options.confidence_column, taken | {sample_id})
    guessed = scores is not None and options.scores_columns is None and len(scores.columns) > 1
    unproven = guessed and classes is None
    beside = scores is not None and options.confidence_column is None
    known = [column for column in columns if folded(column) in ("confidence", "conf")]
    spare = tuple(column for column in known if column not in taken | {sample_id}) if beside else ()
    return Roles(label, prediction, sample_id, confidence, scores, unproven, spare)


def require_prediction(
    roles: Roles, name: str, columns: Mapping[str, Column], labels: Sequence[str]
) -> None:
    """Refuse a table with labels but without predictions."""
    if roles.prediction is None and roles.scores is None:
        finder = _Finder(name, columns, InputOptions())
        also = (
            _score_family(roles, columns, labels)
            or _numbered_class(roles, columns)
            or _lone_score(roles, columns)
        )
        raise finder.missing("prediction", "--prediction-column", also=also)


def _score_family(roles: Roles, columns: Mapping[str, Column], labels: Sequence[str]) -> str:
    """The score columns named after the labels, in words that do not mark them as scores."""
    free = _free(columns, {roles.label, roles.id})
    around = next(templates(labels, free), None)
    if around is None or "*" in around.before + around.behind:
        return ""
    if word_for_distances(f"{around.before} {around.behind}") is not None:
        return f"; {SMALLEST_IS_BEST}"
    pattern = typed(f"{around.before}*{around.behind}")
    return f"; if these are scores of the classes: --scores-columns {pattern}"


def _numbered_class(roles: Roles, columns: Mapping[str, Column]) -> str:
    """The column ``index`` beside a probability: timm's top class of each sample."""
    if "index" not in columns or roles.confidence is None or roles.id == "index":
        return ""
    return '; if "index" contains the predicted classes: --prediction-column index'


def _lone_score(roles: Roles, columns: Mapping[str, Column]) -> str:
    """Hint for a single numeric column without a prediction column."""
    named = [column for column in columns if folded(column) in COMMON_NAMES["scores"]]
    others = [
        column for column in _free(columns, {roles.label, roles.id}) if not is_unnamed(column)
    ]
    column = roles.confidence or next(iter(named or (others if len(others) == 1 else ())), None)
    if column is None:
        return ""
    return (
        f"; if {quoted(column)} contains the score of the second of two classes: "
        f"--scores-columns {typed(column)}"
    )


def find_id(
    name: str, columns: Mapping[str, Column], given: str | None, flag: str, prefer: str | None
) -> str:
    """The id column of a table named `name`, other than a table of predictions.

    `given` is the name the user passed with `flag`; `prefer` takes precedence over the common
    names. Raises :class:`DataError` (``table-columns``, ``column-kind``) if there is no such
    column.
    """
    finder = _Finder(name, columns, InputOptions())
    if given is not None:
        return finder.single("id", finder.named(given, flag))
    if prefer is not None and prefer in columns:
        return finder.single("id", prefer)
    found = finder.optional("id", None, set())
    if found is None:
        raise finder.missing("id", flag)
    return found


def missing_column(name: str, columns: Mapping[str, Column], role: str, flag: str) -> DataError:
    """The error for a table without a column for `role`."""
    return _Finder(name, columns, InputOptions()).missing(role, flag)


def columns_named_after(
    classes: Sequence[str], columns: Mapping[str, Column], taken: set[str | None]
) -> ScoreColumns | None:
    """One column per class, named after it.

    The name is that of the class, with or without a prefix such as ``prob_``; or in score words
    such as ``P(cat)`` or ``cat_prob``, then with the columns of further classes in the same words.
    """
    free = _free(columns, taken)
    for prefix in ("", *SCORE_PREFIXES):
        by_class = {
            name[len(prefix) :].strip(): name for name in free if name.lower().startswith(prefix)
        }
        if len(classes) > 1 and all(name in by_class for name in classes):
            found = tuple(by_class[name] for name in classes)
            return ScoreColumns(found, tuple(classes), len(found), _hint(prefix))
    for around in templates(classes, free):
        if are_score_words(around):
            family = around.family(free)
            names = tuple(family)
            return ScoreColumns(tuple(family.values()), names, len(names), _hint(around.before))
    return None


def _free(columns: Mapping[str, Column], taken: set[str | None]) -> list[str]:
    return [c.name for c in columns.values() if c.name not in taken and c.kind in (NUMBER, TEXT)]


def find_prefixed_classes(columns: Mapping[str, Column]) -> tuple[str, ...] | None:
    """The classes in the names of score columns with a common prefix; None without such columns."""
    found = _Finder("", columns, InputOptions()).prefixed(set())
    return found.names if found else None


@dataclass(frozen=True)
class _Finder:
    name: str
    columns: Mapping[str, Column]
    options: InputOptions

    def required(self, role: str, given: str | None) -> str:
        found = self.optional(role, given, set())
        if found is None:
            raise self.missing(role, _flag(role))
        return found

    def optional(self, role: str, given: str | None, taken: set[str | None]) -> str | None:
        if given is not None:
            if given == NONE and NONE not in self.columns and role != "label":
                return None
            return self.single(role, self.named(given, _flag(role)))
        known = COMMON_NAMES[role]
        found = [
            c.name
            for c in self.columns.values()
            if folded(c.name) in known and c.name not in taken and c.kind not in (LIST, OTHER)
        ]
        if len(found) > 1 and role == "id":  # no number depends on it: the more common name wins
            found = sorted(found, key=lambda column: known.index(folded(column)))[:1]
        if len(found) > 1:
            what = f"columns that could be the {role}"
            raise several_columns(quoted(self.name), found, what, _flag(role))
        return found[0] if found else None

    def ranked(self, label: str, prediction: str | None, ranking: Ranking) -> Roles:
        """The roles in a table of top-k columns; the first one is the default prediction."""
        taken = {label, prediction, *ranking.columns}
        sample_id = self.optional("id", self.options.id_column, taken)
        first = next(iter(ranking.confidences), None)
        confidence = self.optional(
            "confidence", self.options.confidence_column, taken | {sample_id}
        )
        if confidence is None and self.options.confidence_column is None:
            confidence = first
        return Roles(
            label, prediction or ranking.classes[0], sample_id, confidence, None, ranking=ranking
        )

    def scores(self, classes: Sequence[str] | None, taken: set[str | None]) -> ScoreColumns | None:
        given = self.options.scores_columns
        if given == NONE:
            return None
        if given is not None:
            return self._given_scores(given)
        lists = [
            c
            for c in self.columns.values()
            if c.kind == LIST
            and c.name not in taken
            and (is_called(c.name, "scores") or is_called(c.name, "confidence"))
        ]
        if len(lists) > 1:
            raise several_columns(
                quoted(self.name),
                [c.name for c in lists],
                "columns that could be the scores",
                "--scores-columns",
            )
        lists = lists or self._lists_of_predictions(taken)
        if lists:
            return _of_lists(lists[0])
        if classes is None:
            return self.prefixed(taken)
        if found := columns_named_after(classes, self.columns, taken):
            return found
        base = self.options.label_base
        for first in (base, 1 - base):  # prob_1, … beside labels from 0
            numbers = [str(i) for i in range(first, first + len(classes))]
            if numbered := columns_named_after(numbers, self.columns, taken):
                return replace(numbered, names=None)
        return None

    def _lists_of_predictions(self, taken: set[str | None]) -> list[Column]:
        """The only list column with a prediction name: Keras and Transformers name scores so."""
        found = [
            c
            for c in self.columns.values()
            if c.kind == LIST and is_called(c.name, "prediction") and c.name not in taken
        ]
        return found if len(found) == 1 else []

    def prefixed(self, taken: set[str | None]) -> ScoreColumns | None:
        """Columns with a common score prefix, to be confirmed by the labels."""
        free = [c.name for c in self.columns.values() if c.name not in taken]
        for prefix in SCORE_PREFIXES:
            found = tuple(n for n in free if n.lower().startswith(prefix) and len(n) > len(prefix))
            if len(found) > 1:
                names = tuple(name[len(prefix) :].strip() for name in found)
                return ScoreColumns(found, names, len(found), _hint(prefix))
        return None

    def _given_scores(self, given: str | tuple[str, ...]) -> ScoreColumns:
        flag = "--scores-columns"
        if isinstance(given, str) and ("*" in given or "?" in given) and given not in self.columns:
            found = tuple(c for c in self.columns if fnmatchcase(c, given))
            if not found:
                raise self._unknown(given, flag)
        elif isinstance(given, str) and given not in self.columns:
            found = tuple(self.named(part.strip(), flag) for part in given.split(","))
        else:
            found = tuple(
                self.named(c, flag) for c in ([given] if isinstance(given, str) else given)
            )
        if len(found) == 1 and self.columns[found[0]].kind == LIST:
            return _of_lists(self.columns[found[0]])
        for column in found:
            self.single("score", column)
        shared, behind = _shared_parts(given, found)
        stop = -len(behind) or None
        names = tuple(column[len(shared) : stop].strip() for column in found)
        named = names if len(found) > 1 and all(names) else None
        return ScoreColumns(found, named, len(found), _hint(shared.lower() or found[0].lower()))

    def named(self, column: str, flag: str) -> str:
        if column not in self.columns:
            raise self._unknown(column, flag)
        return column

    def single(self, role: str, column: str) -> str:
        if self.columns[column].kind in (LIST, OTHER):
            raise DataError(
                f"column {quoted(column)} of {quoted(self.name)} can't be the {role}: its cells "
                f"are {'lists' if self.columns[column].kind == LIST else 'no single values'}",
                slug="column-kind",
                hint="name a column of text or numbers",
            )
        return column

    def _unknown(self, column: str, flag: str) -> DataError:
        meant = nearest(column, list(self.columns))
        return DataError(
            f"{quoted(self.name)} has no column {quoted(column)} ({flag})",
            slug="table-columns",
            details=[f"its columns: {listing(self.columns, 20)}"],
            hint=f"did you mean {quoted(meant)}?" if meant else None,
        )

    def missing(self, role: str, flag: str, also: str = "") -> DataError:
        """The error for a table without a required column; `also` is added to the hint."""
        article = "an" if role == "id" else "a"
        details = [
            f"its columns: {listing(self.columns, 20)}",
            f"{article} {role} is searched for under {listing(COMMON_NAMES[role], 8)}",
        ]
        return DataError(
            f"{quoted(self.name)} has no {role} column",
            slug="table-columns",
            details=details + self._unusable(role),
            hint=self._delimiter_hint()
            or self._pairs_hint(role)
            or self._header_hint()
            or self._nested_hint(role)
            or f"specify it: {flag} NAME{self._elsewhere(role, flag)}{also}",
        )

    def _unusable(self, role: str) -> list[str]:
        """Columns with the right name whose cells can't have that role."""
        some = [
            c.name
            for c in self.columns.values()
            if folded(c.name) in COMMON_NAMES[role] and c.kind in (LIST, OTHER)
        ]
        return [f"the cells of {listing(map(quoted, some))} are lists or objects"] if some else []

    def _elsewhere(self, role: str, flag: str) -> str:
        """The hint for labels in a separate file."""
        if flag != _flag(role):
            return ""  # of a table beside the input
        if role == "label" and not any(is_called(c, "prediction") for c in self.columns):
            return (
                "; if the labels are in another file: --labels FILE; if the file is a confusion "
                "matrix: --kind matrix"
            )
        if role == "label":
            return "; if the labels are in another file: --labels FILE"
        lone = [c for c in self.columns if is_called(c, "label")]
        if role == "prediction" and len(lone) == 1:
            return f"; if {quoted(lone[0])} is the prediction, pass the labels: --labels FILE"
        return ""

    def _nested_hint(self, role: str) -> str:
        """The hint for a column with the right name whose cells are objects."""
        some = [
            c.name
            for c in self.columns.values()
            if folded(c.name) in COMMON_NAMES[role] and c.kind == OTHER
        ]
        return f"write only the class into {quoted(some[0])}, as text" if some else ""

    def _pairs_hint(self, role: str) -> str:
        """The options for columns that name label and prediction of one or several tasks."""
        pairs = [] if role not in ("label", "prediction") else task_pairs(self.columns)
        options = [
            f"--label-column {typed(a)} --prediction-column {typed(b)}"
            for a, b in pairs[:_MOST_PAIRS]
        ]
        if not options:
            return ""
        return f"specify the pair: {', or '.join(options)}"

    def _header_hint(self) -> str:
        """The hint if the first line contains values, not names."""
        first, *others = self.columns
        blank = sum(map(is_unnamed, others))
        if not is_unnamed(first) and (blank == len(others) > 0 or blank > len(others) / 2 > 1):
            return (
                f"its first line seems to be a title, {quoted(first)}: remove it, so that the "
                "first line contains the names of the columns"
            )
        values = [c for c in self.columns if as_index(c) is not None or _FILE.search(c)]
        if not values:
            return ""
        names = ("path", "label", "prediction")[: max(len(self.columns), 2)]
        header = (self.columns[first].separator or ",").join(names)
        return (
            f"its first line seems to contain values, such as {quoted(values[0])}: add a header "
            f"line above it, such as {printable(header)}"
        )

    def _delimiter_hint(self) -> str | None:
        """The hint if the header is a single name: the delimiter is wrong."""
        return delimiter_hint(next(iter(self.columns))) if len(self.columns) == 1 else None


def delimiter_hint(only: str) -> str | None:
    """The option for a table whose whole header became the name of its `only` column."""
    for mark, word in ((";", "';'"), ("\t", "tab"), ("|", "'|'"), (",", "','")):
        if mark in only:
            return f"its cells seem to be separated by {word}: --delimiter {word}"
    for mark in _RARE_MARKS:
        parts = only.split(mark)
        if len(parts) > 1 and any(is_called(part, role) for part in parts for role in _SPLIT):
            return f"its cells seem to be separated by '{mark}': --delimiter '{mark}'"
    if " " in only.strip():
        return "its cells seem to be separated by spaces: --delimiter spaces"
    return None


def _of_lists(column: Column) -> ScoreColumns:
    return ScoreColumns((column.name,), column.names, column.width, _hint(folded(column.name)))


def _flag(role: str) -> str:
    return f"--{role}-column"


def _hint(text: str) -> str:
    if text.startswith("log_prob"):
        return "log-probabilities"
    if text.startswith("logit"):
        return "logits"
    if text.startswith(("prob", "p_", "y_prob")):
        return "probabilities"
    return ""


def _shared_parts(given: str | tuple[str, ...], found: Sequence[str]) -> tuple[str, str]:
    """The text before and after the class in every column: around the ``*``, or a known prefix."""
    if isinstance(given, str) and given.count("*") == 1 and not set("?[") & set(given):
        before, _, behind = given.partition("*")
        return before, behind
    for prefix in SCORE_PREFIXES:
        if all(column.lower().startswith(prefix) for column in found):
            return found[0][: len(prefix)], ""
    return "", ""


MAX_VALUES = 1_000_000
"""Maximum number of distinct labels or predictions; a column with more is not one of classes."""


_SLACK = 1e-6  # a rounded probability may leave [0, 1] by this much


_EXAMPLES = 10


Mask = NDArray[np.bool_]


@dataclass
class Values:
    """The distinct texts of a column, and the text of each row as an index: 1 to 4 bytes per row.

    Attributes
    ----------
    n_rows
        Number of rows of the table.
    folder
        Where arrays that are too large for memory are kept.
    wrapped
        The first cell in a program's notation, such as ``tensor(1)``, and its value; empty if there
        is none.
    as_is
        Whether cells are used verbatim as names, such as ``[0]``.
    """

    n_rows: int = 0
    folder: Path = Path()
    wrapped: tuple[str, str] | None = None
    as_is: bool = False
    _place: dict[str, int] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _texts: list[str] = field(default_factory=list)
    _lookup: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    _totals: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _n_added: int = 0

    def __post_init__(self) -> None:
        self._places: NDArray[np.signedinteger[Any]] = self._held(np.int8)

    def _held(self, dtype: DTypeLike) -> NDArray[np.signedinteger[Any]]:
        return held_rows(self.n_rows, dtype, self.folder)

    def __len__(self) -> int:
        """Number of distinct texts."""
        return len(self._place)

    @property
    def counts(self) -> dict[str, int]:
        """Text → number of rows with it that are not excluded."""
        self._settle()
        return self._counts

    def knows(self, text: str) -> None:
        """Register a text that may occur in no row."""
        self._place_of(self._plain(text))

    def _place_of(self, text: str) -> int:
        self._counts.setdefault(text, 0)
        return self._place.setdefault(text, len(self._place))

    def _plain(self, text: str) -> str:
        return text if self.as_is else plain_label(text)

    def add(self, texts: list[str], places: NDArray[np.int64], keep: Mask | None) -> None:
        """Add a batch: ``texts[places[i]]`` is the text of row i.

        Batches usually share a list of texts, so each list is looked up once.
        """
        if texts is not self._texts:
            self._settle()
            self._texts, self._lookup = texts, np.full(len(texts), -1, np.int32)
            self._totals = np.zeros(len(texts), np.int64)
        counts = np.bincount(places if keep is None else places[keep], minlength=len(texts))
        self._totals += counts
        for i in np.flatnonzero((counts > 0) & (self._lookup < 0)).tolist():
            text = self._plain(texts[i])
            if text != texts[i] and self.wrapped is None:
                self.wrapped = texts[i], text
            self._lookup[i] = self._place_of(text)
        kind = smallest(len(self._place))
        if self._places.dtype != kind:
            before, self._places = self._places[: self._n_added], self._held(kind)
            self._places[: self._n_added] = before
        found = self._lookup.astype(kind)[places]
        if keep is not None:
            found[~keep] = -1
        self._places[self._n_added : self._n_added + len(found)] = found
        give_back_after(self._n_added, len(found), self._places)
        self._n_added += len(found)

    def _settle(self) -> None:
        """Merge the counts of the current list of texts."""
        for i in np.flatnonzero(self._totals).tolist():
            self._counts[self._plain(self._texts[i])] += int(self._totals[i])
        self._totals[:] = 0

    def taken_as(self, of_text: Mapping[str, int]) -> NDArray[np.signedinteger[Any]]:
        """The class index of every row, shape (N,); -1 for an excluded row.

        Call it once: it converts in place, so that a hundred million rows are not stored twice.
        """
        lookup = np.array([*(of_text[text] for text in self._place), -1])
        small = lookup.astype(smallest(int(lookup.max()) + 1))
        places, self._places = self._places[: self._n_added], self._places[:0]
        same = places.dtype == small.dtype
        if same and np.array_equal(small[:-1], np.arange(len(small) - 1)):
            return places
        found = places if same else self._held(small.dtype)[: self._n_added]
        for start in range(0, len(places), NARROW_ROWS):
            stop = start + NARROW_ROWS
            found[start:stop] = small[places[start:stop]]
            give_back_after(start, NARROW_ROWS, places, found)
        return found


@dataclass(frozen=True)
class Survey:
    """A survey of the whole table.

    Attributes
    ----------
    labels, predictions
        The values of the two columns; the second is empty without such a column. Excluded rows have
        the label -1.
    confidence
        float64, shape (N,), read-only, nan if missing; None if it is cheaper to read it again than
        to keep it (text is parsed once).
    n_ignored
        Number of rows whose label is ignored.
    n_unlabelled
        Number of rows without a label in the table of labels.
    n_abstained
        Number of rows in which the model abstained; `labels` has their labels, with 0 rows.
    n_without_confidence, without_confidence
        Number of rows whose confidence is missing or not finite, and the index of the first.
    least_confidence, n_below_half
        The smallest confidence, 1 if there are none; and the number of rows below 0.5.
    ranked
        The values of each top-k column, best first; empty without such columns.
    """

    labels: Values
    predictions: Values
    confidence: NDArray[np.float64] | None = None
    n_ignored: int = 0
    n_without_confidence: int = 0
    without_confidence: tuple[int, ...] = ()
    least_confidence: float = 1.0
    n_below_half: int = 0
    n_unlabelled: int = 0
    n_abstained: int = 0
    ranked: tuple[Values, ...] = ()

    def predicted(self) -> dict[str, int]:
        """Text → number of rows, of predictions and of the lower-ranked classes."""
        counts = dict(self.predictions.counts)
        for values in self.ranked:
            for text in values.counts:
                counts.setdefault(text, 0)
        return counts


def take_survey(
    table: Table,
    roles: Roles,
    ignore_label: str | None,
    abstain: Sequence[str] = (),
    *,
    folder: Path,
    as_is: bool = False,
) -> Survey:
    """Read the columns with a role once, except the scores.

    Results per row are kept in `folder` if there are many. Excluded are rows whose label is
    `ignore_label`, and rows whose prediction is one of `abstain`. Names are used verbatim with
    `as_is`, otherwise without wrappers such as ``tensor(1)``. Raises :class:`DataError` with the
    location, if a confidence is not a number in 0..1, a column has too many distinct values for
    classes, or two rows have the same id.
    """
    counting = _Counting(table, roles, folder, ignore_label, abstain, as_is)
    ranked = roles.ranking.classes if roles.ranking else ()
    single = (roles.label, roles.prediction, roles.confidence)
    columns = list(dict.fromkeys([*(c for c in single if c is not None), *ranked]))
    for batch in table.batches(columns, NARROW_ROWS):
        counting.add(dict(zip(columns, batch.columns, strict=True)), len(batch))
    return Survey(
        labels=counting.labels,
        predictions=counting.predictions,
        confidence=counting.parsed_whole(),
        n_ignored=counting.n_ignored,
        n_unlabelled=counting.n_unlabelled,
        n_abstained=counting.n_abstained,
        n_without_confidence=counting.n_without,
        without_confidence=tuple(counting.without),
        least_confidence=counting.least,
        n_below_half=counting.n_below_half,
        ranked=tuple(counting.ranked.values()),
    )


def ignored_places(texts: list[str], ignore_label: str | None) -> Mask | None:
    """Indices of the texts that equal the label to ignore; None without such a label."""
    if ignore_label is None:
        return None
    return _equal(texts, ignore_label)


def _equal(texts: list[str], value: str) -> Mask:
    """Which texts equal a value; a number may be written -1 or -1.0."""
    wanted, number = value.strip(), as_index(value)
    return np.array(
        [
            wanted in (text.strip(), plain.strip())
            or (number is not None and as_index(plain) == number)
            for text, plain in zip(texts, map(plain_label, texts), strict=True)
        ],
        np.bool_,
    )


def confidences(table: Table, column: str, array: Any, start: int) -> NDArray[np.float64]:
    """A batch's confidences, float64, shape (n,); nan for missing ones.

    `start` is the table row of the first one.
    """
    values = numbers(
        array,
        lambda row, cell: not_a_number(column, table.place(start + row), cell),
        comma=table.columns[column].comma,
    )
    if len(values) == 0 or (values.min() >= 0 and values.max() <= 1):  # false if one is nan
        return values
    finite = np.isfinite(values)
    wrong = np.flatnonzero(finite & ((values < -_SLACK) | (values > 1 + _SLACK)))
    if len(wrong):
        value = values[wrong[0]]
        percent = 1 < value <= 100
        raise DataError(
            f"{table.place(start + int(wrong[0]))}: the confidence {value:.6g} "
            f"in column {quoted(column)} is not a probability",
            slug="confidence-range",
            details=[f"{len(wrong):,} of {len(values):,} rows there are outside 0..1"],
            hint="divide percentages by 100, or omit them: --confidence-column none"
            if percent
            else "the probability of the prediction is needed, or --confidence-column none",
        )
    values = np.clip(values, 0.0, 1.0)
    values[~finite] = np.nan
    return values


@dataclass
class _Counting:
    table: Table
    roles: Roles
    folder: Path
    ignore_label: str | None
    abstain: Sequence[str]
    as_is: bool
    n_ignored: int = 0
    n_unlabelled: int = 0
    n_abstained: int = 0
    n_without: int = 0
    without: list[int] = field(default_factory=list)
    parsed: NDArray[np.float64] | None = None
    least: float = 1.0
    n_below_half: int = 0
    n_rows: int = 0
    label_cells: TextCells = field(default_factory=TextCells)
    prediction_cells: TextCells = field(default_factory=TextCells)
    ranked: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.labels = self._values()
        self.predictions = self._values() if self.roles.prediction else Values()

    def _values(self) -> Values:
        return Values(self.table.n_rows, self.folder, as_is=self.as_is)

    def add(self, batch: Mapping[str, Any], n: int) -> None:
        texts, places = self.label_cells(batch[self.roles.label])
        keep = self._labelled(texts, places)
        predicted = None
        if self.roles.prediction is not None:
            predicted = self.prediction_cells(batch[self.roles.prediction])
            keep = self._answered(predicted, (texts, places), keep)
        if self.roles.confidence is not None:
            keep = self._with_confidence(batch[self.roles.confidence], keep)
        self._count(self.labels, self.roles.label, texts, places, keep)
        if predicted is not None and self.roles.prediction is not None:
            self._count(self.predictions, self.roles.prediction, *predicted, keep)
        for column in self.roles.ranking.classes if self.roles.ranking else ():
            cells = TextCells()(batch[column])
            self._count(
                self.ranked.get(column) or self.ranked.setdefault(column, self._values()),
                column,
                *cells,
                keep,
            )
        self.n_rows += n

    def _labelled(self, texts: list[str], places: NDArray[np.int64]) -> Mask | None:
        """The rows with a label that is not ignored; None for all."""
        ignored = ignored_places(texts, self.ignore_label)
        keep = None if ignored is None else ~ignored[places]
        if keep is not None:
            self.n_ignored += int(len(places) - np.count_nonzero(keep))
        if NO_LABEL not in texts:
            return keep
        there: Mask = places != texts.index(NO_LABEL)
        self.n_unlabelled += int(len(places) - np.count_nonzero(there))
        return there if keep is None else keep & there

    def _answered(
        self,
        predicted: tuple[list[str], NDArray[np.int64]],
        labels: tuple[list[str], NDArray[np.int64]],
        keep: Mask | None,
    ) -> Mask | None:
        """The rows in which the model did not abstain; labels of the others are classes too."""
        if not self.abstain:
            return keep
        abstained = self._abstained(predicted[0])[predicted[1]]
        answered = ~abstained if keep is None else keep & ~abstained
        if keep is not None:
            abstained &= keep
        self.n_abstained += int(np.count_nonzero(abstained))
        for place in np.unique(labels[1][abstained]).tolist():
            self.labels.knows(labels[0][place])
        return answered

    def _abstained(self, texts: list[str]) -> Mask:
        assert self.roles.prediction is not None
        found = np.zeros(len(texts), np.bool_)
        for value in self.abstain:
            found |= _equal(texts, value)
            if not value.strip() and self.table.columns[self.roles.prediction].kind == NUMBER:
                found |= _equal(texts, "nan")
        return found

    def parsed_whole(self) -> NDArray[np.float64] | None:
        """All confidences, read-only, if they had to be parsed."""
        if self.parsed is not None:
            self.parsed.flags.writeable = False
        return self.parsed

    def _with_confidence(self, array: Any, keep: Mask | None) -> Mask | None:
        assert self.roles.confidence is not None
        values = confidences(self.table, self.roles.confidence, array, self.n_rows)
        if self.table.columns[self.roles.confidence].kind == TEXT:
            if self.parsed is None:  # allocated once: blocks would have to be joined
                self.parsed = held_rows(self.table.n_rows, np.float64, self.folder)
            self.parsed[self.n_rows : self.n_rows + len(values)] = values
            give_back_after(self.n_rows, len(values), self.parsed)
        kept = values if keep is None else values[keep]
        self.least = min(self.least, float(np.fmin.reduce(kept, initial=1.0)))
        self.n_below_half += int(np.count_nonzero(kept < 0.5 - _SLACK))
        missing = np.isnan(values)
        if not missing.any():
            return keep
        missing &= True if keep is None else keep
        at = np.flatnonzero(missing)
        self.n_without += len(at)
        self.without += (self.n_rows + at[: _EXAMPLES - len(self.without)]).tolist()
        return ~missing if keep is None else keep & ~missing

    def _count(
        self,
        into: Values,
        column: str,
        texts: list[str],
        places: NDArray[np.int64],
        keep: Mask | None,
    ) -> None:
        into.add(texts, places, keep)
        if len(into) > MAX_VALUES:
            raise DataError(
                f"column {quoted(column)} of {quoted(self.table.name)} has more than "
                f"{MAX_VALUES:,} different values: these are not classes",
                slug="too-many-classes",
                hint="choose the right column, or pass the class list with --classes",
            )
