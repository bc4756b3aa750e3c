"""Sends that are confirmed: nothing counts as done before the broker has said so for every record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from itertools import count

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from streams.delivery.records import Effect
from streams.delivery.watermarks import WATERMARK_HEADERS
from streams.kafka import topic_name
from streams.settings import Settings

RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Sender:
    """Sends effects and state blocks through one producer, in order, and awaits every confirmation."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings, self._producer = settings, producer
        self._names: dict[str, str] = {}

    async def effects(self, effects: Sequence[Effect]) -> None:
        """Send effects; a broker that is down is waited for: what is not confirmed is sent again, in order.

        A watermark is sent once all that it promises is confirmed: sent again, an effect must not come after it.
        """
        await self._until_confirmed([effect for effect in effects if effect.headers != WATERMARK_HEADERS])
        await self._until_confirmed([effect for effect in effects if effect.headers == WATERMARK_HEADERS])

    async def _until_confirmed(self, effects: Sequence[Effect]) -> None:
        left = list(effects)
        for attempt in count():
            failed = await self._try(left)
            if not failed:
                return
            left = failed
            await asyncio.sleep(RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)])

    async def blocks(self, records: Sequence[tuple[str, bytes, bytes, int]]) -> list[int]:
        """Send (topic, key, value, partition); return the offset of each. A failure is the caller's to die of."""
        futures = [
            await self._producer.send(self._name(topic), value, key=key, partition=partition)
            for topic, key, value, partition in records
        ]
        return [metadata.offset for metadata in await asyncio.gather(*futures)]

    async def _try(self, effects: Sequence[Effect]) -> list[Effect]:
        futures: list[Awaitable[RecordMetadata]] = [
            await self._producer.send(
                self._name(effect.topic),
                effect.value,
                key=effect.key,
                partition=effect.partition,
                headers=list(effect.headers),
            )
            for effect in effects
        ]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        failed = []
        for effect, outcome in zip(effects, outcomes, strict=True):
            if isinstance(outcome, KafkaError) and outcome.retriable:
                failed.append(effect)
            elif isinstance(outcome, BaseException):
                raise outcome
        return failed

    def _name(self, topic: str) -> str:
        name = self._names.get(topic)
        if name is None:
            name = self._names[topic] = topic_name(self._settings, topic)
        return name
