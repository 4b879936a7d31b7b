"""Loading a large table of predictions, one file and a folder of parts, in CPU seconds against the
floor: one pass of pyarrow batches and ``numpy.bincount`` for the matrix, one thread.

100,000,000 rows, 1,000 classes, no ids. Start-up is in neither side.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.saved import apart, random_rows
from benchmarks.timing import process_cost, report

ROWS, CLASSES, PARTS = 100_000_000, 1_000, 10
LOAD_BUDGET, FOLDER_BUDGET = 5.0, 1.1

FLOOR = """
import sys, time
from pathlib import Path
import numpy as np
import pyarrow.parquet as pq

k, begun = 1000, time.process_time()
matrix = np.zeros(k * k, np.int64)
for path in sorted(Path(sys.argv[1]).glob("*.parquet")):
    file = pq.ParquetFile(path, pre_buffer=False)
    for batch in file.iter_batches(131_072, columns=["label", "prediction"], use_threads=False):
        label, prediction = (batch.column(i).to_numpy() for i in (0, 1))
        matrix += np.bincount(label * k + prediction, minlength=k * k)
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""

LOAD = """
import sys, time
import pyarrow.parquet
import reportgen

reportgen.load([[1, 0], [0, 1]])
begun = time.process_time()
reportgen.load(sys.argv[1])
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "floor.py").write_text(FLOOR)
        (folder / "load.py").write_text(LOAD)
        apart(write_tables, folder)
        floors, files, folders = [], [], []
        for _ in range(min(runs, 2)):
            floors.append(_seconds(folder, "floor.py", "parts"))
            files.append(_seconds(folder, "load.py", "whole.parquet"))
            folders.append(_seconds(folder, "load.py", "parts"))
    one, several, floor = min(files), min(folders), min(floors)
    report(f"load {ROWS:,} rows", one / floor, LOAD_BUDGET, one, floor, "CPU s")
    report(f"load {PARTS} files of it", several / one, FOLDER_BUDGET, several, one, "CPU s")


def _seconds(folder: Path, script: str, name: str) -> float:
    """What the script took, without start-up."""
    process_cost([sys.executable, script, name], folder)
    return float((folder / "cpu.txt").read_text())


def write_tables(folder: Path) -> None:
    """The same rows as one file and as a folder of parts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "parts").mkdir()
    labels, predictions, _ = random_rows(ROWS // PARTS, CLASSES)
    table = pa.table({"label": labels, "prediction": predictions})
    with pq.ParquetWriter(folder / "whole.parquet", table.schema) as whole:
        for i in range(PARTS):
            whole.write_table(table)
            pq.write_table(table, folder / "parts" / f"part-{i:03d}.parquet")
