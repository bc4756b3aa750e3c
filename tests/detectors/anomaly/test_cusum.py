"""CUSUM equals Page's sums, keeps the laws, finds a shift and leaves a spike to others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.anomaly.cusum import Cusum, CusumState
from detectors.arrays import FloatArray
from tests.detectors import laws

CUSUM = Cusum(slack=0.5, clip=4.0, limit=10.0)


def play(state: CusumState, course: FloatArray) -> FloatArray:
    rows = np.arange(course.shape[1])
    return np.array([CUSUM.step(state, rows, line) for line in course])


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=80))
def test_the_vector_step_is_the_scalar_reference(course: list[float]) -> None:
    up = down = 0.0
    expected = []
    for value in course:
        clipped = min(max(value, -4.0), 4.0)
        up, down = max(0.0, up + clipped - 0.5), max(0.0, down - clipped - 0.5)
        expected.append(max(up, down))
        if expected[-1] > 10.0 + 1e-4:
            up = down = 0.0
    found = play(CusumState.empty(1), np.array(course)[:, None])[:, 0]
    if not any(abs(one - 10.0) < 1e-3 for one in expected):
        np.testing.assert_allclose(found, expected, atol=1e-4)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).normal(0, 2, (40, 4))
    laws.order_does_not_matter(play, CusumState.empty, course, seed)
    laws.a_snapshot_resumes(play, CusumState.empty, course, cut)
    laws.the_state_does_not_grow(play, CusumState.empty, course)
    laws.scores_are_finite(play, CusumState.empty)


def test_a_shift_adds_up_and_one_spike_does_not() -> None:
    shift = play(CusumState.empty(1), np.full((5, 1), 3.0))[:, 0]
    assert shift.max() > CUSUM.limit
    spike = play(CusumState.empty(1), np.array([[100.0], [0.0], [0.0], [0.0]]))[:, 0]
    assert spike.max() == CUSUM.clip - CUSUM.slack


@pytest.mark.parametrize("fault", [{"slack": -1.0}, {"clip": 0.1}, {"limit": 0.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        Cusum(**fault)


def test_a_residual_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = CusumState.empty(1)
    with pytest.raises(ValueError, match="finite"):
        CUSUM.step(state, np.array([0]), np.array([np.nan]))
    assert state.up[0] == 0.0
