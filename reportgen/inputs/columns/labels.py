"""From what stands in the cells to classes: names or indices, never by luck."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from reportgen.classes import display_name, name_key
from reportgen.errors import DataError, UsageError
from reportgen.inputs.columns.cells import as_index, is_blank
from reportgen.inputs.columns.class_names import (
    ClassNames,
    Place,
    derived_classes,
    numbered_classes,
)
from reportgen.provenance import DataNote
from reportgen.text import listing, nearest, plural, quoted

__all__ = ["Reading", "read_labels"]

_MAX_OFFENDERS = 5

Classes = dict[str, int]


@dataclass(frozen=True)
class Reading:
    """What the cells mean.

    Attributes
    ----------
    classes
        The class list.
    labels, predictions
        Text of a cell → class index.
    how
        Column role → ``"names"`` or ``"indices"``.
    notes
        What was derived, and what to know about it.
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
    """Decide what the values of the label and prediction columns mean.

    Parameters
    ----------
    labels, predictions
        Text of a cell → number of rows; no predictions where they come from scores.
    given
        The class list, where there is one.
    n_scores
        Number of scores of a sample, where they come without names: as many classes.
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
        ``labels-ambiguous``: names and indices both fit, and mean different classes;
        ``classes-needed``: the order of the classes can't be known.
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
        # Numbers of both columns mean the same: what fits one of them alone is no reading.
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
        return {text: _named(text, by_key) for text in self.values}

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
            f"{self.place(self.role, first)}: the {self.role} {quoted(first[:80])} is no class"
            f"{closest}",
            slug="label-unknown",
            details=[
                f"{plural(n_rows, 'row')} with {plural(len(unknown), 'unknown value')}: "
                f"{listing(unknown, _MAX_OFFENDERS)}",
                f"the classes are {listing(self.classes.names)} ({self.classes.source})",
            ],
            hint="correct the table or the class list (--classes FILE); --ignore-label leaves "
            "out, and counts, a label that is no class",
        )

    def _out_of_range(self, found: Mapping[str, int | None]) -> DataError:
        wrong = [text for text, i in found.items() if i is None]
        first, last = self.base, self.base + len(self.classes.names) - 1
        numbers = [as_index(text) for text in self.values]
        known = [number for number in numbers if number is not None]
        hint = "name the right column, or correct the class list (--classes FILE)"
        from_one = self.base == 0 and min(known, default=0) == 1 and max(known) == last + 1
        if self.base == 1 and 0 in known:
            hint = (
                f"{self.role}s count from 0, and others from 1: make them alike in the table, "
                "by subtracting 1 where they count from 1"
            )
        elif from_one:
            hint = f"{self.role}s look counted from 1: --label-base 1"
        elif any(number < first for number in known) and self.role == "label":
            hint = f"leave out, and count, such samples: --ignore-label {min(known)}"
        what = "" if as_index(wrong[0]) is not None else ", no index"
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
            hint="say which: --labels-are names or --labels-are indices",
        )


def _named(text: str, by_key: Mapping[str, int]) -> int | None:
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
            hint="correct the table; --ignore-label '' leaves out, and counts, such rows"
            if role == "label"
            else "correct the table; where it means that the model abstained: --abstain ''",
        )
