"""Small tables of predictions for tests of comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.comparison import Comparison, align_predictions, compare_paired
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions

PETS = ("cat", "dog", "fox")
_NO_SPOOL = Path("/nonexistent")


def table(
    ids: Sequence[Any] | None,
    labels: Sequence[str],
    predictions: Sequence[str],
    *,
    classes: tuple[str, ...] | None = PETS,
    **more: Any,
) -> Any:
    """Predictions of another program; without `ids` its ids are row numbers."""
    columns = {"label": np.array(labels), "prediction": np.array(predictions)}
    columns |= {} if ids is None else {"id": np.array([str(i) for i in ids])}
    columns |= {name: np.array(values) for name, values in more.items()}
    return open_predictions(columns, InputOptions(classes=classes), spool=_NO_SPOOL)


def compared(baseline: Any, candidate: Any, *, draws: int = 200, **options: Any) -> Comparison:
    return compare_paired(align_predictions(baseline, candidate, **options), draws=draws)


def random_sides(
    seed: int, n: int = 120, *, k: int = 3, better: float = 0.05, order: Any = None
) -> tuple[Any, Any]:
    """Two models of the same samples; `order` shuffles the rows of the candidate."""
    rng = np.random.default_rng(seed)
    names = np.array([f"class {i}" for i in range(k)])
    truth = rng.integers(0, k, n)
    sides = []
    for accuracy, rows in ((0.7, np.arange(n)), (0.7 + better, order)):
        said = np.where(rng.random(n) < accuracy, truth, rng.integers(0, k, n))
        sure = rng.uniform(1 / k, 1, n).astype(np.float32)
        camera = np.array(["north", "south"])[np.arange(n) % 2]
        at = np.arange(n) if rows is None else np.asarray(rows)
        sides.append(
            table(
                [f"s{i}" for i in at], names[truth[at]], names[said[at]], classes=tuple(names),
                confidence=sure[at], camera=camera[at],
            )
        )  # fmt: skip
    return sides[0], sides[1]
