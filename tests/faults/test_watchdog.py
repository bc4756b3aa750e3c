"""A stuck worker is ended by its watchdog, started anew by the supervisor, and nothing is lost."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settings import Settings
from streams.settled import wait_until_read
from streams.supervisor import Child, Supervisor
from streams.topics import STAGE_SOURCES
from streams.work import environment_of
from tests.faults.generator import LogPlan, generate, start_before_now
from tests.faults.judge import Verdict, judge
from tests.faults.planted_stuck import MARK, STUCK
from tests.faults.publishing import publish
from tests.faults.trial import base_settings, history_of, judging_as, prepare, record_log, until
from tests.faults.workers import PLANTED, ROOT, Worker
from tests.servers import require

END_SECONDS = 120.0
AWAY_SECONDS = 15.0  # longer than the planted watchdogs wait
ENDS = {"greedy-fold": (1, "Timeout (")}  # Python's own alarm


async def test_stuck_workers_end_and_are_started_anew(
    kafka: LocalKafka,
    namespace: str,
    tmp_path: Path,
    figures: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=3, start_ns=start_before_now(4), minutes=4, tick_s=60.0))
    found = await asyncio.gather(*(restarted(base, fault) for fault in STUCK))
    for fault, (restarts, said, verdict) in zip(STUCK, found, strict=True):
        figures(fault=fault, restarts=restarts, lost=verdict.lost, doubled=verdict.doubled)
        code, words = ENDS.get(fault, (70, "watchdog: "))
        assert f"{fault} ended with {code};" in caplog.text, said[-2_000:]
        assert words in said, f"{fault}: {said[-2_000:]}"
        assert restarts >= 1, (
            f"{fault}: {said[-2_000:]}"
        )  # on a busy machine such an impatient one ends a healthy one too
        assert not verdict.violations, "\n".join(verdict.violations)


@pytest.mark.full
async def test_a_broker_that_is_away_is_no_reason_to_end(namespace: str, tmp_path: Path) -> None:
    require(LocalKafka)
    with LocalKafka(tmp_path / "kafka") as kafka:
        base = base_settings(kafka, namespace, tmp_path)
        plan = LogPlan(seed=3, start_ns=start_before_now(4), minutes=4, tick_s=60.0)
        await prepare(base, plan.units)
        records = generate(plan)
        await publish(base, records[: len(records) // 2], history_of(base))
        settings = judging_as(base, "away")
        async with supervised(settings, "impatient") as child:
            assert await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS) is None
            first = child.pid
            await publish(base, records[len(records) // 2 :], history_of(base))
            os.kill(kafka.pid, signal.SIGSTOP)  # while there is work; it answers nobody, and closes no connection
            await asyncio.sleep(AWAY_SECONDS)
            os.kill(kafka.pid, signal.SIGCONT)
            assert await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS) is None
            assert child.pid == first, child.log_file.read_text()[-2_000:]
        verdict = await judge(base, settings, is_sense_alone=True)
    assert not verdict.violations, "\n".join(verdict.violations)


@pytest.mark.full
async def test_a_worker_of_several_stages_starts_a_stuck_one_anew(
    kafka: LocalKafka, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=3, start_ns=start_before_now(4), minutes=4, tick_s=60.0))
    settings = judging_as(base, "joint")
    await create_topics(settings)
    monkeypatch.setenv(MARK, str(tmp_path / "mark"))
    worker = Worker(settings, "sense,dispatch", Path(settings.data), name="joint", fault="hung-child")
    worker.start()
    try:
        await until(lambda: len(pids_of(worker)) == 2, "both stages are children", END_SECONDS)
        before = pids_of(worker)
        assert await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS) is None
        after = pids_of(worker)
    finally:
        await asyncio.to_thread(worker.stop)
    assert "sense ended with 70; started anew" in worker.log_tail()
    assert before["sense"] != after["sense"]
    assert before["dispatch"] == after["dispatch"]
    verdict = await judge(base, settings, is_sense_alone=True)
    assert not verdict.violations, "\n".join(verdict.violations)


def pids_of(worker: Worker) -> dict[str, int]:
    """Return the child process of each stage."""
    children = psutil.Process(worker.pids[-1]).children()
    return {command[command.index("--stages") + 1]: child.pid for child in children if (command := child.cmdline())}


@contextlib.asynccontextmanager
async def supervised(settings: Settings, fault: str) -> AsyncIterator[Child]:
    """Run a sense with a planted fault under a supervisor until the block ends."""
    await create_topics(settings)
    folder = Path(settings.data)
    environment = os.environ | environment_of(settings) | {"PYTHONPATH": str(ROOT), MARK: str(folder / "mark")}
    command = [sys.executable, "-m", PLANTED, fault, "--stages", "sense", "--port", str(free_port())]
    supervisor = Supervisor()
    child = supervisor.add(Child(fault, command, folder / "sense.log", environment))
    watching = asyncio.create_task(supervisor.watch())
    try:
        yield child
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await supervisor.stop()


async def restarted(base: Settings, fault: str) -> tuple[int, str, Verdict]:
    """Run a sense that gets stuck once; return restarts, its log and the judge's verdict."""
    settings = judging_as(base, fault)
    async with supervised(settings, fault) as child:
        first = child.pid
        problem = await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS)
        assert problem is None, f"{fault}: {problem}: {child.log_file.read_text()[-2_000:]}"
        assert child.pid not in {None, first}
    return child.restarts, child.log_file.read_text(), await judge(base, settings, is_sense_alone=True)
