"""Who goes: what fits, what it costs, and the best of all pairings."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import COLOURS
from schemas.registry import Team
from streams.dispatch.assignment import (
    Roster,
    area,
    assign,
    cost_s,
    fits,
    haversine_m,
    is_in,
    is_on_duty,
    pull,
    travel_s,
)
from streams.dispatch.case import Case
from streams.dispatch.clocks import terms_of
from streams.pace import Pace
from tests.streams.dispatch.builders import CATALOGUE, COMPOUND, HOUSE, SHOP, UNITS, at, by_id, team

TERMS = {name: terms_of(CATALOGUE, Pace(), name) for name in ("lift-fault", "gas-leak")}
LIFT = TERMS["lift-fault"]


def _case(case_id: str = "c1", **given: Any) -> Case:
    whole = {
        "case_id": case_id,
        "unit_id": HOUSE,
        "scenario": "lift-fault",
        "mode": "actual",
        "group": "lift-1",
        "colour": "yellow",
        "step": "filed",
        "tier": "unit",
        "opened_ns": at(0),
        "correlationid": "an-1",
        "causationid": "al-1:2",
        **given,
    }
    return msgspec.convert(whole, Case)


def _roster(*teams: Team) -> Roster:
    return Roster(units=UNITS, teams=by_id(*teams))


def _sent(cases: list[Case], roster: Roster) -> dict[str, str]:
    return {case.case_id: one.team_id for case, one in assign(cases, TERMS, roster, at(0))}


@pytest.mark.parametrize(
    ("given", "tier", "fit"),
    [
        ({"tier": "grid"}, "unit", True),  # its own area covers the unit
        ({"tier": "district", "home": COMPOUND}, "unit", True),
        ({"tier": "grid", "home": SHOP}, "unit", False),  # the next grid's
        ({"tier": "grid", "home": SHOP}, "grid", False),
        ({"tier": "grid", "home": SHOP}, "subdistrict", True),
        ({"tier": "grid", "home": COMPOUND}, "subdistrict", False),
        ({"tier": "grid", "home": COMPOUND}, "district", True),
        ({"tier": "unit", "home": SHOP}, "grid", False),
        ({"tier": "unit", "home": SHOP}, "city", True),
        ({"tier": "city", "home": "xh.a.b.c"}, "city", False),  # another district's
        ({"mode": "exercise"}, "city", False),
        ({"mode": "test"}, "city", False),
    ],
)
def test_reach_mode_and_district_decide_who_fits(given: dict[str, Any], tier: str, fit: bool) -> None:
    one = team("t", "lift", **given)
    assert fits(_case(tier=tier), LIFT, one, _roster(one)) is fit


def test_skill_must_fit() -> None:
    one = team("t", "gas", "crowd")
    assert not fits(_case(tier="city"), LIFT, one, _roster(one))
    assert fits(_case(scenario="gas-leak"), TERMS["gas-leak"], one, _roster(one))


def test_the_excluded_do_not_fit() -> None:
    one = team("t")
    assert not fits(_case(excluded=["t"]), LIFT, one, _roster(one))


def test_the_units_own_people_go_first_whatever_their_skill() -> None:
    own = team("own-house", "general", tier="unit")
    roster = _roster(own, team("near", "lift"))
    assert _sent([_case()], roster) == {"c1": "own-house"}
    assert _sent([_case(scenario="gas-leak")], roster) == {}  # that scenario does not send them first


def test_the_units_own_people_who_did_not_take_it_come_no_longer_first() -> None:
    roster = _roster(team("own-house", "general", tier="unit"), team("near", "lift"))
    assert _sent([_case(tried=["own-house"])], roster) == {"c1": "near"}


def test_the_nearest_goes() -> None:
    roster = _roster(team("far", tier="district", home=COMPOUND), team("near", tier="district", home=SHOP))
    assert _sent([_case()], roster) == {"c1": "near"}


def test_the_less_loaded_goes() -> None:
    roster = _roster(team("a", capacity=2), team("b", capacity=2))
    roster.held["a"] = {"other"}
    assert _sent([_case()], roster) == {"c1": "b"}


def test_the_lower_tier_goes() -> None:
    assert _sent([_case()], _roster(team("a", tier="district"), team("b", tier="grid"))) == {"c1": "b"}


def test_who_was_asked_before_goes_last() -> None:
    assert _sent([_case(tried=["a"])], _roster(team("a"), team("b"))) == {"c1": "b"}


def test_the_full_do_not_go() -> None:
    roster = _roster(team("a"))
    roster.held["a"] = {"other"}
    assert _sent([_case()], roster) == {}


def test_equal_teams_go_by_id() -> None:
    assert _sent([_case()], _roster(team("b"), team("a"), team("c"))) == {"c1": "a"}


def test_a_team_takes_as_many_cases_as_it_has_slots() -> None:
    sent = _sent([_case("c1"), _case("c2"), _case("c3")], _roster(team("a", capacity=2)))
    assert sent == {"c1": "a", "c2": "a"}


def test_the_higher_colour_goes_first_where_slots_are_short() -> None:
    cases = [_case("c1", colour="blue"), _case("c2", colour="orange"), _case("c3")]
    assert _sent(cases, _roster(team("a"))) == {"c2": "a"}


def test_the_older_case_goes_first_among_equals() -> None:
    assert _sent([_case("c1", opened_ns=at(-10)), _case("c2", opened_ns=at(-60))], _roster(team("a"))) == {"c2": "a"}


def test_one_problem_serves_more_than_each_case_alone_would() -> None:
    # Alone, c1 would take the near team, and c2, whom only that one fits, nobody.
    cases = [_case("c1"), _case("c2", scenario="gas-leak")]
    roster = _roster(team("near", "lift", "gas"), team("other", "lift", tier="district", home=COMPOUND))
    assert _sent(cases, roster) == {"c1": "other", "c2": "near"}


def test_cases_that_fit_nobody_are_left_out() -> None:
    cases = [_case("c1", scenario="gas-leak"), _case("c2")]
    assert _sent(cases, _roster(team("a"), team("b"))) == {"c2": "a"}


@pytest.mark.parametrize(
    ("hours", "shifts", "on_duty"),
    [
        (0, [], True),  # T0 is 08:00 in Shanghai
        (0, [{"start": 8, "until": 16}], True),
        (8, [{"start": 8, "until": 16}], False),
        (16, [{"start": 22, "until": 6}], True),  # midnight
        (21.99, [{"start": 22, "until": 6}], True),
        (22, [{"start": 22, "until": 6}], False),
        (5, [{"start": 0, "until": 24}], True),
        (5, [{"start": 7, "until": 7}], True),
        (5, [{"start": 8, "until": 9}, {"start": 12.5, "until": 14}], True),
    ],
)
def test_shifts_are_local_hours(hours: float, shifts: list[dict[str, float]], on_duty: bool) -> None:
    assert is_on_duty(team("t", shifts=shifts), at(hours * 3_600)) is on_duty


def test_a_team_is_there_from_its_beginning_only() -> None:
    assert not is_on_duty(team("t", valid_from="2026-01-01T00:00:01Z"), at(0))
    assert is_on_duty(team("t", valid_from="2026-01-01T00:00:01Z"), at(1))


def test_the_way_is_a_great_circle_at_four_metres_a_second() -> None:
    metres = haversine_m((31.235, 121.48), (31.240, 121.48))
    assert metres == pytest.approx(556, abs=1)
    one = team("t", home=COMPOUND)
    assert travel_s(_case(), one, _roster(one)) == 139


def test_an_unknown_place_is_half_an_hour_away() -> None:
    one = team("t", home="hp.nowhere.g1.x")
    assert travel_s(_case(), one, _roster(one)) == 1_800


@pytest.mark.parametrize(
    ("tier", "prefix"),
    [
        ("unit", HOUSE),
        ("grid", "hp.nanjing-east.g03"),
        ("subdistrict", "hp.nanjing-east"),
        ("district", "hp"),
        ("city", ""),
    ],
)
def test_a_tier_is_a_prefix(tier: Any, prefix: str) -> None:
    assert area(HOUSE, tier) == prefix
    assert is_in(HOUSE, prefix)


def test_a_prefix_ends_at_a_label() -> None:
    assert not is_in("hp.nanjing-east-2.g03.x", "hp.nanjing-east")


def test_red_pulls_from_the_blue_case_that_is_least_far_on() -> None:
    roster = _roster(team("a"), team("b"))
    red = _case("c9", colour="red", tier="district")
    holders = [
        _case("c1", colour="blue", step="handling", team_id="a"),
        _case("c2", colour="blue", step="dispatched", team_id="b"),
        _case("c3", colour="yellow", step="dispatched", team_id="a"),
        _case("c4", colour="blue", step="handled", team_id="a"),
    ]
    found = pull(red, LIFT, holders, roster, at(0))
    assert found is not None
    assert found.case_id == "c2"
    assert pull(red, LIFT, holders[2:], roster, at(0)) is None


colours = st.sampled_from(COLOURS[1:])
scenarios = st.sampled_from(("lift-fault", "gas-leak"))
units = st.sampled_from((HOUSE, SHOP, COMPOUND))
teams = st.builds(
    lambda skills, tier, home, capacity: (skills, tier, home, capacity),
    st.sampled_from((("lift",), ("gas",), ("lift", "gas"))),
    st.sampled_from(("grid", "subdistrict", "district")),
    units,
    st.integers(1, 2),
)


@given(st.lists(st.tuples(colours, scenarios, units), max_size=4), st.lists(teams, max_size=3), st.randoms())
def test_the_pairing_is_as_cheap_as_the_best_of_all_and_does_not_depend_on_the_order(
    cases: list[tuple[str, str, str]], teams: list[tuple[Any, str, str, int]], shuffle: Any
) -> None:
    waiting = [_case(f"c{n}", colour=c, scenario=s, unit_id=u) for n, (c, s, u) in enumerate(cases)]
    roster = _roster(*(team(f"t{n}", *s, tier=t, home=h, capacity=c) for n, (s, t, h, c) in enumerate(teams)))
    pairs = assign(waiting, TERMS, roster, at(0))
    best = _naive_best(waiting, roster)
    assert _value(pairs, roster) == pytest.approx(best, abs=0.5)
    shuffle.shuffle(waiting)
    again = assign(waiting, TERMS, roster, at(0))
    assert [(c.case_id, t.team_id) for c, t in again] == [(c.case_id, t.team_id) for c, t in pairs]


def _value(pairs: list[tuple[Case, Team]], roster: Roster) -> float:
    """Return what a pairing is worth: the cases it serves by colour, less what it costs."""
    worth = 1e9  # a pair, against a forbidden one
    return sum(
        worth + 1e6 * COLOURS.index(case.colour) - cost_s(case, TERMS[case.scenario], one, roster)
        for case, one in pairs
    )


def _naive_best(cases: list[Case], roster: Roster) -> float:
    slots: list[Team | None] = [one for one in roster.teams.values() for _ in range(one.capacity)]
    slots += [None] * len(cases)
    best = 0.0
    for chosen in itertools.permutations(range(len(slots)), len(cases)):
        pairs = [(case, one) for case, j in zip(cases, chosen, strict=True) if (one := slots[j]) is not None]
        if all(fits(case, TERMS[case.scenario], one, roster) for case, one in pairs):
            best = max(best, _value(pairs, roster))
    return best


def test_a_storm_of_cases_is_assigned_in_good_time(rng: np.random.Generator) -> None:
    cases = [_case(f"c{n:05d}", colour=COLOURS[1 + int(rng.integers(4))]) for n in range(5_000)]
    roster = _roster(*(team(f"t{n:03d}", tier="subdistrict", capacity=3) for n in range(100)))
    pairs = assign(cases, TERMS, roster, at(0))
    assert len(pairs) == 256
    assert {case.colour for case, _ in pairs} == {"red"}
