"""Choose one of the state dicts in a weights file.

Training frameworks nest the state dict in a checkpoint, and many save a second one: the moving
average (EMA, SWA), a teacher, the best epoch. Their results differ, so a file with both is refused
unless ``--weights-key`` names the one to load.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reportgen.errors import ModelError, UsageError
from reportgen.text import listing, nearest, plural, printable, quoted

__all__ = [
    "CLASS_LIST_KEYS",
    "StateDict",
    "WeightSet",
    "ambiguous",
    "find_state_dict",
    "renamed",
]


StateDict = Mapping[str, torch.Tensor]


CLASS_LIST_KEYS = ("classes", "class_to_idx")


_NESTS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module",
    "weights", "params", "state", "checkpoint",
)  # fmt: skip


_WRAPPERS = re.compile(r"^(?:(?:module|_orig_mod|model|net|network)\.)+|_orig_mod\.")


_AVERAGED = re.compile(r"(?:^|[^a-z])(?:ema|swa|polyak|shadow|avg|averaged?|averaging)(?:$|[^a-z])")


_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


_NO_WEIGHTS = re.compile(r"optim(?!al)|sched|scaler|^amp$|rng|criterion|loss", re.IGNORECASE)


_MAX_DEPTH = 4


_MAX_TOLD = 5


@dataclass(frozen=True)
class WeightSet:
    """A state dict in a file.

    Attributes
    ----------
    keys
        The keys that lead to it, outermost first; empty if it is the whole file.
    tensors
        Parameter name → tensor.
    notes
        How it was found.
    """

    keys: tuple[str, ...]
    tensors: StateDict
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name, as in ``--weights-key``."""
        return ".".join(self.keys)

    @property
    def is_averaged(self) -> bool:
        return any(_names_an_average(key) for key in self.keys)

    @property
    def rank(self) -> tuple[bool, tuple[int, ...]]:
        """Sort key of the search: plain state dicts first, by their usual keys."""
        usual = [_NESTS.index(key) if key in _NESTS else len(_NESTS) for key in self.keys]
        return self.is_averaged, tuple(usual)

    def layout(self) -> dict[str, tuple[int, ...]]:
        """Names without wrapper prefixes, and shapes: they determine which network it fits."""
        return {
            _WRAPPERS.sub("", name): tuple(tensor.shape)
            for name, tensor in self.tensors.items()
            if isinstance(tensor, torch.Tensor) and tensor.ndim
        }


def find_state_dict(content: Any, file_name: str, key: str | None = None) -> WeightSet:
    """Find the state dict in the result of ``torch.load``.

    Parameters
    ----------
    key
        Its location, with dots between nested keys; or the prefix of the names of one of several
        networks. By default the usual keys are tried.

    Raises
    ------
    ModelError
        ``weights-no-state-dict``: none was found; ``weights-ambiguous``: two differ, and no `key`
        is given.
    UsageError
        ``weights-key-unknown``; the message lists the keys.
    """
    found = list(_state_dicts(content))
    if key is not None:
        return _chosen(content, found, file_name, key)
    if not found:
        raise _no_state_dict(content, file_name)
    best = min(found, key=lambda one: one.rank)
    others = [one.name for one in found if one is not best and _is_rival(one, best)]
    if not best.is_averaged:
        n_wanted = sum(tensor.numel() for tensor in best.tensors.values() if _is_tensor(tensor)) / 2
        others += [name for name, n in _unnamed_averages(content) if n >= n_wanted]
    if others:
        raise ambiguous(best, others, found, file_name)
    note = f"The weights are those under {' / '.join(best.keys)} in the file."
    return _usable(best, (printable(note),) if best.keys else ())


def _state_dicts(content: Any, keys: tuple[str, ...] = ()) -> Iterator[WeightSet]:
    """All candidate state dicts; not searched inside of each other."""
    if not isinstance(content, Mapping):
        return
    if _is_state_dict(content):
        yield WeightSet(keys, content)
        return
    if len(keys) >= _MAX_DEPTH:
        return
    for key, value in content.items():
        if isinstance(key, str) and not _NO_WEIGHTS.search(key):
            yield from _state_dicts(value, (*keys, key))


def _is_state_dict(value: Mapping[Any, Any]) -> bool:
    return any(isinstance(v, torch.Tensor) and v.ndim for v in value.values()) and all(
        isinstance(k, str)
        and (isinstance(v, torch.Tensor) or k in CLASS_LIST_KEYS or k.endswith("_extra_state"))
        for k, v in value.items()
    )


def _names_an_average(key: str) -> bool:
    return _AVERAGED.search(_CAMEL.sub("_", key).lower()) is not None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _unnamed_averages(content: Any) -> Iterator[tuple[str, int]]:
    """(key, number of values) of averaged weights stored as lists, which can't be loaded."""
    for key, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(key, str) and _names_an_average(key) and not list(_state_dicts(value)):
            yield key, _n_values(value)


def _n_values(value: Any) -> int:
    if isinstance(value, torch.Tensor):
        return value.numel()
    inner = value.values() if isinstance(value, Mapping) else value
    return sum(map(_n_values, inner)) if isinstance(value, (Mapping, list, tuple)) else 0


def _is_rival(one: WeightSet, best: WeightSet) -> bool:
    """Whether another state dict could be intended instead of `best`, with different results.

    True for averaged weights beside plain ones, for weights of the same layout, and for any other
    if the key of `best` does not indicate a network.
    """
    unusual = not any(key in _NESTS for key in best.keys) and not best.is_averaged
    if not (unusual or one.is_averaged != best.is_averaged or one.layout() == best.layout()):
        return False
    return not _are_equal(one.tensors, best.tensors)


