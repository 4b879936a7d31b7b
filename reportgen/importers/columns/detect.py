"""Detects the role of each column."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.cells import (
    as_index,
)
from reportgen.importers.columns.families import (
    SMALLEST_IS_BEST,
    are_score_words,
    templates,
    word_for_distances,
)
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
    NUMBER,
    OTHER,
    TEXT,
    Column,
    is_unnamed,
)
from reportgen.options import NONE, InputOptions
from reportgen.text import listing, nearest, printable, quoted, typed

__all__ = [
    "Roles",
    "ScoreColumns",
    "columns_named_after",
    "delimiter_hint",
    "find_id",
    "find_prefixed_classes",
    "find_roles",
    "missing_column",
    "require_prediction",
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
