"""Dead letters are repaired: adopted, sent again once, and no more than once, whoever dies on the way."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from schemas.refusals import Reason
from schemas.registry import Device, RegistryFile
from streams.local.kafka import LocalKafka
from streams.registry.apply import apply_registry, wait_until_read
from streams.settings import Settings
from streams.settled import wait_until_settled
from streams.store.balance import balance
from streams.work import environment_of
from tests.faults.district import INTERVAL_S, unit_ids
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.outcome import outcome_of
from tests.faults.trial import base_settings, record_log, running
from tests.faults.workers import ROOT

NOBODY = "nobody"  # of the generator's bad rows
ADOPTED_BY = unit_ids()[0]


def vitals(settings: Settings, *arguments: str, fail_point: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | environment_of(settings) | {"PYTHONPATH": str(ROOT)}
    if fail_point is not None:
        environment["VITALS_FAIL_POINT"] = fail_point
    command = [sys.executable, "-m", "streams.cli", "dead-letters", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


async def test_letters_are_sent_again_once_though_the_replay_is_killed(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    settings = msgspec.structs.replace(base, store=f"duckdb://{tmp_path}/vitals.duckdb")
    shares = {"bad_rows": 0.5}
    await record_log(base, LogPlan(seed=5, start_ns=start_before_now(6), minutes=6, tick_s=30.0, shares=shares))
    async with running(settings, ("sense", "alert", "dispatch", "store")):
        assert await wait_until_settled(settings, 90) is None
        before = await outcome_of(settings)
        of_nobody = [place for place, reason in before.dead.items() if reason == Reason.UNKNOWN_DEVICE]
        device = Device(device_id=NOBODY, unit_id=ADOPTED_BY, quantities=("LAeq",), interval_s=INTERVAL_S)
        assert await wait_until_read(settings, await apply_registry(settings, RegistryFile(devices=(device,))))

        chosen = ("--reason", "unknown_device", "--with", ADOPTED_BY)
        tried = vitals(settings, "replay", *chosen, "--dry-run")
        assert tried.returncode == 0, tried.stderr
        assert "0 sent" not in tried.stdout
        killed = vitals(settings, "replay", *chosen, fail_point="before-markers")
        assert killed.returncode == -signal.SIGKILL
        again, thrice = vitals(settings, "replay", *chosen), vitals(settings, "replay", *chosen)
        assert (again.returncode, thrice.returncode) == (0, 0), again.stderr + thrice.stderr
        sent = int(again.stdout.split()[0])
        assert 0 < sent < len(of_nobody)
        assert thrice.stdout.startswith(f"0 sent, {sent} were sent before")
        listed = vitals(settings, "list", *chosen).stdout
        assert f"{sent} sent again" in listed

        assert await wait_until_settled(settings, 90) is None
        found = await balance(settings, 30)
        after = await outcome_of(settings)
    new = {point: value for point, value in after.points.items() if point not in before.points}
    figures(letters=len(before.dead), of_nobody=len(of_nobody), sent_again=sent, new_points=len(new))
    assert found.closed, found.problems
    assert {name for name, _ in new} == {f"{NOBODY}/LAeq"}
    assert len(new) == sent
    assert {point: after.points[point] for point in before.points} == before.points
    assert after.alerts == before.alerts, "a backfill raises nothing"
