"""Which column is what: named by the user, else recognised by a common name; never a toss-up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reportgen.errors import DataError, UsageError
from reportgen.inputs.columns.rankings import Ranking, ranking_of
from reportgen.inputs.formats.tables import LIST, NUMBER, OTHER, TEXT, Column, is_unnamed
from reportgen.inputs.options import NONE, InputOptions
from reportgen.text import listing, nearest, quoted

__all__ = [
    "SCORE_PREFIXES",
    "Roles",
    "ScoreColumns",
    "columns_named_after",
    "find_id",
    "find_prefixed_classes",
    "find_roles",
    "folded",
    "is_called",
    "label_and_prediction",
    "looks_like_id",
    "missing_column",
    "require_prediction",
]

COMMON_NAMES: Mapping[str, tuple[str, ...]] = {
    "label": (
        "label", "labels", "true", "y_true", "y", "target", "targets", "true_label",
        "true_class", "ground_truth", "gt", "actual", "truth", "reference", "observed", "obs",
        "expected", "gold", "actual_label", "actual_class", "gt_label", "gt_class", "label_true",
        "true_labels", "real", "actuals", "label_ids", "y_test",
    ),
    "prediction": (
        "prediction", "predictions", "predicted", "pred", "preds", "y_pred", "y_hat",
        "predicted_label", "pred_label", "label_pred", "predicted_class", "pred_class",
        "predicted_labels", "pred_labels", "prediction_label", "predicts",
    ),
    "confidence": (
        "confidence", "confidences", "conf", "score", "prob", "probability", "max_prob",
        "max_probability", "top1_probability", "pred_score",
    ),
    "id": (
        "id", "ids", "sample_id", "image_id", "path", "paths", "file", "filename", "file_name",
        "filepath", "file_path", "image", "image_path", "name",
    ),
    "scores": (
        "scores", "probabilities", "probs", "logits", "log_probabilities", "log_probs", "y_score",
        "y_prob", "y_proba", "outputs", "pred_score", "pred_scores",
    ),
}  # fmt: skip
"""Role → names that it goes by, in lower case with underscores; the first is ours."""

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
SCORE_PREFIXES = ("probability_", "prob_", "proba_", "p_", "scores_", "score_", "logits_", "logit_",
             "log_prob_", "log_probability_")  # fmt: skip


def is_called(column: str, role: str) -> bool:
    """Whether a column has one of the common names of `role`, in any case.

    >>> is_called("Ground Truth", "label")
    True
    """
    return folded(column) in COMMON_NAMES[role]


@dataclass(frozen=True)
class ScoreColumns:
    """Where the scores of all classes stand.

    Attributes
    ----------
    columns
        One column of lists, or one column a class.
    names
        The class that each score is called after; None where they come without names.
    width
        Number of scores of a sample; None for lists until they are read.
    hint
        ``"logits"``, ``"probabilities"`` or ``"log-probabilities"`` where the columns are called
        so, else empty.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...] | None
    width: int | None
    hint: str = ""


@dataclass(frozen=True)
class Roles:
    """The columns that matter.

    Attributes
    ----------
    unproven
        Whether the score columns are one by their common prefix alone: the labels must be among
        what stands behind it.
    spare
        Columns called confidence beside scores, which say the same: they cut no slices.
    ranking
        The best classes of each sample, where the table has those in place of all scores.
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
        """The columns without a role: metadata if `usable`, else those that hold what can't be."""
        return tuple(
            c.name
            for c in columns.values()
            if c.name not in self.used
            and (c.kind not in (LIST, OTHER) and not is_unnamed(c.name)) == usable
        )


def find_roles(
    name: str, columns: Mapping[str, Column], options: InputOptions, classes: Sequence[str] | None
) -> Roles:
    """Find the columns of a table that is called `name`.

    `classes` is the class list, where it is known by now.

    Raises
    ------
    UsageError
        ``column-ambiguous``: two columns could have one role, and the user has named neither.
    DataError
        ``table-columns``: the label, or a column that was named, is not there; ``column-kind``: it
        holds what can't have that role.
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
            hint="name two columns: --label-column and --prediction-column",
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


def require_prediction(roles: Roles, name: str, columns: Mapping[str, Column]) -> None:
    """Refuse a table that says what the samples are, but not what a model said of them."""
    if roles.prediction is None and roles.scores is None:
        finder = _Finder(name, columns, InputOptions())
        raise finder.missing("prediction", "--prediction-column", also=_lone_score(roles, columns))


def _lone_score(roles: Roles, columns: Mapping[str, Column]) -> str:
    """What a number a sample without any prediction may be."""
    named = (column for column in columns if folded(column) in COMMON_NAMES["scores"])
    column = roles.confidence or next(named, None)
    if column is None:
        return ""
    return (
        f"; if {quoted(column)} holds the score of the second of two classes: "
        f"--scores-columns {column}"
    )


def find_id(
    name: str, columns: Mapping[str, Column], given: str | None, flag: str, prefer: str | None
) -> str:
    """The column of ids in a table that is called `name` and isn't one of predictions.

    `given` is what the user said with `flag`; `prefer` a name that wins over the common ones.
    Raises :class:`DataError` (``table-columns``, ``column-kind``) where there is no such column.
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
    """The error for a table without the column that it needs in `role`."""
    return _Finder(name, columns, InputOptions()).missing(role, flag)


