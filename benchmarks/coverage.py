"""Coverage of the intervals in a report, by simulation with a fixed seed.

``python -m benchmarks.coverage`` prints the table of docs/metrics.md; ``--write docs/metrics.md``
puts it there. Test sets are drawn from a known truth, many of a setting at once; the intervals are
made by the very functions that a report is made with, or held to them by a test.

A figure counts where its interval is printed, and in how many test sets that is stands beside it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.score_coverage import SHARPNESS, Model, held
from reportgen.metrics import PER_CLASS, SUMMARY, ClassCounts, wilson
from reportgen.metrics.counted import Margins
from reportgen.metrics.overall import Estimate
from reportgen.metrics.per_class import Estimated
from reportgen.metrics.score_interval import Cells, score_interval

__all__ = [
    "SETTINGS",
    "Cover",
    "Setting",
    "exact_coverage_of_wilson",
    "simulate",
    "simulate_scores",
    "table",
    "write_between",
]

SEED = 7
REPETITIONS = 4_000
LEAST = 0.92

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Setting:
    """A truth that test sets are drawn from.

    Attributes
    ----------
    name
        Classes and accuracy.
    n
        Samples of a test set.
    shares
        Of each pair of true and predicted class: float64, shape (K, K), sum 1.
    """

    name: str
    n: int
    shares: Floats

    @property
    def wilson_of_a_class(self) -> float:
        """Coverage of Wilson's interval of the first class's recall.

        At the expected number of samples: 90.4% for 10 samples and a recall of 99%.
        """
        share = self.shares[0].sum()
        return exact_coverage_of_wilson(round(self.n * share), float(self.shares[0, 0] / share))

    @classmethod
    def of(cls, name: str, n: int, accuracy: float, prevalence: Floats) -> Setting:
        """Every class has the same recall; errors are spread evenly over all others."""
        k = len(prevalence)
        row = np.full((k, k), (1 - accuracy) / (k - 1))
        np.fill_diagonal(row, accuracy)
        return cls(f"{name}, accuracy {accuracy:.0%}", n, prevalence[:, None] * row)


def settings(
    samples: tuple[int, ...] = (100, 200, 1_000),
    accuracies: tuple[float, ...] = (0.7, 0.9, 0.99),
    positives: tuple[int, ...] = (5, 10, 20),
    classes: tuple[int, ...] = (5, 10, 50),
) -> Iterator[Setting]:
    """Two classes with few positive samples, and equally frequent classes."""
    for accuracy in accuracies:
        for n in samples:
            for few in positives:
                prevalence = np.array([few / n, 1 - few / n])
                yield Setting.of(f"2 classes, {few} positive", n, accuracy, prevalence)
            for k in classes:
                yield Setting.of(f"{k} classes", n, accuracy, np.full(k, 1 / k))


SETTINGS = tuple(settings())


@dataclass(frozen=True)
class Cover:
    """How often an interval holds the truth.

    Attributes
    ----------
    covered
        Share of the printed intervals that hold it; nan where none is printed.
    printed
        Share of the test sets in which it is printed.
    repetitions
        Test sets.
    """

    covered: float
    printed: float
    repetitions: int

    @property
    def falls_short(self) -> bool:
        """Whether it is below :data:`LEAST` by more than two standard errors."""
        n = self.printed * self.repetitions
        return bool(n and self.covered < LEAST - 2 * np.sqrt(LEAST * (1 - LEAST) / n))


def simulate(
    setting: Setting, repetitions: int = REPETITIONS, seed: int = SEED
) -> dict[str, Cover]:
    """Coverage of every metric of counts that is no share of samples, by name.

    Those of classes are of the first class, which is the rare one of two.
    """
    rng = np.random.default_rng(seed)
    k = len(setting.shares)
    drawn = rng.multinomial(setting.n, setting.shares.ravel(), repetitions).reshape(-1, k, k)
    return {**_of_whole(setting, drawn), **_of_class(setting, drawn)}


def simulate_scores(
    setting: Setting, sharpness: float, repetitions: int = REPETITIONS, seed: int = SEED
) -> dict[str, Cover]:
    """Coverage of every figure of scores that is no share of samples, by name."""
    prevalence = setting.shares.sum(axis=1)
    model = Model.of(prevalence, float(setting.shares[0, 0] / prevalence[0]), sharpness)
    found = held(model, setting.n, repetitions, seed)
    return {name: _cover(low, high, truth) for name, (low, high, truth) in found.items()}


def _all(setting: Setting, repetitions: int) -> list[tuple[str, Cover]]:
    found = list(simulate(setting, repetitions).items())
    for sharpness in SHARPNESS:
        found += simulate_scores(setting, sharpness, repetitions).items()
    return found


def _cover(low: Floats, high: Floats, truth: float) -> Cover:
    printed = ~np.isnan(low)
    held = (low[printed] <= truth + 1e-12) & (truth - 1e-12 <= high[printed])
    return Cover(float(held.mean()) if held.size else np.nan, float(printed.mean()), len(low))


def _cells(drawn: Any) -> Cells:
    """B square tables (B, K, K): every cell is there, and every class occurs."""
    k = drawn.shape[1]
    rows, columns = np.nonzero(~np.eye(k, dtype=bool))
    right = np.diagonal(drawn, axis1=1, axis2=2).astype(np.float64)
    return Cells(rows, columns, drawn[:, rows, columns].astype(np.float64), right, k)


def _of_whole(setting: Setting, drawn: Counts) -> dict[str, Cover]:
    found = {}
    for metric in SUMMARY:
        if not isinstance(metric.compute, Estimate):
            continue
        truth = float(_values(metric.compute, setting.shares[None] * 1e9)[0])
        ends = [
            _interval(metric.compute, part, metric.range)
            for part in np.array_split(drawn, max(1, drawn.size // 2_000_000))
        ]
        low, high = (np.concatenate(x) for x in zip(*ends, strict=True))
        found[metric.name] = _cover(low, high, truth)
    return found


def _values(compute: Estimate, tables: Any) -> Floats:
    margins: Margins = _cells(tables).margins()
    sums = compute.statistic.sums(margins, "present")
    return np.asarray(compute.statistic.combine(*sums), np.float64)


def _interval(
    compute: Estimate, drawn: Counts, limits: tuple[float, float]
) -> tuple[Floats, Floats]:
    with np.errstate(all="ignore"):
        value = np.clip(_values(compute, drawn), *limits)
        low, high = score_interval(
            compute.statistic, _cells(drawn), value,
            limits=limits, given=compute.given, skewed=compute.skewed,
        )  # fmt: skip
    few = np.array([False if compute.few is None else compute.few(x.sum(axis=1)) for x in drawn])
    missing = few | np.isnan(value)
    return np.where(missing, np.nan, low), np.where(missing, np.nan, high)


def _of_class(setting: Setting, drawn: Counts) -> dict[str, Cover]:
    counts, true = _first_class(drawn), _first_class(np.rint(setting.shares[None] * 1e9))
    found = {}
    for metric in PER_CLASS:
        if isinstance(metric.compute, Estimated):
            with np.errstate(all="ignore"):
                column = metric.of(counts)
                truth = float(metric.of(true).value[0])
            found[f"{metric.name} of a class"] = _cover(column.low, column.high, truth)
    return found


def _first_class(tables: Any) -> ClassCounts:
    tables = np.asarray(tables, np.int64)
    n = int(tables[0].sum())
    support, predicted = tables[:, 0].sum(axis=1), tables[:, :, 0].sum(axis=1)
    tp = tables[:, 0, 0]
    fp, fn = predicted - tp, support - tp
    return ClassCounts(n, support, predicted, tp, fp, fn, n - tp - fp - fn)


def exact_coverage_of_wilson(n: int, share: float) -> float:
    """Coverage of Wilson's interval of a true proportion: a sum of binomial probabilities."""
    from scipy.stats import binom

    k = np.arange(n + 1)
    low, high = wilson(k, n)
    held = (low <= share) & (share <= high)
    return float(binom.pmf(k, n, share)[held].sum())


