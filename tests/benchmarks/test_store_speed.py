"""Rows a second that the store takes from Kafka into InfluxDB, against a bare writer of ready-made lines.

The bare writer does nothing but POST batches of 5,000 lines that lie rendered in memory, four at a time to the same
server: the server's own pace. Rounds alternate, each into a new bucket; the ratio is that of the medians. Target (design, section 14): 0.8.

    VITALS_BENCH=1 pytest -s tests/benchmarks/test_store_speed.py
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp
import msgspec
import pytest

from schemas.judged import Judged
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.settings import Settings
from streams.store.line_protocol import block_lines
from streams.store.rows import Limits, judged_rows
from tests.streams.store import rig

PARTITIONS, PACKS, ROWS = 12, 250, 200
ALL = PARTITIONS * PACKS * ROWS
ROUNDS = 5
TARGET = 0.8
IN_FLIGHT = 4
BATCH_LINES = 5_000

pytestmark = pytest.mark.skipif("VITALS_BENCH" not in os.environ, reason="a benchmark: set VITALS_BENCH=1")


class Pace(NamedTuple):
    """One round: rows a second by the clock, and CPU of the writing process in us a row."""

    rows_per_s: float
    cpu_us: float


def rendered(judged: Sequence[Judged]) -> list[bytes]:
    """Return the same points as batches of lines."""
    limits = Limits(oldest_ns=0, keep_readings=True, quantities=frozenset({"LAeq"}))
    lines = [line for record in judged for block in judged_rows(record, limits).blocks for line in block_lines(block)]
    return ["\n".join(lines[at : at + BATCH_LINES]).encode() for at in range(0, len(lines), BATCH_LINES)]


async def write_bare(influx: LocalInflux, bucket: str, batches: Sequence[bytes]) -> Pace:
    """POST ready-made batches."""
    influx.create_bucket(bucket, 7 * 86_400)
    waiting = iter(batches)

    async def post(session: aiohttp.ClientSession) -> None:
        for batch in waiting:
            async with session.post(url, data=batch) as response:
                assert response.status == 204

    url = f"{influx.url}/api/v2/write?org=-&bucket={bucket}&precision=ns"
    async with aiohttp.ClientSession() as session:
        started, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(post(session) for _ in range(IN_FLIGHT)))
        return _pace(started, cpu)


async def write_by_store(settings: Settings) -> Pace:
    """Run the stage over what lies in the log, from the moment it holds its partitions."""
    async with rig.running_store(settings) as store:

        async def is_ready() -> bool:
            return store.problem() is None

        await rig.until(is_ready)
        started, cpu = time.perf_counter(), time.process_time()

        async def are_all_stored() -> bool:
            return sum(counts.stored for counts in store.counters().values()) >= ALL

        await rig.until(are_all_stored, seconds=300)
        return _pace(started, cpu)


def _pace(started: float, cpu: float) -> Pace:
    return Pace(ALL / (time.perf_counter() - started), (time.process_time() - cpu) / ALL * 1e6)


async def test_the_store_keeps_up_with_a_bare_writer() -> None:
    start = time.time_ns() - 3_600 * 10**9
    judged = [record for partition in range(PARTITIONS) for record in rig.packs(partition, PACKS, ROWS, start)]
    batches = rendered(judged)
    paces: dict[str, list[Pace]] = {"bare": [], "store": []}
    with LocalKafka() as kafka, LocalInflux() as influx:
        base = Settings(kafka=kafka.bootstrap, store=influx.url.replace("http", "influxdb"), store_port=21_465)
        for number in range(ROUNDS):
            settings = msgspec.structs.replace(base, namespace=f"round{number}")
            await rig.create_topics(settings)
            await rig.publish(settings, judged)
            paces["bare"].append(await write_bare(influx, f"bare{number}", batches))
            paces["store"].append(await write_by_store(settings))
    middle = {name: statistics.median(pace.rows_per_s for pace in found) for name, found in paces.items()}
    cpu = {name: statistics.median(pace.cpu_us for pace in found) for name, found in paces.items()}
    ratio = middle["store"] / middle["bare"]
    for name, found in paces.items():
        rounds = ", ".join(f"{pace.rows_per_s / 1e3:.0f}k" for pace in found)
        print(f"{name}: {middle[name]:,.0f} rows/s (rounds: {rounds}), {cpu[name]:.2f} us CPU a row in this process")
    print(f"ratio: {ratio:.2f} (target {TARGET})")
    assert ratio >= TARGET
