"""Clustered samples: the groups, and cluster-robust intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import DataError, UsageError
from reportgen.jsonio import MOST, Form, JsonPath, Positive, Range
from reportgen.metrics import FEW_GROUPS, ClusterIntervals, Costs, GroupCounts, cluster_intervals
from reportgen.options import EvaluationOptions
from reportgen.predictions import PredictionRows
from reportgen.text import listing, nearest, quoted

__all__ = [
    "SampleGroups",
    "grouped_intervals",
    "refuse_groups",
]


_LARGEST_EXACT = 2.0**53


@dataclass(frozen=True)
class SampleGroups:
    """The groups of clustered samples, and their effect.

    Attributes
    ----------
    column
        The metadata column with each sample's group.
    method
        The method of the overall intervals, in words.
    n_samples, n_groups, largest_group
        Number of samples, of groups, and of samples in the largest group.
    design_effect
        Variance of the accuracy with these groups, divided by that of as many independent samples;
        None if undefined.
    """

    column: str
    method: str
    n_samples: Annotated[int, Range(1, MOST)]
    n_groups: int
    largest_group: int
    design_effect: Positive | None

    __json__: ClassVar[Form] = Form(told=("effective_samples", "few_groups"))

    @classmethod
    def of(cls, column: str | None, found: ClusterIntervals | None) -> SampleGroups | None:
        """The facts on the groups; None if none were requested."""
        if column is None or found is None:
            return None
        return cls(
            column, found.intervals.method, found.n_samples, found.n_groups, found.largest,
            found.design_effect,
        )  # fmt: skip

    @property
    def effective_samples(self) -> float | None:
        """The number of independent samples with the same precision of accuracy."""
        return self.n_samples / self.design_effect if self.design_effect else None

    @property
    def few_groups(self) -> bool:
        """Whether there are so few groups that the intervals are too narrow."""
        return self.n_groups < FEW_GROUPS

    def check_place(self, place: JsonPath) -> None:
        """Raise :class:`~reportgen.jsonio.Fault` if there are more groups than samples."""
        for name in ("n_groups", "largest_group"):
            place[name].whole(Range(1, self.n_samples))


def grouped_intervals(
    rows: PredictionRows, options: EvaluationOptions, costs: Costs | None = None
) -> ClusterIntervals | None:
    """Cluster-robust overall intervals; None without a group column.

    Raises :class:`UsageError` for an unknown column, :class:`DataError` for a sample without a
    group.
    """
    if options.group_column is None:
        return None
    column = _column(rows, options.group_column)
    n_classes = len(rows.facts.classes)
    counts = GroupCounts(n_classes)
    for batch in rows.batches("label", "prediction", column):
        ids = _ids(batch[column], options.group_column)
        counts += GroupCounts.of(ids, batch["label"], batch["prediction"], n_classes)
    if counts.n_groups == 0:
        return None  # no sample is labelled, which has its own error
    return cluster_intervals(
        counts,
        seed=options.seed,
        macro=options.macro,
        ordinal=options.ordinal,
        costs=costs,
    )


def refuse_groups(options: EvaluationOptions, what: str) -> None:
    """Refuse ``--group-column`` and ``--metadata`` if the input `what` has no samples."""
    if options.group_column is not None:
        raise UsageError(
            f"--group-column {quoted(options.group_column)}: {what} contains no samples to group",
            slug="group-column",
            hint="pass the predictions that it was counted from",
        )
    if options.metadata is not None:
        raise UsageError(
            f"--metadata {quoted(options.metadata.name)}: {what} contains no samples to join it "
            "with",
            slug="option-conflict",
            hint="pass the predictions that it was counted from",
        )


def _column(rows: PredictionRows, wanted: str) -> str:
    """The name in ``batches`` of the metadata column named `wanted` in the table."""
    columns: Mapping[str, str] = getattr(rows, "metadata", {})
    for name, in_table in columns.items():
        if wanted in (in_table, name):
            return name
    if not columns:
        raise UsageError(
            f"--group-column {quoted(wanted)}: the predictions have no metadata columns",
            slug="group-column",
            hint="pass a table that names the group of each sample with --metadata FILE",
        )
    meant = nearest(wanted, sorted(columns.values()))
    raise UsageError(
        f"--group-column {quoted(wanted)}: no such metadata column",
        slug="group-column",
        details=[f"the metadata columns are {listing(columns.values(), 20)}"],
        hint=f"did you mean {quoted(meant)}?" if meant else None,
    )


def _ids(values: NDArray[Any], column: str) -> NDArray[Any]:
    """Group ids as comparable values: whole numbers are read as float64."""
    if values.dtype.kind == "f" and bool(np.any(np.abs(values) >= _LARGEST_EXACT)):
        raise DataError(
            f"the numbers in column {quoted(column)} are too large to be stored exactly",
            slug="group-numbers",
            hint="save the column as text",
        )
    return values + 0.0 if values.dtype.kind == "f" else values  # -0.0 is 0.0
