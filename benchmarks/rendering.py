"""``reportgen render`` of 10 classes × 10,000 samples against a script that draws one heatmap.

The reference is what people write by hand: scikit-learn's ``confusion_matrix``, seaborn's annotated
``heatmap``, ``savefig``. Both are whole processes, in CPU seconds; most of either is start-up.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.timing import process_cost, ratio_of_minima, report

BUDGET = 1.2
N_CLASSES, N_SAMPLES = 10, 10_000

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
        write_predictions(folder, N_CLASSES, N_SAMPLES)
        (folder / "script.py").write_text(SCRIPT)
        render = [sys.executable, "-m", "reportgen", "render", "predictions.parquet",
                  "-o", "out", "--force"]  # fmt: skip
        ratio, ours, theirs = ratio_of_minima(
            lambda: process_cost(render, folder).cpu_seconds,
            lambda: process_cost([sys.executable, "script.py"], folder).cpu_seconds,
            runs,
        )
    report(f"render {N_CLASSES} × {N_SAMPLES:,}", ratio, BUDGET, ours, theirs, "CPU s")


def write_predictions(folder: Path, n_classes: int, n_samples: int) -> None:
    """A predictions file of random labels, four of five of them right."""
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
