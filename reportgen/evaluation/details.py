"""What needs a look at single samples: suspected labels, and slices by metadata."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.metrics import MacroMode
from reportgen.predictions.rows import PredictionRows
from reportgen.scoring.inputs import SUM_TOLERANCE
from reportgen.slices import SliceReport, SliceTallies, Survey, plan_slices, slice_table
from reportgen.suspects import LabelSuspects, Suspects, Thresholds, label_suspects

__all__ = ["slices_of", "suspects_of"]


def suspects_of(rows: PredictionRows, thresholds: Thresholds | None) -> LabelSuspects:
    """Labels worth a second look; `thresholds` is None without probabilities of all classes."""
    found = None if thresholds is None else Suspects(thresholds)
    tolerance = rows.facts.sum_tolerance or SUM_TOLERANCE
    if found is not None and thresholds is not None and thresholds.n:
        for batch in rows.batches("id", "label", "probabilities"):
            found = found.having(batch["id"], batch["label"], batch["probabilities"], tolerance)
    return label_suspects(found, rows.facts.provenance.split or None)


def slices_of(
    rows: PredictionRows, macro: MacroMode = "present", groups: str | None = None
) -> SliceReport:
    """Each part of the data that a metadata column tells apart; empty without such columns.

    `macro`: which classes macro F1 averages, in each part. `groups`: the column that says which
    samples belong together; it cuts nothing.
    """
    columns: Mapping[str, str] = getattr(rows, "metadata", {})
    names = [name for name in columns if name != groups]
    if not names:
        return SliceReport()
    survey = Survey()
    for batch in rows.batches("label", *names):
        known = batch["label"] >= 0
        survey += Survey.of({name: batch[name][known] for name in names})
    tallies = SliceTallies.empty(plan_slices(survey), len(rows.facts.classes))
    wanted = ["label", "prediction", *(["confidence"] if rows.has_confidence else [])]
    for batch in rows.batches(*wanted, *names):
        tallies = tallies.having(
            {name: batch[name] for name in names},
            batch["label"],
            batch["prediction"],
            batch.get("confidence"),
        )
    return slice_table(tallies, macro=macro)
