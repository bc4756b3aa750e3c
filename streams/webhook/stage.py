"""Tell a URL of every change of an alert or a case.

Reads   vitals.alerts, vitals.orders        (from when it was first started: a new receiver is not told of the past)
Writes  HTTP, vitals.dead-letters           (what could not be delivered in time)
State   the group's offsets: up to the first record that is neither delivered nor dead
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection
from contextlib import AsyncExitStack

import aiohttp
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from schemas import channels
from schemas.dead_letters import dead_letter_headers
from schemas.refusals import Reason
from streams.delivery.records import Effect
from streams.delivery.sender import Sender
from streams.delivery.watermarks import is_watermark
from streams.gateways.stopping import run_gateway
from streams.kafka import consumer, producer, topic_name
from streams.metrics import DEAD_LETTERS, RECORDS
from streams.provision import require_topics
from streams.settings import Settings
from streams.webhook.event import event_of
from streams.webhook.post import Poster, Receiver
from streams.webhook.window import Window

log = logging.getLogger(__name__)
GROUP = "webhook"
TOPICS = (channels.ALERTS, channels.ORDERS)
MAX_WINDOW = 2_000  # records that are not done, or wait behind one that is not
POLL_MS = 200
COMMIT_SECONDS = 1.0
LEAVE_SECONDS = 5.0
CLIENT_OPTIONS = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 2_000, "max_poll_interval_ms": 86_400_000}


class Webhook(ConsumerRebalanceListener):
    """One member of the group ``webhook``."""

    def __init__(self, settings: Settings, receiver: Receiver) -> None:
        self._settings, self._receiver = settings, receiver
        self._plain = {topic_name(settings, topic): topic for topic in TOPICS}
        self._new: frozenset[TopicPartition] = frozenset()  # assigned, and not yet looked at
        self._problem: str | None = "starting"
        self._failure: BaseException | None = None
        self._begin()
        self._consumer: AIOKafkaConsumer
        self._sender: Sender
        self._poster: Poster

    def problem(self) -> str | None:
        """Say why nothing is sent at the moment, or ``None``."""
        return self._problem

    async def run(self, stop: asyncio.Event) -> None:
        """Send until ``stop``; then wait a little for what is under way, and commit."""
        await require_topics(self._settings, *TOPICS, channels.DEAD_LETTERS)
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
            self._poster = Poster(self._receiver, session)
            client = await stack.enter_async_context(producer(self._settings))
            self._sender = Sender(self._settings, client)
            self._consumer = consumer(self._settings, GROUP, **CLIENT_OPTIONS)
            self._consumer.subscribe(list(self._plain), listener=self)
            stack.push_async_callback(self._consumer.stop)
            await self._consumer.start()
            committed_at = time.monotonic()
            while not stop.is_set():
                await self._turn()
                if time.monotonic() - committed_at >= COMMIT_SECONDS:
                    committed_at = time.monotonic()
                    await self._commit()
            await self._leave()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Wait a little for what is under way, commit; the next owner sends the rest, under the same ids."""
        self._problem = "the group is rebalancing"
        if revoked:
            await self._leave()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note them; the loop sees to where they begin."""
        self._new = frozenset(assigned)
        if not assigned:
            self._problem = None  # others have them all: it stands by

    def _begin(self) -> None:
        self._window: Window[TopicPartition] = Window()
        self._last: dict[str, asyncio.Task[None]] = {}  # by alert or case: what is under way or waits

    async def _turn(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._new:
            await self._take_over(self._new)
        if self._window.size >= MAX_WINDOW:
            await asyncio.sleep(POLL_MS / 1_000)
            return
        found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=200)
        if self._new:  # the group has changed meanwhile: they are read again, from where the loop finds they begin
            return
        for place, records in found.items():
            RECORDS.labels(GROUP, self._plain[place.topic]).inc(len(records))
            for record in records:
                self._take(place, record)

    async def _take_over(self, assigned: frozenset[TopicPartition]) -> None:
        """Begin where the group has come to; where it has never been, at the end, and say so to the group at once."""
        try:
            begins = {place: await self._consumer.committed(place) for place in assigned}
            fresh = [place for place, begin in begins.items() if begin is None]
            if fresh:
                ends = await self._consumer.end_offsets(fresh)
                await self._consumer.commit(ends)
                begins |= ends
            if assigned is not self._new:
                return
            for place, begin in begins.items():
                self._consumer.seek(place, begin)
        except (KafkaError, IllegalStateError) as error:
            log.warning("cannot read the group's offsets (%s); trying again", error)
            await asyncio.sleep(1.0)
            return
        self._new, self._problem = frozenset(), None

    def _take(self, place: TopicPartition, record: ConsumerRecord[bytes, bytes]) -> None:
        self._window.begin(place, record.offset)
        is_event = record.value and not is_watermark(dict(record.headers))
        event = event_of(self._plain[place.topic], record.value or b"") if is_event else None
        if event is None:
            self._window.finish(place, record.offset)
            return
        before = self._last.get(event.subject)

        async def send() -> None:
            if before is not None:
                await asyncio.wait((before,))
            problem = await self._poster.deliver(event)
            if problem is not None:
                await self._bury(place, record, f"{event.id}: {problem}")
            window.finish(place, record.offset)

        window, task = self._window, asyncio.create_task(send())
        self._last[event.subject] = task
        task.add_done_callback(lambda done: self._forget(event.subject, done))

    def _forget(self, subject: str, task: asyncio.Task[None]) -> None:
        if self._last.get(subject) is task:
            del self._last[subject]
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()  # ours or Kafka's; the process ends, and begins anew where it was

    async def _bury(self, place: TopicPartition, record: ConsumerRecord[bytes, bytes], detail: str) -> None:
        """Keep what could not be delivered, where people look for it."""
        headers = dead_letter_headers(
            topic=self._plain[place.topic],
            partition=place.partition,
            offset=record.offset,
            reason=Reason.UNDELIVERED,
            detail=detail,
            time_ns=record.timestamp * 1_000_000,
        )
        letter = Effect(topic=channels.DEAD_LETTERS, key=record.key, value=record.value or b"", headers=headers)
        await self._sender.effects([letter])
        DEAD_LETTERS.labels(str(Reason.UNDELIVERED)).inc()
        log.warning("not delivered within %.0f s: %s", self._receiver.dead_after_s, detail)

    async def _commit(self) -> None:
        offsets = self._window.take()
        if offsets:
            try:
                await asyncio.wait_for(self._consumer.commit(offsets), LEAVE_SECONDS)
            except (KafkaError, IllegalStateError, TimeoutError) as error:
                log.warning("offsets not committed (%s); what was delivered may be sent again", type(error).__name__)

    async def _leave(self) -> None:
        """Wait a little for what is under way, commit what is done, and drop the rest."""
        tasks = list(self._last.values())
        if tasks:
            await asyncio.wait(tasks, timeout=LEAVE_SECONDS)
        await self._commit()
        self._begin()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def run_webhook(settings: Settings, receiver: Receiver, stop: asyncio.Event) -> None:
    """Run it, with its metrics and health, until ``stop``."""
    await run_gateway(settings, "webhook", Webhook(settings, receiver), settings.webhook_port, stop)
