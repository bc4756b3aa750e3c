"""The store under SIGKILL, beside a second member, and with its database away: nothing lost, nothing counted twice."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import duckdb
import msgspec
import pytest

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.settings import Settings
from streams.store.counters import SourceCounts
from tests.servers import require
from tests.streams.store import rig

PARTITIONS, PACKS, ROWS = 12, 150, 200
ALL = PARTITIONS * PACKS * ROWS
KILLS = 4
KILL_PACKS = 3 * PACKS  # work for seconds, so that a kill strikes before it is done, however quick the machine


def complete(packs: int = PACKS) -> dict[str, SourceCounts]:
    """Return the counters of a store that has stored every pack of every partition once."""
    counts = SourceCounts(next=packs, total=packs * ROWS, stored=packs * ROWS)
    return {f"vitals.readings/{partition}": counts for partition in range(PARTITIONS)}


@pytest.fixture
async def settings(kafka: LocalKafka, influx: LocalInflux, namespace: str) -> Settings:
    made = Settings(
        kafka=kafka.bootstrap, store=influx.url.replace("http", "influxdb"), namespace=namespace, store_port=free_port()
    )
    await rig.create_topics(made)
    return made


async def publish_all(settings: Settings, packs: int = PACKS) -> None:
    """Every pack once, and in each partition twenty of them again, as sense does after a crash."""
    start = time.time_ns() - 3_600 * 10**9
    for partition in range(PARTITIONS):
        judged = rig.packs(partition, packs, ROWS, start)
        await rig.publish(settings, [*judged[:100], *judged[80:]])


async def test_kills_neither_lose_a_row_nor_count_one_twice(settings: Settings, influx: LocalInflux) -> None:
    every = PARTITIONS * KILL_PACKS * ROWS
    await publish_all(settings, KILL_PACKS)
    for kill in range(KILLS):
        child = rig.start_store(settings)
        goal = (kill + 1) * every // (KILLS + 4)

        async def is_midway(goal: int = goal) -> bool:
            return await rig.total_stored(settings) >= goal

        await rig.until(is_midway)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert await rig.total_stored(settings) < every
    child = rig.start_store(settings)

    async def are_all_stored() -> bool:
        return await rig.total_stored(settings) >= every

    await rig.until(are_all_stored)
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 0
    assert await rig.stored_counts(settings) == complete(KILL_PACKS)
    assert rig.points_in(influx.url, settings.namespace) == every


async def test_members_that_come_and_go_share_the_work_exactly(settings: Settings, influx: LocalInflux) -> None:
    await publish_all(settings)
    async with rig.running_store(settings) as first:

        async def is_under_way() -> bool:
            return bool(first.counters())

        await rig.until(is_under_way)
        async with rig.running_store(settings) as second:

            async def are_shared() -> bool:
                return 0 < len(second.counters()) < PARTITIONS and 0 < len(first.counters()) < PARTITIONS

            await rig.until(are_shared)

        async def are_all_stored() -> bool:
            return await rig.total_stored(settings) >= ALL

        await rig.until(are_all_stored)
    assert await rig.stored_counts(settings) == complete()
    assert rig.points_in(influx.url, settings.namespace) == ALL


async def test_a_database_that_is_away_is_waited_for_without_reading_on(settings: Settings, tmp_path: Path) -> None:
    require(LocalInflux)
    with LocalInflux(tmp_path / "influx") as own:
        settings = msgspec.structs.replace(settings, store=own.url.replace("http", "influxdb"))
        await asyncio.to_thread(own.kill)
        await publish_all(settings)
        async with rig.running_store(settings) as store:

            async def says_so() -> bool:
                return "does not answer" in str(store.problem())

            await rig.until(says_so)
            await asyncio.to_thread(own.start)

            async def is_under_way() -> bool:
                return bool(store.counters())

            await rig.until(is_under_way)
            await asyncio.to_thread(own.kill)

            async def says_so_again() -> bool:
                return "cannot be written to" in str(store.problem())

            await rig.until(says_so_again)
            await asyncio.to_thread(own.start)

            async def are_all_stored() -> bool:
                return await rig.total_stored(settings) >= ALL

            await rig.until(are_all_stored)
        assert await rig.stored_counts(settings) == complete()
        assert rig.points_in(own.url, settings.namespace) == ALL


async def test_duckdb_keeps_one_point_a_key_through_kills(settings: Settings, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(settings, store=f"duckdb://{tmp_path}/vitals.duckdb")
    await publish_all(settings)
    for goal in (ALL // 4, ALL // 2, ALL):
        child = rig.start_store(settings)

        async def is_reached(goal: int = goal) -> bool:
            return await rig.total_stored(settings) >= goal

        await rig.until(is_reached)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert await rig.stored_counts(settings) == complete()
    with duckdb.connect(str(tmp_path / "vitals.duckdb"), read_only=True) as reader:
        (found,) = reader.execute("SELECT count(*), count(DISTINCT (device_id, time)) FROM readings").fetchall()
    assert found == (ALL, ALL)
