"""From what a checkpoint holds to the parameters of a network: wrappers off, nothing guessed.

Training frameworks nest the state dict in a checkpoint and put prefixes before its names. They are
taken off only where the names then are exactly the network's; loading is always strict, since a
network that keeps some of its random weights gives numbers that look real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reportgen.errors import ModelError
from reportgen.text import listing, plural, printable, quoted

__all__ = ["StateDict", "find_state_dict", "load_into"]

StateDict = Mapping[str, torch.Tensor]

_NESTS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module",
    "weights", "params", "state", "checkpoint",
)  # fmt: skip
_AVERAGED = (
    "ema", "model_ema", "ema_model", "ema_state_dict", "state_dict_ema", "ema_model_state_dict",
)  # fmt: skip
_NOT_TENSORS = ("classes", "class_to_idx")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
_COMPILED = "_orig_mod."
_MAX_DEPTH = 4


def find_state_dict(content: Any, file_name: str) -> tuple[StateDict, tuple[str, ...]]:
    """The state dict in what ``torch.load`` returned, and notes on where it was.

    Where a checkpoint holds both plain and averaged (EMA) weights, the plain ones are taken.

    Raises :class:`ModelError` ``weights-no-state-dict``, naming what there is.
    """
    path: list[str] = []
    notes: list[str] = []
    current = content
    while len(path) <= _MAX_DEPTH and isinstance(current, Mapping):
        if _is_state_dict(current):
            if path:
                notes.insert(0, f"The weights are those under {' / '.join(path)} in the file.")
            return _without_class_list(current), tuple(notes)
        key = next((key for key in (*_NESTS, *_AVERAGED) if _holds_weights(current, key)), None)
        if key is None:
            break
        averaged = [other for other in _AVERAGED if other != key and other in current]
        if averaged and key in _NESTS:
            notes.append(f"The file also holds averaged weights ({averaged[0]}): not used.")
        path.append(key)
        current = current[key]
    raise _no_state_dict(content, file_name)


def _is_state_dict(value: Mapping[Any, Any]) -> bool:
    return any(isinstance(v, torch.Tensor) for v in value.values()) and all(
        isinstance(k, str)
        and (isinstance(v, torch.Tensor) or k in _NOT_TENSORS or k.endswith("_extra_state"))
        for k, v in value.items()
    )


def _holds_weights(content: Mapping[Any, Any], key: str) -> bool:
    inner = content.get(key)
    return isinstance(inner, Mapping) and (
        _is_state_dict(inner) or any(_holds_weights(inner, k) for k in (*_NESTS, *_AVERAGED))
    )


def _without_class_list(state: Mapping[str, Any]) -> StateDict:
    if not any(key in state for key in _NOT_TENSORS):
        return state
    return _renamed(state, {key: key for key in state if key not in _NOT_TENSORS})


def _no_state_dict(content: Any, file_name: str) -> ModelError:
    message = f"{quoted(file_name)} holds no state dict, but {_kind(content)}"
    details = []
    if isinstance(content, Mapping):
        details = [f"{printable(str(key))}: {_kind(value)}" for key, value in content.items()]
    return ModelError(
        message,
        slug="weights-no-state-dict",
        details=details[:5] + ([f"and {len(details) - 5:,} more"] if len(details) > 5 else []),
        hint='save the weights alone: torch.save(model.state_dict(), "weights.pt")',
    )


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"a dict of {plural(len(value), 'entry', 'entries')}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"


@dataclass(frozen=True)
class _Reading:
    """One way to read the names in a file.

    Attributes
    ----------
    names
        Name in the file → name in the network.
    steps
        What was done to get there, as ends of "… the file's names".
    """

    names: Mapping[str, str]
    steps: tuple[str, ...] = ()

    def stripped(self, prefix: str) -> _Reading:
        kept = {old: new for old, new in self.names.items() if new.startswith(prefix)}
        step = f"the prefix {prefix} was removed"
        if len(kept) < len(self.names):
            others = [old for old in self.names if old not in kept]
            step += f", and {plural(len(others), 'entry', 'entries')} without it left out "
            step += f"({listing(others)})"
        names = {old: new.removeprefix(prefix) for old, new in kept.items()}
        return _Reading(names, (*self.steps, step))

    def uncompiled(self) -> _Reading:
        names = {old: new.replace(f".{_COMPILED}", ".") for old, new in self.names.items()}
        return _Reading(names, (*self.steps, f"{_COMPILED} was removed inside the names"))


def _readings(names: Sequence[str]) -> list[_Reading]:
    """The names as they are, and with wrappers' prefixes taken off, one more at a time."""
    readings = [_Reading({name: name for name in names})]
    for reading in readings:  # grows while it is walked
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


def load_into(module: nn.Module, tensors: StateDict, file_name: str, call: str) -> tuple[str, ...]:
    """Copy the weights into `module`, all of them, and say what had to be done to their names.

    Parameters
    ----------
    call
        How the network was made, for the hint: ``"resnet18(num_classes=10)"``.

    Raises
    ------
    ModelError
        ``weights-mismatch``: names or sizes differ.
    """
    own = module.state_dict()
    readings = _readings(list(tensors))
    exact = [r for r in readings if set(r.names.values()) == set(own)]
    best = exact[0] if exact else max(readings, key=lambda r: _overlap(r, own))
    state = _renamed(tensors, best.names) if best.steps else tensors
    try:
        module.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise _mismatch(own, state, best, error, file_name, call) from error
    notes = [f"In the names of {file_name}, {step}." for step in best.steps]
    return (*notes, *_cast_notes(own, state, file_name))


def _overlap(reading: _Reading, own: Mapping[str, Any]) -> tuple[int, int]:
    """How well a reading fits: shared names first, then fewest steps."""
    return sum(name in own for name in reading.names.values()), -len(reading.steps)


class _WithMetadata(dict[str, Any]):
    """A state dict that tells modules which version of their layout it has."""

    _metadata: Mapping[str, Any] | None = None


def _renamed(tensors: Mapping[str, Any], names: Mapping[str, str]) -> StateDict:
    """The state dict under other names; the versions of the modules they belong to go with them."""
    state = _WithMetadata((new, tensors[old]) for old, new in names.items())
    versions = getattr(tensors, "_metadata", None)
    if isinstance(versions, Mapping):
        modules = {_module_of(old): _module_of(new) for old, new in names.items()}
        state._metadata = {modules[name]: versions[name] for name in versions if name in modules}
    return state


def _module_of(parameter: str) -> str:
    return parameter.rpartition(".")[0]


def _mismatch(
    own: Mapping[str, Any],
    state: StateDict,
    reading: _Reading,
    error: Exception,
    file_name: str,
    call: str,
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
        hint=f"the network was made by {call}; change it with --model-arg key=value, or the number "
        "of classes with --classes",
    )


def _size(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return "x".join(str(size) for size in value.shape) or "a single number"


def _cast_notes(own: Mapping[str, Any], state: StateDict, file_name: str) -> Iterator[str]:
    """Weights of another dtype are converted as they are copied."""
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
