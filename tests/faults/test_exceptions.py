"""T2: an exception in the fold, or SIGTERM in the middle of a batch: no offset runs past what is not done."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.delivery.worker import INTERNAL_ERROR
from streams.local.kafka import LocalKafka
from streams.settled import wait_until_settled
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.judge import judge
from tests.faults.planted_stuck import MARK
from tests.faults.trial import base_settings, judging_as, record_log, running
from tests.faults.watching import watched

pytestmark = pytest.mark.full

END_SECONDS = 120.0


async def test_an_exception_ends_the_process_before_its_batch_and_loses_nothing(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=2, start_ns=start_before_now(6), minutes=6, tick_s=30.0))
    settings = judging_as(base, "raising")
    monkeypatch.setenv(MARK, str(tmp_path / "mark"))
    async with running(settings, fault="raising-fold") as workers, watched(settings) as violations:
        sense = workers["sense"]
        assert await asyncio.to_thread(sense.wait) == INTERNAL_ERROR
        assert "judging a batch failed, next offsets" in sense.log_tail(20_000)
        sense.start()
        assert await wait_until_settled(settings, END_SECONDS) is None
    verdict = await judge(base, settings)
    figures(events=verdict.rows, replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled)
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)


async def test_sigterm_in_the_middle_of_a_batch_loses_nothing(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=4, start_ns=start_before_now(6), minutes=6, tick_s=30.0))
    settings = judging_as(base, "asked")
    ends = []
    async with running(settings) as workers, watched(settings) as violations:
        for _ in range(4):
            await asyncio.sleep(2.5)
            for worker in workers.values():
                worker.signal(signal.SIGTERM)
            for worker in workers.values():
                ends.append(await asyncio.to_thread(worker.wait, 30.0))
                worker.start()
        assert await wait_until_settled(settings, END_SECONDS) is None
    verdict = await judge(base, settings)
    figures(
        events=verdict.rows, ends=len(ends), replays_seen=verdict.replays, lost=verdict.lost, doubled=verdict.doubled
    )
    assert set(ends) <= {0, -signal.SIGTERM}, ends  # the latter: before it could listen for the signal
    assert not verdict.violations + violations, "\n".join(verdict.violations + violations)
