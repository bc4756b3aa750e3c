"""Which clock runs where, and what an overrun says."""

from __future__ import annotations

import pytest

from schemas.ids import TIERS, Colour, Tier
from schemas.orders import Step
from schemas.times import SECOND_NS
from streams.dispatch.clocks import due_at, is_below, next_tier, overrun_note, start_tier, terms_of
from streams.pace import Pace
from tests.streams.dispatch.builders import CATALOGUE

TERMS = terms_of(CATALOGUE, Pace(), "lift-fault")


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        ("registered", 300),
        ("verified", 300),
        ("filed", 300),
        ("dispatched", 300),
        ("reopened", 300),
        ("accepted", 1_800),
        ("handling", 3_600),
        ("handled", 1_800),
        ("checked", 1_800),
    ],
)
def test_each_open_step_has_its_clock(step: Step, seconds: int) -> None:
    assert due_at(step, 1_000, TERMS) == 1_000 + seconds * SECOND_NS


@pytest.mark.parametrize("step", ["closed", "rejected", "merged"])
def test_no_clock_runs_at_an_end(step: Step) -> None:
    assert due_at(step, 1_000, TERMS) is None


@pytest.mark.parametrize(
    ("step", "has_team", "note"),
    [
        ("dispatched", True, "escalated: not accepted in 300 s"),
        ("filed", False, "escalated: not accepted in 300 s (no team free)"),
        ("accepted", True, "escalated: not arrived in 1800 s"),
        ("handling", True, "escalated: not handled in 3600 s"),
        ("handled", True, "escalated: not verified in 1800 s"),
    ],
)
def test_an_overrun_says_what_was_not_done(step: Step, has_team: bool, note: str) -> None:
    assert overrun_note(step, TERMS, has_team=has_team) == note


def test_tiers_rise_one_by_one_and_end_at_the_city() -> None:
    assert [next_tier(tier) for tier in TIERS] == [*TIERS[1:], None]


@pytest.mark.parametrize(
    ("colour", "tier"), [("blue", "unit"), ("yellow", "unit"), ("orange", "unit"), ("red", "district")]
)
def test_red_begins_at_the_district(colour: Colour, tier: Tier) -> None:
    assert start_tier(colour) == tier


def test_is_below_compares_tiers() -> None:
    assert is_below("grid", "district")
    assert not is_below("city", "district")
    assert not is_below("unit", "unit")


def test_the_pace_divides_down_to_its_floor() -> None:
    fast = terms_of(CATALOGUE, Pace(60), "lift-fault")
    assert (fast.clocks["accept"], fast.settle_ns) == (5 * SECOND_NS, 3 * SECOND_NS)


def test_a_scenario_that_the_catalogue_lacks_has_default_clocks_and_fits_no_team() -> None:
    unknown = terms_of(CATALOGUE, Pace(), "unheard-of")
    assert (unknown.clocks["accept"], unknown.skills) == (600 * SECOND_NS, frozenset())


def test_accepting_takes_ten_minutes_at_most_as_shipped() -> None:
    assert all(scenario.clocks.accept_s <= 600 for scenario in CATALOGUE.scenarios.values())
