"""Weights files: tensors by name, read as data and never as code, and loaded into a network."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reportgen.class_list import natural_key
from reportgen.errors import ModelError
from reportgen.files import sha256_of
from reportgen.foreign_formats import classes_in_pickle, pickled, ways_of_pickle
from reportgen.inference.models.embedded_classes import (
    NO_CLASSES,
    EmbeddedClasses,
    embedded_classes,
    parse_json,
)
from reportgen.inference.models.file_kinds import (
    FileKind,
    damaged,
    refuse_aotinductor,
    sniff,
)
from reportgen.inference.models.layouts import WHAT_WORKS
from reportgen.inference.models.own_classes import attribute_at, names_in
from reportgen.inference.models.weight_sets import (
    StateDict,
    WeightSet,
    ambiguous,
    find_state_dict,
    renamed,
)
from reportgen.paths import refuse_address
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "RESAVE",
    "Weights",
    "code_in",
    "known_pickle",
    "load_into",
    "read_weights",
    "refuse_torchscript",
]


RESAVE = (
    "save only the weights, in the program that has the network:",
    "    import torch",
    '    torch.save(model.state_dict(), "weights.pt")',
)


_OTHER_LISTS = ("class_names", "label_names", "id2label", "idx_to_class", "idx2label", "CLASSES")


_PLACES = (
    "hyper_parameters", "hparams", "config", "meta", "meta.dataset_meta", "metadata", "args",
)  # fmt: skip


_HEAD_NAMES = ("fc", "head", "heads.head", "classifier", "output", "out", "linear", "logits")


@dataclass(frozen=True)
class Weights:
    """The content of a weights file.

    Attributes
    ----------
    file_name
        Base name of the file, printable.
    sha256
        Of the file's bytes, hexadecimal.
    tensors
        Parameter name → tensor, as in the file.
    in_order
        Whether the tensors are in the order of the network's layers (safetensors files sort by
        name).
    carried
        The class list in the file.
    notes
        Which parts of the file were used, and which were ignored.
    keys
        The keys that lead to the tensors in the file; empty if it contains nothing else.
    """

    file_name: str
    sha256: str
    tensors: StateDict
    in_order: bool
    carried: EmbeddedClasses
    notes: tuple[str, ...]
    keys: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def last_layer(self) -> tuple[str, int] | None:
        """Name and number of outputs of the last layer, or None.

        That is the last weight of two dimensions (or four, with a kernel of 1 × 1). In a file
        sorted by name, a layer with a common name (``fc``, ``head``, ``classifier``, …) takes
        precedence.
        """
        found = [
            (name, tensor.shape[0])
            for name, tensor in self.tensors.items()
            if name.endswith("weight") and _is_linear(tensor)
        ]
        if not self.in_order:
            found.sort(key=lambda item: (_is_head(item[0]), natural_key(item[0])))
        return found[-1] if found else None


def read_weights(path: Path, *, n_classes: int | None = None, key: str | None = None) -> Weights:
    """Read a local ``.safetensors`` or ``torch.save`` file.

    Parameters
    ----------
    n_classes
        Length of a class list that overrides the one in the file, if given.
    key
        Which of several state dicts to load; see
        :func:`reportgen.inference.models.weight_sets.find_state_dict`.

    Raises
    ------
    UsageError
        ``remote-path``: only local files are read. ``weights-key-unknown``.
    ModelError
        ``model-file-…`` as in :func:`reportgen.inference.models.file_kinds.sniff`; ``torchscript``,
        ``aotinductor``, ``program-as-weights``, ``weights-format``, ``weights-unreadable``,
        ``model-contains-code``, ``weights-no-state-dict``, ``weights-ambiguous`` or
        ``carried-classes``.
    """
    refuse_address(path, "--weights")
    sniffed = sniff(path)
    _refuse_other_formats(path, sniffed.kind, sniffed.description)
    digest, lenient = sha256_of(path), n_classes is not None
    name = printable(path.name)
    if sniffed.kind is FileKind.SAFETENSORS:
        tensors, metadata = _read_safetensors(path)
        carried = _classes_of_metadata(metadata, name, lenient=lenient)
        found = find_state_dict(tensors, name, key)
        notes = (*found.notes, *carried.notes)
        return Weights(name, digest, found.tensors, False, carried, notes, found.keys)
    content = _load(path, in_zip=sniffed.kind is FileKind.CHECKPOINT)
    carried = _classes_of_checkpoint(content, name, lenient=lenient)
    found = find_state_dict(content, name, key)
    notes = (*found.notes, *carried.notes)
    settings = _settings(content)
    return Weights(name, digest, found.tensors, True, carried, notes, found.keys, settings)


def code_in(path: Path) -> list[str]:
    """Names of the classes and functions that a ``torch.save`` file would run, sorted."""
    try:
        with torch.serialization.safe_globals(_data_only()):
            found = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except Exception:  # an older layout, or a pickle protocol that torch does not read
        return []
    return sorted(name.removeprefix("builtins.") for name in found)


def known_pickle(path: Path, code: Sequence[str]) -> ModelError | None:
    """The error for a pickle of a known library; None for any other file.

    `code` has the names that torch found; torch does not inspect every pickle.
    """
    names = list(dict.fromkeys(code)) or classes_in_pickle(path)
    what = pickled(names)
    if what is None:
        return None
    return ModelError(
        f"{quoted(path.name)} is {what}, and contains code ({listing(names)})",
        slug="model-contains-code",
        details=ways_of_pickle(what, path),
        hint=WHAT_WORKS,
    )


def refuse_torchscript(path: Path) -> ModelError:
    """The error for TorchScript, given as a model or as weights."""
    return ModelError(
        f"{quoted(path.name)} is {FileKind.TORCHSCRIPT}: it contains code, and is deprecated",
        slug="torchscript",
        details=[*RESAVE],
        hint="and name the network with file.py:factory --weights weights.pt; or export it: "
        'torch.export.save(torch.export.export(model, (images,)), "model.pt2")',
    )


def _refuse_other_formats(path: Path, kind: FileKind, description: str) -> None:
    if kind is FileKind.TORCHSCRIPT:
        raise refuse_torchscript(path)
    if kind is FileKind.AOTINDUCTOR:
        raise refuse_aotinductor(path)
    if kind is FileKind.PROGRAM:
        raise ModelError(
            f"{quoted(path.name)} is {kind}: it contains the network and its weights",
            slug="program-as-weights",
            hint=f"pass {quoted(path.name)} as MODEL, without --weights",
        )
    if kind is FileKind.OTHER:
        raise ModelError(
            f"{quoted(path.name)} is {description}, not a weights file",
            slug="weights-format",
            details=[*RESAVE],
            hint=WHAT_WORKS,
        )


# safetensors


def _read_safetensors(path: Path) -> tuple[StateDict, Mapping[str, str]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata: Mapping[str, str] = file.metadata() or {}
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, _first_line(error)) from error
    return tensors, metadata


def _classes_of_metadata(
    metadata: Mapping[str, str], file_name: str, *, lenient: bool
) -> EmbeddedClasses:
    for key in ("classes", "class_to_idx"):
        if key in metadata:
            source = f"{key} in the metadata of {file_name}"
            return parse_json(metadata[key].encode("utf-8"), source, lenient=lenient)
    for key in _OTHER_LISTS:
        if key in metadata:
            source = f"{key} in the metadata of {file_name}"
            found = parse_json(metadata[key].encode("utf-8"), source, lenient=True)
            if found.names is not None:
                return names_in(found.names, source)
    return NO_CLASSES


# torch.save


class _Record:
    """Placeholder for an object whose value is not needed: accepts any arguments, does nothing."""

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _Options:
    """Placeholder for ``argparse.Namespace``: the options of a training script, as data."""

    def __init__(self) -> None:
        self.values: Mapping[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.values = dict(state) if isinstance(state, Mapping) else {}


def _settings(content: Any) -> dict[str, Mapping[str, Any]]:
    """Training settings in a checkpoint: ``args`` and ``data_config``, if present."""
    found: dict[str, Mapping[str, Any]] = {}
    for key in ("args", "data_config") if isinstance(content, Mapping) else ():
        value = content.get(key)
        value = value.values if isinstance(value, _Options) else value
        if isinstance(value, Mapping):
            found[key] = value
    return found


def _plain_dict(*_arguments: object) -> dict[object, object]:
    """Replacement for ``defaultdict``, whose default factory is not needed."""
    return {}


def _data_only() -> list[Callable[..., Any] | tuple[Callable[..., Any], str]]:
    """Types permitted in a checkpoint besides tensors, each replaced by a type that runs no code.

    numpy scalars and arrays (metrics, label lists), ``argparse.Namespace`` (the options of the
    training script), paths (where it ran) and ``defaultdict`` (its history).
    """
    records = [
        *(
            f"{package}.{name}"
            for package in ("numpy._core.multiarray", "numpy.core.multiarray")
            for name in ("scalar", "_reconstruct")
        ),
        "numpy.dtype",
        "numpy.ndarray",
        *(
            f"{module}.{name}"
            for module in ("pathlib", "pathlib._local")
            for name in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath")
        ),
        *(f"builtins.{name}" for name in ("dict", "float", "int", "list")),
    ]
    return [
        *((_Record, name) for name in records),
        (_plain_dict, "collections.defaultdict"),
        (_Options, "argparse.Namespace"),
    ]


def _load(path: Path, *, in_zip: bool) -> Any:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_data_only()):
            warnings.simplefilter("ignore")  # about old formats
            if path.suffix == ".safetensors":  # torch would trust the extension
                with path.open("rb") as stream:
                    return torch.load(stream, map_location="cpu", weights_only=True)
            return torch.load(path, map_location="cpu", weights_only=True, mmap=in_zip)
    # A damaged pickle raises almost anything. "from None": the message recommends unsafe
    # loading.
    except Exception as error:
        raise _load_error(path, error, in_zip=in_zip) from None


def _load_error(path: Path, error: Exception, *, in_zip: bool) -> ModelError:
    text = str(error)
    code = code_in(path) if in_zip else []
    code += re.findall(r"GLOBAL (\S+) (?:was not an allowed|whose module)", text)
    known = known_pickle(path, code)
    if known is not None:
        return known
    if code:
        return ModelError(
            f"{quoted(path.name)} contains code ({listing(dict.fromkeys(code))})",
            slug="model-contains-code",
            details=["only files that contain plain data are read; " + RESAVE[0], *RESAVE[1:]],
            hint="then pass that file with --weights",
        )
    reasons = [line for line in text.splitlines() if line.strip() and "weights_only" not in line]
    if isinstance(error, (EOFError, RuntimeError, IndexError)):
        return damaged(path, _first_line(reasons[0] if reasons else "it ends early"))
    return ModelError(
        f"{quoted(path.name)} cannot be read as plain weights: "
        f"{_first_line(reasons[0] if reasons else type(error).__name__)}",
        slug="weights-unreadable",
        details=[*RESAVE],
        hint="then pass that file with --weights",
    )


def _classes_of_checkpoint(content: Any, file_name: str, *, lenient: bool) -> EmbeddedClasses:
    """The class list under ``classes`` or ``class_to_idx``; a plain number there is ignored."""
    found = NO_CLASSES
    if not isinstance(content, Mapping):
        return found
    for key in ("classes", "class_to_idx"):
        value = content.get(key)
        source = f"{key} in {file_name}"
        if isinstance(value, (list, tuple, Mapping)):
            carried = embedded_classes(value, source, lenient=lenient)
            if found.names and carried.names and found.names != carried.names:
                return _contradiction(found, carried, lenient=lenient)
            found = found if found.names else carried
        elif value is not None and not isinstance(value, (int, torch.Tensor)):
            note = f"The class list ({source}) was not used: it is not a list of names."
            found = found if found.names else EmbeddedClasses(notes=(note,))
    return found if found.names or found.notes else _classes_elsewhere(content, file_name)


def _classes_elsewhere(content: Mapping[Any, Any], file_name: str) -> EmbeddedClasses:
    """The class list where Lightning, OpenMMLab and others store it, if it is unambiguous."""
    for place in ("", *_PLACES):
        for key in (*_OTHER_LISTS, "classes", "class_to_idx"):
            path = f"{place}.{key}" if place else key
            value = attribute_at(content, path)
            if isinstance(value, (list, tuple, Mapping)):
                found = names_in(value, f"{path} in {file_name}")
                if found.names is not None:
                    return found
    return NO_CLASSES


def _contradiction(
    one: EmbeddedClasses, other: EmbeddedClasses, *, lenient: bool
) -> EmbeddedClasses:
    text = f"{one.source} and {other.source} name the classes in different orders"
    if lenient:
        return EmbeddedClasses(notes=(f"No class list of the file was used: {text}.",))
    raise ModelError(
        text,
        slug="carried-classes",
        hint="pass the class names in the order of the model's outputs with --classes",
    )


def _first_line(error: Exception | str) -> str:
    return printable((str(error).strip().splitlines() or ["no reason given"])[0])[:200]


def _is_linear(tensor: torch.Tensor) -> bool:
    return tensor.ndim == 2 or (tensor.ndim == 4 and tuple(tensor.shape[2:]) == (1, 1))


def _is_head(name: str) -> bool:
    layer = name.removesuffix(".weight")
    return any(layer == head or layer.endswith(f".{head}") for head in _HEAD_NAMES)


_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")


_COMPILED = "_orig_mod."


_MAX_DEPTH = 4


@dataclass(frozen=True)
class _Reading:
    """One mapping from parameter names in a file to those of the network.

    Attributes
    ----------
    names
        Name in the file → name in the network.
    steps
        The changes made, as clauses: ``"the prefix model. was removed"``.
    """

    names: Mapping[str, str]
    steps: tuple[str, ...] = ()

    def stripped(self, prefix: str) -> _Reading:
        kept = {old: new for old, new in self.names.items() if new.startswith(prefix)}
        step = f"the prefix {prefix} was removed"
        if len(kept) < len(self.names):
            others = [old for old in self.names if old not in kept]
            step += f", and {plural(len(others), 'entry', 'entries')} without it skipped "
            step += f"({listing(others)})"
        names = {old: new.removeprefix(prefix) for old, new in kept.items()}
        return _Reading(names, (*self.steps, step))

    def uncompiled(self) -> _Reading:
        names = {old: new.replace(f".{_COMPILED}", ".") for old, new in self.names.items()}
        return _Reading(names, (*self.steps, f"{_COMPILED} was removed inside the names"))


def _readings(names: Sequence[str]) -> list[_Reading]:
    """The names unchanged, then with wrapper prefixes removed one by one."""
    readings = [_Reading({name: name for name in names})]
    for reading in readings:  # the list grows during the loop
        if len(reading.steps) >= _MAX_DEPTH:
            break
        current = reading.names.values()
        readings += [
            reading.stripped(prefix)
            for prefix in _PREFIXES
            if any(name.startswith(prefix) for name in current)
        ]
        if any(f".{_COMPILED}" in name for name in current):
            readings.append(reading.uncompiled())
    return readings


def load_into(
    module: nn.Module,
    tensors: StateDict,
    file_name: str,
    call: str,
    keys: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Copy all weights into `module`; return notes on names that were changed.

    Parameters
    ----------
    call
        How the network was created, for the hint: ``"resnet18(num_classes=10)"``.
    keys
        The keys that lead to `tensors` in the file.

    Raises
    ------
    ModelError
        ``weights-mismatch``: names or sizes differ. ``weights-ambiguous``: the file contains the
        network several times, under different prefixes and with different values.
    """
    own = module.state_dict()
    readings = _readings(list(tensors))
    exact = [r for r in readings if set(r.names.values()) == set(own)]
    best = exact[0] if exact else max(readings, key=lambda r: _overlap(r, own))
    state = renamed(tensors, best.names) if best.steps else tensors
    copies = _copies(own, tensors)
    if exact:
        _refuse_other_copies(copies, state, tensors, file_name, keys)
    try:
        module.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        hints = [f"--weights-key {'.'.join((*keys, prefix))}" for prefix in copies if prefix]
        raise _mismatch(own, state, best, error, file_name, call, hints) from error
    notes = [f"In the names of {file_name}, {step}." for step in best.steps]
    return (*notes, *_cast_notes(own, state, file_name))


