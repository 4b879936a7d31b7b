"""The content of many files, read once each by a few threads: SHA-256 and, asked, pixel sizes."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from reportgen.inference.folders.opening import open_regular, os_reason, read_to_end
from reportgen.inference.folders.value import Size

__all__ = ["read_digests"]

Result = tuple[bytes, Size | None] | str

WHOLE_BYTES = 64 << 20  # read at once up to here; longer files pass through in blocks
_HEAD_BYTES = 8 << 20  # of a longer file, as much as the header is looked for in
_BLOCK_BYTES = 1 << 20
_THREADS = 4  # hashing and reading release the interpreter lock
_GROUP = 32
_WINDOW = 64  # groups in flight: bounds what waits in memory


def read_digests(
    raw_paths: Sequence[str],
    root: str,
    tell: Callable[[int], None] | None,
    want_sizes: bool,
) -> Iterator[Result]:
    """For each path below `root`, in order: (digest, size or None), or the reason in words.

    `digest` is 32 bytes, `size` (width, height) in pixels. `tell` hears the number done.
    """
    groups = [raw_paths[at : at + _GROUP] for at in range(0, len(raw_paths), _GROUP)]
    read = partial(_read_group, root=root, want_sizes=want_sizes)
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="reportgen-hash")
    done = 0
    try:
        # Pillow warns while it reads headers. Filters are global, so they are set here, once,
        # around all threads, and not inside each of them.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for at in range(0, len(groups), _WINDOW):
                for results in pool.map(read, groups[at : at + _WINDOW]):
                    yield from results
                    done += len(results)
                    if tell is not None:
                        tell(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read_group(raw_paths: Sequence[str], root: str, want_sizes: bool) -> list[Result]:
    return [_read_one(os.path.join(root, raw), want_sizes) for raw in raw_paths]  # noqa: PTH118


def _read_one(path: str, want_size: bool) -> Result:
    try:
        with open_regular(path) as (descriptor, size):
            if size <= WHOLE_BYTES:
                content = read_to_end(descriptor, size)
                digest = hashlib.sha256(content).digest()
            else:
                content, digest = _read_in_blocks(descriptor)
    except OSError as error:
        return os_reason(error)
    return digest, _header_size(content) if want_size else None


def _read_in_blocks(descriptor: int) -> tuple[bytes, bytes]:
    """The beginning of a long file, and the hash of all of it."""
    head = block = os.read(descriptor, _HEAD_BYTES)
    digest = hashlib.sha256()
    while block:
        digest.update(block)
        block = os.read(descriptor, _BLOCK_BYTES)
    return head, digest.digest()


def _header_size(content: bytes) -> Size | None:
    from reportgen.inference.images.decoding import header_size

    return header_size(content)
