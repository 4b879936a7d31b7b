"""Start-up time in CPU seconds: ``import reportgen`` against importing three modules of the
standard library, ``reportgen --version`` and ``--help`` against ``import typer``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.timing import process_cost, ratio_of_minima, report

BUDGET, COMMAND_BUDGET = 1.5, 1.3

FOLDER = Path(__file__).resolve().parent.parent


def main(runs: int) -> None:
    _against(("-c", "import reportgen"), "import typing, dataclasses, pathlib", BUDGET, runs)
    for flag in ("--version", "--help"):
        _against(("-m", "reportgen", flag), "import typer", COMMAND_BUDGET, runs)


def _against(words: tuple[str, ...], reference: str, budget: float, runs: int) -> None:
    def cost(*rest: str) -> float:
        return process_cost([sys.executable, *rest], FOLDER).cpu_seconds

    ratio, ours, theirs = ratio_of_minima(
        lambda: cost(*words), lambda: cost("-c", reference), runs * 4
    )
    report(" ".join(words[1:]), ratio, budget, ours, theirs, "CPU s")
