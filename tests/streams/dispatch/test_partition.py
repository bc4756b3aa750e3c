"""One thing, from its alert to its close."""

from __future__ import annotations

import pytest

from schemas import channels
from schemas.envelope import PROVISIONAL
from schemas.ids import TIERS
from streams.pace import Pace
from tests.streams.dispatch.builders import (
    COMPOUND,
    NUMBER,
    SHOP,
    alert,
    by_id,
    case_id,
    cleared,
    mark,
    newest,
    orders,
    partition,
    path,
    play,
    subject,
    team,
    told,
    until,
    when,
    word,
)

LIFT = team("lift-a", tier="subdistrict")
OPENED = ["registered unit", "verified unit", "filed unit", "dispatched unit"]


def test_an_alert_opens_a_case_and_a_team_goes_at_once() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), 1)
    (order,) = orders(effects)
    assert path(order) == OPENED
    assert (order.case_id, order.order_id, order.team_id) == (case_id(), f"{case_id()}-1", "lift-a")
    assert (order.version, order.attempt, order.opened, order.due) == (1, 1, when(0), when(300))
    assert (order.correlationid, order.causationid, order.alert_ids) == ("an-lift-1", "al-1:2", ("al-1",))
    assert [link.kind for link in order.chain] == ["reading", "anomaly", "alert", *["step"] * 4]


def test_an_order_is_keyed_by_its_district_and_lies_in_the_own_partition() -> None:
    (effect,) = play(partition(), alert(0, mode="exercise"), 1)
    headers = dict(effect.headers)
    assert (effect.topic, effect.key, effect.partition) == (channels.ORDERS, b"hp", NUMBER)
    assert (headers["ce_id"], headers["ce_type"]) == (f"{case_id()}:1".encode(), b"city.vitals.order.v1")
    assert headers["vitals_mode"] == b"exercise"


def test_nothing_is_decided_before_both_topics_have_passed_it() -> None:
    state = partition(by_id(LIFT))
    assert state.fold([told(alert(10))]) == []
    assert state.fold([mark(100)]) == []
    assert state.fold(until(10)) == []
    assert len(state.fold(until(10.001))) == 1


def test_a_watermark_of_another_partition_counts_for_nothing() -> None:
    state = partition(by_id(LIFT))
    state.fold([told(alert(10)), *until(5)])
    assert state.fold([mark(100, source=NUMBER + 1), *until(5)]) == []


def test_a_provisional_alert_opens_no_case() -> None:
    state = partition(by_id(LIFT))
    assert state.fold([told(alert(0, 1), headers={PROVISIONAL: b"true"}), *until(10)]) == []


@pytest.mark.parametrize("state", ["SHLVD", "OOSRV", "DSUPR", "RTNUN", "NORM"])
def test_an_alert_that_calls_nobody_opens_no_case(state: str) -> None:
    assert play(partition(by_id(LIFT)), alert(0, state=state), 10) == []


def test_a_shelved_alert_opens_its_case_when_it_calls() -> None:
    effects = play(partition(by_id(LIFT)), alert(0, 2, state="SHLVD"), alert(5, 3), 10)
    assert newest(effects).opened == when(5)


def test_an_unsure_alert_goes_on_with_a_note() -> None:
    order = newest(play(partition(by_id(LIFT)), alert(0, certainty="Possible"), 1))
    assert order.step == "dispatched"
    assert order.steps[1].note == "possible: look before you act, and say what you find"


def test_a_team_takes_a_case_all_the_way_and_the_sensor_closes_it() -> None:
    effects = play(
        partition(by_id(LIFT)),
        alert(0),
        1,
        word(10, "accept"),
        word(60, "arrive"),
        word(90, "progress", note="door stuck"),
        word(120, "done"),
        cleared(130, 3),
        189,
        190.001,
    )
    order = newest(effects)
    words = ["accepted unit", "handling unit", "handling unit", "handled unit", "checked unit", "closed unit"]
    assert path(order) == OPENED + words
    assert order.steps[-2].by == "sensor"
    assert order.steps[-1].time == when(190)
    assert [link.kind for link in order.chain][-3:] == ["verification", "step", "step"]
    assert order.chain[-3].id == f"{channels.READINGS}/1/130 lift-1/lift_fault"
    assert (order.due, order.version, order.causationid) == (None, 6, f"clock:settle:{when(190)}")


