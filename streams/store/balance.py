"""The balance: every row that came in is judged, late, dead or a duplicate; every judged one has ended somewhere.

    in = judged + late + dead + duplicate                               at the cut of sense's newest manifest
    total = stored + expired + skipped + store_dead, nothing missing    at the cut of the store's committed offsets

Both cuts are exact. What lies between them, and what the source log holds beyond the manifest, is lag; a tick or an
empty value is nothing. The manifests are read first, the ends of the logs last, so that what moves meanwhile is lag.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Literal

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError

from schemas.channels import JUDGED, SOURCES
from schemas.envelope import TICK
from schemas.files import Balance as ReportedBalance
from schemas.files import BalanceLine
from streams import kafka
from streams.settings import Settings, SettingsError
from streams.state.manifest import Manifest, read_manifests, read_to_end
from streams.store.counters import SourceCounts, decode_counters, source_key
from streams.store.offsets import committed
from streams.topics import manifest_topic, partitions_of

STAGE = "sense"
POLL_SECONDS = 0.5
TAIL_RECORDS = 50_000  # of a longer tail records are counted, not read
EXIT_CODES = {"closed": 0, "open": 1, "lagging": 3}
Status = Literal["closed", "open", "lagging"]
_NOTHING = SourceCounts()


class Balance(ReportedBalance, frozen=True, kw_only=True):
    """The reported balance, and how it came to be; ``problems`` say what does not add up.

    ``lag`` of a line counts rows, or records where these have not been read.
    """

    status: Status
    problems: tuple[str, ...] = ()

    def exit_code(self) -> int:
        """Return what ``vitals balance`` ends with: 0 closed, 1 open, 3 lag left."""
        return EXIT_CODES[self.status]


class Cuts(msgspec.Struct, frozen=True, kw_only=True):
    """What the balance is made of, by source partition; ``tails`` is what no manifest holds yet."""

    judged: Mapping[str, Mapping[str, int]]
    stored: Mapping[str, SourceCounts]
    tails: Mapping[str, int]
    gone: Mapping[str, int] = {}  # records that the log dropped before they were judged


def make_balance(cuts: Cuts) -> Balance:
    """Return the balance of three readings (pure)."""
    rows: list[BalanceLine] = []
    problems: list[str] = []
    for topic in SOURCES:
        for partition in range(partitions_of(topic)):
            key = source_key(topic, partition)
            row = _row(
                topic, partition, cuts.judged.get(key, {}), cuts.stored.get(key, _NOTHING), cuts.tails.get(key, 0)
            )
            if row.in_ or row.lag or key in cuts.stored or key in cuts.gone:
                rows.append(row)
                if gone := cuts.gone.get(key, 0):
                    problems.append(f"{key}: the log dropped {gone} records before they were judged: they are lost")
                problems += _problems(key, row, cuts.stored.get(key, _NOTHING), cuts.tails.get(key, 0))
    status: Status = "open" if problems else "lagging" if any(row.lag for row in rows) else "closed"
    return Balance(closed=status == "closed", status=status, by_partition=tuple(rows), problems=tuple(problems))


def _row(topic: str, partition: int, sense: Mapping[str, int], store: SourceCounts, tail: int) -> BalanceLine:
    judged = sense.get("judged", 0)
    return BalanceLine(
        topic=topic,
        partition=partition,
        in_=sense.get("in", 0),
        judged=judged,
        late=sense.get("late", 0),
        dead=sense.get("dead", 0),
        duplicate=sense.get("duplicate", 0),
        stored=store.stored,
        expired=store.expired,
        skipped=store.skipped,
        store_dead=store.store_dead,
        lag=max(0, judged - store.total) + tail,
    )


def _problems(key: str, row: BalanceLine, store: SourceCounts, tail: int) -> list[str]:
    found = []
    ended = row.judged + row.late + row.dead + row.duplicate
    if row.in_ != ended:
        found.append(f"{key}: {row.in_} rows came in, {ended} were judged, late, dead or duplicates")
    if store.missing:
        found.append(f"{key}: {store.missing} judged rows never came to the store")
    if not store.is_closed() and not store.missing:
        found.append(f"{key}: the store saw {store.total} rows, not all of them ended (or some ended twice)")
    if store.total > row.judged and not tail:
        found.append(f"{key}: the store saw {store.total} rows, sense judged {row.judged}")
    return found


async def balance(settings: Settings, wait_s: float = 0.0) -> Balance:
    """Return the balance, at the latest after ``wait_s``: at once if it is closed or open, else when the lag is gone.

    Raises
    ------
    SettingsError
        Kafka does not answer, or its topics have not been made.
    """
    deadline = time.monotonic() + wait_s
    async with AsyncExitStack() as stack:
        admin, reader = kafka.admin(settings), kafka.consumer(settings)
        stack.push_async_callback(admin.close)
        stack.push_async_callback(reader.stop)
        try:
            await admin.start()
            await reader.start()
        except KafkaConnectionError as error:
            raise SettingsError(f"Kafka at {settings.kafka} does not answer: start it, or set VITALS_KAFKA") from error
        await _check_topics(settings, admin)
        while True:
            found = make_balance(await _read(settings, admin, reader))
            if found.status != "lagging" or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(min(POLL_SECONDS, max(0.0, deadline - time.monotonic())))


async def _check_topics(settings: Settings, admin: AIOKafkaAdminClient) -> None:
    there = set(await admin.list_topics())
    for topic in (*SOURCES, JUDGED, manifest_topic(STAGE)):
        name = kafka.topic_name(settings, topic)
        if name not in there:
            raise SettingsError(f"topic {name} is missing: run `vitals topics create`")


async def _read(settings: Settings, admin: AIOKafkaAdminClient, reader: AIOKafkaConsumer) -> Cuts:
    manifests = await read_manifests(settings, STAGE)
    judged = {
        source_key(topic, partition): counters
        for partition, manifest in manifests.items()
        for topic, counters in manifest.counters.items()
    }
    gone = {source_key(topic, n): count for n, one in manifests.items() for topic, count in one.gone.items()}
    name = kafka.topic_name(settings, JUDGED)
    offsets = await committed(admin, settings, [TopicPartition(name, n) for n in range(partitions_of(JUDGED))])
    stored: dict[str, SourceCounts] = {}
    for _, metadata in offsets.values():
        stored |= decode_counters(metadata)
    return Cuts(judged=judged, stored=stored, tails=await _tails(settings, reader, manifests), gone=gone)


async def _tails(settings: Settings, reader: AIOKafkaConsumer, manifests: Mapping[int, Manifest]) -> dict[str, int]:
    """Return how much lies in the source logs beyond the manifests."""
    keys: dict[TopicPartition, str] = {}
    start: dict[TopicPartition, int] = {}
    for topic in SOURCES:
        for partition in range(partitions_of(topic)):
            tp = TopicPartition(kafka.topic_name(settings, topic), partition)
            keys[tp] = source_key(topic, partition)
            start[tp] = manifests[partition].next.get(topic, 0) if partition in manifests else 0
    reader.assign(list(keys))
    ends, begins = await reader.end_offsets(list(keys)), await reader.beginning_offsets(list(keys))
    lengths = {tp: ends[tp] - max(start[tp], begins[tp]) for tp in keys}
    tails = {keys[tp]: length for tp, length in lengths.items() if length > TAIL_RECORDS}
    short = [tp for tp, length in lengths.items() if 0 < length <= TAIL_RECORDS]
    async for record in read_to_end(reader, short, start):
        if record.value and not any(name == TICK for name, _ in record.headers):
            key = keys[TopicPartition(record.topic, record.partition)]
            tails[key] = tails.get(key, 0) + _elements(record.value)
    return tails


def _elements(value: bytes) -> int:
    """Return how many elements a source record has, 1 where that cannot be told."""
    try:
        found = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 1
    return len(found) or 1 if isinstance(found, list) else 1
