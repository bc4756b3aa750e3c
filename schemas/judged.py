"""What sense accepted of one source record (``vitals.judged``, ``vitals.late``): msgpack, columnar, ours.

Readings are packed arrays (little-endian bytes), so that the store and others read them without a loop.
"""

from __future__ import annotations

import msgspec

from schemas.crowd import CrowdRow
from schemas.ids import Mode
from schemas.reports import Report
from schemas.video import VideoRow


class ReadingColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Readings as columns of equal length n; ``series[index[i]]`` is reading i's ``<device_id>/<quantity>``."""

    series: tuple[str, ...]
    modes: tuple[Mode, ...]  # one a series
    index: bytes  # uint16 (n,)
    time: bytes  # int64 (n,), ns
    value: bytes  # float64 (n,)
    quality: bytes  # float32 (n,), 0 to 1


class Judged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The accepted rows of one source record; exactly one of the four row fields is set."""

    source: str  # topic without namespace
    partition: int
    offset: int
    unit_id: str
    total: int  # rows of this source partition judged so far, these included: the store checks its own count against it
    backfill: bool = False
    readings: ReadingColumns | None = None
    crowd: tuple[CrowdRow, ...] | None = None
    video: tuple[VideoRow, ...] | None = None
    reports: tuple[Report, ...] | None = None
    modes: tuple[Mode, ...] = ()  # one a row, for crowd, video and reports


def row_count(judged: Judged) -> int:
    """Return how many rows the record holds."""
    if judged.readings is not None:
        return len(judged.readings.time) // 8
    return len(judged.crowd or judged.video or judged.reports or ())


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Judged)


def encode_judged(judged: Judged) -> bytes:
    """Return the msgpack form."""
    return _encoder.encode(judged)


def decode_judged(raw: bytes) -> Judged:
    """Return the record that ``encode_judged`` wrote; ``msgspec.DecodeError`` if it is none."""
    return _decoder.decode(raw)
