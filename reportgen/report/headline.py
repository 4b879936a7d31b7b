"""Key metrics of a report: tiles, notes, and the list of overall metrics."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reportgen.analysis.confusions import simultaneous
from reportgen.evaluation import CLASS_METRICS, SUMMARY_METRICS
from reportgen.gates import Status
from reportgen.metrics import COSTING, REASONS, Definition, Metric
from reportgen.report.context import Context
from reportgen.report.elements import Cell, Footnotes, Reason, cell, unit_of
from reportgen.report.intervals import group_words, summary_definitions
from reportgen.report.words import (
    PROPORTIONS_ONLY,
    Name,
    Words,
    list_names,
    say,
    share,
    signed,
)
from reportgen.text import count, plural

if TYPE_CHECKING:
    from reportgen.report.comparison.deltas import Delta

__all__ = [
    "Axis",
    "GateMark",
    "Headline",
    "SummaryRow",
    "Tile",
    "headline",
]


@dataclass(frozen=True)
class Axis:
    """The axis of a tile, `low` to `high`, with a mark at chance level.

    `limit` is the limit of a gate, and `failed` whether it is not met.
    """

    low: float
    high: float
    chance: float | None = None
    limit: float | None = None
    failed: bool = False


@dataclass(frozen=True)
class GateMark:
    """The gate on a tile, ``gate ≥ 80%``, and whether it is met."""

    status: Status
    text: str


@dataclass(frozen=True)
class Tile:
    """A key metric; `unit` follows its number, `lines` explain it. Without an axis it isn't drawn.

    `metric` is its name, for the class `of_class` if that is not None. `change` is the difference
    from the baseline, `gate` the strictest gate on it, if any. The interval is `simultaneous` if it
    accounts for the class being selected among all.
    """

    title: Words
    cell: Cell
    unit: str
    lines: tuple[Words, ...]
    metric: str
    of_class: int | None = None
    axis: Axis | None = None
    change: Delta | None = None
    gate: GateMark | None = None
    simultaneous: bool = False

    @property
    def ci(self) -> str:
        """The kind of its interval."""
        return "simultaneous 95% CI" if self.simultaneous else "95% CI"


@dataclass(frozen=True)
class SummaryRow:
    """One overall metric, for the complete list."""

    definition: Definition
    cell: Cell
    unit: str


@dataclass(frozen=True)
class Headline:
    """The tiles, notes on them, and the list of all summary metrics."""

    tiles: tuple[Tile, ...]
    notes: tuple[Words, ...]
    rows: tuple[SummaryRow, ...]
    reasons: tuple[Reason, ...]


TILES = ("accuracy", "macro_f1", "balanced_accuracy")


BINARY_TILES = ("recall", "specificity", "precision", "roc_auc", "average_precision")
"""Metrics of the positive class: sensitivity, specificity, PPV, and ranking by its score."""


BINARY_TITLES = {"recall": "Sensitivity", "precision": "PPV"}


DEFINITIONS = {definition.name: definition for definition in SUMMARY_METRICS}


OF_CLASS = {definition.name: definition for definition in CLASS_METRICS}


RECALL = OF_CLASS["recall"]


ERROR_TOPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Upper ends of the calibration error's axis; the smallest that contains its values is used."""


def headline(facts: Context) -> Headline:
    """Tiles on a common axis, and a list of all overall metrics."""
    notes = Footnotes()
    rows = tuple(
        SummaryRow(
            definition, cell(facts.summary(definition.name), definition, notes), unit_of(definition)
        )
        for definition in summary_definitions(facts.evaluation)
    )
    cells = {row.definition.name: row.cell for row in rows}
    tiles = _binary_tiles(facts) or _tiles(facts, cells)
    axis = Axis(_lower_end(tiles), 1.0)
    tiles = [replace(tile, axis=axis) if tile.unit == "%" else tile for tile in tiles]
    tiles += _cost_tile(facts, cells)
    if tiles[0].metric == "accuracy":
        tiles += _calibration_tile(facts, cells)
    return Headline(tuple(tiles), tuple(_notes(facts)), rows, notes.reasons())


