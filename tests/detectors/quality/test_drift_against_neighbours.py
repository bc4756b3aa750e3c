"""Drift shows against neighbours, where what all of them see does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.quality.drift_against_neighbours import GAUSSIAN, DriftAgainstNeighbours, DriftState
from tests.detectors import laws

DRIFT = DriftAgainstNeighbours(warmup=20)


def play(state: DriftState, course: FloatArray) -> FloatArray:
    """Play a course against three neighbours that stand at 0."""
    rows = np.arange(course.shape[1])
    around, ones = np.zeros((len(rows), 3)), np.ones(len(rows))
    return np.array([DRIFT.step(state, rows, line, around, ones) for line in course])


def naive(course: list[float]) -> list[float]:
    """Return the scores of one series whose neighbours stand at 0, in plain numbers."""
    usual = recent = spread = 0.0
    scores = []
    for count, value in enumerate(course):
        warm, floor = count >= 20, max(spread, 1.0)
        scores.append(abs(recent - usual) / (floor * (0.02 / 1.98) ** 0.5) if warm else 0.0)
        limit = 4 * floor if warm else float("inf")
        learned = usual + min(max(value - usual, -limit), limit)
        deviation, early = GAUSSIAN * abs(learned - usual), 1 / (count + 1)
        usual, recent = (
            float(np.float32(usual + (0.001 if warm else early) * (learned - usual))),
            float(np.float32(recent + max(0.02, early) * (learned - recent))),
        )
        if count:
            spread = float(np.float32(spread + max(0.001, 1 / count) * (deviation - spread)))
    return scores


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=80))
def test_the_vector_step_is_the_scalar_reference(course: list[float]) -> None:
    found = play(DriftState.empty(1), np.array(course)[:, None])[:, 0]
    np.testing.assert_allclose(found, naive(course), rtol=1e-3, atol=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).normal(0, 2, (70, 4))
    laws.order_does_not_matter(play, DriftState.empty, course, seed)
    laws.a_snapshot_resumes(play, DriftState.empty, course, cut)
    laws.the_state_does_not_grow(play, DriftState.empty, course)
    laws.scores_are_finite(play, DriftState.empty)


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


def test_with_fewer_than_three_neighbours_nothing_is_said_or_learned() -> None:
    state = DriftState.empty(1)
    around = np.array([[1.0, 2.0, np.nan]])
    assert DRIFT.step(state, np.array([0]), np.array([9.0]), around, np.ones(1)).tolist() == [0.0]
    assert state.count[0] == 0


@pytest.mark.parametrize("fault", [{"alpha": 0.0}, {"beta": 0.5}, {"warmup": 1}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        DriftAgainstNeighbours(**fault)  # type: ignore[arg-type]
