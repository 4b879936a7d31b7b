"""The external files with an ONNX model's weights, read from its bytes; nothing is run.

Only the protobuf fields that lead to tensors are parsed. If the weights are in other files, the
hash of the model file alone does not identify the model.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "external_files",
]


_INWARD = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""Message → field number → the nested message; see onnx.proto."""


_MAX_DEPTH = 64


def external_files(path: Path) -> tuple[str, ...]:
    """The locations of external tensors, as the model spells them, sorted.

    Raises :class:`ValueError` if the bytes are not a protocol buffer.
    """
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data,
        memoryview(data) as view,
    ):
        return tuple(sorted(set(_locations(view, 0, len(view), "model", 0))))


def _locations(view: memoryview, at: int, end: int, kind: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for number, start, stop in _fields(view, at, end):
        inner = _INWARD[kind].get(number)
        if inner == "entry":
            yield from _location(view, start, stop)
        elif inner is not None:
            yield from _locations(view, start, stop, inner, depth + 1)


def _location(view: memoryview, at: int, end: int) -> Iterator[str]:
    """The value of the entry with the key ``location``."""
    texts = {number: bytes(view[start:stop]) for number, start, stop in _fields(view, at, end)}
    if texts.get(1) == b"location":
        yield texts.get(2, b"").decode("utf-8")


def _fields(view: memoryview, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """(field number, start, end) of each length-delimited field."""
    while at < end:
        key, at = _varint(view, at, end)
        kind = key & 7
        if kind == 2:
            length, at = _varint(view, at, end)
            if at + length > end:
                raise ValueError("a field is longer than its message")
            yield key >> 3, at, at + length
            at += length
        elif kind == 0:
            _, at = _varint(view, at, end)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("a field of an unknown kind")
    if at != end:
        raise ValueError("it ends early")


def _varint(view: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("it ends early")
