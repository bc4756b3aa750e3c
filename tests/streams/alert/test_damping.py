"""What comes back again and again stays one open alert and one case until it is quiet; no raise is held back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.times import SECOND_NS, parse_time
from streams.alert.damping import CEILING, FORGOTTEN, LIMIT, REUSE, Flaps, forget, returned
from streams.alert.lifecycle import TELL_S
from streams.alert.partition import AlertPartition
from streams.pace import Pace
from tests.streams.alert.builders import (
    CATALOGUE,
    FAR,
    action,
    anomaly,
    at,
    on_unit,
    partition,
    provisional,
    record,
    settled,
    until,
    when,
)
from tests.streams.dispatch import builders as dispatch

HALF_LIFE_NS = 900 * SECOND_NS
UNDAMPED = CATALOGUE.model_copy(
    update={
        "scenarios": {
            "lift-fault": CATALOGUE.scenarios["lift-fault"].model_copy(update={"flap_half_life_s": 0.0}),
        }
    }
)


def _flaps(*seconds: float) -> Flaps:
    flaps: Flaps | None = None
    for one in seconds:
        flaps = returned(flaps, at(one), HALF_LIFE_NS)
    assert flaps is not None
    return flaps


def _comes_and_goes(times: int, every: float, bad: float = 10.0, start: float = 0.0) -> list[Anomaly]:
    """Return an alarm that lasts ``bad`` seconds, so many times."""
    begins = [start + every * place for place in range(times)]
    return [
        phase for begin in begins for phase in (anomaly(begin), anomaly(begin + bad, "clear", score=0.0, quality=0.9))
    ]


def _told(state: AlertPartition, events: list[Anomaly], end: float = FAR) -> list[Alert]:
    return settled(state.fold([*map(record, events), *until(end)]))


# The penalty.


@pytest.mark.parametrize(
    ("returns", "is_held"),
    [
        ((0, 60), False),
        ((0, 60, 120), True),
        ((0, 240, 480), True),
        ((0, 300, 600), False),
        ((0, 300, 600, 900), True),
        (tuple(range(0, 20_000, 11 * 60)), True),
        (tuple(range(0, 20_000, 12 * 60)), False),
    ],
)
def test_returns_in_a_short_time_hold(returns: tuple[float, ...], is_held: bool) -> None:
    assert (_flaps(*returns).until_ns > 0) is is_held


@given(st.lists(st.integers(0, 2_000), min_size=1, max_size=30))
def test_the_penalty_is_the_decayed_sum_of_the_returns(gaps: list[int]) -> None:
    seconds = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    naive = [_decayed_sum(seconds[: place + 1]) for place in range(len(seconds))]
    penalty = _flaps(*seconds).penalty
    assert penalty <= min(naive[-1] + 1e-9, CEILING)
    # What is forgotten, and what was forgotten before it, is less than a third of one return.
    assert penalty == pytest.approx(naive[-1], abs=FORGOTTEN * 4 / 3) or max(naive) > CEILING


def _decayed_sum(seconds: list[int]) -> float:
    return sum(math.exp2(-(seconds[-1] - one) / 900) for one in seconds)


@given(st.lists(st.integers(0, 900), min_size=3, max_size=50))
def test_a_hold_ends_one_to_two_half_lives_after_the_newest_return(gaps: list[int]) -> None:
    flaps = _flaps(*(sum(gaps[: place + 1]) for place in range(len(gaps))))
    if flaps.penalty >= LIMIT:
        assert HALF_LIFE_NS <= flaps.until_ns - flaps.at_ns <= 2 * HALF_LIFE_NS
    assert flaps.until_ns <= flaps.forget_ns


def test_a_return_while_it_is_held_prolongs_the_hold_though_the_penalty_is_below_the_limit() -> None:
    first = _flaps(0, 60, 120)
    late = (first.until_ns - at(0)) / SECOND_NS - 1
    again = returned(first, at(late), HALF_LIFE_NS)
    assert REUSE < again.penalty < LIMIT
    assert again.until_ns > first.until_ns


def test_what_is_decayed_is_forgotten() -> None:
    remembered = {1: _flaps(0), 2: _flaps(100, 101, 102)}
    forget(remembered, at(1_799))
    assert list(remembered) == [1, 2]
    forget(remembered, at(1_800))
    assert list(remembered) == [2]
    forget(remembered, at(FAR))
    assert not remembered
    assert returned(_flaps(0), at(1_800), HALF_LIFE_NS) == _flaps(1_800)


# The alert.


def test_a_flapping_alarm_yields_one_alert_that_stays_open_where_it_yielded_many() -> None:
    events = _comes_and_goes(12, every=120)  # each time quiet for longer than the settle time
    assert len({alert.alert_id for alert in _told(partition(catalogue=UNDAMPED), events)}) == 12
    told = _told(partition(), events)
    ids = list(dict.fromkeys(alert.alert_id for alert in told))
    assert len(ids) == 4  # the third return is held
    held = [alert for alert in told if alert.alert_id == ids[-1]]
    assert [alert.state for alert in held[:-2]] == ["UNACK"] * (len(held) - 2)
    assert [alert.state for alert in held[-2:]] == ["RTNUN", "NORM"]
    assert held[-1].count == 12 - 3


def test_it_ends_when_it_has_been_quiet() -> None:
    events = _comes_and_goes(30, every=20)
    last = _told(partition(), events)[-1]
    quiet_ns = parse_time(last.sent) - at(29 * 20)
    assert last.state == "NORM"
    assert HALF_LIFE_NS <= quiet_ns <= 2 * HALF_LIFE_NS + 1


def test_what_comes_back_seldom_ends_by_its_settle_clock() -> None:
    events = _comes_and_goes(10, every=1_000)
    assert _told(partition(), events) == _told(partition(catalogue=UNDAMPED), events)


def test_there_is_no_flood_of_versions() -> None:
    events = _comes_and_goes(180, every=20)  # an hour
    many, few = _told(partition(catalogue=UNDAMPED), events), _told(partition(), events)
    assert len(many) > 360
    assert len(few) < 10 + 2 * 3_600 / TELL_S
    assert len({alert.alert_id for alert in few}) == 1


def test_every_raise_is_told_at_once_where_readers_believe_that_all_is_clear() -> None:
    events = _comes_and_goes(60, every=47, bad=20)
    told = {alert.sent: alert for alert in _told(partition(), events)}
    for event in events:
        known = [alert for sent, alert in told.items() if parse_time(sent) <= parse_time(event.time)]
        active = known[-1].subjects[0].state == "active"
        assert active or event.phase == "clear"


def test_what_was_not_told_is_told_within_a_minute() -> None:
    events = _comes_and_goes(4, every=20)
    told = _told(partition(), events, end=200)
    raised, quiet = told[-2:]
    assert (raised.sent, raised.subjects[0].state) == (when(60), "active")
    assert (quiet.sent, quiet.subjects[0].state, quiet.subjects[0].since) == (when(120), "clear", when(70))


def test_what_gets_worse_is_told_at_once() -> None:
    events = [*_comes_and_goes(4, every=20), anomaly(75), anomaly(77, "update", score=4.0)]
    told = _told(partition(), events, end=78)
    assert (told[-1].sent, told[-1].colour) == (when(77), "red")


def test_readers_see_that_it_flaps_until_it_does_not() -> None:
    told = _told(partition(), _comes_and_goes(4, every=20))
    held = [alert for alert in told if "Flapping" in alert.description]
    assert held[0].sent == when(60)
    assert all("反复告警" in alert.description for alert in held)
    assert f"at least until {told[-2].sent}." in held[-1].description
    assert [alert.state for alert in told if alert not in held][-2:] == ["RTNUN", "NORM"]


def test_what_came_back_before_it_ended_is_remembered_by_the_alert_after_it() -> None:
    state = partition()
    state.fold([*map(record, _comes_and_goes(3, every=20)), *until(300)])
    effects = state.fold([record(anomaly(300)), *until(301)])
    (again,), (at_once,) = settled(effects), provisional(effects)
    assert again.alert_id == at_once.alert_id
    assert "Flapping" in at_once.description
    assert again.description == at_once.description


def test_a_person_ends_a_hold_of_what_a_suspect_sensor_calls_clear() -> None:
    events = _comes_and_goes(4, every=20)[:-1]
    people = [action(second, matcher=on_unit()) for second in (65, 90)]
    doubted = anomaly(70, "clear", score=0.0, quality=0.3)
    told = settled(partition().fold([*map(record, [*events, doubted]), *map(record, people), *until(100)]))
    assert [alert.state for alert in told[-2:]] == ["ACKED", "NORM"]


def test_what_leaves_a_shelf_while_it_is_held_is_not_on_its_way_out() -> None:
    events = _comes_and_goes(4, every=20)
    people = [action(62, matcher=on_unit()), action(80, "shelve", until=when(100), matcher=on_unit())]
    told = settled(partition().fold([*map(record, events), *map(record, people), *until(101)]))
    assert [alert.state for alert in told[-3:]] == ["ACKED", "SHLVD", "UNACK"]
    assert told[-1].subjects[0].state == "clear"


def test_a_blip_below_the_on_delay_is_no_return() -> None:
    delayed = CATALOGUE.scenarios["lift-fault"].model_copy(update={"on_delay_s": 30.0})
    catalogue = CATALOGUE.model_copy(update={"scenarios": {"lift-fault": delayed}})
    state = partition(catalogue=catalogue)
    state.fold([*map(record, _comes_and_goes(1, every=1, bad=40)), *until(200)])
    state.fold([*map(record, _comes_and_goes(20, every=20, start=200)), *until(700)])
    told = _told(state, [anomaly(700)], end=800)
    assert [(alert.state, "Flapping" in alert.description) for alert in told] == [("UNACK", False)]


def test_trials_hold_shorter() -> None:
    state = partition(pace=Pace(60.0))
    last = _told(state, _comes_and_goes(10, every=2, bad=1))[-1]
    assert last.state == "NORM"
    assert 15 <= (parse_time(last.sent) - at(18)) / SECOND_NS <= 31


# State.


def test_a_restart_between_any_two_records_changes_nothing() -> None:
    records = [one for event in _comes_and_goes(12, every=120) for one in (record(event), *until(_second(event) + 1))]
    whole, cut = partition(), partition()
    for one in [*records, *until(FAR)]:
        blocks = cut.all_blocks()
        cut = partition()
        cut.restore(blocks)
        assert cut.fold([one]) == whole.fold([one])
    assert cut.all_blocks() == whole.all_blocks()


def _second(event: Anomaly) -> float:
    """Return the second of an event after ``T0``."""
    return (parse_time(event.time) - at(0)) / SECOND_NS


def test_state_does_not_grow_with_what_flapped_long_ago() -> None:
    def once(start: float, name: str) -> list[Anomaly]:
        one, two = anomaly(start, name=name, subject=name), anomaly(start + 20, name=name, subject=name)
        ends = [anomaly(start + more, "clear", name=name, subject=name) for more in (10, 30)]
        return [one, ends[0], two, ends[1]]

    events = [event for place in range(400) for event in once(300.0 * place, f"lift-{place}")]
    state = partition()
    state.fold([*map(record, events), *until(200_000)])
    kept = sum(block.count(b"penalty") for block in state.all_blocks().values())
    assert 0 < kept < 40  # a block forgets when the next of its alerts ends


# The case.


def test_a_flapping_alarm_is_one_case_that_closes_when_its_alert_ends() -> None:
    acknowledged = action(595, matcher=on_unit())  # it is clear then, and held
    alerts = settled(partition().fold([*map(record, _comes_and_goes(30, every=20)), record(acknowledged), *until(FAR)]))
    assert [(alert.state, alert.subjects[0].state) for alert in alerts[-2:]] == [("ACKED", "clear"), ("NORM", "clear")]
    teams = dispatch.by_id(dispatch.team("own-house"))
    orders = dispatch.orders(dispatch.play(dispatch.partition(teams), *alerts, FAR))
    assert {order.case_id for order in orders} == {orders[0].case_id}
    steps = [entry.step for entry in orders[-1].steps]
    assert (steps[-2:], steps.count("closed")) == (["checked", "closed"], 1)
    assert orders[-1].steps[-1].time == alerts[-1].sent
