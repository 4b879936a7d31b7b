"""Connections to object storage: one per process, opened when the first file is needed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

from reportgen.errors import DataError, OutputError
from reportgen.storage.addresses import Address
from reportgen.text import quoted

__all__ = [
    "THREADS",
    "TRIES",
    "as_seen",
    "files_below",
    "has_file",
    "is_folder",
    "is_of_the_service",
    "missing",
    "reached",
    "read_bytes",
    "require_same",
    "starts_with",
    "store_of",
    "stored_sha256",
]


CONNECT_SECONDS = 5


REQUEST_SECONDS = 30


TRIES = 3


THREADS = 8
"""Parallel requests: 2.7 times as fast as one after the other."""


def store_of(address: Address) -> Any:
    """The pyarrow file system of an address for this process: a forked one opens its own."""
    if address.given is not None:
        return address.given.here()
    return _connected(address.scheme, address.root, address.query, os.getpid())


@lru_cache(maxsize=8)
def _connected(scheme: str, root: str, query: tuple[tuple[str, str], ...], process: int) -> Any:
    given, _ = dict(query), process
    if scheme == "s3":
        return _s3(root, given)
    import pyarrow.fs as fs

    if scheme == "gs":
        limit = timedelta(seconds=REQUEST_SECONDS)
        return fs.GcsFileSystem(retry_time_limit=limit, **given)
    account = root.rpartition("@")[2].split(".")[0]
    return fs.AzureFileSystem(account, **given)


_DEFAULT_REGION = "us-east-1"
"""Expected by S3-compatible services if no region is set."""


def _s3(bucket: str, given: dict[str, str]) -> Any:
    import pyarrow.fs as fs

    if not given.get("endpoint_override"):
        url = _of_environment("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
        scheme, _, host = url.rpartition("://")
        given |= {"endpoint_override": host, "scheme": scheme or "https"} if host else {}
    region = given.pop("region", "") or _of_environment("AWS_REGION", "AWS_DEFAULT_REGION")
    if not region:
        elsewhere = given.get("endpoint_override")
        region = _DEFAULT_REGION if elsewhere else fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        allow_delayed_open=True,
        **given,
    )


def _of_environment(*names: str) -> str:
    """The first of these variables that is set."""
    return next((found for name in names if (found := os.environ.get(name))), "")


_SAID = re.compile(
    r"AWS Error ([A-Z_]+)|curlCode: (\d+)|CURL error \[(\d+)\]|HTTP status code: (40[13])"
    r"|(OAuth2 access token|Failed to get token|NoAuthenticationInformation)"
    r"|(AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch)"
    r"|(Could not connect to server|Could not resolve host|ContainerNotFound)",
)


_REASONS = {
    "ACCESS_DENIED": "access is denied",
    "INVALID_ACCESS_KEY_ID": "the credentials are not accepted",
    "INVALID_CLIENT_TOKEN_ID": "the credentials are not accepted",
    "SIGNATURE_DOES_NOT_MATCH": "the credentials are not accepted",
    "MISSING_AUTHENTICATION_TOKEN": "there are no credentials",
    "NO_SUCH_BUCKET": "there is no such bucket",
    "SLOW_DOWN": "the service asks for fewer requests",
    "SERVICE_UNAVAILABLE": "the service is not available",
    "INTERNAL_FAILURE": "the service failed",
    "401": "the credentials are not accepted",
    "403": "access is denied",
    "OAuth2 access token": "there are no credentials",
    "Failed to get token": "there are no credentials",
    "NoAuthenticationInformation": "there are no credentials",
    "AuthenticationFailed": "the credentials are not accepted",
    "AuthorizationFailure": "access is denied",
    "AuthorizationPermissionMismatch": "access is denied",
    "ContainerNotFound": "there is no such container",
    "Could not connect to server": "nothing listens there",
    "Could not resolve host": "its host is not known",
    "6": "its host is not known",
    "7": "nothing listens there",
    "28": "no response in time",
    "35": "no secure connection could be made",
    "52": "the connection was closed without a response",
    "56": "the connection was cut",
    "60": "the certificate is not trusted",
}
"""pyarrow's text → message: its own contains bucket and endpoint."""


def _reason(error: Exception) -> str:
    said = [one for found in _SAID.findall(str(error)) for one in found if one]
    return next((_REASONS[one] for one in reversed(said) if one in _REASONS), "the request failed")


_OF_THE_SERVICE = re.compile(r"AWS Error|curl|google|Azure|HTTP|bucket|endpoint", re.IGNORECASE)


def is_of_the_service(error: Exception) -> bool:
    """Whether a pyarrow error concerns a request, not the content of a file."""
    return _OF_THE_SERVICE.search(str(error)) is not None


