"""T18: the suite can see. Each planted fault makes the judge say what is wrong; slow sends alone do not."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from streams.local.kafka import LocalKafka
from streams.settings import Settings
from streams.settled import wait_until_read
from streams.topics import STAGE_SOURCES
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.judge import judge
from tests.faults.trial import base_settings, judging_as, record_log, running, until
from tests.faults.watching import watched
from tests.faults.workers import Worker

SEED = 18
# Where sense is killed, one start after the other.
FAIL_POINTS = {
    "none": ("after-effects:4", "after-manifest:2"),
    "plain-take": (),
    "two-at-once": ("after-effects:4",),
    "offsets-first": ("before-effects:1",),
    "manifest-first": ("after-manifest:3",),  # it comes by twice a checkpoint: before its blocks, and after
}
SELDOM_SECONDS = 60.0  # Faust's own commits are ahead of checkpoints only where these are seldom
FAUST_COMMITS_SECONDS = 30.0
END_SECONDS = 40.0  # a fault may keep sense from ever coming to the end of the log
DEATH_SECONDS = 60.0


async def test_each_planted_fault_is_seen_and_slow_sends_alone_are_not(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=SEED, start_ns=start_before_now(6), minutes=6, tick_s=30.0))
    seen = await asyncio.gather(*(seen_of(base, fault) for fault in FAIL_POINTS))
    found = dict(zip(FAIL_POINTS, seen, strict=True))
    for fault, violations in found.items():
        figures(fault=fault, violations=len(violations), such_as=violations[0][:160] if violations else "none")
    assert not found.pop("none"), "slow sends are no fault"
    assert all(found.values()), f"planted, and not seen: {[fault for fault, seen in found.items() if not seen]}"


async def seen_of(base: Settings, fault: str) -> list[str]:
    """Judge the log by a sense with a planted fault; return what the judge says."""
    settings = judging_as(base, fault)
    if fault == "plain-take":
        settings = msgspec.structs.replace(settings, checkpoint_s=SELDOM_SECONDS)
    first = next(iter(FAIL_POINTS[fault]), None)  # from its first start on, or it might be done before it is to die
    async with (
        running(settings, ("sense",), fault=fault, fail_point=first) as workers,
        watched(settings) as violations,
    ):
        await die(fault, workers["sense"], violations)
        problem = await wait_until_read(settings, {"sense": STAGE_SOURCES["sense"]}, END_SECONDS)
    verdict = await judge(base, settings, is_sense_alone=True)
    return [*verdict.violations, *violations, *([] if problem is None else [problem])]


async def die(fault: str, sense: Worker, violations: list[str]) -> None:
    """Let sense die where the fault shows; it runs in the end."""
    for number, point in enumerate(FAIL_POINTS[fault]):
        if number > 0:
            sense.start(point)
        try:
            code = await asyncio.to_thread(sense.wait, DEATH_SECONDS)
        except subprocess.TimeoutExpired:  # a fault may keep it from ever coming there: it dies where it stands
            sense.kill()
            code = -signal.SIGKILL
        assert code == -signal.SIGKILL, f"{fault}, on its way to {point}: {sense.log_tail()}"
    if fault == "plain-take":
        with suppress(AssertionError):  # then there is nothing to see, and the test says so in the end
            await until(lambda: bool(violations), "Faust commits ahead of the manifests", FAUST_COMMITS_SECONDS)
        sense.kill()
    if not sense.is_alive:
        sense.start()
