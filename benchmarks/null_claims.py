"""What reports claim of models in which nothing is wrong: how often, and whether effects are found.

Every class is found equally well, errors are random, two models are equally good, confidences are
calibrated, and slices are alike: whatever a report claims of a worst, a tendency, a change or a
threshold is then chance. Each kind of claim may be in 5% of reports. With a planted effect it has
to be found.

``python -m benchmarks.null_claims`` renders 1,000 reports a setting, and ends with an error where a
kind's rate is surely (one-sided 99%) above 5%.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from reportgen.comparison import Comparison, align_predictions, compare_paired
from reportgen.console import print_review
from reportgen.evaluation import Evaluation, evaluate_predictions
from reportgen.gates import Decision, decide, parse_gates
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions
from reportgen.report import Report, build_report
from reportgen.review import Review

__all__ = ["EFFECTS", "SETTINGS", "Setting", "claims", "count_claims", "simulated", "too_many"]

ALLOWED = 0.05
MOST_SCORES = 10
"""With more classes the models give the confidence in their prediction alone: so no log loss."""
GATES = parse_gates(
    "\n".join(
        f'[[gate]]\nname = "{name}"\nmetric = "{name}"\nno_harm = true\n{more}'
        for name, more in (
            ("accuracy", ""),
            ("balanced_accuracy", ""),
            ("macro_f1", ""),
            ("log_loss", ""),
            ("ece", ""),
            ("recall", "each_class = true\n"),
        )
    )
)
_NO_SPOOL = Path("/nonexistent")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Two models on the same samples.

    Attributes
    ----------
    k, n
        Classes and samples; these are spread evenly over the classes.
    sharper
        Whether the candidate's confidences are further apart than the baseline's: both accuracies,
        and both calibrations, stay equal.
    low
        By how much the recall of the first class is below that of the others, 0..1.
    gain
        By how much the candidate's accuracy is above the baseline's, 0..1.
    overconfident
        By how much the candidate's confidence is above its accuracy, 0..1.
    """

    k: int
    n: int
    sharper: bool = False
    low: float = 0.0
    gain: float = 0.0
    overconfident: float = 0.0


SETTINGS = {
    "2 classes, 1,000 samples": Setting(2, 1_000),
    "10 classes, 2,000 samples": Setting(10, 2_000),
    "10 classes, 5,000 samples, one model sharper": Setting(10, 5_000, sharper=True),
    "100 classes, 5,000 samples": Setting(100, 5_000),
}
EFFECTS = {
    "low recall": Setting(10, 5_000, low=0.15),
    "accuracy changed": Setting(10, 5_000, gain=0.03),
    "calibration changed": Setting(10, 5_000, overconfident=0.05),
}
"""A claim → the setting in which it is true."""


def simulated(setting: Setting, seed: int, draws: int) -> Review:
    """Both models on simulated samples, compared, and evaluated by gates."""
    rng = np.random.default_rng(seed)
    truth = np.arange(setting.n) % setting.k
    hard = rng.random(setting.n)
    sides = [
        _side(setting, truth, hard, shape, own, rng) for own, shape in enumerate(_shapes(setting))
    ]
    candidate = evaluate_predictions(sides[1])
    comparison = compare_paired(align_predictions(*sides), candidate=candidate, draws=draws)
    gates = GATES if setting.k <= MOST_SCORES else [one for one in GATES if one.name != "log_loss"]
    decision = decide(gates, comparison.candidate, comparison)
    return Review(comparison.candidate, comparison, decision)


def _shapes(setting: Setting) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of the beta distributions of both sides' confidences: the same mean."""
    return (6.0, 1.0), (3.0, 0.5) if setting.sharper else (6.0, 1.0)


def _confidences(k: int, shape: tuple[float, float], n: int, rng: np.random.Generator) -> Floats:
    return np.clip(rng.beta(*shape, n), 1 / k + 0.01, 0.999)


