"""The whole log of what stages read, as it lies in Kafka: what the oracle judges."""

from __future__ import annotations

from typing import NamedTuple

from schemas import channels
from streams.newest import events
from streams.settings import Settings


class Logged(NamedTuple):
    """One record of a source, of feedback or of actions; ``topic`` is without namespace."""

    topic: str
    partition: int
    offset: int
    append_ns: int  # LogAppendTime
    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


async def read_log(settings: Settings) -> list[Logged]:
    """Return every record of every ticked topic, in order of (topic, partition, offset)."""
    found = []
    for topic in channels.TICKED:
        async for record in events(settings, topic):
            append_ns = record.timestamp * 1_000_000
            headers = dict(record.headers)
            found.append(
                Logged(topic, record.partition, record.offset, append_ns, record.key, record.value or b"", headers)
            )
    return sorted(found, key=lambda one: one[:3])
