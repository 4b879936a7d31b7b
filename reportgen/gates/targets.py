"""Metrics that gates can be on: overall, of a class or of a slice; and which are compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from reportgen.comparison import COMPARED, COMPARED_WHERE_GIVEN
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS
from reportgen.gates.gate import Gate
from reportgen.metrics import COSTING, Definition

__all__ = [
    "Scope",
    "comparison_targets",
    "definition_of",
    "definitions",
    "is_known",
    "needs_costs",
    "range_of",
    "scope_of",
]


Scope = Literal["whole", "class", "slice", "pair"]


_WHOLE: Mapping[str, Definition] = {one.name: one for one in (*SUMMARY_METRICS, COSTING)}


_CLASS: Mapping[str, Definition] = {one.name: one for one in CLASS_METRICS}


_SLICE = {name: _WHOLE[name] for name in ("accuracy", "balanced_accuracy", "macro_f1")}


_PAIR = Definition(
    name="share",
    title="Rate",
    formula="samples of one class predicted as the other / samples of the class",
    meaning="How often one class is predicted as another.",
    source="counts",
    higher_is_better=False,
)


def needs_costs(gate: Gate) -> bool:
    """Whether the metric requires costs."""
    return gate.metric == COSTING.name


def scope_of(gate: Gate) -> Scope:
    """The scope of the gate: overall, class, slice or pair."""
    if gate.pair is not None:
        return "pair"
    if gate.slice is not None:
        return "slice"
    return "class" if gate.each_class or gate.classes else "whole"


def definitions(where: Scope) -> Mapping[str, Definition]:
    """Name → definition of the metrics: overall, of a class, or of a slice."""
    return {"whole": _WHOLE, "class": _CLASS, "slice": _SLICE, "pair": {}}[where]


def comparison_targets(where: Scope) -> tuple[str, ...]:
    """The metrics that are compared with a baseline."""
    return {
        "whole": (*COMPARED, *COMPARED_WHERE_GIVEN),
        "class": ("recall", "precision", "f1"),
        "slice": ("accuracy",),
        "pair": (),
    }[where]


def definition_of(gate: Gate) -> Definition:
    """The definition of the gate's metric."""
    where = scope_of(gate)
    return _PAIR if where == "pair" else definitions(where)[gate.metric]


def is_known(gate: Gate) -> bool:
    """Whether this version has the gate's rule and metric; those of a later version may be new."""
    where = scope_of(gate)
    return gate.rule is not None and (where == "pair" or gate.metric in definitions(where))


def range_of(metric: str) -> tuple[float, float]:
    """The minimum and maximum of the metric; infinite if unbounded."""
    found = _WHOLE.get(metric) or _CLASS.get(metric)
    return (0.0, 1.0) if found is None else found.range
