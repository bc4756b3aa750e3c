"""Event time in sense: watermarks of their own topics, lateness, revisions, backfill, repeats, windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import pytest

from schemas import channels
from schemas.times import parse_time
from streams.delivery.records import Effect, Record
from tests.streams.sense.builders import (
    DISORDER_S,
    GRACE_S,
    SQUARE,
    anomalies,
    at,
    counted,
    crowd,
    indicators,
    judged,
    pack,
    partition,
    phases,
    promises,
    reasons,
    record,
    report,
    tick,
    unit_scores,
    until,
    video,
    when,
)

LIFT = "lift-1/lift_fault"


def values(effects: Iterable[Effect]) -> dict[str, tuple[float, int]]:
    """Return value and revision of each indicator, the last of each."""
    return {one.indicator: (one.value, one.revision) for one in indicators(effects)}


@pytest.mark.parametrize("topic", channels.SOURCES)
def test_a_tick_moves_the_watermark_of_its_own_topic_only(topic: str) -> None:
    state = partition()
    state.fold([tick(topic, 100.0)])
    assert state.watermark == 0
    state.fold([tick(other, 200.0) for other in channels.SOURCES if other != topic])
    assert state.watermark == at(100.0)


def test_rows_move_the_watermark_of_their_own_topic_by_their_time_minus_the_disorder() -> None:
    state = partition()
    state.fold([pack(("air-1/pm25", 50.0, 20.0)), crowd(50.0, 5), video(50.0, 5), report(50.0)])
    assert state.watermark == at(50.0 - DISORDER_S)


def test_a_clock_that_is_ahead_does_not_move_the_watermark_past_the_broker_s() -> None:
    state = partition()
    state.fold([tick(topic, 500.0, append_s=50.0) for topic in channels.SOURCES])
    assert state.watermark == at(50.0 - DISORDER_S)


def test_refused_rows_and_repeats_move_no_watermark() -> None:
    state = partition()
    state.fold([pack(("nobody/pm25", 50.0, 20.0)), crowd(50.0, 5, zone="moon"), video(50.0, 5, "x"), report(50.0, "x")])
    assert state.watermark == 0


def test_lateness_is_judged_by_the_record_s_own_topic() -> None:
    state = partition()
    state.fold([tick(channels.READINGS, 1_000.0)])
    assert phases(state.fold([pack((LIFT, 999.0, True))])) == []  # late, though no other topic has moved
    state = partition()
    state.fold([tick(topic, 1_000.0) for topic in channels.SOURCES if topic != channels.READINGS])
    assert phases(state.fold([pack((LIFT, 1.0, True))])) == [("limit", "onset", 3.0)]  # on time, though all others have


def test_what_comes_at_the_watermark_is_on_time() -> None:
    state = partition()
    state.fold([tick(channels.READINGS, 100.0)])
    assert phases(state.fold([pack((LIFT, 100.0, True))])) == [("limit", "onset", 3.0)]


MADE: dict[str, Callable[[float], Record]] = {
    channels.READINGS: lambda seconds: pack(("air-1/pm25", seconds, 20.0), offset=7),
    channels.CROWD: lambda seconds: crowd(seconds, 5, offset=7),
    channels.VIDEO: lambda seconds: video(seconds, 5, offset=7),
    channels.REPORTS: lambda seconds: report(seconds, offset=7),
}


@pytest.mark.parametrize("topic", channels.SOURCES)
def test_rows_after_the_grace_period_are_set_aside(topic: str) -> None:
    state = partition()
    state.fold([tick(topic, 1_000.0)])
    just = state.fold([MADE[topic](1_000.0 - GRACE_S)])
    assert (counted(just), counted(just, channels.LATE)) == (1, 0)
    older = state.fold([MADE[topic](999.0 - GRACE_S)])
    assert (counted(older), counted(older, channels.LATE)) == (0, 1)
    (late,) = judged(older, channels.LATE)
    assert (late.source, late.offset, late.total) == (topic, 7, 0)


@pytest.mark.parametrize("topic", channels.SOURCES)
def test_a_row_may_be_five_minutes_ahead_of_its_record_and_not_a_millisecond_more(topic: str) -> None:
    made: dict[str, Callable[[float], Record]] = {
        channels.READINGS: lambda seconds: pack(("air-1/pm25", seconds, 20.0), append_s=0.0),
        channels.CROWD: lambda seconds: crowd(seconds, 5, append_s=0.0),
        channels.VIDEO: lambda seconds: video(seconds, 5, append_s=0.0),
        channels.REPORTS: lambda seconds: report(seconds, append_s=0.0),
    }
    state = partition()
    assert reasons(state.fold([made[topic](300.001)])) == ["future"]
    found = state.fold([made[topic](300.0), *until(0.0)])
    assert (counted(found), reasons(found)) == (1, [])
    # Nor does it move the watermark further than the broker's own clock.
    assert counted(state.fold([made[topic](0.0 - DISORDER_S)]), channels.LATE) == 0


def test_a_period_that_ends_with_1970_is_judged_like_any_other() -> None:
    row = {"zone_id": "north", "source": "gate", "time": "1970-01-01T00:00:00Z", "people_in": 5}
    one = record(channels.CROWD, msgspec.json.encode([row]), 0.0, key=SQUARE.encode())
    assert counted(partition().fold([one])) == 1


def test_a_late_row_within_the_grace_period_revises_its_window() -> None:
    state = partition()
    first = state.fold([pack(("air-1/pm25", 5.0, 20.0)), *until(60.0)])
    assert values(first)["fine_particles"] == (20.0, 0)
    second = state.fold([pack(("air-1/pm25", 8.0, 40.0))])
    assert values(second)["fine_particles"] == (30.0, 1)
    assert [scores.revision for scores in unit_scores(second)] == [1]


def test_a_late_row_neither_raises_nor_clears() -> None:
    state = partition()
    state.fold(until(100.0))
    assert phases(state.fold([pack((LIFT, 99.0, True))])) == []
    state.fold([pack((LIFT, 101.0, True))])
    state.fold(until(200.0))
    assert phases(state.fold([pack((LIFT, 150.0, False), (LIFT, 151.0, False), (LIFT, 152.0, False))])) == []


def test_late_readings_do_not_enter_rules() -> None:
    state = partition()
    state.fold([tick(channels.READINGS, 50.0)])
    found = state.fold([pack(("gas-1/ch4", 20.0, 3_000.0), ("gas-2/ch4", 21.0, 3_000.0)), *until(60.0)])
    assert values(found)["methane_max"] == (3_000.0, 0)
    assert anomalies(found) == []


def test_late_crowd_rows_do_not_enter_rules_but_the_indicators() -> None:
    state = partition()
    found = state.fold([crowd(30.0, 10), tick(channels.CROWD, 50.0), crowd(40.0, 600), video(20.0, 5)])
    found += state.fold([tick(channels.VIDEO, 50.0), video(40.0, 900), *until(60.0)])
    assert values(found)["crowd_density"] == (6.0, 0)
    assert values(found)["person_count"] == (900.0, 0)
    assert anomalies(found) == []


def test_a_backfill_is_stored_and_scored_and_raises_nothing() -> None:
    state = partition()
    state.fold(until(0.0))
    readings = [("gas-1/ch4", 20.0, 12_000.0), ("gas-2/ch4", 21.0, 12_000.0), (LIFT, 20.0, True)]
    found = state.fold([pack(*readings, backfill=True), crowd(20.0, 900, backfill=True), *until(60.0)])
    assert counted(found) == 4
    assert all(one.backfill for one in judged(found))
    assert values(found)["methane_max"] == (12_000.0, 0)
    assert values(found)["crowd_density"] == (9.0, 0)
    assert anomalies(found) == []


def test_a_backfill_is_never_too_late() -> None:
    state = partition()
    state.fold(until(100_000.0))
    found = state.fold([pack(("air-1/pm25", 5.0, 20.0), backfill=True), crowd(5.0, 5, backfill=True)])
    assert (counted(found), counted(found, channels.LATE)) == (2, 0)
    assert indicators(found) == []  # of a window that is closed for good


def test_a_backfill_into_windows_that_are_gone_is_counted_as_unscored() -> None:
    state = partition()
    state.fold(until(100_000.0))
    state.fold([pack(("air-1/pm25", 5.0, 20.0), ("air-1/pm25", 99_999.0, 20.0), backfill=True), crowd(5.0, 5)])
    assert state.rows == {
        (channels.READINGS, "judged"): 2,
        (channels.READINGS, "unscored"): 1,
        (channels.CROWD, "late"): 1,
    }


def test_what_was_set_aside_as_late_can_come_as_a_backfill() -> None:
    state = partition()
    state.fold([tick(channels.READINGS, 1_000.0)])
    assert counted(state.fold([pack(("air-1/pm25", 5.0, 20.0))]), channels.LATE) == 1
    assert counted(state.fold([pack(("air-1/pm25", 5.0, 20.0), backfill=True)])) == 1


def test_a_record_that_comes_again_is_a_duplicate_row_by_row() -> None:
    state = partition()
    first = pack(("air-1/pm25", 0.0, 20.0), ("air-1/LAeq", 0.0, 50.0), ("nobody/pm25", 0.0, 1.0), ident="a")
    state.fold([first, first])
    expected = {"in": 6, "judged": 2, "late": 0, "dead": 1, "duplicate": 3}
    assert state.counters[channels.READINGS] == expected


def test_the_same_id_in_another_mode_or_topic_is_no_repeat() -> None:
    state = partition()
    state.fold([crowd(0.0, 5, ident="a"), video(0.0, 5, ident="a"), crowd(0.0, 5, ident="a", mode="exercise")])
    assert state.counters[channels.CROWD]["judged"] == 2
    assert state.counters[channels.VIDEO]["judged"] == 1


def test_a_reading_like_the_last_of_its_series_is_a_duplicate_and_another_value_a_conflict() -> None:
    state = partition()
    state.fold([pack(("air-1/pm25", 0.0, 20.0))])
    found = state.fold([pack(("air-1/pm25", 0.0, 20.0), ("air-1/LAeq", 0.0, 50.0))])
    assert state.counters[channels.READINGS]["duplicate"] == 1
    assert counted(found) == 1
    assert reasons(state.fold([pack(("air-1/pm25", 0.0, 21.0))])) == ["conflict"]


def test_windows_close_in_order_of_their_ends_however_far_the_watermark_jumps() -> None:
    state = partition()
    found = [crowd(30.0, 320), crowd(90.0, 600), crowd(90.0, 600, zone="south"), crowd(150.0, 450)]
    effects = state.fold([*found, *until(200.0)])
    assert [one.window_start for one in unit_scores(effects)] == [when(0.0), when(60.0), when(120.0)]
    assert [(one.subject, one.phase, one.time) for one in anomalies(effects)] == [
        ("north", "onset", when(60.0)),
        ("north", "update", when(120.0)),
        ("south", "onset", when(120.0)),
        ("north", "update", when(180.0)),
    ]


def test_a_window_closes_when_the_watermark_reaches_its_end() -> None:
    state = partition()
    assert indicators(state.fold([pack(("air-1/pm25", 5.0, 20.0)), *until(59.999)])) == []
    assert values(state.fold(until(60.0)))["fine_particles"] == (20.0, 0)


def test_a_window_waits_for_the_slowest_topic() -> None:
    state = partition()
    state.fold([pack(("air-1/pm25", 5.0, 20.0))])
    ticks = until(60.0)
    assert indicators(state.fold(ticks[:-1])) == []
    assert indicators(state.fold(ticks[-1:])) != []


def test_a_period_that_ends_with_a_window_belongs_to_it() -> None:
    found = partition().fold([crowd(60.0, 200), *until(60.0)])
    assert values(found)["crowd_density"] == (2.0, 0)


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_row_at_the_end_of_a_window_does_not_depend_on_whether_others_let_it_close(is_closed: bool) -> None:
    state = partition()
    state.fold([crowd(30.0, 10), tick(channels.CROWD, 60.0), *until(60.0)[: 4 if is_closed else 0]])
    found = state.fold([crowd(60.0, 900)])  # on time by its own topic, but of a window that may have closed
    found += state.fold(until(60.0))
    assert anomalies(found) == []


@pytest.mark.parametrize("is_far", [True, False])
def test_a_row_where_the_grace_period_begins_still_finds_its_window(is_far: bool) -> None:
    state = partition()
    state.fold([crowd(30.0, 10, zone="south"), *until(60.0)])
    state.fold([tick(channels.CROWD, 60.0 + GRACE_S), *until(60.0 + GRACE_S)[: 4 if is_far else 0]])
    found = state.fold([crowd(60.0, 900)]) + state.fold(until(60.0 + GRACE_S))
    (dense,) = [one for one in indicators(found) if one.indicator == "crowd_density"]
    assert [(one.name, one.value) for one in dense.contributors] == [("north", 9.0), ("south", 0.05)]


def test_the_watermark_is_promised_to_every_district_partition_after_what_it_promises() -> None:
    state = partition()
    effects = state.fold([crowd(30.0, 900), *until(60.0)])
    topics = [effect.topic for effect in effects]
    assert promises(effects) == promises(effects, channels.UNIT_SCORES) == [at(60.0)]
    assert topics[-8:] == [channels.UNIT_SCORES] * 4 + [channels.ANOMALIES] * 4
    assert [effect.partition for effect in effects[-4:]] == [0, 1, 2, 3]
    assert promises(state.fold(until(60.5))) == []  # a promise a second is enough


def test_what_follows_a_promise_is_not_earlier() -> None:
    state = partition()
    effects = state.fold(until(100.0))
    effects += state.fold([pack((LIFT, 100.0, True))])
    assert promises(effects) == [at(100.0)]
    assert [parse_time(one.time) for one in anomalies(effects)] == [at(100.0)]
