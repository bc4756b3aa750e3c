"""A block on the wire: a short header with format and CRC, then the bytes of one part of a partition's state."""

from __future__ import annotations

import struct
import zlib

from streams.delivery.records import StateFormatError

_HEADER = struct.Struct("<4sHI")
_MAGIC = b"UVSB"
FORMAT = 1


def seal(payload: bytes) -> bytes:
    """Return ``payload`` behind its header: magic, format version, CRC-32."""
    return _HEADER.pack(_MAGIC, FORMAT, zlib.crc32(payload)) + payload


def unseal(raw: bytes) -> bytes:
    """Return the payload of a sealed block.

    Raises
    ------
    StateFormatError
        No block, another format's, or damaged.
    """
    if len(raw) < _HEADER.size:
        raise StateFormatError(f"a state block of {len(raw)} bytes is too short")
    magic, version, crc = _HEADER.unpack_from(raw)
    payload = raw[_HEADER.size :]
    if magic != _MAGIC:
        raise StateFormatError("not a state block")
    if version != FORMAT:
        raise StateFormatError(f"state block of format {version}, this program reads {FORMAT}")
    if zlib.crc32(payload) != crc:
        raise StateFormatError("a state block is damaged: its CRC does not fit")
    return payload
