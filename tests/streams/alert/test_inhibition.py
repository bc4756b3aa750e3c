"""Alerts that explain others, and the bounds of windows."""

from __future__ import annotations

import pytest

from schemas.refusals import RefusedError
from streams.alert import inhibition
from streams.alert.inhibition import Inhibition, Window, is_within
from tests.streams.alert.builders import DELAYED, OTHER_UNIT, UNIT, anomaly, partition, record, settled, until


def test_a_power_cut_mutes_the_sensor_faults_of_its_unit_while_it_lasts() -> None:
    events = [
        anomaly(0, scenario="sensor-fault", subject="lamp", name="s"),
        anomaly(1, scenario="sensor-fault", subject="lamp", name="o", unit_id=OTHER_UNIT),
        anomaly(2, scenario="power-fault", subject="meter", name="p"),
        anomaly(3, "clear", scenario="power-fault", subject="meter", name="p"),
    ]
    alerts = settled(partition(catalogue=DELAYED).fold([*map(record, events), *until(20)]))
    states = [alert.state for alert in alerts if (alert.scenario, alert.unit_id) == ("sensor-fault", UNIT)]
    assert states == ["UNACK", "DSUPR", "UNACK"]
    assert [alert.state for alert in alerts if alert.unit_id == OTHER_UNIT] == ["UNACK"]


@pytest.mark.parametrize("given", [{"score": 2.0}, {"mode": "exercise"}, {"quality": 0.3}])
def test_a_small_a_drilled_or_a_doubtful_power_cut_mutes_nothing(given: dict[str, object]) -> None:
    events = [
        anomaly(0, scenario="power-fault", subject="meter", name="p", **given),  # type: ignore[arg-type]  # a table
        anomaly(1, scenario="sensor-fault", subject="lamp", name="s"),
    ]
    alerts = settled(partition(catalogue=DELAYED).fold([*map(record, events), *until(20)]))
    assert [alert.state for alert in alerts if alert.scenario == "sensor-fault"] == ["UNACK"]


@pytest.mark.parametrize(
    ("unit_id", "prefix", "holds"),
    [(UNIT, "hp", True), (UNIT, UNIT, True), (UNIT, "hp.nanjing", False), ("hp", UNIT, False)],
)
def test_a_prefix_is_a_tier(unit_id: str, prefix: str, *, holds: bool) -> None:
    assert is_within(unit_id, prefix) == holds


def test_of_two_windows_with_one_target_the_newer_counts() -> None:
    held = Inhibition()
    for end in (50, 20):
        held.open([Window(kind="silence", district="hp", until_ns=end, by="li", unit_id=UNIT)])
    assert held.next_end() == 20


def test_windows_are_bounded_and_none_is_half_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inhibition, "MAX_WINDOWS", 2)
    held = Inhibition()
    windows = [Window(kind="silence", district="hp", until_ns=9, by="li", unit_id=f"hp.{n}") for n in range(3)]
    with pytest.raises(RefusedError, match="bad_action"):
        held.open(windows)
    assert not held.windows
