"""Judged records, events and topics for the store's tests, and its process as a child."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import NewTopic
from influxdb_client.client.influxdb_client import InfluxDBClient

from schemas import channels
from schemas.ids import Mode
from schemas.judged import Judged, ReadingColumns, encode_judged
from streams import kafka
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.store.consumer import Store, run_store
from streams.store.counters import SourceCounts, decode_counters
from streams.store.offsets import committed
from streams.topics import TOPICS, manifest_topic, partitions_of

REPOSITORY = Path(__file__).resolve().parents[3]
USED = (
    *channels.SOURCES,
    channels.JUDGED,
    channels.INDICATORS,
    channels.ALERTS,
    channels.ORDERS,
    channels.DEAD_LETTERS,
    manifest_topic("sense"),
)


def columns(
    rows: Sequence[tuple[str, int, float]], *, modes: Sequence[Mode] | None = None, quality: float = 1.0
) -> ReadingColumns:
    """Return reading columns of (series, time in ns, value)."""
    series = tuple(dict.fromkeys(name for name, _, _ in rows))
    which = [series.index(name) for name, _, _ in rows]
    return ReadingColumns(
        series=series,
        modes=tuple(modes or ["actual"] * len(series)),
        index=np.array(which, "<u2").tobytes(),
        time=np.array([time for _, time, _ in rows], "<i8").tobytes(),
        value=np.array([value for _, _, value in rows], "<f8").tobytes(),
        quality=np.full(len(rows), quality, "<f4").tobytes(),
    )


def pack(partition: int, offset: int, total: int, rows: Sequence[tuple[str, int, float]]) -> Judged:
    """Return what sense would send of one pack of readings."""
    return Judged(
        source=channels.READINGS,
        partition=partition,
        offset=offset,
        unit_id="hp.nanjing-east.g03.u1",
        total=total,
        readings=columns(rows),
    )


def packs(partition: int, count: int, rows_each: int, start_ns: int, *, first: int = 0) -> list[Judged]:
    """Return a partition's packs ``first`` to ``first + count``: one reading of each of ``rows_each`` devices."""
    made = []
    for offset in range(first, first + count):
        time = start_ns + offset * 1_000_000
        rows = [(f"d{partition}-{i}/LAeq", time, 60.0 + offset) for i in range(rows_each)]
        made.append(pack(partition, offset, (offset + 1) * rows_each, rows))
    return made


async def create_topics(settings: Settings) -> None:
    """Make the topics that the store touches."""
    admin = kafka.admin(settings)
    await admin.start()
    try:
        table = [topic for topic in TOPICS if topic.name in USED]
        await admin.create_topics(
            [
                NewTopic(kafka.topic_name(settings, topic.name), topic.partitions, 1, topic_configs=topic.config)
                for topic in table
            ]
        )
    finally:
        await admin.close()


async def publish(settings: Settings, judged: Iterable[Judged], producer: AIOKafkaProducer | None = None) -> None:
    """Send judged records into the partition of their source, and wait for the broker."""
    own = producer or kafka.producer(settings)
    if producer is None:
        await own.start()
    try:
        topic = kafka.topic_name(settings, channels.JUDGED)
        sent = [await own.send(topic, encode_judged(record), partition=record.partition) for record in judged]
        for confirmation in sent:
            await confirmation
    finally:
        if producer is None:
            await own.stop()


async def publish_values(settings: Settings, topic: str, partition: int, values: Iterable[bytes]) -> None:
    """Send values into one partition, and wait for the broker."""
    producer = kafka.producer(settings)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(kafka.topic_name(settings, topic), value, partition=partition)
    finally:
        await producer.stop()


def start_store(settings: Settings) -> subprocess.Popen[bytes]:
    """Start the store in a process of its own."""
    given = {
        f"VITALS_{name.upper()}": str(getattr(settings, name)) for name in ("kafka", "store", "namespace", "store_port")
    }
    environ = {**os.environ, **given, "VITALS_RUN_FILE": os.devnull, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen([sys.executable, "-m", "tests.streams.store.child"], env=environ, cwd=REPOSITORY)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Ask again and again until it is true; ``TimeoutError`` when it takes too long."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - it happens in a server or in another process
            await asyncio.sleep(0.05)


async def stored_counts(settings: Settings) -> dict[str, SourceCounts]:
    """Return the committed counters of every source partition."""
    admin = kafka.admin(settings)
    await admin.start()
    try:
        name = kafka.topic_name(settings, channels.JUDGED)
        wanted = [TopicPartition(name, number) for number in range(partitions_of(channels.JUDGED))]
        found = await committed(admin, settings, wanted)
    finally:
        await admin.close()
    return {key: counts for _, text in found.values() for key, counts in decode_counters(text).items()}


async def total_stored(settings: Settings) -> int:
    """Return how many rows the committed counters call stored."""
    return sum(counts.stored for counts in (await stored_counts(settings)).values())


async def read_all(settings: Settings, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """Return every record of a topic."""
    reader = kafka.consumer(settings)
    await reader.start()
    try:
        name = kafka.topic_name(settings, topic)
        partitions = [TopicPartition(name, number) for number in range(partitions_of(topic))]
        return [record async for record in read_to_end(reader, partitions)]
    finally:
        await reader.stop()


@asynccontextmanager
async def running_store(settings: Settings) -> AsyncIterator[Store]:
    """Run the stage in this process until the block ends."""
    stop = asyncio.Event()
    listening: asyncio.Future[Store] = asyncio.get_running_loop().create_future()
    stage = asyncio.create_task(run_store(settings, stop, listening.set_result))
    await asyncio.wait((stage, listening), return_when=asyncio.FIRST_COMPLETED)
    try:
        yield listening.result()
    finally:
        stop.set()
        await stage


def flux(url: str, question: str) -> list[dict[str, Any]]:
    """Ask an InfluxDB through influxdb-client."""
    with InfluxDBClient(url, token="", org="-") as client:
        return [record.values for table in client.query_api().query(question) for record in table.records]


def points_in(url: str, namespace: str) -> int:
    """Return how many readings an InfluxDB holds."""
    found = flux(
        url,
        f'from(bucket: "{namespace}.readings") |> range(start: 0) '
        '|> filter(fn: (r) => r._field == "value") |> count() |> group() |> sum()',
    )
    return int(found[0]["_value"]) if found else 0
