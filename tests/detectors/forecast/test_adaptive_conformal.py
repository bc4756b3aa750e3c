"""Intervals cover what they promise: for skewed errors, for errors that change, and for an adversary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.adaptive_conformal import AdaptiveConformal, ConformalState
from tests.detectors import laws
from tests.detectors.forecast.references import NaiveConformal

RULE = AdaptiveConformal()


def empty(series: int) -> ConformalState:
    return RULE.empty(series, 1)


def play(state: ConformalState, course: FloatArray) -> FloatArray:
    """Whether each error lay within, judged before it is learned."""
    found = []
    for line in course:
        found.append((-line <= state.below[:, 0]) & (line <= state.above[:, 0]))
        RULE.learn(state, line[:, None])
    return np.array(found, np.float64)


@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=1, max_size=60))
def test_the_vector_step_is_the_scalar_reference(errors: list[float]) -> None:
    state, naive = RULE.empty(2, 2), NaiveConformal(RULE)
    for error in errors:
        # Where single and double precision could fall on different sides there is nothing to compare.
        near = min(abs(error - naive.above), abs(error + naive.below)) < 1e-4
        shifted = error + 1e-3 * near
        RULE.learn(state, np.array([[np.nan, np.nan], [np.nan, shifted]]))
        naive.learn(shifted)
        assert state.below[1, 1] == pytest.approx(naive.below, abs=1e-4)
        assert state.above[1, 1] == pytest.approx(naive.above, abs=1e-4)
    assert (state.below[0] == np.float32(RULE.start)).all()


def test_the_shared_laws_hold() -> None:
    course = np.random.default_rng(4).normal(0, 1, (200, 4))
    laws.order_does_not_matter(play, empty, course, 1)
    laws.a_snapshot_resumes(play, empty, course, 77)
    laws.scores_are_finite(play, empty)
    laws.the_state_does_not_grow(play, empty, course)


@pytest.mark.parametrize("spread", ["normal", "standard_exponential", "standard_cauchy"])
def test_whatever_the_errors_are_like_ninety_per_cent_lie_within(spread: str) -> None:
    errors = getattr(np.random.default_rng(4), spread)(size=(4_000, 20))
    covered = play(empty(20), errors)[1_500:].mean(axis=0)
    assert covered.mean() == pytest.approx(0.9, abs=0.01)
    assert (np.abs(covered - 0.9) < 0.03).all()


def test_errors_that_grow_threefold_are_covered_again_after_some_hundreds() -> None:
    rng = np.random.default_rng(4)
    errors = np.vstack((rng.normal(0, 1, (1_000, 20)), rng.normal(0, 3, (3_000, 20))))
    covered = play(empty(20), errors).mean(axis=1)
    assert covered[1_000:1_020].mean() < 0.7
    assert covered[1_700:].mean() == pytest.approx(0.9, abs=0.01)


@given(st.integers(0, 2**32 - 1))
def test_each_side_misses_no_more_than_promised_whatever_an_adversary_does(seed: int) -> None:
    rng, state, bound, length, missed = np.random.default_rng(seed), empty(1), 5.0, 400, 0
    for _ in range(length):  # the adversary sees the interval, and misses it where errors may be so large
        error = min(float(state.above[0, 0]) + float(rng.uniform(-0.05, 0.2)), bound)
        missed += error > state.above[0, 0]
        RULE.learn(state, np.array([[error]]))
    assert abs(missed / length - 0.05) <= (bound + RULE.rate) / (RULE.rate * length)


@pytest.mark.parametrize("fault", [{"coverage": 1.0}, {"rate": 0.0}, {"start": -1.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    (name,) = fault
    with pytest.raises(ValueError, match=f"{name}.*{fault[name]}"):
        AdaptiveConformal(**fault)
