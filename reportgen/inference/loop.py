"""The inference loop: batches in, rows of predictions out, written in parts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import Interrupted, ModelError, ReportgenError, Terminated
from reportgen.inference.facts import NOT_FINITE
from reportgen.inference.forward import Scorer, check_first_batch
from reportgen.inference.sources.batch import Batch, Source
from reportgen.metrics import (
    TOP_K,
    OutputKind,
    ScoredRows,
    contradiction,
    decide_outputs,
    finite_rows,
    score,
)
from reportgen.predictions import INDEPENDENT_SCORES, Parts, Rows, RunState
from reportgen.process import interrupted_by
from reportgen.provenance import DataNote
from reportgen.reporter import Reporter
from reportgen.text import count, quoted

__all__ = [
    "PART_ROWS",
    "PART_SECONDS",
    "predict_alone",
    "predict_into",
]


Floats = NDArray[np.float64]


Mask = NDArray[np.bool_]


PART_ROWS = 2048


PART_SECONDS = 10.0


@dataclass
class _Run:
    """The state of one pass over a source."""

    engine: Scorer
    parts: Parts
    asked: str
    keep_probabilities: bool
    reporter: Reporter
    begins_the_data: bool = True
    waiting: list[Rows] = field(default_factory=list)
    n_waiting: int = 0
    written_at: float = field(default_factory=time.monotonic)

    @property
    def kind(self) -> OutputKind | None:
        return OutputKind(self.parts.state.outputs) if self.parts.state.outputs else None


def predict_into(
    parts: Parts,
    source: Source,
    engine: Scorer,
    *,
    batch_size: int,
    outputs: str,
    reporter: Reporter,
    keep_probabilities: bool = False,
    beginning: Source | None = None,
    again: str = "rerun the same command with --resume",
) -> None:
    """Predict every sample that `parts` does not contain yet; written parts survive any failure.

    The state of `parts` keeps what the first batch showed about the model. Raises
    :class:`Interrupted` on Ctrl-C or SIGTERM, and the errors of the source, the model and the disk.

    Parameters
    ----------
    beginning
        The first samples of the data, if the source begins in the middle: they decide the output
        type, as in a run over all samples, but are not written.
    again
        The hint after an interruption.
    """
    run = _Run(engine, parts, outputs, keep_probabilities, reporter, beginning is None)
    start = parts.n_rows
    if parts.state.forward_size:
        engine.size = min(engine.size, parts.state.forward_size)
    engine.on_halved = lambda size: _remember_halving(run, size)
    try:
        if beginning is not None and not start:
            _decide_by(run, beginning, batch_size)
        reporter.begin("predicting", source.n_samples)
        reporter.advance(start)
        with closing(_scored(engine, source.batches(start, batch_size))) as scored:
            for batch, raw in scored:
                rows = _predict(run, batch, raw)
                run.waiting.append(rows)
                run.n_waiting += len(rows)
                if run.n_waiting >= PART_ROWS or time.monotonic() - run.written_at >= PART_SECONDS:
                    _flush(run)
                reporter.advance(len(rows))
        _flush(run)
    except (KeyboardInterrupt, Terminated) as stop:
        _flush(run)
        raise _interrupt(run, source, stop, again) from None
    except ReportgenError:
        _flush(run)
        raise
    finally:
        reporter.end()


def predict_alone(
    engine: Scorer,
    batch: Batch,
    *,
    asked: str,
    decided: str = "",
    keep_probabilities: bool = False,
    is_first: bool = False,
) -> tuple[Rows, RunState]:
    """Predict one batch on its own; return its rows and the state of the run.

    Parameters
    ----------
    asked, decided
        The output type: as the option declares it, and as an earlier batch decided it ("" if none
        has).
    is_first
        Whether to check the model with this batch, as with the first of a run.
    """
    parts = Parts(Path(), RunState({}, outputs=decided))
    run = _Run(engine, parts, asked, keep_probabilities, Reporter(), begins_the_data=is_first)
    engine.on_halved = lambda size: _remember_halving(run, size)
    return _predict(run, batch, _raw_scores(engine, batch)), parts.state


def _decide_by(run: _Run, beginning: Source, batch_size: int) -> None:
    """Decide the output type with the first batches of the data, as a run from the start does."""
    for number, batch in enumerate(beginning.batches(0, batch_size)):
        if (raw := _raw_scores(run.engine, batch)) is not None:
            _kind_of(run, batch, raw, is_first=number == 0)
        if run.kind is not None:
            return


Scored = tuple[Batch, Floats | None]
"""A batch and its raw scores; None if it has no readable image."""


def _scored(engine: Scorer, batches: Iterator[Batch]) -> Generator[Scored]:
    """Score the batches, in their order; several at a time if the engine allows it.

    If the next batch can't be read, those before it are yielded first.
    """
    if engine.concurrent == 1:
        for batch in batches:
            yield batch, _raw_scores(engine, batch)
        return
    waiting: deque[tuple[Batch, Future[Floats | None]]] = deque()
    pool, lost = ThreadPoolExecutor(engine.concurrent), None
    try:
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                break
            except ReportgenError as error:
                lost = error
                break
            waiting.append((batch, pool.submit(_raw_scores, engine, batch)))
            if len(waiting) > engine.concurrent:
                yield _finished(waiting)
        while waiting:
            yield _finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)
    if lost is not None:
        raise lost


def _finished(waiting: deque[tuple[Batch, Future[Floats | None]]]) -> Scored:
    batch, future = waiting.popleft()
    return batch, future.result()


def _raw_scores(engine: Scorer, batch: Batch) -> Floats | None:
    return None if batch.images is None else engine.scores(batch.images)


def _predict(run: _Run, batch: Batch, raw: Floats | None) -> Rows:
    usable = _usable(batch)
    if raw is None:
        return _rows(run, batch, usable, None)
    is_first = run.begins_the_data and run.parts.n_rows + run.n_waiting == 0
    kind = _kind_of(run, batch, raw, is_first=is_first)
    return _rows(run, batch, usable, score(raw, batch.labels[usable], kind))


def _usable(batch: Batch) -> Mask:
    return np.array([reason is None for reason in batch.reasons])


def _kind_of(run: _Run, batch: Batch, raw: Floats, *, is_first: bool) -> OutputKind:
    """The output type; the first batch also checks the model."""
    kind = _kind(run, raw, batch, _usable(batch))
    if is_first:
        _examine(run, batch.images, raw)
    return kind


def _examine(run: _Run, images: Any, raw: Floats) -> None:
    notes = list(check_first_batch(run.engine, images, raw))
    for note in notes:
        run.reporter.warn(note.sentence)
    _remember(
        run,
        notes=(*run.parts.state.notes, *notes),
        model_notes=tuple(sorted(run.engine.notes)),
    )


def _remember(run: _Run, **changes: Any) -> None:
    run.parts.remember(replace(run.parts.state, **changes))


def _kind(run: _Run, raw: Floats, batch: Batch, usable: Mask) -> OutputKind:
    """The output type: decided with the first finite batch, checked with every later one."""
    kind = run.kind
    finite = finite_rows(raw, kind)
    if kind is None:
        if run.asked != "auto":
            kind = _declared(run.asked, raw.shape[1])
        elif finite.any():
            kind = decide_outputs(raw[finite])
        else:
            return OutputKind.LOGITS  # this batch does not count; the next one decides
        _decide(run, kind, raw[finite])
    wrong = contradiction(raw[finite], kind)
    if wrong is not None:
        ids = [batch.ids[i] for i in np.flatnonzero(usable)[finite]]
        raise _warn_contradiction(run.asked, kind, wrong, ids)
    return kind


def _declared(asked: str, width: int) -> OutputKind:
    """The output type as declared.

    A single output for two classes is the second class's sigmoid.
    """
    kind = OutputKind(asked)
    alone = kind is OutputKind.ONE_VS_REST and width == 1
    return OutputKind.PROBABILITIES if alone else kind


def _decide(run: _Run, kind: OutputKind, raw: Floats) -> None:
    independent = kind is OutputKind.ONE_VS_REST
    _remember(run, outputs=kind.value, notes=(INDEPENDENT_SCORES,) if independent else ())
    if run.asked == "auto":
        run.reporter.say(f"output type: {kind.value} (detected from the first batch)")
    elif kind is OutputKind.LOGITS and raw.shape[1] > 1 and len(raw):
        likely = decide_outputs(raw)
        if likely is not OutputKind.LOGITS:
            note = DataNote(
                "outputs-look-normalised",
                f"Outputs are read as logits, as declared, but the first batch looks like "
                f"{likely.value}: confidences may be wrong.",
                "warning",
            )
            _remember(run, notes=(note,))
            run.reporter.warn(note.sentence)
    if kind is OutputKind.LOGITS and raw.shape[1] > 1 and len(raw) and _independent_shares(raw):
        note = DataNote(
            "softmax-of-shares",
            "All outputs of the first batch are between 0 and 1 and are read as logits "
            "(softmax). If the model ends in a sigmoid for each class, confidences and calibration "
            "are wrong: --outputs one-vs-rest --force.",
            "warning",
        )
        _remember(run, notes=(*run.parts.state.notes, note))
        run.reporter.warn(note.sentence)


def _independent_shares(raw: Floats) -> bool:
    """Whether all scores are in 0..1, but do not add up to 1 per sample."""
    in_unit = bool(raw.min() >= 0 and raw.max() <= 1)
    return in_unit and decide_outputs(raw) is OutputKind.LOGITS


def _warn_contradiction(asked: str, kind: OutputKind, wrong: str, ids: list[str]) -> ModelError:
    why = "detected from the first batch" if asked == "auto" else f"--outputs {asked}"
    return ModelError(
        f"the outputs can't be {kind.value} ({why}): {wrong}",
        slug="outputs-contradict",
        details=[
            f"in the batch that begins with {quoted(ids[0])}" if ids else "in the first batch"
        ],
        hint="specify the output type with --outputs logits|probabilities|log-probabilities|"
        "percentages|one-vs-rest (and --force, if there are unfinished predictions)",
    )


def _rows(run: _Run, batch: Batch, usable: Mask, scored: ScoredRows | None) -> Rows:
    n, n_classes = len(batch), run.engine.n_classes
    k = min(TOP_K, n_classes)
    reasons = list(batch.reasons)
    rows = Rows(
        id=batch.ids,
        label=batch.labels,
        prediction=np.full(n, -1, np.int32),
        confidence=np.full(n, np.nan, np.float32),
        label_probability=np.full(n, np.nan, np.float32),
        label_rank=np.zeros(n, np.int32),
        top_tied=np.zeros(n, np.bool_),
        top_classes=np.zeros((n, k), np.int32),
        top_probabilities=np.zeros((n, k), np.float32),
        probabilities=np.zeros((n, n_classes if run.keep_probabilities else 0), np.float32),
        flags=batch.flags,
        reason=reasons,
        digest=batch.digests,
    )
    if scored is None:
        return rows
    at = np.flatnonzero(usable)
    for i in at[~scored.finite]:
        reasons[i] = NOT_FINITE
    good, kept = at[scored.finite], scored.finite
    rows.prediction[good] = scored.prediction[kept]
    if run.kind is not OutputKind.ONE_VS_REST:
        rows.confidence[good] = scored.confidence[kept]
        rows.label_probability[good] = scored.label_probability[kept]
    rows.label_rank[good] = scored.label_rank[kept]
    rows.top_tied[good] = scored.top_tied[kept]
    rows.top_classes[good] = scored.top_classes[kept]
    rows.top_probabilities[good] = scored.top_probabilities[kept]
    if run.keep_probabilities:
        rows.probabilities[good] = scored.probabilities[kept]
    return rows


def _flush(run: _Run) -> None:
    """Write the buffered rows as a part."""
    run.written_at = time.monotonic()
    if run.waiting:
        waiting, run.waiting, run.n_waiting = run.waiting, [], 0
        run.parts.write(Rows.joined(waiting))


def _remember_halving(run: _Run, size: int) -> None:
    run.reporter.warn(f"out of memory: batch size reduced to {size}")
    _remember(run, forward_size=size)


def _interrupt(run: _Run, source: Source, stop: BaseException, again: str) -> Interrupted:
    total = "" if source.n_samples is None else f" of {count(source.n_samples)}"
    return interrupted_by(stop, f"after {count(run.parts.n_rows)}{total}", hint=again)