def _overlap(reading: _Reading, own: Mapping[str, Any]) -> tuple[int, int]:
    """Rank of a mapping: most matching names first, then fewest changes."""
    return sum(name in own for name in reading.names.values()), -len(reading.steps)


def _copies(own: Mapping[str, Any], tensors: StateDict) -> dict[str, StateDict]:
    """Prefix → the tensors below it, for each prefix with the complete network in its sizes."""
    found: dict[str, StateDict] = {}
    first = next(iter(own), None)
    for name in tensors if first is not None else ():
        prefix = name.removesuffix(first or "")
        if prefix == name or (prefix and not prefix.endswith(".")):
            continue
        below = {inner: tensors.get(prefix + inner) for inner in own}
        if all(_size(below[inner]) == _size(own[inner]) for inner in own):
            found[prefix.removesuffix(".")] = {k: v for k, v in below.items() if v is not None}
    return found


def _refuse_other_copies(
    copies: Mapping[str, StateDict],
    state: StateDict,
    tensors: StateDict,
    file_name: str,
    keys: tuple[str, ...],
) -> None:
    """Refuse a file with two networks, such as ``model.`` and its average ``ema_model.``."""
    if all(_same_values(state, other) for other in copies.values()):
        return
    sets = [WeightSet((*keys, prefix), other) for prefix, other in copies.items() if prefix]
    own = next((one for one in sets if _same_values(state, one.tensors)), None)
    if own is None:
        sets = [own := WeightSet(keys, tensors), *sets]
    raise ambiguous(own, [one.name for one in sets if one is not own], sets, file_name)


