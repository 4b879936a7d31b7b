"""A curve of many thresholds in a few points that draw the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fitted", "thinned"]

_CANDIDATES = 1000
_FIRST = 12  # points that lie evenly, before any is chosen
_A_ROUND = 3  # points that are chosen at once for either curve

Counts = NDArray[np.int64]
Indices = NDArray[np.intp]
Floats = NDArray[np.float64]


def thinned(tp: Counts, fp: Counts, n_points: int) -> list[int]:
    """Indices of points that lie evenly along the ROC curve, and evenly in sensitivity.

    `tp` and `fp` are what each threshold flags, highest first: int64, shape (G,). At most
    ``n_points + 2`` indices, the first and the last threshold among them.
    """
    if len(tp) <= n_points:
        return list(range(len(tp)))
    kept = {0, len(tp) - 1}
    for way in (tp / max(tp[-1], 1) + fp / max(fp[-1], 1), tp / max(tp[-1], 1)):
        wanted = np.linspace(way[0], way[-1], n_points // 2)
        kept.update(np.minimum(np.searchsorted(way, wanted), len(tp) - 1).tolist())
    return sorted(kept)


def fitted(tp: Counts, fp: Counts, n_points: int) -> list[int]:
    """Indices of at most `n_points` points, chosen where the curves would else be missed most.

    A few that lie evenly are refined in rounds: after Douglas & Peucker 1973, Cartographica
    10(2), 112-122, but by area, and for two curves at once: the ROC curve, drawn with straight
    lines, and precision over recall, drawn in steps. Both sides must have samples.
    """
    among = np.array(thinned(tp, fp, _CANDIDATES), np.intp)
    if len(among) <= n_points:
        return [int(i) for i in among]
    tp, fp = tp[among], fp[among]
    kept = np.array(thinned(tp, fp, _FIRST), np.intp)
    while room := n_points - len(kept):
        more = np.array(list(_missed(tp, fp, kept, room)), np.intp)
        if not len(more):
            break
        kept = np.union1d(kept, more)
    return [int(i) for i in among[kept]]


def _missed(tp: Counts, fp: Counts, kept: Indices, room: int) -> Iterator[int]:
    """At most `room` points, of the stretches between kept ones where most area is lost."""
    right = np.searchsorted(kept, np.arange(len(tp)))
    left, right = kept[np.maximum(right - 1, 0)], kept[right]
    across, up, precision = fp / fp[-1], tp / tp[-1], tp / (tp + fp)
    width, height = across[right] - across[left], up[right] - up[left]
    of_chord = np.abs((across - across[left]) * height - (up - up[left]) * width)
    of_steps = np.abs(precision - precision[right]) * (up - up[left])
    yield from _worst(of_chord, kept, max(1, min(_A_ROUND, room // 2)))
    if room > 1:
        yield from _worst(of_steps, kept, min(_A_ROUND, room // 2))


def _worst(lost: NDArray[Any], kept: Indices, n: int) -> Iterator[int]:
    """The point with the largest loss in each of the `n` stretches that lose most."""
    most = np.maximum.reduceat(lost[1:], kept[:-1])  # of (kept, next kept]
    for i in np.argsort(-most, kind="stable")[:n]:
        start, end = int(kept[i]) + 1, int(kept[i + 1])
        if most[i] > 0 and end > start:
            yield start + int(np.argmax(lost[start:end]))
