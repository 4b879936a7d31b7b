"""Metrics in JSON: annotations with the kind of a metric, and thus its range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from reportgen.jsonio import Codec, Definitions, Ends, JsonPath, Schema, codec_of
from reportgen.metrics.definitions import RANGES, Kind, Metric

__all__ = [
    "MetricOf",
    "ShareMetric",
    "SignedMetric",
]


@dataclass(frozen=True)
class MetricOf:
    """In an annotation: a metric of this kind, with values in the kind's range."""

    kind: Kind

    def codec(self, _: Any) -> Codec:
        plain, allowed = codec_of(Metric), RANGES[self.kind]

        def read(place: JsonPath) -> Metric:
            found: Metric = plain.read(place)
            if found.value is not None and not allowed.holds(found.value):
                place["value"].number(allowed)
            if found.interval is not None and not all(map(allowed.holds, found.interval)):
                place["interval"].ends(allowed)
            return found

        return Codec(read, plain.write, self._schema)

    def _schema(self, known: Definitions) -> Schema:
        """The schema of any metric, with the limits of the kind."""

        def make(known: Definitions) -> Schema:
            parts: dict[str, Any] = {
                "value": Annotated[float, RANGES[self.kind]] | None,
                "interval": Annotated[tuple[float, float], Ends(RANGES[self.kind])] | None,
                "reason": str | None,
            }
            properties = {name: codec_of(hint).schema(known) for name, hint in parts.items()}
            return {"type": "object", "properties": properties, "required": list(properties)}

        return known.reference(f"{self.kind.capitalize()}Metric", self, make)


ShareMetric = Annotated[Metric, MetricOf("share")]


SignedMetric = Annotated[Metric, MetricOf("signed")]