def test_a_case_closes_from_any_step_and_its_team_is_free() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), cleared(20, 3), alert(30, name="al-2", unit_id=SHOP), 200)
    assert path(newest(effects)) == [*OPENED, "checked unit", "closed unit"]
    second = newest(effects, "al-2")
    assert (second.team_id, second.steps[-1].time) == ("lift-a", when(80))


def test_a_subject_that_comes_back_before_the_settle_time_keeps_the_case_open() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), cleared(20, 3), alert(79, 4), 200)
    assert newest(effects).step == "dispatched"


def test_a_badly_seen_clear_closes_nothing() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), cleared(20, 3, quality=0.49), 250)
    assert newest(effects).step == "dispatched"


def test_nobody_accepts_and_the_case_climbs_to_the_city_and_stays_open() -> None:
    state = partition(by_id(team("own-house", "lift", tier="unit")))
    effects = play(state, alert(0), 3_000)
    order = newest(effects)
    assert path(order) == [*OPENED, *(f"dispatched {tier}" for tier in TIERS[1:])]
    assert [entry.time for entry in order.steps[4:]] == [when(300 * n) for n in (1, 2, 3, 4)]
    assert order.steps[4].note == "escalated: not accepted in 300 s"
    assert order.steps[4].by == "system"
    assert (order.step, order.tier, order.team_id, order.due) == ("dispatched", "city", "own-house", when(1_500))


def test_without_any_team_the_case_is_filed_and_climbs_too() -> None:
    order = newest(play(partition(), alert(0), 3_000))
    assert path(order) == [*OPENED[:3], *(f"filed {tier}" for tier in TIERS[1:])]
    assert order.order_id is None


def test_a_silent_team_is_replaced_at_the_next_tier() -> None:
    state = partition(by_id(LIFT, team("lift-b", home=COMPOUND, tier="district")))
    order = newest(play(state, alert(0), 301))
    assert path(order) == [*OPENED, "dispatched grid", "dispatched grid"]
    assert (order.team_id, order.attempt, order.version) == ("lift-b", 2, 2)


def test_later_clocks_escalate_too_and_the_team_stays() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), 1, word(10, "accept"), 1_811, word(1_900, "arrive"), word(1_950, "done"), 3_751)
    order = newest(effects)
    assert path(order)[4:] == ["accepted unit", "accepted grid", "handling grid", "handled grid", "handled subdistrict"]
    assert order.steps[5].note == "escalated: not arrived in 1800 s"
    assert order.steps[-1].note == "escalated: not verified in 1800 s"
    assert order.team_id == "lift-a"


def test_the_pace_divides_every_clock() -> None:
    state = partition(pace=Pace(60.0))
    assert newest(play(state, alert(0), 1)).due == when(5)
    assert newest(play(state, 21)).tier == "city"


def test_red_is_the_districts_at_once_with_its_plan() -> None:
    red = alert(0, scenario="gas-leak", colour="red", subjects=(subject(0, name="g-1"),))
    order = newest(play(partition(), red, 1))
    assert {entry.tier for entry in order.steps} == {"district"}
    assert order.steps[2].note.startswith("emergency plan: Gas leak, district plan")


def test_yellow_that_turns_red_rises_to_the_district() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), alert(60, 3, subject(0), colour="red"), 61)
    order = newest(effects)
    assert path(order) == [*OPENED, "dispatched district"]
    assert (order.colour, order.due, order.causationid) == ("red", when(360), "al-1:3")


def test_red_that_cools_down_keeps_its_tier() -> None:
    effects = play(partition(by_id(LIFT)), alert(0, colour="red"), alert(60, 3, subject(0), colour="orange"), 61)
    assert (newest(effects).colour, newest(effects).tier) == ("orange", "district")


def test_a_red_case_pulls_the_team_of_a_blue_one() -> None:
    blue = alert(0, colour="blue")
    red = alert(10, name="al-2", colour="red", unit_id=SHOP)
    effects = play(partition(by_id(LIFT)), blue, red, 20)
    assert (newest(effects, "al-2").team_id, newest(effects, "al-2").step) == ("lift-a", "dispatched")
    assert (newest(effects).team_id, newest(effects).step) == (None, "filed")
    assert newest(effects).steps[-1].note == f"lift-a was pulled to red case {case_id('al-2')}"


