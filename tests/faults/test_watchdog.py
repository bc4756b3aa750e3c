"""A stuck worker is ended by its watchdog, started anew by the supervisor, and nothing is lost."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.local.kafka import LocalKafka
from streams.local.process import free_port
from streams.provision import create_topics
from streams.settled import wait_until_read
from streams.supervisor import Child, Supervisor
from streams.topics import STAGE_SOURCES
from streams.work import environment_of
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.judge import judge
from tests.faults.planted_stuck import MARK, STUCK
from tests.faults.trial import base_settings, judging_as, record_log
from tests.faults.workers import PLANTED, ROOT

END_SECONDS = 90.0


@pytest.mark.parametrize("fault", STUCK)
async def test_a_stuck_worker_ends_and_is_started_anew(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None], fault: str
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=3, start_ns=start_before_now(4), minutes=4, tick_s=60.0))
    settings = judging_as(base, fault)
    await create_topics(settings)
    mark = tmp_path / "mark"
    environment = os.environ | environment_of(settings) | {"PYTHONPATH": str(ROOT), MARK: str(mark)}
    command = [sys.executable, "-m", PLANTED, fault, "--stages", "sense", "--port", str(free_port())]
    supervisor = Supervisor()
    child = supervisor.add(Child("sense", command, tmp_path / "sense.log", environment))
    first = child.pid
    watching = asyncio.create_task(supervisor.watch())
    try:
        assert await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS) is None
        assert child.pid not in {None, first}
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        await supervisor.stop()
    said = (tmp_path / "sense.log").read_text()
    verdict = await judge(base, settings, is_sense_alone=True)
    figures(fault=fault, restarts=child.restarts, lost=verdict.lost, doubled=verdict.doubled)
    assert mark.exists()
    assert "watchdog: " in said
    assert child.restarts == 1, said[-2_000:]
    assert not verdict.violations, "\n".join(verdict.violations)
