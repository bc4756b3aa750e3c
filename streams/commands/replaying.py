"""A replay: recorded data through the whole loop, under a namespace of its own, with ticks that follow the data."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import click
import msgspec
from aiokafka import AIOKafkaProducer

from schemas.registry import RegistryFile
from schemas.times import SECOND_NS
from streams.kafka import producer
from streams.local.ports import free_port_from
from streams.provision import create_topics
from streams.registry.apply import apply_registry, wait_until_read
from streams.settings import Settings, SettingsError
from streams.store.address import read_address
from streams.store.balance import Balance, balance
from streams.supervisor import Child, Supervisor
from streams.ticker import write_ticks
from streams.work import environment_of

READ_SECONDS = 120.0
STORE_SECONDS = 1_800.0
AFTER_NS = 3_600 * SECOND_NS  # how far the last tick lies beyond the data: every window closes, every clock runs out

Publish = Callable[[AIOKafkaProducer, Callable[[int], Awaitable[None]], asyncio.Event], Awaitable[int]]


async def run_replay(settings: Settings, registry: RegistryFile, publish: Publish, stop: asyncio.Event) -> Balance:
    """Register, run stages and store, publish with ticks of the data's time, and wait until all is stored.

    Parameters
    ----------
    publish
        Publishes with a started producer; calls back with the time (ns) that the data has reached; returns its last.
    """
    settings = _own_settings(settings)
    await create_topics(settings)
    supervisor = Supervisor()
    for name in ("worker", "store"):
        command = [sys.executable, "-m", "streams.cli", name]
        log_file = Path(settings.data) / "log" / f"{name}.log"
        supervisor.add(Child(name, command, log_file, environment_of(settings)))
    watcher = asyncio.create_task(supervisor.watch())
    sender = producer(settings)
    await sender.start()
    try:
        applied = await apply_registry(settings, registry)
        ticks = asyncio.create_task(_wake(settings, sender))  # a first tick, so that a checkpoint tells of the registry
        if not await wait_until_read(settings, applied, READ_SECONDS):
            raise SettingsError(f"sense has not read the registry after {READ_SECONDS:.0f} s; see {settings.data}/log")
        await ticks
        last_ns = await publish(sender, lambda time_ns: write_ticks(settings, sender, time_ns), stop)
        await write_ticks(settings, sender, last_ns + AFTER_NS)
        return await balance(settings, STORE_SECONDS)
    finally:
        await sender.stop()
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
        await supervisor.stop()


async def _wake(settings: Settings, sender: AIOKafkaProducer) -> None:
    await write_ticks(settings, sender, 0)


def _own_settings(settings: Settings) -> Settings:
    """Return settings with a folder, ports and a DuckDB file of the replay's own, beside a running system."""
    if not settings.namespace:
        raise SettingsError("a replay needs --namespace NAME, so that old data does not mix with what is live")
    data = Path(settings.data) / settings.namespace
    data.mkdir(parents=True, exist_ok=True)
    store = settings.store
    path = read_address(store).path
    if path is not None:
        store = f"duckdb:///{path.with_name(f'{path.stem}-{settings.namespace}{path.suffix}')}"
    return msgspec.structs.replace(
        settings,
        data=str(data),
        store=store,
        sources_from=None,
        metrics_port=free_port_from(settings.metrics_port),
        store_port=free_port_from(settings.store_port),
    )


def say_balance(found: Balance) -> None:
    """Print how the replay ended."""
    rows = sum(line.judged for line in found.by_partition)
    stored = sum(line.stored for line in found.by_partition)
    expired = sum(line.expired for line in found.by_partition)
    click.echo(f"balance {found.status}: {rows} rows judged, {stored} stored, {expired} older than the bucket keeps")
