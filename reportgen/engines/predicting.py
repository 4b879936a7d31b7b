"""`Predict`: a model for the workers of any engine. One batch in, its rows out, no state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from reportgen.class_list import resolve_classes
from reportgen.engines.headers import HEADER_KEY, VERSION, Header
from reportgen.errors import DataError, UsageError
from reportgen.inference import (
    BatchPredictor,
    GivenImages,
    Plan,
    Samples,
    labels_have_names,
    order_of_data,
)
from reportgen.options import Options, RunKeywords
from reportgen.paths import local_path
from reportgen.predictions import RunState, part_schema, table_of
from reportgen.text import listing, plural, quoted

__all__ = [
    "Predict",
]


class Predict:
    """A model that is loaded once, on construction, and then called with one batch at a time.

    The rows of a batch depend on that batch only, so batches can be split, repeated and reordered.
    Create one per process; unpickling loads the model again.

    Parameters
    ----------
    model
        MODEL as on the command line, not a live module.
    threads
        PyTorch threads for a forward pass, at least 1. Engines usually start one process per core.
    **options
        The options of ``reportgen predict``, with underscores. ``classes`` is required if the model
        has no class list.

    Raises
    ------
    ReportgenError
        The errors of :func:`reportgen.predict` before the first forward pass; ``classes-needed`` if
        the classes are unknown.
    """

    def __init__(
        self, model: str | Path, *, threads: int = 1, **options: Unpack[RunKeywords]
    ) -> None:
        if not isinstance(model, (str, Path)):
            raise UsageError(
                f"Predict takes a model by its path or name, not a {type(model).__name__}",
                slug="model-and-data",
                hint="save the model and pass the file: every worker loads its own",
            )
        local_path(model, "MODEL")
        self._load(str(model), Options.of(options), threads)

    @classmethod
    def of(cls, model: str, options: Options, threads: int) -> Predict:
        """Construct from validated options."""
        made = cls.__new__(cls)
        made._load(model, options, threads)
        return made

    def _load(self, model: str, options: Options, threads: int) -> None:
        self._arguments = model, options, threads
        self._predictor = BatchPredictor.load(model, options, threads=max(threads, 1))
        self._max_bad = options.max_bad
        self._is_new = True

    def __reduce__(self) -> tuple[Any, ...]:
        return Predict.of, self._arguments

    @property
    def batch_size(self) -> int:
        """Images per forward pass. Larger batches are split, and the last part is padded."""
        return self._predictor.plan.batch_size

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        return self._predictor.plan.classes.names

    def __call__(self, batch: Any) -> Any:
        """Predict a batch.

        The first call also checks that the model is deterministic: it runs the batch again, and
        some of its images alone.

        Parameters
        ----------
        batch
            An Arrow table or record batch, or a mapping of columns: ``id`` (text), ``image`` (bytes
            of an image file) or ``path`` (to one), and optionally ``label`` (class name or index;
            None and -1 mean unknown).

        Returns
        -------
        pyarrow.Table
            One row per sample, in order, for :func:`collect`. An unreadable sample has a
            ``reason``.

        Raises
        ------
        DataError
            ``batch-columns``: a column is missing or invalid. ``class-unknown``: a label is not a
            class.
        ModelError
            The model fails, or its outputs contradict the output type.
        """
        samples = self._samples(batch)
        if not len(samples):
            return self._table(None, RunState({}))
        rows, state = self._predictor.predict(samples, is_first=self._is_new)
        self._is_new = False
        return self._table(rows, state)

    def header(self, batch: Any) -> str:
        """The run metadata of the tables, for :func:`collect`.

        For engines that drop the schema metadata of tables. `batch` is any batch of the run.
        """
        return str(self(batch).schema.metadata[HEADER_KEY].decode())

    def _table(self, rows: Any, state: RunState) -> Any:
        table = part_schema().empty_table() if rows is None else table_of(rows)
        plan = self._predictor.plan
        header = Header(VERSION, plan.identity, self._predictor.outline(state), self._max_bad)
        return table.replace_schema_metadata({HEADER_KEY: header.to_text().encode()})

    def _samples(self, batch: Any) -> Samples:
        columns = _columns(batch)
        ids = columns["id"]
        labels = _labels(columns.get("label"), self._predictor.plan, len(ids))
        if "path" in columns:
            return Samples(ids, labels, [str(path) for path in columns["path"]])
        places = [str(at) for at in range(len(ids))]
        return Samples(ids, labels, places, GivenImages(columns["image"], ids))


_HINT = "a batch has id, image (bytes) or path, and optionally label"


def _columns(batch: Any) -> dict[str, list[Any]]:
    """The columns in use, as lists of equal length."""
    names = batch.schema.names if hasattr(batch, "schema") else list(batch)
    images = [name for name in ("image", "path") if name in names]
    if "id" not in names or len(images) != 1:
        raise DataError(
            f"the batch has {listing(map(quoted, names)) if names else 'no column'}",
            slug="batch-columns",
            hint=_HINT,
        )
    used = [name for name in ("id", *images, "label") if name in names]
    columns = {name: _values(batch[name]) for name in used}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = listing(f"{quoted(name)} {n}" for name, n in lengths.items())
        raise DataError(
            f"the columns of the batch differ in length: {told}", slug="batch-columns", hint=_HINT
        )
    for name, kind in (("id", str), ("image", (bytes, type(None))), ("path", (str, Path))):
        strange = [one for one in columns.get(name, ()) if not isinstance(one, kind)]
        if strange:
            raise DataError(
                f"{quoted(name)} of the batch contains {plural(len(strange), 'value')} of type "
                f"{type(strange[0]).__name__}",
                slug="batch-columns",
                hint="id and path are text, image is the bytes of an image file",
            )
    return columns


def _values(column: Any) -> list[Any]:
    for name in ("to_pylist", "tolist"):  # Arrow's; numpy's and pandas'
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _labels(given: Sequence[Any] | None, plan: Plan, n: int) -> NDArray[np.int32]:
    """Indices into the class names, -1 where unknown."""
    names, order = plan.classes.names, order_of_data(plan.options, plan.classes)
    if given is None:
        return np.full(n, -1, np.int32)
    by_name = sorted({one for one in given if isinstance(one, str)})
    index = resolve_classes(
        explicit=names, explicit_source="the classes", from_model=None, model_source="",
        folders=by_name, n_outputs=None, table="the batch",
    ).index  # fmt: skip
    found = [-1 if one is None else index[one] if isinstance(one, str) else one for one in given]
    if order is not None and by_name:
        raise labels_have_names(by_name[0])
    n_known = len(names) if order is None else len(order)
    wrong = [i for i in found if not isinstance(i, int) or not -1 <= i < n_known]
    if wrong:
        raise DataError(
            f"the label {quoted(str(wrong[0]))} of the batch is not a class",
            slug="class-unknown",
            hint=f"labels are class names, or 0 to {n_known - 1}; -1 and none are unknown",
        )
    labels = np.array(found, np.int32)
    return labels if order is None else np.where(labels < 0, -1, order[labels])
