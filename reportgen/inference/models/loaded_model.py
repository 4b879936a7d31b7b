"""The values of a loaded model; a user's live module is not modified."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from reportgen.inference.images.preprocessing import Prepares
from reportgen.provenance import DataNote, ModelFacts

if TYPE_CHECKING:
    import torch

__all__ = [
    "BatchSizes",
    "LoadedModel",
    "Session",
    "keep_as_found",
]


@dataclass(frozen=True)
class BatchSizes:
    """The batch sizes that a model takes: `minimum`, `minimum` + `step`, … up to `maximum`.

    Attributes
    ----------
    minimum
        The smallest, in images, at least 1.
    maximum
        The largest, in images; None for no limit.
    step
        Difference between neighbouring sizes, at least 1.
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
        """The largest allowed size that is at most `wanted`, otherwise the smallest one.

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
        Name, version, hashes and notes, for the report.
    batch_sizes
        The allowed values of B.
    input_shape
        (C, H, W), with None for a dynamic size; None if unknown (factories, live modules).
    input_dtype
        Floating dtype of the batch; None means float32.
    n_outputs
        Scores per sample (1 for outputs of shape (B,) and (B, 1)), if known without running the
        model; else None.
    classes
        Class names in the order of the outputs, from the model's files, else None.
    classes_source
        Where they were found: ``"classes.json in candidate.pt2"``.
    knows_classes
        Whether those names come from the network itself, not from a file.
    warnings
        Warnings about the model, for the top of the report.
    preprocessing
        The model's own preprocessing, used if no option declares another; or None.
    preprocessing_hint
        The hint, if the model should have its own preprocessing but has none: then it must be
        declared.
    libraries
        Installation names of the libraries that run it besides PyTorch; the report states their
        versions.
    session
        The runtime that runs it instead of PyTorch; then `module` maps numpy arrays to numpy
        arrays.
    program
        The torch.export program, to which ``eval()`` and ``to()`` do not apply; see
        :func:`reportgen.inference.models.loading.to_device`.
    """

    module: Callable[[Any], Any]
    facts: ModelFacts
    batch_sizes: BatchSizes = field(default_factory=BatchSizes)
    input_shape: tuple[int | None, ...] | None = None
    input_dtype: torch.dtype | None = None
    n_outputs: int | None = None
    classes: tuple[str, ...] | None = None
    classes_source: str = ""
    knows_classes: bool = False
    warnings: tuple[DataNote, ...] = ()
    preprocessing: Prepares | None = None
    preprocessing_hint: str = ""
    libraries: tuple[str, ...] = ()
    session: Session | None = None
    program: torch.export.ExportedProgram | None = field(default=None, repr=False, compare=False)


class Session(Protocol):
    """A model on a runtime other than PyTorch."""

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""

    @property
    def takes_bytes(self) -> bool:
        """Whether the input is whole pixel values, 0 to 255."""

    @property
    def concurrent(self) -> int:
        """The number of threads that may run the model at the same time."""

    @property
    def facts(self) -> dict[str, str]:
        """Runtime and device, for the report."""


@contextmanager
def keep_as_found(module: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """Put `module` in evaluation mode on `device` for the length of the block.

    Each submodule's `training`, the device and the global random state are restored.
    """
    training = {name: part.training for name, part in module.named_modules()}
    home = device_of(module)
    with _random_state_kept():
        try:
            module.eval()
            if home is not None and home != device:
                module.to(device)
            yield
        finally:
            if home is not None and home != device:
                module.to(home)
            for name, part in module.named_modules():
                part.training = training.get(name, part.training)


def device_of(module: torch.nn.Module) -> torch.device | None:
    """The device of the first parameter or buffer; None if there is none."""
    for tensor in (*module.parameters(), *module.buffers()):
        return tensor.device
    return None


@contextmanager
def _random_state_kept() -> Iterator[None]:
    import torch

    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if started else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
