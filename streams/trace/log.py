"""The log as a search reads it: one record by its place, what came since a time, and bounded tails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.delivery.watermarks import is_watermark
from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of

TAIL_RECORDS = 20_000  # of a partition, where it is not known where to look
SINCE_RECORDS = 200_000  # after a record, where what became of it must lie
Found = ConsumerRecord[bytes, bytes]


class Log:
    """Reads with one connection; ``looked_back_ms`` is the time of the oldest record that a tail began with."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: AIOKafkaConsumer
        self.looked_back_ms: int | None = None

    async def __aenter__(self) -> Self:
        self._reader = consumer(self._settings)
        await self._reader.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._reader.stop()

    async def at(self, topic: str, partition: int, offset: int) -> Found | None:
        """Return the record at a place, or ``None`` if the log does not have it (any more)."""
        place = self._place(topic, partition)
        end = (await self._reader.end_offsets([place]))[place]
        begin = (await self._reader.beginning_offsets([place]))[place]
        if not begin <= offset < end:
            return None
        self._reader.assign([place])
        self._reader.seek(place, offset)
        found = await self._reader.getone(place)
        return found if found.offset == offset else None

    async def since(self, topic: str, partition: int, append_ms: int) -> AsyncIterator[Found]:
        """Yield what a partition holds from a time of append on, without watermarks and empty values."""
        place = self._place(topic, partition)
        start = (await self._reader.offsets_for_times({place: append_ms}))[place]
        if start is None:
            return
        async for record in self._read([place], {place: start.offset}):
            if record.offset >= start.offset + SINCE_RECORDS:
                return
            yield record

    async def tail(self, topic: str, partitions: Iterable[int] | None = None) -> AsyncIterator[Found]:
        """Yield the last records of some partitions (``None``: all), without watermarks and empty values."""
        numbers = range(partitions_of(topic)) if partitions is None else partitions
        places = [self._place(topic, number) for number in numbers]
        start = {tp: end - TAIL_RECORDS for tp, end in (await self._reader.end_offsets(places)).items()}
        async for record in self._read(places, start):
            if self.looked_back_ms is None or record.timestamp < self.looked_back_ms:
                self.looked_back_ms = record.timestamp
            yield record

    async def _read(self, places: list[TopicPartition], start: dict[TopicPartition, int]) -> AsyncIterator[Found]:
        async for record in read_to_end(self._reader, places, start):
            if record.value and not is_watermark(dict(record.headers)):
                yield record

    def _place(self, topic: str, partition: int) -> TopicPartition:
        return TopicPartition(topic_name(self._settings, topic), partition)
