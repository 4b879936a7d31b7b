"""Batches from a DataLoader or Dataset in the user's program."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from reportgen.class_list import display_name
from reportgen.errors import DataError, ModelError, ReportgenError, UsageError
from reportgen.inference.given_classes import labels_have_names
from reportgen.inference.sources.batch import Batch
from reportgen.inference.sources.forms import as_tensors, refuse_other_forms
from reportgen.inference.user_code import user_traceback
from reportgen.provenance import DataNote
from reportgen.text import count, listing, nearest, printable, quoted

__all__ = [
    "POSITIONS",
    "LiveSource",
    "as_loader",
    "paths_of",
    "shuffles",
]


POSITIONS = "positions in the data set"


_TENSORS = (
    "pass tensors, not PIL images: transform=v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, "
    "scale=True)]), from torchvision.transforms import v2"
)


_PREPARED = (
    "define from torchvision.transforms import v2; prepare = v2.Compose([v2.ToImage(), "
    "v2.ToDtype(torch.float32, scale=True)])"
)


_KEYS = (
    ("image", "images", "pixel_values", "img"), ("label", "labels", "target"), ("id", "ids"),
)  # fmt: skip
_RANDOM = (RandomSampler, SubsetRandomSampler, WeightedRandomSampler)


@dataclass
class LiveSource:
    """The loader's own batches; ids are positions unless the batches contain ids.

    Attributes
    ----------
    order
        The class of each label, shape (n,), if labels are numbered in another order than `classes`.
    """

    loader: DataLoader[Any]
    classes: Sequence[str]
    id_kind: str = ""
    notes: tuple[DataNote, ...] = ()
    order: np.ndarray[Any, np.dtype[np.int32]] | None = None

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def n_samples(self) -> int | None:
        dataset = self.loader.dataset
        return len(dataset) if isinstance(dataset, Sized) else None

    @property
    def batch_size(self) -> int | None:
        """The loader's batch size; None if it has its own batch sampler."""
        return self.loader.batch_size

    def batches(self, start: int, batch_size: int) -> Iterator[Batch]:  # noqa: ARG002 (the loader cuts)
        """See :class:`~reportgen.inference.sources.batch.Source`; `start` must be 0.

        Raises :class:`UsageError` if the loader shuffles and returns no ids, and
        :class:`ModelError` if it raises, returns something other than batches, or yields another
        number of samples than its data set has.
        """
        if start:
            raise UsageError(
                "a run over a live loader can't be resumed: its parts are not kept",
                slug="resume-live",
            )
        done = 0
        for number, item in enumerate(_from_user(self.loader)):
            batch = self._batch(item, number, done)
            done += len(batch)
            yield batch
        if self.n_samples is not None and done != self.n_samples:
            raise ModelError(
                f"the loader returned {count(done)} samples, its data set has "
                f"{count(self.n_samples)}",
                slug="loader-count",
                hint="use drop_last=False, and no sampler that pads or repeats",
            )

    def _batch(self, item: Any, number: int, done: int) -> Batch:
        images, labels, ids = _parts_of(item, number)
        self.id_kind = POSITIONS if ids is None else "given with the batches"
        if ids is None:
            if shuffles(self.loader):
                raise UsageError(
                    "the loader shuffles and gives no ids: its samples cannot be identified",
                    slug="loader-shuffles",
                    hint="use shuffle=False, or let its batches be (images, labels, ids)",
                )
            ids = [str(i) for i in range(done, done + len(labels))]
        if not (len(images) == len(labels) == len(ids)):
            raise ModelError(
                f"batch {number} has {len(images)} images, {len(labels)} labels, {len(ids)} ids",
                slug="batch-form",
                hint="every batch needs one label and one id for each image",
            )
        return Batch(
            ids=[printable(str(value)) for value in ids],
            labels=self._labels(labels, number),
            images=images,
            reasons=[None] * len(ids),
            flags=np.zeros(len(ids), np.int32),
        )

    def _labels(self, labels: Any, number: int) -> np.ndarray[Any, np.dtype[np.int32]]:
        values = np.asarray(labels.cpu() if isinstance(labels, torch.Tensor) else labels)
        if values.ndim == 1 and values.dtype.kind in "UO" and all(
            isinstance(value, str) for value in values
        ):  # fmt: skip
            return self._by_name(values, number)
        n = self.n_classes if self.order is None else len(self.order)
        if _is_one_hot(values, n):
            self._note("labels-one-hot", "The labels of the loader are one-hot rows.")
            values = values.argmax(1)
        whole = values.astype(np.int64) if values.dtype.kind in "iufb" else None
        if values.ndim != 1 or whole is None or np.any(whole != values):
            raise ModelError(
                f"the labels of batch {number} are not class indices: shape {values.shape}, "
                f"{values.dtype}",
                slug="batch-form",
                hint=_label_hint(values),
            )
        wrong = np.flatnonzero((whole < -1) | (whole >= n))
        if len(wrong):
            value = int(whole[wrong[0]])
            one_based = value == n and whole.min() >= 1
            raise DataError(
                f"label {value} in batch {number}: valid are 0..{n - 1}",
                slug="label-out-of-range",
                details=["-1 means an unknown label"],
                hint="labels look 1-based: subtract 1"
                if one_based
                else "check classes="
                if self.order is None
                else "check data_classes=",
            )
        if self.order is not None:
            whole = np.where(whole < 0, -1, self.order[whole])
        return whole.astype(np.int32)

    def _by_name(
        self, values: np.ndarray[Any, Any], number: int
    ) -> np.ndarray[Any, np.dtype[np.int32]]:
        """Convert class names as labels to indices; raises if one is not a class."""
        if self.order is not None and len(values):
            raise labels_have_names(str(values[0]))
        index = {display_name(name): i for i, name in enumerate(self.classes)}
        unknown = next((text for text in values if display_name(text) not in index), None)
        if unknown is not None:
            meant = nearest(unknown, self.classes)
            raise DataError(
                f"label {quoted(unknown)} in batch {number} is not a class",
                slug="label-unknown",
                details=[f"the classes are {listing(map(printable, self.classes))}"],
                hint=f"did you mean {quoted(meant)}?" if meant else "check classes=",
            )
        self._note("labels-are-names", "The labels of the loader are names of classes.")
        return np.array([index[display_name(text)] for text in values], np.int32)

    def _note(self, code: str, sentence: str) -> None:
        note = DataNote(code, sentence, "info")
        self.notes = self.notes if note in self.notes else (*self.notes, note)


