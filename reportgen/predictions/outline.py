"""What a run knows besides its rows, before they are summed up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reportgen.provenance import DataNote, Provenance

__all__ = [
    "RunOutline",
]


@dataclass(frozen=True)
class RunOutline:
    """What a run knows besides its rows. All shards of a run have the same, but for the last two.

    Attributes
    ----------
    classes
        Class names in the order of the model's outputs.
    provenance
        Without the fingerprint of the data, and without how much memory there was.
    outputs
        How the model's outputs are read, as decided.
    keeps_probabilities
        Whether the finished file holds those of all classes.
    excluded
        Reason → samples of all the data that are in no row.
    skipped
        Reason → directory entries of all the data that never were samples.
    notes, class_notes, batch_notes
        On the model and the names of the files; on the class list; on the first batch.
    run_notes
        What happened on the way: of this shard alone.
    forward_size
        Forward batch size after out-of-memory halvings; 0 where there was none.
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
