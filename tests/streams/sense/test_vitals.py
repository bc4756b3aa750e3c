"""Vital signs of a unit: each indicator from its rows, its score by its curve, the unit's scores for the roll-up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import channels
from schemas.signs import Indicator
from streams.delivery.records import Record
from streams.sense.vitals import weighted_score
from streams.topics import DISTRICT_PARTITIONS, partition_for
from tests.streams.sense.builders import (
    SQUARE,
    UNIT,
    anomalies,
    at,
    crowd,
    device,
    indicators,
    pack,
    partition,
    registry,
    unit_scores,
    until,
    video,
    when,
)


def signs(*records: Record) -> dict[str, Indicator]:
    """Return what a minute's records come to, by indicator."""
    return {one.indicator: one for one in indicators(partition().fold([*records, *until(60.0)]))}


def test_an_indicator_says_its_value_score_colour_and_who_made_it_so() -> None:
    found = signs(pack(("gas-1/ch4", 5.0, 2_500.0), ("gas-2/ch4", 6.0, 5_000.0), ("gas-1/ch4", 7.0, 300.0)))
    one = found["methane_max"]
    assert (one.unit_id, one.value, one.score, one.colour, one.unit) == (UNIT, 5_000.0, 40.0, "yellow", "ppm")
    assert (one.window_start, one.window_s, one.n, one.revision) == (when(0.0), 60.0, 3, 0)
    assert [(who.name, who.value) for who in one.contributors] == [("gas-2/ch4", 5_000.0)]


def test_a_mean_is_of_all_readings_of_the_unit_whatever_pack_they_came_in() -> None:
    found = signs(pack(("air-1/pm25", 5.0, 20.0), ("owned-1/pm25", 5.0, 60.0)), pack(("air-1/pm25", 15.0, 70.0)))
    assert found["fine_particles"].value == 50.0


def test_of_equal_highest_values_the_name_that_sorts_first_is_told() -> None:
    one, other = (
        signs(pack((first, 5.0, 900.0)), pack((second, 6.0, 900.0)))["methane_max"].contributors
        for first, second in (("gas-1/ch4", "gas-2/ch4"), ("gas-2/ch4", "gas-1/ch4"))
    )
    assert one == other
    assert one[0].name == "gas-1/ch4"


def test_readings_out_of_range_do_not_enter() -> None:
    assert signs(pack(("air-1/pm25", 5.0, 20.0), ("air-1/pm25", 6.0, 9_000.0)))["fine_particles"].value == 20.0


def test_what_nothing_came_of_is_left_out() -> None:
    assert set(signs(pack(("air-1/pm25", 5.0, 20.0)))) == {"fine_particles"}
    assert partition().fold(until(60.0))[0].topic == channels.UNIT_SCORES  # nothing but watermarks


def test_crowd_density_is_that_of_the_densest_zone() -> None:
    one = signs(crowd(30.0, 200), crowd(30.0, 600, zone="south"))["crowd_density"]
    assert (one.unit_id, one.value, one.coverage) == (SQUARE, 3.0, 1.0)
    assert one.score == pytest.approx(46.67, abs=0.01)
    assert [(who.name, who.value) for who in one.contributors] == [("south", 3.0), ("north", 2.0)]


def test_persons_in_view_are_the_most_of_each_camera() -> None:
    one = signs(video(5.0, 10), video(15.0, 30), video(10.0, 7, "cam-2"))["person_count"]
    assert (one.value, one.n) == (37.0, 3)


def test_people_who_come_in_add_up_over_the_window() -> None:
    one = signs(crowd(20.0, flow=(5, 1)), crowd(40.0, flow=(6, 1)), crowd(40.0, flow=(2, 0), zone="south"))["people_in"]
    assert (one.value, one.n) == (13.0, 3)


def test_scores_go_to_the_district_s_partition_with_their_revision_in_the_id() -> None:
    state = partition()
    effects = state.fold([pack(("air-1/pm25", 5.0, 75.0)), *until(60.0)])
    effects += state.fold([pack(("air-1/pm25", 6.0, 75.0))])
    sent = [effect for effect in effects if effect.topic == channels.UNIT_SCORES and effect.key is not None]
    assert [(e.key, e.partition) for e in sent] == [(b"hp", partition_for(b"hp", DISTRICT_PARTITIONS))] * 2
    assert [dict(e.headers)["ce_id"] for e in sent] == [f"{UNIT}:actual:{at(0.0)}:{n}".encode() for n in (0, 1)]
    assert [scores.scores for scores in unit_scores(effects)] == [{"environment": 80.0}] * 2


def test_modes_are_kept_apart() -> None:
    view = registry([device("a-1", "pm25"), device("a-2", "pm25", mode="test")])
    found = partition(view).fold([pack(("a-1/pm25", 5.0, 20.0), ("a-2/pm25", 5.0, 400.0)), *until(60.0)])
    assert [(one.mode, one.value) for one in indicators(found)] == [("actual", 20.0), ("test", 400.0)]


def test_an_anomaly_has_an_id_of_its_own_for_each_phase() -> None:
    effects = partition().fold([pack(*[("gas-1/ch4", float(i), v) for i, v in enumerate((3_000.0, 1.0, 1.0))])])
    ids = [dict(e.headers)["ce_id"].decode() for e in effects if e.topic == channels.ANOMALIES]
    name = anomalies(effects)[0].id
    assert ids == [f"{name}:onset:{at(0.0)}", f"{name}:clear:{at(2.0)}"]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), min_size=1, max_size=6))
def test_the_score_of_several_lies_between_them_and_not_above_their_mean(pairs: list[tuple[float, float]]) -> None:
    found = weighted_score(pairs, 4.0)
    mean = sum(score * weight for score, weight in pairs) / sum(weight for _, weight in pairs)
    assert min(score for score, _ in pairs) <= found <= mean + 1e-6
