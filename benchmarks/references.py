"""Random problems, evaluated by reportgen and by the libraries that everybody has.

Each problem has 2 to 50 classes, of which some may be absent or never predicted, under names that
are made to be misread; 1 to 5,000 samples; scores or none. It is saved as CSV, NPZ and Parquet, and
given as arrays; every figure of every form is compared with scikit-learn, statsmodels and scipy, or
with a few lines of numpy where these define it otherwise. ``python -m benchmarks.references`` lists
what differs by more than 1e-9 (1e-6 where scores are float32), relative to the larger of 1 and the
figure, and fails if anything does.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBLEMS, SEED, TOLERANCE = 250, 2026, 1e-9
SINGLE_TOLERANCE = 1e-6
"""For scores saved in single precision: so are their probabilities."""
KINDS = (
    "none", "none", "confidence", "probabilities", "probabilities", "logits", "log-probabilities",
    "percentages", "one-vs-rest",
)  # fmt: skip
HOSTILE: tuple[str, ...] = (
    "nan", "NA", "None", "null", "TRUE", "false", "1e5", "007", "inf", "-1", "=1+1", "a,b", "*",
    'say "x"', "a;b", "<b>", "{{7*7}}", "%s", "$x_{$", "##[group]", "::error::", "=?utf-8?q?x?=",
    "C:\\new", "label", "prediction", "id", "prob", "[x]", "'", "#", "1,234", "50%", "a|b", "é",
)  # fmt: skip
"""Class names that readers may misinterpret."""
NAMES: Mapping[str, Callable[[int], str]] = {
    "plain": lambda k: f"class {k:02d}",
    "numbers": lambda k: str(k),
    "numbers from 1": lambda k: str(k + 1),
    "floats": lambda k: f"{k}.50",
    "padded": lambda k: f"{k:04d}",
    "unicode": lambda k: f"猫\u0301{chr(0x4E00 + k)}",
    "hostile": lambda k: HOSTILE[k % len(HOSTILE)] + (f" {k}" if k >= len(HOSTILE) else ""),
}  # fmt: skip

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Figures = dict[str, float | None]


@dataclass(frozen=True, eq=False)
class Problem:
    """Samples of a model that does not exist.

    Attributes
    ----------
    labels, predictions, baseline
        Class indices, int64, shape (n,); `baseline` is what another model predicted.
    scores
        float64 or float32, shape (n, K), or (n,) for the confidence alone; None without scores.
    kind
        What the scores are, as in ``--outputs``; or none, or confidence.
    tied
        Whether scores may be equal.
    """

    seed: int
    names: tuple[str, ...]
    labels: Ints
    predictions: Ints
    baseline: Ints
    scores: NDArray[Any] | None
    kind: str
    tied: bool

    @property
    def title(self) -> str:
        kind = self.kind if self.scores is None else f"{self.kind} {self.scores.dtype}"
        return f"seed {self.seed}: {len(self.labels)} × {len(self.names)}, {kind}"

    @property
    def tolerance(self) -> float:
        """How far figures may be apart, relative to the larger of 1 and the figure."""
        single = self.scores is not None and self.scores.dtype == np.float32
        return SINGLE_TOLERANCE if single else TOLERANCE

    @property
    def scored(self) -> bool:
        """Whether every class has a score."""
        return self.scores is not None and self.scores.ndim == 2


@dataclass(frozen=True)
class Deviation:
    """A figure that differs between reportgen and a reference."""

    problem: str
    form: str
    figure: str
    found: float | None
    expected: float | None

    def __str__(self) -> str:
        values = f"{self.found!r}, expected {self.expected!r}"
        return f"{self.problem}, {self.form}, {self.figure}: {values}"


# Problems


def problem_of(seed: int) -> Problem:
    """The problem with this number; the same on every machine."""
    rng = np.random.default_rng(seed)
    n_classes = int(rng.choice([2, 2, 3, 4, 5, 6, 7, 10, 17, 33, 50]))
    n = int(rng.choice([1, 2, 3, 10, 40, 100, 300, 1_000, 5_000], p=_SIZES))
    shares = rng.dirichlet(np.full(n_classes, rng.choice([0.1, 1.0, 100.0])))
    absent = rng.random(n_classes) < rng.choice([0.0, 0.3])
    shares = _without(shares, absent)
    labels = rng.choice(n_classes, n, p=shares)
    kind = str(rng.choice(KINDS))
    scores, tied = _scores(rng, labels, n_classes, kind)
    if scores is None:
        predictions = _answers(rng, labels, n_classes)
    else:
        predictions = scores.argmax(1)
    given = _as_given(rng, scores, kind)
    if given is not None and given.ndim == 2:
        predictions = given.argmax(1)
    style = str(rng.choice(list(NAMES)))
    names = tuple(NAMES[style](k) for k in range(n_classes))
    baseline = _answers(rng, labels, n_classes)
    return Problem(seed, names, labels, predictions, baseline, given, kind, tied)


_SIZES = (0.04, 0.04, 0.06, 0.16, 0.2, 0.2, 0.16, 0.1, 0.04)


def _without(shares: Floats, absent: NDArray[np.bool_]) -> Floats:
    kept = np.where(absent, 0.0, shares)
    return shares if kept.sum() <= 0 else kept / kept.sum()


def _answers(rng: np.random.Generator, labels: Ints, n_classes: int) -> Ints:
    """Some correct predictions, the others of any class except those never predicted."""
    allowed = np.flatnonzero(rng.random(n_classes) < rng.choice([0.5, 1.0]))
    others = rng.choice(allowed if len(allowed) else np.arange(n_classes), len(labels))
    return np.where(rng.random(len(labels)) < rng.choice([0.3, 0.8, 0.97, 1.0]), labels, others)


def _scores(
    rng: np.random.Generator, labels: Ints, n_classes: int, kind: str
) -> tuple[Floats | None, bool]:
    """Logits, shape (n, K), and whether some may be equal; None where the kind is none."""
    if kind == "none":
        return None, False
    logits = rng.normal(0, rng.choice([0.3, 1.0, 3.0]), (len(labels), n_classes))
    logits[np.arange(len(labels)), labels] += rng.choice([0.0, 1.0, 3.0])
    tied = bool(rng.random() < 0.3)
    return (np.round(logits) if tied else logits), tied


def _as_given(rng: np.random.Generator, logits: Floats | None, kind: str) -> NDArray[Any] | None:
    """The scores in their saved form."""
    if logits is None:
        return None
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    forms: dict[str, Floats] = {
        "confidence": shares.max(1),
        "probabilities": shares,
        "percentages": 100 * shares,
        "log-probabilities": np.log(shares),
        "one-vs-rest": 1 / (1 + np.exp(-logits)),
        "logits": logits,
    }
    return forms[kind].astype(rng.choice(["float64", "float32"]))


# Reportgen: one function a form


def forms() -> Mapping[str, Callable[[Problem, Path], Any]]:
    """Inputs of :func:`reportgen.load`, made from a problem and a folder to save it in."""
    return {"python": _as_columns, "csv": _as_csv, "npz": _as_npz, "parquet": _as_parquet}


def _named(problem: Problem, indices: Ints) -> NDArray[Any]:
    return np.array(problem.names, object)[indices]


def _as_columns(problem: Problem, folder: Path) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "label": _named(problem, problem.labels),
        "prediction": _named(problem, problem.predictions),
    }
    if problem.scored:
        assert problem.scores is not None
        columns |= {f"score_{i}": column for i, column in enumerate(problem.scores.T)}
    elif problem.scores is not None:
        columns["confidence"] = problem.scores
    return columns


def _as_csv(problem: Problem, folder: Path) -> Path:
    import csv

    path, columns = folder / "problem.csv", _as_columns(problem, folder)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return path


def _as_npz(problem: Problem, folder: Path) -> Path:
    path = folder / "problem.npz"
    arrays: dict[str, Any] = {"labels": problem.labels, "predictions": problem.predictions}
    if problem.scores is not None:
        arrays["scores" if problem.scored else "confidence"] = problem.scores
    np.savez(path, **arrays)
    return path


def _as_parquet(problem: Problem, folder: Path) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "problem.parquet"
    pq.write_table(pa.table(_as_columns(problem, folder)), path)
    return path


def _options(problem: Problem, form: str) -> dict[str, Any]:
    options: dict[str, Any] = {"classes": problem.names}
    options["labels_are"] = "indices" if form == "npz" else "names"
    if problem.scored:
        options["outputs"] = problem.kind
        options["scores_columns"] = (
            "scores" if form == "npz" else ",".join(f"score_{i}" for i in range(len(problem.names)))
        )
    return options


def figures_of(problem: Problem, form: str, folder: Path) -> Figures:
    """The metrics by reportgen."""
    import reportgen

    source = forms()[form](problem, folder)
    evaluation = reportgen.load(source, **_options(problem, form))
    found: Figures = {}
    for name, metric in evaluation.summary.items():
        found[name] = metric.value
        if metric.interval is not None:
            found[f"{name} low"], found[f"{name} high"] = metric.interval
    for name, column in evaluation.per_class.items():
        for k, ends in enumerate(zip(column.value, column.low, column.high, strict=True)):
            figures = zip((name, f"{name} low", f"{name} high"), ends, strict=True)
            found |= {_at(figure, k): _or_none(value) for figure, value in figures}
    return found


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def changes_of(problem: Problem) -> Figures:
    """The comparison of model and baseline by reportgen."""
    import reportgen

    label = _named(problem, problem.labels)
    ids = [f"{i}.png" for i in range(len(label))]
    sides = (
        {"id": ids, "label": label, "prediction": _named(problem, side)}
        for side in (problem.baseline, problem.predictions)
    )
    comparison = reportgen.compare(*sides, classes=problem.names, labels_are="names")
    accuracy, paired = comparison.summary["accuracy"], comparison.paired
    assert paired is not None
    return {
        "difference of accuracy": accuracy.difference,
        "gained": paired.gained,
        "lost": paired.lost,
        "McNemar mid-p": accuracy.p,
    }


# References


def expected_changes(problem: Problem) -> Figures:
    """The comparison by numpy, statsmodels and scipy."""
    from scipy.stats import binom
    from statsmodels.stats.contingency_tables import mcnemar

    before = problem.baseline == problem.labels
    after = problem.predictions == problem.labels
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    table = [[int((before & after).sum()), lost], [gained, int((~before & ~after).sum())]]
    exact = mcnemar(table, exact=True).pvalue
    least, n = min(gained, lost), gained + lost
    middle = 1.0 if gained == lost else exact - binom.pmf(least, n, 0.5)
    return {
        "difference of accuracy": float(after.mean() - before.mean()),
        "gained": gained,
        "lost": lost,
        "McNemar mid-p": float(middle),
    }


def expected(problem: Problem) -> Figures:
    """Figures of the libraries, by reportgen's names; None where they are undefined."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = _of_answers(problem) | _of_classes(problem) | _of_confidence(problem)
        return values | _of_scores(problem)


