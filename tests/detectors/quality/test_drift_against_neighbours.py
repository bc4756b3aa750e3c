"""Drift shows against neighbours, where what all of them see does not."""

import numpy as np

from detectors.anomaly.slow_drift import DriftState
from detectors.quality.drift_against_neighbours import DriftAgainstNeighbours


def test_a_slow_drift_crosses_and_a_change_of_the_air_that_all_see_does_not() -> None:
    rng, detector = np.random.default_rng(5), DriftAgainstNeighbours()
    state, rows, ones = DriftState.empty(2), np.array([0, 1]), np.ones(2)
    worst = np.zeros(2)
    for hour in range(3_000):
        air = 50 + 30 * np.sin(hour / 50) + (40 if hour > 2_000 else 0)
        drift = max(0, hour - 2_000) * 0.01
        values = air + rng.normal(0, 2, 2) + np.array([drift, 0.0])
        around = air + rng.normal(0, 2, (2, 5))
        worst = np.maximum(worst, detector.step(state, rows, values, around, ones))
    assert worst[0] > 12
    assert worst[1] < 6


def test_one_neighbour_that_is_at_fault_does_not_count() -> None:
    rng, detector = np.random.default_rng(5), DriftAgainstNeighbours()
    state, worst = DriftState.empty(1), 0.0
    for hour in range(2_000):
        around = rng.normal(20, 2, (1, 5))
        around[0, 0] += hour
        worst = max(worst, detector.step(state, np.array([0]), rng.normal(20, 2, 1), around, np.ones(1))[0])
    assert worst < 8


def test_with_fewer_than_three_neighbours_nothing_is_said_or_learned() -> None:
    state = DriftState.empty(1)
    around = np.array([[1.0, 2.0, np.nan]])
    step = DriftAgainstNeighbours().step
    assert step(state, np.array([0]), np.array([9.0]), around, np.ones(1)).tolist() == [0.0]
    assert state.count[0] == 0
