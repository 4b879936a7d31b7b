"""Which tensor of what a model returns holds the scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from reportgen.errors import ModelError
from reportgen.text import printable

__all__ = ["scores_of"]


def scores_of(output: Any, n_rows: int, n_classes: int) -> tuple[torch.Tensor, str]:
    """The scores in a model's output, and a sentence where they had to be looked for.

    Parameters
    ----------
    output
        A tensor (B, K), (B, K, 1, …), or for two classes (B,) or (B, 1); or a mapping, object or
        sequence that holds one: ``logits`` first, else the first tensor of such a shape.

    Returns
    -------
    tensor
        Floating, shape (B, K); (B, 1) where one output tells two classes apart.
    note
        Empty, or what was taken.

    Raises
    ------
    ModelError
        Where no tensor fits, naming what there is.
    """
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
    """(B, K) or (B, 1) where the shape allows it: only trailing dimensions of 1 are dropped."""
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
            hint="give the model's own class list with --classes names.txt",
        )
    shapes = [f"{name}: shape {tuple(t.shape)}, {t.dtype}" for name, t in found]
    return ModelError(
        f"the model's output holds no scores of shape ({n_rows}, {n_classes})",
        slug="output-shape",
        details=shapes[:5] or ["it holds no tensor at all"],
        hint="wrap the model in a factory whose module returns one row of scores a sample",
    )
