"""Run the benchmarks that are named, or all of them, and print a line for each.

The exit code is 1 where one is over its budget.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks import timing
from benchmarks.tables import ROWS

BENCHMARKS = {
    "import": "importing",
    "render": "rendering",
    "saved": "saved",
    "sharding": "sharding",
    "engines": "engines",
    "tables": "tables",
    "inference": "inference",
    "references": "references",
    "whole-runs": "whole_runs",
}
"""Name → module, imported when it runs.

Those that import torch come last: the peak memory of a process includes that of its parent at its
start.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (default: 5)")
    parser.add_argument(
        "--rows",
        type=int,
        default=ROWS,
        help="rows of the large tables (default: 10,000,000; the budgets are of 100,000,000)",
    )
    options = parser.parse_args()
    for name in options.names or BENCHMARKS:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    timing.compile_package(Path(__file__).resolve().parent.parent)
    for name in options.names or BENCHMARKS:
        run = importlib.import_module(f"benchmarks.{BENCHMARKS[name]}").main
        run(options.runs, **({"rows": options.rows} if name == "tables" else {}))
    if timing.OVER:
        sys.exit(f"over budget: {', '.join(timing.OVER)}")


if __name__ == "__main__":
    main()
