"""Limits of single series: onset, up and down with hysteresis, clear after good readings, never by silence."""

from __future__ import annotations

from schemas import channels
from streams.sense.anomalies import OpenAnomalies
from tests.streams.sense.builders import (
    anomalies,
    device,
    judged,
    pack,
    partition,
    phases,
    register,
    registry,
    until,
    when,
)

CH4 = "gas-1/ch4"


def told(*values: float) -> list[tuple[str, str, float]]:
    """Return what one series' values, a second apart, give."""
    return phases(partition().fold([pack(*[(CH4, float(i), value) for i, value in enumerate(values)])]))


def test_an_anomaly_begins_at_the_first_limit() -> None:
    assert told(2_499.0) == []
    assert told(2_500.0) == [("limit", "onset", 2.0)]


def test_it_tells_each_level_that_is_reached_once() -> None:
    assert told(2_500.0, 3_000.0, 5_000.0, 6_000.0, 10_000.0) == [
        ("limit", "onset", 2.0),
        ("limit", "update", 3.0),
        ("limit", "update", 4.0),
    ]


def test_a_level_ends_only_below_its_limit_by_the_hysteresis() -> None:
    assert told(5_000.0, 4_999.0, 4_501.0)[1:] == []
    assert told(5_000.0, 4_400.0)[1:] == [("limit", "update", 2.0 + 2_400.0 / 2_500.0)]


def test_it_clears_after_two_good_readings_below_the_hysteresis() -> None:
    assert told(2_600.0, 1_999.0) == [("limit", "onset", 2.04)]
    assert told(2_600.0, 1_999.0, 1_998.0)[1:] == [("limit", "clear", 0.0)]
    assert told(2_600.0, 2_100.0, 2_100.0, 2_100.0)[1:] == []  # below the limit, within the hysteresis


def test_a_reading_that_is_not_well_begins_the_count_anew() -> None:
    assert told(2_600.0, 1_000.0, 2_400.0, 1_000.0)[1:] == []
    assert told(2_600.0, 1_000.0, 2_400.0, 1_000.0, 1_000.0)[1:] == [("limit", "clear", 0.0)]


def test_silence_never_clears() -> None:
    state = partition()
    state.fold([pack((CH4, 0.0, 3_000.0))])
    assert [one for one in anomalies(state.fold(until(1_000_000.0))) if one.detector == "limit"] == []


def test_a_value_outside_the_physical_range_has_quality_0_and_neither_raises_nor_clears() -> None:
    state = partition()
    found = state.fold([pack((CH4, 0.0, 200_000.0), (CH4, 1.0, 3_000.0), (CH4, 2.0, -1.0), (CH4, 3.0, -2.0))])
    assert phases(found) == [("limit", "onset", 2.2)]
    (columns,) = [one.readings for one in judged(found) if one.readings is not None]
    assert columns.quality[:4] == columns.quality[8:12] == columns.quality[12:] == b"\0\0\0\0"
    assert anomalies(found)[0].quality < 1.0


def test_a_boolean_alarm_has_the_colour_of_its_level() -> None:
    found = partition().fold([pack(("lift-1/lift_fault", 0.0, False), ("lift-1/lift_fault", 1.0, True))])
    (one,) = anomalies(found)
    assert (one.subject, one.kind, one.quantity, one.scenario, one.score) == (
        "lift-1",
        "range",
        "lift_fault",
        "lift-fault",
        3.0,
    )
    assert (one.onset, one.time) == (when(1.0), when(1.0))


def test_evidence_says_where_the_reading_lies_and_a_clear_which_ones_verify_it() -> None:
    state = partition()
    (onset,) = anomalies(state.fold([pack((CH4, 0.0, 3_000.0), offset=4)]))
    (clear,) = anomalies(state.fold([pack((CH4, 1.0, 10.0), offset=5), pack((CH4, 2.0, 11.0), offset=6)]))
    assert [(e.topic, e.partition, e.offset, e.name, e.value) for e in onset.evidence] == [
        (channels.READINGS, 0, 4, CH4, 3_000.0)
    ]
    assert [(e.offset, e.time, e.value) for e in clear.evidence] == [(5, when(1.0), 10.0), (6, when(2.0), 11.0)]
    assert (clear.id, clear.onset) == (onset.id, when(0.0))


def test_an_older_reading_changes_nothing_of_an_open_anomaly() -> None:
    assert phases(partition().fold([pack((CH4, 5.0, 3_000.0), (CH4, 3.0, 50_000.0), (CH4, 4.0, 1.0))])) == [
        ("limit", "onset", 2.2)
    ]


def test_an_older_reading_does_not_begin_again_what_has_ended() -> None:
    state = partition()
    state.fold([pack((CH4, 2.0, 3_000.0), (CH4, 4.0, 1.0), (CH4, 5.0, 1.0))])
    assert phases(state.fold([pack((CH4, 2.0, 3_000.0), (CH4, 3.0, 3_000.0))])) == []
    assert phases(state.fold([pack((CH4, 6.0, 3_000.0))])) == [("limit", "onset", 2.2)]


def test_ends_are_forgotten_when_nothing_can_come_before_them() -> None:
    state = partition()
    state.fold([pack((CH4, 2.0, 3_000.0), (CH4, 4.0, 1.0), (CH4, 5.0, 1.0))])
    assert [name for name, block in state.changed_blocks().items() if name.startswith("anomalies")] != []
    state.fold(until(6.0))
    changed = {name: block for name, block in state.changed_blocks().items() if name.startswith("anomalies")}
    assert list(changed.values()) == [b""]
    assert len(OpenAnomalies()) == 0


def test_a_second_time_is_another_anomaly() -> None:
    found = anomalies(partition().fold([pack(*[(CH4, i, v) for i, v in enumerate((3_000.0, 1.0, 1.0, 3_000.0))])]))
    assert [one.phase for one in found] == ["onset", "clear", "onset"]
    assert found[0].id == found[1].id != found[2].id


def test_series_of_one_pack_do_not_touch_each_other() -> None:
    names = ("gas-1/ch4", "gas-2/ch4", "gas-1/co")
    found = partition().fold([pack(*[(name, float(i), 450.0) for i in range(3) for name in names])])
    assert [(one.subject, one.quantity) for one in anomalies(found)] == [("gas-1", "co")]


def test_a_device_in_another_mode_has_anomalies_of_its_own() -> None:
    view = registry()
    state = partition(view)
    (onset,) = anomalies(state.fold([pack((CH4, 0.0, 3_000.0))]))
    register(view, device("gas-1", "ch4", "co", mode="exercise"))
    drill = anomalies(state.fold([pack((CH4, 1.0, 1.0), (CH4, 2.0, 1.0), (CH4, 3.0, 3_000.0))]))
    assert [(one.mode, one.phase) for one in drill] == [("exercise", "onset")]  # a drill clears nothing that is real
    assert drill[0].id != onset.id
    register(view, device("gas-1", "ch4", "co"))
    found = anomalies(state.fold([pack((CH4, 4.0, 1.0), (CH4, 5.0, 1.0))]))
    assert [(one.id, one.mode, one.phase) for one in found] == [(onset.id, "actual", "clear")]
