"""Class names in a data set: the meaning of its labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch.utils.data import ConcatDataset, DataLoader, Dataset

from reportgen.errors import DataError
from reportgen.inference.models.own_classes import attribute_at, names_in
from reportgen.text import listing, printable

__all__ = [
    "DataClasses",
    "classes_of_data",
]


_LISTS = (
    "classes", "class_names", "label_names", "class_to_idx", "reader.class_to_idx",
    "parser.class_to_idx", "idx_to_class", "vocab", "dls.vocab", "categories", "info.label",
)  # fmt: skip


_LABEL_COLUMNS = ("label", "labels", "target", "class", "fine_label")


_MAX_DEPTH = 6


@dataclass(frozen=True)
class DataClasses:
    """The class names of a data set.

    Attributes
    ----------
    names
        Class names, in the order of the labels; None if the data set has none.
    source
        Where they were found: ``"classes of ImageFolder"``.
    are_remapped
        Whether labels pass through a ``target_transform``, which may renumber them.
    has_transform
        Whether the data set has a ``target_transform`` attribute.
    """

    names: tuple[str, ...] | None = None
    source: str = ""
    are_remapped: bool = False
    has_transform: bool = False


def classes_of_data(data: Any) -> DataClasses:
    """The class names of the labels of a loader or data set, through ``Subset`` and other wrappers.

    Raises :class:`DataError` (``classes-differ``) if its parts have different lists.
    """
    dataset = data.dataset if isinstance(data, DataLoader) else data
    return _of_dataset(dataset, 0)


def _of_dataset(dataset: Any, depth: int) -> DataClasses:
    own = _own(dataset)
    takes, remapped = hasattr(dataset, "target_transform"), False
    if takes:
        remapped = callable(dataset.target_transform)
    if own.names is not None or depth >= _MAX_DEPTH:
        return replace(own, are_remapped=remapped, has_transform=takes)
    inside = [_of_dataset(inner, depth + 1) for inner in _inner(dataset)]
    known: dict[tuple[str, ...], DataClasses] = {}
    for one in inside:
        if one.names is not None:
            known.setdefault(one.names, one)
    if len(known) > 1 and isinstance(dataset, ConcatDataset):
        raise _parts_differ(list(known.values()))
    found = next(iter(known.values())) if len(known) == 1 else DataClasses()
    return replace(found, are_remapped=found.are_remapped or remapped)


def _own(dataset: Any) -> DataClasses:
    """The names stored in a data set itself; numeric names only if there are no others."""
    kind = printable(type(dataset).__name__)
    found = []
    for path in _LISTS:
        value = attribute_at(dataset, path)
        if value is not None and not isinstance(value, (str, bytes)) and not callable(value):
            found.append(names_in(value, f"{path} of {kind}"))
    found += [names_in(names, source) for names, source in _features(dataset, kind)]
    real = [one for one in found if one.names is not None]
    numbers = getattr(dataset, "classes", None)
    if real:
        return DataClasses(real[0].names, real[0].source)
    if isinstance(numbers, (list, tuple)) and numbers:
        return DataClasses(tuple(map(str, numbers)), f"classes of {kind}")
    return DataClasses()


def _features(dataset: Any, kind: str) -> Iterator[tuple[Any, str]]:
    """``features["label"].names`` of a Hugging Face data set, or those of its only ClassLabel."""
    features = attribute_at(dataset, "features")
    if not isinstance(features, Mapping):
        return
    named = {
        k: one.names for k, one in features.items() if isinstance(attribute_at(one, "names"), list)
    }
    column = next((name for name in _LABEL_COLUMNS if name in named), None)
    column = next(iter(named)) if column is None and len(named) == 1 else column
    if column is not None:
        yield named[column], f'features["{printable(column)}"].names of {kind}'


def _inner(dataset: Any) -> Iterator[Any]:
    """The data sets inside a wrapper."""
    try:
        values = list(vars(dataset).values())
    except TypeError:
        return
    for value in values:
        for one in value if isinstance(value, (list, tuple)) and len(value) < 100 else (value,):
            if isinstance(one, Dataset) or isinstance(attribute_at(one, "features"), Mapping):
                yield one


def _parts_differ(parts: list[DataClasses]) -> DataError:
    return DataError(
        "the data sets that were joined have different classes: their labels mean different things",
        slug="classes-differ",
        details=[f"{part.source}: {listing(part.names or ())}" for part in parts[:5]],
        hint="evaluate each of them on its own",
    )