def _side(
    setting: Setting,
    truth: NDArray[np.int64],
    hard: Floats,
    shape: tuple[float, float],
    is_candidate: int,
    rng: np.random.Generator,
) -> Any:
    """Right where a sample is easier than the model is sure: half of that is common to both."""
    n, k = setting.n, setting.k
    confidence = _confidences(k, shape, n, rng)
    own = np.where(rng.random(n) < 0.5, hard, rng.random(n))
    surely = confidence - setting.low * (truth == 0)
    if is_candidate:
        surely = surely + setting.gain - setting.overconfident
    answer = np.where(own < surely, truth, (truth + rng.integers(1, k, n)) % k)
    names = np.array([f"c{i:03}" for i in range(k)], object)
    columns: dict[str, Any] = {
        "id": np.array([f"s{i}" for i in range(n)], object),
        "label": names[truth],
        "prediction": names[answer],
        "camera": np.array(["north", "south", "west"], object)[rng.permutation(n) % 3],
    }
    if k > MOST_SCORES:
        columns["confidence"] = confidence
    else:
        columns["probabilities"] = np.repeat((1 - confidence) / (k - 1), k).reshape(n, k)
        columns["probabilities"][np.arange(n), answer] = confidence
    return open_predictions(columns, InputOptions(classes=tuple(names)), spool=_NO_SPOOL)


# What is claimed


def claims(review: Review, setting: Setting) -> set[str]:
    """The kinds of claims on page and terminal; all are false unless an effect was planted."""
    report = build_report(review.evaluation, comparison=review.comparison, decision=review.decision)
    out = io.StringIO()
    with redirect_stdout(out):
        print_review(review, "report.html")
    assert review.comparison is not None
    return {
        *_of_sentences(report, out.getvalue()),
        *_of_intervals(report, setting),
        *_of_tables(report, review.evaluation),
        *_of_comparison(report, review.comparison),
        *_of_gates(review.decision),
    }


SENTENCES = {
    "low recall": r"(Lowest|Low) recall|lowest recall.*, significant$|^low recall"
    r"|^significantly low",
    "zero recall": r"ero recall.*\. (?!Not significantly)",
    "low precision": r"Lowest precision",
    "most confused pair": r"Most confused pair|most confused: (?!.*not significant)",
    "concentrated errors": r"Errors are concentrated",
    "clusters": r"Clustered errors",
    "class size": r"Recall depends on class size",
    "biased predictions": r"(Under|Over)-predicted",
    "below the majority class": r"Below the majority",
    "miscalibrated": r"Overconfident|Underconfident|Miscalibrated|Calibrated on average"
    r"|(Baseline|Candidate|sides): (overc|underc|misc)",
    "bins off": r"(?<!0 are) significantly overconfident|and [1-9]\d* underconfident",
    "low slice": r"^Slice (?!.*regressed)",
    "slice changed": r"^Slice .* regressed",
    "accuracy changed": r"Accuracy (improved|regressed)|vs baseline.*, significant;"
    r"|(points|pp), 95% CI .*; significant\)",
    "class changed": r"Recall (improved|regressed)|(improved|regressed) classes.*: (?!none)",
    "calibration changed": r"Calibration (improved|regressed)",
    "confusion grew": r"Largest increase",
}
"""Kind of claim → the pattern that identifies it, in a line of page or terminal."""


def _of_sentences(report: Report, printed: str) -> Iterator[str]:
    lines = [plain(f"{one.head} {one.body}") for one in report.findings]
    lines += [plain(report.verdict.reason), plain(report.confidence.lead)]
    lines += [plain(line) for tile in report.headline.tiles for line in tile.lines]
    lines += [chart.alt for chart in report.confidence.charts[:1]]
    if report.comparison and report.comparison.calibration:
        lines.append(plain(report.comparison.calibration.sentence))
    two = len(report.classes.rows) == 2
    lines += [
        line
        for line in printed.splitlines()
        if not line.startswith(("gate", "verdict")) and not (two and line.startswith("most conf"))
    ]
    for kind, pattern in SENTENCES.items():
        if any(re.search(pattern, line) for line in lines):
            yield kind


def plain(words: object) -> str:
    return str(words).replace("\u00a0", " ")


