"""Small networks, and files of them, made when a test asks for them."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

NETWORK = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, num_classes=4, width=3):
        super().__init__()
        self.conv = nn.Conv2d(3, width, 3)
        self.bn = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.fc(torch.relu(self.bn(self.conv(x))).mean((2, 3)))


def small(num_classes=4):
    return Net(num_classes)
"""


def network(n_classes: int = 4) -> nn.Module:
    """The network of `NETWORK`, with fixed weights."""
    scope: dict[str, Any] = {"__name__": "network"}
    exec(NETWORK, scope)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        module: nn.Module = scope["Net"](n_classes)
    return module.eval()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class Bomb:
    """An object whose unpickling makes the folder `sentinel`."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (os.mkdir, (str(self.sentinel),))


def rewritten(source: Path, target: Path, changes: dict[str, bytes | None]) -> Path:
    """A copy of a zip file with entries, named without its root folder, changed, added, removed."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        root = old.namelist()[0].partition("/")[0]
        left = dict(changes)
        for info in old.infolist():
            name = info.filename.partition("/")[2]
            content = left.pop(name, old.read(info)) if name in left else old.read(info)
            if content is not None:
                new.writestr(info, content)
        for name, added in left.items():
            if added is not None:
                new.writestr(f"{root}/{name}", added)
    return target
