"""Play the whole district: register it, then devices and field teams together until stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.registry import RegistryFile
from schemas.times import SECOND_NS, format_time
from simulators.district import UNITS, registry
from simulators.network import NetworkFaults
from simulators.scenarios import Fault, faults_of, onset_of, units_of
from simulators.sending import Sender
from simulators.simulate import BehindClock, SimulationReport, repairer, simulate
from simulators.teams import Crews, TeamHabits, run_teams
from simulators.world import World

log = logging.getLogger(__name__)
FIRST_FAULT_S = 5.0  # after the start, so that there is something to compare with
NEXT_FAULT_S = 12.0  # between two of several, so that teams are not all called at once
REPORT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Staging:
    """Which scenarios are played, and from when on (seconds since 1970); many of them begin one after another."""

    scenarios: tuple[str, ...]
    start_s: float
    clock_scale: float = 1.0

    def injected(self) -> list[str]:
        """Return the units whose devices report often, because something is played there."""
        return [unit for scenario in self.scenarios for unit in units_of(scenario)]


def stage_faults(staging: Staging, district: RegistryFile) -> list[Fault]:
    """Return the faults and near misses of all scenarios, each from its own onset on."""
    found: list[Fault] = []
    for number, scenario in enumerate(staging.scenarios):
        onset_s = onset_of(scenario, staging.start_s + FIRST_FAULT_S + number * NEXT_FAULT_S)
        found += faults_of(scenario, district, onset_s=onset_s, scale=staging.clock_scale)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """What is played; ``clock_scale`` divides how long faults, near misses and the teams' work last."""

    known: RegistryFile  # the catalogue's units and teams
    devices: int = 2_000
    seed: int = 1
    scenarios: tuple[str, ...] = ()
    is_recovering: bool = True
    clock_scale: float = 1.0
    behind_s: float = 0.0  # how far event time lies behind the machine's
    truth: Path | None = None  # where the ground truth goes
    out: Path | None = None  # where it is written what was published


async def play(
    what: Play,
    producer: AIOKafkaProducer,
    consumer: AIOKafkaConsumer,
    topic_name: Callable[[str], str],
    register: Callable[[RegistryFile], Awaitable[None]],
    stop: asyncio.Event,
) -> SimulationReport:
    """Register the district with ``register``, then play it until ``stop``; producer and consumer are started."""
    clock = BehindClock(what.behind_s)
    injected = Staging(scenarios=what.scenarios, start_s=0.0).injected()
    units = max(UNITS, len(what.known.units))
    district = registry(what.known, seed=what.seed, devices=what.devices, units=units, injected=injected)
    await register(district)
    start_s = clock.now_ns() / SECOND_NS
    staging = Staging(scenarios=what.scenarios, start_s=start_s, clock_scale=what.clock_scale)
    faults = stage_faults(staging, district)
    # What is injected is measured: no device falls silent for an hour of its own beside it.
    network = NetworkFaults(outage=0.0) if what.scenarios else NetworkFaults()
    world = World(district, seed=what.seed, network=network, injected=injected, faults=faults)
    habits = TeamHabits(
        clock_scale=what.clock_scale,
        is_accepting=what.is_recovering,
        refuse_share=0.0 if what.scenarios else TeamHabits().refuse_share,
    )
    repair = repairer(world, clock.now_ns) if what.is_recovering else _leave
    report = SimulationReport()
    ready = asyncio.Event()
    teams = asyncio.create_task(
        run_teams(
            Crews(district, habits, seed=what.seed),
            consumer,
            Sender(producer, topic_name),
            topic_name,
            repair,
            stop=stop,
            ready=ready,
            clock=clock,
        )
    )
    await ready.wait()
    sender = Sender(producer, topic_name)
    for record in world.history(round(start_s)):
        await sender.send(record)
    writer = asyncio.create_task(_keep_report(what.out, report))
    try:
        await simulate(world, sender, stop=stop, report=report, truth_path=what.truth, clock=clock)
        await teams
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        _write(what.out, report)
    return report


def _leave(_unit_id: str, _scenario: str) -> None:
    """Put nothing right."""


async def _keep_report(path: Path | None, report: SimulationReport) -> None:
    while True:
        _write(path, report)
        await asyncio.sleep(REPORT_SECONDS)


def _write(path: Path | None, report: SimulationReport) -> None:
    if path is None:
        return
    found: dict[str, Any] = {
        "rows": dict(report.sent.rows),
        "records": dict(report.sent.records),
        "most_behind_s": report.most_behind_s,
        "first": None if report.first_second is None else format_time(report.first_second * SECOND_NS),
    }
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(msgspec.json.encode(found))
    temporary.replace(path)