def columns_named_after(
    classes: Sequence[str], columns: Mapping[str, Column], taken: set[str | None]
) -> ScoreColumns | None:
    """One column for each class, called by its name with or without a prefix such as ``prob_``."""
    free = [c.name for c in columns.values() if c.name not in taken and c.kind in (NUMBER, TEXT)]
    for prefix in ("", *SCORE_PREFIXES):
        by_class = {
            name[len(prefix) :].strip(): name for name in free if name.lower().startswith(prefix)
        }
        if len(classes) > 1 and all(name in by_class for name in classes):
            found = tuple(by_class[name] for name in classes)
            return ScoreColumns(found, tuple(classes), len(found), _hint(prefix))
    return None


def find_prefixed_classes(columns: Mapping[str, Column]) -> tuple[str, ...] | None:
    """The classes that score columns with a common prefix are called after; None without such."""
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
            raise UsageError(
                f"{quoted(self.name)} has {len(found)} columns that could be the {role}: "
                f"{listing(found)}",
                slug="column-ambiguous",
                hint=f"name the one: {_flag(role)} {found[0]}",
            )
        return found[0] if found else None

    def ranked(self, label: str, prediction: str | None, ranking: Ranking) -> Roles:
        """The roles of a table of top-k columns: the first is the prediction where none is."""
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
            if c.kind == LIST and folded(c.name) in COMMON_NAMES["scores"] and c.name not in taken
        ]
        if len(lists) > 1:
            raise UsageError(
                f"{quoted(self.name)} has {len(lists)} columns that could be the scores: "
                f"{listing(c.name for c in lists)}",
                slug="column-ambiguous",
                hint=f"name the one: --scores-columns {lists[0].name}",
            )
        lists = lists or self._lists_of_predictions(taken)
        if lists:
            return _of_lists(lists[0])
        if classes is None:
            return self.prefixed(taken)
        if found := columns_named_after(classes, self.columns, taken):
            return found
        base = self.options.label_base
        numbers = [str(i) for i in range(base, base + len(classes))]
        numbered = columns_named_after(numbers, self.columns, taken)
        return replace(numbered, names=None) if numbered else None

    def _lists_of_predictions(self, taken: set[str | None]) -> list[Column]:
        """The one column of lists that is called as predictions are: Keras and Transformers call
        the scores of all classes so.
        """
        found = [
            c
            for c in self.columns.values()
            if c.kind == LIST and is_called(c.name, "prediction") and c.name not in taken
        ]
        return found if len(found) == 1 else []

    def prefixed(self, taken: set[str | None]) -> ScoreColumns | None:
        """Columns with one of the common prefixes, where the labels will prove them right."""
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
        shared = _shared_prefix(given, found)
        names = tuple(column[len(shared) :].strip() for column in found)
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
        """The error for a table without a column that it needs; `also` is added to the hint."""
        article = "an" if role == "id" else "a"
        details = [
            f"its columns: {listing(self.columns, 20)}",
            f"{article} {role} is looked for under {listing(COMMON_NAMES[role], 8)}",
        ]
        return DataError(
            f"{quoted(self.name)} has no {role} column",
            slug="table-columns",
            details=details,
            hint=self._delimiter_hint() or f"name it: {flag} NAME{also}",
        )

    def _delimiter_hint(self) -> str | None:
        """Where the whole header became one name, the cells were split at the wrong character."""
        if len(self.columns) != 1:
            return None
        only = next(iter(self.columns))
        for mark, word in ((";", "';'"), ("\t", "tab"), ("|", "'|'"), (",", "','")):
            if mark in only:
                return f"its cells seem to be separated by {word}: --delimiter {word}"
        return None


def _of_lists(column: Column) -> ScoreColumns:
    return ScoreColumns((column.name,), column.names, column.width, _hint(folded(column.name)))


def _flag(role: str) -> str:
    return f"--{role}-column"


def folded(name: str) -> str:
    """A column's name as :data:`COMMON_NAMES` has it: ``trueLabel``, ``.pred-class``."""
    words = _CAMEL.sub("_", name.strip())
    return re.sub(r"[\s\-.]+", "_", words.lower()).strip("_")


def looks_like_id(name: str) -> bool:
    """Whether a column is usually called so that holds the names of samples."""
    return folded(name) in COMMON_NAMES["id"]


def label_and_prediction(
    names: Sequence[str], label: str | None = None, prediction: str | None = None
) -> tuple[str | None, str | None]:
    """The columns of both: as given, else the only one of `names` that is usually called so."""
    found: list[str | None] = [label, prediction]
    for i, role in enumerate(("label", "prediction")):
        if found[i] is None:
            some = [n for n in names if folded(n) in COMMON_NAMES[role] and n not in found]
            found[i] = some[0] if len(some) == 1 else None
    return found[0], found[1]


def _hint(text: str) -> str:
    if text.startswith("log_prob"):
        return "log-probabilities"
    if text.startswith("logit"):
        return "logits"
    if text.startswith(("prob", "p_", "y_prob")):
        return "probabilities"
    return ""


def _shared_prefix(given: str | tuple[str, ...], found: Sequence[str]) -> str:
    """What stands before the class in every column: up to the ``*``, or one of the prefixes."""
    if isinstance(given, str) and given.endswith("*") and given.count("*") == 1:
        return given[:-1]
    for prefix in SCORE_PREFIXES:
        if all(column.lower().startswith(prefix) for column in found):
            return found[0][: len(prefix)]
    return ""
