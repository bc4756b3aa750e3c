"""A consumer whose group rebalances while it waits for records: aiokafka then returns those of the new assignment."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError


class RebalancingConsumer:
    """Stands in for ``AIOKafkaConsumer``: serves ``log`` from each partition's position, which is the committed one."""

    def __init__(self, log: Mapping[TopicPartition, list[bytes]]) -> None:
        self._log = log
        self.group: dict[TopicPartition, int] = {}  # what is committed
        self._position: dict[TopicPartition, int] = {}
        self._coming: tuple[ConsumerRebalanceListener, tuple[TopicPartition, ...]] | None = None
        self.refuses_commits = False

    def rebalance_in_next_poll(self, listener: ConsumerRebalanceListener, *assigned: TopicPartition) -> None:
        """Let the next ``getmany`` live through a rebalance that ends with ``assigned``."""
        self._coming = listener, assigned

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """Return what is left of each partition that is assigned."""
        await asyncio.sleep(0.001)
        if self._coming is not None:
            (listener, assigned), self._coming = self._coming, None
            await listener.on_partitions_revoked(set(self._position))
            self._position = {place: self.group.get(place, 0) for place in assigned}
            await listener.on_partitions_assigned(set(assigned))
        found = {
            place: [self._record(place, offset) for offset in range(at, len(self._log[place]))]
            for place, at in self._position.items()
            if at < len(self._log[place])
        }
        self._position |= {place: records[-1].offset + 1 for place, records in found.items()}
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit for partitions that are assigned."""
        if self.refuses_commits or not offsets.keys() <= self._position.keys():
            raise CommitFailedError(str(offsets))
        self.group |= offsets

    async def committed(self, place: TopicPartition) -> int | None:
        """Return the group's offset."""
        return self.group.get(place)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Return where each partition ends."""
        return {place: len(self._log[place]) for place in places}

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Read on from there."""
        self._position[place] = offset

    def _record(self, place: TopicPartition, offset: int) -> ConsumerRecord[bytes, bytes]:
        value = self._log[place][offset]
        return ConsumerRecord(
            topic=place.topic, partition=place.partition, offset=offset, timestamp=1_800_000_000_000, timestamp_type=1,
            key=None, value=value, checksum=None, serialized_key_size=-1, serialized_value_size=len(value), headers=(),
        )  # fmt: skip
