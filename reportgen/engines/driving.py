"""Predict a folder with a pool of Ray actors; the driver plans, hands out batches and writes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reportgen.class_list import ClassList
from reportgen.engines.cluster import connected, resources
from reportgen.engines.collecting import together
from reportgen.engines.headers import Header
from reportgen.engines.pool import Pool
from reportgen.engines.workers import Answer, Order
from reportgen.errors import ModelError, Terminated, UsageError
from reportgen.inference import (
    PART_ROWS,
    PART_SECONDS,
    FolderSource,
    Plan,
    Samples,
    samples_at,
    witness_of,
)
from reportgen.options import Options, Ray
from reportgen.predictions import Parts, RunState, differing
from reportgen.process import interrupted_by
from reportgen.reporter import Reporter
from reportgen.text import count, listing, plural, quoted

__all__ = [
    "RayEngine",
    "Writer",
    "absolute",
    "device_of",
    "lost_error",
    "on_ray",
    "threads_of",
]


_OF_THE_MACHINE = ("device", "batch_size", "torch", "runtime", "list_of_samples")
"""Entries of the identity that depend on the actors' machines."""


@contextmanager
def on_ray(settings: Ray) -> Iterator[RayEngine]:
    """An engine for :func:`reportgen.inference.predict_folder`, for the length of the block."""
    with connected(settings) as ray:
        engine = RayEngine(ray, settings)
        try:
            yield engine
        finally:
            engine.close()


