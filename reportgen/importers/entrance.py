"""Opens inputs. Predictions written by reportgen bypass the importers.

The importers are a large part of the program, and are loaded for other programs' files only.
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
    """``"predictions"``, ``"matrix"`` or ``"evaluation"`` (a ``report.json``).

    As the user says, otherwise detected from the content. Raises :class:`DataError` if the file is
    missing or its format unknown.
    """
    if options.kind != "auto":
        return options.kind
    if not isinstance(path, Path) or _is_ours(path):
        return "predictions"
    from reportgen.importers.kinds import kind_of_content

    return kind_of_content(path, options)


def open_predictions(
    source: Any, options: InputOptions | None = None, *, spool: Path
) -> Predictions | TablePredictions:
    """As :func:`open_input`, for inputs with samples; raises :class:`DataError` for counts."""
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
    """Open predictions from any source, validated as a whole, to be read in batches.

    Returns a confusion matrix instead if a table contains one in long form.

    Parameters
    ----------
    source
        A path: Parquet (written by reportgen or others, or a folder of part files), CSV, TSV, JSON
        Lines, .npz or .npy; a pattern of part files, such as ``parts/*.parquet``; Parquet of object
        storage, as :func:`~reportgen.storage.found_at` gives it. Or a DataFrame, or a mapping from
        column names to arrays, tensors or lists.
    options
        How to read it; by default everything is detected, and ambiguous input is refused.
    spool
        An empty folder for copies of data that can't be read twice. It must exist as long as the
        predictions are in use; the caller removes it.

    Raises
    ------
    DataError
        The table, a label or a score is invalid; the message has its location.
    UsageError
        The input is ambiguous; the hint has the option that resolves it.
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
    """Whether it is a Parquet file written by reportgen.

    False if it can't be read: the table importer reports the error. A single part of several is
    refused.
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
    """The Parquet files of a folder or pattern if reportgen wrote them, otherwise empty.

    They have class names, facts and notes, which would be lost if they were read as other programs'
    tables.
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
            hint="pass one of the files, or a folder with only the parts of one prediction",
        )
    return tuple(ours)


def _refuse_for_ours(name: str, options: InputOptions) -> None:
    """Refuse options for information that only other programs' tables lack."""
    for one in ("labels", "abstain"):
        if getattr(options, one):
            raise UsageError(
                f"--{one} is for predictions of other programs: {quoted(name)} was written "
                "by reportgen, with a label and a prediction in every row",
                slug="option-conflict",
                hint=f"omit --{one}",
            )
