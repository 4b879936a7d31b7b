"""Where inputs come in: predictions that reportgen wrote go straight through.

What reads the tables and matrices of others is a large part of the program, and is loaded for them
alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import DataError, UsageError
from reportgen.options import InputOptions
from reportgen.paths import is_pattern, matching_files, part_files
from reportgen.predictions import METADATA_KEY, Predictions, open_part_files, refuse_part
from reportgen.storage import Address, AddressFolder, Place, open_parquet
from reportgen.text import quoted

if TYPE_CHECKING:
    from reportgen.importers.matrices.reading import MatrixInput
    from reportgen.importers.table_predictions import TablePredictions

__all__ = [
    "kind_of",
    "open_input",
    "open_predictions",
]


def kind_of(path: Place | AddressFolder, options: InputOptions) -> str:
    """``"predictions"``, ``"matrix"`` or ``"evaluation"`` (a ``report.json`` of ours).

    What the user said; else what the content shows. Raises :class:`DataError` where the file is
    missing or has no known format.
    """
    if options.kind != "auto":
        return options.kind
    if not isinstance(path, Path) or _is_ours(path):
        return "predictions"
    from reportgen.importers.opening import kind_of_content

    return kind_of_content(path, options)


def open_predictions(
    source: Any, options: InputOptions | None = None, *, spool: Path
) -> Predictions | TablePredictions:
    """:func:`open_input`, of what contains samples; :class:`DataError` where it contains counts."""
    from reportgen.importers.matrices.reading import MatrixInput

    found = open_input(source, options, spool=spool)
    if isinstance(found, MatrixInput):
        raise DataError(
            f"the input contains counts, no samples: it was read as {found.provenance.read_as}",
            slug="input-kind",
            hint="if each line is one sample: --count-column none",
        )
    return found


def open_input(
    source: Any, options: InputOptions | None = None, *, spool: Path
) -> Predictions | TablePredictions | MatrixInput:
    """Predictions from anywhere, checked as a whole and ready to be read in batches; or the
    confusion matrix that a table holds in the long form.

    Parameters
    ----------
    source
        A path: Parquet (ours, any other, or a folder of part files), CSV, TSV, JSON Lines, .npz
        or .npy; a pattern of part files, such as ``parts/*.parquet``; Parquet of object storage, as
        :func:`~reportgen.storage.found_at` gives it. Or a DataFrame, or a mapping
        from column names to arrays, tensors or lists.
    options
        How to read it; by default everything is found out, or refused where that would be a
        guess.
    spool
        An empty folder for copies of what can't be read twice; the predictions need it as long as
        they are used, the caller removes it.

    Raises
    ------
    DataError
        Where the table, a label or a score is not what it must be, with the place.
    UsageError
        Where two readings are possible, with the option that decides.
    """
    options = options or InputOptions()
    place = Path(source) if isinstance(source, str) else source
    if isinstance(place, (Path, Address)) and _is_ours(place):
        _refuse_for_ours(place.name, options)
        return Predictions.open(place)
    if isinstance(place, (Path, AddressFolder)) and (parts := _own_parts(place)):
        _refuse_for_ours(place.name, options)
        return open_part_files(place, parts)
    from reportgen.importers.opening import open_others

    return open_others(source, options, spool)


def _is_ours(path: Place) -> bool:
    """Whether it is a Parquet file that reportgen wrote. What can't be read is not: who reads the
    tables of others says why. One part of several is refused.
    """
    if isinstance(path, Path) and not _is_parquet(path):
        return False
    import pyarrow as pa

    try:
        with open_parquet(path) as file:
            facts = file.schema_arrow.metadata or {}
    except (OSError, pa.ArrowException):
        return False
    refuse_part(path, facts)
    return METADATA_KEY in facts


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PAR1"
    except OSError:
        return False


def _own_parts(folder: Path | AddressFolder) -> tuple[Place, ...]:
    """The Parquet files of a folder or a pattern, where reportgen wrote them: with class names,
    facts and notes, which would be lost where they were read as tables of others. Empty where none
    is ours.
    """
    parts: tuple[Place, ...]
    if isinstance(folder, AddressFolder):
        parts = folder.files
    elif is_pattern(folder):
        parts = matching_files(folder)
    elif folder.is_dir():
        parts = part_files(folder)
    else:
        return ()
    ours = [part for part in parts if _is_ours(part)]
    if ours and len(ours) < len(parts):
        other = next(part for part in parts if part not in ours)
        raise DataError(
            f"{quoted(ours[0].name)} was written by reportgen and {quoted(other.name)} was not: "
            "they are not parts of one table",
            slug="part-files-differ",
            hint="pass one of the files, or a folder with the parts of one prediction alone",
        )
    return tuple(ours)


def _refuse_for_ours(name: str, options: InputOptions) -> None:
    """Options that say what is missing in tables of other programs."""
    for one in ("labels", "abstain"):
        if getattr(options, one) is not None:
            raise UsageError(
                f"--{one} is for predictions of other programs: {quoted(name)} was written "
                "by reportgen, with a label and a prediction in every row",
                slug="option-conflict",
                hint=f"omit --{one}",
            )
