"""``reportgen render`` of saved predictions against a script that draws one heatmap.

The reference is what people write by hand: scikit-learn's ``confusion_matrix``, seaborn's annotated
``heatmap``, ``savefig``, always of 10 classes × 10,000 samples. Both are whole processes, in CPU
seconds; most of either is start-up.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.timing import process_cost, report

N_CLASSES, N_SAMPLES = 10, 10_000
BUDGETS = {(N_CLASSES, N_SAMPLES): 1.1, (100, 50_000): 1.3, (1000, 50_000): 1.6}
"""Classes and samples → the maximum ratio."""

SCRIPT_INPUT = "predictions.parquet"

SCRIPT = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from sklearn.metrics import classification_report, confusion_matrix

table = pd.read_parquet("predictions.parquet", columns=["label", "prediction"])
matrix = confusion_matrix(table.label, table.prediction)
print(classification_report(table.label, table.prediction))
sns.heatmap(matrix, annot=True, fmt="d", cmap="Blues")
plt.xlabel("predicted")
plt.ylabel("true")
plt.savefig("heatmap.png")
"""


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in BUDGETS:
            write_predictions(folder, *size)
            (folder / "predictions.parquet").rename(folder / _name(*size))
        (folder / "script.py").write_text(SCRIPT.replace(SCRIPT_INPUT, _name(N_CLASSES, N_SAMPLES)))
        _compare(folder, runs)


def _compare(folder: Path, runs: int) -> None:
    theirs: list[float] = []
    ours: dict[tuple[int, int], list[float]] = {size: [] for size in BUDGETS}
    for _ in range(runs):
        theirs.append(process_cost([sys.executable, "script.py"], folder).cpu_seconds)
        for size, costs in ours.items():
            render = [sys.executable, "-m", "reportgen", "render", _name(*size),
                      "-o", "out", "--force"]  # fmt: skip
            costs.append(process_cost(render, folder).cpu_seconds)
    for (k, n), costs in ours.items():
        ratio = min(costs) / min(theirs)
        report(f"render {k:,} × {n:,}", ratio, BUDGETS[k, n], min(costs), min(theirs), "CPU s")


def _name(n_classes: int, n_samples: int) -> str:
    return f"{n_classes}x{n_samples}.parquet"


def write_predictions(folder: Path, n_classes: int, n_samples: int) -> None:
    """A predictions file of random labels, 80% of them correct."""
    from reportgen.predictions import RunFacts
    from reportgen.predictions.parts import Parts
    from reportgen.predictions.schema import Rows
    from reportgen.provenance import Accounting, ModelFacts, Provenance

    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, n_samples, dtype=np.int32)
    wrong = rng.random(n_samples) < 0.2
    others = rng.integers(0, n_classes, n_samples, dtype=np.int32)
    predictions = np.where(wrong, others, labels).astype(np.int32)
    k = min(5, n_classes)
    parts = Parts.start(folder / "predictions.partial", {})
    parts.write(
        Rows(
            id=[f"{i:08d}.png" for i in range(n_samples)],
            label=labels,
            prediction=predictions,
            confidence=rng.random(n_samples).astype(np.float32),
            label_probability=rng.random(n_samples).astype(np.float32),
            label_rank=np.where(labels == predictions, 1, 2).astype(np.int32),
            top_tied=np.zeros(n_samples, np.bool_),
            top_classes=np.zeros((n_samples, k), np.int32),
            top_probabilities=np.zeros((n_samples, k), np.float32),
            probabilities=np.zeros((n_samples, 0), np.float32),
            flags=np.zeros(n_samples, np.int32),
            reason=[None] * n_samples,
        )
    )
    facts = RunFacts(
        tuple(f"class {i}" for i in range(n_classes)),
        Provenance("inference", model=ModelFacts("random"), data_name="random"),
        Accounting(n_samples, n_samples),
    )
    parts.finish(folder / "predictions.parquet", facts)
    parts.discard()
