"""Event times: RFC 3339 in UTC on the wire, int64 nanoseconds since 1970 inside."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from msgspec import Meta

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
SHANGHAI_NS = 8 * HOUR_NS  # local time is so far ahead of UTC, without summer time since 1991
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
MIN_NS = 0
MAX_NS = 4_102_444_800 * SECOND_NS  # 2100-01-01: far past any event, far below the int64 limit of 2262

TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$(?!\n)"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)

Time = Annotated[str, Meta(pattern=TIME_PATTERN, max_length=30, extra_json_schema={"format": "date-time"})]


def parse_time(text: str) -> int:
    """Return the nanoseconds since 1970 of an RFC 3339 time that ends in ``Z``.

    Raises
    ------
    ValueError
        Not such a time, or outside 1970 to 2100.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 time in UTC that ends in Z: {text[:40]!r}")
    try:
        whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"no time of the calendar: {text}: {error}") from error
    ns = int(whole.timestamp()) * SECOND_NS + int((match[2] or "0").ljust(9, "0"))
    if not MIN_NS <= ns < MAX_NS:
        raise ValueError(f"time outside 1970 to 2100: {text}")
    return ns


def format_time(ns: int) -> str:
    """Return ``ns`` since 1970 as RFC 3339 in UTC, with as many decimals as it needs (0, 3, 6 or 9)."""
    seconds, rest = divmod(ns, SECOND_NS)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{rest:09d}"
    for _ in range(3):
        digits = digits.removesuffix("000")
    return f"{text}.{digits}Z" if digits else f"{text}Z"


def seconds_to_ns(seconds: float) -> int:
    """Return ``seconds`` since 1970 as nanoseconds, rounded to the microsecond that a double can hold."""
    return round(seconds * 1_000_000) * 1_000
