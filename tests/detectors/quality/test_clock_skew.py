"""A clock is skewed when its readings keep arriving too old or too young; a burst of old ones is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.quality.clock_skew import ClockSkew, ClockSkewState
from tests.detectors import laws

SKEW = ClockSkew(step_s=1.0, tolerance_s=60.0)


def play(state: ClockSkewState, course: FloatArray) -> FloatArray:
    rows = np.arange(course.shape[1])
    return np.array([SKEW.step(state, rows, line) for line in course], float)


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=60))
def test_the_vector_step_is_the_scalar_reference(course: list[float]) -> None:
    state, median = ClockSkewState.empty(3), None
    for age in course:
        median = age if median is None else float(np.float32(median)) + min(max(age - float(np.float32(median)), -1), 1)
        said = SKEW.step(state, np.array([1]), np.array([age]))
        assert said.tolist() == [abs(median) > 60.0]
    assert np.isnan(state.median_s[[0, 2]]).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).normal(30, 40, (40, 4))
    laws.order_does_not_matter(play, ClockSkewState.empty, course, seed)
    laws.a_snapshot_resumes(play, ClockSkewState.empty, course, cut)
    laws.the_state_does_not_grow(play, ClockSkewState.empty, course)
    laws.scores_are_finite(play, ClockSkewState.empty)


def test_a_clock_an_hour_ahead_shows_and_a_burst_after_an_outage_does_not() -> None:
    state = ClockSkewState.empty(2)
    for _ in range(50):
        SKEW.step(state, np.array([0, 1]), np.array([2.0, 2.0]))
    said = [SKEW.step(state, np.array([0, 1]), np.array([-3_600.0, 7_200.0 if n < 40 else 2.0])) for n in range(100)]
    assert said[-1].tolist() == [True, False]
    assert not any(line[1] for line in said)


@pytest.mark.parametrize("fault", [{"step_s": 0.0}, {"tolerance_s": -1.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        ClockSkew(**fault)


def test_an_age_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = ClockSkewState.empty(1)
    with pytest.raises(ValueError, match="finite"):
        SKEW.step(state, np.array([0]), np.array([np.inf]))
    assert np.isnan(state.median_s).all()
