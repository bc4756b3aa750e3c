"""The shared laws of detectors, for the seasonal level, and what it is there for."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anomaly.seasonal_level import BINS, FAR, FORGET, GAUSSIAN, SeasonalLevel, SeasonalLevelState, bins_of
from detectors.arrays import FloatArray
from tests.detectors import laws

HOUR_NS = 3_600_000_000_000
MONDAY = 4 * 24  # hours since 1970-01-01, a Thursday
LEVEL = SeasonalLevel(warmup=30)
values = st.floats(-1e4, 1e4).map(lambda value: float(np.float32(value)))


def play(state: SeasonalLevelState, course: FloatArray) -> FloatArray:
    """Step through (time, series), an hour a line."""
    rows = np.arange(course.shape[1])
    ones, next_ones = np.ones(len(rows)), np.ones(len(rows), bool)
    done = int(state.count[0].sum())
    return np.array(
        [
            LEVEL.step(state, rows, line, bins_of(np.full(len(rows), (MONDAY + done + t) * HOUR_NS)), ones, next_ones)
            for t, line in enumerate(course)
        ]
    )


def naive(course: list[tuple[float, bool]]) -> list[float]:
    """Score one series in plain numbers, of single precision where the state has them."""
    season: dict[int, float] = {}
    scale, count = {False: 0.0, True: 0.0}, {False: 0, True: 0}
    remainder = product = square = 0.0
    scores = []
    for t, (value, is_next) in enumerate(course):
        hour, weekend = (MONDAY + t) % 24, ((MONDAY + t) // 24 + 3) % 7 >= 5
        place, day = hour + 24 * weekend, 6 <= hour < 22
        new = place not in season
        base = season.get(place, value)
        warm, before = sum(count.values()) >= LEVEL.warmup, remainder if is_next else 0.0
        persistence = min(max(product / max(square, 1e-12), 0.0), 0.98)
        floor, residual = max(scale[day], 1.0), value - base - persistence * before
        scores.append(residual / floor if warm and not new else 0.0)
        learned = min(max(residual, -LEVEL.clip * floor), LEVEL.clip * floor) if warm else residual
        left, visits = persistence * before + learned, count[weekend] / 24
        season[place] = float(np.float32(base + (0.0 if new else max(LEVEL.gamma, 1 / (visits + 2)) * left)))
        if not new and is_next:
            last, now = (min(max(one / floor, -FAR), FAR) for one in (before, left))
            product = float(np.float32(FORGET * product + now * last))
            square = float(np.float32(FORGET * square + last**2))
        remainder = 0.0 if new else float(np.float32(left))
        slow = 0.0 if new else max(LEVEL.gamma, 1 / (visits * 12 + 1))
        scale[day] = float(np.float32(scale[day] + slow * (GAUSSIAN * abs(learned) - scale[day])))
        count[weekend] += 1
    return scores


def weekly(rng: np.random.Generator, weeks: int, series: int = 1) -> FloatArray:
    """Return counts that rise by day, less on weekends."""
    hours = np.arange(weeks * 168)
    height = np.where(hours // 24 % 7 >= 5, 15, 30)
    return np.asarray(100 + (height * np.sin(2 * np.pi * hours / 24))[:, None] + rng.normal(0, 2, (len(hours), series)))


@settings(deadline=None)
@given(st.lists(st.tuples(values, st.booleans()), min_size=1, max_size=120))
def test_the_vector_step_is_the_scalar_reference(course: list[tuple[float, bool]]) -> None:
    state = SeasonalLevelState.empty(3)
    found = []
    for t, (value, is_next) in enumerate(course):
        bins = bins_of(np.array([(MONDAY + t) * HOUR_NS]))
        found += LEVEL.step(
            state, np.array([1]), np.array([value]), bins, np.ones(1), np.array([is_next])
        ).tolist()  # fmt: skip
    np.testing.assert_allclose(found, naive(course), rtol=2e-3, atol=2e-3)
    assert not state.count[[0, 2]].any()


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 150))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = weekly(np.random.default_rng(seed), 1, 4)
    laws.order_does_not_matter(play, SeasonalLevelState.empty, course, seed)
    laws.a_snapshot_resumes(play, SeasonalLevelState.empty, course, cut)
    laws.the_state_does_not_grow(play, SeasonalLevelState.empty, course)
    laws.scores_are_finite(play, SeasonalLevelState.empty)


def test_the_state_stays_within_its_bytes() -> None:
    state = SeasonalLevelState.empty(100)
    cold = state.season.nbytes + state.scale.nbytes + state.count.nbytes
    assert cold == 208 * 100
    assert laws.size_of(state) - cold == 12 * 100


def test_a_gross_outlier_crosses_and_does_not_teach_itself() -> None:
    state = SeasonalLevelState.empty(1)
    quiet = play(state, weekly(np.random.default_rng(7), 12))[8 * 168 :]
    before = copy.deepcopy(state)
    (outlier,) = play(state, np.array([[1_000.0]]))[0]
    assert outlier > 3 * np.abs(quiet).max()
    assert np.abs(state.season - before.season).max() <= 0.2 * before.scale.max()


def test_working_days_and_weekends_have_seasons_of_their_own() -> None:
    state = SeasonalLevelState.empty(1)
    play(state, weekly(np.random.default_rng(7), 26))
    assert state.season[0, 6] == pytest.approx(130, abs=2)
    assert state.season[0, 24 + 6] == pytest.approx(115, abs=2)


def test_a_monday_is_a_working_day_and_a_saturday_is_not() -> None:
    assert bins_of(np.array([MONDAY * HOUR_NS, (MONDAY + 5 * 24 + 13) * HOUR_NS])).tolist() == [0, BINS // 2 + 13]


@pytest.mark.parametrize("fault", [{"gamma": 1.0}, {"clip": 0.0}, {"warmup": 0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        SeasonalLevel(**fault)  # type: ignore[arg-type]


def test_a_value_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = SeasonalLevelState.empty(1)
    with pytest.raises(ValueError, match="finite"):
        LEVEL.step(state, np.array([0]), np.array([np.nan]), np.array([0]), np.ones(1), np.array([True]))
    assert not state.count.any()