def _wilson(name: str, right: float, n: float) -> Figures:
    from statsmodels.stats.proportion import proportion_confint

    if n == 0:
        return {name: None}
    low, high = proportion_confint(right, n, method="wilson")
    return {name: right / n, f"{name} low": float(low), f"{name} high": float(high)}


def _of_answers(problem: Problem) -> Figures:
    from sklearn import metrics
    from statsmodels.stats.inter_rater import cohens_kappa

    true, predicted = problem.labels, problem.predictions
    right, n = metrics.accuracy_score(true, predicted, normalize=False), len(true)
    values = _wilson("accuracy", float(right), n) | _wilson("error_rate", float(n - right), n)
    values["no_information_rate"] = np.bincount(true).max() / n
    values["balanced_accuracy"] = metrics.balanced_accuracy_score(true, predicted)
    present = np.unique(true)
    for average, labels in (("macro", present), ("weighted", None)):
        found = metrics.precision_recall_fscore_support(
            true, predicted, labels=labels, average=average, zero_division=0
        )
        for figure, value in zip(("precision", "recall", "f1"), found, strict=False):
            values[f"{average}_{figure}"] = value
    everything = range(len(problem.names))
    table = metrics.confusion_matrix(true, predicted, labels=list(everything))
    one_cell = np.count_nonzero(table) == 1 and np.trace(table) == n
    values["cohen_kappa"] = None if one_cell else cohens_kappa(table).kappa
    one_sided = len(present) == 1 or len(np.unique(predicted)) == 1
    values["matthews_corrcoef"] = None if one_sided else metrics.matthews_corrcoef(true, predicted)
    return values


