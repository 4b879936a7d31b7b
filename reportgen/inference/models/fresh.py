"""Untrained weights: the parts of a network that a factory initialises.

Many libraries load a checkpoint without a classifier: the head gets random weights, with only a
line in a log. A report on it looks real. Random weights are found by calling the factory twice:
loaded weights are equal both times.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from reportgen.errors import ModelError
from reportgen.provenance import DataNote
from reportgen.text import listing, plural, quoted

__all__ = [
    "fresh_weights",
]


_LIBRARIES = ("torchvision", "timm", "transformers")


def fresh_weights(module: nn.Module, again: Callable[[], Any], shown: str) -> tuple[DataNote, ...]:
    """Detect random weights; return a warning if all weights of a network are random.

    Parameters
    ----------
    module
        The network that the factory returned.
    again
        Calls the factory a second time in the same way; if that raises, nothing is reported.
    shown
        The factory's name.

    Raises
    ------
    ModelError
        ``weights-fresh``: some weights were loaded and others, such as the head, were not; or the
        factory of a library was called for a network without weights.
    """
    random, kept = _compared(module, again)
    if not random:
        return ()
    if kept or shown.partition(".")[0].partition(":")[0] in _LIBRARIES:
        raise _not_loaded(random, kept, shown)
    sentence = (
        f"Two calls of {shown} returned different weights: the network is not trained, and results "
        "are not reproducible."
    )
    return (DataNote("weights-fresh", sentence, severity="warning", count=len(random)),)


def _compared(module: nn.Module, again: Callable[[], Any]) -> tuple[list[str], list[str]]:
    """Names of the parameters that differ in the second call, and of those that are equal."""
    try:
        other = dict(again().named_parameters())
        pairs = [(name, one, other[name]) for name, one in module.named_parameters()]
        random = [name for name, one, two in pairs if not _same(one, two)]
        kept = [name for name, one, two in pairs if _same(one, two) and not _is_constant(one)]
    except Exception:  # a factory that works only once, or a lazy layer: unknown
        return [], []
    return random, kept


def _same(one: torch.Tensor, two: torch.Tensor) -> bool:
    if one.shape != two.shape:
        return False
    return bool(((one == two) | ((one != one) & (two != two))).all())


def _is_constant(tensor: torch.Tensor) -> bool:
    """Whether all values are equal, as in a fresh bias or norm layer: no evidence of training."""
    return tensor.numel() < 2 or bool((tensor == tensor.reshape(-1)[0]).all())


def _not_loaded(random: list[str], kept: list[str], shown: str) -> ModelError:
    n = plural(len(random), "parameter")
    some = f", the other {len(kept):,} were loaded" if kept else ""
    return ModelError(
        f"{quoted(shown)} fills {n} with random numbers: {listing(random)}",
        slug="weights-fresh",
        details=[f"they differ from one call of the factory to the next{some}"],
        hint="load a checkpoint of the full network in it (with transformers: a folder that "
        "save_pretrained wrote after training), or pass the weights with --weights FILE",
    )
