"""T15, the soak: faults at random for as long as asked, then the judge. ``make soak MINUTES=120 SEED=7``.

Not part of the suite: pytest collects it only by name. The same seed gives the same log and the same order of faults.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from streams.local.kafka import LocalKafka
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.publishing import publish
from tests.faults.trial import base_settings, history_of, judging_as, kept_alive, prepare, running
from tests.faults.watching import watched
from tests.faults.workers import Worker, memory_of
from tests.servers import require

MINUTES = float(os.environ.get("VITALS_SOAK_MINUTES", "10"))
SEED = int(os.environ.get("VITALS_SOAK_SEED", str(time.time_ns() % 1_000_000)))
LOG_MINUTES_A_MINUTE = 5  # event time that passes in a minute
PAUSE_SECONDS = (3.0, 20.0)  # between faults
AWAY_SECONDS = (1.0, 15.0)  # of what is stopped or down
LAG_SECONDS = 600.0
GROWTH_MIB = 200  # of a stage, from its first minutes to its end


async def kill(worker: Worker, _: LocalKafka, rng: random.Random) -> None:
    worker.kill()
    await asyncio.sleep(rng.uniform(0.0, 2.0))


async def pause(worker: Worker, _: LocalKafka, rng: random.Random) -> None:
    worker.signal(signal.SIGSTOP)
    await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
    if worker.is_alive:
        worker.signal(signal.SIGCONT)


async def end(worker: Worker, _: LocalKafka, rng: random.Random) -> None:
    worker.signal(signal.SIGTERM)
    await asyncio.sleep(rng.uniform(0.0, 2.0))


async def kill_broker(_: Worker, kafka: LocalKafka, rng: random.Random) -> None:
    kafka.kill()
    await asyncio.sleep(rng.uniform(*AWAY_SECONDS))
    await asyncio.to_thread(kafka.start)


Fault = Callable[[Worker, LocalKafka, random.Random], Awaitable[None]]
FAULTS: dict[str, tuple[Fault, float]] = {  # with how often, relative to each other
    "kill": (kill, 6.0),
    "pause": (pause, 2.0),
    "end": (end, 2.0),
    "kill broker": (kill_broker, 1.0),
}


async def test_soak(namespace: str, tmp_path: Path) -> None:
    require(LocalKafka)
    print(f"\nsoak: {MINUTES:g} minutes, seed {SEED} (VITALS_SOAK_SEED={SEED} does it again)", flush=True)
    rng, counts, sizes = random.Random(SEED), dict.fromkeys(FAULTS, 0), dict[str, list[int]]()
    with LocalKafka(tmp_path / "kafka") as kafka:
        base = base_settings(kafka, namespace, tmp_path)
        await prepare(base)
        minutes = max(10, round(MINUTES * LOG_MINUTES_A_MINUTE))
        records = generate(LogPlan(seed=SEED, start_ns=start_before_now(minutes), minutes=minutes))
        settings = judging_as(base, "soaked")
        async with running(settings) as workers, watched(settings) as violations:
            async with kept_alive(workers) as restarts:
                pace = len(records) / (MINUTES * 60)
                feed = asyncio.create_task(publish(base, records, history_of(base), records_per_s=pace))
                while not feed.done():
                    await asyncio.sleep(rng.uniform(*PAUSE_SECONDS))
                    name = rng.choices(list(FAULTS), [weight for _, weight in FAULTS.values()])[0]
                    worker = workers[rng.choice(list(workers))]
                    if not worker.is_alive:
                        continue
                    await FAULTS[name][0](worker, kafka, rng)
                    counts[name] += 1
                    for stage, one in workers.items():
                        if one.is_alive:
                            sizes.setdefault(stage, []).append(memory_of(one.pids[-1]))
                await feed
                healed = time.monotonic()
                assert await wait_until_settled(settings, LAG_SECONDS) is None
            seconds = time.monotonic() - healed
        verdict = await judge(base, settings)
    print(
        f"soak: seed {SEED}, {verdict.rows} rows, faults {counts}, restarts {restarts}, replays {verdict.replays},"
        f" lost {verdict.lost}, doubled {verdict.doubled}, lag 0 after {seconds:.0f} s,"
        f" MiB { ({name: (min(found), max(found)) for name, found in sizes.items()}) }",
        flush=True,
    )
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)
    assert all(max(found) - min(found) <= GROWTH_MIB for found in sizes.values()), sizes