@contextmanager
def reached(address: Address, *, to_write: bool = False) -> Iterator[None]:
    """Convert pyarrow's errors on `address`.

    To :class:`DataError` (``input-missing`` or ``address-unreachable``), or when writing to
    :class:`OutputError` (``address-not-written``).
    """
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError as error:
        raise (_not_written(address, error) if to_write else missing(address)) from None
    except (OSError, pa.ArrowException) as error:
        raise (_not_written if to_write else _unreachable)(address, error) from None


def missing(address: Address) -> DataError:
    """The error for an address that does not exist."""
    return DataError(
        f"there is nothing at the address of {quoted(address.name)}",
        slug="input-missing",
        hint="check bucket and key: capital letters count",
    )


def _unreachable(address: Address, error: Exception) -> DataError:
    return DataError(
        f"the address of {quoted(address.name)} can't be reached: {_reason(error)}",
        slug="address-unreachable",
        details=_tried(address),
        hint=_way_out(address),
    )


def _not_written(address: Address, error: Exception) -> OutputError:
    return OutputError(
        f"cannot write {quoted(address.name)} to its address: {_reason(error)}",
        slug="address-not-written",
        details=_tried(address),
        hint=_way_out(address),
    )


def _tried(address: Address) -> list[str]:
    """What was tried, as far as it is known."""
    if address.scheme == "s3":
        return [
            f"tried {TRIES} times, {CONNECT_SECONDS} s for a connection and {REQUEST_SECONDS} s "
            "for a response each"
        ]
    return [f"tried for {REQUEST_SECONDS} s"] if address.scheme == "gs" else []


def _way_out(address: Address) -> str:
    if not address.scheme:
        return "check the network, and the options of the file system"
    azure = (
        "without credentials, run az login or set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
        "AZURE_CLIENT_SECRET"
    )
    also = {
        "s3": "a missing region (AWS_REGION, or ?region=), profile or role may be the cause",
        "gs": "without credentials, set GOOGLE_APPLICATION_CREDENTIALS or run gcloud auth "
        "application-default login",
    }
    return f"check the network and the endpoint; {also.get(address.scheme, azure)}"


def as_seen(address: Address) -> Address:
    """The address of a file with its current size and ETag."""
    with reached(address):
        return replace(address, stamp=_stamp(address))


def _stamp(address: Address) -> tuple[int, str]:
    with store_of(address).open_input_file(address.path) as file:
        size = file.size()
        try:
            tag = (file.metadata() or {}).get("ETag", b"")
        except (NotImplementedError, OSError):
            tag = b""
    if not tag:
        info = store_of(address).get_file_info(address.path)
        tag = info.mtime_ns or ""
    return size, tag.decode("utf-8", "replace") if isinstance(tag, bytes) else str(tag)


def require_same(address: Address) -> None:
    """Raise :class:`DataError` (``input-changed``) if a file has changed."""
    if address.stamp is None:
        return
    with reached(address):
        now = _stamp(address)
    if now != address.stamp:
        raise DataError(
            f"{quoted(address.name)} was changed while it was read",
            slug="input-changed",
            hint="run the command again once nothing writes to it",
        )


def has_file(address: Address) -> bool:
    """Whether the file exists."""
    with reached(address):
        return bool(store_of(address).get_file_info(address.path).is_file)


def is_folder(address: Address) -> bool:
    """Whether it is a folder with files. Raises :class:`DataError` if nothing exists at all."""
    import pyarrow.fs as fs

    with reached(address):
        info = store_of(address).get_file_info(address.path)
    if info.type == fs.FileType.NotFound:
        raise missing(address)
    return bool(info.type == fs.FileType.Directory)


def files_below(address: Address) -> list[Address]:
    """All files below a folder, by key, listed at once; their stamps have the sizes."""
    import pyarrow.fs as fs

    with reached(address):
        found = store_of(address).get_file_info(
            fs.FileSelector(address.path, allow_not_found=True, recursive=True)
        )
    start = len(address.path) - len(address.key)
    files = [replace(address, key=one.path[start:]) for one in found if one.is_file]
    return sorted(files, key=lambda one: one.key)


def starts_with(address: Address, magic: bytes) -> bool:
    """Whether a file begins with these bytes."""
    with reached(address), store_of(address).open_input_file(address.path) as file:
        return bool(file.read(len(magic)) == magic)


def read_bytes(address: Address) -> bytes:
    """The content of a file."""
    with reached(address), store_of(address).open_input_stream(address.path) as stream:
        return bytes(stream.read())


def stored_sha256(address: Address) -> str:
    """The SHA-256 of a file's bytes, hexadecimal, read in blocks of 8 MiB."""
    digest = hashlib.sha256()
    with reached(address), store_of(address).open_input_stream(address.path) as stream:
        while block := stream.read(1 << 23):
            digest.update(block)
    require_same(address)
    return digest.hexdigest()
