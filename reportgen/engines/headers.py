"""The run metadata in the schema of a table of rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reportgen.errors import DataError
from reportgen.jsonio import read_value, write_value
from reportgen.predictions import RunOutline

__all__ = [
    "HEADER_KEY",
    "Header",
]


HEADER_KEY = b"reportgen-rows"


VERSION = 1


@dataclass(frozen=True)
class Header:
    """The run that a table of rows belongs to.

    Attributes
    ----------
    rows
        Version of this format.
    identity
        Each input that affects the predictions, except the samples → its value or hash.
    facts
        Other facts about the run. Notes and output type are those of the table's batch.
    max_bad
        Maximum number of unreadable samples.
    """

    rows: int
    identity: Mapping[str, str]
    facts: RunOutline
    max_bad: int

    def to_text(self) -> str:
        """As JSON with sorted keys."""
        return json.dumps(write_value(Header, self), ensure_ascii=True, sort_keys=True)

    @classmethod
    def from_text(cls, text: str | bytes) -> Header:
        """The inverse of :meth:`to_text`.

        Raises :class:`DataError` (``rows-unknown``) if it can't be parsed.
        """
        try:
            value: Any = json.loads(text)
            if value["rows"] != VERSION:
                raise ValueError(f"version {value['rows']}")
            header: Header = read_value(Header, value)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                "the header of the rows can't be read",
                slug="rows-unknown",
                hint="use the same reportgen to predict and to collect",
            ) from error
        return header
