"""`collect`: write the rows from an engine, in any order, to one predictions file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reportgen import output_folder
from reportgen.engines.headers import HEADER_KEY, Header
from reportgen.errors import DataError, UsageError
from reportgen.inference import facts_of, require_few_bad, write_bad_list
from reportgen.paths import output_path
from reportgen.predictions import (
    LIST_OF_SAMPLES,
    Parts,
    Predictions,
    RunOutline,
    differing,
    part_schema,
)
from reportgen.provenance import DataNote
from reportgen.text import listing, printable, quoted

__all__ = [
    "Said",
    "collect",
    "finish",
    "held_for",
    "together",
]


_PART_ROWS = 2048


_REPORT = ("report.html", "report.json")


def collect(
    tables: Iterable[Any],
    out: str | Path,
    *,
    expected: Iterable[str],
    header: str | None = None,
    force: bool = False,
) -> Predictions:
    """Write ``predictions.parquet`` from the tables that :class:`Predict` returned, in any order.

    The tables are read once; their rows are buffered on disk, not in memory.

    Parameters
    ----------
    tables
        Arrow tables or record batches.
    out
        The file to write if it ends with ``.parquet``, otherwise the folder to write it in.
    expected
        The ids of all samples, in any order. Each must have exactly one row.
    header
        :meth:`Predict.header`, for engines that drop the schema metadata of tables, as Spark does.
    force
        Overwrite existing predictions in `out`.

    Raises
    ------
    DataError
        ``rows-differ``: a sample is missing, duplicated or unexpected. ``rows-unknown``: a table
        was not made by :class:`Predict`, or lost its metadata. ``too-many-bad``: more samples are
        unreadable than allowed.
    UsageError
        ``rows-mixed``: the tables were made with different models or settings.
    OutputError
        ``output-exists`` and others: `out` can't be written.
    """
    target = output_path(out)
    if target.suffix.lower() != Path(output_folder.PREDICTIONS).suffix or target.is_dir():
        target = target / output_folder.PREDICTIONS
    with held_for(target, force=force):
        parts = Parts.start(output_folder.partial_folder(target), {})
        try:
            said = Said(None if header is None else Header.from_text(header))
            for block in _blocks(tables, said):
                parts.write_table(block)
            return finish(parts, target, said, expected)
        finally:
            parts.discard()


@contextmanager
def held_for(target: Path, *, force: bool) -> Iterator[None]:
    """Lock the output folder of a predictions file for the length of the block."""
    output_folder.prepare(target.parent, _REPORT, replace=False, data=None)
    guarded = (target.name, output_folder.partial_folder(target).name)
    output_folder.prepare(target.parent, guarded, replace=force, data=None)
    with output_folder.sole_writer(target.parent):
        output_folder.remove_stale(target.parent)
        yield


@dataclass
class Said:
    """The run metadata of the tables read so far.

    Attributes
    ----------
    given
        Header for tables without metadata; None if such tables are refused.
    headers
        Header, as text → the smallest sample id among its tables.
    """

    given: Header | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def hear(self, table: Any) -> None:
        """Record the header of a table. Raises :class:`DataError` if the table has none."""
        import pyarrow.compute as pc

        text = (table.schema.metadata or {}).get(HEADER_KEY)
        said = self._stand_in() if text is None else text.decode()
        if not table.schema.remove_metadata().equals(part_schema()):
            raise _no_rows(f"has the columns {listing(map(quoted, table.schema.names))}")
        if not len(table):
            return
        smallest = pc.min(table["id"]).as_py()
        if smallest < self.headers.setdefault(said, smallest):
            self.headers[said] = smallest

    def _stand_in(self) -> str:
        if self.given is None:
            raise _no_rows("does not say which run it belongs to")
        if "detected" in self.given.facts.provenance.outputs:
            raise DataError(
                "each batch detects the output type by itself, and the tables do not say which",
                slug="rows-unknown",
                hint="specify it: Predict(model, outputs='logits')",
            )
        return self.given.to_text()

    def header(self) -> Header:
        """The header common to all tables.

        Raises :class:`UsageError` (``rows-mixed``) if they differ.
        """
        texts = sorted(self.headers, key=lambda text: self.headers[text])
        if not texts and self.given is not None:
            return self.given
        if not texts:
            raise DataError(
                "there are no rows to collect",
                slug="rows-unknown",
                hint="pass the tables that Predict returned",
            )
        return together([Header.from_text(text) for text in texts])


def together(headers: Sequence[Header]) -> Header:
    """Merge the headers of several workers; the first header is that of the first rows.

    Raises :class:`UsageError` (``rows-mixed``) if they are not from the same run.
    """
    first = headers[0]
    for other in headers[1:]:
        what, lines = differing(_alike(first), _alike(other))
        if what:
            raise UsageError(
                f"the rows were made with different {what}",
                slug="rows-mixed",
                details=[line.replace(" before", "").replace(" now", "") for line in lines],
                hint="use one model, one set of options and one environment for all workers",
            )
    facts = [one.facts for one in headers]
    outputs = dict.fromkeys(one.outputs for one in facts if one.outputs)
    if len(outputs) > 1:
        raise UsageError(
            f"the outputs of the model were read in different ways: {listing(outputs)}",
            slug="rows-mixed",
            hint="specify the output type, such as outputs='logits'",
        )
    return replace(first, facts=_joined(facts))


def _joined(facts: Sequence[RunOutline]) -> RunOutline:
    decided = next((one for one in facts if one.outputs), facts[0])
    notes = {note.code: note for one in reversed(facts) for note in one.batch_notes}
    model_notes = (note for one in facts for note in one.provenance.model.notes)
    inference, differs = _values_of([one.provenance.inference for one in facts])
    versions, differ_too = _values_of([one.provenance.versions for one in facts])
    first = facts[0].provenance
    return replace(
        facts[0],
        provenance=replace(
            first,
            outputs=decided.provenance.outputs,
            model=replace(first.model, notes=tuple(dict.fromkeys(model_notes))),
            inference=inference,
            versions=versions,
        ),
        outputs=decided.outputs,
        batch_notes=tuple(notes.values()),
        run_notes=(*facts[0].run_notes, *_machines_note([*differs, *differ_too])),
        forward_size=min((one.forward_size for one in facts if one.forward_size), default=0),
    )


def _values_of(found: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], list[str]]:
    """Key → its distinct values, joined; and a sentence for each key with more than one value."""
    values: dict[str, dict[str, None]] = {}
    for one in found:
        for key, value in one.items():
            values.setdefault(key, {})[value] = None
    several = [f"{key} {listing(each)}" for key, each in values.items() if len(each) > 1]
    return {key: ", ".join(each) for key, each in values.items()}, several


def _machines_note(several: Sequence[str]) -> Iterator[DataNote]:
    if several:
        yield DataNote(
            "workers-differ",
            f"The workers differ: {'; '.join(map(printable, several))}. Confidences may differ "
            "from those of one machine in their last bits.",
            "info",
        )


def _alike(header: Header) -> dict[str, str]:
    """The fields that must be equal in all tables of a run: name → value."""
    by = header.facts.provenance
    return {
        **header.identity,
        "classes": ", ".join(header.facts.classes),
        "model_name": by.model.name,
        "model_version": by.model.version,
        "data_name": by.data_name,
        "title": by.title,
        "date": by.date,
        "command": by.command,
        "max_bad": str(header.max_bad),
    }


def _no_rows(what: str) -> DataError:
    return DataError(
        f"a table {what}",
        slug="rows-unknown",
        hint="pass the tables of Predict unchanged; if the engine drops their metadata, make "
        "Predict(model, outputs='logits') and pass header=predict.header(batch)",
    )


def _blocks(tables: Iterable[Any], said: Said) -> Iterator[Any]:
    """Concatenate the tables into blocks of at least 2,048 rows."""
    import pyarrow as pa

    waiting: list[Any] = []
    for given in tables:
        table = pa.Table.from_batches([given]) if isinstance(given, pa.RecordBatch) else given
        said.hear(table)
        waiting.append(table.replace_schema_metadata(None))
        if sum(map(len, waiting)) >= _PART_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting)


def finish(parts: Parts, target: Path, said: Said, expected: Iterable[str] | None) -> Predictions:
    """Write all rows to one file. `expected` are their ids; None accepts any."""
    header = said.header()
    parts.arrange(sorted(expected if expected is not None else set(parts.ids())))
    sums = parts.sums(header.facts.classes)
    facts = facts_of(header.facts, {**header.identity, LIST_OF_SAMPLES: sums.listing}, sums)
    write_bad_list(target.with_name(output_folder.BAD), sums.bad)
    parts.finish(
        target,
        facts,
        with_probabilities=header.facts.keeps_probabilities,
        is_ordered=sums.is_ordered,
    )
    require_few_bad(
        len(sums.bad), facts.samples.found, sums.bad, header.max_bad,
        how="accept them: max_bad={n}, as an option of Predict",
    )  # fmt: skip
    return Predictions.open(target)