def _same_values(one: StateDict, other: StateDict) -> bool:
    return all(
        not isinstance(tensor, torch.Tensor) or torch.equal(one[name], tensor)
        for name, tensor in other.items()
    )


def _mismatch(
    own: Mapping[str, Any],
    state: StateDict,
    reading: _Reading,
    error: Exception,
    file_name: str,
    call: str,
    copies: Sequence[str],
) -> ModelError:
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    sizes = [
        f"{printable(name)} is {_size(state[name])} in the file, {_size(own[name])} in the model"
        for name in own
        if name in state and _size(state[name]) != _size(own[name])
    ]
    if missing or unexpected:
        reason = f"{plural(len(missing), 'name')} missing, {len(unexpected):,} unexpected"
        details = [f"missing in the file: {listing(missing)}"] if missing else []
        details += [f"not in the model: {listing(unexpected)}"] if unexpected else []
        details += [f"tried: {step}" for step in reading.steps]
    elif sizes:
        reason = sizes[0]
        details = [*sizes[1:5], f"{len(sizes):,} of {len(own):,} tensors differ in size"]
    else:
        reason = "the network refuses them"
        details = [printable(line.strip()) for line in str(error).splitlines()[:5]]
    return ModelError(
        f"the weights in {quoted(file_name)} do not fit the network: {reason}",
        slug="weights-mismatch",
        details=details,
        hint=f"the names of the network have a prefix: {printable(' or '.join(copies))}"
        if copies
        else f"the network was made by {call}; change it with --model-arg key=value, or the number "
        "of classes with --classes",
    )


def _size(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return "x".join(str(size) for size in value.shape) or "a single number"


def _cast_notes(own: Mapping[str, Any], state: StateDict, file_name: str) -> Iterator[str]:
    """Notes on weights that are converted to another dtype."""
    casts: dict[tuple[str, str], int] = {}
    for name, target in own.items():
        source = state.get(name)
        if not (isinstance(source, torch.Tensor) and isinstance(target, torch.Tensor)):
            continue
        if source.dtype != target.dtype:
            pair = (_dtype(source), _dtype(target))
            casts[pair] = casts.get(pair, 0) + 1
    for (source_type, target_type), n in casts.items():
        yield (
            f"{plural(n, 'tensor')} of {file_name} {'is' if n == 1 else 'are'} {source_type} "
            f"and became {target_type} in the network."
        )


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
