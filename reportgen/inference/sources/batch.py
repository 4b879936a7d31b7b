"""Where batches come from: a folder of images, or a live DataLoader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.provenance import DataNote

__all__ = [
    "Batch",
    "Source",
]


@dataclass(frozen=True)
class Batch:
    """Consecutive samples.

    Attributes
    ----------
    ids
        n sample ids.
    labels
        int32, shape (n,); -1 where unknown.
    images
        float32, shape (g, C, H, W), a tensor or an array: those of the g usable samples, in order;
        None where g is 0.
    reasons
        n entries: why a sample can't be used, or None.
    flags
        int32, shape (n,): what the decoder noticed.
    digests
        n entries: SHA-256 of a sample's bytes, or None; empty where they are not known.
    """

    ids: list[str]
    labels: NDArray[np.int32]
    images: Any
    reasons: list[str | None]
    flags: NDArray[np.int32]
    digests: Sequence[bytes | None] = ()

    def __len__(self) -> int:
        return len(self.ids)


class Source(Protocol):
    """Samples in a fixed order, cut into batches of one size, the last of which may be short."""

    id_kind: str
    """What the sample ids are, in words; known once a batch was drawn."""

    @property
    def notes(self) -> Sequence[DataNote]:
        """What the report should say about how the batches were drawn."""

    @property
    def n_samples(self) -> int | None:
        """How many there are, where that is known."""

    def batches(self, start: int, batch_size: int) -> Iterator[Batch]:
        """The batches from sample `start` on, which is a multiple of `batch_size`."""