def _tiles(facts: Context, cells: Mapping[str, Cell]) -> list[Tile]:
    """The tiles of counts; all but the last share an axis. Balanced accuracy only if it differs."""
    tiles = [
        Tile(say(DEFINITIONS[name].title), cells[name], "%", tuple(_tile_lines(name, facts)), name)
        for name in TILES
        if not (name == "balanced_accuracy" and cells[name].text == cells["accuracy"].text)
    ]
    weakest = _weakest_tile(facts)
    if weakest:
        tiles.insert(1, weakest)
    return tiles


def _binary_tiles(facts: Context) -> list[Tile]:
    """The tiles of the positive class, if the input defines it; otherwise empty."""
    curve = facts.evaluation.threshold
    if curve is None or len(facts.names) != 2:
        return []
    notes = Footnotes()
    tiles = []
    for name in BINARY_TILES:
        definition = OF_CLASS[name]
        shown = cell(facts.of_class(name, curve.positive), definition, notes)
        title = BINARY_TITLES.get(name, definition.title)
        lines = tuple(_binary_lines(name, facts, curve.positive))
        tiles.append(Tile(say(title), shown, unit_of(definition), lines, name, curve.positive))
    return tiles


def _binary_lines(name: str, facts: Context, positive: int) -> Iterable[Words]:
    """The counts, as in ``188 / 212 ill``."""
    counts, other = facts.matrix.counts, 1 - positive
    parts: dict[str, tuple[int, int, Name | str]] = {
        "recall": (counts[positive, positive], facts.support(positive), facts.names[positive]),
        "specificity": (counts[other, other], facts.support(other), facts.names[other]),
        "precision": (counts[positive, positive], facts.predicted(positive), "flagged"),
    }
    if name in parts:
        part, whole, what = parts[name]
        yield say("{n} / {all} {what}", n=count(int(part)), all=count(whole), what=what)
    elif name == "average_precision":
        prevalence = facts.support(positive) / max(facts.matrix.n_samples, 1)
        yield say("chance level {value}", value=signed(prevalence))
    else:
        yield say("chance level 0.5")


def _cost_tile(facts: Context, cells: Mapping[str, Cell]) -> Iterable[Tile]:
    """The tile of the expected cost, if costs are given."""
    if facts.evaluation.costs is None:
        return
    known = facts.summary(COSTING.name)
    lines = [say("per sample, lower is better")]
    if known.value is None:
        lines = [say(REASONS.get(known.reason or "", ""))]
    yield Tile(say(COSTING.title), cells[COSTING.name], "", tuple(lines), COSTING.name)


def _tile_lines(name: str, facts: Context) -> Iterable[Words]:
    metric = facts.summary(name)
    if metric.value is None:
        unknown = facts.proportions is not None
        yield say(
            PROPORTIONS_ONLY.removeprefix("n/a: ")
            if unknown
            else REASONS.get(metric.reason or "", "")
        )
    elif name == "accuracy":
        constant = facts.summary("no_information_rate").value
        if facts.proportions is None:
            yield say(
                "{n} / {all} correct",
                n=count(facts.matrix.n_correct),
                all=count(facts.matrix.n_samples),
            )
        if constant is not None and len(facts.names) > 1:
            yield say("majority class {share}", share=share(constant))
    elif name == "balanced_accuracy":
        yield say("mean recall over {n}", n=_classes_counted(facts))
    else:
        everywhere = facts.evaluation.macro == "all"
        yield say(
            "mean F1 over {n}", n=_all_classes(facts) if everywhere else _classes_counted(facts)
        )


def _classes_counted(facts: Context) -> str:
    n, of = len(facts.present), len(facts.names)
    return plural(n, "class", "classes") if n == of else f"{count(n)} of {count(of)} classes"


def _all_classes(facts: Context) -> str:
    n = plural(len(facts.names), "class", "classes")
    absent = len(facts.names) - len(facts.present)
    return f"{n}, {count(absent)} without samples, counted as 0" if absent else n


