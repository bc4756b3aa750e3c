"""The envelope: CloudEvents 1.0 in Kafka's binary mode, in and out.

Header names are ``ce_*`` as the binding says; ours are ``vitals_mode``, ``vitals_backfill``, ``vitals_tick`` and
``vitals_provisional``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.ids import MODES, Mode
from schemas.refusals import Reason, RefusedError
from schemas.times import format_time, parse_time

MAX_HEADER_BYTES = 1_024
TICK = "vitals_tick"
PROVISIONAL = "vitals_provisional"
Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What the headers of one record say; ``id`` and ``source`` are ``None`` where there is no envelope."""

    id: str | None = None
    source: str | None = None  # urn:vitals:gateway:<id>
    type: str | None = None
    time_ns: int | None = None
    mode: Mode = "actual"
    is_backfill: bool = False
    is_tick: bool = False


def gateway_urn(gateway_id: str) -> str:
    """Return the ``ce_source`` of a gateway."""
    return f"urn:vitals:gateway:{gateway_id}"


def read_envelope(headers: Mapping[str, bytes]) -> Envelope:
    """Read the headers of a source record.

    Raises
    ------
    RefusedError
        ``schema``: a header is too long, not UTF-8, or does not say what its name promises.
    """
    mode = _text(headers, "vitals_mode") or "actual"
    if mode not in MODES:
        raise RefusedError(Reason.SCHEMA, f"header vitals_mode must be one of {', '.join(MODES)}, not {mode[:40]!r}")
    time = _text(headers, "ce_time")
    version = _text(headers, "ce_specversion")
    if version is not None and version != "1.0":
        raise RefusedError(Reason.SCHEMA, f"header ce_specversion must be 1.0, not {version[:40]!r}")
    try:
        time_ns = None if time is None else parse_time(time)
    except ValueError as error:
        raise RefusedError(Reason.SCHEMA, f"header ce_time: {error}") from error
    return Envelope(
        id=_text(headers, "ce_id"),
        source=_text(headers, "ce_source"),
        type=_text(headers, "ce_type"),
        time_ns=time_ns,
        mode=mode,
        is_backfill=_text(headers, "vitals_backfill") == "true",
        is_tick=TICK in headers,
    )


def write_envelope(
    *,
    id: str,  # noqa: A002 - CloudEvents' name
    source: str,
    type: str,  # noqa: A002 - CloudEvents' name
    time_ns: int,
    mode: Mode = "actual",
    is_backfill: bool = False,
) -> Headers:
    """Return the headers of a record that carries one event."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", type.encode()),
        ("ce_time", format_time(time_ns).encode()),
    ]
    if mode != "actual":
        headers.append(("vitals_mode", mode.encode()))
    if is_backfill:
        headers.append(("vitals_backfill", b"true"))
    return tuple(headers)


def tick_headers(time_ns: int) -> Headers:
    """Return the headers of a tick: a record with an empty value that only moves time, to ``time_ns``."""
    return ((TICK, b"true"), ("ce_time", format_time(time_ns).encode()))


def dedup_key(envelope: Envelope) -> bytes | None:
    """Return the 16 bytes that two copies of one record share; ``None`` without id and source (never a copy)."""
    if envelope.id is None or envelope.source is None:
        return None
    text = f"{envelope.source}\n{envelope.id}\n{envelope.mode}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _text(headers: Mapping[str, bytes], name: str) -> str | None:
    raw = headers.get(name)
    if raw is None:
        return None
    if len(raw) > MAX_HEADER_BYTES:
        raise RefusedError(Reason.SCHEMA, f"header {name} is longer than {MAX_HEADER_BYTES} bytes")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(Reason.SCHEMA, f"header {name} is not UTF-8") from error
