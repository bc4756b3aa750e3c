"""State as bytes: msgpack behind a short header with the format version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from streams.delivery.records import StateFormatError
from streams.dispatch.case import Case
from streams.dispatch.intake import Clocks, Event

MAGIC = b"VDSP"
FORMAT = 1
CLOCKS = "clocks"
T = TypeVar("T")


class CaseBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of one block, by id."""

    cases: tuple[Case, ...]


class BufferBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what is not decided yet."""

    events: tuple[Event, ...]


_encoder = msgspec.msgpack.Encoder()
_cases = msgspec.msgpack.Decoder(CaseBlock)
_buffer = msgspec.msgpack.Decoder(BufferBlock)
_clocks = msgspec.msgpack.Decoder(Clocks)


def case_block(number: int) -> str:
    """Return the name of a block of cases."""
    return f"cases-{number:03d}"


def buffer_block(number: int) -> str:
    """Return the name of a block of undecided events."""
    return f"buffer-{number:02d}"


def encode_cases(cases: Sequence[Case]) -> bytes:
    """Return a block of cases as bytes; of none, nothing: an empty block is removed."""
    return _encode(CaseBlock(cases=tuple(cases))) if cases else b""


def encode_buffer(events: Sequence[Event]) -> bytes:
    """Return a block of undecided events as bytes; of none, nothing."""
    return _encode(BufferBlock(events=tuple(events))) if events else b""


def encode_clocks(clocks: Clocks) -> bytes:
    """Return the clocks as bytes."""
    return _encode(clocks)


def _encode(block: CaseBlock | BufferBlock | Clocks) -> bytes:
    return MAGIC + FORMAT.to_bytes(2, "little") + _encoder.encode(block)


def decode_cases(raw: bytes) -> CaseBlock:
    """Return what the encoder wrote; ``StateFormatError`` if it is of another format."""
    return _decode(_cases, raw)


def decode_buffer(raw: bytes) -> BufferBlock:
    """Return what the encoder wrote; ``StateFormatError`` if it is of another format."""
    return _decode(_buffer, raw)


def decode_clocks(raw: bytes) -> Clocks:
    """Return what the encoder wrote; ``StateFormatError`` if it is of another format."""
    return _decode(_clocks, raw)


def _decode(decoder: msgspec.msgpack.Decoder[T], raw: bytes) -> T:
    if raw[:4] != MAGIC:
        raise StateFormatError("not a state block of dispatch")
    version = int.from_bytes(raw[4:6], "little")
    if version != FORMAT:
        raise StateFormatError(f"dispatch state is of format {version}; this version reads format {FORMAT}")
    try:
        return decoder.decode(memoryview(raw)[6:])
    except msgspec.DecodeError as error:
        raise StateFormatError(f"damaged dispatch state: {error}") from error
