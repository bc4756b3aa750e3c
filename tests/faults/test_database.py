"""T7: InfluxDB is away, slow, cut off, or its answers are lost: every row is stored once, and counted once."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from streams.local.influx import LocalInflux
from streams.local.kafka import LocalKafka
from streams.local.process import LOOPBACK
from streams.settings import Settings
from streams.settled import wait_until_settled
from streams.store.balance import balance
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.load import Load
from tests.faults.proxy import BLACK_HOLE, FAIR, FaultProxy, Weather
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, kept_alive, prepare, running
from tests.faults.workers import STORE, memory_of
from tests.servers import require
from tests.streams.store.rig import points_in

WEATHERS = {
    "answers lost": Weather(is_to_client_silent=True),
    "refused": Weather(is_refusing=True),
    "slow": Weather(delay_s=2.5),  # each way: 5 s a write
    "black hole": BLACK_HOLE,
    "cut": Weather(reset_after=10),
}
LAG_SECONDS = 200.0
FAIR_SECONDS = 3.0
# Base: what a process takes once it has worked. Above it: fetch buffers (of 48 source partitions at most 1 MiB each),
# the lanes' batches that wait, and what Python's allocator keeps.
BAND_MIB = 160


def on_influx(settings: Settings, port: int) -> Settings:
    return msgspec.structs.replace(settings, store=f"influxdb://{LOOPBACK}:{port}")


async def test_a_database_that_fails_in_every_way_has_each_point_once(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await prepare(base)
    plan = LogPlan(seed=7, start_ns=start_before_now(scale.minutes_of_log), minutes=scale.minutes_of_log)
    with FaultProxy(influx.port) as proxy:
        settings = on_influx(judging_as(base, "stored"), proxy.port)
        async with running(settings) as workers, kept_alive(workers):
            sending = publish(base, generate(plan), history_of(base), records_per_s=scale.records_per_s)
            feed = asyncio.create_task(sending)
            await asyncio.sleep(FAIR_SECONDS)
            for number, weather in enumerate(WEATHERS.values()):
                proxy.set(weather)
                await asyncio.sleep(scale.outage_s / 2)
                if number == 0:
                    workers[STORE].kill()  # a write is under way whose answer nobody will get
                await asyncio.sleep(scale.outage_s / 2)
                proxy.set(FAIR)
                proxy.break_all()
                await asyncio.sleep(FAIR_SECONDS)
            await feed
            healed = time.monotonic()
            assert await wait_until_settled(settings, LAG_SECONDS) is None, workers[STORE].log_tail()
            seconds_to_lag_0 = time.monotonic() - healed
            found = await balance(settings, 30)
    verdict = await judge(base, settings)
    points = points_in(influx.url, settings.namespace)
    figures(
        events=verdict.rows, weathers=", ".join(WEATHERS), points=points, lost=verdict.lost, doubled=verdict.doubled,
        seconds_to_lag_0=round(seconds_to_lag_0, 1),
    )  # fmt: skip
    assert found.closed, found.problems
    assert points == verdict.points == sum(row.stored for row in found.by_partition)
    assert not verdict.violations, "\n".join(verdict.violations)


@pytest.mark.full
async def test_a_store_that_is_asked_to_end_while_its_database_is_away_ends_and_commits_nothing(
    kafka: LocalKafka, influx: LocalInflux, namespace: str, tmp_path: Path
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await prepare(base)
    with FaultProxy(influx.port) as proxy:
        settings = on_influx(judging_as(base, "asked"), proxy.port)
        async with running(settings) as workers:
            records = generate(LogPlan(seed=8, start_ns=start_before_now(4), minutes=4))
            await publish(base, records[: len(records) // 4], history_of(base))
            assert await wait_until_settled(settings, LAG_SECONDS) is None
            before = points_in(influx.url, settings.namespace)
            proxy.set(BLACK_HOLE)
            await publish(base, records[len(records) // 4 :], history_of(base))
            await asyncio.sleep(3.0)
            workers[STORE].signal(signal.SIGTERM)
            assert await asyncio.to_thread(workers[STORE].wait, 60.0) == 0
            assert points_in(influx.url, settings.namespace) == before
            proxy.set(FAIR)
            workers[STORE].start()
            assert await wait_until_settled(settings, LAG_SECONDS) is None
            found = await balance(settings, 30)
    assert found.closed, found.problems
    assert points_in(influx.url, settings.namespace) == sum(row.stored for row in found.by_partition) > before


@pytest.mark.full
async def test_memory_stays_in_its_band_while_the_database_is_away(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    """20,000 readings a second go on coming; what cannot be stored waits in Kafka, not in memory."""
    require(LocalInflux)
    with LocalInflux(tmp_path / "influx") as own:
        settings = on_influx(base_settings(kafka, namespace, tmp_path), own.port)
        load = Load(settings, rows_per_s=20_000)
        await load.prepare()
        async with running(settings, ("sense", STORE)) as workers:
            await load.run(10.0)
            base = {name: memory_of(worker.pids[-1]) for name, worker in workers.items()}
            own.stop()
            peaks = dict(base)
            feed = asyncio.create_task(load.run(scale.database_away_s))
            while not feed.done():
                for name, worker in workers.items():
                    peaks[name] = max(peaks[name], memory_of(worker.pids[-1]))
                await asyncio.sleep(1.0)
            await feed
            await asyncio.to_thread(own.start)
            healed = time.monotonic()
            sent = load.sent
            async with asyncio.timeout(LAG_SECONDS + scale.database_away_s):
                while (found := await balance(settings, 5)).status != "closed":
                    assert found.status == "lagging", found.problems
            seconds_to_lag_0 = time.monotonic() - healed
        points = points_in(own.url, settings.namespace)
    grown = {name: peaks[name] - base[name] for name in peaks}
    figures(
        away_s=scale.database_away_s, rows=sent, points=points, base_mib=base, grown_mib=grown, band_mib=BAND_MIB,
        seconds_to_lag_0=round(seconds_to_lag_0, 1),
    )  # fmt: skip
    assert points == sent == sum(row.stored for row in found.by_partition)
    assert max(grown.values()) <= BAND_MIB, grown
