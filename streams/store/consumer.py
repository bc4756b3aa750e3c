"""Write what was judged, measured and decided into the database.

Reads   vitals.judged, vitals.indicators, vitals.alerts, vitals.orders
Writes  the database, vitals.dead-letters (what the database refuses)
State   beside the group's offsets of vitals.judged: what became of each source partition's rows
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import IllegalStateError, KafkaConnectionError, KafkaError

from schemas import channels
from streams import kafka, metrics
from streams.catalogue.files import CatalogueError, load_catalogue
from streams.delivery.records import Record
from streams.health import health_app, serve
from streams.settings import Settings, SettingsError
from streams.store.address import make_database
from streams.store.api import add_routes
from streams.store.batch import Batch, Ends, Progress, Slot
from streams.store.counters import SourceCounts, decode_counters, encode_counters
from streams.store.database import Database, pause_seconds
from streams.store.dead import dead_letter
from streams.store.lanes import LINGER_S, Holding
from streams.store.line_protocol import Heads
from streams.store.offsets import GROUP, committed
from streams.store.points import Bucket, Refusal
from streams.store.rows import Limits

log = logging.getLogger(__name__)

TOPICS = (channels.JUDGED, channels.INDICATORS, channels.ALERTS, channels.ORDERS)
POLL_MS = 100
POLL_RECORDS = 128  # at most 4,096 rows each
COMMIT_SECONDS = 1.0
REVOKE_SECONDS = 5.0
STOP_SECONDS = 10.0
DAY_MS = 86_400_000
Found = ConsumerRecord[bytes, bytes]
CLIENT_OPTIONS = {
    "session_timeout_ms": 6_000,  # a killed member's partitions move soon
    "heartbeat_interval_ms": 2_000,
    "rebalance_timeout_ms": 60_000,
    "max_poll_interval_ms": DAY_MS,  # a database that is down for hours is no reason to leave the group
    "fetch_max_bytes": 16 << 20,
    "max_partition_fetch_bytes": 256 << 10,  # small, so that what comes is of many partitions and keeps all lanes busy
}


class Store(ConsumerRebalanceListener):
    """One member of the group ``store``: reads, lets its lanes write, commits what the database has confirmed."""

    def __init__(self, settings: Settings, database: Database, quantities: Iterable[str]) -> None:
        self.settings, self.database = settings, database
        self.port: int | None = None  # of the HTTP server, once it listens
        self._heads = Heads(quantities)
        self._plain = {kafka.topic_name(settings, topic): topic for topic in TOPICS}
        self._generation = 0
        self._assigned: frozenset[TopicPartition] | None = None
        self._holding: Holding | None = None
        self._committed_at = 0.0
        self._admin: AIOKafkaAdminClient
        self._producer: AIOKafkaProducer
        self._consumer: AIOKafkaConsumer
        self._problem: str | None = "starting"

    def problem(self) -> str | None:
        """Say why nothing is stored at the moment, or ``None``."""
        return self.database.problem() or self._problem

    def counters(self) -> dict[str, SourceCounts]:
        """Return the counts of the source partitions that this member holds (``vitals.readings/3``)."""
        if self._holding is None:
            return {}
        return {key: counts for of_slot in self._holding.progress.counts.values() for key, counts in of_slot.items()}

    async def run(self, stop: asyncio.Event) -> None:
        """Store until ``stop``, then write what was read, commit and leave."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.database.close)
            if not await _unless(stop, self.database.open()):
                return
            self._admin = kafka.admin(self.settings)
            await _start(self.settings, self._admin.start, stack, self._admin.close)
            self._producer = kafka.producer(self.settings)
            await _start(self.settings, self._producer.start, stack, self._producer.stop)
            if not await _unless(stop, self._wait_for_topics()):
                return
            self._consumer = kafka.consumer(self.settings, GROUP, **CLIENT_OPTIONS)
            self._consumer.subscribe(list(self._plain), listener=self)
            await _start(self.settings, self._consumer.start, stack, self._consumer.stop)
            while not stop.is_set():
                await self._turn()
            await self._let_go(STOP_SECONDS)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Write and commit what can be in a few seconds; drop the rest: the next owner reads it again."""
        self._generation += 1
        self._assigned = None
        self._problem = "the group is rebalancing"
        if revoked:
            await self._let_go(REVOKE_SECONDS)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note them; the loop reads their counters before it reads on."""
        self._generation += 1
        self._assigned = frozenset(assigned)

    async def _turn(self) -> None:
        """Take what there is, write what is due, commit what is confirmed."""
        if self._holding is None and self._assigned is not None:
            await self._take_over(self._generation, self._assigned)
        holding, linger_s = self._holding, LINGER_S
        if holding is not None and holding.is_full():
            await holding.wait_moved(COMMIT_SECONDS)  # reads nothing meanwhile: back-pressure to the log
        else:
            found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            linger_s = LINGER_S if found else 0.0  # nothing more has come: what is there need not wait for it
            if holding is not None and holding is self._holding and holding.generation == self._generation:
                self._take(holding, found)
        if holding is not None:
            holding.flush(older_than_s=linger_s)
            holding.check()
            if time.monotonic() - self._committed_at >= COMMIT_SECONDS:
                await self._commit(holding)

    def _take(self, holding: Holding, found: Mapping[TopicPartition, list[Found]]) -> None:
        keep = self.database.retention_ns(Bucket("actual", "readings"))
        limits = Limits(
            oldest_ns=0 if keep is None else time.time_ns() - keep,
            keep_readings=self.settings.store_readings == "on",
            heads=self._heads,
        )
        for records in found.values():
            metrics.RECORDS.labels(GROUP, self._plain[records[0].topic]).inc(len(records))
            holding.take(map(self._record, records), limits)

    def _record(self, found: Found) -> Record:
        return Record(
            topic=self._plain[found.topic],
            partition=found.partition,
            offset=found.offset,
            append_ns=found.timestamp * 1_000_000,
            key=found.key,
            value=found.value or b"",
            headers=dict(found.headers),
        )

    async def _take_over(self, generation: int, assigned: frozenset[TopicPartition]) -> None:
        """Go to where the group's offsets are, with the counters beside them."""
        try:
            found = await committed(self._admin, self.settings, assigned)
            new = [tp for tp in assigned if tp not in found]
            if new:
                await self._consumer.seek_to_beginning(*new)
            if generation != self._generation:
                return
            for tp, (offset, _) in found.items():
                self._consumer.seek(tp, offset)
        except (KafkaError, IllegalStateError) as error:
            self._problem = f"cannot read the group's offsets: {error}"
            log.warning("%s; trying again", self._problem)
            await asyncio.sleep(pause_seconds(1))
            return
        slots = {Slot(self._plain[tp.topic], tp.partition): both for tp, both in found.items()}
        counts = {slot: decode_counters(text) for slot, (_, text) in slots.items() if slot.topic == channels.JUDGED}
        progress = Progress({slot: offset for slot, (offset, _) in slots.items()}, counts)
        self._holding = Holding(generation, progress, self._write, _report)
        self._problem = None

    async def _write(self, batch: Batch) -> list[Refusal]:
        refused: list[Refusal] = []
        for bucket, blocks in batch.blocks.items():
            refused += await self.database.write(bucket, blocks)
        for refusal in (*batch.refused, *refused):
            if not refusal.expired:
                await self._send_dead(refusal)
        return refused

    async def _send_dead(self, refusal: Refusal) -> None:
        letter = dead_letter(refusal)
        topic, headers = kafka.topic_name(self.settings, letter.topic), list(letter.headers)
        attempt = 0
        while True:
            try:
                await self._producer.send_and_wait(topic, letter.value, partition=letter.partition, headers=headers)
            except KafkaError as error:
                log.warning("a dead letter cannot be sent (%s); trying again", error)
                await asyncio.sleep(pause_seconds(attempt))
                attempt += 1
            else:
                metrics.DEAD_LETTERS.labels("store_refused").inc()
                return

    async def _commit(self, holding: Holding) -> None:
        """Commit offsets and counters, as the database has confirmed them by now."""
        self._committed_at = time.monotonic()
        progress = holding.progress
        changed, progress.changed = progress.changed, set()
        if not changed:
            return
        offsets = {
            TopicPartition(kafka.topic_name(self.settings, slot.topic), slot.partition): (
                progress.offsets[slot],
                encode_counters(progress.counts.get(slot, {})) if slot.topic == channels.JUDGED else "",
            )
            for slot in changed
        }
        try:
            await asyncio.wait_for(self._consumer.commit(offsets), REVOKE_SECONDS)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.warning("offsets not committed (%s: %s); the next commit holds them too", type(error).__name__, error)
            progress.changed |= changed

    async def _let_go(self, seconds: float) -> None:
        """Write what was taken, within ``seconds``, commit, and hold nothing any more."""
        holding = self._holding
        if holding is None:
            return
        if not await holding.drain(seconds):
            log.warning("not all could be written in %.0f s; the next owner reads it again", seconds)
        await holding.end()
        self._holding = None
        await self._commit(holding)

    async def _wait_for_topics(self) -> None:
        while missing := sorted(set(self._plain) - set(await self._admin.list_topics())):
            self._problem = f"topic {missing[0]} is missing: run `vitals topics create`"
            log.warning("%s; waiting", self._problem)
            await asyncio.sleep(2.0)
        self._problem = "joining the group"


