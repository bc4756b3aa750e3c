"""Dead letters: the bytes that were refused, as they came, with the reason in headers (``vitals.dead-letters``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.envelope import Headers
from schemas.refusals import Reason
from schemas.times import Time, format_time, parse_time

MAX_DETAIL_BYTES = 1_000


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One refusal; ``value`` is the whole record, or where ``index`` is given one element as a record of its own."""

    topic: str  # without namespace
    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    reason: Reason
    detail: str
    time: Time  # of the record that was refused, so that a replay writes the same letter
    value: bytes
    index: Annotated[int, Meta(ge=0)] | None = None

    @property
    def ident(self) -> str:
        """Return where it came from: ``topic:partition:offset``, and ``:index`` of a row; one letter has one."""
        place = f"{self.topic}:{self.partition}:{self.offset}"
        return place if self.index is None else f"{place}:{self.index}"


def dead_letter_headers(
    *,
    topic: str,
    partition: int,
    offset: int,
    reason: Reason,
    detail: str,
    time_ns: int,
    index: int | None = None,
) -> Headers:
    """Return the ``dl_*`` headers of one dead letter; ``detail`` loses control characters and is cut."""
    printable = "".join(c if c.isprintable() else " " for c in detail)
    headers = [
        ("dl_topic", topic.encode()),
        ("dl_partition", str(partition).encode()),
        ("dl_offset", str(offset).encode()),
        ("dl_reason", str(reason).encode()),
        ("dl_detail", printable.encode(errors="replace")[:MAX_DETAIL_BYTES].decode(errors="ignore").encode()),
        ("dl_time", format_time(time_ns).encode()),
    ]
    if index is not None:
        headers.append(("dl_index", str(index).encode()))
    return tuple(headers)


def read_dead_letter(headers: Mapping[str, bytes], value: bytes | None) -> DeadLetter:
    """Return what ``dead_letter_headers`` wrote.

    Raises
    ------
    ValueError
        A header is missing or does not say what its name promises.
    """

    def text(name: str) -> str:
        if name not in headers:
            raise ValueError(f"no header {name}: this is no dead letter of ours")
        return headers[name].decode()

    time = text("dl_time")
    parse_time(time)
    return DeadLetter(
        topic=text("dl_topic"),
        partition=_count(text("dl_partition")),
        offset=_count(text("dl_offset")),
        reason=Reason(text("dl_reason")),
        detail=text("dl_detail"),
        time=time,
        value=value or b"",
        index=_count(text("dl_index")) if "dl_index" in headers else None,
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        raise ValueError(f"not a whole number: {text[:40]!r}")
    return int(text)
