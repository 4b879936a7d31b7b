"""From cells to classes: the class list of a table, and its labels by name or index."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reportgen.class_list import (
    check_distinct,
    display_name,
    name_key,
    natural_key,
    read_class_list,
)
from reportgen.errors import DataError, UsageError
from reportgen.importers.columns.answers import answer_inside, is_no_answer, is_summary
from reportgen.importers.columns.cells import as_index, is_blank
from reportgen.importers.columns.near_names import almost_same
from reportgen.importers.columns.survey import MAX_VALUES
from reportgen.options import InputOptions
from reportgen.provenance import DataNote
from reportgen.text import count, listing, nearest, plural, printable, quoted, typed

__all__ = [
    "ClassNames",
    "Place",
    "Reading",
    "derived_classes",
    "numbered_classes",
    "read_labels",
    "require_single",
]


_EXAMPLES = 10


_BETWEEN = re.compile(r"[|;,/]")
_BETWEEN_QUOTES = re.compile(r"(?<=['\"])\s+(?=['\"])")
_BETWEEN_NAMES = re.compile(r"\s*[+&\s]\s*")


_BLANKS = re.compile(r"(?<=[^\W\d_])[\s_\-]+(?=[^\W\d_])")


Place = Callable[[str, str], str]
"""("label" or "prediction", text) → location of the first such cell: ``line 57``."""


@dataclass(frozen=True)
class ClassNames:
    """A class list and its source, in words."""

    names: tuple[str, ...]
    source: str

    @classmethod
    def checked(cls, names: Sequence[str], source: str) -> ClassNames:
        """With printable names. Raises :class:`DataError` if two look the same."""
        if not names:
            raise DataError(f"{source} lists no classes", slug="classes-empty")
        check_distinct(names, source, lambda position: f"position {position + 1}")
        return cls(tuple(map(display_name, names)), source)

    @classmethod
    def given(cls, options: InputOptions) -> ClassNames | None:
        """The class list that the user passed, or None."""
        if isinstance(options.classes, Path):
            names = read_class_list(options.classes)
            return cls(tuple(map(display_name, names)), printable(options.classes.name))
        return None if options.classes is None else cls.checked(options.classes, "classes=")


def _are_indices(values: Mapping[str, int]) -> bool:
    """Whether all values are whole numbers (``true`` and ``false`` may be names)."""
    return bool(values) and all(
        as_index(text) is not None and not text.strip().isalpha() for text in values
    )


def numbered_classes(
    labels: Mapping[str, int],
    predictions: Mapping[str, int],
    n_scores: int,
    labels_are: str,
    base: int,
) -> ClassNames:
    """Classes named by their index; their number is that of the scores."""
    named = [text for text in {**labels, **predictions} if as_index(text) is None]
    if named or labels_are == "names":
        raise UsageError(
            f"the scores have no names, so the position of class {quoted((named or ['?'])[0])}?",
            slug="classes-needed",
            details=[f"{plural(n_scores, 'score')} per sample, labels such as {listing(named, 3)}"],
            hint="pass the class names in the order of the scores with --classes FILE; if there is "
            "a prediction column, the scores can be ignored: --scores-columns none",
        )
    n = 2 if n_scores == 1 else n_scores
    return ClassNames(tuple(str(i + base) for i in range(n)), "the number of scores")


def derived_classes(
    labels: Mapping[str, int],
    predictions: Mapping[str, int],
    labels_are: str,
    base: int,
    place: Place,
) -> tuple[ClassNames, tuple[DataNote, ...]]:
    values = {**predictions, **labels}
    if not values:
        return ClassNames(("0",), "nothing: there are no samples"), ()
    if labels_are == "auto":
        require_single(labels, predictions, place)
        _require_one_spelling(labels, predictions, place)
        _require_no_gaps(labels, predictions, place)
    signs = {as_index(text) for text in values} == {-1, 1} and predictions
    as_indices = _are_indices(labels) and (not predictions or _are_indices(predictions))
    if predictions and any(map(_are_indices, (labels, predictions))):  # True beside 1
        as_indices = all(as_index(text) is not None for text in values)
    if labels_are == "auto" and signs:  # the two classes of a support vector machine
        return _by_name(list(values), as_numbers=True)
    if labels_are == "auto" and predictions and not as_indices:
        _require_one_kind(labels, predictions, place)
    if labels_are == "auto":
        _require_classes(labels, predictions, place)
        _require_common(labels, predictions, place)
        _require_no_sentences(labels, predictions, place)
    numbers = sorted({n for text in values if (n := as_index(text)) is not None})
    if as_indices and labels_are != "names" and numbers[0] < base:
        raise _below_base(labels, predictions, base, place)
    # Numbers with gaps, such as the digits 3 and 8, are names, not indices.
    dense = as_indices and 2 * len(numbers) > numbers[-1] - base + 1
    if labels_are == "indices" or (labels_are == "auto" and dense):
        if numbers and numbers[-1] - base >= MAX_VALUES:
            raise _beyond_all_classes(labels, predictions, numbers[-1], place)
        return _by_number(numbers, base)
    return _by_name(list(values), as_numbers=as_indices)


def _by_number(numbers: Sequence[int], base: int) -> tuple[ClassNames, tuple[DataNote, ...]]:
    if not numbers:
        raise UsageError(
            "labels are declared to be indices, but none is a whole number",
            slug="labels-ambiguous",
            hint="omit --labels-are indices",
        )
    names = tuple(str(i) for i in range(base, numbers[-1] + 1))
    note = DataNote(
        "classes-derived",
        f"There is no class list: labels and predictions are indices, and the classes are "
        f"{names[0]} to {names[-1]}. Classes above the largest index that occurs are unknown.",
        count=len(names),
    )
    return ClassNames(names, "the indices that occur"), (note, *_no_zero_note(numbers, base))


def _no_zero_note(numbers: Sequence[int], base: int) -> tuple[DataNote, ...]:
    if numbers[0] != 1 or base != 0:
        return ()
    return (
        DataNote(
            "labels-from-one",
            "No label and no prediction is 0: if they are counted from 1, class 0 does not exist "
            "(--label-base 1).",
            "warning",
        ),
    )


def _string_order(names: Sequence[str], by_nature: Sequence[str]) -> str:
    """A note if the order of the names is not the natural one, with two names as an example."""
    for early, natural in zip(names, by_nature, strict=True):
        if early != natural:
            return (
                f" They are in alphabetical order, so {printable(early)} comes before "
                f"{printable(natural)}."
            )
    return ""


def _by_name(values: Sequence[str], *, as_numbers: bool) -> tuple[ClassNames, tuple[DataNote, ...]]:
    if as_numbers:  # 3 and 3.0 are the same class
        values = [str(n) for n in sorted({int(as_index(text) or 0) for text in values})]
    check_distinct(
        values,
        "the labels and predictions",
        lambda i: quoted(values[i]),
        "write them the same way in all rows, without spaces around them",
    )
    names = sorted(map(display_name, values), key=natural_key if as_numbers else None)
    by_nature = sorted(names, key=lambda name: (natural_key(name), name))
    order = _string_order(names, by_nature)
    note = DataNote(
        "classes-derived",
        f"There is no class list: the classes are the {count(len(names))} that occur among labels "
        f"and predictions, sorted.{order} A class that occurs in neither is missing here.",
        "info" if not order else "warning",
        len(names),
        tuple(map(printable, names[:_EXAMPLES])),
    )
    return ClassNames(tuple(names), "the names that occur"), (note,)


def _require_one_kind(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse indices in one column and names in the other: their mapping is unknown."""
    for values, others, role, other in (
        (labels, predictions, "label", "prediction"),
        (predictions, labels, "prediction", "label"),
    ):
        numbered = any(as_index(text) is not None or text.strip().isdigit() for text in others)
        if _are_indices(values) and not numbered:
            number, name = next(iter(values)), next(iter(others))
            raise DataError(
                f"{role}s are numbers such as {quoted(number)} ({place(role, number)}), "
                f"{other}s are names such as {quoted(name)} ({place(other, name)})",
                slug="labels-mixed",
                hint="pass the class list with --classes FILE: it maps numbers to names",
            )
    odd = next((text for text in predictions if _is_number(text)), None)
    if odd is None or any(map(_is_number, labels)):
        return
    raise DataError(
        f"{place('prediction', odd)}: the prediction {quoted(odd)} is a number, but "
        "labels are names",
        slug="labels-mixed",
        details=["the last line of a table may be a summary, such as the accuracy"],
        hint="remove the line if it is no sample; if it means that the model abstained: --abstain "
        f"{typed(odd)}; if it is a class: --labels-are names",
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return not is_no_answer(text)


_NO_LABEL_WORDS = frozenset({
    "nan", "null", "(null)", "n/a", "#n/a", "na", "<na>", "nat", "nil", "none", "undefined", "?",
    "-", "--", "inf", "-inf", "#value!", "#ref!", "#div/0!",
})  # fmt: skip
"""Markers of a missing label that are not plausible class names."""


_MOST_ANSWERS = 5


def _require_no_gaps(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse a missing label that no prediction has, totals, and predictions that seem no class."""
    predicted = {text.strip().lower() for text in predictions}
    for text in labels if predictions else ():
        word = text.strip().lower()
        if word in _NO_LABEL_WORDS and word not in predicted and len(labels) > 1:
            raise DataError(
                f"{place('label', text)}: the label {quoted(text)} may be a missing value, or a "
                "class",
                slug="labels-gap",
                details=[
                    f"{plural(labels[text], 'row')} of this kind; no prediction has this name"
                ],
                hint=f"if it is no label: --ignore-label {typed(text)}; if it is a class: "
                "--labels-are names",
            )
    for text in labels if len(labels) > 2 else ():
        if labels[text] == predictions.get(text) == 1 and is_summary(text):
            raise DataError(
                f"{place('label', text)}: {quoted(text)} may be a total below the samples, or a "
                "class",
                slug="labels-gap",
                details=["it is both label and prediction in one row"],
                hint="remove the row if it is no sample; if it is a class: --labels-are names",
            )
    known = {text.strip().lower() for text in labels}
    gaps = [
        text for text in predictions if text.strip().lower() not in known and is_no_answer(text)
    ]
    if gaps and labels:
        raise _no_answer(predictions, gaps, place)


def _require_no_sentences(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse predictions that no label has, and that name a class in a longer text."""
    known = {text.strip().lower() for text in labels}
    odd = [text for text in predictions if text.strip().lower() not in known]
    for text in odd:
        if (inside := answer_inside(text, labels)) is not None:
            raise DataError(
                f"{place('prediction', text)}: the prediction {quoted(text[:80])} may be the class "
                f"{quoted(inside)} in other words, or another class",
                slug="predictions-text",
                details=[
                    f"{plural(predictions[text], 'row')} of this kind; no label has this name"
                ],
                hint="write the class alone into the column of predictions; if it is another "
                "class: --labels-are names",
            )


def _abstaining(values: Sequence[str]) -> str:
    """The options that declare `values` to be abstentions."""
    if len(values) > _MOST_ANSWERS:
        return "write unknown instead of each of them, and pass --abstain unknown"
    return " ".join(f"--abstain {typed(text)}" for text in values)


def _no_answer(predictions: Mapping[str, int], gaps: Sequence[str], place: Place) -> DataError:
    n_rows = sum(predictions[text] for text in gaps)
    return DataError(
        f"{place('prediction', gaps[0])}: the prediction {quoted(gaps[0][:80])} may mean that the "
        "model made no prediction, or a class",
        slug="labels-gap",
        details=[f"{plural(n_rows, 'row')} of this kind; no label has this name"],
        hint=f"if the model abstained: {_abstaining(gaps)}; if it is a class: --labels-are names",
    )


_MOST_FRACTIONS = 20
"""Classes may be named by fractions, such as diopters; more of them are measured values."""


def _require_classes(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse labels that are measured values, as of a regression: many numbers with decimals."""
    if len(labels) <= _MOST_FRACTIONS or not all(map(_is_number, (*labels, *predictions))):
        return
    fraction = next((text for text in labels if as_index(text) is None), None)
    if fraction is not None:
        raise DataError(
            f"{place('label', fraction)}: the label {quoted(fraction)} seems to be a measured "
            "value",
            slug="labels-measured",
            details=[f"labels are {count(len(labels))} different numbers, with decimals"],
            hint="write classes into the columns of labels and predictions; if these numbers are "
            "classes: --labels-are names",
        )


def _require_common(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse two columns without a common value: they name the classes differently."""
    ours, theirs = (
        {display_name(text) if (n := as_index(text)) is None else str(n) for text in values}
        for values in (labels, predictions)
    )
    if min(len(ours), len(theirs)) < 2 or ours & theirs:
        return
    label, prediction = next(iter(labels)), next(iter(predictions))
    raise DataError(
        f"labels and predictions have no class in common: labels such as {quoted(label)} "
        f"({place('label', label)}), predictions such as {quoted(prediction)} "
        f"({place('prediction', prediction)})",
        slug="labels-disjoint",
        hint="name the classes alike in both columns; if every prediction is wrong: "
        "--labels-are names",
    )


def require_single(labels: Mapping[str, int], predictions: Mapping[str, int], place: Place) -> None:
    """Refuse cells with several labels."""
    whole = {text.strip() for text in (*labels, *predictions)}
    for role, values in (("label", labels), ("prediction", predictions)):
        for text in values:
            parts = _parts(text, whole)
            if len(parts) > 1:
                raise DataError(
                    f"{place(role, text)}: the {role} {quoted(text[:80])} contains "
                    f"{plural(len(parts), 'label')}",
                    slug="labels-several",
                    details=["reportgen evaluates one class per sample"],
                    hint="keep one label per cell; --labels-are names treats each combination as "
                    "a separate class",
                )


def _parts(text: str, names: set[str]) -> list[str]:
    """The values in a cell: a list, or known names with separators between; otherwise one part."""
    inner = text.strip()
    listed = inner[:1] in ("[", "(", "{")
    if inner[:1] + inner[-1:] in ("[]", "()", "{}"):
        inner = inner[1:-1].replace(",", " ,")
    for between in (_BETWEEN, _BETWEEN_QUOTES, _BETWEEN_NAMES):
        found = [part.strip(" '\"") for part in between.split(inner)]
        parts = [part for part in found if part]
        sure = listed and between is not _BETWEEN_NAMES
        if len(parts) > 1 and (sure or names.issuperset(parts)):
            return parts
    return [inner]


def _require_one_spelling(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse names that may be one class.

    They differ only in case, spaces, hyphens, quotes or a full stop; or one of them is in one
    column only, and almost a name of the other.
    """
    seen: dict[str, tuple[str, str]] = {}
    rows: dict[str, dict[str, int]] = {"label": {}, "prediction": {}}
    for role, values in (("label", labels), ("prediction", predictions)):
        for text, n in values.items():
            key = _spelling(text)
            rows[role][key] = rows[role].get(key, 0) + n
            other_role, other = seen.setdefault(key, (role, text))
            if display_name(other) != display_name(text):
                raise _one_class((other_role, other), (role, text), place)
    for role, other_role in (("prediction", "label"), ("label", "prediction")):
        known = rows[other_role]
        odd = {key: n for key, n in rows[role].items() if key not in known}
        if (found := almost_same(odd, known)) is not None:
            raise _one_class(seen[found[1]], seen[found[0]], place)


def _one_class(one: tuple[str, str], other: tuple[str, str], place: Place) -> DataError:
    """The error for two names, each with its role."""
    return DataError(
        f"{quoted(one[1])} ({place(*one)}) and {quoted(other[1])} ({place(*other)}) may be one "
        "class",
        slug="classes-spellings",
        hint="use one spelling; if they are two classes: --labels-are names",
    )


_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
_QUOTES = "'\"`* "


def _spelling(text: str) -> str:
    """A name without case, spaces, invisible characters, quotes and a full stop, to compare it."""
    seen = "".join(c for c in text if c not in _UNSEEN)
    key = _BLANKS.sub(" ", display_name(seen).casefold()).strip()
    return key.strip(_QUOTES).rstrip(".!:,; ").strip(_QUOTES) or key


def _below_base(
    labels: Mapping[str, int], predictions: Mapping[str, int], base: int, place: Place
) -> DataError:
    role, text = next(
        (role, text)
        for role, values in (("label", labels), ("prediction", predictions))
        for text in values
        if (as_index(text) or 0) < base
    )
    return DataError(
        f"{place(role, text)}: the {role} {quoted(text)} is not an index: they begin with {base}",
        slug=f"{role}-out-of-range",
        hint=f"skip (and count) such samples: --ignore-label {printable(text)}"
        if role == "label"
        else f"if it means that the model abstained: --abstain {typed(text)}; else correct it",
    )


def _beyond_all_classes(
    labels: Mapping[str, int], predictions: Mapping[str, int], largest: int, place: Place
) -> DataError:
    role, text = next(
        (role, text)
        for role, values in (("label", labels), ("prediction", predictions))
        for text in values
        if as_index(text) == largest
    )
    return DataError(
        f"{place(role, text)}: the {role} {quoted(text)} is not a class index: there are at most "
        f"{MAX_VALUES:,} classes",
        slug="too-many-classes",
        hint="correct it, or read labels as names: --labels-are names",
    )


_MAX_OFFENDERS = 5


Classes = dict[str, int]


@dataclass(frozen=True)
class Reading:
    """The classes that the cells refer to.

    Attributes
    ----------
    classes
        The class list.
    labels, predictions
        Text of a cell → class index.
    how
        Column role → ``"names"`` or ``"indices"``.
    notes
        Notes on derived facts.
    """

    classes: ClassNames
    labels: Mapping[str, int]
    predictions: Mapping[str, int]
    how: Mapping[str, str]
    notes: tuple[DataNote, ...] = ()


def read_labels(
    labels: Mapping[str, int],
    predictions: Mapping[str, int],
    given: ClassNames | None,
    *,
    n_scores: int | None,
    labels_are: str,
    base: int,
    place: Place,
) -> Reading:
    """Map the values of the label and prediction columns to classes.

    Parameters
    ----------
    labels, predictions
        Text of a cell → number of rows; empty predictions if they are computed from scores.
    given
        The class list, if known.
    n_scores
        Scores per sample, if they have no names; equals the number of classes.
    labels_are
        ``"auto"``, ``"names"`` or ``"indices"``.
    base
        Index of the first class, 0 or 1.

    Raises
    ------
    DataError
        ``label-empty``, ``label-unknown``, ``label-out-of-range``, ``labels-mixed``,
        ``classes-twins``.
    UsageError
        ``labels-ambiguous``: both readings are possible and differ; ``classes-needed``: the class
        order is unknown.
    """
    for role, values in (("label", labels), ("prediction", predictions)):
        _require_no_blank(role, values, place)
    if given is None and n_scores is not None:
        given = numbered_classes(labels, predictions, n_scores, labels_are, base)
    notes: tuple[DataNote, ...] = ()
    if given is None:
        given, notes = derived_classes(labels, predictions, labels_are, base, place)
    columns = [
        _Column(role, values, given, base, place)
        for role, values in (("label", labels), ("prediction", predictions))
    ]
    if labels_are == "auto" and all(column.is_numeric for column in columns):
        # Both columns use the same numbering: a reading that fits only one of them is wrong.
        fits = [all(flags) for flags in zip(*(column.fits for column in columns), strict=True)]
        read = [column.read(labels_are, *fits) for column in columns]
    else:
        read = [column.read(labels_are, *column.fits) for column in columns]
    how = {"label": read[0][0], "prediction": read[1][0]}
    return Reading(given, read[0][1], read[1][1], how, notes)


@dataclass(frozen=True)
class _Column:
    """The values of one column, against a class list."""

    role: str
    values: Mapping[str, int]
    classes: ClassNames
    base: int
    place: Place

    @cached_property
    def by_name(self) -> Mapping[str, int | None]:
        """Text → the class of that name."""
        by_key = {name: i for i, name in enumerate(self.classes.names)}
        return {text: _name_it(text, by_key) for text in self.values}

    @cached_property
    def by_index(self) -> Mapping[str, int | None]:
        """Text → the class with that index."""
        return {text: self._index(text) for text in self.values}

    @property
    def is_numeric(self) -> bool:
        return all(as_index(text) is not None for text in self.values)

    @property
    def fits(self) -> tuple[bool, bool]:
        """Whether all values are names, and whether all are indices."""
        names, indices = (
            all(i is not None for i in found.values()) for found in (self.by_name, self.by_index)
        )
        return names, indices

    def read(self, labels_are: str, names_fit: bool, indices_fit: bool) -> tuple[str, Classes]:
        """(``"names"`` or ``"indices"``, text → class index)."""
        by_name, by_index = self.by_name, self.by_index
        if labels_are == "names" or (labels_are == "auto" and names_fit):
            if None in by_name.values():
                raise self._unknown(by_name)
            if labels_are == "auto" and indices_fit and by_name != by_index:
                raise self._ambiguous(by_name, by_index)
            return "names", _complete(by_name)
        if None in by_index.values():
            if labels_are == "indices" or self.is_numeric:
                raise self._out_of_range(by_index)
            raise self._unknown(by_name)
        return "indices", _complete(by_index)

    def _index(self, text: str) -> int | None:
        number = as_index(text)
        if number is None or not 0 <= number - self.base < len(self.classes.names):
            return None
        return number - self.base

    def _unknown(self, found: Mapping[str, int | None]) -> DataError:
        unknown = [text for text, i in found.items() if i is None]
        first = unknown[0]
        meant = nearest(display_name(first), self.classes.names)
        closest = f"; the closest is {quoted(meant)}" if meant else ""
        n_rows = sum(self.values[text] for text in unknown)
        return DataError(
            f"{self.place(self.role, first)}: the {self.role} {quoted(first[:80])} is not a class"
            f"{closest}",
            slug="label-unknown",
            details=[
                f"{plural(n_rows, 'row')} with {plural(len(unknown), 'unknown value')}: "
                f"{listing(unknown, _MAX_OFFENDERS)}",
                f"the classes are {listing(self.classes.names)} ({self.classes.source})",
            ],
            hint="correct the table or the class list (--classes FILE); --ignore-label skips "
            "(and counts) a label that is not a class"
            if self.role == "label"
            else "correct the table or the class list (--classes FILE); if it means that the model "
            f"abstained: {_abstaining(unknown)}",
        )

    def _out_of_range(self, found: Mapping[str, int | None]) -> DataError:
        wrong = [text for text, i in found.items() if i is None]
        first, last = self.base, self.base + len(self.classes.names) - 1
        numbers = [as_index(text) for text in self.values]
        known = [number for number in numbers if number is not None]
        hint = "choose the right column, or correct the class list (--classes FILE)"
        from_one = self.base == 0 and min(known, default=0) == 1 and max(known) == last + 1
        if self.base == 1 and 0 in known:
            hint = (
                f"{self.role}s count from 0, and others from 1: make them consistent in the table, "
                "by subtracting 1 where they count from 1"
            )
        elif from_one:
            hint = f"{self.role}s seem to be 1-based: --label-base 1"
        elif any(number < first for number in known) and self.role == "label":
            hint = f"skip (and count) such samples: --ignore-label {min(known)}"
        elif self.role == "prediction" and len(wrong) == 1:
            hint += f"; if it means that the model abstained: {_abstaining(wrong)}"
        what = "" if as_index(wrong[0]) is not None else " is not an index"
        return DataError(
            f"{self.place(self.role, wrong[0])}: the {self.role} {quoted(wrong[0][:80])}{what}: "
            f"valid are {first}..{last}",
            slug=f"{self.role}-out-of-range",
            details=[
                f"{plural(sum(self.values[text] for text in wrong), 'row')} out of range",
                f"{plural(len(self.classes.names), 'class', 'classes')}: {self.classes.source}",
            ],
            hint=hint,
        )

    def _ambiguous(
        self, by_name: Mapping[str, int | None], by_index: Mapping[str, int | None]
    ) -> UsageError:
        text = next(text for text in self.values if by_name[text] != by_index[text])
        other = by_index[text]
        assert other is not None
        return UsageError(
            f"the {self.role} {quoted(text)} is the name of a class, and the index of class "
            f"{quoted(self.classes.names[other])}",
            slug="labels-ambiguous",
            hint="specify which: --labels-are names or --labels-are indices",
        )


def _name_it(text: str, by_key: Mapping[str, int]) -> int | None:
    """The class with that name; a number may be written 3 or 3.0."""
    found = by_key.get(name_key(text))
    if found is not None or (number := as_index(text)) is None or text.strip().isalpha():
        return found
    return by_key.get(str(number))


def _complete(found: Mapping[str, int | None]) -> dict[str, int]:
    return {text: i for text, i in found.items() if i is not None}


def _require_no_blank(role: str, values: Mapping[str, int], place: Place) -> None:
    blank = next((text for text in values if is_blank(text)), None)
    if blank is not None:
        raise DataError(
            f"{place(role, blank)}: the {role} is empty",
            slug=f"{role}-empty",
            details=[f"{plural(values[blank], 'row')} without a {role}"],
            hint="correct the table; --ignore-label '' skips (and counts) such rows"
            if role == "label"
            else "correct the table; if it means that the model abstained: --abstain ''",
        )
