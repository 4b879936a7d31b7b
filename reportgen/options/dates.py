"""Printed dates: given as an option, or by SOURCE_DATE_EPOCH."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reportgen.errors import UsageError
from reportgen.text import quoted

if TYPE_CHECKING:
    import datetime

__all__ = [
    "check_date",
    "check_epoch",
    "midnight_utc",
    "report_date",
]


_EPOCH = "SOURCE_DATE_EPOCH"


def midnight_utc(text: str) -> datetime.datetime | None:
    """The start of an ISO date in UTC; None if `text` is not a date."""
    import datetime

    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)


def check_date(text: str) -> None:
    """Raise :class:`UsageError` if `text` is not a date."""
    if midnight_utc(text) is None:
        raise UsageError(
            f"--date {quoted(text)} is not a date", slug="option-value", hint="write it YYYY-MM-DD"
        )


def check_epoch() -> None:
    """Raise :class:`UsageError` if SOURCE_DATE_EPOCH is invalid; unset it if empty.

    Libraries read it on import, and would fail.
    """
    report_date(None)
    if os.environ.get(_EPOCH) == "":
        del os.environ[_EPOCH]


def report_date(given: str | None) -> str:
    """The date to print: the given one, else that of SOURCE_DATE_EPOCH (UTC), else none."""
    epoch = os.environ.get(_EPOCH, "")
    if given is not None:
        return given
    if not epoch:
        return ""
    import datetime

    try:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{_EPOCH} {quoted(epoch)} is not a number of seconds",
            slug="option-value",
            hint=f"set it to whole seconds since 1970, or unset it: unset {_EPOCH}",
        ) from None