def test_a_red_case_leaves_a_yellow_ones_team_alone() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), alert(10, name="al-2", colour="red", unit_id=SHOP), 20)
    assert (newest(effects).team_id, newest(effects, "al-2").team_id) == ("lift-a", None)


def test_what_is_an_exercise_never_reaches_an_actual_team() -> None:
    drill = alert(0, mode="exercise")
    assert newest(play(partition(by_id(LIFT)), drill, 1_500)).team_id is None
    both = by_id(LIFT, team("lift-x", mode="exercise"))
    assert newest(play(partition(both), drill, 1)).team_id == "lift-x"
    assert newest(play(partition(both), alert(0), 1)).team_id == "lift-a"


def test_a_new_episode_reopens_the_case_linked() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), cleared(10, 3), cleared(100, 4, state="NORM"), alert(3_600, name="al-2"), 3_601)
    order = newest(effects)
    assert path(order)[-3:] == ["closed unit", "reopened unit", "dispatched unit"]
    assert (order.alert_ids, order.attempt, order.case_id) == (("al-1", "al-2"), 2, case_id())
    assert {one.case_id for one in orders(effects)} == {case_id()}


def test_a_day_later_it_is_a_new_case() -> None:
    state = partition(by_id(LIFT))
    day = 86_400
    play(state, alert(0), cleared(10, 3), cleared(100, 4, state="NORM"), 200)
    effects = play(state, alert(70 + day, name="al-3", unit_id=SHOP), alert(71 + day, name="al-2"), 72 + day)
    assert newest(effects, "al-2").case_id == case_id("al-2")


def test_a_case_whose_alert_lives_on_is_not_forgotten() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), cleared(10, 3), 200_000, alert(200_001, 4), 200_002)
    assert newest(effects).step == "dispatched"
    assert newest(effects).version == 3


def test_the_closed_are_forgotten_after_a_day_and_state_is_empty_again() -> None:
    state = partition(by_id(LIFT))
    play(state, alert(0), cleared(10, 3), cleared(100, 4, state="NORM"), 90_000)
    assert {name for name, block in state.all_blocks().items() if block} == {"clocks"}


def test_an_unaccepted_case_ends_when_its_alert_is_inhibited_and_comes_back_with_it() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), alert(10, 3, subject(0), state="DSUPR"), 20)
    assert newest(effects).step == "merged"
    effects = play(state, alert(30, 4, subject(0)), 40)
    assert path(newest(effects))[-2:] == ["reopened unit", "dispatched unit"]


def test_an_accepted_case_outlives_a_maintenance_window() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), 1, word(5, "accept"), alert(10, 3, subject(0), state="OOSRV"), 20)
    assert newest(effects).step == "accepted"


def test_an_unaccepted_case_is_rejected_when_its_unit_goes_into_maintenance() -> None:
    effects = play(partition(by_id(LIFT)), alert(0), alert(10, 3, subject(0), state="OOSRV"), 20)
    assert newest(effects).step == "rejected"


def test_the_same_version_again_changes_nothing() -> None:
    state = partition(by_id(LIFT))
    play(state, alert(0), 1)
    assert state.fold([told(alert(0)), *until(50)]) == []
    assert len(state.fold([told(alert(60, 3, subject(0), colour="red")), *until(70)])) == 1
    assert state.fold([told(alert(60, 3, subject(0), colour="red")), told(alert(0)), *until(80)]) == []


def test_a_waiting_case_is_taken_up_when_a_team_comes_free() -> None:
    state = partition(by_id(LIFT))
    other = alert(5, name="al-2", unit_id=SHOP)
    effects = play(state, alert(0), other, 10)
    assert newest(effects, "al-2").step == "filed"
    effects = play(state, cleared(20, 3), 81)
    assert (newest(effects, "al-2").team_id, newest(effects, "al-2").causationid) == (
        "lift-a",
        f"clock:settle:{when(80)}",
    )


def test_a_scenario_that_the_catalogue_lacks_waits_for_people() -> None:
    order = newest(play(partition(by_id(LIFT)), alert(0, scenario="unheard-of"), 1))
    assert (order.step, order.due) == ("filed", when(600))
