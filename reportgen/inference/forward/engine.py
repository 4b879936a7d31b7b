"""One forward pass after another: padded to one size, halved when memory runs out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.forward.outputs import scores_of
from reportgen.inference.models.value import LoadedModel
from reportgen.inference.user_code.tracebacks import user_traceback
from reportgen.text import printable, quoted

__all__ = ["Engine", "resolve_device"]

_AUTOCAST = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass
class Engine:
    """Runs a model over images, always in batches of one size.

    A batch of another size can change the last bits of every row, so the last one of a pass is
    padded with copies of its last image, and the copies' scores are dropped.

    Attributes
    ----------
    size
        Images in a forward pass; halved when memory runs out.
    on_halved
        Told of each new size.
    notes
        What had to be done to read the model's output.
    """

    model: LoadedModel
    device: torch.device
    precision: str
    n_classes: int
    size: int
    on_halved: Callable[[int], None] | None = None
    notes: set[str] = field(default_factory=set)

    def scores(self, images: torch.Tensor) -> NDArray[np.float64]:
        """Raw scores, float64, shape (n, K) or (n, 1), of images of shape (n, C, H, W).

        Raises :class:`ModelError` where the model fails, or memory is too small for one image.
        """
        blocks: list[NDArray[np.float64]] = []
        done = 0
        while done < len(images):
            try:
                block = self._forward(images[done : done + self.size])
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise self._failed(error, images) from error
                self._halve(error)
                continue
            blocks.append(block)
            done += len(block)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)

    def _forward(self, images: torch.Tensor) -> NDArray[np.float64]:
        n = len(images)
        if n < self.size:
            images = torch.cat([images, images[-1:].expand(self.size - n, *images.shape[1:])])
        batch = images.to(self.device, self.model.input_dtype, non_blocking=True)
        with torch.inference_mode(), self._autocast():
            try:
                output = self.model.module(batch)
            except (ReportgenError, RuntimeError, MemoryError):
                raise
            except Exception as error:
                raise self._failed(error, images) from error
        scores, note = scores_of(output, self.size, self.n_classes)
        if note:
            self.notes.add(note)
        block: NDArray[np.float64] = scores[:n].detach().to("cpu", torch.float32).double().numpy()
        return block

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.precision == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=_AUTOCAST[self.precision])

    def _halve(self, error: BaseException) -> None:
        smaller = self.model.batch_sizes.chunk(max(self.size // 2, 1))
        if smaller >= self.size:
            raise ModelError(
                f"out of memory on {self.device.type} with {self.size} image"
                f"{'s' if self.size > 1 else ''} at a time",
                slug="out-of-memory",
                details=["this is the smallest batch that the model takes"],
                hint="use smaller images (--resize), --precision bfloat16, or another --device",
            ) from error
        self.size = smaller
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.on_halved is not None:
            self.on_halved(smaller)

    def _failed(self, error: BaseException, images: torch.Tensor) -> ModelError:
        first = printable(str(error).strip().split("\n")[0])[:300] or type(error).__name__
        return ModelError(
            f"the model failed: {type(error).__name__}: {first}",
            slug="model-failed",
            details=[
                f"it was given a batch of shape {tuple(images.shape)}, {self.model.input_dtype}",
                *user_traceback(error),
            ],
            hint=_layout_hint(images)
            or "check the preprocessing options (--resize, --crop, --grayscale) and the model",
        )


def _layout_hint(images: torch.Tensor) -> str | None:
    """What to do where a batch is not (n, channels, height, width)."""
    shape = tuple(images.shape)
    if len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3, 4):
        return (
            "the images are height × width × channels, and networks take channels first: "
            "images.permute(0, 3, 1, 2), or ToTensorV2 at the end of an albumentations pipeline"
        )
    if len(shape) == 3:
        return "the images have no channels: images.unsqueeze(1)"
    return None


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return "out of memory" in text or "can't allocate memory" in text


def resolve_device(asked: str, preferred: torch.device | None = None) -> torch.device:
    """The device to run on; raises :class:`UsageError` where the one asked for is not there.

    ``auto`` is where a live module stands (`preferred`), else cuda, else mps, else cpu.
    """
    there = list(_devices())
    if asked == "auto":
        return preferred or torch.device(there[0])
    if asked not in there:
        raise UsageError(
            f"--device {quoted(asked)}: there is no such device here",
            slug="device-absent",
            details=[f"there is: {', '.join(there)}"],
            hint=f"use --device {there[0]}, or leave it out",
        )
    return torch.device(asked)


def _devices() -> Iterator[str]:
    if torch.cuda.is_available():
        yield "cuda"
    if torch.backends.mps.is_available():
        yield "mps"
    yield "cpu"
