"""Slow drift shows in the recent level against the usual one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.anomaly.slow_drift import CLIP, GAUSSIAN, DriftState, SlowDrift
from detectors.arrays import FloatArray
from tests.detectors import laws

DRIFT = SlowDrift(warmup=20)


def play(state: DriftState, course: FloatArray) -> FloatArray:
    rows = np.arange(course.shape[1])
    return np.array([DRIFT.step(state, rows, line, np.ones(len(rows))) for line in course])


def naive(course: list[float]) -> list[float]:
    usual = recent = spread = 0.0
    scores = []
    for count, value in enumerate(course):
        warm, floor = count >= DRIFT.warmup, max(spread, 1.0)
        scores.append(abs(recent - usual) / (floor * (0.02 / 1.98) ** 0.5) if warm else 0.0)
        limit, early = CLIP * floor if warm else float("inf"), 1 / (count + 1)
        learned = min(max(value - usual, -limit), limit)
        usual, recent = (
            float(np.float32(usual + (0.001 if warm else early) * learned)),
            float(np.float32(recent + max(0.02, early) * (usual + learned - recent))),
        )
        if count:
            spread = float(np.float32(spread + max(0.001, 1 / count) * (GAUSSIAN * abs(learned) - spread)))
    return scores


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=80))
def test_the_vector_step_is_the_scalar_reference(course: list[float]) -> None:
    found = play(DriftState.empty(1), np.array(course)[:, None])[:, 0]
    np.testing.assert_allclose(found, naive(course), rtol=1e-3, atol=1e-2)


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).normal(0, 2, (70, 4))
    laws.order_does_not_matter(play, DriftState.empty, course, seed)
    laws.a_snapshot_resumes(play, DriftState.empty, course, cut)
    laws.the_state_does_not_grow(play, DriftState.empty, course)
    laws.scores_are_finite(play, DriftState.empty)


def test_a_drift_crosses_what_chance_reaches() -> None:
    rng = np.random.default_rng(5)
    still = rng.normal(20, 3, (4_000, 1))
    drifting = still + np.maximum(np.arange(4_000) - 3_000, 0)[:, None] * 0.01
    assert play(DriftState.empty(1), drifting).max() > 2 * play(DriftState.empty(1), still).max()


@pytest.mark.parametrize("fault", [{"alpha": 0.0}, {"beta": 0.5}, {"warmup": 1}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        SlowDrift(**fault)  # type: ignore[arg-type]


def test_a_value_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = DriftState.empty(1)
    with pytest.raises(ValueError, match="finite"):
        DRIFT.step(state, np.array([0]), np.array([np.nan]), np.ones(1))
    assert state.count[0] == 0
