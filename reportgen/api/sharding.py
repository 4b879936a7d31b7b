"""Predictions by several processes: one shard each, merged afterwards."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any

from reportgen import output_folder
from reportgen.api.folder import place_for, place_for_part, refuse_beside_report
from reportgen.errors import DataError, OutputError, ReportgenError, UsageError
from reportgen.files import TEMPORARY_PREFIX, output_error
from reportgen.options import Options, Shard, gaps, ranges
from reportgen.paths import output_path, part_files
from reportgen.predictions import (
    PartFile,
    PartSet,
    Predictions,
    RunFacts,
    partial_rows,
    write_predictions,
)
from reportgen.rendering import guarded_names
from reportgen.reporter import Reporter
from reportgen.storage import (
    Address,
    Place,
    copy_in,
    copy_out,
    files_below,
    given_name,
    has_file,
    is_address,
    kept_folder,
    remove,
    typed_place,
)
from reportgen.text import listing, plural, printable, quoted

__all__ = [
    "ShardStatus",
    "merge",
    "merge_status",
    "part_place",
    "predict_part",
]


Parts = str | Path | Sequence[str | Path]


def part_place(out: str | Path, filesystem: Any = None) -> Place:
    """The location of parts: a local folder, or one in object storage, if it has a scheme."""
    return typed_place(out, "-o", filesystem) if is_address(out) else output_path(out)


def predict_part(
    model: Any, data: Any, out: Place, shard: Shard, settings: Options, reporter: Reporter
) -> PartFile:
    """Predict one shard into the folder ``shards`` of `out`.

    For object storage, the part is made locally and uploaded when complete; if the upload fails it
    is kept, and the same call only uploads it.
    """
    from reportgen.inference import predict_shard

    _require_shardable(model, data, out, settings)
    data = Path(data) if isinstance(data, str) else data
    here = out if isinstance(out, Path) else kept_folder(out)
    folder = here / output_folder.SHARDS
    with place_for_part(folder, shard.name, data=data if isinstance(data, Path) else None):
        target = folder / f"{shard.name}.parquet"
        if isinstance(out, Path):
            return predict_shard(str(model), data, target, shard, settings, reporter)
        stored = out / output_folder.SHARDS / target.name
        before = copy_in(stored, target).read_bytes() if has_file(stored) else b""
        predict_shard(str(model), data, target, shard, settings, reporter)
        if target.read_bytes() != before:
            copy_out(target, stored)
        target.unlink()
    for emptied in (folder, here):
        with suppress(OSError):  # another shard is in the folder
            emptied.rmdir()
    return PartFile.open(stored)


def _require_shardable(model: Any, data: Any, out: Place, settings: Options) -> None:
    if not isinstance(model, (str, Path)) or not isinstance(data, (str, Path, Address)):
        raise UsageError(
            "shard= needs a model and data passed as paths",
            slug="option-conflict",
            hint="predict a live module without shards, or save it and pass the file",
        )
    if settings.max_bad:
        raise UsageError(
            "--max-bad counts bad samples of all shards, and cannot be combined with --shard",
            slug="option-conflict",
            hint=f"omit it here: reportgen merge OUT -o OUT --max-bad {settings.max_bad}",
        )
    if out.suffix.lower() == ".parquet" and not (isinstance(out, Path) and out.is_dir()):
        raise UsageError(
            f"-o {quoted(out.name)} is a file, and the shards of a prediction need a folder",
            slug="option-conflict",
            hint=f"-o {printable(out.stem)}: the parts go to {printable(out.stem)}/shards",
        )


@dataclass(frozen=True)
class ShardStatus:
    """The shards of a prediction, finished and missing.

    Attributes
    ----------
    n_shards
        Total number of shards.
    complete
        Indices of finished shards, sorted.
    gaps
        Indices of missing shards, as ranges in order.
    begun
        Index of a missing shard → number of its samples already predicted.
    damaged
        Unreadable files, with reasons; their shards count as missing.
    n_samples, total
        Number of samples in finished shards, and in total; 0 if no shard is finished.
    command
        The command for the whole prediction; "" if no shard is finished.
    """

    n_shards: int
    complete: tuple[int, ...] = ()
    gaps: tuple[range, ...] = ()
    begun: Mapping[int, int] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    n_samples: int = 0
    total: int = 0
    command: str = ""

    @property
    def missing(self) -> tuple[int, ...]:
        """The indices in :attr:`gaps`, one by one."""
        return tuple(chain.from_iterable(self.gaps))

    @property
    def n_missing(self) -> int:
        """Number of missing shards."""
        return sum(map(len, self.gaps))

    @property
    def array(self) -> str:
        """The missing shards in the syntax of ``sbatch --array=``: ``3,7-9``."""
        return ranges(self.gaps)

    def lines(self) -> list[str]:
        """Progress in lines: finished and missing shards."""
        if not self.gaps:
            return []
        begun = [f"{number} ({plural(n, 'sample')})" for number, n in sorted(self.begun.items())]
        return [
            f"missing: {self.array} of {self.n_shards}",
            *([f"begun: {listing(begun)}"] if begun else []),
            *self.damaged[:5],
        ]

    @property
    def hint(self) -> str:
        """The command for the first missing shard."""
        shard = f"--shard {self.gaps[0][0]}/{self.n_shards} -o OUT"
        command = self.command or "reportgen run MODEL DATA -o OUT"
        command = command.replace("reportgen run ", "reportgen predict ", 1)
        return command.replace("-o OUT", shard, 1)


def merge_status(
    parts: Parts, *, out: str | Path | None = None, filesystem: Any = None
) -> ShardStatus:
    """List finished and missing shards.

    `parts` are part files, or folders that contain them; in `filesystem`, if it is given.

    Raises
    ------
    DataError
        ``shards-missing``: there is no part at all; and the errors of :func:`merge` for parts of
        different runs.
    UsageError
        ``option-conflict``: `out` is given, but nothing is written.
    """
    if out is not None:
        raise UsageError(
            "--status writes nothing, and cannot be combined with -o",
            slug="option-conflict",
            hint="omit -o, or omit --status",
        )
    return _status(_find(parts, filesystem))


def merge(
    parts: Parts,
    *,
    out: str | Path | None,
    max_bad: int = 0,
    discard: bool = False,
    force: bool = False,
    reporter: Reporter | None = None,
    filesystem: Any = None,
) -> Predictions:
    """Merge the parts of all shards into ``predictions.parquet`` and ``bad.csv``.

    The file is byte-identical to that of a single run; an identical existing file is kept. PyTorch
    is not needed.

    Parameters
    ----------
    parts
        Part files, or folders that contain them, local or in object storage, written by
        ``predict(..., shard=)``.
    out
        The file to write if it ends with ``.parquet``, otherwise the folder for it; local or in
        object storage.
    max_bad
        Maximum number of unreadable samples, over all shards.
    discard
        Delete the parts afterwards.
    force
        Overwrite existing predictions.
    filesystem
        The location of `parts`, and of an `out` that begins with a scheme, such as ``s3://``: a
        file system of pyarrow or fsspec, connected by the caller.

    Raises
    ------
    DataError
        ``shards-missing``, ``shards-overlap``, ``shards-listing``, ``shards-rows``,
        ``part-damaged``, ``too-many-bad``.
    UsageError
        ``shards-mixed``, ``shards-outputs``, ``option-conflict``: `out` is missing.
    OutputError
        ``output-exists``: other predictions, or a report of them, exist.
    """
    if out is None:
        raise UsageError(
            "merge needs a folder to write to",
            slug="option-conflict",
            hint="pass -o OUT, or list what is missing with --status",
        )
    reporter, place = reporter or Reporter(), part_place(out, filesystem)
    is_folder = isinstance(place, Path) and place.is_dir()
    if is_folder or place.suffix.lower() != Path(output_folder.PREDICTIONS).suffix:
        place = place / output_folder.PREDICTIONS
    found = _find(parts, filesystem)
    status = _status(found, lenient=False)
    if status.gaps:
        raise _missing(status)
    with tempfile.TemporaryDirectory(prefix="reportgen-") as spool:
        whole = PartSet.of(
            [
                PartFile.open(_here(path, Path(spool, str(n))), source=path)
                for n, path in enumerate(found.files)
            ]
        )
        if isinstance(place, Path):
            with place_for(place.parent, (), replace=True, data=None):
                _write(whole, place, max_bad, reporter, force=force)
        else:
            _write_elsewhere(whole, place, Path(spool), max_bad, reporter, force=force)
    if discard:
        _discard(found.files)
    return Predictions.open(place)


def _here(path: Place, folder: Path) -> Path:
    """Copy a part from object storage to `folder`: it is read several times."""
    return path if isinstance(path, Path) else copy_in(path, folder / path.name)


def _write_elsewhere(
    whole: PartSet, place: Address, spool: Path, max_bad: int, reporter: Reporter, *, force: bool
) -> None:
    """Write the files locally; upload changed ones to the folder of `place`, predictions last."""
    target = spool / "out" / place.name
    target.parent.mkdir()
    if has_file(place):
        copy_in(place, target)
    bad, bad_there = target.with_name(output_folder.BAD), place.parent / output_folder.BAD
    is_new = False
    try:
        is_new = _write(whole, target, max_bad, reporter, force=force)
    finally:
        if bad.exists():
            copy_out(bad, bad_there)
    if is_new:
        if not bad.exists():
            remove(bad_there)
        copy_out(target, place)


@dataclass(frozen=True)
class _Found:
    """Part files, and for unfinished ones (I, N) → number of predicted samples."""

    files: tuple[Place, ...]
    begun: Mapping[tuple[int, int], int]


_NAME = re.compile(r"(\d{5,})-of-(\d{5,})")


def _find(parts: Parts, filesystem: Any) -> _Found:
    given = [parts] if isinstance(parts, (str, Path)) else list(parts)
    files: dict[str, Place] = {}
    begun: dict[tuple[int, int], int] = {}
    merged: list[Place] = []
    named: list[Place] = []  # those of `merged` that were given themselves, not their folder
    for path in (typed_place(one, "PART", filesystem) for one in given):
        if isinstance(path, Address):
            inside, whole = _divided(_stored_parts(path))
            files.update({one.path: one for one in inside if isinstance(one, Address)})
            merged += whole
            named += [one for one in whole if one == path]
            continue
        folder = path / output_folder.SHARDS if (path / output_folder.SHARDS).is_dir() else path
        there = part_files(folder) if folder.is_dir() else (path,) if path.exists() else ()
        local, whole = _divided(there)
        files.update({str(one.resolve()): one for one in local if isinstance(one, Path)})
        merged += whole
        named += [one for one in whole if one == path]
        for partial in folder.glob("*.partial") if folder.is_dir() else ():
            if numbers := _NAME.fullmatch(partial.stem):
                begun[int(numbers[1]), int(numbers[2])] = partial_rows(partial)
    if files or begun or len(merged) > 1:
        files.update({str(one): one for one in named})  # refused when it is opened
    elif merged:
        raise DataError(
            f"there are no parts in {quoted(merged[0].parent.name)}, only {quoted(merged[0].name)}",
            slug="shards-missing",
            details=["merge --discard removes the parts once they are merged"],
            hint=f"use {quoted(merged[0].name)}: it has all samples",
        )
    if not files and not begun:
        shown = listing(quoted(given_name(one) or str(one)) for one in given)
        raise DataError(
            f"there are no parts in {shown}",
            slug="shards-missing",
            hint="pass the folder that the shards were predicted to: OUT of reportgen predict "
            "MODEL DATA --shard 0/8 -o OUT",
        )
    return _Found(tuple(files[key] for key in sorted(files)), begun)


def _divided(files: Iterable[Place]) -> tuple[list[Place], list[Place]]:
    """Part files, and files that a merge into the same folder has written."""
    parts: list[Place] = []
    merged: list[Place] = []
    for one in files:
        (merged if _is_merged(one) else parts).append(one)
    return parts, merged


def _is_merged(file: Place) -> bool:
    if file.name != output_folder.PREDICTIONS:
        return False
    try:
        Predictions.open(file)
    except ReportgenError:
        return False
    return True


def _stored_parts(place: Address) -> list[Address]:
    """The part files at an address: itself, those in the folder, or in ``shards`` below it."""
    below = files_below(place)
    if not below:
        return [place] if place.suffix else []
    folder = place / output_folder.SHARDS
    for parent in (folder, place):
        inside = [one for one in below if one.parent.key == parent.key]
        found = [one for one in inside if one.suffix == ".parquet" and one.name[0] not in "._"]
        if found:
            return found
    return []


def _status(found: _Found, *, lenient: bool = True) -> ShardStatus:
    """The status of shards; damaged parts count as missing if `lenient`, otherwise they raise.

    Parts in object storage are not read for it, except for their headers.
    """
    opened, damaged = [], []
    for path in found.files:
        try:
            part = PartFile.open(path)
            if lenient and isinstance(path, Path):
                part.require_whole()
            opened.append(part)
        except DataError as error:
            if not (lenient and _NAME.fullmatch(path.stem)):
                raise
            damaged.append(error.message)
    if not opened:
        n = max((n for _, n in (*found.begun, *map(_numbers, found.files))), default=0)
        return _of(n, set(), found, damaged)
    whole = PartSet.of(opened)
    there = {part.header.shard[0] for part in opened}
    return replace(
        _of(whole.n_shards, there, found, damaged),
        n_samples=sum(part.n_rows for part in opened),
        total=whole.header.total,
        command=whole.header.facts.provenance.command,
    )


def _numbers(path: Place) -> tuple[int, int]:
    found = _NAME.fullmatch(path.stem)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _of(n: int, there: set[int], found: _Found, damaged: Sequence[str]) -> ShardStatus:
    begun = {
        i: rows for (i, of), rows in found.begun.items() if of == n and i < n and i not in there
    }
    return ShardStatus(n, tuple(sorted(there)), gaps(there, n), begun, tuple(damaged))


def _missing(status: ShardStatus) -> DataError:
    return DataError(
        f"{plural(status.n_missing, 'shard')} of {status.n_shards} "
        f"{'is' if status.n_missing == 1 else 'are'} missing: {status.array}",
        slug="shards-missing",
        details=status.lines()[1:],
        hint=f"predict the first: {status.hint}",
    )


def _write(whole: PartSet, target: Path, max_bad: int, reporter: Reporter, *, force: bool) -> bool:
    """Write the predictions and the list of unreadable samples; return whether they are new."""
    from reportgen.inference import facts_of, require_few_bad, write_bad_list

    facts = facts_of(whole.outline, whole.identity, whole.sums)
    bad = whole.sums.bad
    if len(bad) > max_bad and not target.exists():
        write_bad_list(target.with_name(output_folder.BAD), bad)
    require_few_bad(
        len(bad),
        facts.samples.found,
        bad,
        max_bad,
        how="merge without them: --max-bad {n}",
    )
    if max_bad:
        facts = _with_limit(facts, max_bad)
    made = target.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-merged-{target.name}")
    try:
        write_predictions(
            made,
            facts,
            whole.finished_rows(),
            with_probabilities=whole.header.facts.keeps_probabilities,
            further=whole.parts[0].further,
        )
        if target.is_file() and filecmp.cmp(made, target, shallow=False):
            reporter.say(f"{quoted(target.name)} is complete already")
            return False
        _require_free(target, force=force)
        made.replace(target)
        write_bad_list(target.with_name(output_folder.BAD), bad)
        return True
    except OSError as error:
        raise output_error(target, error) from error
    except OutputError as error:
        if isinstance(error.__cause__, OSError):  # of the file as it is named until it is whole
            raise output_error(target, error.__cause__) from error
        raise
    finally:
        made.unlink(missing_ok=True)


def _with_limit(facts: RunFacts, max_bad: int) -> RunFacts:
    """The facts with the command of a run over all samples, which ends with the limit."""
    by = facts.provenance
    return replace(facts, provenance=replace(by, command=f"{by.command} --max-bad {max_bad}"))


def _require_free(target: Path, *, force: bool) -> None:
    refuse_beside_report(target, guarded_names(), "move that report away")
    if target.exists() and not force:
        raise OutputError(
            f"other predictions exist in {quoted(target.parent.name)}: {target.name}",
            slug="output-exists",
            hint="replace them: --force     or choose another folder with -o",
        )


def _discard(files: Sequence[Place]) -> None:
    """Delete the parts, and folders that contain nothing else.

    Such a folder is renamed first, so a killed process leaves all parts or none.
    """
    here = {path for path in files if isinstance(path, Path)}
    for stored in files:
        if isinstance(stored, Address):
            remove(stored)
    for folder in {path.parent for path in here}:
        try:
            _discard_here(folder, {path for path in here if path.parent == folder})
        except OSError as error:
            raise OutputError(
                f"cannot remove the parts in {quoted(folder.name)}: "
                f"{(error.strerror or type(error).__name__).lower()}",
                slug="output-not-writable",
                details=["the merged predictions are complete"],
                hint="remove the parts, or keep them: omit --discard",
            ) from error


def _discard_here(folder: Path, parts: set[Path]) -> None:
    if folder.name == output_folder.SHARDS and set(folder.iterdir()) == parts:
        gone = folder.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}-{folder.name}")
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
        return
    for path in parts:
        path.unlink(missing_ok=True)
