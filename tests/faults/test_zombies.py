"""T5: a worker is stopped for longer than its session, another takes over; then it goes on, and must damage nothing."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest
from aiokafka import TopicPartition

from streams.kafka import consumer, topic_name
from streams.local.kafka import LocalKafka
from streams.provision import create_topics
from streams.settings import Settings
from streams.settled import wait_until_read, wait_until_settled
from streams.state.manifest import Manifest, read_to_end
from streams.topics import STAGE_SOURCES, manifest_topic, partitions_of
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.invariants import judged_records, replays
from tests.faults.judge import Verdict, judge
from tests.faults.planted_zombie import STOP_AT
from tests.faults.publishing import publish
from tests.faults.trial import STAGES, base_settings, history_of, judging_as, prepare
from tests.faults.watching import watched
from tests.faults.workers import STORE, Worker

SEED = 5
MINUTES = 14
RECORDS_PER_S = 100.0  # slow enough that events flow as long as the tests need
WAIT_SECONDS = 90.0
LAG_SECONDS = 180.0
NEVER = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Written:
    """A manifest as it lies in its topic."""

    partition: int
    manifest: Manifest

    @property
    def reach(self) -> int:
        return sum(self.manifest.next.values())


async def manifests(settings: Settings, stage: str) -> list[Written]:
    """Return every manifest of a stage, in the order of the log of each partition."""
    topic = manifest_topic(stage)
    places = [TopicPartition(topic_name(settings, topic), n) for n in range(partitions_of(topic))]
    reader = consumer(settings)
    await reader.start()
    try:
        return [
            Written(partition=record.partition, manifest=msgspec.json.decode(record.value or b"", type=Manifest))
            async for record in read_to_end(reader, places)
        ]
    finally:
        await reader.stop()


def stale(written: Iterable[Written]) -> list[Written]:
    """Return the manifests that lie behind one that is further: a zombie's."""
    furthest: dict[int, int] = {}
    found = []
    for one in written:
        if one.reach < furthest.get(one.partition, 0):
            found.append(one)
        furthest[one.partition] = max(one.reach, furthest.get(one.partition, 0))
    return found


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not await condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.2)


async def until_it_holds_all(worker: Worker) -> None:
    """Wait until a worker has taken over every partition."""
    everything = str(list(range(partitions_of(STAGE_SOURCES[worker.stage][0]))))

    async def holds() -> bool:
        return f"holds partitions {everything}" in worker.log_file.read_text(encoding="utf-8")

    await until(holds, f"{worker.name} holds {everything}")


async def until_it_wrote(settings: Settings, stage: str, more: int) -> None:
    """Wait for manifests of each partition, ``more`` than there are."""
    before = await manifests(settings, stage)

    async def has_written() -> bool:
        found = await manifests(settings, stage)
        numbers = {one.partition for one in found}
        return all(
            sum(w.partition == n for w in found) >= more + sum(w.partition == n for w in before) for n in numbers
        )

    await until(has_written, f"{more} manifests more of {stage}")


def is_stopped(worker: Worker) -> bool:
    """Whether a signal has stopped the process."""
    return psutil.Process(worker.pids[-1]).status() == psutil.STATUS_STOPPED


def names_of(settings: Settings, stage: str, count: int, fault: str | None = None) -> list[Worker]:
    folder = Path(settings.data)
    return [Worker(settings, stage, folder, name=f"{stage}-{n}", fault=fault if n == 0 else None) for n in range(count)]


async def all_stages_stopped(base: Settings, monkeypatch: pytest.MonkeyPatch) -> tuple[Verdict, list[str], int]:
    """Stop one worker of each stage in the middle of a batch; go on when its successor has written."""
    settings = judging_as(base, "stages")
    await create_topics(settings)
    first, second = zip(*(names_of(settings, stage, 2, "stops-itself") for stage in STAGES), strict=True)
    store = Worker(settings, STORE, Path(settings.data))
    try:
        async with watched(settings) as violations:
            store.start()
            await asyncio.gather(*(stop_at(zombie, "after-effects:60", monkeypatch) for zombie in first))
            for worker in second:
                worker.start()
            await asyncio.gather(*map(until_it_holds_all, second))
            await asyncio.gather(*(until_it_wrote(settings, stage, 2) for stage in STAGES))
            for worker in first:
                worker.signal(signal.SIGCONT)
            problem = await wait_until_settled(settings, LAG_SECONDS)
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in (*first, *second, store)))
    assert problem is None
    late = sum([len(stale(await manifests(settings, stage))) for stage in STAGES])
    return await judge(base, settings), violations, late


