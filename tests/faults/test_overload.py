"""T12, T14: more than a stage can take, and one unit that sends far more than all others: slower, never less."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from schemas import channels
from schemas.judged import decode_judged
from streams.local.kafka import LocalKafka
from streams.newest import events
from streams.settings import Settings
from streams.settled import wait_until_settled
from streams.store.balance import balance
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.load import Load
from tests.faults.log import read_log
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.test_database import BAND_MIB
from tests.faults.trial import base_settings, history_of, judging_as, prepare, running
from tests.faults.workers import STORE, memory_of

pytestmark = pytest.mark.full

LAG_SECONDS = 300.0
FLAT_OUT = 1_000_000  # rows a second: as fast as the sender can
HOT_ROWS_PER_S = 10_000
LATENCY_SECONDS = 60.0  # of others' readings, p99: nobody starves (I7), however much else the machine does


async def test_an_overload_is_worked_off_in_bounded_memory(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    settings = judging_as(base_settings(kafka, namespace, tmp_path), "loaded")
    load = Load(base_settings(kafka, namespace, tmp_path), FLAT_OUT)
    await load.prepare()
    async with running(settings) as workers:
        await load.run(1.0)
        assert await wait_until_settled(settings, LAG_SECONDS) is None
        base = {name: memory_of(worker.pids[-1]) for name, worker in workers.items()}
        peaks, began = dict(base), time.monotonic()
        feed = asyncio.create_task(load.run_for(scale.overload_s))
        settling: asyncio.Task[str | None] | None = None
        while settling is None or not settling.done():
            if feed.done() and settling is None:
                settling = asyncio.create_task(wait_until_settled(settings, LAG_SECONDS))
            peaks |= {name: max(peaks[name], memory_of(worker.pids[-1])) for name, worker in workers.items()}
            await asyncio.sleep(1.0)
        assert await settling is None
        taken = time.monotonic() - began
        found = await balance(settings, 30)
    grown = {name: peaks[name] - base[name] for name in peaks}
    figures(rows=load.sent, sent_in_s=scale.overload_s, done_in_s=round(taken, 1), grown_mib=grown, band_mib=BAND_MIB)
    assert found.closed, found.problems
    assert sum(row.stored for row in found.by_partition) == load.sent
    assert max(grown.values()) <= BAND_MIB, grown


async def test_a_hot_unit_loses_nothing_and_others_wait_seconds_at_most(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await prepare(base)
    hot = Load(base, HOT_ROWS_PER_S, units=1)
    await hot.prepare()
    settings = judging_as(base, "hot")
    records = generate(LogPlan(seed=14, start_ns=start_before_now(8), minutes=8, tick_s=30.0))
    async with running(settings) as workers:
        pace = len(records) / scale.overload_s
        await asyncio.gather(hot.run(scale.overload_s), publish(base, records, history_of(base), records_per_s=pace))
        assert await wait_until_settled(settings, LAG_SECONDS) is None, workers[STORE].log_tail()
        found = await balance(settings, 30)
    waits = await waits_of_others(base, settings)
    p50, p99 = np.quantile(waits, [0.5, 0.99])
    figures(hot_rows=hot.sent, others=len(waits), others_p50_s=round(float(p50), 2), others_p99_s=round(float(p99), 2))
    assert found.closed, found.problems
    assert p99 <= LATENCY_SECONDS


async def waits_of_others(base: Settings, settings: Settings) -> list[float]:
    """Return how long each record of another unit waited to be judged, in s, by the broker's clock."""
    appended = {(one.topic, one.partition, one.offset): one.append_ns // 1_000_000 for one in await read_log(base)}
    found = []
    async for record in events(settings, channels.JUDGED):
        judged = decode_judged(record.value or b"")
        if "load" not in judged.unit_id:
            found.append((record.timestamp - appended[judged.source, judged.partition, judged.offset]) / 1e3)
    return found
