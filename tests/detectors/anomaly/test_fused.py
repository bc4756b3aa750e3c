"""Neighbours, one budget, and the fused score over all detectors."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detectors.anomaly.budget import count_episodes, threshold_for
from detectors.anomaly.fused import DETECTORS, FusedAnomaly, FusedSeries, FusedState
from detectors.anomaly.neighbours import nearest, neighbourhood_residual
from detectors.arrays import FloatArray

HOUR_NS = 3_600_000_000_000
FUSED = FusedAnomaly()
OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def play(state: FusedState, course: FloatArray, since: int = 0, with_neighbours: bool = True) -> FloatArray:
    rows = np.arange(course.shape[1])
    ones, next_ones = np.ones(len(rows)), np.ones(len(rows), bool)
    around = OTHERS if with_neighbours else None
    return np.array(
        [
            FUSED.step(state, rows, line, np.full(len(rows), (since + t) * HOUR_NS), ones, next_ones, around).likelihood
            for t, line in enumerate(course)
        ]
    )


def city(seed: int, days: int) -> FloatArray:
    """Return four sensors of one city: a daily course, weather that all share, noise of their own."""
    rng, hours = np.random.default_rng(seed), np.arange(days * 24)
    weather = np.convolve(rng.normal(0, 4, len(hours) + 23), np.ones(24) / 5, "valid")
    return np.asarray(
        100 + (20 * np.sin(hours / 24 * 2 * np.pi) + weather)[:, None] + rng.normal(0, 2, (len(hours), 4))
    )


@given(arrays(float, (5, 4), elements=st.floats(-50, 50)), arrays(bool, (5, 4)))
def test_what_is_left_after_neighbours_is_the_scalar_reference_and_never_more(
    seen: FloatArray, missing: FloatArray
) -> None:
    own, around = seen[:, 0], np.where(missing[:, 1:], np.nan, seen[:, 1:])
    found = neighbourhood_residual(own, around)
    for value, others, left in zip(own, around, found, strict=True):
        same = sorted((abs(o) for o in others if np.isfinite(o) and o * value > 0), reverse=True)
        witnessed = same[1] if len(same) > 1 else 0.0
        assert left == pytest.approx(np.sign(value) * max(abs(value) - witnessed, 0.0))


def test_nearest_are_the_nearest_and_never_the_place_itself() -> None:
    lat, lon = np.array([31.0, 31.0, 31.0, 31.5]), np.array([121.0, 121.01, 121.03, 121.0])
    assert nearest(lat, lon, 2).tolist() == [[1, 2], [0, 2], [1, 0], [0, 1]]
    with pytest.raises(ValueError, match="4 places"):
        nearest(lat, lon, 4)


@given(arrays(float, (30, 3), elements=st.sampled_from([1e-6, 1e-4, 1e-3, 0.1, 1.0])), st.integers(0, 10))
def test_a_threshold_keeps_its_history_within_the_budget(history: FloatArray, allowed: int) -> None:
    threshold = threshold_for(history, 4, allowed)
    assert count_episodes(history <= threshold, 4) <= allowed


def test_a_threshold_uses_the_budget_up() -> None:
    history = np.random.default_rng(2).random((100_000, 1))
    threshold = threshold_for(history, 1, 50)
    assert count_episodes(history <= threshold, 1) == 50


def test_alarms_close_together_are_one_episode() -> None:
    alarms = np.zeros((40, 2), bool)
    alarms[[1, 5, 9, 30], 0] = alarms[3, 1] = True
    assert count_episodes(alarms, 4) == 3


def test_the_order_of_series_does_not_matter_and_a_snapshot_resumes_to_the_same() -> None:
    course, order = city(3, 10), np.array([2, 0, 3, 1])
    one, other = FusedState.empty(4), FusedState.empty(4)
    straight, shuffled = play(one, course), play(other, course[:, order])
    np.testing.assert_array_equal(straight[:, order], shuffled)
    more, snapshot = city(4, 2), copy.deepcopy(one)
    np.testing.assert_array_equal(play(one, more, len(course)), play(snapshot, more, len(course)))


def test_a_spike_of_one_sensor_is_unlikely_and_one_that_all_see_is_not() -> None:
    course = city(5, 90)
    lone, shared = course.copy(), course.copy()
    lone[-1, 0] += 60
    shared[-1] += 60
    assert play(FusedState.empty(4), lone)[-1, 0] < 1e-4
    assert play(FusedState.empty(4), shared)[-1].min() > 1e-3
    assert play(FusedState.empty(4), shared, with_neighbours=False)[-1].max() < 1e-4


def test_likelihoods_are_probabilities_whatever_comes() -> None:
    course = np.array([[1e30, -1e30, 0.0, 1e-30], [0.0, 0.0, 0.0, 0.0]] * 100)
    found = play(FusedState.empty(4), course)
    assert ((found > 0) & (found <= 1)).all()
    assert len(DETECTORS) == len(FusedState.empty(1).tails)


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_a_series_score_does_not_depend_on_what_comes_later(seed: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    times, values = np.cumsum(rng.integers(1, 3, 400)) * HOUR_NS, rng.normal(20, 3, 400)
    whole, first = FusedSeries().scores(times, values), FusedSeries().scores(times[:cut], values[:cut])
    np.testing.assert_array_equal(whole[:cut], first)
    assert ((whole >= 0) & (whole <= 1)).all()
