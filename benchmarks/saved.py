"""``reportgen render`` of large saved predictions, in CPU seconds and resident memory.

CSV of 1,000,000 rows against ``pandas.read_csv`` and the report of 10,000 rows; Parquet of
10,000,000 rows against the script of :mod:`benchmarks.rendering` on 10,000; and 21,000 classes.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.rendering import SCRIPT
from benchmarks.timing import Cost, process_cost, report

CSV_ROWS, FEW_ROWS, PARQUET_ROWS, MANY_CLASSES = 1_000_000, 10_000, 10_000_000, 21_000
READS, PARQUET_BUDGET, CLASSES_BUDGET = 3, 1.35, 4.0
PARQUET_MB, CLASSES_MB = 341, 850

READ_CSV = """
import sys, time
import pandas as pd

begun = time.process_time()
pd.read_csv(sys.argv[1])
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""
"""Reading only, without the start of Python and the import of pandas."""


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "script.py").write_text(SCRIPT)
        (folder / "read_csv.py").write_text(READ_CSV)
        for ids in ("in order", "shuffled"):
            _csv(folder, ids, runs)
        _parquet(folder, runs)
        _many_classes(folder, min(runs, 2))


def _csv(folder: Path, ids: str, runs: int) -> None:
    for n in (FEW_ROWS, CSV_ROWS):
        apart(write_csv, folder / f"{n}.csv", n, ids == "shuffled")
    few, many, reading = [], [], []
    for _ in range(runs):
        reading.append(_read_csv(folder, f"{CSV_ROWS}.csv"))
        few.append(_render(folder, f"{FEW_ROWS}.csv").cpu_seconds)
        many.append(_render(folder, f"{CSV_ROWS}.csv").cpu_seconds)
    allowed = READS * min(reading) + min(few)
    print(f"read_csv {min(reading):.3f} CPU s, report of {FEW_ROWS:,} rows {min(few):.3f} CPU s")
    title = f"render CSV of {CSV_ROWS:,} rows, ids {ids}"
    report(title, min(many) / allowed, 1.0, min(many), allowed, "CPU s")


def _parquet(folder: Path, runs: int) -> None:
    apart(write_parquet, folder / "large.parquet", PARQUET_ROWS, 10)
    apart(write_parquet, folder / "predictions.parquet", FEW_ROWS, 10)  # the script's
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(process_cost([sys.executable, "script.py"], folder).cpu_seconds)
        ours.append(_render(folder, "large.parquet"))
    cpu, peak = min(cost.cpu_seconds for cost in ours), max(cost.peak_mb for cost in ours)
    title = f"render Parquet of {PARQUET_ROWS:,} rows"
    report(title, cpu / min(theirs), PARQUET_BUDGET, cpu, min(theirs), "CPU s")
    report(f"{title}, resident", peak / PARQUET_MB, 1.0, peak, PARQUET_MB, "MB")


def _many_classes(folder: Path, runs: int) -> None:
    apart(write_parquet, folder / "classes.parquet", CSV_ROWS, MANY_CLASSES)
    ours, theirs = [], []
    for _ in range(runs):
        theirs.append(process_cost([sys.executable, "script.py"], folder).cpu_seconds)
        ours.append(_render(folder, "classes.parquet"))
    cpu, peak = min(cost.cpu_seconds for cost in ours), max(cost.peak_mb for cost in ours)
    title = f"render {MANY_CLASSES:,} classes, {CSV_ROWS:,} rows"
    report(title, cpu / min(theirs), CLASSES_BUDGET, cpu, min(theirs), "CPU s")
    report(f"{title}, resident", peak / CLASSES_MB, 1.0, peak, CLASSES_MB, "MB")
    page = (folder / "out" / "report.html").stat().st_size / 1e6
    print(f"its page has {page:.1f} MB", flush=True)


def apart(function: Callable[..., None], *arguments: Any) -> None:
    """Run it in a separate process: a child's peak memory includes its parent's at its start."""
    process = multiprocessing.get_context("spawn").Process(target=function, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(f"{function.__name__} ended with {process.exitcode}")


def _render(folder: Path, name: str) -> Cost:
    words = [sys.executable, "-m", "reportgen", "render", name, "-o", "out", "--force"]
    return process_cost(words, folder)


def _read_csv(folder: Path, name: str) -> float:
    process_cost([sys.executable, "read_csv.py", name], folder)
    return float((folder / "cpu.txt").read_text())


def random_rows(n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and predictions, int32, four of five of them right; confidences, 0.5 to 1."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, n, dtype=np.int32)
    others = rng.integers(0, n_classes, n, dtype=np.int32)
    predictions = np.where(rng.random(n) < 0.2, others, labels)
    return labels, predictions, rng.random(n) / 2 + 0.5


def write_csv(path: Path, n: int, shuffled: bool) -> None:
    """Rows of id, label, prediction and confidence with six decimals; ten classes."""
    import pandas as pd

    labels, predictions, confidence = random_rows(n, 10)
    names = np.array([f"class {k}" for k in range(10)])
    order = np.random.default_rng(1).permutation(n) if shuffled else np.arange(n)
    table = pd.DataFrame(
        {
            "id": [f"images/{i:08d}.png" for i in order.tolist()],
            "label": names[labels],
            "prediction": names[predictions],
            "confidence": confidence.round(6),
        }
    )
    table.to_csv(path, index=False)


def write_parquet(path: Path, n: int, n_classes: int) -> None:
    """Rows of label and prediction, as indices."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels, predictions, _ = random_rows(n, n_classes)
    pq.write_table(pa.table({"label": labels, "prediction": predictions}), path)