def table(
    repetitions: int = REPETITIONS, each: Callable[[str], None] = print, jobs: int = 1
) -> str:
    """The table of docs/metrics.md: per metric and number of samples the lowest coverage."""
    found: dict[str, dict[int, list[tuple[Cover, str]]]] = {}
    with ProcessPoolExecutor(jobs) as pool:
        covers = pool.map(_all, SETTINGS, [repetitions] * len(SETTINGS))
        by_setting = []
        for setting, covered in zip(SETTINGS, covers, strict=True):
            each(f"{setting.name}, n = {setting.n:,}")
            by_setting.append((setting, covered))
    for setting, covered in by_setting:
        for name, cover in covered:
            found.setdefault(name, {}).setdefault(setting.n, []).append((cover, setting.name))
    sizes = sorted({setting.n for setting in SETTINGS})
    lines = [
        "| Metric | " + " | ".join(f"n = {n:,}" for n in sizes) + " | Lowest in |",
        "| --- " * (len(sizes) + 2) + "|",
    ]
    for name, by_size in found.items():
        lines.append(_row(name, [_printed(by_size[n]) for n in sizes]))
    return "\n".join([*lines, "", *_wilson_lines()])


def _row(name: str, by_size: list[list[tuple[Cover, str]]]) -> str:
    """Lowest and highest coverage for each number of samples, and the setting of the lowest."""
    metric, _, rest = name.partition(" ")
    ranges = [sorted((cover.covered, where) for cover, where in covers) for covers in by_size]
    cells = " | ".join(f"{covers[0][0]:.3f}–{covers[-1][0]:.3f}" for covers in ranges)
    named = f"`{metric}` {rest}".strip()
    return f"| {named} | {cells} | {min(covers[0] for covers in ranges)[1]} |"


def _printed(covers: list[tuple[Cover, str]]) -> list[tuple[Cover, str]]:
    """Settings in which the interval is defined in more than a few test sets."""
    some = [x for x in covers if x[0].printed > 0.02]
    return some or [(Cover(np.nan, 0.0, 0), "never printed")]


def _wilson_lines() -> Iterator[str]:
    shares, sizes = (0.5, 0.7, 0.9, 0.95, 0.99), (5, 10, 20, 50, 100, 200, 1_000)
    yield "| Wilson, true proportion | " + " | ".join(f"n = {n:,}" for n in sizes) + " |"
    yield "| --- " * (len(sizes) + 1) + "|"
    for share in shares:
        cells = " | ".join(f"{exact_coverage_of_wilson(n, share):.3f}" for n in sizes)
        yield f"| {share:.0%} | {cells} |"


BEGIN, END = (
    "<!-- begin: coverage, generated by python -m benchmarks.coverage -->",
    "<!-- end: generated -->",
)


def main() -> None:
    """Print the table, or write it between its marks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", type=Path, help="a document with the marks of the table")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--jobs", type=int, default=1, help="processes; one: 15 minutes")
    given = parser.parse_args()
    text = table(given.repetitions, jobs=given.jobs)
    if given.write is None:
        print(text)
        return
    write_between(given.write, BEGIN, END, text)


def write_between(document: Path, begin: str, end: str, text: str) -> None:
    """Replace the text between two marks of a document."""
    head, rest = document.read_text(encoding="utf-8").split(begin, 1)
    tail = rest.split(end, 1)[1]
    document.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
