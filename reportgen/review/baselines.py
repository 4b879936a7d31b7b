"""A folder of baselines: small, without images and absolute paths, fit to be committed.

``reportgen-baselines/NAME/report.json`` and ``predictions.parquet`` are kept for each baseline,
``history.jsonl`` beside them for all that was ever saved.
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
from reportgen.output_folder import finish_around, finish_replacement, remove_stale, sole_writer
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
"""Names that Windows keeps for devices, whatever ending they have: baselines are shared."""


_REPORT, _PREDICTIONS = "report.json", "predictions.parquet"


_PENDING = "history.pending"
"""The line of the history that is not in it yet: it comes with the baseline, in one move."""


@dataclass(frozen=True)
class Baselines:
    """The baselines that are in `folder`; it need not exist before the first is saved."""

    folder: Path = DEFAULT_FOLDER

    def names(self) -> tuple[str, ...]:
        """Names of all baselines, in alphabetical order."""
        self._finish()
        found = self.folder.glob(f"*/{_REPORT}")
        names = (path.parent.name for path in found)
        return tuple(sorted(name for name in names if _NAME.fullmatch(name)))

    def history(self) -> tuple[HistoryEntry, ...]:
        """Everything that was ever saved, oldest first; raises what :func:`read_history` does."""
        self._finish()
        return read_history(self.folder)

    def _finish(self) -> None:
        """What a command that was killed had decided on: baselines, and their lines."""
        for stopped in self.folder.glob(f"*/{UNFINISHED}"):
            finish_replacement(stopped.parent)
        for pending in sorted(self.folder.glob(f"*/{_PENDING}")):
            with suppress(OSError, ReportgenError, ValueError, TypeError):  # it waits
                append(self.folder, HistoryEntry.from_json(json.loads(pending.read_text("utf-8"))))
                pending.unlink(missing_ok=True)

    def saved_name(self, given: str) -> str:
        """`given`, where it means a baseline by its name; empty where it is a path."""
        return given if given in self.names() and not _is_there(Path(given)) else ""

    def find(self, given: str) -> Path:
        """The input that `given` means: a path that exists, or the name of a baseline.

        Raises :class:`UsageError` where it is neither.
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
        """Raise what :meth:`save` would raise of the name alone: before any work."""
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
        """Keep an evaluation, and the rows that make paired comparisons possible.

        Parameters
        ----------
        name
            1 to 64 letters, digits, dots, dashes and underscores.
        rows
            The predictions, or None where only counts are known.
        verdict
            What the gates said.
        force
            Whether a baseline of that name may be replaced.

        Raises
        ------
        UsageError
            Where the name is none.
        OutputError
            Where a baseline of that name is there, or nothing can be written.
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
        append(self.folder, entry)
        (place / _PENDING).unlink(missing_ok=True)
        return place


@contextmanager
def _hold(place: Path) -> Iterator[None]:
    """The folder of a baseline, for the length of the block; gone where nothing came of it."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with sole_writer(place):
            remove_stale(place)
            yield
    except OSError as error:
        raise output_error(place, error, "--baselines") from error
    finally:
        with suppress(OSError):  # it contains something
            place.rmdir()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _dump(evaluation: Evaluation) -> str:
    """``report.json`` without single samples, and without the curves of the classes."""
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
