"""Class names stored in a network, such as ``config.id2label``.

A network loaded by its library often has its class names in the order of its outputs. They are used
if the user gives no list, and compared with a given list.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from reportgen.class_list import refuse_clash
from reportgen.inference.models.embedded_classes import (
    NO_CLASSES,
    EmbeddedClasses,
    embedded_classes,
)
from reportgen.text import printable

__all__ = [
    "attribute_at",
    "classes_of_network",
    "held_against",
    "names_in",
]


_MARKED = (
    "config.id2label", "config.label2id", "pretrained_cfg.label_names", "default_cfg.label_names",
)  # fmt: skip


_LOOSE = (
    "id2label", "class_names", "classes", "label_names", "class_to_idx", "idx_to_class",
    "categories", "vocab", "dls.vocab", "hparams.class_names", "hparams.classes",
    "hparams.id2label", "hparams.class_to_idx", "meta.categories", "weights.meta.categories",
)  # fmt: skip


_WRAPPERS = ("_orig_mod", "module")


_PLACEHOLDER = re.compile(r"(?:label|class|category)?[_ ]?\d+", re.IGNORECASE)


_MAX_PARTS = 2000


_ONE_ORDER = (
    "the network's outputs have one order: correct {source} or omit it; where the network is "
    "wrong, correct its names"
)


def classes_of_network(module: Any, *, lenient: bool) -> EmbeddedClasses:
    """The class names stored in `module`, in the order of its outputs, or none.

    Searched in the network itself, below the wrappers of ``torch.compile`` and data parallelism,
    then in its parts; parts with names must agree.

    Parameters
    ----------
    lenient
        Whether another class list is used anyway; then a fault only gives a note.

    Raises
    ------
    ModelError
        ``carried-classes``: ``config.id2label`` has a fault, and `lenient` is False.
    """
    network = _unwrapped(module)
    found = _of_object(network, "the network", lenient=lenient)
    if found.names is not None or found.notes:
        return found
    inside = [_of_object(part, where, lenient=True) for part, where in _parts(network)]
    known = {one.names: one for one in reversed(inside) if one.names is not None}
    return next(iter(known.values())) if len(known) == 1 else NO_CLASSES


def held_against(
    names: Sequence[str], source: str, own: EmbeddedClasses, way_out: str = ""
) -> tuple[str, ...]:
    """Compare the list in use with the network's names; return notes on lists not compared.

    A list of another length belongs to an earlier head and is not compared. Raises
    :class:`DataError` (``classes-differ``), with `way_out` after its hint.
    """
    theirs = own.names or ()
    if len(theirs) != len(names):
        return (
            f"{own.source} lists {len(theirs):,} classes, {source} lists {len(names):,}: the two "
            "were not compared.",
        )
    refuse_clash(names, source, theirs, own.source, _ONE_ORDER.format(source=source) + way_out)
    return ()


def names_in(value: Any, source: str) -> EmbeddedClasses:
    """The names in a list, array or map, if it contains real names; otherwise none."""
    try:
        content = dict(value) if isinstance(value, Mapping) else list(value)
        found = embedded_classes(_plain(content), source, lenient=True)
    except Exception:  # an object that only looks like a list
        return NO_CLASSES
    return found if found.names and not _are_placeholders(found.names) else NO_CLASSES


def _plain(content: Any) -> Any:
    """Join the synonyms of a class, ``("tench", "Tinca tinca")``, to one name."""
    if isinstance(content, Mapping):
        return content
    return [", ".join(one) if isinstance(one, (tuple, list)) else one for one in content]


def _are_placeholders(names: Sequence[str]) -> bool:
    """Whether the names are placeholders: ``LABEL_0``, ``LABEL_1``, … or bare numbers."""
    return all(_PLACEHOLDER.fullmatch(name) for name in names)


def _unwrapped(module: Any) -> Any:
    """The network inside wrappers."""
    while isinstance(module, nn.Module):
        (only, *others) = [*module.named_children(), ("", None)]
        if others[1:] or only[0] not in _WRAPPERS:
            return module
        module = only[1]
    return module


def _parts(network: Any) -> Iterator[tuple[Any, str]]:
    """The parts of a network, outermost first, each with its name in words."""
    pending = deque([(network, "")])
    for _ in range(_MAX_PARTS):
        if not pending:
            return
        part, path = pending.popleft()
        if path:
            yield part, f"the network's part {printable(path)}"
        children = part.named_children() if isinstance(part, nn.Module) else ()
        pending.extend((child, f"{path}.{name}" if path else name) for name, child in children)


def _of_object(network: Any, where: str, *, lenient: bool) -> EmbeddedClasses:
    for path in (*_MARKED, *_LOOSE):
        value = attribute_at(network, path)
        if not _may_hold_names(value):
            continue
        source = f"{path} of {where}"
        found = names_in(value, source)
        if found.names is not None and _fits(network, path, found.names):
            return found
        if path == "config.id2label" and _has_text(value) and found.names is None:
            faulty = _faulty(value, source, lenient=lenient)
            if faulty.notes:
                return faulty
    return _of_names(network, where)


def _faulty(value: Any, source: str, *, lenient: bool) -> EmbeddedClasses:
    """The faults of ``config.id2label``, which always means class names."""
    names = [name for name in value.values() if isinstance(name, str)]
    if _are_placeholders(names):
        return NO_CLASSES
    return embedded_classes(dict(value), source, lenient=lenient)


def _of_names(network: Any, where: str) -> EmbeddedClasses:
    """``names`` in the ultralytics convention: a map index → name, or a list beside ``nc``."""
    value = attribute_at(network, "names")
    is_list = isinstance(value, (list, tuple)) and any(
        attribute_at(network, name) is not None for name in ("nc", "yaml", "task")
    )
    return names_in(value, f"names of {where}") if is_list or _has_text(value) else NO_CLASSES


def _fits(network: Any, path: str, names: Sequence[str]) -> bool:
    """Whether the names in a pretrained configuration match the current head."""
    n_classes = attribute_at(network, "num_classes")
    return "_cfg." not in path or not isinstance(n_classes, int) or n_classes == len(names)


def _may_hold_names(value: Any) -> bool:
    if value is None or isinstance(value, (str, bytes, int, float, nn.Module)) or callable(value):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__iter__")


def _has_text(value: Any) -> bool:
    return isinstance(value, Mapping) and any(isinstance(one, str) for one in value.values())


def attribute_at(thing: Any, path: str) -> Any:
    """The attribute or entry at a dotted path; None if it is missing or raises."""
    for name in path.split("."):
        try:
            thing = thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
        except Exception:  # a property of a third-party class
            return None
    return thing
