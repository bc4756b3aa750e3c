"""The shared laws of detectors, for the seasonal level, and what it is there for."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.anomaly.seasonal_level import GAUSSIAN, SeasonalLevel, SeasonalLevelState

BINS = 24
values = st.floats(-1e6, 1e6).map(lambda value: float(np.float32(value)))


class Naive:
    """The same for one series, in plain numbers of single precision where the state has them."""

    def __init__(self, detector: SeasonalLevel) -> None:
        self.d, self.level, self.scale, self.count = detector, np.float32(0), np.float32(0), 0
        self.season = {place: np.float32(0) for place in range(BINS)}

    def step(self, value: float, place: int, resolution: float) -> float:
        scale = max(float(self.scale), resolution)
        residual = value - float(self.level) - float(self.season[place])
        warm = self.count >= self.d.warmup
        score = abs(residual) / scale if warm else 0.0
        learned = min(max(residual, -self.d.clip * scale), self.d.clip * scale) if warm else residual
        rate = max(self.d.alpha, 1 / (self.count + 1))
        self.level = np.float32(float(self.level) + rate * learned)
        if warm:
            self.season[place] = np.float32(float(self.season[place]) + self.d.gamma * (1 - rate) * learned)
        if self.count:
            slow = max(self.d.gamma, 1 / self.count)
            self.scale = np.float32(float(self.scale) + slow * (GAUSSIAN * abs(learned) - float(self.scale)))
        self.count += 1
        return score


def play(detector: SeasonalLevel, state: SeasonalLevelState, course: np.ndarray) -> np.ndarray:
    """Step through (time, series); return the scores in the same shape."""
    rows, ones = np.arange(course.shape[1]), np.ones(course.shape[1])
    return np.array(
        [detector.step(state, rows, line, np.full(len(rows), t % BINS), ones) for t, line in enumerate(course)]
    )


def daily(rng: np.random.Generator, days: int, series: int = 1) -> np.ndarray:
    hours = np.arange(days * BINS)
    return 100 + 30 * np.sin(2 * np.pi * hours / BINS)[:, None] + rng.normal(0, 2, (len(hours), series))


@given(st.lists(st.tuples(values, st.integers(0, BINS - 1)), min_size=1, max_size=80), st.floats(0.01, 10))
def test_the_vector_step_is_the_scalar_reference(course: list[tuple[float, int]], resolution: float) -> None:
    detector, naive = SeasonalLevel(warmup=5), Naive(SeasonalLevel(warmup=5))
    state = SeasonalLevelState.empty(3, BINS)
    for value, place in course:
        (score,) = detector.step(
            state, np.array([1]), np.array([value]), np.array([place]), np.array([resolution])
        )  # fmt: skip
        assert score == pytest.approx(naive.step(value, place, resolution), rel=1e-4, abs=1e-6)
    assert (state.count[0], state.count[2]) == (0, 0)


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_series_does_not_matter_and_a_snapshot_resumes_to_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    course, order = daily(rng, 2, 4), rng.permutation(4)
    detector, one, other = SeasonalLevel(), SeasonalLevelState.empty(4, BINS), SeasonalLevelState.empty(4, BINS)
    straight, shuffled = play(detector, one, course), play(detector, other, course[:, order])
    np.testing.assert_array_equal(straight[:, order], shuffled)
    snapshot = copy.deepcopy(one)
    more = daily(rng, 1, 4)
    np.testing.assert_array_equal(play(detector, one, more), play(detector, snapshot, more))


def test_scores_are_finite_whatever_comes_and_the_state_does_not_grow() -> None:
    detector, state = SeasonalLevel(), SeasonalLevelState.empty(1, BINS)
    course = np.array([[1e30], [-1e30], [0.0], [1e-30]] * 50)
    assert np.isfinite(play(detector, state, course)).all()
    assert sum(part.nbytes for part in (state.level, state.scale, state.season, state.count)) == 4 * (3 + BINS)


def test_a_gross_outlier_crosses_and_does_not_teach_itself() -> None:
    detector, state = SeasonalLevel(), SeasonalLevelState.empty(1, BINS)
    rng = np.random.default_rng(7)
    quiet = play(detector, state, daily(rng, 40))[30 * BINS :]
    before = copy.deepcopy(state)
    (outlier,) = play(detector, state, np.array([[1_000.0]]))[0]
    assert outlier > 3 * quiet.max()
    assert abs(state.level[0] - before.level[0]) <= detector.alpha * detector.clip * before.scale[0] * 1.01


def test_the_season_is_learned_and_makes_the_scale_small() -> None:
    state = SeasonalLevelState.empty(1, BINS)
    course = daily(np.random.default_rng(7), 120)
    play(SeasonalLevel(), state, course)
    flat = SeasonalLevelState.empty(1, 1)
    ones = np.ones(1)
    for line in course:
        SeasonalLevel().step(flat, np.array([0]), line, np.array([0]), ones)
    assert state.scale[0] < 0.5 * flat.scale[0]


@pytest.mark.parametrize("fault", [{"alpha": 0.0}, {"gamma": 1.0}, {"clip": 0.0}, {"warmup": 0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        SeasonalLevel(**fault)  # type: ignore[arg-type]


def test_a_value_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = SeasonalLevelState.empty(1, BINS)
    with pytest.raises(ValueError, match="finite"):
        SeasonalLevel().step(state, np.array([0]), np.array([np.nan]), np.array([0]), np.ones(1))
    assert state.count[0] == 0
