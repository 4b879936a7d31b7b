"""From a state dict to the parameters of a network: wrappers off, nothing guessed.

Training frameworks put prefixes before the names of a state dict. They are taken off only where
the names then are exactly the network's; loading is always strict, since a network that keeps some
of its random weights gives numbers that look real.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from reportgen.errors import ModelError
from reportgen.inference.models.weight_sets import StateDict, WeightSet, ambiguous, renamed
from reportgen.text import listing, plural, printable, quoted

__all__ = ["load_into"]

_PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "network.")
_COMPILED = "_orig_mod."
_MAX_DEPTH = 4


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


def load_into(
    module: nn.Module,
    tensors: StateDict,
    file_name: str,
    call: str,
    keys: tuple[str, ...] = (),
) -> tuple[str, ...]:
    """Copy the weights into `module`, all of them, and say what had to be done to their names.

    Parameters
    ----------
    call
        How the network was made, for the hint: ``"resnet18(num_classes=10)"``.
    keys
        Those that lead to `tensors` in the file.

    Raises
    ------
    ModelError
        ``weights-mismatch``: names or sizes differ. ``weights-ambiguous``: the names hold the
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
    """How well a reading fits: shared names first, then fewest steps."""
    return sum(name in own for name in reading.names.values()), -len(reading.steps)


def _copies(own: Mapping[str, Any], tensors: StateDict) -> dict[str, StateDict]:
    """Prefix → the tensors below it, wherever the whole network is found with all its sizes."""
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
    """Refuse what holds the network twice, such as a ``model.`` and its average ``ema_model.``."""
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
        hint=f"the network stands under a prefix: {printable(' or '.join(copies))}"
        if copies
        else f"the network was made by {call}; change it with --model-arg key=value, or the number "
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
