"""Ray: its options, and predictions of a user's Ray Dataset."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Unpack

from reportgen import output_folder
from reportgen.engines.cluster import connected, refuse_stages, require_ray, resources, stalled
from reportgen.engines.collecting import Said, finish, held_for
from reportgen.engines.driving import absolute, device_of, lost_error, threads_of
from reportgen.engines.headers import HEADER_KEY
from reportgen.engines.predicting import Predict
from reportgen.errors import ReportgenError, UsageError
from reportgen.inference import PART_ROWS
from reportgen.options import DEFAULT_BATCH_SIZES, Options, Ray, RunKeywords
from reportgen.paths import output_path
from reportgen.predictions import Parts, Predictions, part_schema
from reportgen.reporter import Reporter
from reportgen.text import printable

__all__ = [
    "Ray",
    "predict",
]


_RETRIES = 3  # Ray's default is unlimited, which never ends if an image crashes its process


_RUN = "run"


def predict(
    dataset: Any,
    model: str | Path,
    *,
    out: str | Path,
    engine: Ray | None = None,
    reporter: Reporter | None = None,
    **options: Unpack[RunKeywords],
) -> Predictions:
    """Predict a ``ray.data.Dataset``; its images need not be files.

    If the data set has pending stages, such as a read, the actors must leave a CPU core for them.

    Parameters
    ----------
    dataset
        Columns ``id`` (text), ``image`` (bytes of an image file) or ``path`` (to one that every
        machine can read), and optionally ``label`` (class name or index).
    model
        MODEL as on the command line; at the same path on every machine.
    out
        The file to write if it ends with ``.parquet``, otherwise the folder to write it in.
    engine
        Settings of the pool; by default :class:`Ray` with its defaults.
    **options
        The options of ``reportgen predict``, including ``classes``, except ``resume``.

    Raises
    ------
    ReportgenError
        The errors of :class:`Predict` and :func:`collect`; ``worker-lost``: a batch repeatedly
        killed its worker; ``engine-stalled``: no rows were returned within the time limit.
    """
    settings, asked, reporter = engine or Ray(), Options.of(options), reporter or Reporter()
    require_ray("ray")
    if asked.resume:
        raise UsageError(
            "a Dataset can't be resumed: its samples are known only as they come",
            slug="resume-live",
            hint="start over with force=True, or predict a folder with --engine ray",
        )
    target = output_path(out)
    if target.suffix.lower() != Path(output_folder.PREDICTIONS).suffix or target.is_dir():
        target = target / output_folder.PREDICTIONS
    with held_for(target, force=asked.force), connected(settings) as ray, _quiet():
        if not isinstance(dataset, _materialized()):
            refuse_stages(settings, resources(ray))
        parts, said = Parts.start(output_folder.partial_folder(target), {}), Said()
        journal = ray.remote(_Journal).options(num_cpus=0).remote()
        reporter.begin("predicting", None)
        try:
            tables = _tables(ray, dataset, str(model), asked, settings, journal)
            _write(tables, parts, said, reporter)
            return finish(parts, target, said, None)
        finally:
            reporter.end()
            parts.discard()
            ray.kill(journal)


def _materialized() -> Any:
    """The class of data sets whose blocks are already in the object store."""
    from ray.data.dataset import MaterializedDataset

    return MaterializedDataset


class _Journal:
    """An actor that records which batches are in progress: Ray does not report what failed."""

    def __init__(self) -> None:
        self.begun: Counter[tuple[str, ...]] = Counter()
        self.error: ReportgenError | None = None

    def begin(self, ids: Sequence[str]) -> None:
        self.begun[tuple(ids)] += 1

    def end(self, ids: Sequence[str]) -> None:
        self.begun.pop(tuple(ids), None)

    def fail(self, error: ReportgenError) -> None:
        self.error = error

    def tell(self) -> tuple[ReportgenError | None, list[tuple[str, ...]]]:
        """The first error; and the unfinished batches, those started most often first."""
        most = max(self.begun.values(), default=0)
        return self.error, [ids for ids, times in self.begun.items() if times == most]


class _Rows:
    """The callable that runs in an actor of Ray Data."""

    def __init__(self, model: str, options: Options, threads: int, journal: Any) -> None:
        import ray

        self._get, self._journal = ray.get, journal
        with self._told():
            self._predict = Predict.of(model, options, threads)

    def __call__(self, batch: Any) -> Any:
        import pyarrow as pa

        with self._told():
            ids = batch["id"].to_pylist() if "id" in batch.schema.names else []
            self._get(self._journal.begin.remote(ids))
            table = self._predict(batch)
        self._get(self._journal.end.remote(ids))
        run = table.schema.metadata[HEADER_KEY].decode()
        said = pa.array([run, *[None] * (len(table) - 1)][: len(table)], pa.string())
        return table.replace_schema_metadata(None).append_column(_RUN, said)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except ReportgenError as error:
            self._get(self._journal.fail.remote(error))
            raise


def _tables(
    ray: Any, dataset: Any, model: str, asked: Options, settings: Ray, journal: Any
) -> Iterator[Any]:
    """Yield the tables of rows as they arrive.

    Failures of Ray are raised as errors of this package.
    """
    smallest, largest = settings.n_actors
    spec, options = absolute(model, asked)
    size = asked.batch_size or DEFAULT_BATCH_SIZES[device_of(settings, asked)]
    rows = dataset.map_batches(
        _Rows,
        batch_format="pyarrow",
        batch_size=size,
        compute=ray.data.ActorPoolStrategy(min_size=smallest, max_size=largest),
        num_cpus=settings.actor_cpus,
        num_gpus=settings.actor_gpus,
        max_restarts=_RETRIES,
        max_task_retries=_RETRIES,
        fn_constructor_args=(spec, options, threads_of(settings), journal),
    )
    came: queue.Queue[Any] = queue.Queue(8)
    stop = threading.Event()
    threading.Thread(target=_iterate, args=(rows, came, stop), daemon=True).start()
    heard = time.monotonic()
    try:
        while True:
            with suppress(queue.Empty):
                table = came.get(timeout=1.0)
                if table is None:
                    return
                if isinstance(table, BaseException):
                    raise _told(ray, journal, table)
                heard = time.monotonic()
                yield table
                continue
            if (silent := time.monotonic() - heard) >= settings.stall_timeout:
                raise stalled(f"no rows for {silent:.0f} seconds", settings, resources(ray))
    finally:
        stop.set()


def _iterate(rows: Any, came: queue.Queue[Any], stop: threading.Event) -> None:
    """Put the tables of a Dataset into a queue, then None, or the exception raised."""

    def put(value: Any) -> None:
        while not stop.is_set():
            with suppress(queue.Full):
                came.put(value, timeout=1.0)
                return

    try:
        for table in rows.iter_batches(batch_size=None, batch_format="pyarrow"):
            put(table)
            if stop.is_set():
                return
        put(None)
    except BaseException as error:
        put(error)


def _told(ray: Any, journal: Any, error: BaseException) -> BaseException:
    ours, undone = ray.get(journal.tell.remote())
    if ours is not None:
        return ours  # type: ignore[no-any-return]
    if not undone or not isinstance(error, ray.exceptions.RayError):
        return error
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = printable(lines[0] if lines else type(error).__name__)[:200]
    return lost_error(dict.fromkeys(undone, reason), is_kept=False)


def _write(tables: Iterator[Any], parts: Parts, said: Said, reporter: Reporter) -> None:
    import pyarrow as pa

    waiting: list[Any] = []
    for given in tables:
        if not len(given):
            continue
        table = given.select(part_schema().names).cast(part_schema())
        for text in given[_RUN].drop_null().to_pylist():
            said.hear(table.replace_schema_metadata({HEADER_KEY: text.encode()}))
        waiting.append(table)
        reporter.advance(len(table))
        if sum(map(len, waiting)) >= PART_ROWS:
            parts.write_table(pa.concat_tables(waiting).combine_chunks())
            waiting = []
    if waiting:
        parts.write_table(pa.concat_tables(waiting).combine_chunks())


@contextmanager
def _quiet() -> Iterator[None]:
    """Disable the progress bars of Ray Data."""
    import logging

    from ray.data import DataContext

    context, log = DataContext.get_current(), logging.getLogger("ray.data")
    before = context.enable_progress_bars, log.level
    context.enable_progress_bars = False
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        context.enable_progress_bars = before[0]
        log.setLevel(before[1])
