"""T9, for real: a flood of hostile records through Kafka and all stages, good traffic beside it."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import psutil
import pytest

from schemas import channels
from streams.catalogue.files import load_catalogue
from streams.kafka import producer, topic_name
from streams.local.kafka import LocalKafka
from streams.settings import Settings
from streams.settled import wait_until_read, wait_until_settled
from streams.store.balance import balance
from streams.ticker import write_ticks
from streams.topics import STAGE_SOURCES
from tests.faults.district import registry
from tests.faults.expected import Expected
from tests.faults.fuzzer import Hostile, hostile_records
from tests.faults.generator import LogPlan, generate, rows_of, start_before_now
from tests.faults.invariants import differences
from tests.faults.log import read_log
from tests.faults.oracle import expect
from tests.faults.outcome import outcome_of
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, prepare, running
from tests.faults.workers import Worker

SEED = 99
CHUNK = 1_000
SETTLE_SECONDS = 600.0
SHARE = 10  # one hostile record beside so many good ones
PACK_MINUTES = 90
NOT_SLOWER_THAN = 0.9
TRIES = 3  # each way, one after the other: the best counts, for other work on the machine only slows down
Place = tuple[str, int, int]


async def send_hostile(settings: Settings, records: Iterable[Hostile]) -> dict[Place, str]:
    """Send hostile records; return the kind of each by topic, partition and offset."""
    found: dict[Place, str] = {}
    rest = iter(records)
    async with producer(settings) as sender:
        while chunk := list(islice(rest, CHUNK)):
            futures = [
                await sender.send(
                    topic_name(settings, one.topic), one.value, key=one.key, partition=one.partition,
                    headers=list(one.headers),
                )
                for one in chunk
            ]  # fmt: skip
            for one, metadata in zip(chunk, await asyncio.gather(*futures), strict=True):
                found[one.topic, one.partition, metadata.offset] = one.kind
    return found


async def test_hostile_records_die_one_by_one_and_no_worker_does(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await prepare(base)
    good = generate(LogPlan(seed=SEED, start_ns=start_before_now(8), minutes=8, tick_s=30.0))
    settings = judging_as(base, "flooded")
    async with running(settings) as workers:
        sending = send_hostile(base, hostile_records(SEED, scale.hostile_real))
        _, hostile = await asyncio.gather(publish(base, good[: len(good) // 2], history_of(base)), sending)
        await publish(base, good[len(good) // 2 :], history_of(base))
        async with producer(base) as sender:  # some mutated feedback says a later time: it waits until that is past
            await write_ticks(base, sender, time.time_ns())
        assert await wait_until_settled(settings, SETTLE_SECONDS) is None, workers["dispatch"].log_tail()
        found = await balance(settings, 60)
    assert found.closed, found.problems
    pids = {name: worker.pids for name, worker in workers.items()}
    assert all(len(of_worker) == 1 for of_worker in pids.values()), pids
    assert {worker.exit_code for worker in workers.values()} <= {0, -signal.SIGTERM}

    log = [one for one in await read_log(base) if (one.topic, one.partition, one.offset) not in hostile]
    expected = expect(log, registry(), load_catalogue(Path(settings.catalogue)), settings)
    outcome = await outcome_of(settings)
    letters = {place[:3]: reason for place, reason in outcome.dead.items()}
    spared = Counter(kind for place, kind in hostile.items() if place not in letters)
    reasons = Counter(reason for place, reason in letters.items() if place in hostile)
    figures(hostile=len(hostile), restarts=0, dead=len(letters), reasons=dict(reasons.most_common()))
    assert not spared, f"not refused: {spared}"
    assert not differing(expected, outcome)
    assert {place for place in outcome.dead if place[:3] not in hostile} == set(expected.dead)


def differing(expected: Expected, outcome: Expected) -> list[str]:
    """Return what of the good traffic came out otherwise than it should."""
    found = differences("points", expected.points, outcome.points)
    found += differences("late", expected.late, outcome.late)
    found += differences("indicators", expected.indicators, outcome.indicators)
    for table, wanted, got in (("alerts", expected.alerts, outcome.alerts), ("cases", expected.cases, outcome.cases)):
        found += differences(table, dict.fromkeys(wanted), dict.fromkeys(got))
    return found


@pytest.mark.full
async def test_good_traffic_beside_hostile_is_not_slower(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    minutes = PACK_MINUTES
    plan = LogPlan(seed=SEED, start_ns=start_before_now(minutes), minutes=minutes, tick_s=1_200.0, shares={})
    good = generate(plan)
    rates: dict[str, list[float]] = {"alone": [], "beside": []}
    bases = {name: base_settings(kafka, f"{namespace}-{name}", tmp_path) for name in rates}
    for name, base in bases.items():
        await prepare(base)
        hostile = hostile_records(SEED, len(good) // SHARE, (channels.READINGS,)) if name == "beside" else iter(())
        for chunk in (good[at : at + SHARE * 100] for at in range(0, len(good), SHARE * 100)):
            await send_hostile(base, islice(hostile, 100))
            await publish(base, chunk, history_of(base))
    for number in range(TRIES):
        for name, base in bases.items():
            settings = judging_as(base, str(number))
            async with running(settings, ("sense",)) as workers:
                began = await cpu_when_it_begins(workers["sense"])
                sources = {"sense": STAGE_SOURCES["sense"]}
                assert await wait_until_read(settings, sources, SETTLE_SECONDS) is None
                rates[name].append(rows_of(good) / (cpu_seconds(workers["sense"]) - began))
    ratio = max(rates["beside"]) / max(rates["alone"])
    figures(
        hostile_share=f"1 to {SHARE} good records", readings=rows_of(good), ratio=round(ratio, 3),
        readings_per_cpu_s={name: round(max(found)) for name, found in rates.items()},
    )  # fmt: skip
    assert ratio >= NOT_SLOWER_THAN, rates


async def cpu_when_it_begins(sense: Worker) -> float:
    """Return the CPU time that a worker has taken before it judges its first record."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while "holds partitions" not in sense.log_tail():  # noqa: ASYNC110 - another process tells by its log
            await asyncio.sleep(0.02)
    return cpu_seconds(sense)


def cpu_seconds(worker: Worker) -> float:
    """Return the CPU time of a worker so far: what others do on this machine does not count in it."""
    times = psutil.Process(worker.pids[-1]).cpu_times()
    return float(times.user + times.system)
