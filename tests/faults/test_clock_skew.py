"""T11: the wall clocks of workers are wrong, and nothing comes out otherwise; no stage reads one at all."""

import ast
import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams.local.kafka import LocalKafka
from streams.settings import Settings
from streams.settled import wait_until_judged
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.judge import judge
from tests.faults.planted_clocks import FAULTS
from tests.faults.trial import STAGES, base_settings, judging_as, record_log, running
from tests.faults.workers import ROOT

CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "now", "utcnow", "today"}
PURE = [
    *(ROOT / "detectors").rglob("*.py"),
    *(path for stage in STAGES for path in (ROOT / "streams" / stage).rglob("*.py") if path.name != "agent.py"),
]
END_SECONDS = 120.0


@pytest.mark.full
async def test_workers_with_wrong_clocks_judge_alike(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=11, start_ns=start_before_now(8), minutes=8, tick_s=30.0))
    found = await asyncio.gather(*(violations_of(base, fault) for fault in FAULTS))
    figures(clocks=", ".join(FAULTS), violations=sum(map(len, found)))
    assert not any(found), found


async def violations_of(base: Settings, fault: str) -> list[str]:
    settings = judging_as(base, fault)
    async with running(settings, STAGES, fault=fault, faulty=STAGES) as workers:
        assert await wait_until_judged(settings, END_SECONDS) is None, workers["sense"].log_tail()
    return (await judge(base, settings, is_stored=False)).violations


def clock_calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node.func)}"


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_stage_and_no_detector_reads_a_clock(path: Path) -> None:
    assert list(clock_calls(path)) == []
