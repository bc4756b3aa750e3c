"""Fruin's levels, Weidmann's diagram, crowd pressure, and the time until a zone is full: against their sources."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.crowd.capacity import SLOWEST, counter_flow, net_inflow, seconds_to_capacity
from detectors.crowd.crowd_pressure import TURBULENCE, crowd_pressure
from detectors.crowd.fruin import LEVELS, TABLES, densest, level_of_service
from detectors.crowd.weidmann import FREE_SPEED_MPS, JAM_DENSITY, flow, speed_collapse, walking_speed

densities = st.floats(0, 12)
counts = st.floats(0, 1e5)


def letter(density: float, place: str) -> str:
    return LEVELS[level_of_service(np.array([density]), place)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("place", "persons_m2"),
    [  # the middle of each level, from Fruin's tables in m2 for each person
        ("walkway", [1 / 4, 1 / 2.8, 1 / 1.9, 1 / 1.1, 1 / 0.7, 1 / 0.3]),
        ("stair", [1 / 2.5, 1 / 1.6, 1 / 1.1, 1 / 0.8, 1 / 0.5, 1 / 0.3]),
        ("standing", [1 / 2, 1 / 1.1, 1 / 0.8, 1 / 0.45, 1 / 0.23, 1 / 0.15]),
    ],
)
def test_levels_are_those_of_the_tables(place: str, persons_m2: list[float]) -> None:
    assert "".join(letter(density, place) for density in persons_m2) == LEVELS


def test_the_limits_in_metres_are_those_that_are_cited() -> None:
    assert np.round(1 / densest("walkway"), 2).tolist() == [3.25, 2.32, 1.39, 0.93, 0.46]
    assert np.round(1 / densest("standing"), 2).tolist() == [1.21, 0.93, 0.65, 0.28, 0.19]


@given(st.lists(densities, min_size=1), st.sampled_from(sorted(TABLES)))
def test_denser_is_never_better_and_many_are_judged_as_one(found: list[float], place: str) -> None:
    ordered = np.sort(np.array(found))
    levels = level_of_service(ordered, place)  # type: ignore[arg-type]
    assert (np.diff(levels) >= 0).all()
    for density, level in zip(ordered, levels, strict=True):
        naive = sum(density > limit for limit in densest(place))  # type: ignore[arg-type]
        assert level == naive


def test_a_density_that_is_none_is_refused() -> None:
    for bad in (math.nan, math.inf, -1.0):
        with pytest.raises(ValueError, match="density must be"):
            level_of_service(np.array([bad]), "walkway")


@given(densities, densities)
def test_people_walk_slower_the_denser_they_are(one: float, other: float) -> None:
    slow, fast = walking_speed(np.array(sorted((one, other), reverse=True)))
    assert 0.0 <= slow <= fast <= FREE_SPEED_MPS


def test_the_diagram_has_its_published_capacity_and_ends_in_a_jam() -> None:
    grid = np.linspace(0.01, JAM_DENSITY, 5_000)
    flows = flow(grid)
    assert flows.max() == pytest.approx(1.22, abs=0.01)  # persons/m/s
    assert grid[flows.argmax()] == pytest.approx(1.75, abs=0.05)
    assert walking_speed(np.array([JAM_DENSITY, 9.0])).tolist() == [0.0, 0.0]


@given(densities, st.floats(0, 3))
def test_a_collapse_is_a_share_of_the_speed_that_the_density_explains(density: float, speed: float) -> None:
    (found,) = speed_collapse(np.array([speed]), np.array([density]))
    (expected,) = walking_speed(np.array([density]))
    assert found == pytest.approx(min(max(1 - speed / expected, 0), 1) if expected > 0.1 else 0.0)


def test_walking_as_the_density_says_is_no_collapse_and_standing_is_a_whole_one() -> None:
    density = np.array([0.5, 2.0, 3.0])
    assert speed_collapse(walking_speed(density), density).tolist() == [0.0, 0.0, 0.0]
    assert speed_collapse(np.zeros(3), density).tolist() == [1.0, 1.0, 1.0]


def test_pressure_is_density_times_variance() -> None:
    assert crowd_pressure(np.array([8.0, 2.0]), np.array([0.003, 0.003])).tolist() == pytest.approx([0.024, 0.006])
    assert 0.006 < TURBULENCE < 0.024


@given(counts, counts)
def test_counter_flow_is_the_same_from_both_sides(coming: float, going: float) -> None:
    found = counter_flow(np.array([coming, going]), np.array([going, coming]))
    assert found[0] == found[1]
    assert 0.0 <= found[0] <= 1.0


def test_counter_flow_of_one_way_is_none_and_of_equal_ways_is_whole() -> None:
    found = counter_flow(np.array([10.0, 0.0, 7.0, 30.0]), np.array([0.0, 0.0, 7.0, 10.0]))
    assert found.tolist() == [0.0, 0.0, 1.0, 0.5]


@given(counts, st.floats(1, 1e5), st.floats(-100, 100))
def test_after_the_time_to_capacity_the_zone_is_full(count: float, capacity: float, inflow: float) -> None:
    (seconds,) = seconds_to_capacity(np.array([count]), np.array([capacity]), np.array([inflow]))
    if count >= capacity:
        assert seconds == 0.0
    elif inflow <= SLOWEST:
        assert seconds == math.inf
    else:
        assert count + inflow * seconds == pytest.approx(capacity)


def test_net_inflow_is_persons_a_second() -> None:
    assert net_inflow(np.array([90.0]), np.array([30.0]), np.array([60.0])).tolist() == [1.0]
