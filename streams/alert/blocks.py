"""The alert stage's state on the wire: msgpack behind a format version, in blocks, so that only changes are written."""

from __future__ import annotations

import zlib
from typing import TypeVar

import msgspec

from streams.delivery.records import StateFormatError

FORMAT = 1
BUCKETS = 16  # blocks of one store: a checkpoint writes those with a change
T = TypeVar("T")
_encoder = msgspec.msgpack.Encoder()


def bucket_of(text: str) -> int:
    """Return the block that holds what ``text`` names; the same on any machine."""
    return zlib.crc32(text.encode()) % BUCKETS


def encode_block(content: object) -> bytes:
    """Return ``content`` behind one byte of format version."""
    return bytes((FORMAT,)) + _encoder.encode(content)


def decode_block(raw: bytes, kind: type[T]) -> T:
    """Return what ``encode_block`` wrote.

    Raises
    ------
    StateFormatError
        The block is empty, of another format version, or does not hold a ``kind``.
    """
    if not raw or raw[0] != FORMAT:
        found = raw[0] if raw else "none"
        raise StateFormatError(f"alert state has format {found}, this program reads {FORMAT}")
    try:
        content: T = msgspec.msgpack.decode(memoryview(raw)[1:], type=kind)
    except msgspec.MsgspecError as error:
        raise StateFormatError(f"damaged block of alert state: {error}") from error
    return content
