"""Make the sample reports from the inputs that are committed beside this file: `make samples`.

Nothing is trained here. `inputs/digits` was written by `reportgen demo`, with the images of its
mistakes; `inputs/fashion-mnist` is a published confusion matrix.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import reportgen

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Sample:
    """One sample report: its folder, its input, and the names that it carries."""

    name: str
    source: str
    images: str | None = None
    names: dict[str, str] = field(default_factory=dict)


SAMPLES = (
    Sample("digits", "digits/predictions.parquet", images="digits/images"),
    Sample(
        "fashion-mnist",
        "fashion-mnist/matrix.csv",
        names={
            "title": "Fashion-MNIST, a published matrix",
            "model_name": "second classifier",
            "data_name": "Fashion-MNIST",
            "split": "train",
        },
    ),
)


def make(out: Path) -> None:
    """Write every sample report below `out`."""
    for sample in SAMPLES:
        inputs = HERE / "inputs"
        reportgen.render(
            inputs / sample.source,
            out=out / sample.name,
            images=inputs / sample.images if sample.images else None,
            force=True,
            **sample.names,
        )


def take_digits(demo: Path) -> None:
    """Take the digits' inputs from the folder of a `reportgen demo`: its table, and the images of
    its mistakes.
    """
    inputs = HERE / "inputs" / "digits"
    shutil.rmtree(inputs, ignore_errors=True)
    inputs.mkdir(parents=True)
    table = inputs / "predictions.parquet"
    shutil.copyfile(demo / "report" / "predictions.parquet", table)
    for rows in reportgen.Predictions.open(table).batches("id", wrong_only=True):
        for name in rows["id"]:
            (inputs / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(demo / "images" / name, inputs / "images" / name)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take_digits(Path(sys.argv[1]))
    make(HERE)
    for sample in SAMPLES:
        print(f"sample_reports/{sample.name}/report.html")
