"""Forward passes: batches of images in, raw scores out. The first batch checks the model."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.user_code import user_traceback
from reportgen.provenance import DataNote
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    import torch

__all__ = [
    "Engine",
    "Scorer",
    "check_first_batch",
    "resolve_device",
    "scores_of",
]


def scores_of(output: Any, n_rows: int, n_classes: int) -> tuple[torch.Tensor, str]:
    """Find the scores in a model's output.

    Parameters
    ----------
    output
        A tensor (B, K), (B, K, 1, …), or for two classes (B,) or (B, 1); or a mapping, object or
        sequence that contains one: ``logits`` first, else the first tensor of such a shape.

    Returns
    -------
    tensor
        Floating, shape (B, K); (B, 1) where one output distinguishes two classes.
    note
        Which part of the output was used; empty for a plain tensor.

    Raises
    ------
    ModelError
        No tensor fits; the message lists what the output contains.
    """
    import torch

    if isinstance(output, torch.Tensor):
        scores = _as_rows(output, n_rows, n_classes)
        if scores is None:
            raise _wrong_shape([("the output", output)], n_rows, n_classes)
        return scores, ""
    candidates = _named_tensors(output)
    for name, tensor in sorted(candidates, key=lambda item: item[0] != "logits"):
        scores = _as_rows(tensor, n_rows, n_classes)
        if scores is not None:
            return scores, f"The model returns several things; its scores are taken from {name}."
    raise _wrong_shape(candidates, n_rows, n_classes)


def _named_tensors(output: Any) -> list[tuple[str, torch.Tensor]]:
    import torch

    items: list[tuple[str, Any]]
    if isinstance(output, Mapping):
        items = [(printable(str(key)), value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        names = getattr(output, "_fields", range(1, len(output) + 1))
        items = [
            (str(n) if isinstance(n, str) else f"output {n}", v)
            for n, v in zip(names, output, strict=True)
        ]
    else:
        items = (
            [(printable(key), value) for key, value in vars(output).items()]
            if hasattr(output, "__dict__")
            else []
        )
    return [(name, value) for name, value in items if isinstance(value, torch.Tensor)]


def _as_rows(tensor: torch.Tensor, n_rows: int, n_classes: int) -> torch.Tensor | None:
    """The tensor as (B, K) or (B, 1), or None: only trailing dimensions of size 1 are dropped."""
    if not tensor.is_floating_point() or tensor.ndim == 0 or tensor.shape[0] != n_rows:
        return None
    if tensor.ndim == 1:
        tensor = tensor[:, None]
    while tensor.ndim > 2 and tensor.shape[-1] == 1:
        tensor = tensor[..., 0]
    if tensor.ndim != 2:
        return None
    width = tensor.shape[1]
    return tensor if width == n_classes or (width == 1 and n_classes == 2) else None


def _wrong_shape(found: list[tuple[str, torch.Tensor]], n_rows: int, n_classes: int) -> ModelError:
    width = found[0][1].shape[-1] if len(found) == 1 and found[0][1].ndim == 2 else n_classes
    if width != n_classes and found[0][1].shape[0] == n_rows:
        return ModelError(
            f"the model has {width} outputs, the class list has {n_classes}",
            slug="class-count",
            hint="pass the model's own class list with --classes names.txt",
        )
    shapes = [f"{name}: shape {tuple(t.shape)}, {t.dtype}" for name, t in found]
    return ModelError(
        f"the model's output contains no scores of shape ({n_rows}, {n_classes})",
        slug="output-shape",
        details=shapes[:5] or ["it contains no tensor at all"],
        hint="wrap the model in a factory whose module returns one row of scores per sample",
    )


class Scorer(Protocol):
    """Runs a model over images in batches of constant size; see :class:`Engine`."""

    model: LoadedModel
    precision: str
    n_classes: int
    size: int
    on_halved: Callable[[int], None] | None
    notes: set[str]

    @property
    def concurrent(self) -> int:
        """The number of threads that may call :meth:`scores` at the same time."""

    def scores(self, images: Any) -> NDArray[np.float64]:
        """Raw scores, float64, shape (n, K) or (n, 1), of images of shape (n, C, H, W)."""


@dataclass
class Engine:
    """Runs a model over images, in batches of constant size.

    The batch size can change the last bits of every score, so the last batch is padded with copies
    of its last image, and the scores of the copies are dropped.

    Attributes
    ----------
    size
        Images per forward pass; halved when memory runs out.
    on_halved
        Called with each new size.
    notes
        How the scores were found in the model's output, if it is not a plain tensor.
    """

    model: LoadedModel
    device: Any
    precision: str
    n_classes: int
    size: int
    on_halved: Callable[[int], None] | None = None
    notes: set[str] = field(default_factory=set)
    concurrent: ClassVar[int] = 1  # PyTorch uses all cores for one pass

    def scores(self, images: torch.Tensor) -> NDArray[np.float64]:
        """Raw scores, float64, shape (n, K) or (n, 1), of images of shape (n, C, H, W).

        Raises :class:`ModelError` if the model fails, or if one image does not fit in memory.
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
        import torch

        n = len(images)
        if n < self.size:
            images = torch.cat([images, images[-1:].expand(self.size - n, *images.shape[1:])])
        batch = images.to(self.device, self.model.input_dtype or torch.float32, non_blocking=True)
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
        import torch

        kind = {"bfloat16": torch.bfloat16, "float16": torch.float16}[self.precision]
        return torch.autocast(self.device.type, dtype=kind)

    def _halve(self, error: BaseException) -> None:
        smaller = self.model.batch_sizes.chunk(max(self.size // 2, 1))
        if smaller >= self.size:
            raise ModelError(
                f"out of memory on {self.device.type} with {self.size} image"
                f"{'s' if self.size > 1 else ''} at a time",
                slug="out-of-memory",
                details=["this is the smallest batch size of the model"],
                hint="use smaller images (--resize), --precision bfloat16, or another --device",
            ) from error
        self.size = smaller
        if self.device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
        if self.on_halved is not None:
            self.on_halved(smaller)

    def _failed(self, error: BaseException, images: torch.Tensor) -> ModelError:
        first = printable(str(error).strip().split("\n")[0])[:300] or type(error).__name__
        return ModelError(
            f"the model failed: {type(error).__name__}: {first}",
            slug="model-failed",
            details=[
                f"it was given a batch of shape {tuple(images.shape)}, "
                f"{self.model.input_dtype or 'torch.float32'}",
                *user_traceback(error),
            ],
            hint=_layout_hint(images)
            or "check the preprocessing options (--resize, --crop, --grayscale) and the model",
        )


def _layout_hint(images: torch.Tensor) -> str | None:
    """The hint for a batch that is not (n, channels, height, width)."""
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
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    text = str(error)
    return "out of memory" in text or "can't allocate memory" in text


def resolve_device(
    asked: str, preferred: torch.device | None = None, local_rank: int | None = None
) -> torch.device:
    """The device to run on; raises :class:`UsageError` if the requested one is not available.

    ``auto`` is the device of a live module (`preferred`), else cuda, mps or cpu, in this order.
    `local_rank`, the index of this process on the machine, selects one of several GPUs.
    """
    import torch

    there = list(_devices())
    if asked == "auto" and preferred is not None:
        return preferred
    if asked == "auto":
        asked = there[0]
        if asked == "cuda" and local_rank is not None and torch.cuda.device_count() > 1:
            asked = f"cuda:{local_rank}"
    kind, _, number = asked.partition(":")
    n_gpus = torch.cuda.device_count() if "cuda" in there else 0
    if kind not in there or (number and int(number) >= n_gpus):
        if n_gpus > 1:
            there[0] = f"cuda:0 to cuda:{n_gpus - 1}"
        raise UsageError(
            f"--device {quoted(asked)}: no such device",
            slug="device-absent",
            details=[f"available: {', '.join(there)}"],
            hint=f"use --device {there[0].partition(' ')[0]}, or omit it",
        )
    device = torch.device(asked)
    if number:
        torch.cuda.set_device(device)  # pinned memory also belongs to the current GPU
    return device


def _devices() -> Iterator[str]:
    import torch

    if torch.cuda.is_available():
        yield "cuda"
    if torch.backends.mps.is_available():
        yield "mps"
    yield "cpu"


_REL_TOLERANCE, _REDUCED_TOLERANCE, _TINY = 1e-3, 5e-2, 1e-12

_REPEATED = 16


def check_first_batch(
    engine: Scorer, images: Any, scores: NDArray[np.float64]
) -> Iterator[DataNote]:
    """Run the first images again, and a few of them alone; report differing scores.

    The whole batch runs again only if a smaller batch changes the scores, or if the model does not
    accept a smaller one. A model exported in training mode keeps its dropout; the scores of a model
    that mixes the samples of a batch depend on the batch size.
    """
    yield from _unscaled(images)
    again = _in_batches_of(engine, images[:_REPEATED], _REPEATED)
    if again is None or not _repeats(again, scores):
        again = engine.scores(images)
    if not _repeats(again, scores):
        yield DataNote(
            "scores-not-repeatable",
            "Two passes over the same images gave different scores (by up to "
            f"{_largest_difference(again, scores):.3g}): the model is non-deterministic (training "
            "mode or random sampling), so results are not reproducible.",
            "warning",
        )
        return
    alone = _in_batches_of(engine, images[:4], 1)
    if alone is not None and _differ(engine, alone, together := scores[: len(alone)]):
        same = np.array_equal(alone.argmax(axis=1), together.argmax(axis=1))
        yield DataNote(
            "scores-depend-on-batch",
            "An image alone and the same image in a batch are "
            f"{'scored' if same else 'predicted'} differently (scores differ by up to "
            f"{_largest_difference(alone, together):.3g}): predictions depend on the batch "
            "composition.",
            "warning",
        )


def _differ(engine: Scorer, alone: NDArray[np.float64], together: NDArray[np.float64]) -> bool:
    """Whether scores differ by more than the kernels for different batch sizes explain.

    The tolerance is relative to the largest score: 0.1%, or 5% where the precision is reduced.
    """
    tolerance = _REL_TOLERANCE if engine.precision == "float32" else _REDUCED_TOLERANCE
    finite = np.isfinite(together)
    scale = float(np.abs(together[finite]).max(initial=0.0))
    return not np.allclose(
        alone, together, rtol=0.0, atol=tolerance * max(scale, _TINY), equal_nan=True
    )


def _unscaled(images: Any) -> Iterator[DataNote]:
    """Images with whole numbers, as before ``ToDtype(torch.float32, scale=True)``."""
    kind = str(images.dtype).removeprefix("torch.")
    if "float" not in kind:
        yield DataNote(
            "images-unscaled",
            f"The loader gives {kind} images, which were passed on unscaled. A network that "
            "expects values in [0, 1] gives wrong results.",
            "warning",
        )


def _in_batches_of(engine: Scorer, images: Any, size: int) -> NDArray[np.float64] | None:
    """Scores in batches of `size`; None if the model refuses it, or already runs smaller ones."""
    if size > engine.size or not engine.model.batch_sizes.allows(size):
        return None
    other: Scorer = replace(engine, size=size)  # type: ignore[type-var]
    return other.scores(images)  # `engine` itself may be at work in another thread


def _repeats(again: NDArray[np.float64], scores: NDArray[np.float64]) -> bool:
    """Whether a second pass over the first images, or over all, reproduces the scores."""
    return np.allclose(
        again, scores[: len(again)], rtol=_REL_TOLERANCE, atol=_REL_TOLERANCE, equal_nan=True
    )


def _largest_difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    with np.errstate(invalid="ignore"):
        return float(np.nanmax(np.abs(a - b), initial=0.0))
