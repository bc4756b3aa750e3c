"""The whole log of what stages read, as it lies in Kafka: what the oracle judges."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka import TopicPartition

from schemas import channels
from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of


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
    """Return every record of every ticked topic, ticks too, in order of (topic, partition, offset)."""
    names = {topic_name(settings, topic): topic for topic in channels.TICKED}
    places = [TopicPartition(name, n) for name, topic in names.items() for n in range(partitions_of(topic))]
    reader = consumer(settings)
    try:
        await reader.start()
        found = [
            Logged(
                names[record.topic],
                record.partition,
                record.offset,
                record.timestamp * 1_000_000,
                record.key,
                record.value or b"",
                dict(record.headers),
            )
            async for record in read_to_end(reader, places)
        ]
    finally:
        await reader.stop()
    return sorted(found, key=lambda one: one[:3])
