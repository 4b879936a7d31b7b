"""A callback of Lightning that writes the report of ``trainer.test``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sized
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.api import check_request, render
from reportgen.errors import ModelError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.importers import is_called
from reportgen.inference import live_classes, shuffles
from reportgen.integrations.columns import Columns, as_array
from reportgen.text import listing, printable, quoted

LIBRARIES = ("lightning.pytorch", "pytorch_lightning")
"""The two names of the library; a Trainer of one may refuse callbacks of the other."""


def _bases() -> tuple[type, ...]:
    """``Callback`` of each imported variant of the library, or of the first installed one."""
    for name in [name for name in LIBRARIES if name in sys.modules] or LIBRARIES:
        with suppress(ModuleNotFoundError):
            import_module(name)
    found = tuple(sys.modules[name].Callback for name in LIBRARIES if sys.modules.get(name))
    if not found:
        raise ModelError(
            "Lightning is not installed",
            slug="lightning-missing",
            hint="install it: pip install lightning",
        )
    return found


__all__ = ["ReportCallback"]


class ReportCallback(*_bases()):  # type: ignore[misc]  # known at run time alone
    """Writes the report at the end of ``trainer.test``.

    ``test_step`` returns a mapping with scores of shape (N, K) of the N samples of the batch
    (``logits``, ``probabilities``, …) or classes of shape (N,) (``prediction``), or only such an
    array. Labels and ids are in the mapping too (``label``, ``id``), otherwise taken from the
    batch: ``(images, labels)``, ``(images, labels, ids)``, or a mapping. Other arrays of N values
    are metadata columns; values without a row per sample, such as the loss, are ignored.

    With several processes, the first one writes the report of all. Ids are required then, since the
    sampler repeats samples so that all processes have equally many.

    Parameters
    ----------
    out
        The folder for the report. It is checked for write access before the test.
    **options
        Options of :func:`reportgen.render`: ``classes`` (if neither the module nor the data set has
        class names), ``force``, ``gates``, ``baseline``, ``images``, …

    Attributes
    ----------
    evaluation
        The evaluation of the last test, in the process that wrote the report.
    predictions
        Column → array over all samples; can be passed to :func:`reportgen.render` if the report
        failed.
    """

    def __init__(self, out: str | Path, **options: Any) -> None:
        super().__init__()
        self.out, self.options = out, options
        self.evaluation: Evaluation | None = None
        self.predictions: dict[str, Any] | None = None
        self._columns, self._defaults = Columns(), dict[str, Any]()

    def on_test_start(self, trainer: Any, pl_module: Any) -> None:
        """Raise foreseeable errors before the test."""
        loader = _only_loader(trainer.test_dataloaders)
        self._columns, self.predictions, self.evaluation = Columns(), None, None
        self._defaults = {"model_name": type(pl_module).__name__}
        if self.options.get("classes") is None:
            self._defaults["classes"] = _classes(pl_module, loader)
        if trainer.is_global_zero:
            check_request(out=self.out, **self._options)

    def on_test_batch_end(
        self,
        trainer: Any,
        pl_module: Any,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,  # noqa: ARG002
    ) -> None:
        """Store the outputs of the step."""
        columns = _step_columns(outputs, batch_idx, type(pl_module).__name__)
        columns = self._with_labels(columns, batch, batch_idx)
        rows = _rows(columns, batch_idx, self.options.get("label_column"))
        if not self._columns:
            self._check_ids(rows, trainer)
        elif set(rows) != set(self._columns.names):
            raise _refused(
                f"test_step returned {listing(map(quoted, rows))} for batch {batch_idx}, and "
                f"{listing(map(quoted, self._columns.names))} before",
                "return the same keys for every batch",
            )
        elif (name := self._columns.other_form(rows)) is not None:
            before = ", ".join(["N", *map(str, self._columns.row_shape(name))])
            raise _refused(
                f"test_step returned {quoted(name)} of shape {rows[name].shape} for batch "
                f"{batch_idx}, and ({before}) before",
                "return scores of all classes for every batch",
            )
        self._columns.add(rows)

    def on_test_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Write the report."""
        table = self._columns.table()
        if trainer.world_size > 1:
            table = _gathered(table, self._id_name(table), trainer)
        if trainer.is_global_zero:
            self.predictions = table
            self.evaluation = render(table, out=self.out, **self._options)

    @property
    def _options(self) -> dict[str, Any]:
        return {**self._defaults, **self.options}

    def _id_name(self, rows: Mapping[str, Any]) -> str | None:
        given: str | None = self.options.get("id_column")
        return given or next((name for name in rows if is_called(name, "id")), None)

    def _with_labels(
        self, columns: Mapping[str, Any], batch: Any, number: int
    ) -> Mapping[str, Any]:
        """Add labels and ids of the batch, if the step returned none."""
        if self.options.get("label_column") or any(is_called(name, "label") for name in columns):
            return columns
        labels, ids = _labels_of(batch, number)
        if ids is None or self._id_name(columns):
            return {"label": labels, **columns}
        return {"id": ids, "label": labels, **columns}

    def _check_ids(self, rows: Mapping[str, Any], trainer: Any) -> None:
        if self._id_name(rows) is not None:
            return
        if trainer.world_size > 1:
            raise UsageError(
                f"the test runs in {trainer.world_size} processes, and its samples have no ids: "
                "those that the sampler repeats can't be recognised",
                slug="test-processes",
                hint='return "id" from test_step, or test with Trainer(devices=1, num_nodes=1)',
            )
        if shuffles(_only_loader(trainer.test_dataloaders)):
            raise UsageError(
                "the test loader shuffles, and its samples have no ids",
                slug="loader-shuffles",
                hint='use shuffle=False, or return "id" from test_step',
            )


