"""T3: one worker of each stage, then two, then three; then a storm: workers come and go every few seconds."""

import asyncio
import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.local.kafka import LocalKafka
from streams.provision import create_topics
from streams.settings import Settings
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.ownership import unevenly_held, wait_for_members
from tests.faults.planted_zombie import FED
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import STAGES, base_settings, history_of, judging_as, prepare
from tests.faults.watching import watched
from tests.faults.workers import STORE, Worker

SEED = 3
WORKERS = 3  # of each stage, at most
STORM_PERIOD_SECONDS = (1.0, 3.0)
LAG_SECONDS = 180.0
GROWTH_SECONDS = 30.0  # that three workers of each stage need to start, one after the other


async def grow(settings: Settings, workers: dict[str, list[Worker]]) -> list[str]:
    """Start one worker of each stage after the other; return what is uneven on the way."""
    found = []
    for count in range(1, WORKERS + 1):
        for stage in STAGES:
            workers[stage][count - 1].start()
        for stage in STAGES:
            found += unevenly_held(stage, await wait_for_members(settings, stage, count))
    return found


async def storm(workers: dict[str, list[Worker]], seconds: float, rng: random.Random) -> dict[str, int]:
    """Start, end and kill workers at random, for so long; return how often each was done."""
    done = {"started": 0, "ended": 0, "killed": WORKERS}
    for worker in workers["sense"]:  # at once, so that what they have judged since their checkpoints is judged again
        worker.kill()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(rng.uniform(*STORM_PERIOD_SECONDS))
        worker = rng.choice(workers[rng.choice(("sense", *STAGES))])
        if not worker.is_alive:
            worker.start()
            done["started"] += 1
        elif rng.random() < 0.5:
            worker.kill()
            done["killed"] += 1
        else:
            worker.signal(signal.SIGTERM)
            done["ended"] += 1
    for worker in (worker for of_stage in workers.values() for worker in of_stage):
        if not worker.is_alive:
            worker.start()
    return done


def jumps(folder: Path) -> list[str]:
    """I6: between two loads each process is fed each offset of its partitions once, and in order."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        following: dict[tuple[str, int], int] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            what, topic, partition, offset = json.loads(line)
            if what == "fed" and offset != following.get((topic, partition)):
                found.append(f"I6: {path.stem}: {topic}-{partition}: {offset}, not {following.get((topic, partition))}")
            following[topic, partition] = offset + (what == "fed")
    return found


@pytest.mark.full
async def test_workers_that_come_and_go_change_nothing(
    kafka: LocalKafka,
    namespace: str,
    tmp_path: Path,
    scale: Scale,
    figures: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    minutes = scale.minutes_of_log // 2
    plan = LogPlan(seed=SEED, start_ns=start_before_now(minutes), minutes=minutes)
    await prepare(base, plan.units)
    settings = judging_as(base, "storm")
    await create_topics(settings)
    fed = tmp_path / "fed"
    fed.mkdir()
    monkeypatch.setenv(FED, str(fed))
    folder = Path(settings.data)
    workers = {
        stage: [Worker(settings, stage, folder, name=f"{stage}-{n}", fault="told") for n in range(WORKERS)]
        for stage in STAGES
    }
    store = Worker(settings, STORE, folder)
    everyone = [store, *(worker for of_stage in workers.values() for worker in of_stage)]
    try:
        store.start()
        async with watched(settings) as violations:
            records = generate(plan)
            early = len(records) // 5
            await publish(base, records[:early], history_of(base))
            uneven = await grow(settings, workers)
            # Slow enough that rows come for as long as the storm lasts; the last part of the log is ticks alone.
            rate = len(records) * minutes / (minutes + plan.tail_minutes) / scale.storm_s
            feed = asyncio.create_task(publish(base, records[early:], history_of(base), records_per_s=rate))
            done = await storm(workers, scale.storm_s, random.Random(SEED))
            healed = time.monotonic()
            await feed
            problem = await wait_until_settled(settings, LAG_SECONDS)
            seconds_to_lag_0 = time.monotonic() - healed
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in everyone))
    verdict = await judge(base, settings)
    figures(
        events=verdict.rows, **done, replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled,
        seconds_to_lag_0=round(seconds_to_lag_0, 1),
    )  # fmt: skip
    assert problem is None
    found = [*uneven, *jumps(fed), *violations, *verdict.violations]
    assert not found, "\n".join(found[:20])
    assert verdict.replays > 0, "no kill struck while sense was at work: the test shows nothing"
