"""Rows a second that the store takes from Kafka into InfluxDB, against bare line-protocol writers to the same server.

``bare`` formats rows that lie in memory, with an f-string, and POSTs batches of 5,000 lines, four at a time: no Kafka,
no checks, no counters. ``ready`` POSTs the same lines ready-made: the server's own pace. Rounds alternate, each into a
new bucket; a ratio is the median of the rounds' own, since a machine that others use changes its pace from minute to
minute. Target (design, section 14): 0.8 of ``bare``.

    VITALS_BENCH=1 pytest -s tests/benchmarks/test_store_speed.py
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import aiohttp
import msgspec
import numpy as np
import psutil
import pytest

from schemas.judged import Judged
from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.settings import Settings
from tests.streams.store import rig

PARTITIONS, PACKS, ROWS = 12, 600, 200
ALL = PARTITIONS * PACKS * ROWS
ROUNDS = 5
TARGET = 0.8
IN_FLIGHT = 4
BATCH_PACKS = 25  # 5,000 lines

pytestmark = pytest.mark.skipif("VITALS_BENCH" not in os.environ, reason="a benchmark: set VITALS_BENCH=1")

Row = tuple[str, float, float, int]  # device, value, quality, time in ns


class Pace(msgspec.Struct):
    """One round: rows a second by the clock, and CPU in us a row of the writing process and of the database."""

    rows_per_s: float
    writer_us: float
    server_us: float


class Watch:
    """A stopwatch for the clock and for the CPU of both processes."""

    def __init__(self, influx: LocalInflux) -> None:
        self._server = psutil.Process(influx.pid)
        self._began = self._now()

    def _now(self) -> tuple[float, float, float]:
        used = self._server.cpu_times()
        return time.perf_counter(), time.process_time(), used.user + used.system

    def stop(self) -> Pace:
        clock, writer, server = (now - began for now, began in zip(self._now(), self._began, strict=True))
        return Pace(ALL / clock, writer / ALL * 1e6, server / ALL * 1e6)


def batches_of_rows(judged: Sequence[Judged]) -> list[list[Row]]:
    """Return the readings as plain rows, a batch a list."""
    packs = [list(_rows(record)) for record in judged]
    return [list(chain(*packs[at : at + BATCH_PACKS])) for at in range(0, len(packs), BATCH_PACKS)]


def _rows(record: Judged) -> Iterable[Row]:
    columns = record.readings
    assert columns is not None
    devices = [name.split("/")[0] for name in columns.series]
    which = np.frombuffer(columns.index, "<u2").tolist()
    value, quality = np.frombuffer(columns.value, "<f8").tolist(), np.frombuffer(columns.quality, "<f4").tolist()
    return zip([devices[i] for i in which], value, quality, np.frombuffer(columns.time, "<i8").tolist(), strict=True)


def formatted(rows: Iterable[Row]) -> bytes:
    """Return one batch of lines."""
    return "\n".join(
        [
            f"readings_LAeq,device_id={device} value={value},quality={quality} {at}"
            for device, value, quality, at in rows
        ]
    ).encode()


async def write(influx: LocalInflux, bucket: str, batches: Iterator[bytes]) -> Pace:
    """POST batches as they come."""
    influx.create_bucket(bucket, 7 * 86_400)

    async def post(session: aiohttp.ClientSession) -> None:
        for batch in batches:
            async with session.post(url, data=batch) as response:
                assert response.status == 204

    url = f"{influx.url}/api/v2/write?org=-&bucket={bucket}&precision=ns"
    async with aiohttp.ClientSession() as session:
        watch = Watch(influx)
        await asyncio.gather(*(post(session) for _ in range(IN_FLIGHT)))
        return watch.stop()


async def write_by_store(settings: Settings, influx: LocalInflux) -> Pace:
    """Run the stage over what lies in the log, from the moment it holds its partitions."""
    async with rig.running_store(settings) as store:

        async def is_ready() -> bool:
            return store.problem() is None

        await rig.until(is_ready)
        watch = Watch(influx)

        async def are_all_stored() -> bool:
            return sum(counts.stored for counts in store.counters().values()) >= ALL

        await rig.until(are_all_stored, seconds=300)
        return watch.stop()


def ratio(paces: dict[str, list[Pace]], to: str) -> float:
    """Return the median of the store's pace over that of another writer in the same round; print all of them."""
    found = [s.rows_per_s / b.rows_per_s for s, b in zip(paces["store"], paces[to], strict=True)]
    middle = statistics.median(found)
    print(f"store / {to}: {middle:.2f} (rounds: {', '.join(f'{each:.2f}' for each in found)})")
    return middle


async def test_the_store_keeps_up_with_a_bare_writer() -> None:
    start = time.time_ns() - 3_600 * 10**9
    judged = [record for partition in range(PARTITIONS) for record in rig.packs(partition, PACKS, ROWS, start)]
    batches = batches_of_rows(judged)
    ready = [formatted(batch) for batch in batches]
    paces: dict[str, list[Pace]] = {"ready": [], "bare": [], "store": []}
    with LocalKafka() as kafka, LocalInflux() as influx:
        base = Settings(kafka=kafka.bootstrap, store=influx.url.replace("http", "influxdb"), store_port=21_465)
        for number in range(ROUNDS):
            settings = msgspec.structs.replace(base, namespace=f"round{number}")
            await rig.create_topics(settings)
            await rig.publish(settings, judged)
            paces["ready"].append(await write(influx, f"ready{number}", iter(ready)))
            paces["store"].append(await write_by_store(settings, influx))
            paces["bare"].append(await write(influx, f"bare{number}", map(formatted, batches)))
    for name, found in paces.items():
        middle = [statistics.median(column) for column in zip(*map(msgspec.structs.astuple, found), strict=True)]
        print(f"{name}: {middle[0]:,.0f} rows/s; CPU in us a row: writer {middle[1]:.2f}, database {middle[2]:.2f}")
    ratio(paces, "ready")
    assert ratio(paces, "bare") >= TARGET
