"""Sensors themselves: stuck, out of range, silent; one alone, a unit's link, or meters that lose their supply."""

from __future__ import annotations

import random

import pytest

from schemas.anomalies import Anomaly
from schemas.catalogue import Catalogue
from schemas.registry import Unit
from streams.delivery.records import Record
from streams.sense.partition import SensePartition
from tests.streams.sense.builders import CATALOGUE, UNIT, anomalies, device, pack, partition, registry, until

OTHER = "hp.nanjing-east.g03.other"
DEVICES = (
    *(device(f"m-{i}", "voltage") for i in range(1, 4)),
    *(device(f"n-{i}", "LAeq") for i in range(1, 4)),
    *(device(f"o-{i}", "temperature", unit_id=OTHER) for i in range(1, 5)),
)
# Silent after six of their intervals, so that a test takes minutes and not quarters of an hour.
QUANTITIES = {name: one.model_copy(update={"dead_after": 6.0}) for name, one in CATALOGUE.quantities.items()}
IMPATIENT = CATALOGUE.model_copy(update={"quantities": QUANTITIES})
SOON = {name: one.model_copy(update={"dead_after": 2.0}) for name, one in CATALOGUE.quantities.items()}
NAMES = [f"{one.device_id}/{one.quantities[0]}" for one in DEVICES]


def _state(catalogue: Catalogue = IMPATIENT) -> SensePartition:
    units = [Unit(unit_id=u, kind="building", name_zh="楼", name_en="B") for u in (UNIT, OTHER)]
    return partition(registry(DEVICES, units), catalogue=catalogue)


def _minute(start: float, silent: set[str], seed: int = 0) -> list[Record]:
    """Return a minute of readings of all devices every 10 s, but those that are silent."""
    rng = random.Random(start + seed)
    found = []
    for step in range(6):
        now = start + 10.0 * step
        for key, prefix in ((UNIT, ("m-", "n-")), (OTHER, ("o-",))):
            readings = [
                (name, now, {"voltage": 220.0, "LAeq": 55.0, "temperature": 20.0}[name.split("/")[1]] + rng.random())
                for name in NAMES
                if name.startswith(prefix) and name.split("/")[0] not in silent
            ]
            if readings:
                found.append(pack(*readings, key=key.encode(), offset=round(now)))
        found += until(now)
    return found


def _told(*silences: set[str]) -> list[Anomaly]:
    state = _state()
    return [one for m, silent in enumerate(silences) for one in anomalies(state.fold(_minute(60.0 * m, silent)))]


def _short(found: list[Anomaly]) -> list[tuple[str, str, str]]:
    return [(one.detector, one.subject, one.phase) for one in found]


def test_a_device_that_falls_silent_is_dead_and_one_that_speaks_again_is_well() -> None:
    found = _told(set(), {"n-1"}, {"n-1"}, set())
    assert _short(found) == [("silence", "n-1", "onset"), ("silence", "n-1", "clear")]
    assert (found[0].kind, found[0].scenario, found[0].score) == ("dead", "sensor-fault", 1.0)


def test_a_gap_of_two_readings_is_nothing() -> None:
    state = _state()
    found = anomalies(state.fold(_minute(0.0, set())))
    for now in (80.0, 90.0):
        found += anomalies(state.fold([pack(("n-1/LAeq", now, 50.0 + now)), *until(now)]))
    assert found == []


def test_meters_that_fall_silent_together_have_no_supply_and_are_not_broken() -> None:
    found = _told(set(), {"m-1", "m-2"}, {"m-1", "m-2"}, set(), set())
    assert _short(found) == [("silence:voltage", UNIT, "onset"), ("silence:voltage", UNIT, "clear")]
    assert (found[0].scenario, found[0].score) == ("power-fault", 3.0)


def test_one_meter_alone_is_broken() -> None:
    assert _short(_told(set(), {"m-1"}, {"m-1"})) == [("silence", "m-1", "onset")]


