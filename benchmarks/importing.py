"""``import reportgen`` against importing three modules of the standard library, in CPU seconds."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.timing import process_cost, ratio_of_minima, report

BUDGET = 1.5


def main(runs: int) -> None:
    folder = Path(__file__).resolve().parent.parent

    def cost(code: str) -> float:
        return process_cost([sys.executable, "-c", code], folder).cpu_seconds

    ratio, ours, theirs = ratio_of_minima(
        lambda: cost("import reportgen"),
        lambda: cost("import typing, dataclasses, pathlib"),
        runs * 4,
    )
    report("import reportgen", ratio, BUDGET, ours, theirs, "CPU s")
