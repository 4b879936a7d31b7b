"""The protocol of batch sources: a folder of images, or a live DataLoader."""

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
        int32, shape (n,); -1 if unknown.
    images
        Images of the g readable samples, in order: float32, shape (g, C, H, W), a tensor or an
        array; None if g is 0.
    reasons
        n entries: the reason why a sample is unreadable, or None.
    flags
        int32, shape (n,): bits of :class:`reportgen.inference.images.flags.ImageFlag`.
    digests
        n entries: SHA-256 of a sample's bytes, or None; empty if unknown.
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
    """Samples in a fixed order, in batches of one size; the last batch may be smaller."""

    id_kind: str
    """The kind of sample ids, in words; known after the first batch."""

    @property
    def notes(self) -> Sequence[DataNote]:
        """Notes for the report on how the batches were drawn."""

    @property
    def n_samples(self) -> int | None:
        """Number of samples, if known."""

    def batches(self, start: int, batch_size: int) -> Iterator[Batch]:
        """The batches from sample `start` on; `start` is a multiple of `batch_size`."""
