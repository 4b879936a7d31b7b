"""Candidates and baseline side by side: metrics, the best of each, recall by class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from reportgen.comparison import ALPHA, unpaired_differences
from reportgen.evaluation import CLASS_METRICS, Evaluation
from reportgen.metrics import Definition, Metric
from reportgen.report.comparison.deltas import DEFINITIONS
from reportgen.report.elements import Cell, Footnotes, cell, unit_of
from reportgen.report.words import Name, Words, class_names, join, say
from reportgen.text import count, plural

__all__ = [
    "ClassPanel",
    "Measure",
    "Side",
    "SideBySide",
    "Standing",
    "side_by_side",
]


MEASURES = ("accuracy", "macro_f1", "ece", "log_loss", "expected_cost")
"""The columns, if any side has them."""


MOST_PANELS = 24


RECALL = next(definition for definition in CLASS_METRICS if definition.name == "recall")


Standing = Literal["", "best", "first"]


@dataclass(frozen=True)
class Side:
    """The baseline, or a candidate with its number in charts; `link` is empty for the baseline."""

    mark: str
    name: Name
    link: str = ""


@dataclass(frozen=True)
class Measure:
    """One metric of all sides.

    Attributes
    ----------
    title, unit
        Its heading; ``"%"`` or empty.
    cells
        One per side.
    standings
        One per side: ``"best"`` if it is best and significantly different from every other,
        ``"first"`` if it is only the best measured value, or tied.
    extreme
        ``"highest"`` or ``"lowest"``, whichever is better.
    """

    title: str
    unit: str
    cells: tuple[Cell, ...]
    standings: tuple[Standing, ...]
    extreme: Literal["highest", "lowest"]


@dataclass(frozen=True)
class ClassPanel:
    """The recall of one class on all sides, drawn and in words."""

    name: Name
    cells: tuple[Cell, ...]
    alt: str


@dataclass(frozen=True)
class SideBySide:
    """The baseline first, then the candidates in the order given.

    Attributes
    ----------
    axis
        The ends of the drawings of accuracy, 0..1.
    note
        The meaning of the marks.
    class_note
        Which classes have a drawing, and how to read it.
    """

    sides: tuple[Side, ...]
    measures: tuple[Measure, ...]
    axis: tuple[float, float]
    note: Words
    classes: tuple[ClassPanel, ...]
    class_note: Words


def side_by_side(sides: Sequence[tuple[Side, Evaluation]]) -> SideBySide:
    """Sides have the same classes, in any order; at least two sides."""
    evaluations = [evaluation for _, evaluation in sides]
    marks = [side.mark for side, _ in sides]
    measures = tuple(_measures(evaluations))
    panels = _panels(evaluations, marks)
    return SideBySide(
        sides=tuple(side for side, _ in sides),
        measures=measures,
        axis=_axis(measures[0].cells),
        note=_note(evaluations),
        classes=panels[:MOST_PANELS],
        class_note=_class_note(len(panels)),
    )


def _measures(evaluations: Sequence[Evaluation]) -> Iterator[Measure]:
    for name in MEASURES:
        found = [evaluation.summary.get(name) for evaluation in evaluations]
        if not any(metric and metric.value is not None for metric in found):
            continue
        definition = DEFINITIONS[name]
        shown = tuple(
            Cell(None, None, None, "n/a", "") if one is None else cell(one, definition, Footnotes())
            for one in found
        )
        yield Measure(
            definition.title,
            unit_of(definition),
            shown,
            _standings(evaluations, definition),
            "lowest" if definition.higher_is_better is False else "highest",
        )


def _standings(evaluations: Sequence[Evaluation], definition: Definition) -> tuple[Standing, ...]:
    """The best side, and whether it is significantly better than every other.

    Since it is selected, all pairs of sides count as tests.
    """
    values = [_value(evaluation, definition.name) for evaluation in evaluations]
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return tuple("" for _ in values)
    best = min(known) if definition.higher_is_better is False else max(known)
    firsts = [i for i, value in enumerate(values) if value == best]
    n_tests = len(known) * (len(known) - 1) // 2
    others = [e for e, value in zip(evaluations, values, strict=True) if value not in (None, best)]
    ps = [unpaired_differences(one, evaluations[firsts[0]])[definition.name].p for one in others]
    sure = len(firsts) == 1 and all(p is not None and p * n_tests < ALPHA for p in ps)
    standing: Standing = "best" if sure else "first"
    return tuple(standing if i in firsts else "" for i in range(len(values)))


def _value(evaluation: Evaluation, name: str) -> float | None:
    metric = evaluation.summary.get(name)
    return None if metric is None else metric.value


def _axis(cells: Sequence[Cell]) -> tuple[float, float]:
    """Multiples of ten percent that contain all intervals."""
    ends = [end for one in cells for end in (one.low, one.value, one.high) if end is not None]
    if not ends:
        return 0.0, 1.0
    low, high = int(10 * min(ends)) / 10, -int(-10 * max(ends) // 1) / 10
    return low, min(max(high, low + 0.1), 1.0)


def _note(evaluations: Sequence[Evaluation]) -> Words:
    n_sides = len(evaluations)
    tests = len(list(combinations(range(n_sides), 2)))
    note = say(
        "Best: differs significantly (5%) from every other, Bonferroni-corrected over {pairs}. "
        "Samples are not matched across candidates here, so small differences may be missed.",
        pairs=plural(tests, "pair"),
    )
    if len({evaluation.n_samples for evaluation in evaluations}) == 1:
        return note
    return join(note, say("The candidates were evaluated on different numbers of samples."))


def _panels(evaluations: Sequence[Evaluation], marks: Sequence[str]) -> tuple[ClassPanel, ...]:
    """Classes by decreasing spread of recall; classes without samples have no panel."""
    recalls = [
        {name: one.per_class["recall"].metric(i) for i, name in enumerate(one.classes)}
        for one in evaluations
    ]
    classes = evaluations[0].classes
    found = []
    for i, (own, name) in enumerate(zip(classes, class_names(classes), strict=True)):
        known = [of_side.get(own, Metric(None, None, "not_recorded")) for of_side in recalls]
        cells = tuple(cell(metric, RECALL, Footnotes()) for metric in known)
        values = [one.value for one in cells if one.value is not None]
        if values:
            panel = ClassPanel(name, cells, _alt(name, cells, marks))
            found.append((min(values) - max(values), i, panel))
    return tuple(panel for _, _, panel in sorted(found, key=lambda one: one[:2]))


def _alt(name: Name, cells: Sequence[Cell], marks: Sequence[str]) -> str:
    parts = (
        f"{mark} {one.text}" + (f" ({one.range})" if one.range else "")
        for mark, one in zip(marks, cells, strict=True)
    )
    return f"Recall of {name} in %: {', '.join(parts)}"


def _class_note(n_panels: int) -> Words:
    note = say(
        "Per-class recall with 95% CI, largest spread first. Differences between "
        "candidates are not tested here."
    )
    if n_panels <= MOST_PANELS:
        return note
    shown = say(
        "{shown} of {n} classes are shown; the others are in the reports.",
        shown=count(MOST_PANELS),
        n=count(n_panels),
    )
    return join(note, shown)
