"""What a model's first batch tells before the rest is trusted to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.inference.forward.engine import Engine
from reportgen.provenance import DataNote

__all__ = ["self_check"]

_REL_TOLERANCE = 1e-3


def self_check(
    engine: Engine, images: torch.Tensor, scores: NDArray[np.float64]
) -> Iterator[DataNote]:
    """Run the first batch again, and its first image alone; say where the scores differ.

    A model that was exported in training mode keeps its dropout; one whose forward mixes the
    samples of a batch gives numbers that depend on the batch size.
    """
    yield from _unscaled(images)
    again = engine.scores(images)
    if not np.allclose(again, scores, rtol=_REL_TOLERANCE, atol=_REL_TOLERANCE, equal_nan=True):
        yield DataNote(
            "scores-not-repeatable",
            "Two passes over the same images gave different scores (by up to "
            f"{_largest_difference(again, scores):.3g}): the model seems to be in training mode, "
            "or to draw random numbers. These numbers can't be repeated.",
            "warning",
        )
        return
    alone = _alone(engine, images)
    if alone is not None and not np.array_equal(
        alone.argmax(axis=1), scores[: len(alone)].argmax(axis=1)
    ):
        yield DataNote(
            "scores-depend-on-batch",
            "An image alone and the same image in a batch are predicted differently (scores "
            f"differ by up to {_largest_difference(alone, scores[: len(alone)]):.3g}): the model "
            "mixes the samples of a batch.",
            "warning",
        )


def _unscaled(images: torch.Tensor) -> Iterator[DataNote]:
    """Whole numbers, as they are before ``ToDtype(torch.float32, scale=True)``."""
    if not images.is_floating_point():
        kind = str(images.dtype).removeprefix("torch.")
        yield DataNote(
            "images-unscaled",
            f"The loader gives {kind} images, which were passed on unscaled. A network that "
            "expects values in [0, 1] gives wrong results.",
            "warning",
        )


def _alone(engine: Engine, images: torch.Tensor) -> NDArray[np.float64] | None:
    """Scores of the first images, one by one; None where the model takes no batch of one."""
    if engine.model.batch_sizes.chunk(1) != 1:
        return None
    size, engine.size = engine.size, 1
    try:
        return engine.scores(images[:4])
    finally:
        engine.size = size


def _largest_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.abs(a - b), initial=0.0))