def test_a_unit_that_is_silent_as_a_whole_has_lost_its_link_and_none_of_its_sensors() -> None:
    everybody = {"o-1", "o-2", "o-3", "o-4"}
    found = _told(set(), everybody, everybody, set(), set())
    assert _short(found) == [("link", OTHER, "onset"), ("link", OTHER, "clear")]
    assert found[0].kind == "gap"


def test_where_nobody_speaks_nobody_is_dead() -> None:
    state = _state()
    found = anomalies(state.fold(_minute(0.0, set())))
    found += anomalies(state.fold(until(7_200.0)))
    found += anomalies(state.fold(_minute(7_200.0, set())))  # they come back one after another, and are not accused
    assert found == []


def test_what_was_told_survives_a_restart() -> None:
    state = _state()
    state.fold([*_minute(0.0, set()), *_minute(60.0, {"n-1"}), *_minute(120.0, {"n-1"})])
    fresh = _state()
    fresh.restore(state.changed_blocks())
    expected = _short(anomalies(state.fold([*_minute(180.0, {"n-1", "o-2"}), *_minute(240.0, {"o-2"})])))
    found = _short(anomalies(fresh.fold([*_minute(180.0, {"n-1", "o-2"}), *_minute(240.0, {"o-2"})])))
    assert found == expected
    assert sorted(found) == [("silence", "n-1", "clear"), ("silence", "o-2", "onset")]


@pytest.mark.parametrize("size", [1, 4, 7, 23])
def test_restarts_change_nothing_while_devices_fall_silent_and_speak_again(size: int) -> None:
    """A worker that has just loaded its state knows of silent devices what the one before it knew."""
    catalogue = CATALOGUE.model_copy(update={"quantities": SOON})
    silences: list[set[str]] = [set(), {"m-1", "m-2", "n-1"}, set(), {"o-1", "o-2", "o-3", "o-4"}, set()]
    log = [record for m, silent in enumerate(silences) for record in _minute(60.0 * m, silent)]
    state, blocks, found = _state(catalogue), dict[str, bytes](), list[Anomaly]()
    for i in range(0, len(log), size):
        found += anomalies(state.fold(log[i : i + size]))
        blocks |= state.changed_blocks()
        state = _state(catalogue)
        state.restore({name: block for name, block in blocks.items() if block})
    expected = anomalies(_state(catalogue).fold(log))
    assert {one.detector for one in expected} == {"silence", "silence:voltage", "link"}
    assert found == expected


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_batches_change_nothing(size: int) -> None:
    silences: list[set[str]] = [
        set(),
        {"m-1", "m-2", "o-1"},
        {"n-1"},
        set(),
        {"o-1", "o-2", "o-3", "o-4"},
        set(),
        set(),
    ]
    log = [record for m, silent in enumerate(silences) for record in _minute(60.0 * m, silent)]
    state, whole = _state(), _state()
    found = [one for i in range(0, len(log), size) for one in anomalies(state.fold(log[i : i + size]))]
    assert found == anomalies(whole.fold(log))


def test_a_stuck_sensor_is_told_and_trusted_again_after_some_twenty_readings() -> None:
    state = _state()
    stuck = [pack(("n-1/LAeq", 10.0 * i, 50.0), ("n-2/LAeq", 10.0 * i, 50.0 + i % 7), offset=i) for i in range(40)]
    found = [one for one in anomalies(state.fold(stuck)) if one.detector == "stuck"]
    assert [(one.subject, one.phase, one.kind) for one in found] == [("n-1", "onset", "stuck")]
    moves = [pack(("n-1/LAeq", 400.0 + 10 * i, 50.0 + i % 7), offset=100 + i) for i in range(30)]
    found = [one for one in anomalies(state.fold(moves)) if one.detector == "stuck"]
    assert [one.phase for one in found] == ["clear"]
    assert found[0].quality >= 0.8


def test_readings_beyond_the_physical_range_are_a_sensor_s_fault() -> None:
    state = _state()
    beyond = [pack(("n-1/LAeq", 10.0 * i, 150.0 + i), offset=i) for i in range(10)]
    found = [one for one in anomalies(state.fold(beyond)) if one.detector == "out-of-range"]
    assert [(one.subject, one.phase, one.score) for one in found] == [("n-1", "onset", 1.0)]
