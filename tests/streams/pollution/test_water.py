"""Where foul water may come from, along the shipped network."""

from __future__ import annotations

from simulators.places import PILOTS
from streams.pollution.likely import rank
from streams.pollution.text import render_sources
from tests.streams.pollution.builders import CATALOGUE, LOWER, UPPER, WHOLE, creeks, pulse


def test_a_pulse_that_passes_the_upper_creek_first_comes_from_there_or_from_what_drains_into_it() -> None:
    found = rank("turbidity", pulse("turbidity", {"upper": 1_500, "lower": 2_220}), WHOLE, creeks(), CATALOGUE)
    assert (found.medium, found.wind_mps, found.note) == ("water", None, "")
    assert [one.id for one in found.ranked[:2]] == ["yuyangli-creek", "car-wash"]
    assert [(one.seen, one.missed, one.order, one.minutes) for one in found.ranked[:2]] == [
        (2, 0, 1.0, 0.0),
        (2, 0, 1.0, 6.0),
    ]
    assert [one.unit_id for one in found.rose] == [UPPER, LOWER]
    assert "1. 1.00  Creek at Yuyangli (made up)   order 1.00, 0 min upstream; 2 points" in render_sources(found)


def test_what_only_the_lower_creek_saw_came_in_below_the_upper_one() -> None:
    found = rank("turbidity", pulse("turbidity", {"upper": None, "lower": 1_500}), WHOLE, creeks(), CATALOGUE)
    assert [one.id for one in found.ranked[:2]] == ["laoximen-creek", "tunnel-pit"]
    upper = next(one for one in found.ranked if one.id == "car-wash")
    assert (upper.missed, upper.score < found.ranked[1].score) == (1, True)


def test_a_pulse_against_the_flow_is_not_from_upstream() -> None:
    found = rank("turbidity", pulse("turbidity", {"lower": 1_200, "upper": 2_400}), WHOLE, creeks(), CATALOGUE)
    assert found.ranked[0].id == "laoximen-creek"
    assert not {"yuyangli-creek", "car-wash"} & {one.id for one in found.ranked}


def test_places_that_do_not_emit_it_and_mere_drains_are_no_candidates() -> None:
    found = rank("nh3n", pulse("nh3n", {"upper": 1_500, "lower": 2_220}), WHOLE, creeks(), CATALOGUE)
    assert [one.id for one in found.ranked] == ["yuyangli-creek", "food-market", "laoximen-creek", "dye-works"]


def test_a_sensor_outside_the_network_is_named() -> None:
    where = creeks(pond="hp.bund.g01.pond")
    found = rank("cod", pulse("cod", {"pond": 1_500}), WHOLE, where, CATALOGUE)
    assert (found.ranked, found.note) == ((), "not in network.yaml: hp.bund.g01.pond")
    both = creeks(pond="hp.bund.g01.pond", upper=UPPER)
    found = rank("cod", pulse("cod", {"pond": 1_500, "upper": 1_500}), WHOLE, both, CATALOGUE)
    assert (found.ranked[0].id, found.note) == ("yuyangli-creek", "not in network.yaml: hp.bund.g01.pond")


def test_the_shipped_network_stands_on_units_of_the_reference_district() -> None:
    units = {point.unit for point in CATALOGUE.network.values()} - {None}
    assert units == {UPPER, LOWER}
    assert units <= PILOTS.keys()
    made_up = [point.name for point in CATALOGUE.network.values()]
    assert all("made up" in name.en and "虚构" in name.zh for name in made_up)
