"""The shares of a matrix without counts: as tables, as a picture, and ranked."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from reportgen.metrics import SUMMARY, Definition
from reportgen.report.cells import Footnotes, cell
from reportgen.report.matrix import (
    HOT,
    LABELLED_CLASSES,
    NUMBERED_CLASSES,
    OVERVIEW_POWER,
    ROOMY_CLASSES,
    TABLED_CLASSES,
    column_names,
    percent_text,
    texts_of,
    whole_percent_text,
)
from reportgen.report.matrix_many import OVERVIEW_SIDE
from reportgen.report.model import HeatmapSpec, MatrixRow, MatrixSection, PairSection
from reportgen.report.model_groups import Entry
from reportgen.report.model_shares import SharePairRow, SharePairs, ShareTable
from reportgen.report.pairs import listed_pairs
from reportgen.report.share_facts import OF, ShareFacts
from reportgen.report.words import Words, join, say, share, shorten
from reportgen.text import count, middle_cut, plural

__all__ = ["share_matrix", "share_pairs"]

Image = NDArray[np.float64]
Row = tuple[float | None, ...]

NAMES = {"true": "row shares", "predicted": "column shares", "all": "shares of all samples"}
FILES = {
    "true": "confusion-row-shares",
    "predicted": "confusion-column-shares",
    "all": "confusion-shares-of-all",
}


def share_matrix(facts: ShareFacts, subject: str) -> MatrixSection:
    """Tables to 100 classes of the shares that are known, a picture always; never counts."""
    tabled = len(facts.names) <= TABLED_CLASSES
    return MatrixSection(
        lead=_lead(facts),
        names=column_names(facts) if tabled else (),
        rows=(),
        open=False,
        totals=(),
        n_samples="",
        end_titles=(),
        macro=(),
        figures=(_figure(facts, subject),),
        anchors=facts.shown,
        hot=HOT,
        tables=tuple(_tables(facts)) if tabled else (),
    )


def _lead(facts: ShareFacts) -> Words:
    only = say(
        "Rows are the true class, columns the predicted class. The matrix holds shares {of}; it "
        "holds no counts.",
        of=OF[facts.over],
    )
    if len(facts.names) > TABLED_CLASSES:
        return join(
            only,
            say(
                "{k} classes are too many for a table: the largest error cells stand under Most "
                "confused pairs, and all cells in confusion.csv.",
                k=count(len(facts.names)),
            ),
        )
    return join(only, say(f"Outlined: errors of {share(HOT, 0)} or more."))


def _tables(facts: ShareFacts) -> Iterable[ShareTable]:
    rows = tuple(_rows(facts))
    if facts.over in ("true", "all"):
        macro = next(item for item in SUMMARY if item.name == "macro_recall")
        yield ShareTable(
            "rows", "Row shares", "% of the true class", "of the true class", rows,
            (_recall().title,), (cell(facts.summary(macro.name), macro, Footnotes()),),
        )  # fmt: skip
    if facts.over in ("predicted", "all"):
        of = "of the predicted class"
        yield ShareTable("columns", "Column shares", f"% {of}", of, rows)
    if facts.over == "all":
        yield ShareTable("all", "Shares of all", "% of all samples", "of the true class", rows)


def _recall() -> Definition:
    from reportgen.metrics import PER_CLASS

    return next(item for item in PER_CLASS if item.name == "recall")


def _rows(facts: ShareFacts) -> Iterable[MatrixRow]:
    nothing: list[Row] = [()] * len(facts.names)
    of_row, of_column, of_all = (
        nothing if table is None else _defined(table)
        for table in map(facts.shares.normalised, ("true", "predicted", "all"))
    )
    recall, notes = _recall(), Footnotes()
    for i, name in enumerate(column_names(facts)):
        yield MatrixRow(
            index=i,
            name=name,
            counts=(),
            shares=of_row[i],
            support="",
            ends=(cell(facts.of_class("recall", i), recall, notes),),
            column_shares=of_column[i],
            all_shares=of_all[i],
        )


def _defined(table: Image) -> list[Row]:
    return [tuple(None if value != value else value for value in row) for row in table.tolist()]


def _figure(facts: ShareFacts, subject: str) -> HeatmapSpec:
    k = len(facts.names)
    values, numbered = _values(facts), k <= NUMBERED_CLASSES
    small = k > ROOMY_CLASSES
    labels: tuple[str, ...] = ()
    if k <= LABELLED_CLASSES:
        labels = shorten([name.full for name in facts.names], 24 if small else 40)
    how = "" if numbered else " The colour follows the cube root, so that rare errors are seen."
    brief = " Empty cells are 0; the table has the exact numbers." if small and numbered else ""
    of = OF[facts.over]
    return HeatmapSpec(
        name=FILES[facts.over],
        title=f"Confusion matrix: % {of}",
        subtitle=middle_cut(subject, 90),
        values=values,
        texts=texts_of(values, whole_percent_text if small else percent_text) if numbered else None,
        labels=labels,
        top=1.0 if facts.over != "all" else float(np.nanmax(values)),
        unit=f"share {of}",
        power=1.0 if numbered else OVERVIEW_POWER,
        numbers=tuple(range(1, k + 1)) if labels else (),
        alt=_alt(facts),
        purpose=f"{NAMES[facts.over].capitalize()}, for slides and mail: each cell in % {of}."
        + brief
        + how,
    )


def _values(facts: ShareFacts) -> Image:
    """The shares as they were saved: as they are, or as an overview of the largest ones.

    Rows of classes without samples are nan. With shares of the predicted class the columns of
    classes that are never predicted stay 0: a picture marks rows alone.
    """
    values = facts.shares.values.copy()
    if facts.over == "true":
        values[~values.any(axis=1)] = np.nan
    k = len(values)
    if k <= TABLED_CLASSES:
        return values
    side = min(k, OVERVIEW_SIDE)
    starts = -(-np.arange(side) * k // side)
    by_rows = np.maximum.reduceat(np.nan_to_num(values), starts, axis=0)
    return np.asarray(np.maximum.reduceat(by_rows, starts, axis=1), np.float64)


def _alt(facts: ShareFacts) -> str:
    text = f"Heatmap of {NAMES[facts.over]}, rows true, columns predicted."
    if not facts.shares.pairs:
        return f"{text} There are no errors."
    pair = facts.shares.pairs[0]
    true, predicted = facts.names[pair.true], facts.names[pair.predicted]
    return f"{text} The largest error: {true} called {predicted}, {share(pair.share)}."


def share_pairs(facts: ShareFacts) -> PairSection:
    """The error cells with the largest shares."""
    pairs = facts.shares.pairs
    n = listed_pairs(len(facts.names))
    return PairSection(
        lead=_pair_lead(facts),
        rows=(),
        rest=Words(()),
        rest_count=0,
        rest_share="",
        groups=(),
        gallery_note=f"There are no galleries, because {facts.evaluation.examples_reason}."
        if pairs
        else "",
        shares=SharePairs(_heads(facts), tuple(_pair_rows(facts, n)), _rest(len(pairs) - n))
        if pairs
        else None,
    )


def _pair_lead(facts: ShareFacts) -> Words:
    pairs = facts.shares.pairs
    if not pairs:
        return say("No error has a share in the matrix, so no two classes are seen to be confused.")
    k = len(facts.names)
    lead = say(
        "Ranked by the share {of}, as there are no counts. The errors spread over {cells} of "
        "{possible} possible confusions.",
        of=OF[facts.over],
        cells=count(len(pairs)),
        possible=count(k * (k - 1)),
    )
    if facts.over == "all":
        return lead
    rare = "class" if facts.over == "true" else "answer"
    return join(lead, say(f"A large share of a rare {rare} may be few samples."))


def _heads(facts: ShareFacts) -> tuple[str, ...]:
    return {
        "true": ("Of the true class", "Reversed"),
        "predicted": ("Of what is called so", "Reversed"),
        "all": ("Of all samples", "Of the true class", "Of all errors", "Reversed"),
    }[facts.over]


def _pair_rows(facts: ShareFacts, n: int) -> Iterable[SharePairRow]:
    for pair in facts.shares.pairs[:n]:
        more = (pair.share_of_true, pair.share_of_errors) if facts.over == "all" else ()
        values = (pair.share, *more, pair.reversed_share)
        yield SharePairRow(
            pair.true,
            pair.predicted,
            facts.names[pair.true],
            facts.names[pair.predicted],
            tuple(Entry("n/a" if value is None else share(value), value) for value in values),
        )


def _rest(n: int) -> Words:
    if n <= 0:
        return Words(())
    return say("{n}, all in pairs.csv", n=plural(n, "further confusion"))
