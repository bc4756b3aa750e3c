"""T8: the disk is full, under Kafka and under DuckDB: it is said loudly, and with space again nothing is missing."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from streams.local.kafka import LocalKafka
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import judge
from tests.faults.publishing import publish
from tests.faults.scale import Scale
from tests.faults.trial import base_settings, history_of, judging_as, kept_alive, prepare, running, until
from tests.faults.workers import STORE
from tests.servers import leave_out, require

pytestmark = pytest.mark.full

KAFKA_MIB, DUCKDB_MIB = 400, 24
BLOCK = b"\0" * (1 << 16)
LAG_SECONDS = 180.0


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[Path]:
    """Mount a file system of its own, so small that it can be filled."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        leave_out(f"a small disk cannot be mounted here, root is needed: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no byte free until the block ends."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(BLOCK)
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()


async def test_a_full_disk_under_kafka_loses_nothing_that_was_acknowledged(
    namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    require(LocalKafka)
    with small_disk(tmp_path / "disk", KAFKA_MIB) as disk, LocalKafka(disk / "kafka") as kafka:
        base = base_settings(kafka, namespace, tmp_path)
        await prepare(base)
        settings = judging_as(base, "full")
        records = generate(
            LogPlan(seed=81, start_ns=start_before_now(scale.minutes_of_log), minutes=scale.minutes_of_log)
        )
        async with running(settings) as workers, kept_alive(workers) as restarts:
            sending = publish(base, records, history_of(base), records_per_s=scale.records_per_s)
            feed = asyncio.create_task(sending)
            await asyncio.sleep(5.0)
            with filled(disk):
                await until(lambda: not kafka.is_running, "the broker has ended, for it cannot write")
            await asyncio.to_thread(kafka.start)
            await feed
            assert await wait_until_settled(settings, LAG_SECONDS) is None, workers["sense"].log_tail()
        assert "No space left on device" in kafka.log_file.read_text(errors="replace")
        verdict = await judge(base, settings)
    figures(
        events=verdict.rows, restarts=sum(restarts.values()), replays_seen=verdict.replays, lost=verdict.lost,
        doubled=verdict.doubled,
    )  # fmt: skip
    assert not verdict.violations, "\n".join(verdict.violations)


async def test_a_full_disk_under_duckdb_stops_the_store_and_loses_nothing(
    kafka: LocalKafka, namespace: str, tmp_path: Path, scale: Scale, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await prepare(base)
    with small_disk(tmp_path / "disk", DUCKDB_MIB) as disk:
        settings = msgspec.structs.replace(judging_as(base, "full"), store=f"duckdb://{disk}/vitals.duckdb")
        records = generate(LogPlan(seed=82, start_ns=start_before_now(10), minutes=10))
        async with running(settings) as workers, kept_alive(workers) as restarts:
            await publish(base, records[: len(records) // 2], history_of(base))
            assert await wait_until_settled(settings, LAG_SECONDS) is None
            with filled(disk):
                await publish(base, records[len(records) // 2 :], history_of(base))
                store = workers[STORE]
                await until(lambda: "No space left" in store.log_tail(1 << 20), "the store says that there is no space")
                await asyncio.sleep(scale.outage_s)
            assert await wait_until_settled(settings, LAG_SECONDS) is None, store.log_tail()
        verdict = await judge(base, settings)
    figures(events=verdict.rows, restarts=sum(restarts.values()), lost=verdict.lost, doubled=verdict.doubled)
    assert not verdict.violations, "\n".join(verdict.violations)
