"""Bounds follow the errors: the same as one by one, and crossed as often as asked, whatever the errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.forecast.intervals import GAUSSIAN, IntervalState, TrackedInterval

INTERVAL = TrackedInterval(coverage=0.8, rate=0.05, memory=0.1)


@given(
    st.lists(st.tuples(st.floats(-100, 100).map(lambda error: round(error, 2)), st.booleans()), min_size=1, max_size=80)
)
def test_learning_is_that_of_the_scalar_reference(course: list[tuple[float, bool]]) -> None:
    state, spread, low, high = IntervalState.empty(2), 0.0, -1.64, 1.64
    for error, known in course:
        INTERVAL.learn(state, np.array([0.0, error]), np.array([False, known]))
        if known:
            scaled = error / spread if spread else 0.0
            if spread:
                low, high = (
                    low + 0.05 * (0.1 - (scaled < low)),
                    high + 0.05 * ((scaled > high) - 0.1),
                )
            size = GAUSSIAN * min(abs(error), 5 * spread if spread else float("inf"))
            spread = spread + 0.1 * (size - spread) if spread else size
        if spread and min(abs(error / spread - bound) for bound in (low, high)) < 1e-3:
            return  # on the edge of a bound single precision may decide otherwise
    assert state.spread[1] == pytest.approx(spread, rel=1e-4, abs=1e-6)
    assert (state.low[1], state.high[1]) == (pytest.approx(low, abs=1e-3), pytest.approx(high, abs=1e-3))
    assert state.spread[0] == 0.0


@pytest.mark.parametrize("name", ["normal", "exponential", "standard_cauchy"])
def test_each_bound_is_crossed_as_often_as_asked(name: str) -> None:
    errors = getattr(np.random.default_rng(1), name)(size=(6_000, 3))
    errors -= np.median(errors)  # an interval holds its forecast
    state, crossed = IntervalState.empty(3), np.zeros((6_000, 2, 3), bool)
    for place, line in enumerate(errors):
        low, high = INTERVAL.bounds(state)
        crossed[place] = line < low, line > high
        INTERVAL.learn(state, line, np.ones(3, bool))
    np.testing.assert_allclose(crossed[1_000:].mean(axis=(0, 2)), 0.1, atol=0.02)


@pytest.mark.parametrize("fault", [{"coverage": 1.0}, {"memory": 0.0}, {"rate": 0.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        TrackedInterval(**fault)