def _are_equal(one: StateDict, other: StateDict) -> bool:
    """Whether names and values are equal, apart from wrapper prefixes and counters."""
    mine, theirs = ({_WRAPPERS.sub("", k): v for k, v in s.items()} for s in (one, other))
    for tensors in (mine, theirs):
        tensors.pop("n_averaged", None)
    return mine.keys() == theirs.keys() and all(
        isinstance(value, torch.Tensor)
        and isinstance(theirs[name], torch.Tensor)
        and torch.equal(value, theirs[name])
        for name, value in mine.items()
    )


def _chosen(content: Any, found: Sequence[WeightSet], file_name: str, key: str) -> WeightSet:
    """The state dict that ``--weights-key`` names: by its keys, or by a prefix of names."""
    note = f"The weights are those under {printable(key)} in the file, as --weights-key says."
    for value in _values_at(content, key):
        inside = [WeightSet((key, *one.keys), one.tensors) for one in _state_dicts(value)]
        if len(inside) > 1:
            raise ambiguous(inside[0], [one.name for one in inside[1:]], inside, file_name)
        if inside:
            return _usable(inside[0], (note,))
    for one in sorted(found, key=lambda one: one.rank):
        prefix = (key.removeprefix(f"{one.name}.") if one.keys else key) + "."
        names = {n: n.removeprefix(prefix) for n in one.tensors if n.startswith(prefix)}
        if names:
            return WeightSet((*one.keys, prefix[:-1]), renamed(one.tensors, names), (note,))
    raise _unknown_key(content, found, file_name, key)


def _usable(one: WeightSet, notes: tuple[str, ...]) -> WeightSet:
    return WeightSet(one.keys, _without_class_list(one.tensors), notes)


def _values_at(content: Any, key: str) -> Iterator[Any]:
    """The values at a dotted key; a dot may also belong to a key."""
    if not isinstance(content, Mapping):
        return
    if key in content:
        yield content[key]
    for at in (match.start() for match in re.finditer(r"\.", key)):
        if key[:at] in content:
            yield from _values_at(content[key[:at]], key[at + 1 :])


class _WithMetadata(dict[str, Any]):
    """A state dict with the layout versions of its modules."""

    _metadata: Mapping[str, Any] | None = None


def renamed(tensors: Mapping[str, Any], names: Mapping[str, str]) -> StateDict:
    """The state dict under other names, with the layout versions of its modules."""
    state = _WithMetadata((new, tensors[old]) for old, new in names.items())
    versions = getattr(tensors, "_metadata", None)
    if isinstance(versions, Mapping):
        modules = {_module_of(old): _module_of(new) for old, new in names.items()}
        state._metadata = {modules[name]: versions[name] for name in versions if name in modules}
    return state


def _module_of(parameter: str) -> str:
    return parameter.rpartition(".")[0]


def _without_class_list(state: Mapping[str, Any]) -> StateDict:
    if not any(key in state for key in CLASS_LIST_KEYS):
        return state
    return renamed(state, {key: key for key in state if key not in CLASS_LIST_KEYS})


# Messages


def ambiguous(
    best: WeightSet, others: Sequence[str], found: Sequence[WeightSet], file_name: str
) -> ModelError:
    """The error for a file with several networks' weights; those not in `found` can't be loaded."""
    names = [best.name, *others]
    sizes = {one.name: plural(len(one.tensors), "tensor") for one in found}
    averaged = next((name for name in names if _names_an_average(name)), None)
    first = averaged if averaged in sizes else best.name
    rest = [name for name in names if name != first and name in sizes]
    details = [
        f"{printable(name)}: {sizes.get(name, 'tensors without names, which cannot be loaded')}"
        + (", averaged" if _names_an_average(name) else "")
        for name in names[:_MAX_TOLD]
    ]
    choices = [f"--weights-key {printable(name)}" for name in (first, *rest)]
    return ModelError(
        f"{quoted(file_name)} contains {plural(len(names), 'set')} of weights: {listing(names)}",
        slug="weights-ambiguous",
        details=details,
        hint="choose the one to evaluate: " + " or ".join(choices[:_MAX_TOLD]),
    )


def _unknown_key(content: Any, found: Sequence[WeightSet], file_name: str, key: str) -> UsageError:
    there = [one.name for one in found if one.keys]
    prefixes = sorted({name.partition(".")[0] for one in found for name in one.tensors})
    holds = next(_values_at(content, key), None)
    what = f"no weights under {quoted(key)}"
    if holds is not None:
        what += f", but {_kind(holds)}"
    details = [f"state dicts: {listing(there)}"] if there else []
    details += [] if there else [f"one state dict without a key, of {listing(prefixes)}"]
    alike = [name for name in there or prefixes if key.casefold() in name.casefold()]
    meant = next(iter(alike), None) or nearest(key, there or prefixes) or next(iter(there), None)
    return UsageError(
        f"{quoted(file_name)} contains {what}",
        slug="weights-key-unknown",
        details=details if found else [],
        hint=f"--weights-key {printable(meant)}" if meant else "omit --weights-key",
    )


def _no_state_dict(content: Any, file_name: str) -> ModelError:
    message = f"{quoted(file_name)} contains no state dict, but {_kind(content)}"
    details = []
    if isinstance(content, Mapping):
        details = [f"{printable(str(key))}: {_kind(value)}" for key, value in content.items()]
    rest = len(details) - _MAX_TOLD
    return ModelError(
        message,
        slug="weights-no-state-dict",
        details=details[:_MAX_TOLD] + ([f"and {rest:,} more"] if rest > 0 else []),
        hint='save only the weights: torch.save(model.state_dict(), "weights.pt")',
    )


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"a dict of {plural(len(value), 'entry', 'entries')}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
