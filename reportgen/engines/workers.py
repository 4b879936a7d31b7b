"""The Ray actor: it loads a model and predicts the batches that the driver hands out."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.engines.headers import VERSION, Header
from reportgen.errors import ModelError, ReportgenError
from reportgen.inference import BatchPredictor, Samples, reason_unread
from reportgen.options import Options
from reportgen.predictions import RunState, table_of
from reportgen.text import printable, quoted

__all__ = [
    "Answer",
    "Order",
    "Worker",
]


@dataclass(frozen=True)
class Order:
    """A batch of samples, as sent to an actor; see :class:`reportgen.inference.Samples`."""

    ids: Sequence[str]
    labels: NDArray[np.int32]
    raws: Sequence[str]
    reasons: Mapping[int, str]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Answer:
    """An actor's answer to an order.

    Attributes
    ----------
    table
        The rows, an Arrow table with the columns of a part.
    state
        Output type, notes and counts of the batch.
    header
        The header of the actor's rows, as text.
    error
        An error that ends the run; the driver raises it.
    """

    table: Any = None
    state: RunState | None = None
    header: str = ""
    error: ReportgenError | None = None


class Worker:
    """An actor with a loaded model. It keeps nothing of a batch after predicting it."""

    def __init__(self, spec: str, options: Options, classes: Any, threads: int) -> None:
        self._arguments = spec, options, classes, threads
        self._predictor: BatchPredictor | None = None
        self._contents: Any = None

    def begin(self, contents: Any, witness: Order | None) -> Answer:
        """Load the model, and read the image of `witness`, which the driver has read."""
        spec, options, classes, threads = self._arguments
        try:
            self._predictor = BatchPredictor.load(spec, options, threads=threads, names=classes)
            self._contents = contents
            if witness is not None:
                self._require_seen(witness)
        except ReportgenError as error:
            return Answer(error=error)
        return Answer(header=self._header(RunState({})))

    def predict(self, order: Order, decided: str, *, is_first: bool) -> Answer:
        """Predict a batch."""
        assert self._predictor is not None
        try:
            rows, state = self._predictor.predict(
                self._samples(order), decided=decided, is_first=is_first
            )
        except ReportgenError as error:
            return Answer(error=error)
        return Answer(table_of(rows), state, self._header(state) if is_first else "")

    def process(self) -> int:
        """The id of the actor's process."""
        return os.getpid()

    def _header(self, state: RunState) -> str:
        assert self._predictor is not None
        plan, limit = self._predictor.plan, self._arguments[1].max_bad
        return Header(VERSION, plan.identity, self._predictor.outline(state), limit).to_text()

    def _samples(self, order: Order) -> Samples:
        return Samples(order.ids, order.labels, order.raws, self._contents, order.reasons)

    def _require_seen(self, witness: Order) -> None:
        if (reason := reason_unread(self._samples(witness))) is not None:
            raise ModelError(
                f"a worker on {printable(platform.node())} can't read {quoted(witness.ids[0])}: it "
                f"{reason}",
                slug="worker-lost",
                hint="put the images at the same path on every machine of the cluster",
            )
