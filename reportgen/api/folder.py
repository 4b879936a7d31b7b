"""The output folder of a report: prepared, locked, and removed if nothing was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from reportgen import output_folder
from reportgen.errors import OutputError, UsageError
from reportgen.text import quoted

__all__ = [
    "place_for",
    "place_for_part",
    "refuse_beside_report",
    "refuse_other_predictions",
    "refuse_standing_in",
]


@contextmanager
def place_for(
    folder: Path, guarded: tuple[str, ...], *, replace: bool, data: Path | None
) -> Iterator[None]:
    """Prepare and lock `folder` for the length of the block.

    Parameters and errors are those of :func:`reportgen.output_folder.prepare`. If the block fails
    before writing anything, folders created for it are removed.
    """
    missing: list[Path] = []
    try:
        with suppress(OSError):  # for example too long a name, which preparing reports
            missing = [path for path in (folder, *folder.parents) if not path.exists()]
        output_folder.prepare(folder, guarded, replace=replace, data=data)
        with output_folder.sole_writer(folder):
            output_folder.remove_stale(folder)
            yield
    except BaseException:
        with suppress(OSError):  # stops at the first folder that is not empty
            for path in missing:
                path.rmdir()
        raise


@contextmanager
def place_for_part(folder: Path, part: str, *, data: Path | None) -> Iterator[None]:
    """Lock the `part` of that name in `folder` for the length of the block; other parts stay free.

    Errors are those of :func:`place_for`. The folder is not removed: other processes may be about
    to use it.
    """
    output_folder.prepare(folder, (), replace=True, data=data, part=part)
    with output_folder.sole_writer(folder, part):
        output_folder.remove_stale(folder, part)
        yield


def refuse_standing_in(folder: Path, baseline: Any) -> None:
    """Refuse a baseline inside the output folder: the candidate would overwrite it.

    `baseline` may be something other than a path.
    """
    if isinstance(baseline, Path) and folder.resolve() in (
        baseline.resolve(), baseline.resolve().parent,
    ):  # fmt: skip
        raise UsageError(
            f"the baseline {quoted(baseline.name)} is in the output {quoted(folder.name)} and "
            "would be overwritten",
            slug="baseline-in-output",
            hint="choose another folder with -o, or keep the baseline first: "
            "reportgen baseline save OUT NAME",
        )


def refuse_beside_report(
    target: Path,
    report: Sequence[str],
    instead: str = "replace predictions and report together: reportgen run MODEL DATA -o OUT "
    "--force",
) -> None:
    """Refuse to write predictions beside a report of other predictions: readers would mix them up.

    `report` has the file names of a report, `target` is the predictions file, `instead` is the
    hint.
    """
    folder = target.parent
    if target.name != output_folder.PREDICTIONS or not folder.is_dir():
        return
    output_folder.finish_replacement(folder)
    standing = [name for name in report if (folder / name).exists()]
    if standing:
        raise OutputError(
            f"a report exists in {quoted(folder.name)}: {', '.join(standing)}",
            slug="output-exists",
            hint=f"choose another folder with -o, or {instead}",
        )


def refuse_other_predictions(folder: Path, source: Any) -> None:
    """Refuse to write a report beside predictions that it is not made from.

    `source` is the input of the report.
    """
    beside = folder / output_folder.PREDICTIONS
    if not beside.exists():
        return
    if isinstance(source, (str, Path)) and folder.resolve() in (
        Path(source).resolve(), Path(source).resolve().parent,
    ):  # fmt: skip
        return
    raise OutputError(
        f"predictions of another report exist in {quoted(folder.name)}: "
        f"{output_folder.PREDICTIONS}",
        slug="output-exists",
        hint="choose another folder with -o, or move that file away",
    )
