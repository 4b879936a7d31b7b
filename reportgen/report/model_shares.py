"""What is said of a matrix that holds shares only. No HTML, no colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reportgen.report.model_base import Cell
from reportgen.report.model_groups import Entry
from reportgen.report.words import Name, Words

if TYPE_CHECKING:
    from reportgen.report.model import MatrixRow

__all__ = ["SharePairRow", "SharePairs", "ShareTable"]


@dataclass(frozen=True)
class ShareTable:
    """The shares as one table.

    Attributes
    ----------
    key
        Which of the shares of a row are shown: of the true class, of the predicted one, of all.
    title, unit
        Its caption.
    ramp
        What the colours are shares of.
    rows
        One a true class; they hold no counts.
    end_titles, totals
        Titles of the metrics that continue the rows, and what stands below them.
    """

    key: Literal["rows", "columns", "all"]
    title: str
    unit: str
    ramp: str
    rows: tuple[MatrixRow, ...]
    end_titles: tuple[str, ...] = ()
    totals: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class SharePairRow:
    """One confusion: its classes, and its shares in the order of the table's heads."""

    true: int
    predicted: int
    true_name: Name
    predicted_name: Name
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class SharePairs:
    """The confusions with the largest shares; `rest` says what the list leaves out."""

    heads: tuple[str, ...]
    rows: tuple[SharePairRow, ...]
    rest: Words
