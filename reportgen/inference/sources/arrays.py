"""The images of a folder or table as arrays, decoded by worker processes without PyTorch."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np

from reportgen.inference.sources.dataset import ArrayDataset
from reportgen.inference.sources.folder import (
    WATCHDOG_SECONDS,
    Collated,
    FolderSource,
    gather,
    quiet_worker,
)

__all__ = [
    "ArraySource",
]


_AHEAD = 2  # prefetched batches per worker


class ArraySource(FolderSource):
    """As :class:`FolderSource`, with numpy arrays in its batches."""

    def loader(self, start: int, batch_size: int, workers: int | None = None) -> Any:
        """An iterable of the batches from sample `start` on."""
        workers = self.workers if workers is None else workers
        places = [(at, min(at + batch_size, self.end)) for at in range(start, self.end, batch_size)]
        assert isinstance(self.dataset, ArrayDataset)
        if workers == 0:
            return (_gathered(self.dataset, *place) for place in places)
        return _ahead(self.dataset, places, workers, "spawn" if self._is_stored else None)

    def _startable(self, workers: int) -> int:
        if multiprocessing.get_start_method() == "fork" and not self._is_stored:
            return workers
        return self._sendable(workers)


_SHARED: dict[str, ArrayDataset] = {}


def _begin(dataset: ArrayDataset) -> None:
    quiet_worker(0)
    _SHARED["dataset"] = dataset


def _gathered(dataset: ArrayDataset, start: int, stop: int) -> Collated:
    return gather(dataset.__getitems__(range(start, stop)), np.stack)


def _in_worker(start: int, stop: int) -> Collated:
    return _gathered(_SHARED["dataset"], start, stop)


def _ahead(
    dataset: ArrayDataset, places: list[tuple[int, int]], workers: int, method: str | None
) -> Iterator[Collated]:
    """The batches in order, a few of them prefetched."""
    context = multiprocessing.get_context(method)
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(dataset,))
    waiting: deque[Future[Collated]] = deque()
    pending = iter(places)
    try:
        for place in pending:
            waiting.append(pool.submit(_in_worker, *place))
            if len(waiting) >= _AHEAD * workers:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _result(future: Future[Collated]) -> Collated:
    try:
        return future.result(timeout=WATCHDOG_SECONDS)
    except TimeoutError as error:
        raise RuntimeError("timed out") from error