def _of_intervals(report: Report, setting: Setting) -> Iterator[str]:
    """Simultaneous or selected numbers whose coverage is guaranteed."""
    confidences = population(setting.k, _shapes(setting)[1])
    recall = float(confidences.mean())
    for tile in report.headline.tiles:
        low, high = tile.cell.low or 0.0, tile.cell.high or 1.0
        lowest = plain(tile.title) in ("Lowest recall", "Low recall")
        if lowest and not low <= recall <= high:
            yield "interval of the lowest recall"
    for one in report.findings:
        told = plain(f"{one.head} {one.body}")
        found = re.search(r"at confidence ≥ ([\d.]+), coverage is", told)
        if found and _error_above(float(found[1]), confidences) > 0.01:
            yield "selective prediction"
        found = re.search(r"miss rate.*: ([\d.]+)%", told)
        if found and 1 - recall > float(found[1]) / 100:
            yield "perfect recall"


@cache
def population(k: int, shape: tuple[float, float]) -> Floats:
    """Many confidences, rising; their mean is the recall of every class."""
    return np.sort(_confidences(k, shape, 1_000_000, np.random.default_rng(0)))


def _error_above(threshold: float, confidences: Floats) -> float:
    """Of predictions with at least this confidence, as they are calibrated."""
    return float(1 - confidences[np.searchsorted(confidences, threshold) :].mean())


def _of_tables(report: Report, evaluation: Evaluation) -> Iterator[str]:
    for ranking in report.pairs.rankings:
        if ranking.key == "symmetric" and any(
            "asymmetric" in str(row[-1].text) for row in ranking.rows
        ):
            yield "asymmetric pair"
        if ranking.key == "lift" and not re.search(r"\b0 of the \d+ listed", plain(ranking.note)):
            yield "over-represented pair"
    if evaluation.slices.n_worse:
        yield "low slice"


def _of_comparison(report: Report, comparison: Comparison) -> Iterator[str]:
    section = report.comparison
    assert section is not None
    names = {"ECE": "calibration changed", "Accuracy": "accuracy changed"}
    for row in section.summary:
        if row.delta.kind != "unclear":
            yield "metric changed"
            yield names.get(row.title, "metric changed")
    for one in section.classes.rows if section.classes else ():
        if one.recall.kind != "unclear":
            yield "class changed"
    if any(row.delta.kind != "unclear" for row in section.slices):
        yield "slice changed"


def _of_gates(decision: Decision) -> Iterator[str]:
    for check in decision.checks:
        if check.status == "failed":
            yield f"gate on {check.name} failed"


# How often


def count_claims(
    setting: Setting, reports: int, draws: int, seed: int = 1, told: Callable[[int], None] = id
) -> Counter[str]:
    """Number of `reports` with each kind of claim."""
    found: Counter[str] = Counter()
    for i in range(reports):
        found.update(claims(simulated(setting, seed * 1_000_003 + i, draws), setting))
        told(i)
    return found


def too_many(found: int, reports: int) -> bool:
    """Whether the rate is significantly above 5%: by the exact one-sided 99% bound."""
    return found > 0 and float(beta.ppf(0.01, found, reports - found + 1)) > ALLOWED


def main(runs: int = 1_000, draws: int = 1_000) -> None:
    """A line for each setting and kind; ends with an error where one is claimed too often."""
    failed = False
    for name, setting in SETTINGS.items():
        print(f"{name}: {runs} reports in which nothing is wrong")
        for kind, n in count_claims(setting, runs, draws).most_common():
            wrong = too_many(n, runs) and not (setting.sharper and kind in SHARPER)
            failed |= wrong
            print(f"  {kind}: {100 * n / runs:.1f}%{' TOO OFTEN' if wrong else ''}", flush=True)
    for kind, setting in EFFECTS.items():
        few = max(runs // 10, 20)
        n = count_claims(setting, few, draws)[kind]
        failed |= n < 0.8 * few
        print(f"{kind}, planted: found in {100 * n / few:.0f}% of {few}", flush=True)
    if failed:
        sys.exit("claims are made too often, or effects are missed")


SHARPER = ("metric changed", "gate on log_loss failed")
"""Claims that are true if one model is sharper: its log loss is lower."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=int, nargs="?", default=1_000, help="reports a setting")
    parser.add_argument("draws", type=int, nargs="?", default=1_000, help="of the bootstrap")
    main(**vars(parser.parse_args()))
