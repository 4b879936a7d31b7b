"""Addresses of object storage: validated, and shown without secrets."""

from __future__ import annotations

import os
import pickle
import re
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qsl

from reportgen.errors import UsageError
from reportgen.paths import local_path
from reportgen.text import nearest, printable, quoted

__all__ = [
    "Address",
    "given_name",
    "is_address",
    "typed_input",
    "typed_place",
]


_S3 = ("endpoint_override", "region", "scheme")


_AZURE = ("blob_storage_authority", "blob_storage_scheme", "dfs_storage_authority",
          "dfs_storage_scheme")  # fmt: skip


_QUERIES = {"s3": _S3, "gs": ("endpoint_override", "scheme"), "abfs": _AZURE, "abfss": _AZURE}
"""Scheme → permitted query keys: the location of the service, never credentials."""


_TYPED = re.compile(r"(s3|gs|abfss?):/{1,2}(.*)", re.IGNORECASE | re.DOTALL)


_QUERY = re.compile(r"\?(?=[A-Za-z_-]+=)")


_SECRET = re.compile(r"key|secret|token|sig|pass|pwd|sas|cred|client|auth$", re.IGNORECASE)


class GivenFileSystem:
    """A pyarrow or fsspec file system that a caller connected."""

    def __init__(self, filesystem: Any) -> None:
        import pyarrow.fs as fs

        if not isinstance(filesystem, fs.FileSystem):
            filesystem = fs.PyFileSystem(fs.FSSpecHandler(filesystem))
        self._filesystem = filesystem
        self._process = os.getpid()

    def here(self) -> Any:
        """The file system; in another process, an equal one."""
        if self._process != os.getpid():
            self._filesystem = pickle.loads(pickle.dumps(self._filesystem))
            self._process = os.getpid()
        return self._filesystem


@dataclass(frozen=True, repr=False)
class Address:
    """A file or folder of object storage. Its text form is only its name.

    Attributes
    ----------
    scheme
        ``"s3"``, ``"gs"``, ``"abfs"`` or ``"abfss"``; ``""`` for a given file system.
    root
        The bucket; for Azure ``container@account.host``.
    key
        Path below the bucket, without leading and trailing slashes.
    query
        Key-value pairs after the ``?``.
    given
        The file system passed by the caller, instead of a scheme.
    stamp
        (size in bytes, ETag or time) of a file when first seen; None if unknown.
    """

    scheme: str
    root: str
    key: str
    query: tuple[tuple[str, str], ...] = ()
    given: GivenFileSystem | None = None
    stamp: tuple[int, str] | None = None

    @property
    def path(self) -> str:
        """The path in the file system."""
        container = self.root.split("@")[0]
        return "/".join(part for part in (container, self.key) if part)

    @property
    def name(self) -> str:
        """The last part of the key; for a bucket its scheme."""
        return printable(PurePosixPath(self.key).name) or self.scheme or "storage"

    @property
    def stem(self) -> str:
        """The name without its last extension."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The last extension, such as ``".parquet"``; empty if there is none."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Address:
        """The folder that contains it."""
        above = str(PurePosixPath(self.key).parent)
        return replace(self, key="" if above == "." else above, stamp=None)

    def __truediv__(self, below: str) -> Address:
        return replace(self, key="/".join(p for p in (self.key, below) if p), stamp=None)

    def relative_to(self, folder: Address) -> PurePosixPath:
        """The path below `folder`."""
        return PurePosixPath(self.key).relative_to(folder.key)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"Address({self.name!r})"


def is_address(given: Any) -> bool:
    """Whether `given` is an address of object storage, and not the name of a local file."""
    if isinstance(given, Address):
        return True
    if not isinstance(given, (str, Path)) or not _TYPED.fullmatch(os.fspath(given)):
        return False
    return not os.path.lexists(given)


def given_name(given: str | Path | Address) -> str:
    """The last part of a path or address, without its location."""
    if isinstance(given, Address):
        return given.name
    return _parsed(os.fspath(given)).name if is_address(given) else Path(given).name


def typed_input(source: Any, what: str, filesystem: Any = None) -> Any:
    """`source`, as an :class:`Address` if the user typed one.

    Raises the errors of :func:`typed_place`.
    """
    named = isinstance(source, (str, Path))
    if named and (filesystem is not None or is_address(source)):
        return typed_place(source, what, filesystem)
    return source


def typed_place(given: str | Path, what: str, filesystem: Any = None) -> Path | Address:
    """Parse user input `what`: an address of object storage, or a local path.

    Nothing is opened. With a pyarrow or fsspec `filesystem`, all input is a path in it.

    Raises
    ------
    UsageError
        ``address-secret``: it contains a user name or a secret. ``option-value``: a key after the
        ``?`` is unknown. ``remote-path``: an address of another kind. ``path-empty``.
    """
    if filesystem is not None:
        return _in_filesystem(os.fspath(given), filesystem)
    if not is_address(given):
        return local_path(given, what)
    text = os.fspath(given)
    _refuse_secrets(text, what)
    address = _parsed(text)
    if not address.root:
        raise UsageError(
            f"{what} names no bucket",
            slug="option-value",
            hint=f"write {address.scheme}://BUCKET/KEY",
        )
    if address.scheme.startswith("abfs") and "@" not in address.root:
        raise UsageError(
            f"{what} names no storage account",
            slug="option-value",
            hint=f"write {address.scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
        )
    known = _QUERIES[address.scheme]
    for name, _ in address.query:
        if name not in known:
            meant = nearest(name, known)
            raise UsageError(
                f"{what} has an unknown option {quoted(name)} after the ?",
                slug="option-value",
                hint=f"did you mean {meant}?" if meant else f"known are {', '.join(known)}",
            )
    return address


def _refuse_secrets(text: str, what: str) -> None:
    address = _parsed(text)
    azure = address.scheme.startswith("abfs")
    user = address.root.rpartition("@")[0]
    secret = ":" in user or "@" in user if azure else bool(user)
    if secret or any(_SECRET.search(name) for name, _ in address.query):
        raise UsageError(
            f"{what} {quoted(address.name)} has a user name or a secret in its address",
            slug="address-secret",
            hint="remove it from the address: credentials are read from the environment, a "
            "profile or a role",
        )


def _parsed(text: str) -> Address:
    found = _TYPED.fullmatch(text)
    assert found is not None
    place, *rest = _QUERY.split(found[2], maxsplit=1)
    root, _, key = place.partition("/")
    query = tuple(sorted(parse_qsl(rest[0], keep_blank_values=True))) if rest else ()
    return Address(found[1].lower(), root, key.strip("/"), query)


def _in_filesystem(text: str, filesystem: Any) -> Address:
    found = _TYPED.fullmatch(text)
    key = found[2].strip("/") if found else text.rstrip("/")
    return Address("", "", key, given=GivenFileSystem(filesystem))
