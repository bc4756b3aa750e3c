"""Records of crowd rows, video rows and reports: each row good or bad by itself, with its time in ns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Raw

from schemas.bounded import MAX_SOURCE_BYTES, check_text, decode_one, raw_items
from schemas.crowd import MAX_CROWD_ROWS, CrowdRow
from schemas.refusals import Reason, RefusedError
from schemas.reports import Report
from schemas.times import parse_time
from schemas.video import MAX_VIDEO_ROWS, VideoRow

R = TypeVar("R", CrowdRow, VideoRow)
Fault = tuple[Reason, str]


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that was refused; ``value`` is a JSON array of that row alone, as it came."""

    index: int
    reason: Reason
    detail: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Rows(Generic[R]):
    """The rows of one record: every one either in ``good`` or in ``bad``, exactly once."""

    good: list[R]
    index: list[int]  # position of each good row in the record
    times: list[int]  # ns, of each good row
    bad: list[BadRow]


_crowd = msgspec.json.Decoder(Annotated[list[CrowdRow], Meta(max_length=MAX_CROWD_ROWS)])
_crowd_row = msgspec.json.Decoder(CrowdRow)
_video = msgspec.json.Decoder(Annotated[list[VideoRow], Meta(max_length=MAX_VIDEO_ROWS)])
_video_row = msgspec.json.Decoder(VideoRow)
_report = msgspec.json.Decoder(Report)
_encoder = msgspec.json.Encoder()


def decode_crowd(raw: bytes) -> Rows[CrowdRow]:
    """Decode a record of ``vitals.crowd``.

    Raises
    ------
    RefusedError
        The record as a whole: ``too_large`` (bytes or rows), ``undecodable``, ``schema`` (not an array, empty).
    """
    return _decode(raw, MAX_CROWD_ROWS, _crowd, _crowd_row, _crowd_fault)


def decode_video(raw: bytes) -> Rows[VideoRow]:
    """Decode a record of ``vitals.video``; raises as ``decode_crowd``."""
    return _decode(raw, MAX_VIDEO_ROWS, _video, _video_row, _no_fault)


def decode_report(raw: bytes) -> tuple[Report, int]:
    """Decode a record of ``vitals.reports``; returns it with its time in ns.

    Raises
    ------
    RefusedError
        ``too_large``, ``undecodable``, ``schema``, or ``bad_value`` for a time that is none.
    """
    report = decode_one(_report, raw)
    try:
        return report, parse_time(report.time)
    except ValueError as error:
        raise RefusedError(Reason.BAD_VALUE, f"time: {error}") from error


def encode_rows(rows: list[CrowdRow] | list[VideoRow]) -> bytes:
    """Return the record of crowd or video rows."""
    return _encoder.encode(rows)


def _crowd_fault(row: CrowdRow) -> Fault | None:
    if row.people_count is None and row.people_in is None and row.people_out is None:
        return Reason.SCHEMA, "one of people_count, people_in and people_out must be given"
    return None


def _no_fault(_row: VideoRow) -> Fault | None:
    return None


def _decode(
    raw: bytes,
    max_rows: int,
    all_rows: msgspec.json.Decoder[list[R]],
    one_row: msgspec.json.Decoder[R],
    fault_of: Callable[[R], Fault | None],
) -> Rows[R]:
    check_text(raw, MAX_SOURCE_BYTES)
    items: list[Raw] = []
    decoded: list[R | Fault] = []
    try:
        decoded.extend(all_rows.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        items = raw_items(raw)
        if len(items) > max_rows:
            raise RefusedError(Reason.TOO_LARGE, f"{len(items)} rows; at most {max_rows}") from None
        decoded.extend(_row(item, one_row) for item in items)
    if not decoded:
        raise RefusedError(Reason.SCHEMA, "no rows in the record")
    rows: Rows[R] = Rows([], [], [], [])
    for i, row in enumerate(decoded):
        found = row if isinstance(row, tuple) else fault_of(row) or _time(row, rows)
        if isinstance(found, tuple):
            items = items or raw_items(raw)
            reason, detail = found
            rows.bad.append(BadRow(i, reason, detail[:500], b"[" + bytes(items[i]) + b"]"))
        elif not isinstance(row, tuple):
            rows.good.append(row)
            rows.index.append(i)
            rows.times.append(found)
    return rows


def _time(row: R, rows: Rows[R]) -> int | Fault:
    if rows.good and rows.good[-1].time == row.time:  # the rows of one record mostly share their time
        return rows.times[-1]
    try:
        return parse_time(row.time)
    except ValueError as error:
        return Reason.BAD_VALUE, f"time: {error}"


def _row(item: Raw, decoder: msgspec.json.Decoder[R]) -> R | Fault:
    try:
        return decoder.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Reason.SCHEMA, str(error)
