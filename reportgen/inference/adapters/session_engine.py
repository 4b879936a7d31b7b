"""Runs a model of a runtime other than PyTorch over arrays of images, in constant batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError, ReportgenError
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.text import printable

__all__ = [
    "SessionEngine",
]


@dataclass
class SessionEngine:
    """As :class:`reportgen.inference.forward.Engine`, for arrays: the last batch is padded."""

    model: LoadedModel
    n_classes: int
    size: int
    precision: str = "float32"
    on_halved: Callable[[int], None] | None = None
    notes: set[str] = field(default_factory=set)

    @property
    def concurrent(self) -> int:
        """See :class:`~reportgen.inference.forward.Scorer`."""
        return 1 if self.model.session is None else self.model.session.concurrent

    def scores(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        """Raw scores, float64, shape (n, K) or (n, 1), of images of shape (n, C, H, W).

        Raises :class:`ModelError` ``model-failed``, ``class-count`` or ``output-shape``.
        """
        blocks = [
            self._forward(images[at : at + self.size]) for at in range(0, len(images), self.size)
        ]
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def _forward(self, images: NDArray[np.float32]) -> NDArray[np.float64]:
        n = len(images)
        if n < self.size:
            images = np.concatenate([images, np.repeat(images[-1:], self.size - n, axis=0)])
        try:
            found: dict[str, NDArray[Any]] = self.model.module(images)
        except ReportgenError:
            raise
        except Exception as error:  # the exceptions of runtimes have no common base class
            raise self._failed(error, images) from error
        return self._chosen(found)[:n].astype(np.float64)

    def _chosen(self, found: dict[str, NDArray[Any]]) -> NDArray[Any]:
        """The scores among the outputs, shape (B, K) or (B, 1)."""
        rows = {name: _as_rows(array, self.size) for name, array in found.items()}
        for name, scores in rows.items():
            if scores is not None and self._fits(scores.shape[1]):
                if len(found) > 1:
                    self.notes.add(
                        "The model returns several things; its scores are taken from "
                        f"{printable(name)}."
                    )
                return scores
        widths = [scores.shape[1] for scores in rows.values() if scores is not None]
        if len(widths) == 1:
            raise ModelError(
                f"the model has {widths[0]} outputs, the class list has {self.n_classes}",
                slug="class-count",
                hint="pass the model's own class list with --classes names.txt",
            )
        raise ModelError(
            f"the model's output contains no scores of shape ({self.size}, {self.n_classes})",
            slug="output-shape",
            details=[f"{printable(k)}: shape {v.shape}, {v.dtype}" for k, v in found.items()][:5],
            hint="export a network that returns one row of scores per image",
        )

    def _fits(self, width: int) -> bool:
        return width == self.n_classes or (width == 1 and self.n_classes == 2)

    def _failed(self, error: BaseException, images: NDArray[np.float32]) -> ModelError:
        first = printable(str(error).strip().split("\n")[0])[:300] or type(error).__name__
        return ModelError(
            f"the model failed: {type(error).__name__}: {first}",
            slug="model-failed",
            details=[f"it was given a batch of shape {images.shape}"],
            hint="check the preprocessing options (--resize, --crop, --grayscale) and the model",
        )


def _as_rows(array: NDArray[Any], n_rows: int) -> NDArray[Any] | None:
    """The array as (B, K), or None: only trailing axes of size 1 are dropped."""
    if array.ndim == 0 or len(array) != n_rows or not np.issubdtype(array.dtype, np.floating):
        return None
    if array.ndim == 1:
        array = array[:, None]
    while array.ndim > 2 and array.shape[-1] == 1:
        array = array[..., 0]
    return array if array.ndim == 2 else None
