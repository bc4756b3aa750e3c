"""The profiles of week and day, and the level: the shared laws, and what they are there for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.clipped_scale import ClippedScale
from detectors.forecast.seasonal_profile import ProfileState, SeasonalProfile
from tests.detectors import laws
from tests.detectors.forecast.references import NaiveProfile

DAY, WEEK = 4, 12
RULE = SeasonalProfile(robust=ClippedScale(clip=5.0, warmup=5))
values = st.floats(0, 1e4, width=32) | st.just(float("nan"))


def empty(series: int) -> ProfileState:
    return ProfileState.empty(series, DAY, WEEK)


def play(state: ProfileState, course: FloatArray) -> FloatArray:
    """Residuals; the place in the week is where the first series' bins have been seen to."""
    begin = int(state.seen[0].sum())
    return np.array([RULE.step(state, line, (begin + t) % WEEK) for t, line in enumerate(course)])


@given(st.lists(st.tuples(values, st.integers(0, WEEK - 1)), min_size=1, max_size=80))
def test_the_vector_step_is_the_scalar_reference(course: list[tuple[float, int]]) -> None:
    state, naive = empty(2), NaiveProfile(RULE, DAY)
    for value, place in course:
        found = RULE.step(state, np.array([np.nan, value]), place)
        assert found[1] == pytest.approx(naive.step(value, place), rel=1e-3, abs=1e-2, nan_ok=True)
        assert state.lately(np.array([place]))[1, 0] == pytest.approx(naive.day[place % DAY], rel=1e-3, abs=1e-2)
    assert state.level[1] == pytest.approx(naive.level, rel=1e-3, abs=1e-2)
    assert not state.seen[0].any()


def test_the_shared_laws_hold() -> None:
    course = np.random.default_rng(2).normal(10, 1, (60, 5))
    laws.order_does_not_matter(play, empty, course, 1)
    laws.a_snapshot_resumes(play, empty, course, 23)
    laws.the_state_does_not_grow(play, empty, course)


def test_each_kind_of_day_has_its_own_course() -> None:
    week = np.arange(WEEK, dtype=np.float64)
    state = empty(1)
    residuals = play(state, np.tile(week, 4)[:, None])
    assert np.isnan(residuals[:WEEK]).all()
    assert not residuals[WEEK:].any()
    np.testing.assert_array_equal(state.usual(np.arange(WEEK))[0], week)


def test_a_whole_day_above_its_profile_is_seen_in_the_day_and_the_level() -> None:
    state = empty(1)
    play(state, np.full((3 * WEEK, 1), 10.0))
    play(state, np.full((2 * DAY, 1), 10.2))
    assert (state.lately(np.arange(DAY)) > 0.05).all()
    assert state.level[0] > 0.01


def test_a_gross_value_moves_its_bin_by_no_more_than_clipped_scales() -> None:
    state = empty(1)
    play(state, np.random.default_rng(2).normal(10, 1, (20 * WEEK, 1)))
    before = state.usual(np.array([0]))[0, 0]
    play(state, np.array([[1e9]]))
    assert state.usual(np.array([0]))[0, 0] - before < RULE.week * 5.0 * 1.5


@pytest.mark.parametrize("fault", [{"week": 0.0}, {"day": 1.0}, {"level": -1.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    (name,) = fault
    with pytest.raises(ValueError, match=f"{name}.*{fault[name]}"):
        SeasonalProfile(**fault)  # type: ignore[arg-type]


def test_a_week_that_is_no_whole_number_of_days_is_refused() -> None:
    with pytest.raises(ValueError, match="10 of 4"):
        ProfileState.empty(1, 4, 10)
