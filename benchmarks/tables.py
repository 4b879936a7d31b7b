"""Large tables of predictions, in CPU seconds against a floor in the same run, one thread.

The floor of labels and predictions is one pass of pyarrow batches and ``numpy.bincount`` for the
matrix, of 1,000 classes without ids; with confidences also for 15 bins of them; that of 100 scores
a row the same pass with their largest. ``load`` is without start-up, ``render`` and ``compare`` are
the whole process. Of every hundred rows, two have the scores, one has 200 columns of metadata, and
ten have ids and confidences.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.saved import apart, random_rows
from benchmarks.timing import Cost, process_cost, report

ROWS, CLASSES, PARTS = 10_000_000, 1_000, 100
LOAD_BUDGET, FOLDER_BUDGET, RENDER_BUDGET, SCORES_BUDGET = 5.0, 1.1, 7.0, 8.0
RENDER_MB, JSON_MB, METADATA_MB = 700, 10, 1_500
COMPARE_BUDGET, COMPARE_MB = 1.6, 900
LISTED, LISTED_SECONDS, LISTED_MB = 300_000, 1.0, 600
MANY_ROWS = 100_000_000
"""From this number of rows on, a report is checked by its ratio: below, its page dominates."""

SCORES, METADATA = 100, 200

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

BINS_FLOOR = """
import sys, time
import numpy as np
import pyarrow.parquet as pq

k, begun = 1000, time.process_time()
matrix, bins = np.zeros(k * k, np.int64), np.zeros((3, 15))
file = pq.ParquetFile(sys.argv[1], pre_buffer=False)
names = ["label", "prediction", "confidence"]
for batch in file.iter_batches(131_072, columns=names, use_threads=False):
    label, prediction, confidence = (batch.column(i).to_numpy() for i in range(3))
    matrix += np.bincount(label * k + prediction, minlength=k * k)
    at = np.minimum((confidence * 15).astype(np.int64), 14)
    for i, weights in enumerate((None, confidence, label == prediction)):
        bins[i] += np.bincount(at, weights, minlength=15)
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""

LIST = """
import sys, time
from pathlib import Path
from reportgen.inference.folders.scan import scan

first, begun = [], time.monotonic()
def progress(n):
    first or first.append(time.monotonic() - begun)
found = scan(Path("images"), progress=progress)
assert len(found.files) == int(sys.argv[1])
print(first[0], file=open("cpu.txt", "w"))
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


SCORES_FLOOR = """
import sys, time
import numpy as np
import pyarrow.parquet as pq

begun, matrix = time.process_time(), 0
file = pq.ParquetFile(sys.argv[1], pre_buffer=False)
for batch in file.iter_batches(16_384, use_threads=False):
    scores = np.column_stack([column.to_numpy() for column in batch.columns[1:]])
    cells = batch.column(0).to_numpy() * scores.shape[1] + scores.argmax(axis=1)
    matrix += np.bincount(cells, minlength=scores.shape[1] ** 2)
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""