def _weakest_tile(facts: Context) -> Tile | None:
    """The lowest recall, with an interval and a word that account for the class being selected."""
    i, low = facts.weakest, facts.lowest_recall
    if i is None or low is None:
        return None
    hits, n = int(facts.matrix.diagonal[i]), facts.support(i)
    recall = Metric(hits / n, simultaneous(hits, n, low.n), None)
    lowest = facts.recall[i] == min(facts.recall.values())
    return Tile(
        say("Lowest recall" if lowest else "Low recall"),
        cell(recall, RECALL, Footnotes()),
        "%",
        (
            say("{name}, {n} / {all}", name=facts.names[i], n=count(hits), all=count(n)),
            say(
                "{lowest}of {n}, {significant} low (simultaneous CI)",
                lowest="lowest " if lowest else "",
                significant="significantly" if facts.is_low(i) else "not significantly",
                n=plural(low.n, "class", "classes"),
            ),
        ),
        "recall",
        i,
        simultaneous=True,
    )


def _calibration_tile(facts: Context, cells: Mapping[str, Cell]) -> Iterable[Tile]:
    """The ECE on an axis of its own, since lower is better; the chance level is marked."""
    known, shown = facts.evaluation.confidence, cells["ece"]
    if known is None or shown.value is None:
        return
    chance, chance_high = known.chance_ece or 0.0, known.chance_ece_high or 0.0
    reach = max(shown.high or 0.0, shown.value, chance_high)
    axis = Axis(0.0, next(top for top in ERROR_TOPS if top >= reach), chance_high)
    line = say("expected by chance {mean}", mean=share(chance))
    most = say("by chance 95{percent} ≤ {high}", high=share(chance_high), percent="%")
    ends = (say("CI is bias-corrected"),) if shown.high is not None else ()
    yield Tile(say("Calibration (ECE)"), shown, "%", (line, most, *ends), "ece", axis=axis)


def _lower_end(tiles: Iterable[Tile]) -> float:
    """The lower end of the common axis: the multiple of ten below the lowest value on it."""
    drawn = [
        end
        for tile in tiles
        if tile.unit == "%"
        for end in (tile.cell.value, tile.cell.low)
        if end is not None
    ]
    return max(0.0, math.floor(10 * min(drawn, default=0.0) - 0.25) / 10)


def _notes(facts: Context) -> Iterable[Words]:
    """Notes on the tiles: clustered samples, and the classes in averages."""
    if (groups := facts.evaluation.sample_groups) is not None:
        yield group_words(groups)
    if facts.proportions is not None:
        yield say(f"Confidence intervals and sample counts {PROPORTIONS_ONLY}.")
    absent = facts.absent
    if facts.evaluation.macro == "all":
        yield _over_all(facts, absent)
    elif absent:
        yield say(
            "Macro averages are over {n} of {all} classes; no samples of: {names}.",
            n=count(len(facts.present)),
            all=count(len(facts.names)),
            names=list_names(absent),
        )
    counted = facts.present if facts.proportions is None else ()
    silent = [facts.names[i] for i in counted if not facts.predicted(i)]
    if silent:
        yield say("Never predicted (precision set to 0): {names}.", names=list_names(silent))
    if "kappa_linear" in facts.evaluation.summary and len(facts.names) > 1:
        yield say(
            "Ordinal classes {first} … {last}: see weighted kappa.",
            first=facts.names[0],
            last=facts.names[-1],
        )


def _over_all(facts: Context, absent: Sequence[Name]) -> Words:
    """A note that metrics may be low only because classes have no samples."""
    n = plural(len(facts.names), "class", "classes")
    if not absent:
        return say("Macro averages are over all {n}; each has samples.", n=n)
    return say(
        "Macro averages are over all {n} (--macro all): those without samples "
        "count as 0 ({names}). Balanced accuracy excludes them.",
        n=n,
        names=list_names(absent),
    )
