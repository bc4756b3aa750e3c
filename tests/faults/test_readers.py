"""T17: whoever reads alerts acts once on each change, though stages died, and though the reader was away."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_alert
from streams.local.kafka import LocalKafka
from streams.newest import events
from streams.settled import wait_until_judged
from tests.faults.generator import LogPlan, start_before_now
from tests.faults.judge import judge
from tests.faults.test_kills import die_at
from tests.faults.trial import STAGES, base_settings, judging_as, record_log, running

pytestmark = pytest.mark.full

END_SECONDS = 120.0
Act = tuple[str, int, str]  # alert_id, version, state


class Reader:
    """Keeps the newest version of each alert, as the contract says, and acts on what is newer."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self.acts: list[Act] = []

    def read(self, alerts: Iterable[Alert]) -> None:
        for alert in alerts:
            if alert.version > self._versions.get(alert.alert_id, 0):
                self._versions[alert.alert_id] = alert.version
                self.acts.append((alert.alert_id, alert.version, alert.state))


async def test_readers_act_once_on_each_change(
    kafka: LocalKafka, namespace: str, tmp_path: Path, figures: Callable[..., None]
) -> None:
    base = base_settings(kafka, namespace, tmp_path)
    await record_log(base, LogPlan(seed=17, start_ns=start_before_now(12), minutes=12, alarms_per_unit_hour=12))
    settings = judging_as(base, "read")
    async with running(settings, STAGES) as workers:
        for point in ("after-effects:3", "after-blocks:1", "after-manifest:1"):
            await die_at(workers["alert"], point)
        workers["alert"].start()
        assert await wait_until_judged(settings, END_SECONDS) is None
    verdict = await judge(base, settings, is_stored=False)
    assert not verdict.violations, "\n".join(verdict.violations)
    log = [decode_alert(record.value or b"") async for record in events(settings, channels.ALERTS)]

    steady, away, twice = Reader(), Reader(), Reader()
    steady.read(log)
    away.read(log[: len(log) // 2])
    away.read(log[len(log) // 3 :])  # it goes on from where it had committed, before what it had read
    twice.read(alert for alert in log for _ in range(2))
    repeated = len(log) - len({(alert.alert_id, alert.version) for alert in log})
    figures(records=len(log), repeated=repeated, alerts=len({act[0] for act in steady.acts}), acts=len(steady.acts))
    assert steady.acts == away.acts == twice.acts
    assert len(set(steady.acts)) == len(steady.acts)
    assert repeated > 0, "no alert was sent again: the kills show nothing"
    for alert_id in {act[0] for act in steady.acts}:
        states = [state for name, _, state in steady.acts if name == alert_id]
        assert (states[0], states[-1], states.count("NORM")) == ("UNACK", "NORM", 1), states
