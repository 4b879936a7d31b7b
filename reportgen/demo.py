"""The whole pipeline on scikit-learn's handwritten digits.

Two small networks are trained for seconds with a fixed seed on one half; the other half becomes
class folders of PNGs, which are evaluated with the code of ``reportgen run``.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reportgen import api
from reportgen.api import require_torch
from reportgen.errors import OutputError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.reporter import Reporter
from reportgen.text import quoted

__all__ = [
    "Demo",
    "make_demo",
]


PARTS = ("images", "models", "report")


MARK = ".reportgen-demo"


SEED = 7


EPOCHS = 24


@dataclass(frozen=True)
class Demo:
    """The results of the demo.

    Attributes
    ----------
    command
        The ``reportgen run`` command that repeats its report.
    """

    evaluation: Evaluation
    report_path: Path
    command: str


def make_demo(out: Path, reporter: Reporter) -> Demo:
    """Write images, two models, and a report on the second against the first.

    To ``out/{images,models,report}``. Overwrites only files of an earlier demo. Raises
    :class:`OutputError` if other files are in the way, :class:`UsageError` if scikit-learn is
    missing, and :class:`ModelError` if PyTorch is.
    """
    require_torch()
    _clear(out)
    train, test = _digits()
    _write_images(out / "images", *test)
    (out / "models").mkdir(parents=True)
    for name, network in _networks():
        reporter.say(f"training the {name} network")
        _train(network, *train)
        _export(network, out / "models" / f"{name}.pt2")
    data, kept = out / "images", out / "models" / "first.parquet"
    options: dict[str, Any] = {
        "grayscale": True, "data_name": "handwritten digits", "split": "held-out half",
    }  # fmt: skip
    reporter.say("predicting with the first network, as the baseline")
    api.predict(out / "models" / "first.pt2", data, out=kept, reporter=reporter, **options)
    model, report = out / "models" / "second.pt2", out / "report"
    evaluation = api.run(model, data, out=report, reporter=reporter, baseline=str(kept), **options)
    words = [
        "reportgen", "run", str(model), str(data), "-o", str(report),
        "--grayscale", "--data-name", "handwritten digits", "--split", "held-out half",
        "--baseline", str(kept), "--force",
    ]  # fmt: skip
    return Demo(evaluation, report / "report.html", shlex.join(words))


def _clear(out: Path) -> None:
    """Delete an earlier demo; refuse to delete anything else."""
    standing = [name for name in PARTS if (out / name).exists()]
    if standing and not (out / MARK).exists():
        raise OutputError(
            f"{quoted(out.name)} contains {', '.join(standing)} that the demo did not write",
            slug="demo-folder",
            hint="choose another folder with -o",
        )
    try:
        for name in standing:
            shutil.rmtree(out / name)
        out.mkdir(parents=True, exist_ok=True)
        (out / MARK).touch()
    except OSError as error:
        from reportgen.files import output_error

        raise output_error(out, error) from error


def _digits() -> tuple[Any, Any]:
    """((images, labels) for training, and for testing): uint8 (N, 8, 8) and int64 (N,)."""
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != "sklearn":
            raise
        raise UsageError(
            "the demo needs scikit-learn, which contains the digits",
            slug="demo-needs-sklearn",
            hint="install it: pip install scikit-learn",
        ) from error
    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    a, b, c, d = train_test_split(
        images, digits.target, test_size=0.5, random_state=SEED, stratify=digits.target
    )
    return (a, c), (b, d)


def _write_images(root: Path, images: Any, labels: Any) -> None:
    from PIL import Image

    for label in range(10):
        (root / str(label)).mkdir(parents=True)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(root / str(label) / f"{i:04d}.png")


def _networks() -> Iterator[tuple[str, Any]]:
    """(name, network): a linear classifier, and a small convolutional one."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    yield "first", nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    torch.manual_seed(SEED)
    yield (
        "second",
        nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(16 * 16, 10),
        ),
    )


def _train(network: Any, images: Any, labels: Any) -> None:
    import torch
    from torch import nn

    x = torch.from_numpy(images).float().div(255)[:, None]
    y = torch.from_numpy(labels)
    order = torch.Generator().manual_seed(SEED)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(x), generator=order).split(64):  # type: ignore[no-untyped-call]
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    network.eval()


def _export(network: Any, path: Path) -> None:
    """Export the network with a dynamic batch size and its class names."""
    import torch

    program = torch.export.export(
        network,
        (torch.zeros(4, 1, 8, 8),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )
    classes = json.dumps([str(digit) for digit in range(10)])
    torch.export.save(program, path, extra_files={"classes.json": classes})
