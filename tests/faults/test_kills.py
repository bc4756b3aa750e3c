"""T1: SIGKILL at each fail point and at random, while a log comes in: nothing is lost, nothing doubled."""

import asyncio
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from streams.local.kafka import LocalKafka
from streams.settings import Settings
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import STAGES, base_settings, history_of, judging_as, prepare, running
from tests.faults.watching import watched
from tests.faults.workers import FAIL_POINTS, STORE, Worker

SEED = 20_261_126
DEATH_SECONDS = 60.0  # within which a fail point must be reached
UPTIME_SECONDS = (1.0, 8.0)  # of a worker that is killed at random: while it starts, loads, or works
LAG_SECONDS = 180.0


async def die_at(worker: Worker, fail_point: str) -> None:
    """Let a worker run into a fail point."""
    worker.stop()
    worker.start(fail_point)
    code = await asyncio.to_thread(worker.wait, DEATH_SECONDS)
    assert code == -signal.SIGKILL, f"{worker.name} ended with {code} on its way to {fail_point}: {worker.log_tail()}"


async def kill_stage(worker: Worker, points: list[str], kills: int, rng: random.Random) -> int:
    """Kill one stage at each of the points and then at random; it runs in the end. Return how often it died."""
    for point in points:
        await die_at(worker, point)
    for _ in range(kills):
        if not worker.is_alive:
            worker.start()
        await asyncio.sleep(rng.uniform(*UPTIME_SECONDS))
        worker.kill()
    if not worker.is_alive:
        worker.start()
    return len(points) + kills


async def kill_all(workers: dict[str, Worker], scale: Scale) -> int:
    """Kill all stages, each in its own rhythm; return the number of deaths."""
    rng = random.Random(SEED)
    order = rng.sample(FAIL_POINTS, len(FAIL_POINTS))
    points = {"sense": order, "alert": order[:3], "dispatch": order[3:], STORE: []}
    each = max(1, scale.kills // len(workers))
    tasks = [
        kill_stage(worker, [f"{point}:{1 if point == 'in-recovery' else rng.randint(1, 3)}" for point in points[name]],
                   each, random.Random(f"{SEED}-{name}"))
        for name, worker in workers.items()
    ]  # fmt: skip
    return sum(await asyncio.gather(*tasks))


async def test_kills_at_every_point_lose_nothing_and_double_nothing(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    plan = LogPlan(seed=SEED, start_ns=start_before_now(scale.minutes_of_log), minutes=scale.minutes_of_log)
    await prepare(base, plan.units)
    records = generate(plan)
    settings: Settings = judging_as(base, "killed")
    async with running(settings, (*STAGES, STORE)) as workers, watched(settings) as violations:
        # Slow enough that there is work for as long as workers die.
        feed = asyncio.create_task(publish(base, records, history_of(base), records_per_s=scale.records_per_s))
        deaths = await kill_all(workers, scale)
        healed = time.monotonic()
        await feed
        assert await wait_until_settled(settings, LAG_SECONDS) is None
        seconds_to_lag_0 = time.monotonic() - healed
    verdict = await judge(base, settings)
    figures(
        events=verdict.rows, kills=deaths, replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled,
        seconds_to_lag_0=round(seconds_to_lag_0, 1),
    )  # fmt: skip
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)
    assert verdict.replays > 0, "no kill struck while sense was at work: the test shows nothing"
