"""Run the benchmarks that are named, or all of them, and print a line for each.

The exit code is 1 where one is over its budget.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import (
    engines,
    importing,
    inference,
    references,
    rendering,
    saved,
    sharding,
    tables,
    timing,
)

BENCHMARKS = {
    "import": importing.main,
    "render": rendering.main,
    "inference": inference.main,
    "saved": saved.main,
    "sharding": sharding.main,
    "engines": engines.main,
    "tables": tables.main,
    "references": references.main,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--runs", type=int, default=5, help="runs of each side (default: 5)")
    options = parser.parse_args()
    for name in options.names or BENCHMARKS:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    timing.compile_package(Path(__file__).resolve().parent.parent)
    for name in options.names or BENCHMARKS:
        BENCHMARKS[name](options.runs)
    if timing.OVER:
        sys.exit(f"over budget: {', '.join(timing.OVER)}")


if __name__ == "__main__":
    main()
