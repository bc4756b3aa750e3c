"""A regression that goes on learning: against one that is solved anew, and what robustness and forgetting are for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.clipped_scale import ClippedScale
from detectors.forecast.recursive_least_squares import RecursiveLeastSquares, RegressionState
from tests.detectors import laws
from tests.detectors.forecast.references import NaiveRegression

RULE = RecursiveLeastSquares(prior=(0.5, 0.0), robust=ClippedScale(warmup=5))
small = st.integers(-30, 30).map(lambda value: value / 10)
TRUE = np.array([2.0, -1.0])


def empty(series: int) -> RegressionState:
    return RegressionState.empty(series, 1, 2)


def play(state: RegressionState, course: FloatArray) -> FloatArray:
    """Predictions of the next value from the value and 1, each before it is learned; the first comes from 0."""
    found = []
    for past, value in zip(np.vstack((np.zeros_like(course[:1]), course[:-1])), course, strict=True):
        features = np.stack((past, np.ones_like(past)), axis=-1)[:, None]
        found.append(RULE.predict(state, features)[:, 0])
        RULE.learn(state, features, value[:, None])
    return np.array(found)


def taught(rule: RecursiveLeastSquares, targets: FloatArray, features: FloatArray) -> FloatArray:
    """Return the two coefficients after targets (time,) and features (time, 2)."""
    state = empty(1)
    for target, line in zip(targets, features, strict=True):
        rule.learn(state, line[None, None], np.array([[target]]))
    return np.array([rule.predict(state, one[None, None])[0, 0] for one in np.eye(2)])


@settings(deadline=None)
@given(st.lists(st.tuples(small, small, small | st.just(float("nan"))), min_size=1, max_size=30))
def test_the_vector_step_is_a_regression_solved_anew(course: list[tuple[float, float, float]]) -> None:
    state, naive = RegressionState.empty(2, 2, 2), NaiveRegression(RULE)
    for one, other, target in course:
        features = np.zeros((2, 2, 2))
        features[1, 1] = one, other
        targets = np.full((2, 2), np.nan)
        targets[1, 1] = target
        assert RULE.predict(state, features)[1, 1] == pytest.approx(naive.predict([one, other]), rel=1e-3, abs=1e-3)
        RULE.learn(state, features, targets)
        naive.learn([one, other], target)
    assert not state.count[0].any()
    assert not state.gram[0].any()


def test_the_shared_laws_hold() -> None:
    course = np.random.default_rng(5).normal(0, 1, (60, 4))
    laws.order_does_not_matter(play, empty, course, 2)
    laws.the_state_does_not_grow(play, empty, course)


def test_the_true_coefficients_are_found_and_gross_errors_do_not_hide_them() -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(0, 1, (2_000, 2))
    targets = features @ TRUE + rng.normal(0, 0.1, 2_000)
    np.testing.assert_allclose(taught(RULE, targets, features), TRUE, atol=0.02)
    targets[100::40] += 1_000.0
    np.testing.assert_allclose(taught(RULE, targets, features), TRUE, atol=0.1)


def test_what_was_long_ago_is_forgotten() -> None:
    features = np.random.default_rng(5).normal(0, 1, (3_000, 2))
    targets = np.concatenate((features[:1_500] @ TRUE, features[1_500:] @ -TRUE))
    rule = RecursiveLeastSquares(prior=(0.0, 0.0), forgetting=0.99)
    np.testing.assert_allclose(taught(rule, targets, features), -TRUE, atol=0.05)


def test_without_news_it_goes_back_to_the_prior() -> None:
    features = np.vstack((np.random.default_rng(5).normal(0, 1, (300, 2)), np.zeros((3_000, 2))))
    rule = RecursiveLeastSquares(prior=(0.5, 0.0), forgetting=0.99)
    np.testing.assert_allclose(taught(rule, features @ TRUE, features), rule.prior, atol=0.01)


@pytest.mark.parametrize("fault", [{"forgetting": 1.0}, {"ridge": 0.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    (name,) = fault
    with pytest.raises(ValueError, match=f"{name}.*{fault[name]}"):
        RecursiveLeastSquares(prior=(1.0,), **fault)  # type: ignore[arg-type]
