"""One line on how an input was read, and which columns were not used."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.importers.columns.detect import Roles
from reportgen.importers.formats.tables import Table
from reportgen.text import listing, plural, quoted

__all__ = [
    "read_as_matrix",
    "read_as_samples",
]


_MOST_NAMED = 8


def read_as_samples(table: Table, roles: Roles, told: Sequence[str] = ()) -> str:
    """The line for a table of predictions.

    ``4 samples: label "Actual", prediction "Predicted"; not used: day (slices only)``.

    Parameters
    ----------
    told
        How cells were read, if not obvious: one phrase each.
    """
    parts = [f"label {quoted(roles.label)}"]
    if roles.prediction is not None:
        parts.append(f"prediction {quoted(roles.prediction)}")
    if roles.scores is not None:
        what = "" if roles.prediction is not None else " (the largest is the prediction)"
        parts.append(f"scores {listing(map(quoted, roles.scores.columns), 3)}{what}")
    if roles.ranking is not None:
        parts.append(
            f"top-{len(roles.ranking.classes)} {listing(map(quoted, roles.ranking.classes), 3)}"
        )
    if roles.confidence is not None:
        parts.append(f"confidence {quoted(roles.confidence)}")
    if roles.id is not None:
        parts.append(f"id {quoted(roles.id)}")
    rest = _rest(table, roles)
    return "; ".join(
        [f"{plural(table.n_rows, 'sample')}: {', '.join(parts)}", *told, *([rest] if rest else [])]
    )


def _rest(table: Table, roles: Roles) -> str:
    """The columns without a role; those used for slices are marked."""
    unread = [*roles.spare, *roles.rest(table.columns, usable=False)]
    sliced = roles.rest(table.columns, usable=True)
    some = [listing(unread, _MOST_NAMED)] if unread else []
    if sliced:
        some.append(f"{listing(sliced, _MOST_NAMED)} (slices only)")
    return f"not used: {'; '.join(some)}" if some else ""


def read_as_matrix(
    n_classes: int, told: Sequence[str], *, rows_are_true: bool, long: bool = False
) -> str:
    """The line for a confusion matrix.

    ``confusion matrix of 3 classes: rows true, columns predicted``.

    Parameters
    ----------
    told
        How the file was read, if not obvious: one phrase each.
    long
        Whether it has one cell per line; then `told` has the roles of the columns.
    """
    edges = "rows true, columns predicted" if rows_are_true else "rows predicted, columns true"
    parts = told if long and rows_are_true else (edges, *told)
    return f"confusion matrix of {plural(n_classes, 'class', 'classes')}: {'; '.join(parts)}"
