"""From the sums over all rows to the metadata of the finished file; torch is not needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from reportgen.csv_text import csv_text
from reportgen.errors import DataError
from reportgen.files import write_text
from reportgen.inference.folders.notes import duplicate_notes
from reportgen.inference.images.flags import ImageFlag, notes_from_flags
from reportgen.metrics import SUM_TOLERANCE, OutputKind
from reportgen.output_folder import BAD
from reportgen.predictions import BadSample, RunFacts, RunOutline, Sums
from reportgen.provenance import Accounting, DataNote
from reportgen.text import count, plural, quoted

__all__ = [
    "NOT_FINITE",
    "UNREADABLE",
    "facts_of",
    "require_few_bad",
    "write_bad_list",
]


UNREADABLE = "unreadable"


NOT_FINITE = "scores are not finite"


def facts_of(outline: RunOutline, identity: Mapping[str, str], sums: Sums) -> RunFacts:
    """The metadata of a finished file with these rows.

    `identity` has the inputs that determined the rows; empty if unknown.
    """
    before = outline.provenance
    provenance = replace(
        before,
        inference=_inference(before.inference, outline.forward_size),
        data_fingerprint=before.data_fingerprint or sums.data,
    )
    return RunFacts(
        classes=outline.classes,
        provenance=provenance,
        samples=_accounting(outline, sums),
        notes=(
            *outline.notes,
            *duplicate_notes(sums.same, sums.across),
            *outline.class_notes,
            *outline.batch_notes,
            *notes_from_flags({ImageFlag(v): n for v, n in sums.flags.items()}),
            *_bad_notes(sums.bad),
            *_halving_note(outline.forward_size),
            *outline.run_notes,
        ),
        fingerprint={**identity, "data": sums.data} if identity else {},
        sum_tolerance=None if outline.outputs == OutputKind.ONE_VS_REST else SUM_TOLERANCE,
    )


def _inference(before: Mapping[str, str], forward_size: int) -> dict[str, str]:
    if not forward_size:
        return dict(before)
    size = f"{before['batch size']}, in forward passes of {forward_size} after memory ran out"
    return {**before, "batch size": size}


def _accounting(outline: RunOutline, sums: Sums) -> Accounting:
    n_not_finite = sum(sample.reason == NOT_FINITE for sample in sums.bad)
    excluded = {
        UNREADABLE: len(sums.bad) - n_not_finite,
        NOT_FINITE: n_not_finite,
        **outline.excluded,
    }
    return Accounting(
        found=sums.n_rows + sum(outline.excluded.values()),
        counted=sums.n_rows - len(sums.bad),
        excluded={reason: n for reason, n in excluded.items() if n},
        skipped=outline.skipped,
    )


def write_bad_list(path: Path, bad: Sequence[BadSample]) -> None:
    """Write ``bad.csv`` if any sample is unreadable; delete the one of an earlier run otherwise."""
    if bad:
        write_text(path, csv_text(("id", "reason"), ((item.id, item.reason) for item in bad)))
    else:
        path.unlink(missing_ok=True)


def _bad_notes(bad: Sequence[BadSample]) -> Iterator[DataNote]:
    unreadable = [sample for sample in bad if sample.reason != NOT_FINITE]
    infinite = [sample for sample in bad if sample.reason == NOT_FINITE]
    if unreadable:
        yield DataNote(
            "unreadable-images",
            f"{plural(len(unreadable), 'image')} could not be read; "
            "they are excluded from this report.",
            "warning",
            len(unreadable),
            tuple(f"{sample.id}: {sample.reason}" for sample in unreadable[:10]),
        )
    if infinite:
        yield DataNote(
            "scores-not-finite",
            f"For {plural(len(infinite), 'sample')} the model gave scores that are not finite; "
            "they are excluded from this report.",
            "warning",
            len(infinite),
            tuple(sample.id for sample in infinite[:10]),
        )


def _halving_note(forward_size: int) -> Iterator[DataNote]:
    if forward_size:
        yield DataNote(
            "out-of-memory",
            f"Out of memory; the run continued with {forward_size} images at a time. A rerun may "
            "differ in the last bits of the confidences.",
            "warning",
        )


def require_few_bad(
    n_bad: int,
    n_found: int,
    bad: Sequence[BadSample],
    limit: int,
    listed: str = BAD,
    *,
    how: str = "",
) -> None:
    """Raise :class:`DataError` (``too-many-bad``) if more than `limit` samples are unreadable.

    Parameters
    ----------
    bad
        The first unreadable samples, if known.
    listed
        Name of the file that lists all of them.
    how
        The hint; ``{n}`` is replaced by their number.
    """
    if n_bad <= limit:
        return
    first = f": {quoted(bad[0].id)}: {bad[0].reason}" if bad else ""
    raise DataError(
        f"{plural(n_bad, 'sample')} can't be used{first}",
        slug="too-many-bad",
        details=[
            *(f"{quoted(sample.id)}: {sample.reason}" for sample in bad[1:5]),
            f"{count(n_bad)} of {count(n_found)} can't be used; --max-bad is {limit}",
            f"all are listed in {listed}; the predictions of the others are kept",
        ],
        hint=how.format(n=n_bad),
    )
