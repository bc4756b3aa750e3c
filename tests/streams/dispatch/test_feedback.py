"""What teams and people say of a case: taken as a whole, or refused with the reason in words."""

from __future__ import annotations

import msgspec
import pytest

from schemas import channels
from streams.delivery.records import Record
from tests.streams.dispatch.builders import (
    COMPOUND,
    FAR,
    HOUSE,
    NUMBER,
    SHOP,
    alert,
    at,
    by_id,
    case_id,
    cleared,
    letters,
    newest,
    partition,
    path,
    play,
    said,
    subject,
    team,
    told,
    until,
    when,
    word,
)

LIFT = team("lift-a", tier="subdistrict")
OPENED = ["registered unit", "verified unit", "filed unit", "dispatched unit"]


def test_the_replaced_team_can_no_longer_accept() -> None:
    state = partition(by_id(LIFT, team("lift-b", home=COMPOUND, tier="district")))
    effects = play(state, alert(0), 301, word(310, "accept", attempt=1), 320)
    assert letters(effects) == [("bad_feedback", f"the case's order is {case_id()}-2, not {case_id()}-1")]


def test_a_refusal_sends_another_team() -> None:
    state = partition(by_id(LIFT, team("lift-b", home=COMPOUND, tier="district")))
    effects = play(state, alert(0), 1, word(10, "refuse", note="busy"), 20)
    order = newest(effects)
    assert path(order) == [*OPENED, "filed unit", "dispatched unit"]
    assert (order.team_id, order.attempt, order.due) == ("lift-b", 2, when(310))
    assert order.steps[-2].note == "refused by lift-a: busy"


def test_a_hand_back_sends_another_team() -> None:
    state = partition(by_id(LIFT, team("lift-b", home=COMPOUND, tier="district")))
    effects = play(state, alert(0), 1, word(10, "accept"), word(15, "refuse"), 20)
    assert newest(effects).steps[-2].note == "handed back by lift-a"
    assert newest(effects).team_id == "lift-b"


def test_who_refused_is_asked_again_only_at_a_higher_tier() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), 1, word(10, "refuse"), 20)
    assert (newest(effects).step, newest(effects).team_id) == ("filed", None)
    effects = play(state, 311)
    assert (newest(effects).tier, newest(effects).team_id, newest(effects).attempt) == ("grid", "lift-a", 2)


@pytest.mark.parametrize(
    ("feedback", "detail"),
    [
        (word(10, "accept", attempt=2), f"the case's order is {case_id()}-1, not {case_id()}-2"),
        (word(10, "accept", name="nothing"), f"no order {case_id('nothing')}-1 is known at that time"),
        (word(10, "accept", team_id="lift-b"), f"order {case_id()}-1 is lift-a's, not lift-b's"),
        (word(10, "accept", unit_id=SHOP), f"order {case_id()}-1 is of unit {HOUSE}, not {SHOP}"),
        (word(10, "done"), f"done fits a case that is handling; {case_id()}-1 is dispatched"),
        (word(10, "reopen"), f"reopen fits a case that is closed, merged, rejected; {case_id()}-1 is dispatched"),
        (word(10, "check"), "its sensors judge this case; a check fits once it is handled, it is dispatched"),
    ],
)
def test_feedback_that_does_not_fit_is_refused_and_changes_nothing(feedback: object, detail: str) -> None:
    state = partition(by_id(LIFT))
    play(state, alert(0), 1)
    before = state.all_blocks()
    effects = state.fold([said(feedback), *until(20)])  # type: ignore[arg-type] # a table of words
    assert letters(effects) == [("bad_feedback", detail)]
    assert effects[0].value == msgspec.json.encode(feedback)
    after = state.all_blocks()
    assert {n: b for n, b in after.items() if n != "clocks"} == {n: b for n, b in before.items() if n != "clocks"}


