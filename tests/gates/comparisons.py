"""Comparisons for tests, from counts that are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reportgen.analysis.slices import newcombe, two_sided_p
from reportgen.comparison.comparison import (
    COMPARED,
    Bootstrap,
    ClassChange,
    Comparison,
    Difference,
    PairedCounts,
    SliceChange,
)
from reportgen.comparison.significance import mcnemar_mid_p, tango
from tests.factories import make_evaluation

NONE = Difference(None, None, None, reason="no_scores")


def paired_difference(hits: int, gained: int, lost: int, n: int) -> Difference:
    """`hits` of the baseline."""
    if n == 0:
        return Difference(None, None, None, reason="no_true_samples")
    return Difference(
        hits / n,
        (hits + gained - lost) / n,
        (gained - lost) / n,
        tango(gained, lost, n),
        tango(gained, lost, n, 0.90),
        mcnemar_mid_p(gained, lost),
        method="tango",
    )


def unpaired_difference(hits: int, n: int, before: int, n_before: int) -> Difference:
    return Difference(
        before / n_before,
        hits / n,
        hits / n - before / n_before,
        newcombe(hits, n, before, n_before),
        newcombe(hits, n, before, n_before, 0.90),
        two_sided_p(hits, n, before, n_before),
        method="newcombe",
    )


def paired(
    classes: Sequence[tuple[int, int, int, int]],
    names: Sequence[str] | None = None,
    *,
    same: int | None = None,
    slices: Sequence[SliceChange] = (),
    summary: dict[str, Difference] | None = None,
) -> Comparison:
    """Classes as (samples, right before, gained, lost); each is confused with the next one."""
    names = names or [f"class {i}" for i in range(len(classes))]
    counts = [
        PairedCounts(hits - lost, gained, lost, n - hits - gained, n - gained - lost)
        for n, hits, gained, lost in classes
    ]
    whole = PairedCounts(
        *(sum(getattr(one, field) for one in counts)
          for field in ("both_right", "gained", "lost", "both_wrong")),
        same=sum(one.same for one in counts) if same is None else same,
    )  # fmt: skip
    accuracy = paired_difference(whole.both_right + whole.lost, whole.gained, whole.lost, whole.n)
    return Comparison(
        baseline=_evaluation([(n, hits) for n, hits, _, _ in classes], names),
        candidate=_evaluation([(n, hits + g - b) for n, hits, g, b in classes], names),
        paired=whole,
        unpaired_reason="",
        bounds=None,
        summary={**dict.fromkeys(COMPARED, NONE), "accuracy": accuracy, **(summary or {})},
        classes=tuple(
            ClassChange(i, n, one, paired_difference(hits, gained, lost, n), NONE, NONE,
                        "no clear change")
            for i, ((n, hits, gained, lost), one) in enumerate(zip(classes, counts, strict=True))
        ),
        slices=tuple(slices),
        fixed=(), broken=(), grown=(), bootstrap=Bootstrap(0, 0), n_tests=len(classes), detectable=None,
    )  # fmt: skip


def unpaired(baseline: Any, candidate: Any) -> Comparison:
    """From two evaluations, matrices alone."""
    before, after = baseline.confusion, candidate.confusion
    rows = [
        (int(after.diagonal[i]), int(after.true_totals[i]),
         int(before.diagonal[i]), int(before.true_totals[i]))
        for i in range(len(candidate.classes))
    ]  # fmt: skip
    whole = unpaired_difference(
        after.n_correct, after.n_samples, before.n_correct, before.n_samples
    )
    return Comparison(
        baseline=baseline, candidate=candidate, paired=None, unpaired_reason="matrix", bounds=None,
        summary={**dict.fromkeys(COMPARED, NONE), "accuracy": whole},
        classes=tuple(
            ClassChange(i, row[1], None, unpaired_difference(*row), NONE, NONE, "no clear change")
            for i, row in enumerate(rows)
        ),
        slices=(), fixed=(), broken=(), grown=(), bootstrap=Bootstrap(0, 0), n_tests=len(rows),
        detectable=None,
    )  # fmt: skip


def with_class(comparison: Comparison, i: int, **changes: Difference) -> Comparison:
    classes = list(comparison.classes)
    classes[i] = replace(classes[i], **changes)
    return replace(comparison, classes=tuple(classes))


def _evaluation(rows: Sequence[tuple[int, int]], names: Sequence[str]) -> Any:
    counts = np.diag([hits for _, hits in rows])
    for i, (n, hits) in enumerate(rows):
        counts[i, (i + 1) % len(rows)] += n - hits
    return make_evaluation(counts.tolist(), names)
