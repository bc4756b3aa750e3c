"""The source that fits what sensors saw: by wind, lag and distance; and the laws that any map must keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.correlation.upwind import Sensors, Wind, mean_direction_deg, rank_upwind

LAT, LON = 31.22, 121.48
METRE = 1.0 / 111_195.0  # degrees north
seeds = st.integers(0, 2**32 - 1)


def place(east_m: np.ndarray, north_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return LAT + north_m * METRE, LON + east_m * METRE / np.cos(np.radians(LAT))


def trial(seed: int, turn_deg: float = 0.0) -> tuple[np.ndarray, np.ndarray, Sensors, Wind]:
    """Return five candidates, the first of them the source, and twelve sensors that its plume reached or not."""
    rng = np.random.default_rng(seed)
    source = rng.uniform(-1_500, 1_500, (5, 2))
    at = rng.uniform(-2_500, 2_500, (12, 2))
    wind = Wind(from_deg=float(rng.uniform(0, 360)), speed_mps=float(rng.uniform(1.5, 6)), spread_deg=8.0)
    to = np.radians(wind.from_deg + 180.0)
    way = at - source[0]
    along = way @ np.array([np.sin(to), np.cos(to)])
    across = way @ np.array([np.cos(to), -np.sin(to)])
    sigma = 40.0 + 0.25 * np.maximum(along, 0)
    seen = np.where(along > 0, 4_000 * np.exp(-0.5 * (across / sigma) ** 2) / sigma, 0.0)
    seen *= rng.lognormal(0.0, 0.3, len(seen))
    rise = np.where(seen > 3.0, seen, 0.0)
    onset = np.where(rise > 0, along / wind.speed_mps + rng.normal(0, 30, len(seen)), np.nan)
    angle = np.radians(turn_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])  # clockwise, (east, north)
    source, at = source @ turn, at @ turn
    lat, lon = place(source[:, 0], source[:, 1])
    s_lat, s_lon = place(at[:, 0], at[:, 1])
    turned = Wind(from_deg=(wind.from_deg + turn_deg) % 360, speed_mps=wind.speed_mps, spread_deg=wind.spread_deg)
    return lat, lon, Sensors(lat=s_lat, lon=s_lon, rise=rise, onset_s=onset), turned


@pytest.mark.parametrize(("least", "share"), [(2, 0.8), (3, 0.82)])
def test_the_source_of_a_plume_is_mostly_ranked_first_of_five(least: int, share: float) -> None:
    """By chance it would be one in five; one sensor alone tells a sector, not a source."""
    trials = [found for seed in range(600) if ((found := trial(seed))[2].rise > 0).sum() >= least]
    right = [rank_upwind(*found)[0].place == 0 for found in trials]
    assert len(right) > 100
    assert sum(right) / len(right) >= share


@given(seeds, st.floats(0, 360))
@settings(max_examples=50)
def test_turning_the_map_and_the_wind_changes_no_score(seed: int, turn: float) -> None:
    plain, turned = trial(seed), trial(seed, turn)
    if not (plain[2].rise > 0).any():
        return
    before = {one.place: one.score for one in rank_upwind(*plain)}
    after = {one.place: one.score for one in rank_upwind(*turned)}
    assert after == pytest.approx(before, abs=2e-2)  # a degree of longitude is not as long everywhere


@given(seeds)
@settings(max_examples=50)
def test_the_order_in_which_things_are_given_does_not_matter(seed: int) -> None:
    lat, lon, sensors, wind = trial(seed)
    if not (sensors.rise > 0).any():
        return
    order, mixed = np.random.default_rng(seed).permutation(5), np.random.default_rng(seed).permutation(12)
    other = Sensors(
        lat=sensors.lat[mixed], lon=sensors.lon[mixed], rise=sensors.rise[mixed], onset_s=sensors.onset_s[mixed]
    )
    before = [one.score for one in rank_upwind(lat, lon, sensors, wind)]
    assert [one.score for one in rank_upwind(lat[order], lon[order], other, wind)] == pytest.approx(before)


def test_what_lies_downwind_is_never_the_source() -> None:
    lat, lon = place(np.array([0.0, 0.0]), np.array([800.0, -800.0]))
    s_lat, s_lon = place(np.zeros(2), np.array([0.0, 50.0]))
    sensors = Sensors(lat=s_lat, lon=s_lon, rise=np.array([9.0, 10.0]), onset_s=np.array([250.0, 235.0]))
    first, second = rank_upwind(lat, lon, sensors, Wind(from_deg=0.0, speed_mps=3.0))
    assert (first.place, second.score) == (0, 0.0)


def test_a_sensor_that_should_have_seen_it_counts_against_a_source() -> None:
    lat, lon = place(np.array([0.0]), np.array([1_000.0]))
    s_lat, s_lon = place(np.zeros(3), np.array([500.0, 200.0, 0.0]))
    onset = np.array([100.0, np.nan, 300.0])
    whole = Sensors(lat=s_lat, lon=s_lon, rise=np.array([9.0, 7.0, 5.0]), onset_s=np.array([100.0, 200.0, 300.0]))
    gap = Sensors(lat=s_lat, lon=s_lon, rise=np.array([9.0, 0.0, 5.0]), onset_s=onset)
    wind = Wind(from_deg=0.0, speed_mps=4.0)
    assert rank_upwind(lat, lon, gap, wind)[0].missed == 1
    assert rank_upwind(lat, lon, gap, wind)[0].direction < rank_upwind(lat, lon, whole, wind)[0].direction


def test_in_a_calm_the_nearest_source_is_the_likeliest() -> None:
    lat, lon = place(np.array([100.0, 2_000.0]), np.zeros(2))
    s_lat, s_lon = place(np.array([0.0, 300.0]), np.zeros(2))
    sensors = Sensors(lat=s_lat, lon=s_lon, rise=np.array([9.0, 8.0]), onset_s=np.array([0.0, 10.0]))
    assert rank_upwind(lat, lon, sensors, Wind(from_deg=270.0, speed_mps=0.2))[0].place == 0


def test_where_nothing_rose_nothing_is_explained() -> None:
    none = Sensors(lat=np.array([LAT]), lon=np.array([LON]), rise=np.zeros(1), onset_s=np.array([np.nan]))
    with pytest.raises(ValueError, match="no sensor rose"):
        rank_upwind(np.array([LAT]), np.array([LON]), none, Wind(from_deg=0.0, speed_mps=2.0))


@pytest.mark.parametrize(
    ("directions", "mean"), [((350.0, 10.0), 0.0), ((80.0, 100.0), 90.0), ((0.0,), 0.0), ((181.0, 179.0), 180.0)]
)
def test_directions_are_meant_on_the_circle(directions: tuple[float, ...], mean: float) -> None:
    found, spread = mean_direction_deg(np.array(directions))
    assert min(abs(found - mean), 360 - abs(found - mean)) < 1e-6
    assert 0.0 <= spread < 15.0
