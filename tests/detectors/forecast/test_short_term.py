"""Forecasts of counts: the shared laws, no look ahead, coverage, and what is done with gaps and gross values."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.short_term import Forecast, ShortTerm, ShortTermState
from tests.detectors import laws
from tests.detectors.forecast.references import NaiveShortTerm

SMALL = ShortTerm(horizons=3, day_bins=4, week_bins=8)
FINE = ShortTerm(horizons=6, day_bins=48, week_bins=7 * 48)
counts = st.integers(0, 400).map(float) | st.just(float("nan"))


def bins(rule: ShortTerm, step: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return (step + np.arange(1 + rule.horizons)) % rule.week_bins


def forecasts(rule: ShortTerm, state: ShortTermState, course: FloatArray) -> list[Forecast]:
    begin = int(state.steps[0])
    return [rule.step(state, line, bins(rule, begin + t)) for t, line in enumerate(course)]


def play(state: ShortTermState, course: FloatArray) -> FloatArray:
    """The widest interval of each series, which depends on all that is forecast; -1 where there is none."""
    made = forecasts(SMALL, state, course)
    widest = [np.nan_to_num(one.median + one.high - one.low, nan=-1.0).max(axis=1) for one in made]
    return np.array(widest, np.float64)


def arrays_of(state: object) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    if isinstance(state, np.ndarray):
        return [state]
    assert dataclasses.is_dataclass(state)
    return [array for one in dataclasses.fields(state) for array in arrays_of(getattr(state, one.name))]


def busy(weeks: int, series: int, seed: int = 6) -> FloatArray:
    """Poisson counts with a course of the day, fewer at weekends, and bursts that last some steps."""
    rng, step = np.random.default_rng(seed), np.arange(weeks * FINE.week_bins)
    usual = 60 + 50 * np.sin(2 * np.pi * step / 48) - 20 * (step // 48 % 7 >= 5)
    surge = np.zeros((len(step), series))
    for t in range(1, len(step)):
        surge[t] = 0.8 * surge[t - 1] + rng.normal(0, 0.12, series)
    counted = rng.poisson(np.maximum(usual, 3)[:, None] * np.exp(surge))
    return np.asarray(counted, np.float64)


@settings(deadline=None, max_examples=40)
@given(st.lists(counts, min_size=1, max_size=60))
def test_the_vector_step_is_the_scalar_reference(course: list[float]) -> None:
    state, naive = SMALL.empty(2), NaiveShortTerm(SMALL)
    for step, count in enumerate(course):
        found = SMALL.step(state, np.array([np.nan, count]), bins(SMALL, step))
        expected = np.array(naive.step(count, bins(SMALL, step).tolist()))
        np.testing.assert_allclose(found.median[1], expected[:, 0], rtol=2e-2, atol=0.2)
        assert np.isnan(found.median[0]).all()


def test_the_intervals_are_those_of_the_scalar_reference_where_counts_are_missing_too() -> None:
    state, naive, rng = SMALL.empty(1), NaiveShortTerm(SMALL), np.random.default_rng(3)
    course = 50 + 20 * np.sin(np.arange(250) / 9) + rng.normal(0, 2, 250)
    course[rng.random(250) < 0.1] = np.nan
    for step, count in enumerate(course):
        found = SMALL.step(state, np.array([count]), bins(SMALL, step))
        expected = np.array(naive.step(count, bins(SMALL, step).tolist()))
        np.testing.assert_allclose(np.stack((found.median[0], found.low[0], found.high[0]), 1), expected, rtol=1e-2)


def test_the_shared_laws_hold() -> None:
    course = np.random.default_rng(6).poisson(30, (60, 5)).astype(np.float64)
    course[np.random.default_rng(7).random(course.shape) < 0.1] = np.nan
    laws.order_does_not_matter(play, SMALL.empty, course, 3)
    laws.a_snapshot_resumes(play, SMALL.empty, course, 31)


def test_the_state_does_not_grow_and_is_as_large_as_its_docstring_says() -> None:
    rule = ShortTerm()
    state = rule.empty(10)
    size = sum(array.nbytes for array in arrays_of(state)) / 10
    forecasts(rule, state, np.ones((30, 10)))
    assert sum(array.nbytes for array in arrays_of(state)) / 10 == size
    assert size == pytest.approx(6 * 168 + 12 * 24 + 200 * 12 + 4 * 12**2, abs=20)


def test_forecasts_are_finite_or_not_known_whatever_comes() -> None:
    course = np.array([[1e30], [0.0], [1e-30], [1e30], [5.0]] * 40)
    made = forecasts(SMALL, SMALL.empty(1), course)
    assert np.isfinite([one.high for one in made[SMALL.week_bins :]]).all()


def test_what_comes_later_changes_no_forecast() -> None:
    course = busy(2, 3)
    changed, cut = course.copy(), FINE.week_bins + 100
    changed[cut:] = 1e4
    one, other = (forecasts(FINE, FINE.empty(3), counts) for counts in (course, changed))
    for before, after in zip(one[:cut], other[:cut], strict=True):
        np.testing.assert_array_equal(before.median, after.median)
        np.testing.assert_array_equal(before.high, after.high)
    assert not np.array_equal(one[cut].median, other[cut].median)


def test_ninety_per_cent_of_the_counts_lie_within_and_errors_are_below_those_of_the_week_before() -> None:
    course, weeks = busy(8, 12), 5
    made = forecasts(FINE, FINE.empty(12), course)
    test = range(weeks * FINE.week_bins, len(course))
    for ahead in range(1, FINE.horizons + 1):
        own = np.array([made[t - ahead].median[:, ahead - 1] for t in test])
        low, high = (np.array([getattr(made[t - ahead], side)[:, ahead - 1] for t in test]) for side in ("low", "high"))
        truth, naive = course[test], course[[t - FINE.week_bins for t in test]]
        assert np.abs(truth - own).mean() < 0.8 * np.abs(truth - naive).mean()
        assert ((truth >= low) & (truth <= high)).mean() == pytest.approx(0.9, abs=0.02)
        assert (low <= own).all()
        assert (own <= high).all()


def test_a_series_is_forecast_once_its_bin_has_been_seen() -> None:
    made = forecasts(SMALL, SMALL.empty(1), np.full((9, 1), 7.0))
    assert np.isnan([one.median[0, 0] for one in made[:7]]).all()
    assert made[7].median[0, 0] == pytest.approx(7.0, abs=0.01)


def test_after_a_gap_the_forecast_is_at_once_what_it_was() -> None:
    course = busy(6, 1)
    course[5 * FINE.week_bins : 5 * FINE.week_bins + 200] = np.nan
    made = forecasts(FINE, FINE.empty(1), course)
    within = made[5 * FINE.week_bins + 100].median
    assert np.isfinite(within).all()
    test = range(5 * FINE.week_bins + 201, len(course))
    own = [abs(made[t - 1].median[0, 0] - course[t, 0]) for t in test]
    assert np.mean(own) < 0.2 * course[list(test)].mean()


def test_one_gross_count_does_not_last() -> None:
    course = busy(6, 1)
    spoiled, at = course.copy(), 5 * FINE.week_bins
    spoiled[at] = 1e7
    one, other = (forecasts(FINE, FINE.empty(1), counts) for counts in (course, spoiled))
    errors = [
        np.mean([abs(made[t - 1].median[0, 0] - course[t, 0]) for t in range(at + 12, len(course))])
        for made in (one, other)
    ]
    assert errors[1] < 1.1 * errors[0]
    assert other[at].median.max() < 10 * one[at].median.max()


@pytest.mark.parametrize("weeks_shut", [2, 60])
def test_a_place_that_was_shut_for_long_is_forecast_within_bounds_once_it_opens(weeks_shut: int) -> None:
    rule, opened = dataclasses.replace(FINE, horizons=1), weeks_shut * FINE.week_bins
    course = np.vstack((np.zeros((opened, 3)), busy(3, 3)))
    made = forecasts(rule, rule.empty(3), course)
    ahead = np.array([one.median[:, 0] for one in made[opened - 1 : -1]])
    assert ahead.max() < 2.0 * course.max()
    assert np.abs(ahead - course[opened:])[2 * FINE.week_bins :].mean() < 0.25 * course[opened:].mean()


@pytest.mark.parametrize("count", [-1.0, np.inf])
def test_what_is_no_count_is_refused_and_changes_nothing(count: float) -> None:
    state = SMALL.empty(2)
    before = copy.deepcopy(state)
    with pytest.raises(ValueError, match="at least 0, not"):
        SMALL.step(state, np.array([1.0, count]), bins(SMALL, 0))
    for one, other in zip(arrays_of(state), arrays_of(before), strict=True):
        np.testing.assert_array_equal(one, other)


def test_bins_that_are_not_those_of_the_horizons_are_refused() -> None:
    with pytest.raises(ValueError, match="4 bins, not 3"):
        SMALL.step(SMALL.empty(1), np.ones(1), np.arange(3))


def test_horizons_that_reach_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="24 bins, not 24"):
        ShortTerm(horizons=24)
