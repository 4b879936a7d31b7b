"""The class list of a live module: user, network and data set must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportgen.class_list import refuse_clash
from reportgen.errors import DataError, UsageError
from reportgen.inference.folders.splits import are_splits
from reportgen.inference.models.embedded_classes import EmbeddedClasses
from reportgen.inference.models.own_classes import classes_of_network, held_against
from reportgen.inference.sources.own_classes import DataClasses, classes_of_data
from reportgen.provenance import DataNote
from reportgen.text import listing, printable

__all__ = [
    "live_classes",
]


_MAX_WRITTEN = 20
_OPTION = "data_classes="
Listed = tuple[tuple[str, ...], str, tuple[DataNote, ...]]


def live_classes(
    explicit: Sequence[str] | None,
    source: str,
    module: Any,
    data: Any,
    order: Sequence[str] | None = None,
    order_source: str = "",
) -> Listed:
    """Determine the class list for a module and its data set; return it, its source and notes.

    Parameters
    ----------
    explicit, source
        The user's list, if given, and its name in messages.
    module, data
        The network, and the loader or data set.
    order, order_source
        The user's list for the labels of the data, if it differs from the model's, and its name in
        messages.

    Raises
    ------
    DataError
        ``classes-differ``: the lists of user, network and data set differ. ``data-splits``: the
        classes of the data set are splits.
    UsageError
        ``classes-needed``: there is no list.
    """
    network = classes_of_network(module, lenient=explicit is not None)
    labels = classes_of_data(data)
    if order is not None:
        if labels.names is not None and not labels.are_remapped:
            refuse_clash(order, order_source, labels.names, labels.source, f"omit {_OPTION}")
        labels = DataClasses()  # only the model's list is left to find
    if explicit is not None:
        notes = held_against(explicit, source, network) if network.names else ()
        if labels.names is not None and not labels.are_remapped:
            refuse_clash(explicit, source, labels.names, labels.source, _correct(source))
        return tuple(explicit), source, tuple(map(_not_compared, (*network.notes, *notes)))
    if network.names is not None:
        if labels.names is not None and not labels.are_remapped:
            refuse_clash(
                labels.names,
                labels.source,
                network.names,
                network.source,
                _relabel(labels, network),
            )
        return network.names, network.source, ()
    if labels.names is None:
        raise UsageError(
            "classes= is needed: neither the network nor the data set has a list of class names"
            if order is None
            else f"classes= is needed: {_OPTION} names the labels, and the network's outputs have "
            "no names",
            slug="classes-needed",
            hint='pass classes=["cat", "dog", …] in the order of the model\'s outputs',
        )
    if are_splits(labels.names):
        raise DataError(
            f"the classes of the data set look like splits: {listing(labels.names)}",
            slug="data-splits",
            hint="open one split: ImageFolder(DATA/test)",
        )
    return labels.names, labels.source, _remapped(labels)


def _correct(source: str) -> str:
    return (
        f"labels are positions in the data set's own list: correct {source} or omit it. Where "
        "the labels were changed since, correct that list: dataset.classes = [...]"
    )


def _relabel(labels: DataClasses, network: EmbeddedClasses) -> str:
    """The hint for numbering labels as the network does; "names" is its list in both variants."""
    say = f"number the labels as the network does, with names = {_expression(network)}: "
    if labels.source.startswith("features"):
        numbers = "{name: i for i, name in enumerate(names)}"
        return f'{say}dataset = dataset.align_labels_with_mapping({numbers}, "label")'
    if labels.has_transform:
        return (
            f"{say}given = {_names_of(labels)}; "
            "dataset.target_transform = lambda label: names.index(given[label])"
        )
    return f"{say}change the labels that the data set returns, and then dataset.classes = names"


def _expression(network: EmbeddedClasses) -> str:
    names = [printable(name) for name in network.names or ()]
    if len(names) <= _MAX_WRITTEN:
        return repr(names)
    if network.source == "config.id2label of the network":
        return f"[model.config.id2label[i] for i in range({len(names)})]"
    return f"the {len(names)} names in {network.source}"


def _names_of(labels: DataClasses) -> str:
    """An expression for the class list of a data set, in the order of its labels."""
    path = labels.source.partition(" of ")[0]
    if path.endswith("class_to_idx"):
        return f"sorted(dataset.{path}, key=dataset.{path}.get)"
    return f"list(dataset.{path})"


def _not_compared(sentence: str) -> DataNote:
    return DataNote("classes-not-compared", sentence, severity="warning")


def _remapped(labels: DataClasses) -> tuple[DataNote, ...]:
    if not labels.are_remapped:
        return ()
    sentence = (
        f"The class names are {printable(labels.source)}, and the labels pass through a "
        "target_transform: if it changes their numbers, the names are wrong. Give classes=."
    )
    return (DataNote("classes-remapped", sentence, severity="warning"),)
