"""One log of all 26 scenarios, judged by one worker a stage and by three that die on the way: all ends alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from simulators.scenarios import SCENARIOS
from streams.local.kafka import LocalKafka
from streams.provision import create_topics
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.settled import wait_until_judged
from tests.faults import invariants
from tests.faults.city import CLOCKS, City, play_city
from tests.faults.judge import unlike
from tests.faults.outcome import outcome_of
from tests.faults.ownership import unevenly_held, wait_for_members
from tests.faults.planted_zombie import FED
from tests.faults.publishing import publish
from tests.faults.trial import STAGES, base_settings, history_of, judging_as, running
from tests.faults.workers import Worker

SEED = 26
WORKERS = 3  # of each stage
FEED_SECONDS = 12.0  # in which the log comes in while three judge it
KILLED_AFTER = 0.4  # of that
AWAY_SECONDS = 2.0
JUDGED_SECONDS = 180.0


@pytest.fixture(scope="module")
def city() -> City:
    return play_city(SEED)


@pytest.fixture
def fed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder in which each process tells what it was fed."""
    folder = tmp_path / "fed"
    folder.mkdir()
    monkeypatch.setenv(FED, str(folder))
    return folder


@asynccontextmanager
async def three_of_each(settings: Settings, fault: str) -> AsyncIterator[dict[str, list[Worker]]]:
    """Run three workers of each stage until the block ends; when it begins, each of them holds its share."""
    await create_topics(settings)
    folder = Path(settings.data)
    workers = {
        stage: [Worker(settings, stage, folder, name=f"{stage}-{n}", fault=fault) for n in range(WORKERS)]
        for stage in STAGES
    }
    everyone = [worker for of_stage in workers.values() for worker in of_stage]
    try:
        for worker in everyone:
            worker.start()
        held = {stage: await wait_for_members(settings, stage, WORKERS) for stage in STAGES}
        assert not [wrong for stage, of in held.items() for wrong in unevenly_held(stage, of)]
        yield workers
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in everyone))


def busiest(workers: Iterable[Worker], fed: Path) -> Worker:
    """Return who was fed most: of districts, the one that holds the district where all is played."""
    return max(workers, key=lambda worker: (fed / f"{worker.pids[-1]}.jsonl").stat().st_size)


async def judge_with_three(
    base: Settings, settings: Settings, city: City, fed: Path, fault: str, is_there: asyncio.Event
) -> None:
    """Let three workers of each stage judge the log as it comes in; one of each dies on the way, and comes back."""
    async with three_of_each(settings, fault) as workers:
        rate = len(city.log) / FEED_SECONDS
        feed = asyncio.create_task(publish(base, city.log, history_of(base), records_per_s=rate))
        await asyncio.sleep(KILLED_AFTER * FEED_SECONDS)
        victims = [busiest(of_stage, fed) for of_stage in workers.values()]
        for worker in victims:
            worker.kill()
        await asyncio.sleep(AWAY_SECONDS)
        for worker in victims:
            worker.start()
        await feed
        is_there.set()
        assert await wait_until_judged(settings, JUDGED_SECONDS) is None


async def judge_with_one(settings: Settings, fault: str, is_there: asyncio.Event) -> None:
    """Let one worker of each stage judge the log once it is all there."""
    await is_there.wait()
    async with running(settings, STAGES, fault=fault, faulty=STAGES):
        assert await wait_until_judged(settings, JUDGED_SECONDS) is None


async def judge_twice(base: Settings, city: City, fed: Path, fault: str = "told") -> tuple[Settings, Settings]:
    """Return the settings under which one worker a stage and three have judged the same log."""
    await create_topics(base)
    await apply_registry(base, city.registry)
    one, three = judging_as(base, "one"), judging_as(base, "three")
    is_there = asyncio.Event()
    async with asyncio.TaskGroup() as both:
        both.create_task(judge_with_three(base, three, city, fed, fault, is_there))
        both.create_task(judge_with_one(one, fault, is_there))
    return one, three


async def test_one_worker_and_three_come_to_the_same_alerts_and_cases(
    kafka: LocalKafka, namespace: str, tmp_path: Path, city: City, fed: Path, figures: Callable[..., None]
) -> None:
    base = msgspec.structs.replace(base_settings(kafka, namespace, tmp_path), **CLOCKS)
    one, three = await judge_twice(base, city, fed)
    wanted, found = await outcome_of(one), await outcome_of(three)
    judged = await invariants.judged_records(three)
    figures(
        events=len(city.log), indicators=len(wanted.indicators), alerts=len(wanted.alerts), cases=len(wanted.cases),
        kills=len(STAGES), replays_seen=invariants.replays(judged),
    )  # fmt: skip
    played = {(truth.scenario, truth.unit_id) for truth in city.seen.truths if not truth.must_stay_silent}
    assert len(played) == len(SCENARIOS)
    assert played <= {(case["scenario"], case["unit_id"]) for case in wanted.cases.values()}
    violations = unlike(wanted, found)
    assert not violations, "\n".join(violations)
    assert all(sum(counts.values()) == 2 * counts["in"] for counts in wanted.counters.values()), wanted.counters
    assert invariants.replays(judged) > 0, "no kill struck while sense was at work: the test shows nothing"


@pytest.mark.full
async def test_workers_that_wait_for_no_other_topic_do_not_end_alike(
    kafka: LocalKafka, namespace: str, tmp_path: Path, city: City, fed: Path, figures: Callable[..., None]
) -> None:
    """The test above can see: what is decided before its time depends on who fetched what first."""
    base = msgspec.structs.replace(base_settings(kafka, namespace, tmp_path), **CLOCKS)
    one, three = await judge_twice(base, city, fed, "early")
    violations = unlike(await outcome_of(one), await outcome_of(three))
    figures(fault="early", violations=len(violations), such_as=violations[0][:160] if violations else "none")
    assert any(violation.startswith("alerts") for violation in violations), violations
