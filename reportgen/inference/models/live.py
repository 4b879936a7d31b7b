"""A user's live module, left as it was found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["kept_as_found"]


@contextmanager
def kept_as_found(module: torch.nn.Module, device: torch.device) -> Iterator[None]:
    """`module` in evaluation mode on `device`; afterwards each submodule's `training`, the device
    and the global random state are what they were.
    """
    training = {name: part.training for name, part in module.named_modules()}
    home = device_of(module)
    with _random_state_kept():
        try:
            module.eval()
            if home is not None and home != device:
                module.to(device)
            yield
        finally:
            if home is not None and home != device:
                module.to(home)
            for name, part in module.named_modules():
                part.training = training.get(name, part.training)


def device_of(module: torch.nn.Module) -> torch.device | None:
    """Where the first parameter or buffer stands; None where there is none."""
    for tensor in (*module.parameters(), *module.buffers()):
        return tensor.device
    return None


@contextmanager
def _random_state_kept() -> Iterator[None]:
    python, numpy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if started else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
