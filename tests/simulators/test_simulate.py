import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from schemas.files import read_ground_truth
from schemas.registry import RegistryFile
from simulators.network import PERFECT, NetworkFaults
from simulators.scenarios import faults_of
from simulators.sending import Sender
from simulators.simulate import SimulationReport, repairer, simulate
from simulators.world import World

NOON = 1_767_240_000


async def play(world: World, broker: Any, clock: Any, seconds: int, **options: Any) -> SimulationReport:
    clock.until_s = NOON + seconds
    return await simulate(world, Sender(broker, str), stop=asyncio.Event(), clock=clock, **options)


async def test_every_second_is_published_once_and_confirmed(district: RegistryFile, broker: Any, clock: Any) -> None:
    report = await play(World(district, network=PERFECT), broker, clock, 30)
    world = World(district, network=PERFECT)
    expected = [record for second in range(NOON + 1, NOON + 30) for record in world.second(second)]
    assert [value for _, _, value, _ in broker.records] == [record.value for record in expected]
    assert report.rows == sum(record.rows for record in expected)
    assert (report.first_second, report.last_second) == (NOON + 1, NOON + 29)


async def test_what_the_network_holds_back_comes_later_but_comes(
    district: RegistryFile, broker: Any, clock: Any
) -> None:
    network = NetworkFaults(lost=0, delayed=0.5, max_delay_s=3.0, doubled=0, skipped=0, outage=0)
    report = await play(World(district, network=network), broker, clock, 20)
    times = [headers["ce_time"] for _, _, _, headers in broker.records]
    assert times != sorted(times)
    world = World(district, network=PERFECT)
    expected = sum(record.rows for second in range(NOON + 1, NOON + 20) for record in world.second(second))
    assert report.rows == expected


async def test_copies_have_the_same_id_and_count_apart(district: RegistryFile, broker: Any, clock: Any) -> None:
    network = NetworkFaults(lost=0, delayed=0, doubled=0.3)
    report = await play(World(district, network=network), broker, clock, 10)
    copies = Counter((headers["ce_source"], headers["ce_id"]) for _, _, _, headers in broker.records)
    assert max(copies.values()) == 2
    assert report.sent.copied_rows.total() > 0
    assert report.sent.records.total() == len(broker.records)


async def test_the_ground_truth_is_on_disk_with_the_end_that_a_repair_brought(
    district: RegistryFile, broker: Any, clock: Any, tmp_path: Path
) -> None:
    world = World(district, faults=faults_of("lift-fault", district, onset_s=NOON + 2, scale=60))
    repair = repairer(world, lambda: (NOON + 10) * 1_000_000_000)
    repair("hp.nanjing-east.g03.nanjing-building", "lift-fault")
    path = tmp_path / "truth.jsonl"
    report = await play(world, broker, clock, 15, truth_path=path)
    assert read_ground_truth(path) == report.truths
    assert next(truth.end for truth in report.truths) == "2026-01-01T04:00:12Z"


async def test_a_simulation_that_falls_behind_leaves_no_second_out(
    district: RegistryFile, broker: Any, clock: Any
) -> None:
    stop = asyncio.Event()
    world = World(district, network=PERFECT)
    task = asyncio.create_task(simulate(world, Sender(broker, str), stop=stop, clock=clock))
    await asyncio.sleep(0)
    clock.now_s += 40
    clock.until_s = NOON + 50
    report = await task
    assert report.last_second is not None
    assert report.last_second >= NOON + 49
    assert report.most_behind_s > 30
    seconds = {record.time_ns for s in range(NOON + 1, report.last_second + 1) for record in world.second(s)}
    assert len({headers["ce_time"] for _, _, _, headers in broker.records}) == len(seconds)
