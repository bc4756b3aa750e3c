"""The report of an unattended run: rows, latency, alerts, cases, balance, scenarios against the ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from schemas.alerts import Alert
from schemas.files import Balance as ReportedBalance
from schemas.files import (
    BalanceLine,
    GroundTruth,
    Latency,
    Quantiles,
    ReportedAlert,
    ReportedCase,
    RunReport,
    ScenarioScores,
)
from schemas.ids import COLOURS, Colour
from schemas.orders import Order
from schemas.times import parse_time
from streams.store.balance import Balance


def make_report(
    *,
    rows: int,
    seconds: float,
    alerts: Mapping[str, Alert],
    worst: Mapping[str, Colour],
    cases: Mapping[str, Order],
    balance: Balance,
    truths: Iterable[GroundTruth],
    alert_latency_s: list[float],
    stored: Quantiles,
) -> RunReport:
    """Return the report."""
    return RunReport(
        readings=rows,
        readings_per_s=rows / seconds if seconds > 0 else 0.0,
        latency_s=Latency(alert=_quantiles(alert_latency_s), stored=stored),
        alerts=tuple(
            _alert(alert, worst) for alert in sorted(alerts.values(), key=lambda a: (a.first_seen, a.alert_id))
        ),
        cases=tuple(_case(case) for case in sorted(cases.values(), key=lambda c: (c.opened, c.case_id))),
        balance=_balance(balance),
        scenarios=score_scenarios(list(alerts.values()), worst, list(truths)),
    )


def score_scenarios(alerts: list[Alert], worst: Mapping[str, Colour], truths: list[GroundTruth]) -> ScenarioScores:
    """Return precision and recall: an alert is right where a fault of its scenario is in its unit, and bad enough."""
    faults = [truth for truth in truths if not truth.must_stay_silent]
    keys = {(truth.scenario, truth.unit_id) for truth in faults}
    found = [truth for truth in faults if any(_meets(alert, worst, truth) for alert in alerts)]
    right = [alert for alert in alerts if (alert.scenario, alert.unit_id) in keys]
    return ScenarioScores(
        precision=len(right) / len(alerts) if alerts else None,
        recall=len(found) / len(faults) if faults else None,
    )


def write_report(path: Path, report: RunReport) -> None:
    """Write the report as JSON that people can read."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))


def _meets(alert: Alert, worst: Mapping[str, Colour], truth: GroundTruth) -> bool:
    if (alert.scenario, alert.unit_id) != (truth.scenario, truth.unit_id):
        return False
    onset = parse_time(truth.onset)
    reached, expected = worst.get(alert.alert_id, alert.colour), truth.expect_colour or "blue"
    return parse_time(alert.last_seen) >= onset and COLOURS.index(reached) >= COLOURS.index(expected)


def _quantiles(values: list[float]) -> Quantiles:
    if not values:
        return Quantiles()
    p50, p99, p999 = np.quantile(np.maximum(np.array(values), 0.0), [0.5, 0.99, 0.999])
    return Quantiles(p50=float(p50), p99=float(p99), p999=float(p999))


def _alert(alert: Alert, worst: Mapping[str, Colour]) -> ReportedAlert:
    return ReportedAlert(
        alert_id=alert.alert_id,
        scenario=alert.scenario,
        unit_id=alert.unit_id,
        colour=alert.colour,
        state=alert.state,
        first_seen=alert.first_seen,
        last_seen=alert.last_seen,
        count=alert.count,
        worst=worst.get(alert.alert_id, alert.colour),
    )


def _case(case: Order) -> ReportedCase:
    return ReportedCase(
        case_id=case.case_id,
        scenario=case.scenario,
        unit_id=case.unit_id,
        step=case.step,
        tier=case.tier,
        steps=case.steps,
    )


def _balance(balance: Balance) -> ReportedBalance:
    lines = tuple(msgspec.convert(msgspec.to_builtins(row), BalanceLine) for row in balance.by_partition)
    return ReportedBalance(closed=balance.closed, by_partition=lines)
