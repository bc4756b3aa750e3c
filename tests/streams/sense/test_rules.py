"""Patterns that join rows: gas that rises or that two devices agree on, crowds by density, inflow and video."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from schemas.anomalies import Anomaly
from streams.delivery.records import Record
from streams.pace import Pace
from streams.sense.rules import bind_rules
from tests.streams.sense.builders import (
    CATALOGUE,
    SQUARE,
    anomalies,
    at,
    crowd,
    device,
    pack,
    partition,
    registry,
    tick,
    until,
    video,
    when,
)

GAS_1, GAS_2 = "gas-1/ch4", "gas-2/ch4"


def of(detector: str, *batches: Sequence[Record]) -> list[Anomaly]:
    """Return what one detector says of some minutes, each followed by what closes it."""
    state = partition()
    found: list[Anomaly] = []
    for minute, batch in enumerate(batches, start=1):
        found += anomalies(state.fold([*batch, *until(60.0 * minute)]))
    return [one for one in found if one.detector == detector]


def test_gas_that_rises_over_its_level_is_told_of_its_device() -> None:
    (one,) = of("gas-rising", [pack((GAS_1, 10.0, 2_400.0), (GAS_1, 50.0, 2_700.0))])
    assert (one.subject, one.kind, one.scenario, one.score, one.time) == ("gas-1", "rule", "gas-leak", 3.0, when(60.0))
    assert one.value == pytest.approx(300.0 / 2_500.0)
    assert [(e.name, e.time, e.value) for e in one.evidence] == [(GAS_1, when(50.0), 2_700.0)]


@pytest.mark.parametrize(("first", "last"), [(1_000.0, 2_400.0), (2_600.0, 2_800.0), (3_000.0, 2_600.0)])
def test_gas_below_its_level_or_steady_is_not_rising(first: float, last: float) -> None:
    assert of("gas-rising", [pack((GAS_1, 10.0, first), (GAS_1, 50.0, last))]) == []


def test_a_rise_does_not_depend_on_the_order_of_arrival() -> None:
    found = [pack((GAS_1, seconds, value)) for seconds, value in ((50.0, 2_700.0), (45.0, 2_600.0), (41.0, 2_400.0))]
    (one,) = of("gas-rising", found)
    assert one.value == pytest.approx(300.0 / 2_500.0)


def test_steady_gas_over_its_level_ends_no_rise_but_two_readings_below_do() -> None:
    rising = [pack((GAS_1, 10.0, 2_400.0), (GAS_1, 50.0, 2_700.0))]
    steady = [pack((GAS_1, 70.0, 2_700.0), (GAS_1, 80.0, 2_700.0))]
    below = [pack((GAS_1, 130.0, 300.0), (GAS_1, 140.0, 300.0))]
    assert [(one.phase, one.time) for one in of("gas-rising", rising, steady, below)] == [
        ("onset", when(60.0)),
        ("clear", when(180.0)),
    ]


def test_a_minute_of_silence_clears_no_rule() -> None:
    rising = [pack((GAS_1, 10.0, 2_400.0), (GAS_1, 50.0, 2_700.0))]
    assert [one.phase for one in of("gas-rising", rising, [], [], [])] == ["onset"]


def test_one_good_reading_clears_no_rule() -> None:
    rising = [pack((GAS_1, 10.0, 2_400.0), (GAS_1, 50.0, 2_700.0))]
    assert [one.phase for one in of("gas-rising", rising, [pack((GAS_1, 70.0, 300.0))])] == ["onset"]
    found = of("gas-rising", rising, [pack((GAS_1, 70.0, 300.0))], [pack((GAS_1, 130.0, 300.0))])
    assert [one.phase for one in found] == ["onset", "clear"]


def test_two_devices_over_their_level_agree_on_the_unit() -> None:
    (one,) = of("gas-agree", [pack((GAS_1, 10.0, 2_600.0), (GAS_2, 20.0, 2_600.0))])
    assert (one.subject, one.unit_id, one.score, one.value) == (one.unit_id, one.unit_id, 4.0, 2.0)
    assert [e.name for e in one.evidence] == [GAS_1, GAS_2]


def test_two_quantities_of_one_device_are_one_voice() -> None:
    assert of("gas-agree", [pack((GAS_1, 10.0, 2_600.0), ("gas-1/co", 10.0, 50.0))]) == []


def test_it_is_the_last_reading_of_the_window_that_counts() -> None:
    assert of("gas-agree", [pack((GAS_1, 10.0, 2_600.0), (GAS_2, 20.0, 2_600.0), (GAS_2, 30.0, 100.0))]) == []


def test_agreement_ends_with_readings_below_the_level_as_its_evidence() -> None:
    agree = [pack((GAS_1, 10.0, 2_600.0), (GAS_2, 20.0, 2_600.0))]
    ended = [pack((GAS_1, 70.0, 2_600.0), (GAS_2, 70.0, 100.0), (GAS_2, 80.0, 100.0))]
    onset, clear = of("gas-agree", agree, ended)
    assert (onset.phase, clear.phase, clear.id) == ("onset", "clear", onset.id)
    assert [(e.name, e.value) for e in clear.evidence] == [(GAS_2, 100.0)]


def test_devices_of_a_drill_do_not_agree_with_real_ones() -> None:
    assert of("gas-agree", [pack((GAS_1, 10.0, 2_600.0), ("drill-1/ch4", 20.0, 9_000.0))]) == []


def test_a_rule_of_a_scenario_for_other_kinds_of_units_is_silent() -> None:
    view = registry(devices=[device("g-1", "ch4", unit_id=SQUARE), device("g-2", "ch4", unit_id=SQUARE)])
    state = partition(view)
    records = [pack(("g-1/ch4", 10.0, 2_600.0), ("g-2/ch4", 10.0, 2_600.0), key=SQUARE.encode()), *until(60.0)]
    assert {one.detector for one in anomalies(state.fold(records))} == {"limit"}


@pytest.mark.parametrize(
    ("persons", "severity"), [(199, None), (200, 1.0), (300, 2.0), (400, 3.0), (500, 4.0), (900, 4.0)]
)
def test_density_raises_the_levels_of_standing_crowds(persons: int, severity: float | None) -> None:
    found = of("crowd-density", [crowd(30.0, persons)])
    assert [one.score for one in found] == ([] if severity is None else [severity])
    assert all((one.kind, one.subject, one.value) == ("crowd", "north", persons / 100) for one in found)


def test_density_goes_down_again_with_hysteresis_and_clears_after_two_good_minutes() -> None:
    minutes = [(400,), (380,), (360,), (150,), (150,)]
    found = of("crowd-density", *[[crowd(60.0 * i + 30.0, *count)] for i, count in enumerate(minutes)])
    assert [(one.phase, one.time) for one in found] == [
        ("onset", when(60.0)),
        ("update", when(180.0)),
        ("clear", when(300.0)),
    ]


def test_counts_of_several_sources_are_fused() -> None:
    (one,) = of("crowd-density", [crowd(30.0, 300, counted_by="camera"), crowd(30.0, 200, counted_by="gate")])
    assert one.value == pytest.approx((300 / 0.1**2 + 200 / 0.05**2) / (1 / 0.1**2 + 1 / 0.05**2) / 100)


def test_inflow_counts_who_comes_less_who_goes_a_minute_and_square_metre() -> None:
    (one,) = of("crowd-inflow", [crowd(20.0, 250, flow=(60, 5)), crowd(40.0, 250, flow=(60, 5))])
    assert one.value == pytest.approx(1.1)
    assert one.score == 3.0


def test_people_who_stream_into_an_empty_place_are_no_risk() -> None:
    assert of("crowd-inflow", [crowd(20.0, 20, flow=(100, 0))]) == []
    assert len(of("crowd-inflow", [crowd(20.0, 200, flow=(100, 0))])) == 1


def test_inflow_without_any_count_is_judged_by_itself() -> None:
    assert [one.score for one in of("crowd-inflow", [crowd(20.0, flow=(100, 0))])] == [3.0]


def test_persons_in_view_of_all_cameras_of_a_zone_add_up() -> None:
    assert of("crowd-video", [video(30.0, 250)]) == []
    (one,) = of("crowd-video", [video(30.0, 250), video(40.0, 150, "cam-2"), video(45.0, 100, "cam-2")])
    assert (one.value, one.score, one.subject) == (4.0, 3.0, "north")


def test_a_camera_that_is_not_well_is_not_counted() -> None:
    assert of("crowd-video", [video(30.0, 900, health="blurred")]) == []


def test_at_another_clock_scale_rules_have_shorter_windows() -> None:
    state = partition(pace=Pace(60.0))
    found = anomalies(state.fold([crowd(5.0, 400), *until(10.0)]))
    assert [(one.detector, one.time) for one in found] == [("crowd-density", when(10.0))]


def test_anomalies_of_a_window_stand_in_the_log_before_the_watermark_that_passes_it() -> None:
    state = partition()
    effects = state.fold([crowd(30.0, 900), *until(60.0)[:3]])
    assert effects[-1].topic == "vitals.judged"
    effects = state.fold([tick("vitals.reports", 60.0)])
    assert [one.time for one in anomalies(effects[:3])] == [when(60.0)]
    assert state.watermark == at(60.0)


def test_a_rule_whose_limits_cannot_rise_is_refused_at_once() -> None:
    gas = CATALOGUE.quantities["ch4"]
    assert gas.levels is not None
    low = gas.model_copy(update={"levels": gas.levels.model_copy(update={"yellow": 0.0})})
    catalogue = CATALOGUE.model_copy(update={"quantities": {**CATALOGUE.quantities, "ch4": low}})
    with pytest.raises(ValueError, match="limits over 0"):
        bind_rules(catalogue)
