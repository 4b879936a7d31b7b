"""The rows of all classes in ``report.json``: counts and metrics, by column."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from reportgen.evaluation.catalogue import (
    CLASS_METRICS,
    NOT_RECORDED,
    OPTIONAL_METRICS,
    SUMMARY_METRICS,
)
from reportgen.jsonio import (
    Codec,
    Definitions,
    ElementTexts,
    JsonPath,
    Schema,
    codec_of,
    number_texts,
    object_texts,
    string_texts,
)
from reportgen.metrics import COUNTS, RANGES, Definition, Metric, MetricColumn, MetricOf

__all__ = [
    "COUNT_NAMES",
    "ClassRows",
    "Rows",
    "Summary",
    "row_texts",
]


COUNT_NAMES = tuple(definition.name for definition in COUNTS)


_KNOWN = frozenset(("class", *COUNT_NAMES, *(d.name for d in CLASS_METRICS)))


_PARTS = ("value", "interval", "reason")


@dataclass(frozen=True)
class ClassRows:
    """The content of ``per_class``, by column.

    Attributes
    ----------
    classes
        K names.
    counts
        ``support``, … → K counts; None if the matrix contains proportions only.
    metrics
        Metric name → its column.
    """

    classes: tuple[str, ...]
    counts: Mapping[str, Sequence[int | None]]
    metrics: Mapping[str, MetricColumn]


class _RowsCodec:
    """``per_class``: one object per class."""

    def codec(self, _: Any) -> Codec:
        return Codec(_read_rows, lambda rows, _: _written_rows(rows), _rows_schema)


Rows = Annotated[ClassRows, _RowsCodec()]


def _read_rows(place: JsonPath) -> ClassRows:
    rows = place.of_length(len(place.reading.index))
    for row in rows:
        row.keep_others(_KNOWN)
    optional = codec_of(int | None)
    return ClassRows(
        tuple(row["class"].text() for row in rows),
        {name: [optional.read(row[name]) for row in rows] for name in COUNT_NAMES},
        {d.name: _read_column(rows, d) for d in CLASS_METRICS},
    )


def _read_column(rows: Sequence[JsonPath], definition: Definition) -> MetricColumn:
    """One metric of all classes; n/a if a row lacks it."""
    name = definition.name
    quick = _quick_column([row.value.get(name) for row in rows], definition)
    if quick is not None:
        return quick
    codec = codec_of(Annotated[Metric, MetricOf(definition.kind)])
    return MetricColumn.of([codec.read(row[name]) if name in row else NOT_RECORDED for row in rows])


def _quick_column(cells: Sequence[Any], definition: Definition) -> MetricColumn | None:
    """A valid column, checked without a look at each cell; None if anything is invalid."""
    if set(map(type, cells)) != {dict} or any(map(len(_PARTS).__ne__, map(len, cells))):
        return None
    try:
        value, ends, reason = ([cell[part] for cell in cells] for part in _PARTS)
        if not set(map(type, ends)) <= {list, type(None)}:
            return None
        pairs = [(None, None) if end is None else end for end in ends]
        low, high = zip(*pairs, strict=True)
        columns = (_floats(value), _floats(low), _floats(high))
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    if not set(map(type, reason)) <= {str, type(None)} or not all(
        map(str.isascii, filter(None, reason))
    ):
        return None
    allowed, reasons = RANGES[definition.kind], tuple(reason)
    found = MetricColumn(columns[0], columns[1], columns[2], reasons)
    no_end = np.isnan(found.low)
    is_right = (
        all(_are_within(column, allowed.low, allowed.high) for column in columns)
        and not np.any(found.low > found.high)
        and not np.any(np.isnan(found.value) & ~no_end)
        and not any(reasons[i] is None for i in np.flatnonzero(np.isnan(found.value) | no_end))
    )
    return found if is_right else None


def _floats(column: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers and None, as nan; raises TypeError for other values."""
    if not set(map(type, column)) <= {float, int, type(None)}:
        raise TypeError
    found = np.array(column, np.float64)
    if np.count_nonzero(np.isnan(found)) != column.count(None) or np.any(np.isinf(found)):
        raise ValueError
    return found


def _are_within(column: NDArray[np.float64], low: float, high: float) -> bool:
    """Strict: values out of range by a rounding error are checked one by one."""
    return not np.any((column < low) | (column > high))


