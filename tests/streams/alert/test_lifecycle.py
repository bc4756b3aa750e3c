"""The ISA-18.2 machine of one alert, as tables and under random driving."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alerts import AlertState
from schemas.anomalies import Phase
from schemas.times import SECOND_NS
from streams.alert.grouping import AlertKey
from streams.alert.lifecycle import FOLLOWS, MAX_CAUSES, AlertLife, Suppression, Timing
from streams.pace import Pace
from tests.streams.alert.builders import CATALOGUE, UNIT, anomaly, at

S = SECOND_NS
KEY = AlertKey("actual", "gas-leak", UNIT, UNIT)
PLAIN = Timing(settle_ns=60 * S, acknowledge_ns=300 * S)
DAMPED = Timing(settle_ns=60 * S, off_delay_ns=5 * S, acknowledge_ns=300 * S, flap_half_life_ns=600 * S, tell_ns=60 * S)
DELAYED = Timing(on_delay_ns=10 * S, off_delay_ns=20 * S, settle_ns=60 * S, acknowledge_ns=300 * S)


def _drive(life: AlertLife, steps: str, timing: Timing) -> list[AlertState]:
    """Do ``<second><what>`` after another: + onset, - clear, a(cknowledge), s(helve), u(nshelve), t(ime passes)."""
    states: list[AlertState] = []
    for step in steps.split():
        seconds, what = float(step[:-1]), step[-1]
        while (deadline := life.deadline(timing)) is not None and deadline < at(seconds):
            life.fire(deadline, timing)
        if what in "+-":
            life.observe(anomaly(seconds, "onset" if what == "+" else "clear"), timing)
        elif what == "a":
            life.acknowledge("li")
        elif what in "su":
            life.suppress("SHLVD" if what == "s" else None, at(seconds))
        states.append(life.state)
    return states


@pytest.mark.parametrize(
    ("steps", "states"),
    [
        ("0+ 5a 9- 70t", "UNACK ACKED ACKED NORM"),
        ("0+ 9- 69t 70t", "UNACK RTNUN RTNUN NORM"),
        ("0+ 9- 12a", "UNACK RTNUN NORM"),
        ("0+ 9- 12+ 80t", "UNACK RTNUN UNACK UNACK"),
        ("0+ 5a 9- 12+ 80t", "UNACK ACKED ACKED ACKED ACKED"),
        ("0+ 9- 69+", "UNACK RTNUN UNACK"),  # at the deadline itself the event comes first
        ("0+ 5s 9u", "UNACK SHLVD UNACK"),
        ("0+ 2a 5s 9u", "UNACK ACKED SHLVD UNACK"),
        ("0+ 2a 5s 7- 9u", "UNACK ACKED SHLVD SHLVD RTNUN"),
        ("0+ 5s 7a 9u", "UNACK SHLVD SHLVD UNACK"),
        ("0+ 5s 7- 80t", "UNACK SHLVD SHLVD NORM"),
        ("0+ 1+ 2a 3a", "UNACK UNACK ACKED ACKED"),
        ("0-", "NORM"),
    ],
)
def test_states_follow_anomalies_people_and_clocks(steps: str, states: str) -> None:
    assert _drive(AlertLife(key=KEY, episode=0), steps, PLAIN) == states.split()


@pytest.mark.parametrize(
    ("steps", "states"),
    [
        ("0+ 10t 11t", "NORM NORM UNACK"),
        ("0+ 8- 30t", "NORM NORM NORM"),
        ("0+ 30- 50t 51t 91t", "NORM UNACK UNACK RTNUN NORM"),
        ("0+ 30- 40+ 90t", "NORM UNACK UNACK UNACK"),
        ("0+ 30- 40a 91t", "NORM UNACK ACKED NORM"),
    ],
)
def test_delays_hold_a_raise_and_a_return_back(steps: str, states: str) -> None:
    assert _drive(AlertLife(key=KEY, episode=0), steps, DELAYED) == states.split()


def test_colour_goes_up_and_down_with_the_worst_open_anomaly() -> None:
    life = AlertLife(key=KEY, episode=0)
    levels: list[int] = []
    for sign in (
        anomaly(0, name="limit", score=2.3),
        anomaly(1, name="rule", score=4.0),
        anomaly(2, "clear", name="rule", score=0),
        anomaly(3, "update", name="limit", score=3.1),
        anomaly(4, "clear", name="limit", score=0),
    ):
        life.observe(sign, PLAIN)
        levels.append(life.level)
    assert levels == [2, 4, 2, 3, 3]
    assert life.state == "RTNUN"


def test_a_subject_is_clear_when_all_its_anomalies_are() -> None:
    life = AlertLife(key=KEY, episode=0)
    for sign in (anomaly(0, name="limit"), anomaly(1, name="rule"), anomaly(2, "clear", name="limit")):
        life.observe(sign, PLAIN)
    before = life.subjects["lift-1"]
    assert (before.state, before.since_ns, before.anomaly_id) == ("active", at(0), "rule")
    life.observe(anomaly(3, "clear", name="rule"), PLAIN)
    after = life.subjects["lift-1"]
    assert (after.state, after.since_ns) == ("clear", at(3))


def test_evidence_is_the_onsets_while_active_and_what_verified_when_clear() -> None:
    life = AlertLife(key=KEY, episode=0)
    life.observe(anomaly(0), PLAIN)
    life.observe(anomaly(5, "update", score=4.0), PLAIN)
    assert life.subjects["lift-1"].evidence == anomaly(0).evidence
    life.observe(anomaly(9, "clear"), PLAIN)
    assert life.subjects["lift-1"].evidence == anomaly(9).evidence


def test_nobody_acknowledges_in_time_once() -> None:
    life = AlertLife(key=KEY, episode=0)
    life.observe(anomaly(0), PLAIN)
    assert life.deadline(PLAIN) == at(300)
    assert life.fire(at(300), PLAIN)
    assert life.is_overdue
    assert life.deadline(PLAIN) is None


def test_a_suspect_sensors_clear_waits_for_a_person() -> None:
    life = AlertLife(key=KEY, episode=0)
    assert _drive(life, "0+ 2a", PLAIN) == ["UNACK", "ACKED"]
    life.observe(anomaly(5, "clear", quality=0.3), PLAIN)
    assert life.deadline(PLAIN) is None
    assert _drive(life, "500t 501a", PLAIN) == ["ACKED", "NORM"]


def test_what_is_below_the_first_colour_raises_nothing() -> None:
    life = AlertLife(key=KEY, episode=0)
    assert not life.observe(anomaly(0, score=0.9), PLAIN)
    assert not life.subjects


def test_causes_are_bounded() -> None:
    life = AlertLife(key=KEY, episode=0)
    for place in range(2 * MAX_CAUSES):
        life.observe(anomaly(place, name=f"a{place}", subject=f"s{place % 7}"), PLAIN)
    assert len(life.causes) == MAX_CAUSES
    assert life.count == 2 * MAX_CAUSES


def test_settling_never_comes_before_the_off_delay() -> None:
    scenario = CATALOGUE.scenarios["lift-fault"].model_copy(update={"off_delay_s": 100.0, "settle_s": 5.0})
    timing = Timing.of(scenario, Pace())
    assert timing.settle_ns > timing.off_delay_ns


@given(st.integers(0, 2**32), st.sampled_from([PLAIN, DELAYED, DAMPED]))
def test_no_transition_is_forbidden_by_isa_18_2(seed: int, timing: Timing) -> None:
    rng, life, seconds = random.Random(seed), AlertLife(key=KEY, episode=0), 0.0
    for _ in range(60):
        before, seconds = life.state, seconds + rng.choice((0, 1, 15, 70, 400))
        deadline = life.deadline(timing)
        is_by_clock = deadline is not None and deadline < at(seconds)
        if deadline is not None and is_by_clock:
            seconds = (deadline - at(0)) / S
            is_seen = life.fire(deadline, timing)
        else:
            is_seen = _random_step(life, rng, seconds, timing)
        if is_seen:
            life.told(at(seconds))
        assert life.state == before or life.state in FOLLOWS[before]
        assert is_seen or life.state == before
        following = life.deadline(timing)
        assert following is None or following >= at(seconds)
        if at(seconds) < life.held_until_ns:
            assert life.base != "RTNUN"
            assert not (is_by_clock and life.is_over)
        if life.is_over:
            assert life.state == "NORM"
            life = AlertLife(key=KEY, episode=life.episode + (life.sent_ns is not None), flaps=life.flaps)
    _assert_it_ends_when_it_stays_quiet(life, seconds, timing)


def _assert_it_ends_when_it_stays_quiet(life: AlertLife, seconds: float, timing: Timing) -> None:
    """Two half-lives, the off-delay and the settle time are enough; the last state's last word is told."""
    for name in "ab":  # the last word is a good reading's
        life.observe(anomaly(seconds, name=name), timing)
        life.told(at(seconds))
        life.observe(anomaly(seconds, "clear", name=name), timing)
    bound = at(seconds) + 2 * timing.flap_half_life_ns + timing.off_delay_ns + timing.settle_ns + 1
    while (deadline := life.deadline(timing)) is not None:
        assert deadline <= bound + timing.acknowledge_ns
        before = life.state
        if life.fire(deadline, timing):
            life.told(deadline)
        assert life.state == before or life.state in FOLLOWS[before]
        assert not life.is_over or deadline <= bound
    assert life.is_over


def _random_step(life: AlertLife, rng: random.Random, seconds: float, timing: Timing) -> bool:
    what = rng.random()
    if what < 0.2:
        return life.acknowledge("li")
    if what < 0.4:
        choices: tuple[Suppression | None, ...] = (None, "SHLVD", "DSUPR", "OOSRV")
        return life.suppress(rng.choice(choices), at(seconds))
    phase: Phase = rng.choice(("onset", "update", "clear", "clear"))
    quality = rng.choice((0.3, 0.9))
    return life.observe(anomaly(seconds, phase, name=rng.choice("ab"), quality=quality), timing)
