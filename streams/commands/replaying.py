"""A replay: recorded data through the whole loop, under a namespace of its own, with ticks that follow the data."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from aiokafka import AIOKafkaProducer

from schemas.files import Quantiles, RunReport
from schemas.registry import RegistryFile
from schemas.times import SECOND_NS, format_time
from streams.catalogue.files import load_catalogue
from streams.kafka import producer
from streams.local.ports import free_port_from
from streams.local.report import make_report
from streams.newest import newest_alerts, newest_cases, worst_colours
from streams.pace import Pace
from streams.provision import create_topics
from streams.registry.apply import apply_registry, wait_until_read
from streams.settings import Settings, SettingsError
from streams.settled import wait_until_settled
from streams.store.address import read_address
from streams.store.balance import Balance, balance
from streams.supervisor import Child, Supervisor
from streams.ticker import last_tick, write_ticks
from streams.work import environment_of

READ_SECONDS = 120.0
STORE_SECONDS = 1_800.0
CHECKPOINT_SECONDS = 2.0  # the end is waited for
AFTER_NS = 3_600 * SECOND_NS  # how far the last tick lies beyond the data: every window closes, every clock runs out

Publish = Callable[[AIOKafkaProducer, Callable[[int], Awaitable[None]], asyncio.Event], Awaitable[int]]
T = TypeVar("T")


class StoppedError(Exception):
    """The replay was stopped before its end."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How a replay ended; ``left`` says what did not come to its end in time."""

    balance: Balance
    report: RunReport
    left: str | None
    store: str

    def exit_code(self) -> int:
        """Return 0 only if all came to its end, and the balance closed."""
        return 3 if self.left is not None else self.balance.exit_code()


async def run_replay(
    settings: Settings, registry: RegistryFile, first_ns: int, publish: Publish, stop: asyncio.Event
) -> Replayed:
    """Register, run stages and store, publish with ticks of the data's time, and wait until all is stored.

    Parameters
    ----------
    first_ns
        The time of the first row.
    publish
        Publishes with a started producer; calls back with the time (ns) that the data has reached; returns its last.

    Raises
    ------
    SettingsError
        The namespace's time is past ``first_ns`` already.
    StoppedError
        ``stop`` was set.
    """
    settings = _own_settings(settings)
    await create_topics(settings)
    await _check_time(settings, first_ns)
    supervisor = Supervisor()
    for name in ("worker", "store"):
        command = [sys.executable, "-m", "streams.cli", name]
        log_file = Path(settings.data) / "log" / f"{name}.log"
        supervisor.add(Child(name, command, log_file, environment_of(settings)))
    watcher = asyncio.create_task(supervisor.watch())
    try:
        return await _unless(stop, _replay(settings, registry, publish, stop))
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        await supervisor.stop()


async def _replay(settings: Settings, registry: RegistryFile, publish: Publish, stop: asyncio.Event) -> Replayed:
    began = time.monotonic()
    sender = producer(settings)
    await sender.start()
    try:
        applied = await apply_registry(settings, registry)
        await write_ticks(settings, sender, 0)  # moves no time, but each partition has judged something
        if not await wait_until_read(settings, applied, READ_SECONDS):
            raise SettingsError(f"sense has not read the registry after {READ_SECONDS:.0f} s; see {settings.data}/log")
        last_ns = await publish(sender, lambda time_ns: write_ticks(settings, sender, time_ns), stop)
        await _let_windows_end(settings, last_ns)
        await write_ticks(settings, sender, last_ns + AFTER_NS)
    finally:
        await sender.stop()
    left = await wait_until_settled(settings, STORE_SECONDS)
    found = await balance(settings, STORE_SECONDS)
    report = make_report(
        rows=sum(line.judged for line in found.by_partition),
        seconds=time.monotonic() - began,
        alerts=await newest_alerts(settings),
        worst=await worst_colours(settings),
        cases=await newest_cases(settings),
        balance=found,
        truths=[],
        alert_latency_s=[],  # of old data there is none
        stored=Quantiles(),
    )
    return Replayed(balance=found, report=report, left=left, store=settings.store)


async def _let_windows_end(settings: Settings, last_ns: int) -> None:
    """Wait, where the data comes up to now, until its last window is over: no tick moves time beyond the clock."""
    catalogue = load_catalogue(Path(settings.catalogue))
    longest_ns = max(Pace(settings.clock_scale).window_ns(one.window_s) for one in catalogue.indicators.values())
    over_ns = last_ns + longest_ns + round((settings.disorder_s + 1) * SECOND_NS)
    await asyncio.sleep(max(0.0, (over_ns - time.time_ns()) / SECOND_NS))


async def _check_time(settings: Settings, first_ns: int) -> None:
    reached_ns = await last_tick(settings)
    if first_ns < reached_ns:
        raise SettingsError(
            f"namespace {settings.namespace} has come to {format_time(reached_ns)}, and the data begins at "
            f"{format_time(first_ns)}: all of it would be late; take another --namespace"
        )


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T:
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise StoppedError("stopped before the end")
    return working.result()


def _own_settings(settings: Settings) -> Settings:
    """Return settings with a folder, ports and a DuckDB file of the replay's own, beside a running system."""
    data = Path(settings.data) / settings.namespace
    data.mkdir(parents=True, exist_ok=True)
    store = settings.store
    path = read_address(store).path
    if path is not None:
        own = path.with_name(f"{path.stem}-{settings.namespace}{path.suffix}").absolute()
        store = f"duckdb:///{str(own).lstrip('/')}"
    return msgspec.structs.replace(
        settings,
        data=str(data),
        store=store,
        sources_from=None,
        clock_scale=1.0,  # old data has its own time; a trial that runs beside must not lend it its clocks
        clock_behind_s=0.0,
        checkpoint_s=min(settings.checkpoint_s, CHECKPOINT_SECONDS),
        metrics_port=free_port_from(settings.metrics_port),
        store_port=free_port_from(settings.store_port),
    )


def need_namespace(settings: Settings) -> None:
    """Raise ``SettingsError`` where the replay would mix with what is live."""
    if not settings.namespace:
        raise SettingsError("a replay needs --namespace NAME, so that old data does not mix with what is live")


def say_end(found: Replayed) -> None:
    """Print how the replay ended, and where its data is."""
    lines = found.balance.by_partition
    judged, stored, expired, dead = (
        sum(getattr(line, name) for line in lines) for name in ("judged", "stored", "expired", "dead")
    )
    click.echo(
        f"balance {found.balance.status}: {judged} rows judged, {dead} dead; {stored} stored, "
        f"{expired} older than the bucket keeps; indicators are in {found.store}"
    )
    for problem in (*found.balance.problems, *([found.left] if found.left else [])):
        click.echo(problem)
