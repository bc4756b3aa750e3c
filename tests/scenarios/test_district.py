"""Every scenario of the district from its fault to a verified close, and silence about what only looks like one."""

from __future__ import annotations

from datetime import datetime

import pytest

from schemas.ids import COLOURS
from schemas.times import SHANGHAI
from simulators.network import NetworkFaults
from simulators.scenarios import SCENARIOS
from tests.scenarios.closed_loop import ClosedLoop, Seen

EVENING_S = int(datetime(2026, 11, 27, 21, 50, tzinfo=SHANGHAI).timestamp())
MINUTES = 14
NETWORK = NetworkFaults(outage=0.0)


@pytest.fixture(scope="module")
def loop() -> ClosedLoop:
    """Return a district after a quarter of an hour from 21:50 on, so that rules of day and of night apply."""
    loop = ClosedLoop(SCENARIOS, start_s=EVENING_S, network=NETWORK)
    loop.run(60 * MINUTES)
    return loop


@pytest.fixture(scope="module")
def seen(loop: ClosedLoop) -> Seen:
    """Return what it came to."""
    return loop.seen


def test_there_are_26_scenarios() -> None:
    assert len(SCENARIOS) == 26


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_reaches_its_colour_and_a_verified_close(seen: Seen, scenario: str) -> None:
    (truth,) = (one for one in seen.truths if one.scenario == scenario and not one.must_stay_silent)
    here = {ident: a for ident, a in seen.alerts.items() if (a.scenario, a.unit_id) == (scenario, truth.unit_id)}
    assert truth.expect_colour is not None
    assert max(COLOURS.index(seen.worst[ident]) for ident in here) >= COLOURS.index(truth.expect_colour)
    assert {alert.state for alert in here.values()} == {"NORM"}
    (case,) = (one for one in seen.cases.values() if (one.scenario, one.unit_id) == (scenario, truth.unit_id))
    assert case.step == "closed"
    assert [(entry.step, entry.by) for entry in case.steps][-2:] == [("checked", "sensor"), ("closed", "system")]
    assert any(link.kind == "verification" for link in case.chain)


def test_what_only_looks_like_a_fault_raises_nothing(seen: Seen) -> None:
    faults = {(one.scenario, one.unit_id) for one in seen.truths if not one.must_stay_silent}
    assert [
        (a.scenario, a.unit_id, a.description) for a in seen.alerts.values() if (a.scenario, a.unit_id) not in faults
    ] == []
    assert sum(one.must_stay_silent for one in seen.truths) >= 26


def test_nothing_that_the_district_sends_is_refused(seen: Seen) -> None:
    assert seen.dead == []


def test_another_order_of_fetches_comes_to_the_same_alerts_and_cases(loop: ClosedLoop) -> None:
    """One worker or three fetch the partitions' topics in other orders and batches; the log alone decides."""
    first, other = loop.seen, loop.refolded(seed=7)
    assert {one.alert_id: (one.state, one.scenario) for one in other.alerts.values()} == {
        one.alert_id: (one.state, one.scenario) for one in first.alerts.values()
    }
    assert {one.case_id: (one.step, one.tier, one.team_id) for one in other.cases.values()} == {
        one.case_id: (one.step, one.tier, one.team_id) for one in first.cases.values()
    }
