"""Forecasts know nothing of what comes, learn what last week and the last hour tell, and cover what they say."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.seasonal_regression import Forecast, RegressionState, SeasonalRegression

DETECTOR = SeasonalRegression(day=4)
WEEK, HORIZONS = 28, 3


def play(state: RegressionState, course: FloatArray) -> list[Forecast]:
    return [DETECTOR.step(state, line, (int(state.period[0])) % WEEK) for line in course]


def medians(found: list[Forecast]) -> FloatArray:
    return np.array([one.mean for one in found])


def crowd(seed: int, weeks: int, series: int = 3) -> FloatArray:
    """Return Poisson counts of a weekly course that wanders: one period tells of the next."""
    rng, periods = np.random.default_rng(seed), weeks * WEEK
    course = 200 + 150 * np.sin(np.arange(periods) / WEEK * 2 * np.pi * 7)[:, None]
    wander = np.zeros((periods, series))
    for period in range(1, periods):
        wander[period] = 0.8 * wander[period - 1] + rng.normal(0, 0.15, series)
    return rng.poisson(course * np.exp(wander)).astype(float)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150))
def test_order_does_not_matter_a_snapshot_resumes_and_the_future_changes_nothing(seed: int, cut: int) -> None:
    course, order = crowd(seed, 6), np.array([2, 0, 1])
    course[np.random.default_rng(seed).random(course.shape) < 0.1] = np.nan
    one, other = DETECTOR.empty(3, HORIZONS), DETECTOR.empty(3, HORIZONS)
    first = play(one, course[:cut])
    snapshot = copy.deepcopy(one)
    whole = medians([*first, *play(one, course[cut:])])
    np.testing.assert_array_equal(whole, medians([*first, *play(snapshot, course[cut:])]))
    shuffled = medians(play(other, course[:, order]))
    np.testing.assert_allclose(whole[:, :, order], shuffled, rtol=1e-6)


def test_forecasts_beat_the_count_of_a_week_before_and_cover_what_they_say() -> None:
    course = crowd(3, 120)
    found = play(DETECTOR.empty(3, HORIZONS), course)
    late = range(60 * WEEK, len(course) - 1)
    errors = np.mean([np.abs(course[t + 1] - found[t].mean[0]) for t in late])
    naive = np.mean([np.abs(course[t + 1] - course[t + 1 - WEEK]) for t in late])
    assert errors < 0.7 * naive
    inside = [(found[t].low[0] <= course[t + 1]) & (course[t + 1] <= found[t].high[0]) for t in late]
    assert 0.87 < np.mean(inside) < 0.93


def test_forecasts_are_finite_not_negative_and_in_order_whatever_comes() -> None:
    course = np.array([[0.0], [1e12], [0.0], [np.nan], [5.0]] * 60)
    for one in play(DETECTOR.empty(1, HORIZONS), course)[WEEK:]:
        there = np.isfinite(one.mean)
        assert there.any()
        assert (one.low[there] >= 0).all()
        assert ((one.low <= one.mean) & (one.mean <= one.high))[there].all()


def test_a_night_of_fireworks_teaches_little() -> None:
    course = crowd(5, 80, 1)
    calm, loud = DETECTOR.empty(1, HORIZONS), DETECTOR.empty(1, HORIZONS)
    play(calm, course)
    play(loud, np.concatenate((course[:-WEEK], course[-WEEK:] * np.where(np.arange(WEEK) == 9, 50, 1)[:, None])))
    assert np.abs(loud.season - calm.season).max() < 2.5


@pytest.mark.parametrize("fault", [{"day": 1}, {"gamma": 1.0}, {"forget": 0.5}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        SeasonalRegression(**fault)  # type: ignore[arg-type]


def test_horizons_end_before_the_next_day() -> None:
    with pytest.raises(ValueError, match="horizons"):
        DETECTOR.empty(1, 4)


def test_a_negative_count_is_refused_and_changes_nothing() -> None:
    state = DETECTOR.empty(1, HORIZONS)
    with pytest.raises(ValueError, match="at least 0"):
        DETECTOR.step(state, np.array([-1.0]), 0)
    assert state.period[0] == 0
