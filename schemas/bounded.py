"""Decoding what others send: bounded before it is parsed, strict, and refused with one of our words.

``msgspec`` alone would let pass bad UTF-8 inside what it skips, and how deep it may go depends on the caller's stack;
both are checked here, so that the same bytes are always refused for the same reason.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from msgspec import Raw

from schemas.refusals import Reason, RefusedError

MAX_DEPTH = 8
MAX_SOURCE_BYTES = 512 * 1024
MAX_EVENT_BYTES = 64 * 1024

T = TypeVar("T")
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_any = msgspec.json.Decoder(Raw)
_items = msgspec.json.Decoder(list[Raw])


def check_text(raw: bytes, max_bytes: int) -> None:
    """Refuse what is too large or not UTF-8.

    Raises
    ------
    RefusedError
        ``too_large`` or ``undecodable``.
    """
    if len(raw) > max_bytes:
        raise RefusedError(Reason.TOO_LARGE, f"{len(raw)} bytes; at most {max_bytes}")
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(Reason.UNDECODABLE, f"not UTF-8: byte {error.start}") from error


def check_depth(raw: bytes) -> None:
    """Refuse what is nested more than ``MAX_DEPTH`` deep, in one pass without a stack.

    Raises
    ------
    RefusedError
        ``undecodable``.
    """
    depth = 0
    unescaped = _ESCAPE.sub(b"", raw) if b"\\" in raw else raw
    outside_strings = b"".join(unescaped.split(b'"')[::2])
    for byte in outside_strings.translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            raise RefusedError(Reason.UNDECODABLE, f"nested more than {MAX_DEPTH} deep")


def raw_items(raw: bytes) -> list[Raw]:
    """Return the elements of a JSON array, each as its own bytes.

    Raises
    ------
    RefusedError
        ``undecodable``: not JSON or too deep; ``schema``: JSON, but no array.
    """
    check_depth(raw)
    try:
        return _items.decode(raw)
    except msgspec.ValidationError as error:
        check_json(raw)
        raise RefusedError(Reason.SCHEMA, f"must be a JSON array: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Reason.UNDECODABLE, f"not JSON: {error}") from error


def check_json(raw: bytes) -> None:
    """Refuse what is not one JSON value of bounded depth.

    Raises
    ------
    RefusedError
        ``undecodable``.
    """
    check_depth(raw)
    try:
        _any.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedError(Reason.UNDECODABLE, f"not JSON: {error}") from error


def decode_one(
    decoder: msgspec.json.Decoder[T], raw: bytes, max_bytes: int = MAX_EVENT_BYTES, invalid: Reason = Reason.SCHEMA
) -> T:
    """Decode one typed JSON value.

    Parameters
    ----------
    decoder
        Of the type that is expected.
    raw
        What came.
    max_bytes
        The most that is looked at.
    invalid
        The reason for JSON that is not of this type.

    Raises
    ------
    RefusedError
        ``too_large``, ``undecodable`` or ``invalid``.
    """
    check_text(raw, max_bytes)
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        check_json(raw)
        raise RefusedError(invalid, str(error)) from error