def _of_classes(problem: Problem) -> Figures:
    values: Figures = {}
    for k in range(len(problem.names)):
        of_class = _of_class(problem.labels == k, problem.predictions == k)
        values |= {_at(name, k): value for name, value in of_class.items()}
    return values


def _at(name: str, k: int) -> str:
    """ "recall low" of class 3 is called "recall of class 3 low"."""
    figure, _, end = name.partition(" ")
    return f"{figure} of class {k}{' ' if end else ''}{end}"


def _of_class(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Figures:
    from sklearn import metrics

    tn, fp, fn, tp = map(
        float, metrics.confusion_matrix(true, predicted, labels=[False, True]).ravel()
    )
    values: Figures = {}
    for name, part, rest in (
        ("precision", tp, fp), ("recall", tp, fn), ("specificity", tn, fp), ("npv", tn, fn),
        ("fpr", fp, tn), ("fnr", fn, tp), ("fdr", fp, tp), ("for", fn, tn),
        ("prevalence", tp + fn, tn + fp),
    ):  # fmt: skip
        values |= _wilson(name, part, part + rest)
    some = tp + fp + fn > 0
    for name, beta in (("f1", 1.0), ("f2", 2.0), ("f0_5", 0.5)):
        score = metrics.fbeta_score(true, predicted, beta=beta, zero_division=np.nan)
        values[name] = float(score) if some else None
    values["jaccard"] = metrics.jaccard_score(true, predicted) if some else None
    both = 0 < tp + fn < len(true)
    values["balanced_accuracy"] = metrics.balanced_accuracy_score(true, predicted) if both else None
    values["informedness"] = (
        metrics.balanced_accuracy_score(true, predicted, adjusted=True) if both else None
    )
    answered = 0 < tp + fp < len(true)
    values["mcc"] = metrics.matthews_corrcoef(true, predicted) if both and answered else None
    values["markedness"] = tp / (tp + fp) + tn / (tn + fn) - 1 if answered else None
    defined = tp + fp > 0 and tp + fn > 0
    values["lift"] = tp * len(true) / ((tp + fp) * (tp + fn)) if defined else None
    return values


def shares_of(problem: Problem) -> Floats:
    """Probabilities of all classes by scipy: float64, shape (n, K)."""
    from scipy.special import softmax

    assert problem.scores is not None
    scores = problem.scores.astype(np.float64)
    if problem.kind == "logits":
        return np.asarray(softmax(scores, axis=1))
    if problem.kind == "log-probabilities":
        return np.minimum(np.exp(scores), 1.0)
    return np.clip(scores / 100 if problem.kind == "percentages" else scores, 0.0, 1.0)


def _of_confidence(problem: Problem) -> Figures:
    if problem.scores is None or problem.kind == "one-vs-rest":
        return {}
    if problem.scored:
        confidence = shares_of(problem)[np.arange(len(problem.labels)), problem.predictions]
    else:
        confidence = problem.scores.astype(np.float64)
    right = problem.labels == problem.predictions
    bins = _bins(confidence)
    gaps = [
        (np.mean(bins == b), abs(right[bins == b].mean() - confidence[bins == b].mean()))
        for b in np.unique(bins)
    ]
    values: Figures = {"ece": sum(w * gap for w, gap in gaps), "mce": max(gap for _, gap in gaps)}
    if len(np.unique(confidence)) == len(confidence):
        wrong = ~right[np.argsort(-confidence)]
        values["aurc"] = _risk(wrong)
        values["excess_aurc"] = _risk(wrong) - _risk(np.sort(wrong))
    return values


def _risk(wrong: NDArray[np.bool_]) -> float:
    """Mean error of the first k answers, over all k."""
    return float(np.mean(np.cumsum(wrong) / np.arange(1, len(wrong) + 1)))


def _bins(shares: Floats) -> Ints:
    """15 bins (a, b] of equal width; values within 1e-9 of an edge are on it."""
    return np.maximum(np.ceil(shares * 15 - 1e-7), 1).astype(np.int64)


def _of_scores(problem: Problem) -> Figures:
    from sklearn import metrics

    if not problem.scored:
        return {}
    assert problem.scores is not None
    shares, true, n_classes = shares_of(problem), problem.labels, len(problem.names)
    values: Figures = _top_k(problem)
    if problem.kind != "one-vs-rest":
        everything = list(range(n_classes))
        values["log_loss"] = metrics.log_loss(true, shares, labels=everything)
        truth = np.eye(n_classes)[true]
        values["brier_score"] = float(((shares - truth) ** 2).sum(1).mean())
    areas, precisions = [], []
    for k in range(n_classes):
        if not 0 < (true == k).sum() < len(true):
            values[_at("roc_auc", k)] = values[_at("average_precision", k)] = None
            continue
        areas.append(_ranked(metrics.roc_auc_score, true == k, shares[:, k]))
        precisions.append(_ranked(metrics.average_precision_score, true == k, shares[:, k]))
        values[_at("roc_auc", k)], values[_at("average_precision", k)] = areas[-1], precisions[-1]
    values["macro_roc_auc"] = float(np.mean(areas)) if areas else None
    values["macro_average_precision"] = float(np.mean(precisions)) if precisions else None
    return {figure: value for figure, value in values.items() if value is None or value == value}


def _ranked(figure: Callable[..., float], true: NDArray[np.bool_], shares: Floats) -> float:
    """The figure; nan where the rounding of the probabilities decides what is tied.

    A softmax of quantised logits gives different samples the same probability, but for the last
    digit: which of them ranks first is a matter of the order in which a library adds.
    """
    roundings = (shares, shares.round(12), shares.astype(np.float32))
    found = [float(figure(true, rounded)) for rounded in roundings]
    return found[0] if max(found) - min(found) < TOLERANCE else float("nan")


def _top_k(problem: Problem) -> Figures:
    """Ties count against the model; without them it is scikit-learn's figure."""
    from sklearn import metrics

    assert problem.scores is not None
    true, scores, n_classes = problem.labels, problem.scores, len(problem.names)
    rank = (scores >= scores[np.arange(len(true)), true][:, None]).sum(1)
    values: Figures = {}
    for k in (1, 3, 5):
        if k >= n_classes:
            values[f"top{k}_accuracy"] = None
            continue
        values |= _wilson(f"top{k}_accuracy", float((rank <= k).sum()), len(true))
        if not problem.tied and n_classes > 2:
            found = metrics.top_k_accuracy_score(true, scores, k=k, labels=range(n_classes))
            values[f"top{k}_accuracy"] = float(found)
    return values


# The comparison


def differ(found: float | None, wanted: float | None, tolerance: float) -> bool:
    """Whether two figures differ, relative to the larger of 1 and the one that is wanted."""
    if found is None or wanted is None:
        return (found is None) != (wanted is None)
    return not abs(found - wanted) <= tolerance * max(1.0, abs(wanted))


def deviations(problem: Problem, folder: Path, counted: Counter[str]) -> Iterator[Deviation]:
    """What differs, in any form; `counted` is told how often each figure was compared."""
    wanted = expected(problem)
    for form in forms():
        yield from _compared(problem, form, figures_of(problem, form, folder), wanted, counted)
    changes = expected_changes(problem)
    yield from _compared(problem, "compare", changes_of(problem), changes, counted)


def _compared(
    problem: Problem, form: str, found: Figures, wanted: Figures, counted: Counter[str]
) -> Iterator[Deviation]:
    for figure, value in wanted.items():
        counted[figure.partition(" of class")[0]] += 1
        value = None if value is None else float(value)
        if differ(found.get(figure), value, problem.tolerance):
            yield Deviation(problem.title, form, figure, found.get(figure), value)


def compare_all(n: int, seed: int) -> tuple[list[Deviation], Counter[str]]:
    """All deviations of `n` problems, and how often each figure was compared."""
    counted: Counter[str] = Counter()
    found: list[Deviation] = []
    with tempfile.TemporaryDirectory() as folder:
        for i in range(n):
            found += deviations(problem_of(seed + i), Path(folder), counted)
    return found, counted


def main(_: int = 0, n: int = PROBLEMS, seed: int = SEED) -> None:
    """List what differs, and end the process with 1 if anything does."""
    found, counted = compare_all(n, seed)
    for deviation in found:
        print(deviation)
    total = sum(counted.values())
    print(f"{n} problems, {total:,} figures of {len(counted)} kinds compared: {len(found)} differ")
    if found:
        sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.references", description=__doc__)
    parser.add_argument("--problems", type=int, default=PROBLEMS)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    main(0, options.problems, options.seed)
