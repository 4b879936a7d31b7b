"""The facts of a run apart from its rows, before these are summed up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reportgen.provenance import DataNote, Provenance

__all__ = [
    "RunOutline",
]


@dataclass(frozen=True)
class RunOutline:
    """The facts of a run apart from its rows.

    Equal for all shards of a run, except for the last two.

    Attributes
    ----------
    classes
        Class names in the order of the model's outputs.
    provenance
        The provenance, without data fingerprint and memory size.
    outputs
        The output type, as decided.
    keeps_probabilities
        Whether the finished file has the probabilities of all classes.
    excluded
        Reason → number of samples without a row, over all data.
    skipped
        Reason → number of directory entries that are not samples, over all data.
    notes, class_notes, batch_notes
        Notes on the model and file names; on the class list; on the first batch.
    run_notes
        Notes on events during the run, for this shard only.
    forward_size
        Forward batch size after out-of-memory halvings; 0 without any.
    """

    classes: tuple[str, ...]
    provenance: Provenance
    outputs: str = ""
    keeps_probabilities: bool = False
    excluded: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[DataNote, ...] = ()
    class_notes: tuple[DataNote, ...] = ()
    batch_notes: tuple[DataNote, ...] = ()
    run_notes: tuple[DataNote, ...] = ()
    forward_size: int = 0
