"""The opener of Parquet files, here and in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reportgen.storage.addresses import Address
from reportgen.storage.stores import is_of_the_service, reached, require_same, store_of

__all__ = [
    "open_parquet",
]


@contextmanager
def open_parquet(place: Path | Address, **options: Any) -> Iterator[Any]:
    """The :class:`pyarrow.parquet.ParquetFile` at `place`, closed afterwards.

    A file here is read as it is needed, to save memory; one of object storage in few large
    requests, ahead of need. What pyarrow says of a file here is left to the caller.

    Raises
    ------
    DataError
        Of an address alone: ``address-unreachable``, ``input-missing``; and ``input-changed`` where
        the file is another one at the end of the block than it was when it was first seen.
    """
    import pyarrow.parquet as pq

    if isinstance(place, Path):
        with pq.ParquetFile(place, pre_buffer=False, **options) as file:
            yield file
        return
    options.pop("buffer_size", None)  # how much is read at a time is decided by pre_buffer
    with reached(place):
        stream = store_of(place).open_input_file(place.path)
    try:
        with stream, pq.ParquetFile(stream, pre_buffer=True, **options) as file:
            yield file
    except OSError as error:  # of a request, or of what the file contains: Arrow has one for both
        if not is_of_the_service(error):
            raise
        with reached(place):
            raise
    require_same(place)
