"""Reads the registry topics into a view: to their end before the first event, then on beside the work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import channels
from streams.kafka import consumer, topic_name
from streams.metrics import REGISTRY_RECORDS
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of

BY_UNIT = (channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS)  # partition computed from the unit, as the sources'
IN_FULL = (channels.REGISTRY_TEAMS, channels.REGISTRY_GATEWAYS, channels.REGISTRY_RULES)


class RegistryReader:
    """Keeps ``view`` up to date with some partitions of the registry; ``positions`` says how far it has read."""

    def __init__(self, settings: Settings, topics: Sequence[str]) -> None:
        self.view = RegistryView()
        self.positions: dict[tuple[str, int], int] = {}
        self._settings = settings
        self._logical = {topic_name(settings, topic): topic for topic in topics}
        self._consumer: AIOKafkaConsumer | None = None
        self._follower: asyncio.Task[None] | None = None

    async def catch_up(self, partitions: Iterable[int] | None = None) -> None:
        """Read to the end of ``partitions`` (of the topics kept by unit; ``None``: all), then follow meanwhile."""
        await self._stop_following()
        if self._consumer is None:
            self._consumer = consumer(self._settings)
            await self._consumer.start()
        assigned = list(self._assignment(None if partitions is None else set(partitions)))
        start = {tp: self.positions.get((self._logical[tp.topic], tp.partition), 0) for tp in assigned}
        async for record in read_to_end(self._consumer, assigned, start):
            self._apply(record.topic, record.partition, record.offset, record.key, record.value)
        self._consumer.resume(*assigned)
        self._follower = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """Stop following and close the connection."""
        await self._stop_following()
        if self._consumer is not None:
            await self._consumer.stop()

    def progress(self, partition: int) -> dict[str, int]:
        """Return the next offset of each topic kept by unit, for one partition number."""
        return {topic: offset for (topic, p), offset in self.positions.items() if p == partition and topic in BY_UNIT}

    def _assignment(self, partitions: set[int] | None) -> Iterable[TopicPartition]:
        for name, logical in self._logical.items():
            numbers = range(partitions_of(logical))
            for number in numbers:
                if partitions is None or logical in IN_FULL or number in partitions:
                    yield TopicPartition(name, number)

    async def _follow(self) -> None:
        assert self._consumer is not None
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    self._apply(record.topic, record.partition, record.offset, record.key, record.value)

    def _apply(self, name: str, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        topic = self._logical[name]
        self.view.apply(topic, key or b"", value or b"")
        self.positions[topic, partition] = offset + 1
        for kind, count in self.view.counts().items():
            REGISTRY_RECORDS.labels(kind=kind).set(count)

    async def _stop_following(self) -> None:
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
            self._follower = None