@pytest.mark.parametrize(
    ("value", "reason"),
    [(b"{", "undecodable"), (b'{"order_id": 1}', "schema"), (b" " * 20_000, "too_large"), (b"\xff", "undecodable")],
)
def test_feedback_that_says_nothing_is_a_dead_letter_with_its_bytes(value: bytes, reason: str) -> None:
    record = Record(
        topic=channels.FEEDBACK, partition=NUMBER, offset=7, append_ns=at(0), key=b"hp", value=value, headers={}
    )
    (effect,) = partition().fold([record])
    assert effect.value == value
    assert dict(effect.headers)["dl_reason"] == reason.encode()
    assert dict(effect.headers)["dl_offset"] == b"7"


def test_feedback_waits_for_an_order_that_is_not_known_yet() -> None:
    state = partition(by_id(LIFT))
    assert state.fold([said(word(10, "accept"))]) == []
    effects = state.fold([told(alert(5)), *until(20)])
    assert newest(effects).step == "accepted"


def test_feedback_sent_twice_counts_once() -> None:
    state = partition(by_id(LIFT))
    play(state, alert(0), 1)
    accept = said(word(10, "accept"), 1, ce_id="one")
    again = said(word(10, "accept"), 2, ce_id="one")
    assert len(state.fold([accept, again, *until(20)])) == 1


def test_a_team_whose_clock_is_slow_is_heard_when_it_spoke_up() -> None:
    state = partition(by_id(LIFT))
    play(state, alert(100), 110)
    effects = state.fold([said(word(50, "accept"), append_ns=at(115)), *until(120)])
    assert newest(effects).steps[-1].time == when(110)


def test_a_team_whose_clock_is_fast_is_heard_when_its_word_came() -> None:
    state = partition(by_id(LIFT))
    play(state, alert(100), 110)
    effects = state.fold([said(word(FAR, "accept"), append_ns=at(115)), *until(120)])
    assert newest(effects).steps[-1].time == when(115)


def test_a_dead_subject_needs_a_named_persons_check() -> None:
    state = partition(by_id(LIFT))
    dead = alert(20, 3, subject(20, "dead"))
    effects = play(state, alert(0), dead, 250)
    assert newest(effects).step == "dispatched"
    effects = play(state, word(260, "check", by="system"), 270)
    assert letters(effects) == [("bad_feedback", "check needs a named person, not 'system'")]
    effects = play(state, word(280, "check", by="li"), 281)
    order = newest(effects)
    assert path(order)[-2:] == ["checked unit", "closed unit"]
    assert (order.steps[-2].by, order.steps[-1].note) == ("li", "verified by a named person's check")


def test_what_only_reports_tell_needs_a_named_persons_check() -> None:
    state = partition(by_id(LIFT))
    reported = alert(0, 2, subject(0, topic=channels.REPORTS))
    effects = play(state, reported, word(5, "check", by="li"), 20)
    assert newest(effects).step == "closed"
    assert newest(effects).report_ids == ("lift-1/lift_fault",)


def test_a_check_of_the_handled_waits_for_the_sensor_all_the_same() -> None:
    state = partition(by_id(LIFT))
    work = (word(10, "accept"), word(20, "arrive"), word(30, "done"), word(40, "check", by="li"))
    effects = play(state, alert(0), 1, *work, 100)
    assert newest(effects).step == "checked"
    effects = play(state, cleared(100, 3), 161)
    assert path(newest(effects))[-2:] == ["checked unit", "closed unit"]


def test_a_named_person_reopens_and_the_sensor_alone_does_not_close_again() -> None:
    state = partition(by_id(LIFT))
    effects = play(state, alert(0), cleared(10, 3), 100, word(110, "reopen", by="li", note="still stuck"), 300)
    assert path(newest(effects))[-2:] == ["reopened unit", "dispatched unit"]
    effects = play(state, word(310, "check", attempt=2, by="li"), 320)
    assert newest(effects).step == "closed"


def test_a_reopening_may_name_the_case() -> None:
    state = partition(by_id(LIFT))
    named = word(110, "reopen", by="li", order_id=case_id())
    assert newest(play(state, alert(0), cleared(10, 3), 100, named, 120)).step == "dispatched"
