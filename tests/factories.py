"""Evaluations for tests, with counts that are written down or follow from a fixed rule."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from reportgen.analysis.label_issues import LabelIssueTally, Thresholds, find_label_issues
from reportgen.analysis.scoring import AnswerTally, ProbabilityTally, ScoreMetrics, Scores
from reportgen.analysis.slices import SliceReport, SliceTallies, Survey, plan_slices, slice_table
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.evaluation import Confidence, Evaluation, evaluate_matrix, gallery_pairs
from reportgen.metrics import summary_metrics
from reportgen.metrics.tallies import Mistake
from reportgen.provenance import Accounting, DataNote, ModelFacts, Provenance

FASHION = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
           "Bag", "Ankle boot")  # fmt: skip
FASHION_COUNTS = [
    [5431, 14, 88, 145, 26, 7, 241, 0, 48, 0],
    [4, 5896, 6, 75, 8, 0, 8, 0, 3, 0],
    [92, 6, 5002, 76, 565, 1, 232, 1, 25, 0],
    [191, 49, 23, 5504, 162, 1, 61, 0, 7, 2],
    [15, 12, 267, 213, 5305, 1, 168, 0, 19, 0],
    [0, 0, 0, 0, 0, 5847, 0, 112, 3, 38],
    [1159, 16, 523, 189, 676, 0, 3396, 0, 41, 0],
    [0, 0, 0, 0, 0, 99, 0, 5540, 0, 361],
    [28, 6, 29, 15, 32, 23, 26, 14, 5827, 0],
    [0, 0, 0, 0, 1, 61, 0, 107, 1, 5830],
]
"""The second published Fashion-MNIST matrix (60,000 samples, its training split)."""

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR_COUNTS = [
    [898, 5, 31, 8, 6, 1, 6, 4, 27, 14],
    [5, 938, 1, 2, 2, 2, 4, 0, 12, 34],
    [42, 2, 796, 29, 51, 24, 40, 7, 7, 2],
    [19, 2, 70, 642, 46, 126, 58, 25, 2, 10],
    [10, 1, 47, 31, 828, 17, 29, 33, 3, 1],
    [10, 1, 34, 97, 33, 778, 18, 28, 0, 1],
    [6, 1, 32, 27, 11, 12, 903, 4, 2, 2],
    [10, 1, 17, 22, 41, 32, 3, 871, 0, 3],
    [41, 6, 12, 6, 3, 1, 4, 0, 916, 11],
    [24, 53, 7, 5, 2, 1, 5, 2, 21, 880],
]
"""A small residual network on the CIFAR-10 test set: 8,450 of 10,000 right."""

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}{% raw %}",
    "evil\u202egnp.exe",
    "x" * 300,
    "emoji \U0001f469\u200d\U0001f680 \U0001f600",
    "\u732b\u3068\u72ac",
    "\u0642\u0637\u0629 \u0648\u0643\u0644\u0628",
    "=HYPERLINK(1)",
    "$x_{$ ]]> --> javascript:alert(1)",
)
"""Ten class names, each with an aim."""

PROVENANCE = Provenance(
    kind="inference",
    model=ModelFacts(
        name="candidate",
        version="1.2",
        kind="torch.export program",
        source="candidate.pt2",
        files={"candidate.pt2": "ab" * 32},
        executes_code=True,
    ),
    date="2026-11-22",
    data_name="CIFAR-10",
    split="test",
    data_fingerprint="cd" * 32,
    classes_source="classes.json in candidate.pt2",
    preprocessing=("RGB, float32 in [0, 1]",),
    outputs="logits (auto: decided on the first batch)",
    inference={"device": "cpu", "precision": "float32", "batch size": "64"},
    versions={"torch": "2.15.0", "reportgen": "0.1.0"},
    command="reportgen run candidate.pt2 test -o out",
)


def make_evaluation(
    counts: Sequence[Sequence[int]] = CIFAR_COUNTS,
    classes: Sequence[str] | None = None,
    *,
    provenance: Provenance = PROVENANCE,
    notes: Sequence[DataNote] = (),
    examples: int = 0,
    top5_hits: int | None = None,
    example_names: Sequence[str] = (),
) -> Evaluation:
    """An evaluation of `counts`; with `examples`, that many invented mistakes for each gallery."""
    matrix = ConfusionMatrix.from_counts(counts)
    if classes is None:
        plain = CIFAR if matrix.n_classes == len(CIFAR) else None
        classes = plain or tuple(f"class {i}" for i in range(matrix.n_classes))
    evaluation = evaluate_matrix(matrix, tuple(classes), provenance, tuple(notes))
    if top5_hits is not None:
        counted = summary_metrics(matrix, top5_hits)
        evaluation = replace(evaluation, summary={**evaluation.summary, **counted})
    if not examples:
        return evaluation
    galleries = tuple(
        tuple(
            Mistake(
                example_names[i % len(example_names)] + f".{pair.true}.{pair.predicted}.{i}"
                if example_names
                else f"{classes[pair.true]}/{pair.predicted}-{i:04}.png",
                0.999 - 0.05 * i,
                0.001 + 0.02 * i,
            )
            for i in range(min(examples, pair.count))
        )
        for pair in gallery_pairs(evaluation.pairs)
    )
    return replace(evaluation, examples=galleries, examples_reason="")


def fashion() -> Evaluation:
    """Ten classes from counts alone: no scores, no galleries."""
    provenance = Provenance(
        kind="confusion matrix",
        model=ModelFacts(name="second"),
        data_name="Fashion-MNIST",
        split="train",
        command="reportgen render matrix.csv -o out",
    )
    return make_evaluation(FASHION_COUNTS, FASHION, provenance=provenance)


def cifar(examples: int = 8) -> Evaluation:
    """Ten classes with galleries and top-5."""
    return make_evaluation(examples=examples, top5_hits=9_950)


def scored(
    evaluation: Evaluation | None = None, *, temperature: float = 0.4, full: bool = True
) -> Evaluation:
    """`evaluation` with scores: too sure at a `temperature` of 0.4, not sure enough at 1.

    The probabilities are invented sample by sample from a fixed seed, so that their argmax is the
    prediction that was counted. Without `full`, only those of answer and label are known.
    """
    evaluation = cifar() if evaluation is None else evaluation
    rng = np.random.default_rng(0)
    cells = list(evaluation.confusion.cells())
    label = np.repeat([i for i, _, _ in cells], [n for _, _, n in cells])
    answer = np.repeat([j for _, j, _ in cells], [n for _, _, n in cells])
    n, k = len(label), len(evaluation.classes)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), label] += 2
    right = label == answer
    logits[np.arange(n), answer] = logits.max(axis=1) + np.where(
        right, rng.gamma(2.0, 1.5, n), rng.gamma(1.0, 0.5, n)
    )
    p = np.exp(logits / temperature)
    p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
    at_label = p[np.arange(n), label]
    rows = {
        "label": label,
        "prediction": answer,
        "confidence": p[np.arange(n), answer],
        "label_probability": at_label,
        "label_rank": 1 + (p > at_label[:, None]).sum(axis=1),
    }
    whole = ProbabilityTally.of(Scores.of(p, label)) if full else None
    figures = ScoreMetrics.of(AnswerTally.of(rows), whole, k)
    ids = np.array([f"{evaluation.classes[i]}/{j}-{s:04}.png" for s, (i, j) in
                    enumerate(zip(label, answer, strict=True))], object)  # fmt: skip
    if full:
        thresholds = Thresholds.of(label, at_label, k)
        suspects = find_label_issues(LabelIssueTally(thresholds).having(ids, Scores.of(p, label)))
    else:
        suspects = find_label_issues(None)
    return replace(
        evaluation,
        summary={**evaluation.summary, **figures.summary},
        per_class={**evaluation.per_class, **figures.per_class},
        confidence=Confidence.of(figures),
        class_curves=() if figures.ranking is None else figures.ranking.curves,
        suspects=suspects,
        slices=_slices(label, answer, rows["confidence"], k),
    )


def _slices(label: Any, answer: Any, confidence: Any, n_classes: int) -> SliceReport:
    """By light (errors gather at night), by a number, and by columns that can't be cut."""
    rng = np.random.default_rng(1)
    n, wrong = len(label), label != answer
    night = rng.random(n) < np.where(wrong, 0.5, 0.2)
    columns = {
        "light": [HOSTILE[1] if dark else "day" for dark in night],
        "exposure": rng.normal(0, 1, n),
        "device": ["one"] * n,
        "serial": [f"{i:x}" for i in range(n)],
    }
    tallies = SliceTallies.empty(plan_slices(Survey.of(columns)), n_classes)
    return slice_table([tallies.having(columns, label, answer, confidence)])