def _written_rows(rows: ClassRows) -> list[dict[str, Any]]:
    names = ("class", *rows.counts, *rows.metrics)
    columns = [rows.classes, *rows.counts.values(), *map(_cells, rows.metrics.values())]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]


def row_texts(rows: ClassRows) -> ElementTexts:
    """Each row as JSON text."""
    columns = [
        string_texts(rows.classes),
        *map(number_texts, rows.counts.values()),
        *map(_cell_texts, rows.metrics.values()),
    ]
    return ElementTexts(object_texts(("class", *rows.counts, *rows.metrics), columns))


def _cell_texts(column: MetricColumn) -> list[str]:
    """Each class's metric as JSON text."""
    reasons = {code: json.dumps(code) for code in set(column.reason)}
    if np.isnan(column.value).all() and len(reasons) == 1:
        (reason,) = reasons.values()
        return [_NOTHING % reason] * len(column)
    value, low, high = (number_texts(_plain(c)) for c in (column.value, column.low, column.high))
    return [
        (_WITHOUT % (v, reasons[code]) if "null" in (a, b) else _WITH % (v, a, b, reasons[code]))
        for v, a, b, code in zip(value, low, high, column.reason, strict=True)
    ]


_WITH = '{"value": %s, "interval": [%s, %s], "reason": %s}'


_WITHOUT = '{"value": %s, "interval": null, "reason": %s}'


_NOTHING = '{"value": null, "interval": null, "reason": %s}'


def _cells(column: MetricColumn) -> list[dict[str, Any]]:
    """Each class's metric as plain JSON."""
    numbers = zip(_plain(column.value), _plain(column.low), _plain(column.high), column.reason,
                  strict=True)  # fmt: skip
    return [
        {
            "value": value,
            "interval": None if low is None or high is None else [low, high],
            "reason": reason,
        }
        for value, low, high, reason in numbers
    ]


def _plain(column: NDArray[np.float64]) -> list[float | None]:
    found: list[float] = column.tolist()
    if not np.isnan(column).any():
        return list(found)
    return [None if number != number else number for number in found]


def _rows_schema(known: Definitions) -> Schema:
    def make(known: Definitions) -> Schema:
        count = codec_of(int | None).schema(known)
        metrics = {d.name: _metric_schema(d, known) for d in CLASS_METRICS}
        properties = {"class": {"type": "string"}, **dict.fromkeys(COUNT_NAMES, count), **metrics}
        return {
            "type": "object",
            "properties": properties,
            "required": ["class", *COUNT_NAMES],
        }

    return {"type": "array", "items": known.reference("ClassRow", _RowsCodec, make)}


def _metric_schema(definition: Definition, known: Definitions) -> Schema:
    return codec_of(Annotated[Metric, MetricOf(definition.kind)]).schema(known)


class _SummaryCodec:
    """``summary``: metric name → metric; including requested optional metrics."""

    def codec(self, _: Any) -> Codec:
        return Codec(_read_summary, lambda summary, _: _written_summary(summary), _summary_schema)


Summary = Annotated[Mapping[str, Metric], _SummaryCodec()]


_OF_THE_WHOLE = frozenset(d.name for d in (*SUMMARY_METRICS, *OPTIONAL_METRICS))


_ALWAYS = "accuracy"
"""The one metric in every report."""


def _read_summary(place: JsonPath) -> dict[str, Metric]:
    place.keep_others(_OF_THE_WHOLE)
    place[_ALWAYS]
    found: dict[str, Metric] = {}
    for definition in (*SUMMARY_METRICS, *OPTIONAL_METRICS):
        name = definition.name
        if name in place:
            metric = Annotated[Metric, MetricOf(definition.kind)]
            found[name] = codec_of(metric).read(place[name])
        elif definition not in OPTIONAL_METRICS:
            found[name] = NOT_RECORDED
    return found


def _written_summary(summary: Mapping[str, Metric]) -> dict[str, Any]:
    write = codec_of(Metric).write
    assert write is not None
    return {name: write(metric, ()) for name, metric in summary.items()}


def _summary_schema(known: Definitions) -> Schema:
    def make(known: Definitions) -> Schema:
        every = (*SUMMARY_METRICS, *OPTIONAL_METRICS)
        properties = {d.name: _metric_schema(d, known) for d in every}
        return {"type": "object", "properties": properties, "required": [_ALWAYS]}

    return known.reference("Summary", _SummaryCodec, make)
