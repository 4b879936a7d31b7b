"""Object storage: addresses typed by the user, and the opener for local and remote files.

An :class:`Address` is only made from typed input, never from text in a file. Only ``stores``
connects, when the first file is needed.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.storage.addresses import (
        Address,
        given_name,
        is_address,
        typed_input,
        typed_place,
    )
    from reportgen.storage.copies import copy_in, copy_out, kept_folder, remove
    from reportgen.storage.parquet import open_parquet, unread_reason
    from reportgen.storage.stores import (
        THREADS,
        files_below,
        has_file,
        reached,
        read_bytes,
        stored_sha256,
    )
    from reportgen.storage.tables import AddressFolder, Place, found_at

__all__ = [
    "THREADS",
    "Address",
    "AddressFolder",
    "Place",
    "copy_in",
    "copy_out",
    "files_below",
    "found_at",
    "given_name",
    "has_file",
    "is_address",
    "kept_folder",
    "open_parquet",
    "reached",
    "read_bytes",
    "remove",
    "stored_sha256",
    "typed_input",
    "typed_place",
    "unread_reason",
]

__getattr__ = lazy_names(
    __name__,
    {
        "addresses": "Address given_name is_address typed_input typed_place",
        "copies": "copy_in copy_out kept_folder remove",
        "parquet": "open_parquet unread_reason",
        "stores": "THREADS files_below has_file reached read_bytes stored_sha256",
        "tables": "AddressFolder Place found_at",
    },
)
