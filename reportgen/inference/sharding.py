"""Predict one shard of the data into its own file; continue or skip it if it exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from reportgen.errors import DataError, UsageError
from reportgen.inference.asked import asked_of
from reportgen.inference.folders.found import find_data, list_folder
from reportgen.inference.job import changed_since, outline_of, predict_parts, tell_classes
from reportgen.inference.plan import Plan, plan_folder
from reportgen.options import Options, Shard
from reportgen.output_folder import partial_folder
from reportgen.predictions import (
    LIST_OF_SAMPLES,
    OUTPUTS_AS_DECIDED,
    PART_VERSION,
    PartFile,
    PartHeader,
    Parts,
    differing,
    write_part,
)
from reportgen.reporter import Reporter
from reportgen.storage import Place
from reportgen.text import quoted

__all__ = [
    "predict_shard",
]


def predict_shard(
    model: str, data: Place, target: Path, shard: Shard, options: Options, reporter: Reporter
) -> PartFile:
    """Predict one shard into the part file `target`; the same command again is always right.

    What the same command wrote is left as it is, before the model is loaded; what it began is
    continued.

    Raises
    ------
    UsageError
        ``shard-differs``: another model, other data or other settings made the part that is there.
    ReportgenError
        As :func:`reportgen.inference.predict_folder`; what was predicted before is kept.
    """
    found = find_data(data, options, reporter, unlabelled=True)
    if found.is_folder and isinstance(data, Path):
        found = replace(found, scanned=list_folder(data, reporter))
    asked = asked_of(model, found, options, shard)
    before = None if options.force else _standing(target, reporter)
    if before is not None and asked and before.header.asked == asked:
        return _left(before, target, reporter)
    plan = plan_folder(
        model, data, target, options, reporter, unlabelled=True, shard=shard, data=found
    )
    tell_classes(plan, reporter)
    if before is not None:
        _require_same(before, plan)
        return _left(before, target, reporter)
    return _predicted(plan, shard, asked, reporter)


def _standing(target: Path, reporter: Reporter) -> PartFile | None:
    """The complete part at this path; a damaged one is reported and predicted again."""
    if not target.exists():
        return None
    try:
        part = PartFile.open(target)
        part.require_whole()
    except DataError as error:
        reporter.warn(f"{error.message}; this shard is predicted again")
        return None
    return part


def _left(part: PartFile, target: Path, reporter: Reporter) -> PartFile:
    reporter.say(f"shard {part.shard} is complete: {quoted(part.path.name)}")
    Parts.start(partial_folder(target), {}).discard()
    return part


def _require_same(before: PartFile, plan: Plan) -> None:
    """Refuse a part made with another model, other data or other settings."""
    then = {**before.header.identity, LIST_OF_SAMPLES: before.header.listing}
    del then[OUTPUTS_AS_DECIDED]
    _refuse_other(f"shard {before.shard} was predicted", then, plan.identity)


def _refuse_other(what: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    other, lines = differing(before, now)
    if other:
        raise UsageError(
            f"{what} with another {other}",
            slug="shard-differs",
            details=lines,
            hint="repeat the same command, or predict this shard again: --force",
        )


def _predicted(plan: Plan, shard: Shard, asked: str, reporter: Reporter) -> PartFile:
    parts = _begun(plan, shard)
    if parts.n_rows and (name := changed_since(plan, parts, reporter)) is not None:
        raise UsageError(
            f"{quoted(name)} has changed since it was predicted for shard {shard}",
            slug="shard-differs",
            hint="predict this shard again: --force",
        )
    predict_parts(plan, parts, reporter, "run the same command again: it continues")
    write_part(plan.target, _header(plan, parts, shard, asked), parts.read(), plan.columns)
    parts.discard()
    return PartFile.open(plan.target)


def _begun(plan: Plan, shard: Shard) -> Parts:
    """The predictions that exist of the shard; empty if it is predicted again."""
    folder = partial_folder(plan.target)
    if plan.options.force:
        return Parts.start(folder, plan.identity)
    return Parts.resume(folder, plan.identity, partial(_refuse_other, f"shard {shard} was begun"))


def _header(plan: Plan, parts: Parts, shard: Shard, asked: str) -> PartHeader:
    identity = {**plan.identity, OUTPUTS_AS_DECIDED: parts.state.outputs}
    return PartHeader(
        part=PART_VERSION,
        shard=(shard.index, shard.count),
        rows=parts.n_rows,
        total=plan.n_samples or 0,
        listing=identity.pop(LIST_OF_SAMPLES),
        asked=asked,
        identity=identity,
        facts=outline_of(plan, parts.state),
    )
