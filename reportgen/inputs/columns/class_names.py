"""The class list of a table: given, or derived from the labels and predictions that occur."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reportgen.classes import check_distinct, display_name, natural_key
from reportgen.errors import DataError, UsageError
from reportgen.inputs.columns.cells import as_index
from reportgen.provenance import DataNote
from reportgen.text import count, listing, plural, printable, quoted

__all__ = ["ClassNames", "Place", "derived_classes", "numbered_classes"]

_EXAMPLES = 10
_BETWEEN = re.compile(r"[|;,/]")
_BLANKS = re.compile(r"(?<=[^\W\d_])[\s_\-]+(?=[^\W\d_])")

Place = Callable[[str, str], str]
"""("label" or "prediction", text) → where the first such cell stands: ``line 57``."""


@dataclass(frozen=True)
class ClassNames:
    """A class list and where it came from, in words."""

    names: tuple[str, ...]
    source: str

    @classmethod
    def checked(cls, names: Sequence[str], source: str) -> ClassNames:
        """With names as they are shown; :class:`DataError` where two can't be told apart."""
        if not names:
            raise DataError(f"{source} lists no classes", slug="classes-empty")
        check_distinct(names, source, lambda position: f"position {position + 1}")
        return cls(tuple(map(display_name, names)), source)


def _are_indices(values: Mapping[str, int]) -> bool:
    """Whether all values are whole numbers (``true`` and ``false`` are names where they can be)."""
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
    """Classes called by their index: as many as there are scores."""
    named = [text for text in {**labels, **predictions} if as_index(text) is None]
    if named or labels_are == "names":
        raise UsageError(
            f"the scores have no names: which of them is class {quoted((named or ['?'])[0])}?",
            slug="classes-needed",
            details=[f"{plural(n_scores, 'score')} a sample, labels such as {listing(named, 3)}"],
            hint="give the class names in the order of the scores with --classes FILE",
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
        _require_single(labels, predictions, place)
        _require_one_spelling(labels, predictions, place)
    as_indices = _are_indices(labels) and (not predictions or _are_indices(predictions))
    if labels_are == "auto" and predictions and not as_indices:
        _require_one_kind(labels, predictions, place)
    numbers = sorted({n for text in values if (n := as_index(text)) is not None})
    if as_indices and labels_are != "names" and numbers[0] < base:
        raise _below_base(labels, predictions, base, place)
    # Names that are numbers with gaps, such as the digits 3 and 8, are no indices.
    dense = as_indices and 2 * len(numbers) > numbers[-1] - base + 1
    if labels_are == "indices" or (labels_are == "auto" and dense):
        return _by_number(numbers, base)
    return _by_name(list(values), as_numbers=as_indices)


def _by_number(numbers: Sequence[int], base: int) -> tuple[ClassNames, tuple[DataNote, ...]]:
    if not numbers:
        raise UsageError(
            "labels are declared to be indices, but none is a whole number",
            slug="labels-ambiguous",
            hint="leave out --labels-are indices",
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
    """What to know where names are not in their natural order: two that show it."""
    for early, natural in zip(names, by_nature, strict=True):
        if early != natural:
            return (
                f" They stand in string order, so {printable(early)} comes before "
                f"{printable(natural)}."
            )
    return ""


def _by_name(values: Sequence[str], *, as_numbers: bool) -> tuple[ClassNames, tuple[DataNote, ...]]:
    if as_numbers:  # 3 and 3.0 are one class
        values = [str(n) for n in sorted({int(as_index(text) or 0) for text in values})]
    check_distinct(values, "the labels and predictions", lambda i: quoted(values[i]))
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
    """Refuse indices in one column and names in the other: which is which can't be known."""
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
                hint="give the class list with --classes FILE: it says which number is which name",
            )


def _require_single(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse cells that hold several labels: one of them is no reading."""
    whole = {text.strip() for text in (*labels, *predictions)}
    for role, values in (("label", labels), ("prediction", predictions)):
        for text in values:
            parts = _parts(text)
            if len(parts) > 1 and (text.strip()[:1] in "[({" or whole.issuperset(parts)):
                raise DataError(
                    f"{place(role, text)}: the {role} {quoted(text[:80])} holds "
                    f"{plural(len(parts), 'label')}",
                    slug="labels-several",
                    details=["a report is about one class a sample"],
                    hint="keep one label a cell; --labels-are names reads each combination as a "
                    "class of its own",
                )


def _parts(text: str) -> list[str]:
    """What stands in a cell with several values: a list, or words with marks between."""
    inner = text.strip()
    if inner[:1] + inner[-1:] in ("[]", "()", "{}"):
        inner = inner[1:-1].replace(",", " ,")
    found = [part.strip(" '\"") for part in _BETWEEN.split(inner)]
    return [part for part in found if part]


def _require_one_spelling(
    labels: Mapping[str, int], predictions: Mapping[str, int], place: Place
) -> None:
    """Refuse two names that differ in case, spaces and hyphens alone: they may be one class."""
    seen: dict[str, tuple[str, str]] = {}
    for role, values in (("label", labels), ("prediction", predictions)):
        for text in values:
            key = _BLANKS.sub(" ", display_name(text).casefold()).strip()
            other_role, other = seen.setdefault(key, (role, text))
            if display_name(other) != display_name(text):
                raise DataError(
                    f"{quoted(other)} ({place(other_role, other)}) and {quoted(text)} "
                    f"({place(role, text)}) may be one class",
                    slug="classes-spellings",
                    hint="spell it in one way; if they are two classes: --labels-are names",
                )


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
        f"{place(role, text)}: the {role} {quoted(text)} is no index: they begin with {base}",
        slug=f"{role}-out-of-range",
        hint=f"leave out, and count, such samples: --ignore-label {printable(text)}"
        if role == "label"
        else "every sample needs a prediction",
    )