@dataclass
class RayEngine:
    """See :class:`reportgen.inference.Elsewhere`."""

    ray: Any
    settings: Ray
    mark: Mapping[str, str] = field(default_factory=lambda: {"engine": "ray"})
    _pool: Pool | None = None

    def device_of(self, options: Options) -> str:
        return device_of(self.settings, options)

    def begin(self, spec: str, plan: Plan, reporter: Reporter) -> Plan:
        """Start the actors; check that the first finds the same model and images as this process.

        They start together, for their libraries take seconds; but one of a resumed run, which may
        have little left to predict.
        """
        if not self.settings.actor_gpus and (gpus := resources(self.ray)["GPU"]):
            reporter.warn(
                f"the cluster has {plural(int(gpus), 'GPU')}, which are not used: --actor-gpus 1"
            )
        source = plan.source
        assert isinstance(source, FolderSource)
        witness = witness_of(source)
        classes = ClassList(plan.classes.names, plan.classes.source, (), {})
        self._pool = Pool(
            self.ray,
            self.settings,
            (*absolute(spec, plan.options), classes, threads_of(self.settings)),
            self.ray.put(source.dataset.contents),
            None if witness is None else order_of(witness),
            reporter,
        )
        reporter.say(f"engine: Ray, {self.settings.actors} actors")
        _, largest = self.settings.n_actors
        n_batches = -(-source.n_samples // plan.batch_size)
        self._pool.begin(1 if plan.options.resume else min(largest, max(n_batches, 1)))
        first, *others = map(Header.from_text, self._pool.headers)
        _require_same(plan.identity, first.identity)
        for other in others:
            together([first, other])
        self._pool.accept = lambda text: together([first, Header.from_text(text)])
        theirs = {key: first.identity[key] for key in _OF_THE_MACHINE if key in first.identity}
        return replace(
            plan,
            batch_size=int(first.identity["batch_size"]),
            identity={**plan.identity, **theirs},
            inference=first.facts.provenance.inference,
            provenance=replace(plan.provenance, versions=first.facts.provenance.versions),
        )

    def predict(self, plan: Plan, parts: Parts, reporter: Reporter) -> Plan:
        """Predict the samples that `parts` does not contain yet."""
        assert self._pool is not None
        assert isinstance(plan.source, FolderSource)
        writer = Writer(parts, reporter)
        reporter.begin("predicting", plan.source.n_samples)
        reporter.advance(parts.n_rows)
        try:
            with writer:
                self._hand_out(plan, writer)
        except (KeyboardInterrupt, Terminated) as stop:
            total = f"after {count(parts.n_rows)} of {count(plan.source.n_samples)}"
            hint = "rerun the same command with --resume"
            raise interrupted_by(stop, total, hint=hint) from None
        finally:
            reporter.end()
            self.close()
        facts = together([Header.from_text(text) for text in dict.fromkeys(self._pool.headers)])
        seen = facts.facts.provenance
        return replace(
            plan,
            inference=seen.inference,
            provenance=replace(plan.provenance, versions=seen.versions),
            notes=(*plan.notes, *facts.facts.run_notes),
        )

    def _hand_out(self, plan: Plan, writer: Writer) -> None:
        pool, parts, size = self._pool, writer.parts, plan.batch_size
        assert pool is not None
        assert isinstance(plan.source, FolderSource)
        done = set((parts.places_in(plan.source.ids) // size).tolist())
        n_batches = -(-plan.source.n_samples // size)
        numbers = [number for number in range(n_batches) if number not in done]
        while numbers and not parts.state.outputs:
            is_first = parts.n_rows == 0
            orders = Orders(plan.source, size, [numbers.pop(0)])
            for _, answer in pool.run(orders, "", is_first=is_first, following=len(numbers)):
                writer.decide(answer, plan.options.outputs)
            _require_none_lost(pool, orders)
            writer.flush()
        orders = Orders(plan.source, size, numbers)
        for _, answer in pool.run(orders, parts.state.outputs):
            writer.take(answer)
        _require_none_lost(pool, orders)

    def close(self) -> None:
        """Stop the actors."""
        if self._pool is not None:
            self._pool.close()


@dataclass(frozen=True)
class Orders(Sequence[Order]):
    """Batches of a data set by index, created when they are handed out."""

    source: FolderSource
    size: int
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, at: Any) -> Any:
        start = self.numbers[at] * self.size
        stop = min(start + self.size, self.source.n_samples)
        return order_of(samples_at(self.source, range(start, stop)))


def order_of(samples: Samples) -> Order:
    return Order(samples.ids, samples.labels, samples.raws, samples.reasons)


@dataclass
class Writer:
    """Writes rows from actors into parts; rows received before an error are kept."""

    parts: Parts
    reporter: Reporter
    _waiting: list[Any] = field(default_factory=list)
    _written_at: float = field(default_factory=time.monotonic)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()

    def decide(self, answer: Answer, asked: str) -> None:
        """As :meth:`take`, for the first batch: it decides the output type for the run."""
        told = answer.state
        assert told is not None
        if told.outputs and asked == "auto":
            self.reporter.say(f"output type: {told.outputs} (detected from the first batch)")
        for note in told.notes:
            self.reporter.warn(note.sentence)
        before = self.parts.state
        self.parts.remember(
            replace(
                before,
                outputs=told.outputs,
                notes=(*before.notes, *told.notes),
                model_notes=tuple(dict.fromkeys((*before.model_notes, *told.model_notes))),
            )
        )
        self.take(answer)

    def take(self, answer: Answer) -> None:
        """Keep the rows of a batch."""
        self._remember_halving(answer.state)
        self._waiting.append(answer.table)
        if (
            sum(map(len, self._waiting)) >= PART_ROWS
            or time.monotonic() - self._written_at >= PART_SECONDS
        ):
            self.flush()
        self.reporter.advance(len(answer.table))

    def _remember_halving(self, told: RunState | None) -> None:
        before = self.parts.state
        if told is None or not told.forward_size:
            return
        if not before.forward_size or told.forward_size < before.forward_size:
            self.reporter.warn(f"out of memory: batch size reduced to {told.forward_size}")
            self.parts.remember(replace(before, forward_size=told.forward_size))

    def flush(self) -> None:
        """Write the buffered rows as a part."""
        import pyarrow as pa

        self._written_at = time.monotonic()
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.parts.write_table(pa.concat_tables(waiting).combine_chunks())


def absolute(spec: str, options: Options) -> tuple[str, Options]:
    """MODEL and options with absolute paths: actors have other working folders."""
    file, colon, name = spec.rpartition(":")
    if Path(spec).exists():
        spec = str(Path(spec).absolute())
    elif colon and file.endswith(".py") and Path(file).exists():
        spec = f"{Path(file).absolute()}:{name}"
    changes: dict[str, Any] = {}
    if options.weights is not None:
        changes["weights"] = options.weights.absolute()
    if isinstance(options.classes, Path):
        changes["classes"] = options.classes.absolute()
    if options.transform and ".py:" in options.transform:
        transform, _, name = options.transform.rpartition(":")
        changes["transform"] = f"{Path(transform).absolute()}:{name}"
    return spec, replace(options, **changes)


def device_of(settings: Ray, options: Options) -> str:
    """The device type that the actors use."""
    if options.device != "auto":
        return options.device.partition(":")[0]
    return "cuda" if settings.actor_gpus else "cpu"


def threads_of(settings: Ray) -> int:
    """PyTorch threads per actor."""
    return max(int(settings.actor_cpus), 1)


def _require_same(ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    """Refuse a worker whose model or libraries differ from those of this process."""
    here, there = (
        {key: value for key, value in one.items() if key not in _OF_THE_MACHINE}
        for one in (ours, theirs)
    )
    what, lines = differing(here, there)
    if what:
        raise UsageError(
            f"the rows were made with different {what}",
            slug="rows-mixed",
            details=[line.replace(" before", " here").replace(" now", " there") for line in lines],
            hint="use one model, one set of options and one environment for all workers",
        )


def _require_none_lost(pool: Pool, orders: Sequence[Order]) -> None:
    if pool.lost:
        raise lost_error({tuple(orders[at].ids): reason for at, reason in pool.lost.items()})


def lost_error(lost: Mapping[tuple[str, ...], str], *, is_kept: bool = True) -> ModelError:
    """The error for batches on which workers died repeatedly; `lost` has their sample ids.

    `is_kept`: the other predictions were saved, and ``--resume`` can continue.
    """
    ids, reason = next(iter(lost.items()))
    more = f", and on {plural(len(lost) - 1, 'batch', 'batches')} more" if len(lost) > 1 else ""
    return ModelError(
        f"workers died on the batch from {quoted(ids[0])} to {quoted(ids[-1])}{more}",
        slug="worker-lost",
        details=[
            f"each was tried 4 times; the last said: {reason}",
            *(f"in the batch: {listing(map(quoted, one), len(one))}" for one in list(lost)[:3]),
            *(["the predictions of all others are kept"] if is_kept else []),
        ],
        hint="find out which image ends the process, repair it, and repeat the same command with "
        "--resume"
        if is_kept
        else "find out which image ends the process, repair it, and start over",
    )