def _report(batch: Batch, ends: Ends) -> None:
    for name, count in ends._asdict().items():
        metrics.STORED_ROWS.labels(name).inc(count)
    now_ms = time.time() * 1_000
    for appended_ms in batch.appended_ms:
        metrics.STORED_SECONDS.observe(max(0.0, now_ms - appended_ms) / 1_000)


async def _start(
    settings: Settings,
    start: Callable[[], Awaitable[None]],
    stack: AsyncExitStack,
    stop: Callable[[], Awaitable[None]],
) -> None:
    stack.push_async_callback(stop)
    try:
        await start()
    except KafkaConnectionError as error:
        raise SettingsError(
            f"Kafka at {settings.kafka} does not answer ({error}): start it, or set VITALS_KAFKA"
        ) from error


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do ``work`` unless ``stop`` comes first; return whether it was done."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        working.result()
        return True
    working.cancel()
    await asyncio.wait((working,))
    return False


async def run_store(settings: Settings, stop: asyncio.Event, listening: Callable[[Store], None] | None = None) -> None:
    """Run the stage and its HTTP server until ``stop``; ``listening`` gets the stage once its port is known.

    Raises
    ------
    SettingsError
        The database's address is wrong, or Kafka does not answer.
    """
    try:
        quantities = load_catalogue(Path(settings.catalogue)).quantities
    except CatalogueError as error:
        raise SettingsError(str(error)) from error
    store = Store(settings, make_database(settings), quantities)
    app = health_app(store.problem)
    add_routes(app, store.database, frozenset(quantities))
    runner, store.port = await serve(app, settings.host, settings.store_port)
    log.info("store listens on http://%s:%d", settings.host, store.port)
    if listening is not None:
        listening(store)
    try:
        await store.run(stop)
    finally:
        await runner.cleanup()