def main(runs: int, rows: int = ROWS) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scripts = {
            "floor": FLOOR, "bins_floor": BINS_FLOOR, "load": LOAD, "scores_floor": SCORES_FLOOR,
            "list": LIST,
        }  # fmt: skip
        for script, text in scripts.items():
            (folder / f"{script}.py").write_text(text)
        _labels(folder, min(runs, 2), rows)
        _samples(folder, rows // 10)
        _scores(folder, min(runs, 2), rows // 50)
        _metadata(folder, rows // 100)
        _listing(folder, LISTED * rows // ROWS)


def _labels(folder: Path, runs: int, rows: int) -> None:
    apart(write_tables, folder, rows)
    floors, files, folders = [], [], []
    for _ in range(runs):
        floors.append(_seconds(folder, "floor.py", "parts"))
        files.append(_seconds(folder, "load.py", "whole.parquet"))
        folders.append(_seconds(folder, "load.py", "parts"))
    one, several, floor = min(files), min(folders), min(floors)
    report(f"load {rows:,} rows", one / floor, LOAD_BUDGET, one, floor, "CPU s")
    report(f"load {PARTS} files of it", several / one, FOLDER_BUDGET, several, one, "CPU s")
    cost = _render(folder, "whole.parquet")
    title = f"render {rows:,} rows"
    _report_whole(title, cost.cpu_seconds, floor, RENDER_BUDGET, is_large=rows >= MANY_ROWS)
    report(f"{title}, resident", cost.peak_mb / RENDER_MB, 1.0, cost.peak_mb, RENDER_MB, "MB")
    size = (folder / "out" / "report.json").stat().st_size / 1e6
    report("its report.json", size / JSON_MB, 1.0, size, JSON_MB, "MB")


def _scores(folder: Path, runs: int, rows: int) -> None:
    apart(write_scores, folder / "scores.parquet", rows)
    floors, loads = [], []
    for _ in range(runs):
        floors.append(_seconds(folder, "scores_floor.py", "scores.parquet"))
        loads.append(_seconds(folder, "load.py", "scores.parquet"))
    floor = min(floors)
    title, ours = f"load {rows:,} rows × {SCORES} scores", min(loads)
    report(title, ours / floor, SCORES_BUDGET, ours, floor, "CPU s")
    title, ours = title.replace("load", "render"), _render(folder, "scores.parquet").cpu_seconds
    _report_whole(title, ours, floor, SCORES_BUDGET, is_large=rows >= MANY_ROWS // 50)
    (folder / "scores.parquet").unlink()


def _report_whole(title: str, ours: float, floor: float, budget: float, *, is_large: bool) -> None:
    """The ratio of a whole command; of fewer rows than the budget is for, its seconds alone."""
    if is_large:
        report(title, ours / floor, budget, ours, floor, "CPU s")
    else:
        print(f"{title}: {ours:.3f} CPU s, most of it the page")


def _samples(folder: Path, rows: int) -> None:
    for seed, name in enumerate(("one.parquet", "other.parquet")):
        apart(write_samples, folder / name, rows, seed)
    floor = _seconds(folder, "bins_floor.py", "one.parquet")
    sides = [_render(folder, name).cpu_seconds for name in ("one.parquet", "other.parquet")]
    title, is_large = f"render {rows:,} rows with ids", rows >= MANY_ROWS // 10
    _report_whole(title, sides[0], floor, RENDER_BUDGET, is_large=is_large)
    words = ["compare", "one.parquet", "other.parquet", "-o", "both", "--force"]
    cost = process_cost([sys.executable, "-m", "reportgen", *words], folder)
    title, two = f"compare 2 × {rows:,} rows with ids", sum(sides)
    report(title, cost.cpu_seconds / two, COMPARE_BUDGET, cost.cpu_seconds, two, "CPU s")
    report(f"{title}, resident", cost.peak_mb / COMPARE_MB, 1.0, cost.peak_mb, COMPARE_MB, "MB")


def _listing(folder: Path, n: int) -> None:
    apart(write_links, folder / "images", n)
    cost = process_cost([sys.executable, "list.py", str(n)], folder)
    seconds = float((folder / "cpu.txt").read_text())
    title = f"list {n:,} images"
    report(f"{title}, first progress", seconds / LISTED_SECONDS, 1.0, seconds, LISTED_SECONDS, "s")
    report(f"{title}, resident", cost.peak_mb / LISTED_MB, 1.0, cost.peak_mb, LISTED_MB, "MB")


def _metadata(folder: Path, rows: int) -> None:
    apart(write_metadata, folder / "metadata.parquet", rows)
    cost = _render(folder, "metadata.parquet")
    title = f"render {rows:,} rows × {METADATA} columns of metadata"
    print(f"{title}: {cost.cpu_seconds:.3f} CPU s")
    report(f"{title}, resident", cost.peak_mb / METADATA_MB, 1.0, cost.peak_mb, METADATA_MB, "MB")


def _render(folder: Path, name: str) -> Cost:
    words = [sys.executable, "-m", "reportgen", "render", name, "-o", "out", "--force"]
    return process_cost(words, folder)


def _seconds(folder: Path, script: str, name: str) -> float:
    """CPU seconds of the script, without start-up."""
    process_cost([sys.executable, script, name], folder)
    return float((folder / "cpu.txt").read_text())


def write_tables(folder: Path, rows: int) -> None:
    """The same rows as one file and as a folder of parts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "parts").mkdir()
    labels, predictions, _ = random_rows(rows // PARTS, CLASSES)
    table = pa.table({"label": labels, "prediction": predictions})
    with pq.ParquetWriter(folder / "whole.parquet", table.schema) as whole:
        for i in range(PARTS):
            whole.write_table(table)
            pq.write_table(table, folder / "parts" / f"part-{i:03d}.parquet")


def write_samples(path: Path, n: int, seed: int) -> None:
    """Rows of id, label, prediction and confidence; of another `seed` another model's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = ["id", "label", "prediction", "confidence"]
    kinds = [pa.string(), pa.int32(), pa.int32(), pa.float64()]
    schema = pa.schema(zip(names, kinds, strict=True))
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, n, 1_000_000):
            ids = [f"images/{i:08d}.png" for i in range(begin, min(begin + 1_000_000, n))]
            labels, predictions, confidence = random_rows(len(ids), CLASSES)
            moved = np.random.default_rng(begin).random(len(ids)) < 0.05 * seed
            predictions = np.where(moved, (predictions + 1) % CLASSES, predictions)
            writer.write_table(pa.table([ids, labels, predictions, confidence], schema=schema))


def write_links(folder: Path, n: int) -> None:
    """One image under so many names, in a thousand class folders."""
    folder.mkdir()
    for k in range(1_000):
        (folder / f"class {k:03d}").mkdir()
    for i in range(n):
        # a file has 65,000 names at most
        if i % 50_000 == 0:
            source = folder.parent / f"image{i}.png"
            source.write_bytes(b"x")
        os.link(source, folder / f"class {i % 1_000:03d}" / f"{i:06d}.png")


def write_scores(path: Path, n: int) -> None:
    """Rows of a label and probabilities, float32, one column per class."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    names = ["label", *(f"score_{k}" for k in range(SCORES))]
    schema = pa.schema([(name, pa.float32() if k else pa.int32()) for k, name in enumerate(names)])
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, n, 100_000):
            labels = rng.integers(0, SCORES, min(100_000, n - begin), dtype=np.int32)
            scores = rng.random((len(labels), SCORES), dtype=np.float32)
            scores[np.arange(len(labels)), labels] += 0.5
            scores /= scores.sum(axis=1, keepdims=True)
            writer.write_table(pa.table([labels, *scores.T.copy()], schema=schema))


def write_metadata(path: Path, n: int) -> None:
    """Rows of id, label and prediction, of ten classes, with as many columns of numbers as of
    texts, some with few and some with many values.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    labels, predictions, _ = random_rows(n, 10)
    ids = [f"images/{i:08d}.png" for i in range(n)]
    columns = {"id": ids, "label": labels, "prediction": predictions}
    texts = np.array([f"site {i}" for i in range(5_000)], object)
    for k in range(METADATA):
        of_kind = (
            lambda: rng.random(n),
            lambda: rng.integers(0, 1_000, n),
            lambda: texts[rng.integers(0, 20, n)],
            lambda: texts[rng.integers(0, 5_000, n)],
        )[k % 4]
        columns[f"column {k}"] = of_kind()
    pq.write_table(pa.table(columns), path)
