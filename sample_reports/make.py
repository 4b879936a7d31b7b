"""Make the sample reports from the inputs that are committed beside this file: `make samples`.

Nothing is trained here. `inputs/digits` was written by `reportgen demo`, with the images of its
mistakes; `inputs/even-or-odd` and `inputs/find-eights` hold the same predictions as questions with
two answers; `inputs/release-review` are two published confusion matrices; `inputs/cifar10-review`,
the probabilities of two networks, is made by `take_cifar10.py`. The matrices of 100 and 1,000
classes are drawn from a seed: they show the page, and no model.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import reportgen

HERE = Path(__file__).resolve().parent
N_PER_CLASS = 50


def synthetic(n_classes: int) -> Any:
    """Counts of made-up classes in families of five: 50 samples each, rows true."""
    rng = np.random.default_rng(2026)
    families = np.arange(n_classes) // 5
    names = [f"family {i // 5:03d}, kind {i % 5}" for i in range(n_classes)]
    counter = reportgen.ConfusionCounter(names)
    for label in range(n_classes):
        kin = np.flatnonzero(families == families[label])
        skill = rng.beta(8, 2)
        likely = np.full(n_classes, (1 - skill) * 0.3 / n_classes)
        likely[kin] += (1 - skill) * 0.7 / len(kin)
        likely[label] += skill
        answers = rng.choice(n_classes, N_PER_CLASS, p=likely / likely.sum())
        counter.update(np.full(N_PER_CLASS, label), answers)
    return counter


@dataclass(frozen=True)
class Sample:
    """One sample report: its folder, its input, and the options that it is rendered with."""

    name: str
    source: str | Callable[[], Any]
    options: dict[str, Any] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)


SAMPLES = (
    Sample(
        "cifar10-review",
        "cifar10-review/candidate.parquet",
        options={
            "model_name": "candidate",
            "model_version": "1.1.0",
            "data_name": "CIFAR-10",
            "split": "test",
            "date": "2026-11-29",
        },
        paths={
            "images": "cifar10-review/images.zip",
            "baseline": "cifar10-review/baseline.parquet",
            "gates": "cifar10-review/gates.toml",
        },
    ),
    Sample(
        "digits",
        "digits/predictions.parquet",
        paths={"images": "digits/images", "baseline": "digits/first.parquet"},
    ),
    Sample(
        "even-or-odd",
        "even-or-odd/predictions.csv",
        options={
            "title": "Even or odd",
            "model_name": "second network",
            "data_name": "handwritten digits",
            "split": "held-out half",
        },
        paths={"images": "digits/images"},
    ),
    Sample(
        "release-review",
        "release-review/candidate.csv",
        options={
            "title": "Fashion-MNIST: second classifier against the first",
            "model_name": "second classifier",
            "data_name": "Fashion-MNIST",
            "split": "train",
            "summary": True,
            "mail": True,
            "report_url": "https://example.org/reports/fashion-mnist/report.html",
        },
        paths={
            "baseline": "release-review/first-classifier.csv",
            "gates": "release-review/gates.toml",
        },
    ),
    Sample(
        "find-eights",
        "find-eights/predictions.csv",
        options={
            "title": "Find the eights, with costs",
            "model_name": "second network",
            "data_name": "handwritten digits",
            "split": "held-out half",
            "positive": "eight",
        },
        paths={
            "images": "digits/images",
            "costs": "find-eights/costs.csv",
            "gates": "find-eights/gates.toml",
        },
    ),
    Sample(
        "hundred-classes",
        partial(synthetic, 100),
        options={
            "title": "100 synthetic classes",
            "model_name": "no model: drawn from a seed",
            "data_name": "synthetic counts",
        },
    ),
    Sample(
        "thousand-classes",
        partial(synthetic, 1_000),
        options={
            "title": "1,000 synthetic classes",
            "model_name": "no model: drawn from a seed",
            "data_name": "synthetic counts",
        },
    ),
)


def packed(archive: Path) -> Callable[[str], bytes | None]:
    """Sample id → image, of an archive; None for those that it lacks."""
    with zipfile.ZipFile(archive) as opened:
        images = {name: opened.read(name) for name in opened.namelist()}
    return images.get


def make(out: Path, samples: tuple[Sample, ...] = SAMPLES) -> None:
    """Write sample reports below `out`."""
    inputs = HERE / "inputs"
    for sample in samples:
        source = inputs / sample.source if isinstance(sample.source, str) else sample.source()
        paths: dict[str, Any] = {name: inputs / path for name, path in sample.paths.items()}
        if paths.get("images", inputs).suffix == ".zip":
            paths["images"] = packed(paths["images"])
        reportgen.render(source, out=out / sample.name, force=True, **sample.options, **paths)


def take_digits(demo: Path) -> None:
    """Take the digits' inputs from the folder of a `reportgen demo`: its tables, and the images of
    both networks' mistakes.
    """
    inputs, old = HERE / "inputs" / ".digits", HERE / "inputs" / "digits"
    shutil.rmtree(inputs, ignore_errors=True)
    inputs.mkdir(parents=True)
    shutil.copyfile(demo / "report" / "predictions.parquet", inputs / "predictions.parquet")
    shutil.copyfile(demo / "models" / "first.parquet", inputs / "first.parquet")
    for table in inputs.glob("*.parquet"):
        for rows in reportgen.Predictions.open(table).batches("id", wrong_only=True):
            for name in rows["id"]:
                (inputs / "images" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(demo / "images" / name, inputs / "images" / name)
    shutil.rmtree(old, ignore_errors=True)
    inputs.rename(old)


def take_question(folder: str, answers: tuple[str, str], digits: Sequence[int]) -> None:
    """The digits' predictions as a question with two answers: the second is for these digits, and
    its probability is the sum of theirs.
    """
    target = HERE / "inputs" / folder / "predictions.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    predictions = reportgen.Predictions.open(HERE / "inputs" / "digits" / "predictions.parquet")
    with target.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["id", "label", *answers])
        for rows in predictions.batches("id", "label", "probabilities"):
            sums = rows["probabilities"][:, digits].sum(axis=1, dtype=np.float64)
            for name, label, p in zip(rows["id"], rows["label"], sums, strict=True):
                p = min(max(float(p), 0.0), 1.0)
                writer.writerow([name, answers[label in digits], f"{1 - p:.6f}", f"{p:.6f}"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "demo", nargs="?", type=Path, help="folder of a `reportgen demo`: take its digits first"
    )
    if demo := parser.parse_args().demo:
        take_digits(demo)
        take_question("even-or-odd", ("even", "odd"), (1, 3, 5, 7, 9))
        take_question("find-eights", ("other", "eight"), (8,))
    make(HERE)
    for sample in SAMPLES:
        print(f"sample_reports/{sample.name}/report.html")
