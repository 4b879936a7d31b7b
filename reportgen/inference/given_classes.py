"""Class lists that the user gives: that of the model, and that of the data's indices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import ClassList, read_class_list, resolve_classes
from reportgen.errors import UsageError
from reportgen.options import Options
from reportgen.text import printable, quoted

__all__ = [
    "data_list",
    "explicit_classes",
    "labels_have_names",
    "order_of_data",
]


def explicit_classes(options: Options) -> tuple[tuple[str, ...] | None, str]:
    """The list given with ``--classes``, and its source in words."""
    return _given_list(options.classes, "classes")


def data_list(options: Options) -> tuple[tuple[str, ...] | None, str]:
    """The list given with ``--data-classes``, and its source in words."""
    return _given_list(options.data_classes, "data_classes")


def order_of_data(options: Options, classes: ClassList) -> NDArray[np.int32] | None:
    """The class of each index in the data, shape (n,), if ``data_classes`` names the indices.

    Raises :class:`DataError` (``class-unknown``) if the model does not know one of the names.
    """
    given, source = data_list(options)
    if given is None:
        return None
    index = resolve_classes(
        explicit=classes.names,
        explicit_source=classes.source,
        from_model=None,
        model_source="",
        folders=given,
        n_outputs=None,
        table=source,
    ).index
    return np.array([index[name] for name in given], np.int32)


def labels_have_names(label: str) -> UsageError:
    """The error for labels that are names, where ``data_classes`` names indices."""
    return UsageError(
        f"data_classes= names the indices of the data, and {quoted(label)} is a name",
        slug="option-conflict",
        hint="omit data_classes=: names need no order",
    )


def _given_list(
    value: Path | tuple[str, ...] | None, name: str
) -> tuple[tuple[str, ...] | None, str]:
    if isinstance(value, Path):
        return read_class_list(value), f"--{name.replace('_', '-')} {printable(value.name)}"
    return value, "" if value is None else f"the list given as {name}="
