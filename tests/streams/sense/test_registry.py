"""What the registry says decides: from when it is valid, after changes, and no more once it is gone."""

from __future__ import annotations

from schemas import channels
from schemas.registry import Unit, Zone
from tests.streams.sense.builders import (
    SQUARE,
    UNIT,
    counted,
    crowd,
    device,
    indicators,
    judged,
    pack,
    partition,
    reasons,
    register,
    registry,
    until,
    video,
    when,
)

AIR = "air-1/pm25"


def test_a_device_is_unknown_before_it_is_valid() -> None:
    state = partition(registry([device("air-1", "pm25", valid_from=when(0.0))]))
    assert reasons(state.fold([pack((AIR, -1.0, 20.0), (AIR, 0.0, 20.0))])) == ["unknown_device"]
    assert state.counters[channels.READINGS]["judged"] == 1


def test_a_reading_is_judged_by_what_was_valid_at_its_time() -> None:
    view = registry([device("air-1", "pm25"), device("air-1", "LAeq", mode="test", valid_from=when(100.0))])
    state = partition(view)
    found = state.fold([pack((AIR, 99.0, 20.0), (AIR, 100.0, 20.0), ("air-1/LAeq", 99.5, 50.0))])
    assert reasons(found) == ["unknown_quantity", "unknown_quantity"]
    found = state.fold([pack((AIR, 99.5, 20.0), ("air-1/LAeq", 100.0, 50.0))])
    (columns,) = [one.readings for one in judged(found) if one.readings is not None]
    assert (columns.series, columns.modes) == ((AIR, "air-1/LAeq"), ("actual", "test"))


def test_a_record_that_is_valid_later_does_not_act_yet() -> None:
    view = registry([device("air-1", "pm25"), device("air-1", "pm25", unit_id=SQUARE, valid_from=when(100.0))])
    state = partition(view)
    assert counted(state.fold([pack((AIR, 99.0, 20.0))])) == 1
    assert reasons(state.fold([pack((AIR, 101.0, 20.0))])) == ["unknown_device"]
    assert counted(state.fold([pack((AIR, 102.0, 20.0), key=SQUARE.encode())])) == 1


def test_a_series_may_change_its_mode_in_the_middle_of_a_pack() -> None:
    view = registry([device("air-1", "pm25"), device("air-1", "pm25", mode="exercise", valid_from=when(10.0))])
    found = partition(view).fold([pack((AIR, 9.0, 20.0), (AIR, 10.0, 30.0)), *until(60.0)])
    (columns,) = [one.readings for one in judged(found) if one.readings is not None]
    assert (columns.series, columns.modes) == ((AIR, AIR), ("actual", "exercise"))
    assert columns.index == b"\0\0\1\0"
    assert {(one.mode, one.value) for one in indicators(found)} == {("actual", 20.0), ("exercise", 30.0)}


def test_a_change_of_a_device_takes_effect_with_the_next_batch() -> None:
    view = registry()
    state = partition(view)
    state.fold([pack((AIR, 0.0, 20.0))])
    register(view, device("air-1", "pm25", mode="exercise"))
    (found,) = judged(state.fold([pack((AIR, 1.0, 20.0))]))
    assert found.readings is not None
    assert found.readings.modes == ("exercise",)


def test_the_registry_s_mode_wins_over_the_header_s() -> None:
    (found,) = judged(partition().fold([pack((AIR, 1.0, 20.0), mode="exercise")]))
    assert found.readings is not None
    assert found.readings.modes == ("actual",)


def test_a_device_that_is_removed_is_unknown() -> None:
    view = registry()
    state = partition(view)
    state.fold([pack((AIR, 0.0, 20.0))])
    view.apply(channels.REGISTRY_DEVICES, b"air-1", b"")
    assert reasons(state.fold([pack((AIR, 1.0, 20.0))])) == ["unknown_device"]
    register(view, device("air-1", "pm25"))
    assert counted(state.fold([pack((AIR, 2.0, 20.0))])) == 1


def test_a_new_owner_alone_may_speak_for_a_device() -> None:
    view = registry()
    state = partition(view)
    state.fold([pack((AIR, 0.0, 20.0), ident="a")])
    register(view, device("air-1", "pm25", gateway_id="gw-2"))
    assert reasons(state.fold([pack((AIR, 1.0, 20.0), ident="b")])) == ["not_owner"]
    assert counted(state.fold([pack((AIR, 2.0, 20.0), ident="c", source="urn:vitals:gateway:gw-2")])) == 1


def test_zones_hold_from_when_their_unit_is_valid() -> None:
    view = registry()
    zones = (Zone(zone_id="west", area_m2=10.0),)
    unit = Unit(unit_id=SQUARE, kind="shops", name_zh="x", name_en="x", zones=zones, valid_from=when(100.0))
    register(view, unit)
    state = partition(view)
    assert reasons(state.fold([crowd(99.0, 5, zone="west")])) == ["unknown_place"]
    assert counted(state.fold([crowd(100.0, 5, zone="west")])) == 1
    assert counted(state.fold([crowd(99.0, 5, zone="north")])) == 1
    assert reasons(state.fold([crowd(100.0, 5, zone="north")])) == ["unknown_place"]


def test_a_camera_is_a_device_with_the_quantity_video() -> None:
    view = registry()
    state = partition(view)
    assert counted(state.fold([video(0.0, 5)])) == 1
    view.apply(channels.REGISTRY_DEVICES, b"cam-1", b"")
    assert reasons(state.fold([video(1.0, 5)])) == ["unknown_device"]


def test_coverage_is_the_share_of_what_the_registered_devices_should_send() -> None:
    view = registry([device("a-1", "pm25"), device("a-2", "pm25", interval_s=30.0), device("a-3", "pm25", mode="test")])
    readings = [("a-1/pm25", float(i), 20.0) for i in range(3)] + [("a-2/pm25", 3.0, 20.0)]
    found = partition(view).fold([pack(*readings), *until(60.0)])
    assert [(one.n, one.coverage) for one in indicators(found)] == [(4, 0.5)]


def test_devices_of_another_unit_do_not_count() -> None:
    view = registry([device("a-1", "pm25"), device("a-2", "pm25", unit_id=SQUARE, interval_s=1.0)])
    found = partition(view).fold([pack(*[("a-1/pm25", 10.0 * i, 20.0) for i in range(6)]), *until(60.0)])
    assert [(one.unit_id, one.coverage) for one in indicators(found)] == [(UNIT, 1.0)]
