"""Sends a request's records and waits for Kafka's word, within bounds: a Kafka that is slow is said so at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from streams.delivery.records import Effect
from streams.kafka import topic_name
from streams.settings import Settings

MAX_WAITING_BYTES = 32 << 20
MAX_WAITING_REQUESTS = 1_000
SLOW_SECONDS = 5.0  # so long may the oldest have waited before we take no more
GIVE_UP_SECONDS = 15.0


class NotConfirmedError(Exception):
    """Kafka has not said yes in time; it may still do so, so whoever asked must ask again under the same id."""


class Outbox:
    """What is on its way to Kafka, for all requests together."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings, self._producer = settings, producer
        self._waiting: dict[asyncio.Task[list[RecordMetadata]], tuple[float, int]] = {}  # since when, bytes

    def is_slow(self) -> bool:
        """Whether so much waits, or waits so long, that no more is to be taken."""
        if not self._waiting:
            return False
        oldest = next(iter(self._waiting.values()))[0]
        size = sum(size for _, size in self._waiting.values())
        is_full = size > MAX_WAITING_BYTES or len(self._waiting) > MAX_WAITING_REQUESTS
        return is_full or time.monotonic() - oldest > SLOW_SECONDS

    async def send(self, effects: Sequence[Effect]) -> list[RecordMetadata]:
        """Send records and return where each lies, once Kafka has confirmed all.

        Raises
        ------
        NotConfirmedError
            It has not within ``GIVE_UP_SECONDS``, or has said no to one.
        """
        task = asyncio.create_task(self._send(effects))
        self._waiting[task] = time.monotonic(), sum(len(effect.value) for effect in effects)
        task.add_done_callback(self._forget)
        await asyncio.wait((task,), timeout=GIVE_UP_SECONDS)
        if not task.done():
            raise NotConfirmedError(f"Kafka has not confirmed within {GIVE_UP_SECONDS:.0f} s")
        try:
            return task.result()
        except KafkaError as error:
            raise NotConfirmedError(f"Kafka has not confirmed: {type(error).__name__}") from error

    async def close(self) -> None:
        """Forget what still waits; nobody was told that it is done."""
        for task in list(self._waiting):
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def _send(self, effects: Sequence[Effect]) -> list[RecordMetadata]:
        futures = [
            await self._producer.send(
                topic_name(self._settings, effect.topic), effect.value, key=effect.key, headers=list(effect.headers)
            )
            for effect in effects
        ]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]

    def _forget(self, task: asyncio.Task[list[RecordMetadata]]) -> None:
        del self._waiting[task]
        if not task.cancelled():
            task.exception()  # whoever waited has it, or nobody waits any more
