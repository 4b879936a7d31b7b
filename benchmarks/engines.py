"""Two Ray actors against two shards under torchrun, from the first row to the last: seconds of the
clock and CPU seconds of all their processes. It needs two free cores, Ray and psutil.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.sharding import write_images
from benchmarks.timing import report

BUDGET = 1.15
N_IMAGES = 50_000  # starting an actor takes 5 CPU seconds, which would dominate for fewer images

NETWORK = """
import torch
def make():
    torch.manual_seed(0)
    layers = []
    for size, wider in ((3, 32), (32, 64), (64, 128)):
        layers += [torch.nn.Conv2d(size, wider, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(128, 10))
"""  # noqa: E501 - as a file of its own

PROGRAM = """
import json, os, sys, time
import psutil
import reportgen
from reportgen.reporter import Reporter

def cpu():
    own = psutil.Process()
    return sum(sum(p.cpu_times()[:2]) for p in [own, *own.children(recursive=True)])

class Clock(Reporter):
    rows = 0
    def begin(self, what, total, unit="images"):
        self.is_predicting = what == "predicting"
    def advance(self, n):
        if self.is_predicting and n:
            self.first = getattr(self, "first", None) or (time.time(), cpu())
            self.last = time.time(), cpu()

clock = Clock()
rank = os.environ.get("RANK", "ray")
if rank == "ray":
    from reportgen.engines import Ray
    reportgen.predict("network.py:make", "images", out="run", engine=Ray(actors=2), reporter=clock, force=True)
else:
    reportgen.predict("network.py:make", "images", out="run", shard="auto", reporter=clock, force=True)
print(json.dumps([*clock.first, *clock.last]), file=open(f"{rank}.json", "w"))
"""  # noqa: E501 - as a file of its own


def main(runs: int) -> None:
    if not (find_spec("ray") and find_spec("psutil")):
        print("engines: Ray is not installed", flush=True)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "images", N_IMAGES)
        (folder / "network.py").write_text(NETWORK)
        (folder / "program.py").write_text(PROGRAM)
        pairs = [(_shards(folder), _ray(folder)) for _ in range(min(runs, 2))]
    for unit, at in (("s", 0), ("CPU s", 1)):
        theirs, ours = (min(one[at] for one in side) for side in zip(*pairs, strict=True))
        report(f"2 Ray actors, {N_IMAGES:,} images", ours / theirs, BUDGET, ours, theirs, unit)


def _ray(folder: Path) -> tuple[float, float]:
    _run([sys.executable, "program.py"], folder)
    return _taken([json.loads((folder / "ray.json").read_text())])


def _shards(folder: Path) -> tuple[float, float]:
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "program.py"]
    _run([sys.executable, *words], folder)
    return _taken([json.loads((folder / f"{rank}.json").read_text()) for rank in (0, 1)])


def _run(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{words} ended with {done.returncode}:\n{done.stderr}")


def _taken(found: list[tuple[float, float, float, float]]) -> tuple[float, float]:
    """(seconds from the first row to the last, CPU seconds between them) of several processes."""
    first, _, last, _ = zip(*found, strict=True)
    return max(last) - min(first), sum(one[3] - one[1] for one in found)
