"""State blocks of sense: msgpack or arrays behind a format number; cut by a hash, so that none grows too large."""

from __future__ import annotations

import zlib
from typing import TypeVar

import msgspec

from streams.delivery.records import StateFormatError

VERSION = 1
_PREFIX = VERSION.to_bytes(4, "little")
B = TypeVar("B")


class Block(msgspec.Struct, kw_only=True):
    """What every msgpack block begins with."""

    format: int = VERSION


class _Header(msgspec.Struct):
    format: int  # unlike what is written it has no default: a map without it is no block


def shard_of(name: str, shards: int) -> int:
    """Return the block that ``name`` belongs to, of ``shards``; the same on any machine."""
    return zlib.crc32(name.encode()) % shards


def decode_block(name: str, payload: bytes, kind: type[B]) -> B:
    """Return the content of a msgpack block.

    Raises
    ------
    StateFormatError
        Damaged, or of another format.
    """
    try:
        found = msgspec.msgpack.decode(payload, type=_Header).format
        if found == VERSION:
            return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StateFormatError(f"block {name} is damaged: {error}") from error
    raise StateFormatError(f"block {name} has format {found}, this program reads {VERSION}")


def pack_array(raw: bytes) -> bytes:
    """Return the bytes of an array behind the format number."""
    return _PREFIX + raw


def unpack_array(name: str, payload: bytes, item_bytes: int, items: int | None = None) -> bytes:
    """Return what ``pack_array`` was given: whole items, as many as ``items`` if that is given.

    Raises
    ------
    StateFormatError
        Of another format, or of another size.
    """
    found = int.from_bytes(payload[: len(_PREFIX)], "little")
    raw = payload[len(_PREFIX) :]
    if len(payload) < len(_PREFIX) or len(raw) % item_bytes or items not in {None, len(raw) // item_bytes}:
        wanted = f"{items} times {item_bytes}" if items is not None else f"a multiple of {item_bytes}"
        raise StateFormatError(f"block {name} has {len(payload)} bytes, not {len(_PREFIX)} and {wanted}")
    if found != VERSION:
        raise StateFormatError(f"block {name} has format {found}, this program reads {VERSION}")
    return raw
