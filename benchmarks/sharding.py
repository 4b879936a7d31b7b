"""Shards against a single run, and `merge` against a plain copy of the parts, in CPU seconds.

2 × 5,000 small images on the CPU: what the shards may take more is a run of one batch each, and 2%.
5,000,000 rows of ten classes in four parts, copied with pyarrow: start-up is in neither side, and
the memory is that of the whole process.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.saved import apart
from benchmarks.timing import OVER, process_cost, report

SHARD_BUDGET, MERGE_BUDGET, MERGE_MB = 1.0, 1.5, 300
N_IMAGES, SIDE, N_SHARDS = 10_000, 32, 2
ROWS, PARTS, CLASSES = 5_000_000, 4, 10

NETWORK = """
import torchvision
def make():
    return torchvision.models.get_model("resnet18", weights=None, num_classes=10)
"""

COPY = """
import time
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq

begun = time.process_time()
writer = None
for path in sorted(Path("run/shards").glob("*.parquet")):
    file = pq.ParquetFile(path, pre_buffer=False)
    writer = writer or pq.ParquetWriter("copy.parquet", file.schema_arrow, compression="zstd")
    for batch in file.iter_batches(65_536, use_threads=False):
        writer.write_table(pa.table(batch))
writer.close()
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""

MERGE = """
import time
import pyarrow.parquet
import reportgen
from reportgen import inference

begun = time.process_time()
reportgen.merge("run", out="merged", force=True)
print(time.process_time() - begun, file=open("cpu.txt", "w"))
"""


def main(runs: int) -> None:
    runs = min(runs, 2)
    with tempfile.TemporaryDirectory() as name:
        _shards(Path(name), runs)
    with tempfile.TemporaryDirectory() as name:
        _merge(Path(name), runs)


def _shards(folder: Path, runs: int) -> None:
    write_images(folder / "images", N_IMAGES)
    write_images(folder / "few", 64)
    (folder / "network.py").write_text(NETWORK)
    whole, shards, one_batch = [], [], []
    for _ in range(runs):
        one_batch.append(_predict(folder, "few"))
        whole.append(_predict(folder, "images"))
        parts = [_predict(folder, "images", "--shard", f"{i}/{N_SHARDS}") for i in range(N_SHARDS)]
        shards.append(sum(parts))
    allowed = 1.02 * min(whole) + N_SHARDS * min(one_batch)
    report(
        f"{N_SHARDS} shards of {N_IMAGES:,} images", min(shards) / allowed, SHARD_BUDGET,
        min(shards), allowed, "CPU s",
    )  # fmt: skip


def _predict(folder: Path, data: str, *more: str) -> float:
    words = [sys.executable, "-m", "reportgen", "predict", "network.py:make", data, "-q", "--force"]
    return process_cost([*words, "-o", "run", *more], folder).cpu_seconds


def _merge(folder: Path, runs: int) -> None:
    (folder / "copied.py").write_text(COPY)
    (folder / "merged.py").write_text(MERGE)
    (folder / "run/shards").mkdir(parents=True)
    apart(write_parts, folder / "run/shards")  # whose memory would count for those that it starts
    copies, merges, peaks = [], [], []
    for _ in range(runs):
        copies.append(_seconds(folder, "copied.py")[0])
        seconds, peak = _seconds(folder, "merged.py")
        merges.append(seconds)
        peaks.append(peak)
    least = min(merges)
    report(f"merge {ROWS:,} rows", least / min(copies), MERGE_BUDGET, least, min(copies), "CPU s")
    print(f"merge: {min(peaks):.0f} MB (budget {MERGE_MB})", flush=True)
    if min(peaks) > MERGE_MB:
        OVER.append("memory of a merge")


def _seconds(folder: Path, program: str) -> tuple[float, float]:
    cost = process_cost([sys.executable, program], folder)
    return float((folder / "cpu.txt").read_text()), cost.peak_mb


def write_parts(folder: Path) -> None:
    """Parts of an invented prediction, with valid headers."""
    from reportgen.predictions import (
        PART_VERSION,
        PartHeader,
        RunOutline,
        listing_of,
        write_part,
    )  # fmt: skip
    from reportgen.provenance import Provenance

    n = ROWS // PARTS
    rng = np.random.default_rng(0)
    ids = [f"class{i // (ROWS // CLASSES)}/image-{i:09d}.jpg" for i in range(n * PARTS)]
    labels = (np.arange(n * PARTS) // (ROWS // CLASSES)).astype(np.int32)
    outline = RunOutline(
        tuple(f"class{i}" for i in range(CLASSES)), Provenance("inference"), "logits",
        keeps_probabilities=True,
    )  # fmt: skip
    listing = listing_of(ids, labels)
    for i in range(PARTS):
        own = slice(i * n, (i + 1) * n)
        header = PartHeader(
            PART_VERSION, (i, PARTS), n, n * PARTS, listing, "",
            {"outputs_as_decided": "logits"}, outline,
        )  # fmt: skip
        tables = (
            _table(rng, ids[own][at : at + 65_536], labels[own][at : at + 65_536])
            for at in range(0, n, 65_536)
        )
        write_part(folder / f"{i:05d}-of-{PARTS:05d}.parquet", header, tables, None)


def _table(rng: np.random.Generator, ids: list[str], labels: Any) -> Any:
    from reportgen.predictions import Rows, table_of

    n = len(ids)
    scores = rng.dirichlet(np.full(CLASSES, 0.3), n).astype(np.float32)
    order = np.argsort(-scores, axis=1)[:, :5].astype(np.int32)
    return table_of(
        Rows(
            id=ids,
            label=labels,
            prediction=order[:, 0],
            confidence=scores.max(axis=1),
            label_probability=scores[np.arange(n), labels],
            label_rank=np.ones(n, np.int32),
            top_tied=np.zeros(n, np.bool_),
            top_classes=order,
            top_probabilities=np.take_along_axis(scores, order, axis=1),
            probabilities=scores,
            flags=np.zeros(n, np.int32),
            reason=[None] * n,
            digest=[hashlib.sha256(one.encode()).digest() for one in ids],
        )
    )


def write_images(root: Path, n: int) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(n):
        folder = root / f"class {i % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:05d}.png")
