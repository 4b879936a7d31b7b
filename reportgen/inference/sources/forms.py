"""Python data that are neither a loader nor a data set: identified, with code to convert them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset

from reportgen.errors import UsageError
from reportgen.text import listing, printable, quoted

__all__ = [
    "as_tensors",
    "refuse_other_forms",
]


_IMAGES = ("images", "image", "x", "X", "x_test", "X_test", "test_images", "pixel_values", "data")


_LABELS = ("labels", "label", "y", "y_test", "test_labels", "targets", "target")


def as_tensors(data: Any) -> TensorDataset | None:
    """Convert a pair (X, y) to a data set, if it is unambiguous; otherwise None.

    X are floats of shape (N, C, H, W), which are passed on unchanged (float64 from NumPy as
    float32); y are labels of shape (N,), or one-hot rows (N, K).
    """
    if _pair(data) is None:
        return None
    images, labels = torch.as_tensor(data[0]), torch.as_tensor(data[1])
    is_first = images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3)
    if not is_first or not images.is_floating_point() or labels.ndim not in (1, 2):
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:
        return None
    return TensorDataset(images.float() if isinstance(data[0], np.ndarray) else images, labels)


def refuse_other_forms(data: Any) -> None:
    """Raise :class:`UsageError` ``data-kind`` for arrays, mappings, batches and generators.

    The hint is an expression that converts `data` to a data set.
    """
    for refused in (_mapping, _pair, _array, _batches, _generator):
        found = refused(data)
        if found is not None:
            what, hint = found
            raise UsageError(f"data is {what}, not a data set", slug="data-kind", hint=hint)


Found = tuple[str, str] | None


def _mapping(data: Any) -> Found:
    if not isinstance(data, Mapping):
        return None
    keys = [str(key) for key in data]
    what = f"a mapping with {listing(map(quoted, keys))}"
    parts = [key for key in data if isinstance(data[key], (DataLoader, Dataset))]
    parts += [key for key in data if hasattr(data[key], "features") and key not in parts]
    if parts:
        best = next((key for key in ("test", "val", "validation") if key in parts), parts[-1])
        return what, f"pass one of its parts: data[{printable(repr(best))}]"
    images = next((key for key in _IMAGES if _is_array(data.get(key))), None)
    labels = next((key for key in _LABELS if _is_array(data.get(key))), None)
    if images is None or labels is None:
        return what, "pass a Dataset or DataLoader of (image, label)"
    return what, _tensors(
        f"data[{images!r}]", data[images], f"data[{labels!r}]", data[labels]
    )  # fmt: skip


def _pair(data: Any) -> Found:
    """(X, y), in the convention of scikit-learn and Keras."""
    if not isinstance(data, (tuple, list)) or len(data) != 2 or not all(map(_is_array, data)):
        return None
    images, labels = data
    if len(images.shape) < 2 or not len(labels.shape) or len(images) != len(labels):
        return None
    what = f"a pair of arrays, of shape {tuple(images.shape)} and {tuple(labels.shape)}"
    return what, _tensors("data[0]", images, "data[1]", labels)


def _array(data: Any) -> Found:
    if not _is_array(data):
        return None
    return f"an array of shape {tuple(data.shape)}", (
        "pass labels too: torch.utils.data.TensorDataset(images, labels)"
    )


def _batches(data: Any) -> Found:
    """A list of batches, from a loader or a generator."""
    first = data[0] if isinstance(data, (list, tuple)) and len(data) else None
    if not isinstance(first, (tuple, list)) or len(first) != 2 or not all(map(_is_array, first)):
        return None
    if len(first[0].shape) != 4 or len(first[1].shape) != 1:
        return None
    return f"a list of {len(data):,} batches", (
        "join them: torch.utils.data.TensorDataset(*[torch.cat([torch.as_tensor(part) for part in "
        "parts]) for parts in zip(*data)])"
    )


def _generator(data: Any) -> Found:
    if not isinstance(data, Iterator):
        return None
    return "an iterator, which can be read only once", "pass list(data)"


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, torch.Tensor))


def _tensors(images_at: str, images: Any, labels_at: str, labels: Any) -> str:
    """The expression for a data set of two arrays, channels first, integers scaled to [0, 1]."""
    shape: Sequence[int] = tuple(images.shape)
    x, y = f"torch.as_tensor({images_at})", f"torch.as_tensor({labels_at})"
    if len(shape) == 3:
        x += ".unsqueeze(1)"
    elif len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3):
        x += ".permute(0, 3, 1, 2)"
    is_whole = not torch.as_tensor(images[:1]).is_floating_point()
    x += ".float() / 255" if is_whole else ".float()"
    if len(labels.shape) == 2:
        y += ".reshape(-1)" if labels.shape[1] == 1 else ".argmax(1)"
    return f"pass torch.utils.data.TensorDataset({x}, {y}.long())"
