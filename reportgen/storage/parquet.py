"""Opens Parquet files, local and in object storage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.storage.addresses import Address
from reportgen.storage.stores import is_of_the_service, reached, require_same, store_of
from reportgen.text import printable

__all__ = [
    "open_parquet",
    "unread_reason",
]


@contextmanager
def open_parquet(place: Path | Address, **options: Any) -> Iterator[Any]:
    """Open the :class:`pyarrow.parquet.ParquetFile` at `place` for the length of the block.

    A local file is read on demand, to save memory; a remote one in few large requests, prefetched.
    For local files, pyarrow's errors are left to the caller.

    Raises
    ------
    DataError
        For an address only: ``address-unreachable``, ``input-missing``; and ``input-changed``: at
        the end of the block, the file has changed since it was first seen.
    """
    import pyarrow.parquet as pq

    if isinstance(place, Path):
        with pq.ParquetFile(place, pre_buffer=False, **options) as file:
            yield file
        return
    options.pop("buffer_size", None)  # pre_buffer determines the read size
    with reached(place):
        stream = store_of(place).open_input_file(place.path)
    try:
        with stream, pq.ParquetFile(stream, pre_buffer=True, **options) as file:
            yield file
    except OSError as error:  # Arrow raises it for requests and for invalid content alike
        if not is_of_the_service(error):
            raise
        with reached(place):
            raise
    require_same(place)


def unread_reason(path: Path | Address, error: Exception) -> str:
    """Error text of Arrow for an unreadable file: one line, without the path of its folder."""
    line = str(error).split("\n")[0]
    return printable(line.replace(f"{path.parent}{os.sep}", "…/"))[:200]
