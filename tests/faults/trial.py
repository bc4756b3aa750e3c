"""One recorded log, judged by real processes as often as one likes, each time under a namespace of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from streams.local.kafka import LocalKafka
from streams.provision import create_topics
from streams.registry.apply import apply_registry
from streams.settings import Settings
from streams.topics import STAGE_SOURCES
from tests.faults.district import registry
from tests.faults.generator import LogPlan, Planned, generate
from tests.faults.publishing import publish
from tests.faults.workers import STORE, Worker

STAGES = tuple(STAGE_SOURCES)
RESTART_SECONDS = 0.5
PACE = {"checkpoint_s": 1.0, "disorder_s": 10.0, "grace_s": 120.0}  # as LogPlan has them


def base_settings(kafka: LocalKafka, namespace: str, folder: Path, *, bootstrap: str | None = None) -> Settings:
    """Return the settings of the log itself: its sources and registry lie under ``namespace``."""
    return msgspec.convert(
        {"kafka": bootstrap or kafka.bootstrap, "namespace": namespace, "data": str(folder), **PACE}, Settings
    )


def judging_as(base: Settings, name: str) -> Settings:
    """Return the settings of one judgement of the log: its own outputs, state, groups and DuckDB file."""
    folder = Path(base.data) / name
    folder.mkdir(exist_ok=True)
    return msgspec.structs.replace(
        base,
        namespace=f"{base.namespace}-{name}",
        sources_from=base.namespace,
        data=str(folder),
        store=f"duckdb://{folder}/vitals.duckdb",
    )


async def prepare(base: Settings, units: int = 12) -> None:
    """Make the topics, and register the district."""
    await create_topics(base)
    await apply_registry(base, registry(units))


async def record_log(base: Settings, plan: LogPlan) -> list[Planned]:
    """Register the district and send a whole log at once; return what was sent."""
    await prepare(base, plan.units)
    records = generate(plan)
    await publish(base, records, history_of(base))
    return records


def history_of(base: Settings) -> Path:
    """Return the file of what was acknowledged."""
    return Path(base.data) / "history.jsonl"


async def until(is_so: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until something is so in another process."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s not yet: {what}"
        await asyncio.sleep(0.2)


@asynccontextmanager
async def kept_alive(workers: dict[str, Worker]) -> AsyncIterator[dict[str, int]]:
    """Start anew whatever ends by itself, as a supervisor would, until the block ends; yield how often, by name."""
    restarts = dict.fromkeys(workers, 0)

    async def keep() -> None:
        while True:
            for name, worker in workers.items():
                if not worker.is_alive:
                    restarts[name] += 1
                    worker.start()
            await asyncio.sleep(RESTART_SECONDS)

    task = asyncio.create_task(keep())
    try:
        yield restarts
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def running(
    settings: Settings,
    stages: Iterable[str] = (*STAGES, STORE),
    *,
    fault: str | None = None,
    faulty: tuple[str, ...] = ("sense",),
    fail_point: str | None = None,
) -> AsyncIterator[dict[str, Worker]]:
    """Run stages until the block ends, the ``faulty`` ones with a planted fault, and with ``fail_point`` at first."""
    await create_topics(settings)
    folder = Path(settings.data)
    workers = {name: Worker(settings, name, folder, fault=fault if name in faulty else None) for name in stages}
    for worker in workers.values():
        worker.start(fail_point)
    try:
        yield workers
    finally:
        await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in workers.values()))
