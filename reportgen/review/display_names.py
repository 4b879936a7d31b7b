"""A review with display names for classes instead of those in the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reportgen.class_list import display_name
from reportgen.class_names import shown_names
from reportgen.evaluation import Evaluation, notes_by_name
from reportgen.gates import Gate
from reportgen.options import EvaluationOptions

if TYPE_CHECKING:
    from reportgen.comparison import Comparison

__all__ = [
    "as_in_data",
    "gates_by_name",
    "named_classes",
    "named_comparison",
]


def named_classes(
    evaluation: Evaluation, options: EvaluationOptions, shown: tuple[str, ...] = ()
) -> Evaluation:
    """The evaluation with the class names of ``options.class_names``.

    Without that option, with the names in `shown`, if any. Raises the :class:`DataError` of
    :func:`~reportgen.class_names.shown_names`.
    """
    if options.class_names is None:
        return _named(evaluation, shown) if shown else evaluation
    own = as_in_data(evaluation)
    return _named(own, shown_names(options.class_names, own.classes))


def named_comparison(comparison: Comparison, evaluation: Evaluation) -> Comparison:
    """The comparison with the class names of its candidate `evaluation`."""
    if not evaluation.class_ids:
        return replace(comparison, candidate=evaluation)
    return replace(
        comparison,
        candidate=evaluation,
        baseline=_named(as_in_data(comparison.baseline), evaluation.classes),
    )


def as_in_data(evaluation: Evaluation) -> Evaluation:
    """The evaluation with the class names in data and models."""
    if not evaluation.class_ids:
        return evaluation
    return _renamed(evaluation, evaluation.class_ids, ())


def _named(evaluation: Evaluation, names: tuple[str, ...]) -> Evaluation:
    if names == evaluation.classes:
        return evaluation
    return _renamed(evaluation, names, evaluation.classes)


def _renamed(evaluation: Evaluation, names: tuple[str, ...], ids: tuple[str, ...]) -> Evaluation:
    notes = evaluation.notes
    if evaluation.shares is None:
        notes = notes_by_name(
            notes, evaluation.confusion, evaluation.classes, names, evaluation.macro
        )
    return replace(evaluation, classes=names, class_ids=ids, notes=notes)


def gates_by_name(gates: Sequence[Gate], evaluation: Evaluation) -> tuple[Gate, ...]:
    """The gates with display names of classes; they may be written with either name."""
    if not evaluation.class_ids:
        return tuple(gates)
    shown = dict(zip(evaluation.class_ids, evaluation.classes, strict=True))
    return tuple(_by_name(gate, shown) for gate in gates)


def _by_name(gate: Gate, shown: Mapping[str, str]) -> Gate:
    names = tuple(one for name in gate.classes for one in _shown(name, shown))
    if gate.pair is None:
        return replace(gate, classes=names)
    true, predicted = (shown.get(display_name(name), name) for name in gate.pair)
    return replace(gate, classes=names, pair=(true, predicted))


def _shown(name: str, shown: Mapping[str, str]) -> list[str]:
    """The display names of a class, or of a pattern of classes, in the data."""
    if display_name(name) in shown:
        return [shown[display_name(name)]]
    return [shown[one] for one in shown if fnmatchcase(one, name)] or [name]