async def stopped_between_blocks_and_manifest(
    base: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[Verdict, list[str], int]:
    """Let the zombie write its manifest behind several of its successor's, and a third load what then lies there."""
    settings = judging_as(base, "behind")
    await create_topics(settings)
    zombie, successor, third = names_of(settings, "sense", 3, "stops-itself")
    try:
        async with watched(settings) as violations:
            await stop_at(zombie, "after-blocks:4", monkeypatch)
            successor.start()
            await until_it_holds_all(successor)
            await until_it_wrote(settings, "sense", 3)
            zombie.signal(signal.SIGCONT)

            async def has_come() -> bool:
                return bool(stale(await manifests(settings, "sense")))

            await until(has_come, "the zombie's manifest")
            successor.kill()
            zombie.kill()
            late = len(stale(await manifests(settings, "sense")))
            problem = await until_judged(settings, third)
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in (zombie, successor, third)))
    assert problem is None
    return await judge(base, settings, is_sense_alone=True), violations, late


async def stopped_ahead_of_its_successor(
    base: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[Verdict, list[str], int]:
    """Let the zombie's manifest be the furthest: its successor has judged again, and written none yet."""
    settings = judging_as(base, "ahead")
    await create_topics(settings)
    zombie, _, third = names_of(settings, "sense", 3, "stops-itself")
    seldom = msgspec.structs.replace(settings, checkpoint_s=NEVER)
    successor = Worker(seldom, "sense", Path(settings.data), name="sense-seldom")
    try:
        async with watched(settings) as violations:
            await stop_at(zombie, "after-blocks:4", monkeypatch)
            known = len(await manifests(settings, "sense"))
            successor.start()

            async def has_judged_again() -> bool:
                return replays(await judged_records(settings)) > 0

            await until(has_judged_again, "the successor's replays")
            successor.kill()
            zombie.signal(signal.SIGCONT)

            async def has_come() -> bool:
                return len(await manifests(settings, "sense")) > known

            await until(has_come, "the zombie's manifest")
            zombie.kill()
            ahead = len(await manifests(settings, "sense")) - known
            problem = await until_judged(settings, third)
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in (zombie, successor, third)))
    assert problem is None
    return await judge(base, settings, is_sense_alone=True), violations, ahead


async def stop_at(zombie: Worker, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a worker that stops itself at a fail point, and wait until it has."""
    with monkeypatch.context() as patched:
        patched.setenv(STOP_AT, point)
        zombie.start()

    async def stopped() -> bool:
        return is_stopped(zombie)

    await until(stopped, f"{zombie.name} at {point}")


async def until_judged(settings: Settings, worker: Worker) -> str | None:
    """Let a new worker judge to the end of the log."""
    worker.start()
    return await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, LAG_SECONDS)


@pytest.mark.full
async def test_a_worker_that_was_stopped_damages_nothing_when_it_goes_on(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    plan = LogPlan(seed=SEED, start_ns=start_before_now(MINUTES), minutes=MINUTES)
    await prepare(base, plan.units)
    feed = asyncio.create_task(publish(base, generate(plan), history_of(base), records_per_s=RECORDS_PER_S))
    try:
        seen = await asyncio.gather(
            all_stages_stopped(base, monkeypatch),
            stopped_between_blocks_and_manifest(base, monkeypatch),
            stopped_ahead_of_its_successor(base, monkeypatch),
        )
    finally:
        await feed
    found = []
    for case, (verdict, violations, late) in zip(("stages", "behind", "ahead"), seen, strict=True):
        figures(
            case=case, events=verdict.rows, zombie_manifests=late, replays_seen=verdict.replays, lost=verdict.lost,
            doubled=verdict.doubled,
        )  # fmt: skip
        found += [f"{case}: {violation}" for violation in (*violations, *verdict.violations)]
        assert late > 0, f"{case}: the zombie wrote no manifest: the test shows nothing"
    assert not found, "\n".join(found[:20])
