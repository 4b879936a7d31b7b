"""What a model is once it is loaded, whatever it was loaded from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from reportgen.provenance import DataNote, ModelFacts

__all__ = ["BatchSizes", "LoadedModel"]


@dataclass(frozen=True)
class BatchSizes:
    """The batch sizes that a model takes: `minimum`, `minimum` + `step`, … up to `maximum`.

    Attributes
    ----------
    minimum
        The smallest, in images, at least 1.
    maximum
        No size is larger than this; None where there is no limit.
    step
        Distance of neighbouring sizes, at least 1.
    """

    minimum: int = 1
    maximum: int | None = None
    step: int = 1

    def __post_init__(self) -> None:
        if self.minimum < 1 or self.step < 1:
            raise ValueError(f"no batch sizes: minimum {self.minimum}, step {self.step}")
        if self.maximum is not None and self.maximum < self.minimum:
            raise ValueError(f"no batch sizes: {self.minimum}..{self.maximum}")

    @classmethod
    def fixed(cls, size: int) -> BatchSizes:
        """The one size of a program that was exported without a dynamic batch."""
        return cls(size, size)

    @property
    def is_fixed(self) -> bool:
        """Whether there is only one size."""
        return self.maximum is not None and self.maximum < self.minimum + self.step

    def allows(self, size: int) -> bool:
        """Whether the model takes a batch of `size` images."""
        return size > 0 and self.chunk(size) == size

    def chunk(self, wanted: int) -> int:
        """The largest size that is at most `wanted`, else the smallest there is.

        >>> BatchSizes(16, 128, 8).chunk(30), BatchSizes.fixed(4).chunk(64), BatchSizes(2).chunk(1)
        (24, 4, 2)
        """
        top = wanted if self.maximum is None else min(wanted, self.maximum)
        return self.minimum + max(top - self.minimum, 0) // self.step * self.step


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to run.

    Attributes
    ----------
    module
        Batch of images, shape (B, C, H, W), dtype `input_dtype`, on the model's device → whatever
        the model returns.
    facts
        What it is, for the report.
    batch_sizes
        The values of B that it takes.
    input_shape
        (C, H, W), None in place of what is free; None where it is not known (factories, live
        modules).
    input_dtype
        Floating dtype of the batch.
    n_outputs
        Scores a sample (1 for outputs of shape (B,) and (B, 1)), where they can be known without
        running it; else None.
    classes
        Class names in the order of the outputs that came with the model's files, else None.
    classes_source
        Where they stood: ``"classes.json in candidate.pt2"``.
    knows_classes
        Whether those names are the network's own, and not those of a file.
    warnings
        What a reader should know about it before anything else.
    is_program
        Whether it is a torch.export program: ``eval()`` and ``to()`` do not apply to it.
    program
        That program, for :func:`reportgen.inference.models.loading.to_device`.
    """

    module: Callable[[torch.Tensor], Any]
    facts: ModelFacts
    batch_sizes: BatchSizes = field(default_factory=BatchSizes)
    input_shape: tuple[int | None, ...] | None = None
    input_dtype: torch.dtype = torch.float32
    n_outputs: int | None = None
    classes: tuple[str, ...] | None = None
    classes_source: str = ""
    knows_classes: bool = False
    warnings: tuple[DataNote, ...] = ()
    is_program: bool = False
    program: torch.export.ExportedProgram | None = field(default=None, repr=False, compare=False)
