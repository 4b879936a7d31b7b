"""The prediction loop against a bare ``inference_mode`` loop over the same loader, in wall seconds.

Ours is timed from the first batch asked for to the last row of ``predictions.parquet``, without
start-up, loading and the probes of the first batch. A pass takes 20 s or more.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from benchmarks.timing import ratio_of_minima, report
from reportgen.inference import loop
from reportgen.inference.facts import facts_of
from reportgen.inference.forward import Engine
from reportgen.inference.job import outline_of
from reportgen.inference.plan import Plan, plan_folder
from reportgen.options.run import Options
from reportgen.predictions.parts import Parts
from reportgen.reporter import Reporter

BUDGET = 1.05
N_IMAGES, SIDE, SECONDS = 8192, 64, 20.0

NETWORK = """
import torchvision
def make(width):
    return torchvision.models.get_model("resnet18", weights=None, num_classes=width)
"""


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_images(folder / "images")
        (folder / "network.py").write_text(NETWORK)
        torch.manual_seed(0)
        plan = plan_folder(
            f"{folder}/network.py:make",
            folder / "images",
            folder / "predictions.parquet",
            Options(model_arg=("width=10",)),
            Reporter(),
        )
        import pyarrow.parquet  # noqa: F401 (start-up is not what is measured)

        first = _bare(plan)
        if first < SECONDS:
            print(f"inference: a pass takes {first:.0f} s here, not {SECONDS:.0f}", flush=True)
        ratio, ours, theirs = ratio_of_minima(lambda: _ours(plan), lambda: _bare(plan), runs)
    report("inference", ratio, BUDGET, ours, theirs, "s")


def _bare(plan: Plan) -> float:
    """A minimal loop: draw a batch, run the model."""
    loader = plan.source.loader(0, plan.batch_size)  # type: ignore[attr-defined]
    begun = time.perf_counter()
    with torch.inference_mode():
        for collated in loader:
            plan.model.module(collated.images.to(plan.device))
    return time.perf_counter() - begun


def _ours(plan: Plan) -> float:
    probing = 0.0
    examine = loop._examine

    def timed(*arguments: object) -> None:
        nonlocal probing
        begun = time.perf_counter()
        examine(*arguments)  # type: ignore[arg-type]
        probing += time.perf_counter() - begun

    parts = Parts.start(plan.target.with_suffix(".partial"), plan.identity)
    engine = Engine(
        plan.model, plan.device, "float32", len(plan.classes.names),
        plan.model.batch_sizes.chunk(plan.batch_size),
    )  # fmt: skip
    with mock.patch.object(loop, "_examine", timed):
        begun = time.perf_counter()
        loop.predict_into(
            parts, plan.source, engine,
            batch_size=plan.batch_size, outputs="auto", reporter=Reporter(),
        )  # fmt: skip
        sums = parts.sums(plan.classes.names)
        parts.finish(plan.target, facts_of(outline_of(plan, parts.state), plan.identity, sums))
        taken = time.perf_counter() - begun
    parts.discard()
    return taken - probing


def _write_images(root: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(N_IMAGES):
        folder = root / f"class {i % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((SIDE, SIDE)).save(folder / f"{i:05d}.jpg", quality=90)
