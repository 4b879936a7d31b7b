"""Interleaved runs of two alternatives, and the ratio of their minima."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Cost of a process: CPU seconds (user and system, including children), peak memory in MB."""

    cpu_seconds: float
    peak_mb: float


def process_cost(words: Sequence[str], folder: Path) -> Cost:
    """Run a command to its end, discard its output, and return its cost."""
    process = subprocess.Popen(
        list(words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    with process.stderr:
        errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{words} ended with {process.returncode}:\n{errors.decode()}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def compile_package(folder: Path) -> None:
    """Compile the package in `folder`, as pip does on installation: the reference's libraries are
    compiled, too.
    """
    compileall.compile_dir(folder / "reportgen", quiet=1)
    code = (
        "import sys; sys.dont_write_bytecode = False\n"
        "from reportgen.rendering.html import compile_templates; compile_templates()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


def ratio_of_minima(
    ours: Callable[[], float], reference: Callable[[], float], runs: int
) -> tuple[float, float, float]:
    """(ratio, our minimum, the reference's minimum); the two run in turn, ours second."""
    theirs_all, ours_all = [], []
    for _ in range(runs):
        theirs_all.append(reference())
        ours_all.append(ours())
    return min(ours_all) / min(theirs_all), min(ours_all), min(theirs_all)


OVER: list[str] = []
"""The names of benchmarks over their budget."""


def report(name: str, ratio: float, budget: float, ours: float, theirs: float, unit: str) -> None:
    """Print one line: the ratio, its budget, and the values behind it."""
    verdict = "within" if ratio <= budget else "OVER"
    if ratio > budget:
        OVER.append(name)
    print(
        f"{name}: {ratio:.3f} × the reference (budget {budget:g}: {verdict}); "
        f"minima {ours:.3f} and {theirs:.3f} {unit}",
        flush=True,
    )
