"""What a lift's alarm contact must come to: alerts that end when the contact has been quiet, and the case of each lift.

All of one lift's life is replayed in the order of event time: its alarm, the alert's return and end, the case's clocks.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from schemas.catalogue import Catalogue, Scenario
from schemas.ids import TIERS, alert_id, case_id
from schemas.times import format_time

SECOND_NS = 1_000_000_000
CLEAR_AFTER = 2  # good readings
HELD_FROM, HELD_TO, HELD_AT_MOST, NO_MORE = 2.5, 1.25, 5.0, 0.25  # penalties of what comes back again and again
TOLD_WITHIN_NS = 60 * SECOND_NS  # while it is held
States = dict[str, dict[str, object]]


class Finding(NamedTuple):
    """One reading of an alarm contact that came on time, in the order of its partition's log."""

    time_ns: int
    series: str  # <device_id>/lift_fault
    unit_id: str
    is_alarm: bool


class Change(NamedTuple):
    """An alarm that begins or ends."""

    time_ns: int
    is_onset: bool


def alerts_and_cases(findings: Iterable[Finding], catalogue: Catalogue, end_ns: int) -> tuple[States, States]:
    """Return the last state of each alert and case, as of ``end_ns`` (what is due then has not happened)."""
    lifts: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        lifts[finding.unit_id, finding.series].append(finding)
    alerts: States = {}
    cases: States = {}
    for (unit_id, series), of_lift in sorted(lifts.items()):
        lift = Lift(unit_id, series.partition("/")[0], catalogue.scenarios["lift-fault"])
        for change in _changes(of_lift):
            if change.time_ns < end_ns:
                lift.run_until(change.time_ns)
                lift.take(change)
        lift.run_until(end_ns)
        lift.check_told(end_ns)
        alerts |= lift.alerts
        cases |= lift.cases
    return alerts, cases


def _changes(findings: Iterable[Finding]) -> Iterator[Change]:
    """Yield onsets and ends: two good readings end an alarm; what is older than the last is passed over."""
    is_open, good, last_ns = False, 0, -1
    for finding in findings:
        if finding.time_ns <= last_ns or (not is_open and not finding.is_alarm):
            continue
        last_ns = finding.time_ns
        if not is_open:
            is_open, good = True, 0
            yield Change(finding.time_ns, is_onset=True)
            continue
        good = 0 if finding.is_alarm else good + 1
        if good == CLEAR_AFTER:
            is_open = False
            yield Change(finding.time_ns, is_onset=False)


class Lift:
    """Alerts and the case of one lift."""

    def __init__(self, unit_id: str, device_id: str, scenario: Scenario) -> None:
        if scenario.on_delay_s or scenario.off_delay_s:
            raise NotImplementedError("delays")
        self._unit_id, self._device_id, self._scenario = unit_id, device_id, scenario
        self._settle_ns = round(scenario.settle_s * SECOND_NS)
        self._accept_ns = round(scenario.clocks.accept_s * SECOND_NS)
        self.alerts: States = {}
        self.cases: States = {}
        self._alert: dict[str, object] | None = None  # the open one
        self._case: dict[str, object] | None = None
        self._path: list[tuple[str, str, str]] = []
        self._cleared_ns: int | None = None
        self._due_ns: int | None = None  # when the case's clock overruns, while it is open
        self._half_life_ns = scenario.flap_half_life_s * SECOND_NS
        self._penalty, self._came_back_ns, self._held_ns = 0.0, 0, 0

    def run_until(self, now_ns: int) -> None:
        """Let the clocks strike that run out before ``now_ns``: settling first, then escalation."""
        while True:
            settles_ns = None if self._cleared_ns is None else max(self._cleared_ns + self._settle_ns, self._held_ns)
            due = [at for at in (settles_ns, self._due_ns) if at is not None]
            if not due or min(due) >= now_ns:
                if self._alert is not None and self._cleared_ns is not None and self._held_ns < now_ns:
                    self._alert["state"] = "RTNUN"
                return
            if min(due) == settles_ns:
                self._settle(settles_ns)
            else:
                self._escalate(min(due))

    def take(self, change: Change) -> None:
        """Take an onset or an end, all clocks before it having struck."""
        at = format_time(change.time_ns)
        if not change.is_onset:
            assert self._alert is not None
            self._alert |= {"told": [(self._device_id, "clear", at)]}
            self._cleared_ns = change.time_ns
            return
        if self.alerts:
            self._come_back(change.time_ns)
        if self._alert is None:
            name = alert_id("actual", "lift-fault", self._unit_id, self._device_id, len(self.alerts))
            self._alert = self.alerts[name] = self._new_alert(at)
            self._open_case(name, change.time_ns)
        count = int(str(self._alert["count"])) + 1
        self._alert |= {"state": "UNACK", "count": count, "last_seen": at, "told": [(self._device_id, "active", at)]}
        self._cleared_ns = None

    def check_told(self, end_ns: int) -> None:
        """Refuse a log that ends so early that readers may not know of the last change yet."""
        if (
            self._cleared_ns is not None
            and self._cleared_ns < self._held_ns
            and end_ns <= self._cleared_ns + TOLD_WITHIN_NS
        ):
            raise NotImplementedError("what is told later, and the log ends before")

    def _come_back(self, at_ns: int) -> None:
        halved = self._penalty * 0.5 ** ((at_ns - self._came_back_ns) / self._half_life_ns)
        self._penalty = min((halved if halved > NO_MORE else 0.0) + 1, HELD_AT_MOST)
        self._came_back_ns = at_ns
        if self._penalty >= HELD_FROM or at_ns < self._held_ns:
            self._held_ns = at_ns + round(self._half_life_ns * math.log2(self._penalty / HELD_TO))

    def _new_alert(self, at: str) -> dict[str, object]:
        return {
            "scenario": "lift-fault", "unit_id": self._unit_id, "mode": "actual", "colour": "orange", "first_seen": at,
            "count": 0,
        }  # fmt: skip

    def _open_case(self, alert: str, at_ns: int) -> None:
        if self._case is None:
            self._case = self.cases[case_id(alert)] = {
                "scenario": "lift-fault", "unit_id": self._unit_id, "colour": "orange", "alert_ids": (alert,),
                "path": self._path, "attempt": 0,
            }  # fmt: skip
            steps = ["registered", "verified", "filed"]
        else:
            self._case["alert_ids"] = tuple(self.alerts)
            steps = ["reopened"]
        self._case["tier"] = "unit"
        for step in steps:
            self._step(step, at_ns)
        self._due_ns = at_ns + self._accept_ns

    def _settle(self, at_ns: int) -> None:
        """End the alert, and close the case that it verifies."""
        assert self._alert is not None
        self._alert["state"] = "NORM"
        self._step("checked", at_ns)
        self._step("closed", at_ns)
        self._alert = self._cleared_ns = self._due_ns = None

    def _escalate(self, at_ns: int) -> None:
        assert self._case is not None
        self._due_ns = at_ns + self._accept_ns
        place = TIERS.index(self._case["tier"]) + 1
        if place < len(TIERS):
            self._case["tier"] = TIERS[place]
            self._step(str(self._case["step"]), at_ns)

    def _step(self, step: str, at_ns: int) -> None:
        assert self._case is not None
        self._case["step"] = step
        self._path.append((step, str(self._case["tier"]), format_time(at_ns)))
