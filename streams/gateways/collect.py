"""Coalesce single readings into packs by unit, for sense takes packs a hundred times as quickly.

Reads   vitals.readings.single      (any key; SenML or JSON, one reading or a few)
Writes  vitals.readings             (packs; what holds no reading goes on as it came, and dies there with a reason)
State   none: a batch's packs are confirmed, then its offsets are committed
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from schemas import channels
from schemas.envelope import read_envelope
from schemas.refusals import RefusedError
from schemas.single import decode_readings
from streams.delivery.sender import Sender
from streams.gateways.packing import Origin, Packer
from streams.gateways.places import Places
from streams.gateways.stopping import run_gateway
from streams.kafka import consumer, producer, topic_name
from streams.metrics import GATEWAY_ROWS, RECORDS
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.settings import Settings

log = logging.getLogger(__name__)
GROUP = "collect"
MAX_DELAY_S = 1.0
COMMIT_SECONDS = 5.0
POLL_MS = 200
POLL_RECORDS = 10_000
MAX_ROWS = 50_000  # of one batch
CLIENT_OPTIONS = {"session_timeout_ms": 6_000, "heartbeat_interval_ms": 2_000, "fetch_max_bytes": 16 << 20}
Found = Mapping[TopicPartition, list[ConsumerRecord[bytes, bytes]]]


def take(packer: Packer, record: ConsumerRecord[bytes, bytes], place: str) -> None:
    """Take what one record of ``place`` (``topic:partition``) holds; nothing of it is lost, whatever it is."""
    value = record.value or b""
    append_ns = record.timestamp * 1_000_000
    origin = Origin(None)
    try:
        envelope = read_envelope(dict(record.headers))
        origin = Origin(envelope.source, envelope.mode, envelope.is_backfill)
        readings = decode_readings(value, append_ns if envelope.time_ns is None else envelope.time_ns)
    except RefusedError as error:
        came_from = f"{place}:{record.offset}"
        packer.add_raw(value, origin, came_from=came_from, fault=f"{error.reason}: {error.detail}")
        return
    packer.add(readings, origin, (place, record.offset))


class Collector(ConsumerRebalanceListener):
    """One member of the group ``collect``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._registry = RegistryReader(settings, (channels.REGISTRY_DEVICES,))
        self._places = Places(self._registry.view)
        self._packer = Packer(self._places.of_device)
        self._next: dict[TopicPartition, int] = {}  # after the records that the packer holds
        self._generation = 0
        self._flushing = asyncio.Lock()
        self._consumer: AIOKafkaConsumer
        self._sender: Sender
        self._problem: str | None = "starting"

    def problem(self) -> str | None:
        """Say why nothing is collected at the moment, or ``None``."""
        return self._problem

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until ``stop``, then send and commit what was read."""
        await require_topics(self._settings, channels.SINGLE_READINGS, channels.READINGS)
        self._consumer = consumer(self._settings, GROUP, **CLIENT_OPTIONS)
        self._consumer.subscribe([topic_name(self._settings, channels.SINGLE_READINGS)], listener=self)
        try:
            async with producer(self._settings) as client:
                self._sender = Sender(self._settings, client)
                await self._registry.catch_up()
                await self._consumer.start()
                try:
                    while not stop.is_set():
                        await self._turn(stop)
                    await self._flush()
                finally:
                    await self._consumer.stop()
        finally:
            await self._registry.stop()

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Send and commit what was read, so that the next owner need not send it again."""
        self._problem = "the group is rebalancing"
        self._generation += 1
        if revoked:
            await self._flush()
        self._next.clear()  # what could not be committed is read again, by whoever owns it now

    async def on_partitions_assigned(self, _assigned: Collection[TopicPartition]) -> None:
        """Say that work goes on; the positions are the group's."""
        self._problem = None

    async def _turn(self, stop: asyncio.Event) -> None:
        """Read until the first record has waited its second or the batch is full, then send."""
        deadline: float | None = None
        while not stop.is_set() and self._packer.rows < MAX_ROWS:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                break
            wait_ms = POLL_MS if deadline is None else max(1, min(POLL_MS, round((deadline - now) * 1_000)))
            found = await self._consumer.getmany(timeout_ms=wait_ms, max_records=POLL_RECORDS)
            # Asked only now: a rebalance while it waited is over, and what it returns is of the new assignment.
            generation = self._generation
            async with self._flushing:
                if generation == self._generation:  # else whoever owns them now reads them from the offset committed
                    self._take(found)
            if found and deadline is None:
                deadline = now + MAX_DELAY_S
        await self._flush()

    def _take(self, found: Found) -> None:
        for partition, records in found.items():
            place = f"{channels.SINGLE_READINGS}:{partition.partition}"
            for record in records:
                take(self._packer, record, place)
            self._next[partition] = records[-1].offset + 1
            RECORDS.labels(GROUP, channels.SINGLE_READINGS).inc(len(records))

    async def _flush(self) -> None:
        """Send what the packer holds; when all of it is confirmed, commit."""
        async with self._flushing:
            offsets, self._next = self._next, {}
            rows = self._packer.rows
            if not offsets:
                return
            await self._sender.effects(self._packer.effects(time.time_ns()))
            GATEWAY_ROWS.labels(GROUP, "sent").inc(rows)
            generation = self._generation
            try:
                # While the group rebalances a commit may wait for its end, which waits for us to let go (above).
                await asyncio.wait_for(self._consumer.commit(offsets), COMMIT_SECONDS)
            except (KafkaError, IllegalStateError, TimeoutError) as error:
                log.warning("offsets not committed (%s: %s)", type(error).__name__, error)
                if generation == self._generation:  # still ours: the next commit holds them too
                    self._next = offsets | self._next


async def run_collect(settings: Settings, stop: asyncio.Event) -> None:
    """Run the collector, with its metrics and health, until ``stop``."""
    await run_gateway(settings, "collect", Collector(settings), settings.bridge_port, stop)
