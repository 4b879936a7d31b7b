"""What a table holds in float64 is counted in float64: figures equal their definitions.

The references follow docs/metrics.md, one sample at a time, with exact sums; or are scikit-learn's.
"""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import (
    average_precision_score,
    log_loss,
    roc_auc_score,
    top_k_accuracy_score,
)

from reportgen.evaluation import evaluate_predictions
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions
from reportgen.predictions import Predictions
from reportgen.review import Baselines

N, K = 3_000, 7
FORMATS = ("csv", "parquet", "npz", "jsonl")


def close(value):
    return pytest.approx(value, rel=1e-12, abs=0)


def model():
    """(probabilities (N, K), labels) of an overconfident model: every digit of float64 is used."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (N, K))
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    q = p**0.8 / (p**0.8).sum(axis=1, keepdims=True)
    return p, (q.cumsum(axis=1) > rng.random((N, 1))).argmax(axis=1)


def table(scores):
    """Columns by name: top-1 confidences, or, with `scores`, the probabilities of all classes."""
    p, labels = model()
    columns = {"id": [f"s{i}" for i in range(N)], "label": labels, "prediction": p.argmax(axis=1)}
    return {**columns, **({"scores": p} if scores else {"confidence": p.max(axis=1)})}


def write(folder, kind, columns):
    path = folder / f"t.{kind}"
    if kind == "npz":
        np.savez(path, **{name: np.asarray(values) for name, values in columns.items()})
        return path
    if kind == "parquet":
        lists = {n: list(v) if np.ndim(v) == 2 else v for n, v in columns.items()}
        pq.write_table(pa.table(lists), path)
        return path
    plain = {name: np.asarray(values).tolist() for name, values in columns.items()}
    if kind == "csv" and "scores" in plain:
        by_class = {f"prob_{k}": [row[k] for row in plain["scores"]] for k in range(K)}
        plain = {**{n: v for n, v in plain.items() if n != "scores"}, **by_class}
    rows = list(zip(*plain.values(), strict=True))
    if kind == "csv":
        lines = [",".join(map(str, row)) for row in [tuple(plain), *rows]]
    else:
        lines = [json.dumps(dict(zip(plain, row, strict=True))) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def opened(tmp_path, kind, columns):
    (tmp_path / "spool").mkdir(exist_ok=True)
    return open_predictions(
        write(tmp_path, kind, columns), InputOptions(), spool=tmp_path / "spool"
    )


def values(summary):
    return {name: metric.value for name, metric in summary.items()}


def gaps(p, right, bins, n_bins=15):
    """(samples, right answers minus the sum of probabilities) of each bin, with exact sums."""
    places = [np.flatnonzero(bins == b) for b in range(n_bins)]
    return [(len(at), math.fsum([*right[at].astype(float), *-p[at]])) for at in places]


def bins_of(p):
    return np.maximum(np.ceil(np.round(p * 15, 9)).astype(int) - 1, 0)


def of_answers(p, right):
    """Every figure that confidences and right answers give, by its definition."""
    n = len(p)
    equal_width = gaps(p, right, bins_of(p))
    rising = np.argsort(p)
    parts = np.array_split(rising, 15)
    wrong = ~right[rising[::-1]]
    errors = np.cumsum(wrong).tolist()
    risks = [e / k for k, e in enumerate(errors, start=1)]
    best = [max(k - (n - errors[-1]), 0) / k for k in range(1, n + 1)]
    kept = next(k for k in range(1, n + 1) if k / n >= 0.9)
    aurc, optimum = math.fsum(risks) / n, math.fsum(best) / n
    return {
        "ece": math.fsum(abs(gap) for _, gap in equal_width) / n,
        "mce": max(abs(gap) / size for size, gap in equal_width if size),
        "ece_equal_mass": math.fsum(
            abs(math.fsum([*right[at].astype(float), *-p[at]])) for at in parts
        ) / n,
        "aurc": aurc,
        "excess_aurc": aurc - optimum,
        "error_at_90_percent_coverage": risks[kept - 1],
        "coverage_at_1_percent_error": max(
            (k for k in range(1, n + 1) if risks[k - 1] <= 0.01), default=0
        ) / n,
    }  # fmt: skip


def of_scores(p, labels):
    """Every figure that needs the probabilities of all classes."""
    hot = np.eye(K)[labels]
    squares = [math.fsum(row) for row in (p - hot) ** 2]
    classwise = [
        math.fsum(abs(gap) for _, gap in gaps(p[:, k], labels == k, bins_of(p[:, k]))) / N
        for k in range(K)
    ]
    ranked = [
        (roc_auc_score(labels == k, p[:, k]), average_precision_score(labels == k, p[:, k]))
        for k in range(K)
    ]
    return {
        "top1_accuracy": top_k_accuracy_score(labels, p, k=1),
        "top3_accuracy": top_k_accuracy_score(labels, p, k=3),
        "top5_accuracy": top_k_accuracy_score(labels, p, k=5),
        "log_loss": log_loss(labels, p),
        "brier_score": math.fsum(squares) / N,
        "ece_classwise": math.fsum(classwise) / K,
        "macro_roc_auc": math.fsum(auc for auc, _ in ranked) / K,
        "macro_average_precision": math.fsum(ap for _, ap in ranked) / K,
    }, ranked


@pytest.mark.parametrize("kind", FORMATS)
def test_figures_of_confidences_are_those_of_float64(tmp_path, kind):
    p, labels = model()
    rows = opened(tmp_path, kind, table(scores=False))
    batches = list(rows.batches("confidence"))
    assert np.concatenate([b["confidence"] for b in batches]).tolist() == p.max(axis=1).tolist()
    got = values(evaluate_predictions(rows).summary)
    expected = of_answers(p.max(axis=1), p.argmax(axis=1) == labels)
    for name, value in expected.items():
        assert got[name] == close(value), name


@pytest.mark.parametrize("kind", FORMATS)
def test_figures_of_all_scores_are_those_of_float64(tmp_path, kind):
    p, labels = model()
    found = evaluate_predictions(opened(tmp_path, kind, table(scores=True)))
    got, (expected, ranked) = values(found.summary), of_scores(p, labels)
    expected |= of_answers(p.max(axis=1), p.argmax(axis=1) == labels)
    for name, value in expected.items():
        assert got[name] == close(value), name
    for name, column in zip(
        ("roc_auc", "average_precision"), zip(*ranked, strict=True), strict=True
    ):
        assert found.per_class[name].value.tolist() == close(list(column)), name


def test_figures_of_logits_are_those_of_their_softmax(tmp_path):
    p, labels = model()
    columns = table(scores=True)
    columns["scores"] = 3 + np.log(columns["scores"])
    got = values(evaluate_predictions(opened(tmp_path, "npz", columns)).summary)
    expected = of_scores(p, labels)[0] | of_answers(p.max(axis=1), p.argmax(axis=1) == labels)
    for name, value in expected.items():
        assert got[name] == close(value), name


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("scores", [False, True])
@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_numbers_of_fewer_digits_stay_what_they_are(tmp_path, kind, scores, dtype):
    columns = table(scores)
    name = "scores" if scores else "confidence"
    columns[name] = columns[name].astype(dtype)
    rows = opened(tmp_path, kind, columns)
    batch = next(rows.batches("confidence", "label_probability", "top_probabilities"))
    assert batch["confidence"].dtype == np.float32
    assert batch["top_probabilities"].dtype == np.float32
    assert batch["confidence"].max() == columns[name].max()


def test_a_baseline_keeps_the_digits_of_confidences(tmp_path):
    rows = opened(tmp_path, "csv", table(scores=True))
    evaluation = evaluate_predictions(rows)
    place = Baselines(tmp_path / "kept").save("main", evaluation, rows, "SHIP")
    again = evaluate_predictions(Predictions.open(place / "predictions.parquet"))
    for name in ("ece", "mce", "log_loss", "aurc", "top3_accuracy"):
        assert again.summary[name] == evaluation.summary[name], name


@pytest.mark.parametrize("kind", ["npz", "parquet"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_probability_on_the_edge_of_a_bin_is_below_it_in_single_precision_too(
    tmp_path, kind, dtype
):
    """By hand: 1/5 is an edge of the 15 bins. Class 1's 0.3 and 0.29 share a bin (gap 0.41 of
    2 samples); 0.2 of class 0 and its 0.21 do not (0.8 + 0.21); class 2's two 0.5 do (1).
    """
    scores = np.array([[0.2, 0.3, 0.5], [0.21, 0.29, 0.5]], dtype)
    columns = {"label": np.array([0, 1]), "scores": scores}
    found = evaluate_predictions(opened(tmp_path, kind, columns)).summary["ece_classwise"]
    assert found.value == pytest.approx((0.8 + 0.21 + 0.41 + 1) / 2 / 3, abs=1e-7)


@pytest.mark.parametrize("parts", [3, 5, 15])
def test_votes_in_single_precision_have_the_bins_of_their_double_ones(tmp_path, parts):
    rng = np.random.default_rng(parts)
    votes = np.array([rng.multinomial(parts, [0.5, 0.3, 0.2]) for _ in range(300)]) / parts
    labels = rng.integers(0, 3, 300)
    single, double = (
        evaluate_predictions(
            opened(tmp_path, "npz", {"label": labels, "scores": votes.astype(dtype)})
        ).summary
        for dtype in (np.float32, np.float64)
    )
    for name in ("ece", "mce", "ece_classwise", "brier_score", "macro_roc_auc"):
        assert single[name].value == pytest.approx(double[name].value, abs=1e-7), name
