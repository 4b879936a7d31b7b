"""A folder of saved baselines: small, without images and absolute paths, suitable for git.

It has ``NAME/report.json`` and ``NAME/predictions.parquet`` for each baseline, and
``history.jsonl`` with every evaluation ever saved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reportgen.errors import OutputError, ReportgenError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.files import output_error, write_text
from reportgen.options import DEFAULT_FOLDER
from reportgen.output_folder import (
    finish_around,
    finish_replacement,
    next_writer,
    remove_stale,
    sole_writer,
)
from reportgen.paths import refuse_address
from reportgen.predictions import write_slim
from reportgen.replacement import UNFINISHED, Changes, staged
from reportgen.review.history import HistoryEntry, append, read_history
from reportgen.text import listing, nearest, quoted

__all__ = [
    "Baselines",
]


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{p}{n}" for p in ("COM", "LPT") for n in range(10))}
"""Device names reserved by Windows, with any extension: baseline folders are shared."""


_REPORT, _PREDICTIONS = "report.json", "predictions.parquet"


_PENDING = "history.pending"
"""A history line not yet appended: it is written together with the baseline, atomically."""


_HISTORY_PART = "history"
"""The lock of the history in the folder of baselines, and the start of its temporary files."""


@dataclass(frozen=True)
class Baselines:
    """The baselines in `folder`, which is created with the first baseline."""

    folder: Path = DEFAULT_FOLDER

    def names(self) -> tuple[str, ...]:
        """Names of all baselines, sorted."""
        self._finish()
        found = self.folder.glob(f"*/{_REPORT}")
        names = (path.parent.name for path in found)
        return tuple(sorted(name for name in names if _NAME.fullmatch(name)))

    def history(self) -> tuple[HistoryEntry, ...]:
        """All saved evaluations, oldest first. Raises the errors of :func:`read_history`."""
        self._finish()
        return read_history(self.folder)

    def _finish(self) -> None:
        """Complete the save of a command that was killed: baselines and history lines."""
        for stopped in self.folder.glob(f"*/{UNFINISHED}"):
            finish_replacement(stopped.parent)
        if any(self.folder.glob(f"*/{_PENDING}")):
            # retried by the next command
            with suppress(OSError, ReportgenError), sole_writer(self.folder, _HISTORY_PART):
                self._append_pending()

    def _append_pending(self) -> None:
        """Append the pending lines to the history, which must be locked."""
        remove_stale(self.folder, _HISTORY_PART)
        for pending in sorted(self.folder.glob(f"*/{_PENDING}")):
            with suppress(OSError, ValueError, TypeError):
                entry = HistoryEntry.from_json(json.loads(pending.read_text("utf-8")))
                append(self.folder, entry)
                pending.unlink(missing_ok=True)

    def saved_name(self, given: str) -> str:
        """`given` if it is the name of a baseline, empty if it is a path."""
        return given if given in self.names() and not _is_there(Path(given)) else ""

    def find(self, given: str) -> Path:
        """The input for `given`: an existing path, or the name of a baseline.

        Raises :class:`UsageError` if it is neither.
        """
        if given:
            refuse_address(given, "BASELINE")
            finish_around(Path(given))
        if given and _is_there(Path(given)):
            return Path(given)
        if given in self.names():
            return self.folder / given
        meant = nearest(given, self.names())
        known = listing(self.names()) or "none is saved yet"
        raise UsageError(
            f"there is no file and no baseline {quoted(given)}",
            slug="baseline-unknown",
            details=[f"baselines in {quoted(self.folder.name)}: {known}"],
            hint=f"did you mean {meant}?"
            if meant
            else "pass a path, or save one: reportgen baseline save OUT NAME",
        )

    def require_free(self, name: str, *, force: bool) -> None:
        """Raise the errors of :meth:`save` that follow from the name, before any work."""
        self._finish()
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{quoted(name)} is not a valid baseline name",
                slug="baseline-name",
                hint="use 1 to 64 letters, digits, dots, dashes and underscores, "
                "and begin with a letter or digit",
            )
        if name.split(".")[0].upper() in _DEVICES or name.endswith("."):
            raise UsageError(
                f"{quoted(name)} is not a valid baseline name: Windows can't make such a folder",
                slug="baseline-name",
                hint="choose a name that is not a device name and ends with a letter or digit",
            )
        if (self.folder / name / _REPORT).exists() and not force:
            raise OutputError(
                f"the baseline {quoted(name)} already exists in {quoted(self.folder.name)}",
                slug="baseline-exists",
                hint="replace it: --force     or choose another name",
            )

    def save(
        self,
        name: str,
        evaluation: Evaluation,
        rows: Any | None,
        verdict: str,
        *,
        force: bool = False,
    ) -> Path:
        """Save an evaluation, with its rows for paired comparisons.

        Parameters
        ----------
        name
            1 to 64 letters, digits, dots, dashes and underscores.
        rows
            The predictions, or None if only counts are known.
        verdict
            The verdict of the gates.
        force
            Whether to overwrite an existing baseline of that name.

        Raises
        ------
        UsageError
            The name is invalid.
        OutputError
            A baseline of that name exists, or the folder can't be written.
        """
        self.require_free(name, force=force)
        place, entry = self.folder / name, HistoryEntry.of(name, evaluation, verdict, rows)
        with _hold(place), staged(place) as stage:
            if rows is not None:
                write_slim(rows, stage.new / _PREDICTIONS)
            write_text(stage.new / _REPORT, _dump(evaluation))
            write_text(stage.new / _PENDING, entry.line())
            named = (_PENDING, _PREDICTIONS, _REPORT)
            put = [name for name in named if (stage.new / name).exists()]
            left = [_PREDICTIONS] if (place / _PREDICTIONS).exists() else []
            stage.replace(Changes(tuple(put), tuple(name for name in left if name not in put)))
        with next_writer(self.folder, _HISTORY_PART):
            self._append_pending()
        return place


@contextmanager
def _hold(place: Path) -> Iterator[None]:
    """Lock the folder of a baseline for the length of the block; removed if it stays empty."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with sole_writer(place):
            remove_stale(place)
            yield
    except OSError as error:
        raise output_error(place, error, "--baselines") from error
    finally:
        with suppress(OSError):  # not empty
            place.rmdir()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # not a valid file name
        return False


def _dump(evaluation: Evaluation) -> str:
    """``report.json`` without samples and class curves."""
    kept = replace(
        evaluation,
        examples=(),
        class_samples=(),
        examples_reason="baselines keep no single samples",
        suspects=replace(evaluation.suspects, suspects=()),
        class_curves=(),
    )
    lines = (
        f" {json.dumps(key)}: {json.dumps(part, allow_nan=False)}"
        for key, part in kept.to_json().items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"