def _is_one_hot(values: np.ndarray[Any, Any], n_classes: int) -> bool:
    """Whether each row has a single 1 and is otherwise 0, with a column per class."""
    if values.ndim != 2 or values.shape[1] != n_classes or values.dtype.kind not in "iufb":
        return False
    is_one = values == 1
    return n_classes > 1 and bool(np.all(is_one | (values == 0)) and np.all(is_one.sum(1) == 1))


def _label_hint(values: np.ndarray[Any, Any]) -> str:
    """The hint for converting labels of another form to class indices."""
    if values.ndim == 2 and values.shape[1] > 1:
        return "labels must be one class for each image: labels.argmax(1) of scores of classes"
    if values.ndim == 2:
        return "labels must be one-dimensional: labels.reshape(-1)"
    return "labels must be whole numbers, one for each image"


def as_loader(data: Any, batch_size: int, workers: int) -> DataLoader[Any]:
    """`data` itself if it is a DataLoader; a Dataset in a loader that keeps its order."""
    if isinstance(data, DataLoader):
        return data
    data = as_tensors(data) or data
    refuse_other_forms(data)
    if isinstance(data, Dataset) or (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        return DataLoader(
            data, batch_size=batch_size, num_workers=workers, generator=torch.Generator()
        )
    raise UsageError(
        f"data must be a folder, a DataLoader or a Dataset, not {type(data).__name__}",
        slug="data-kind",
        hint="make it with use_prefetcher=False"
        if type(data).__name__ == "PrefetchLoader"
        else "wrap it in torch.utils.data.DataLoader",
    )


def paths_of(data: Any) -> list[str] | None:
    """Index → path for a data set with a file list (ImageFolder and the like), else None."""
    data = data.dataset if isinstance(data, DataLoader) else data
    if isinstance(data, Subset):
        paths = paths_of(data.dataset)
        return None if paths is None else [paths[i] for i in data.indices]
    for name in ("samples", "imgs"):
        items = getattr(data, name, None)
        if isinstance(items, (list, tuple)) and items:
            paths = [item[0] if isinstance(item, (list, tuple)) else item for item in items]
            if all(isinstance(path, (str, os.PathLike)) for path in paths):
                return [os.fspath(path) for path in paths]
    return None


def _from_user(loader: DataLoader[Any]) -> Iterator[Any]:
    """The loader's batches; its exceptions become errors with the user's part of the traceback."""
    iterator, number = None, 0
    while True:
        try:
            if iterator is None:
                iterator = iter(loader)
            item = next(iterator)
            number += 1
        except StopIteration:
            return
        except ReportgenError:
            raise
        except Exception as error:
            _tell_missing(loader, number, error)
            last = printable(str(error).strip().split("\n")[-1])[:300]
            raise ModelError(
                f"the loader failed: {type(error).__name__}: {last}",
                slug="loader-failed",
                details=user_traceback(error),
                hint=_hint_of(loader, error),
            ) from error
        yield item


def _hint_of(loader: DataLoader[Any], error: Exception) -> str:
    if "pickle" in str(error) and loader.num_workers:
        return "define it with def at the top of a module, or load without workers: num_workers=0"
    if "'PIL." not in str(error) and "PIL.Image" not in str(error):
        return "iterate over the loader yourself to see the whole error"
    features = getattr(loader.dataset, "features", None)
    if not isinstance(features, Mapping) or not hasattr(loader.dataset, "with_transform"):
        return _TENSORS
    image = next((k for k, one in features.items() if type(one).__name__ == "Image"), "image")
    label = next((k for k, one in features.items() if hasattr(one, "names")), "label")
    return (
        f'{_PREPARED}, and then pass dataset.with_transform(lambda rows: {{"pixel_values": '
        f'[prepare(image.convert("RGB")) for image in rows[{image!r}]], '
        f'"labels": rows[{label!r}]}})'
    )


def _tell_missing(loader: DataLoader[Any], number: int, error: Exception) -> None:
    """Raise :class:`ModelError` with the sample of batch `number` that is None, if there is one."""
    for index in _indices_of(loader, number):
        try:
            sample: Any = loader.dataset[index]
        except Exception:
            return
        parts = sample if isinstance(sample, (tuple, list)) else ()
        missing = [i for i, part in enumerate(parts) if part is None]
        if sample is not None and not missing:
            continue
        paths = paths_of(loader)
        what = "None" if sample is None else f"None as part {missing[0]} of a tuple of {len(parts)}"
        raise ModelError(
            f"sample {index}: the data set returned {what}",
            slug="loader-failed",
            details=[f"it is {quoted(os.path.basename(paths[index]))}"] if paths else [],  # noqa: PTH119
            hint="return an image and a label for every index, or leave the sample out: "
            "torch.utils.data.Subset",
        ) from error


def _indices_of(loader: DataLoader[Any], number: int) -> range:
    """The indices of the samples in batch `number`; empty if the loader's order is unknown."""
    size, dataset = loader.batch_size, loader.dataset
    in_order = isinstance(loader.sampler, SequentialSampler) and isinstance(dataset, Sized)
    if size is None or not in_order or isinstance(dataset, IterableDataset):
        return range(0)
    return range(number * size, min((number + 1) * size, len(dataset)))  # type: ignore[arg-type]


def _parts_of(item: Any, number: int) -> tuple[torch.Tensor, Any, list[Any] | None]:
    """(images, labels, ids or None) of one batch."""
    if isinstance(item, Mapping):
        found = [_first_of(item, names) for names in _KEYS]
        form = "a mapping with " + (", ".join(quoted(str(key)) for key in item) or "nothing")
    elif isinstance(item, (tuple, list)) and len(item) in (2, 3):
        found = [*item, None][:3]
        form = "(" + ", ".join(type(value).__name__ for value in item) + ")"
    else:
        found, form = [None, None, None], type(item).__name__
    images, labels, ids = found
    if not isinstance(images, torch.Tensor) or labels is None or not isinstance(labels, Sized):
        raise ModelError(
            f"batch {number} is {form}, not images and labels",
            slug="batch-form",
            hint="batches are (images, labels), (images, labels, ids), or a mapping with image, "
            "label and id",
        )
    if isinstance(ids, (torch.Tensor, np.ndarray)):
        ids = ids.tolist()
    return images, labels, None if ids is None else list(ids)


def _first_of(item: Mapping[Any, Any], names: Sequence[str]) -> Any:
    return next((item[name] for name in names if name in item), None)


def shuffles(loader: DataLoader[Any]) -> bool:
    """Whether positions in its batches differ from indices into its data set."""
    if isinstance(loader.dataset, IterableDataset):
        return False
    sampler = getattr(loader.batch_sampler, "sampler", None) or loader.sampler
    return isinstance(sampler, _RANDOM) or bool(getattr(sampler, "shuffle", False))
