"""From the log into the live state, and from people into the log. No consumer group: every console reads everything.

Reads   vitals.alerts, vitals.orders, vitals.registry.units from the beginning, vitals.indicators and
        vitals.unit-scores of the last hour (a unit's own indicators: five minutes), then all of them as they come
Writes  vitals.actions, vitals.feedback                                     (key: district)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from schemas import channels
from streams.console.api import NotConfirmedError, Receipt
from streams.console.live import Live
from streams.delivery.records import Effect, Record
from streams.kafka import topic_name
from streams.settings import Settings
from streams.topics import partitions_of

log = logging.getLogger(__name__)

WHOLE = (channels.REGISTRY_UNITS, channels.ALERTS, channels.ORDERS)
RECENT = (channels.INDICATORS, channels.UNIT_SCORES)
RECENT_SECONDS = 300
UNIT_DOTS = 3  # in a unit's id; a tier's prefix has fewer
MAX_RECORDS = 500  # at a time, so that the page is served between
POLL_MS = 500
RETRY_SECONDS = 1.0
CONFIRM_SECONDS = 10.0


class Feed:
    """Reads all partitions of the five topics into ``live``.

    Parameters
    ----------
    hour_seconds
        How much of event time ``live`` keeps of each score.
    """

    def __init__(self, live: Live, consumer: AIOKafkaConsumer, settings: Settings, hour_seconds: float) -> None:
        self._live = live
        self._consumer = consumer
        self._hour_seconds = hour_seconds
        self._recent_ms = 0
        self._logical = {topic_name(settings, topic): topic for topic in (*WHOLE, *RECENT)}
        self._whole = _partitions(settings, WHOLE)
        self._recent = _partitions(settings, RECENT)
        self._ends: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        """Connect and stand where reading begins."""
        await self._consumer.start()
        every = [*self._whole, *self._recent]
        self._consumer.assign(every)
        await self._consumer.seek_to_beginning(*self._whole)
        await self._seek_to_recent()
        self._ends = dict(await self._consumer.end_offsets(every))

    async def run(self) -> None:
        """Read until cancelled; a broker that does not answer is asked again."""
        while True:
            try:
                await self._step()
            except KafkaError:
                log.exception("the broker did not answer; the console tries again")
                await asyncio.sleep(RETRY_SECONDS)

    async def stop(self) -> None:
        """Close the connection."""
        await self._consumer.stop()

    async def _step(self) -> None:
        batches = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
        for records in batches.values():
            self._live.fold(self._record(one) for one in records if self._is_shown(one))
        if not self._live.caught_up:
            await self._drop_reached_ends()

    async def _drop_reached_ends(self) -> None:
        for partition, end in list(self._ends.items()):
            if await self._consumer.position(partition) >= end:
                del self._ends[partition]
        if not self._ends:
            self._live.set_caught_up()

    async def _seek_to_recent(self) -> None:
        self._recent_ms = int((time.time() - RECENT_SECONDS) * 1_000)
        # What ended within the hour was appended within it too, for nothing is judged before its time.
        since_ms = self._recent_ms - round(self._hour_seconds * 1_000)
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._recent, since_ms))
        for partition in self._recent:
            if (place := found.get(partition)) is None:
                await self._consumer.seek_to_end(partition)
            else:
                self._consumer.seek(partition, place.offset)

    def _is_shown(self, record: ConsumerRecord[bytes, bytes]) -> bool:
        """Whether the page needs a record: of the hour before the last minutes, no indicator of a unit.

        They are most records of that hour, and the key alone tells them.
        """
        if record.timestamp >= self._recent_ms or self._logical[record.topic] != channels.INDICATORS:
            return True
        return (record.key or b"").count(b".") < UNIT_DOTS

    def _record(self, record: ConsumerRecord[bytes, bytes]) -> Record:
        return Record(
            topic=self._logical[record.topic],
            partition=record.partition,
            offset=record.offset,
            append_ns=record.timestamp * 1_000_000,
            key=record.key,
            value=record.value or b"",
            headers=dict(record.headers),
        )


class Outbox:
    """Sends what people say, and waits until the broker has it."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings = settings
        self._producer = producer

    async def send(self, effect: Effect) -> Receipt:
        """Send one record and return where it stands.

        Raises
        ------
        NotConfirmedError
            The broker did not confirm within ten seconds.
        """
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                placed = await self._producer.send_and_wait(
                    topic_name(self._settings, effect.topic),
                    effect.value,
                    key=effect.key,
                    partition=effect.partition,
                    headers=list(effect.headers),
                )
        except (KafkaError, TimeoutError) as error:
            raise NotConfirmedError(
                "The broker has not confirmed this; it may still arrive. Look at the alert or case before repeating it."
            ) from error
        return Receipt(partition=placed.partition, offset=placed.offset)


def _partitions(settings: Settings, topics: Iterable[str]) -> list[TopicPartition]:
    return [TopicPartition(topic_name(settings, one), n) for one in topics for n in range(partitions_of(one))]