def binary() -> Evaluation:
    """Two classes, imbalanced."""
    return make_evaluation([[930, 20], [12, 38]], ("healthy", "ill"), examples=4)


def synthetic(n_classes: int, per_class: int = 50, seed: int = 0) -> Evaluation:
    """`n_classes` in families of five that are confused among each other."""
    rng = np.random.default_rng(seed)
    true = np.repeat(np.arange(n_classes), per_class)
    sibling = np.minimum(true // 5 * 5 + rng.integers(0, 5, len(true)), n_classes - 1)
    anyone = rng.integers(0, n_classes, len(true))
    draw = rng.random(len(true))
    predicted = np.where(draw < 0.75, true, np.where(draw < 0.95, sibling, anyone))
    matrix = ConfusionMatrix.from_labels(true, predicted, n_classes)
    classes = tuple(f"family {i // 5:03} member {i % 5}" for i in range(n_classes))
    return evaluate_matrix(matrix, classes, Provenance(kind="predictions", data_name="synthetic"))


def absent_classes() -> Evaluation:
    """Five classes: one without samples, one never predicted, one with few samples."""
    counts = [
        [90, 5, 0, 0, 5],
        [0, 0, 0, 0, 0],
        [20, 0, 0, 0, 0],
        [1, 0, 0, 8, 0],
        [0, 0, 0, 0, 60],
    ]
    notes = (
        DataNote(
            "duplicates", "3 images occur twice.", "info", 3, ("a/1.png", "a/2.png", "b/3.png")
        ),
        DataNote("training-split", "Scores on training data are optimistic.", "warning"),
    )
    evaluation = make_evaluation(counts, ("ant", "bee", "cow", "doe", "elk"), notes=notes)
    n = evaluation.n_samples
    books = Accounting(n + 4, n, {"unreadable": 3, "label unknown": 1}, {"text files": 2})
    return replace(evaluation, samples=books)


def hostile() -> Evaluation:
    """Names that try to break out, in every slot that data can fill."""
    evil = HOSTILE[1]
    provenance = replace(
        PROVENANCE,
        model=ModelFacts(
            name=evil, version=HOSTILE[0], kind=evil, source=HOSTILE[2],
            files={evil: "ab" * 32}, notes=(HOSTILE[0],),
        ),
        data_name=HOSTILE[3],
        split=HOSTILE[0],
        classes_source=evil,
        preprocessing=(evil,),
        outputs=evil,
        inference={evil: HOSTILE[0]},
        command=HOSTILE[0],
    )  # fmt: skip
    note = DataNote("evil", f"Twice: {evil} {HOSTILE[0]}", "warning", 4, HOSTILE)
    evaluation = make_evaluation(
        CIFAR_COUNTS, HOSTILE, provenance=provenance, notes=(note,), examples=8,
        example_names=HOSTILE,
    )  # fmt: skip
    n = evaluation.n_samples
    return replace(evaluation, samples=Accounting(n + 1, n, {evil: 1}, {HOSTILE[0]: 2}))


def picture(
    side: int = 32, colour: tuple[int, int, int] = (200, 80, 40), kind: str = "PNG"
) -> bytes:
    """An image file with a gradient and a block of `colour`."""
    pixels = np.zeros((side, side, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, side, dtype=np.uint8)
    pixels[..., 1] = np.linspace(0, 255, side, dtype=np.uint8)[:, None]
    pixels[side // 4 : side // 2, side // 4 : side // 2] = colour
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()