def _only_loader(loaders: Any) -> Any:
    several = list(loaders.values()) if isinstance(loaders, Mapping) else loaders
    several = several if isinstance(several, (list, tuple)) else [several]
    if len(several) != 1:
        raise UsageError(
            f"the test has {len(several)} data loaders, and a report covers one",
            slug="test-loaders",
            hint="test each one separately, with its own callback: trainer.test(model, loader)",
        )
    return several[0]


def _classes(module: Any, loader: Any) -> list[str]:
    names, _, notes = live_classes(None, "classes=", module, loader)
    for note in notes:  # the labels may refer to other classes than the names
        raise UsageError(
            note.sentence, slug="classes-needed", hint="pass classes= to ReportCallback"
        )
    return list(names)


def _step_columns(outputs: Any, number: int, module: str) -> Mapping[str, Any]:
    """The outputs of ``test_step`` by name, without losses and other scalars."""
    if isinstance(outputs, Mapping):
        found = {
            str(name): value
            for name, value in outputs.items()
            if len(getattr(value, "shape", ())) or isinstance(value, (list, tuple))
        }
    elif len(getattr(outputs, "shape", ())):
        found = {"scores" if outputs.ndim > 1 else "prediction": outputs}
    else:
        found = {}
    if not any(is_called(name, role) for name in found for role in ("scores", "prediction")):
        raise _refused(
            f"the test_step of {printable(module)} returned {_form(outputs)} for batch {number}, "
            "and no predictions",
            'return {"logits": logits} from test_step, with one row for each sample',
        )
    return found


def _labels_of(batch: Any, number: int) -> tuple[Any, Any]:
    """The labels of a batch, and its ids or None."""
    labels = ids = None
    if isinstance(batch, Mapping):
        labels, ids = (
            next((batch[name] for name in batch if is_called(str(name), role)), None)
            for role in ("label", "id")
        )
    elif isinstance(batch, (tuple, list)) and len(batch) in (2, 3):
        labels, ids = [*batch, None][1:3]
    if not isinstance(labels, Sized):
        raise _refused(
            f"batch {number} is {_form(batch)}, and test_step returned no labels",
            'return {"logits": logits, "label": labels} from test_step',
        )
    return labels, ids


def _form(value: Any) -> str:
    """The type of a value, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return f"a mapping with {listing([quoted(str(key)) for key in value]) or 'nothing'}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    shape = tuple(getattr(value, "shape", ()))
    return f"a {type(value).__name__} of shape {shape}" if shape else f"one {type(value).__name__}"


def _rows(columns: Mapping[str, Any], number: int, label: str | None) -> dict[str, Any]:
    """The columns as arrays of the length of the labels."""
    rows = {name: as_array(value) for name, value in columns.items()}
    name = label or next(name for name in rows if is_called(name, "label"))
    if single := next((key for key, row in rows.items() if not row.ndim), None):
        raise _refused(
            f"batch {number} has one {quoted(single)}, and not one for each sample",
            f"return an array with a value for each sample, of a single one {single}.reshape(1)",
        )
    n = len(rows[name]) if name in rows else 0
    wrong = [f"{quoted(name)}: {len(row)}" for name, row in rows.items() if len(row) != n]
    if wrong:
        raise _refused(
            f"batch {number} has {n} labels, and other numbers of values in {listing(wrong)}",
            "return one row for each sample of the batch",
        )
    return rows


def _gathered(table: dict[str, Any], name: str | None, trainer: Any) -> dict[str, Any]:
    """The samples of all processes, without repetitions."""
    import torch

    parts: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(parts, table)
    whole = {key: np.concatenate([part[key] for part in parts]) for key in table}
    assert name is not None
    _, first = np.unique(whole[name], return_index=True)
    dataset = getattr(_only_loader(trainer.test_dataloaders), "dataset", None)
    if isinstance(dataset, Sized) and len(first) < len(dataset):
        raise UsageError(
            f"the samples have {len(first):,} different ids, and the data set has "
            f"{len(dataset):,} samples",
            slug="test-processes",
            hint="give each sample a unique id",
        )
    return {key: values[np.sort(first)] for key, values in whole.items()}


def _refused(message: str, hint: str) -> ModelError:
    return ModelError(message, slug="test-step", hint=hint)
