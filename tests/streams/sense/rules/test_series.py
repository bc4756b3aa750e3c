"""Levels of single series: means of what is followed, dated limits by class, hours of the day."""

from __future__ import annotations

import pytest

from schemas.registry import Unit
from streams.sense.partition import SensePartition
from tests.streams.sense.builders import UNIT, Reading, anomalies, device, pack, partition, phases, registry, until

HOUR = 3_600.0
# T0 is 08:00 in Shanghai; 14 h later it is night there.
NIGHT = 14 * HOUR


def _state(*quantities: str, kind: str = "building", noise_class: int | None = None) -> SensePartition:
    unit = Unit(unit_id=UNIT, kind=kind, name_zh="楼", name_en="B", noise_class=noise_class)  # type: ignore[arg-type]
    return partition(registry([device("d-1", *quantities)], [unit]))


def _every_10_s(name: str, start: float, values: list[float]) -> list[Reading]:
    return [(name, start + 10.0 * i, value) for i, value in enumerate(values)]


def _feed(state: SensePartition, readings: list[Reading]) -> list[tuple[str, str, float]]:
    """Return the phases that readings bring, one record each, time passing as they come."""
    found = []
    for i, reading in enumerate(readings):
        found += phases(state.fold([pack(reading, offset=i), *until(reading[1] - 1.0)]))
    return found


def test_a_level_that_is_held_is_told_and_clears_by_good_windows() -> None:
    state = _state("voltage")
    low = _every_10_s("d-1/voltage", 0.0, [221.0] * 6 + [170.0] * 12 + [220.0] * 12)
    found = _feed(state, low)
    assert [(name, phase) for name, phase, _ in found] == [("voltage-low", "onset"), ("voltage-low", "clear")]
    assert int(found[0][2]) == 2  # yellow


def test_a_dip_of_one_reading_is_diluted_by_what_was_well_before() -> None:
    """Of 30 readings of 5 minutes one is far below: the mean is not, though only the dip began to be followed."""
    state = _state("water_pressure", kind="block")
    values = [300_000.0] * 29 + [100_000.0] + [300_000.0] * 60
    assert _feed(state, _every_10_s("d-1/water_pressure", 0.0, values)) == []
    state = _state("water_pressure", kind="block")
    held = _feed(state, _every_10_s("d-1/water_pressure", 0.0, [300_000.0] * 10 + [100_000.0] * 60))
    assert ("pressure-low", "onset", held[0][2]) == held[0]


@pytest.mark.parametrize(("noise_class", "told"), [(None, False), (1, True), (2, True), (3, False), (4, False)])
def test_noise_by_night_is_held_against_the_limit_of_the_unit_s_class(noise_class: int | None, told: bool) -> None:
    """67 dB lie 15 over the limits of classes 1 (45) and 2 (50), and below those of 3 and 4 (55)."""
    state = _state("LAeq", noise_class=noise_class)
    noise = [67.0 + (i % 2) / 10 for i in range(130)]
    found = _feed(state, _every_10_s("d-1/LAeq", NIGHT, noise))
    assert [name for name, *_ in found] == (["night-noise"] if told else [])


def test_the_same_noise_by_day_is_no_night_noise() -> None:
    state = _state("LAeq", noise_class=1)
    noise = [67.0 + (i % 2) / 10 for i in range(130)]
    assert _feed(state, _every_10_s("d-1/LAeq", 0.0, noise)) == []


def test_a_limit_changes_with_its_date() -> None:
    """170 ug/m3 of fine particles lie 95 over the 75 of 2012 and 110 over the 60 of March 2026; blue begins at 90."""
    state = _state("pm25")
    days = 60 * 24 * HOUR  # T0 is 2026-01-01
    values = [160.0 + (i % 7) for i in range(130)]  # 85 to 91 over the old limit, 100 to 106 over the new one
    assert _feed(state, _every_10_s("d-1/pm25", 0.0, values)) == []
    assert [name for name, *_ in _feed(state, _every_10_s("d-1/pm25", days, values))] == ["pm25-high"]


def test_two_devices_must_agree_on_radiation() -> None:
    unit = Unit(unit_id=UNIT, kind="building", name_zh="楼", name_en="B")
    alone = partition(registry([device("g-1", "dose_rate"), device("g-2", "dose_rate")], [unit]))
    assert _feed(alone, _every_10_s("g-1/dose_rate", 0.0, [90.0, *[400.0 + i for i in range(20)]])) == []
    both = partition(registry([device("g-1", "dose_rate"), device("g-2", "dose_rate")], [unit]))
    found = []
    for i in range(20):
        readings = [("g-1/dose_rate", 10.0 * i, 300.0 + i), ("g-2/dose_rate", 10.0 * i + 1, 310.0 + i)]
        found += anomalies(both.fold([pack(*readings, offset=i), *until(10.0 * i)]))
    assert [(one.detector, one.phase, one.subject) for one in found] == [("dose-agree", "onset", UNIT)]
