"""Play the district in real time: each second's records are published as that second comes.

Writes  vitals.readings, vitals.crowd, vitals.video      (key: unit_id)
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from schemas.files import GroundTruth, write_ground_truth
from schemas.times import SECOND_NS
from simulators.outgoing import Outgoing
from simulators.sending import Sender, Sent
from simulators.world import World

log = logging.getLogger(__name__)

BEHIND_WARNING_S = 5


class Clock(Protocol):
    """Time, so that tests have their own."""

    def now_ns(self) -> int:
        """Return the nanoseconds since 1970."""

    async def wait(self, seconds: float, stop: asyncio.Event) -> None:
        """Return after ``seconds``, or sooner when ``stop`` is set."""


class WallClock:
    """The machine's time."""

    def now_ns(self) -> int:
        return time.time_ns()

    async def wait(self, seconds: float, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, seconds))


@dataclass(frozen=True, slots=True)
class BehindClock(WallClock):
    """The machine's time less some seconds: a district that is played as if it were earlier."""

    behind_s: float = 0.0

    def now_ns(self) -> int:
        return time.time_ns() - round(self.behind_s * SECOND_NS)


@dataclass(kw_only=True)
class SimulationReport:
    """What was published, and what is true; filled while the simulation runs."""

    sent: Sent = field(default_factory=Sent)
    lost_rows: dict[str, int] = field(default_factory=dict)  # swallowed by the simulated network, never sent
    truths: list[GroundTruth] = field(default_factory=list)
    first_second: int | None = None
    last_second: int | None = None
    most_behind_s: float = 0.0

    @property
    def rows(self) -> int:
        """Return all rows that the broker confirmed, copies not counted."""
        return self.sent.rows.total()


async def simulate(
    world: World,
    sender: Sender,
    *,
    stop: asyncio.Event,
    report: SimulationReport | None = None,
    truth_path: Path | None = None,
    clock: Clock | None = None,
) -> SimulationReport:
    """Publish the world, second by second, until ``stop`` is set; then wait until all is confirmed.

    No second is left out: a simulation that falls behind (a slow broker, too many devices) catches up later, with the
    event times that its rows would have had.

    Parameters
    ----------
    report
        Filled as it goes; a new one if not given.
    truth_path
        Where the ground truth goes, written anew at each change.
    """
    clock = clock or WallClock()
    report = report or SimulationReport()
    report.sent = sender.sent
    held: list[tuple[float, int, Outgoing]] = []  # by when the network lets them go
    second = clock.now_ns() // SECOND_NS + 1
    report.first_second = second
    while not stop.is_set():
        await _pass_until(second, held, sender, clock, stop)
        if stop.is_set():
            break
        await _publish(world.second(second), second, held, sender)
        _note(report, world, second, clock, truth_path)
        second += 1
    for _, _, record in sorted(held, key=lambda entry: entry[:2]):
        await sender.send(record)
    await sender.drain()
    _keep_truths(report, world, truth_path)
    return report


async def _publish(
    records: Sequence[Outgoing], second: int, held: list[tuple[float, int, Outgoing]], sender: Sender
) -> None:
    for number, record in enumerate(records):
        if record.delay_s:
            heapq.heappush(held, (second + record.delay_s, second * 1_000_000 + number, record))
        else:
            await sender.send(record)


async def _pass_until(
    second: int, held: list[tuple[float, int, Outgoing]], sender: Sender, clock: Clock, stop: asyncio.Event
) -> None:
    """Wait until ``second`` comes, letting go what is held back on the way."""
    while not stop.is_set():
        now_s = clock.now_ns() / SECOND_NS
        while held and held[0][0] <= now_s:
            await sender.send(heapq.heappop(held)[2])
        if now_s >= second:
            return
        until = min(float(second), held[0][0]) if held else float(second)
        await clock.wait(until - now_s, stop)


def _note(report: SimulationReport, world: World, second: int, clock: Clock, truth_path: Path | None) -> None:
    behind_s = clock.now_ns() / SECOND_NS - second
    if behind_s > BEHIND_WARNING_S and behind_s > report.most_behind_s + 1:
        log.warning("the simulation is %.0f s behind: the broker or this machine cannot take so many devices", behind_s)
    report.most_behind_s = max(report.most_behind_s, behind_s)
    report.last_second = second
    report.lost_rows = dict(world.lost_rows)
    _keep_truths(report, world, truth_path)


def _keep_truths(report: SimulationReport, world: World, truth_path: Path | None) -> None:
    truths = world.truths()
    if truths != report.truths and truth_path is not None:
        write_ground_truth(truth_path, truths)
    report.truths = truths


def repairer(world: World, now_ns: Callable[[], int] = time.time_ns) -> Callable[[str, str], None]:
    """Return what a team calls when it is done: the fault of that unit and scenario ends some seconds later."""

    def repair(unit_id: str, scenario: str) -> None:
        if world.repair(unit_id, scenario, now_ns() / SECOND_NS):
            log.info("%s in %s is put right", scenario, unit_id)

    return repair
