"""The tail agrees with scipy's generalised Pareto, and a rate of false alarms that is asked for is kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import genpareto

from detectors.anomaly.tail import HEAVIEST, PeaksOverThreshold, TailState, fitted, survival
from detectors.arrays import FloatArray
from tests.detectors import laws

TAIL = PeaksOverThreshold()


def play(state: TailState, course: FloatArray) -> FloatArray:
    rows = np.arange(course.shape[1])
    return np.array([TAIL.step(state, rows, np.abs(line)) for line in course])


@given(st.just(0.0) | st.floats(1e-5, HEAVIEST), st.floats(0.1, 10), st.floats(0, 100))
def test_survival_is_that_of_scipy(shape: float, scale: float, excess: float) -> None:
    found = survival(np.array([excess]), np.array([shape]), np.array([scale]))[0]
    assert found == pytest.approx(genpareto.sf(excess, shape, scale=scale), rel=1e-4, abs=1e-12)


@given(st.floats(0.0, 0.44), st.floats(0.1, 10))
def test_moments_give_back_shape_and_scale(shape: float, scale: float) -> None:
    mean, variance = float(genpareto.mean(shape, scale=scale)), float(genpareto.var(shape, scale=scale))
    found = fitted(np.array([mean]), np.array([variance + mean**2]))
    assert (found[0][0], found[1][0]) == (pytest.approx(shape, abs=1e-6), pytest.approx(scale, rel=1e-6))


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_it_keeps_the_laws(seed: int, cut: int) -> None:
    course = np.random.default_rng(seed).standard_t(3, (60, 4)) * 2
    laws.order_does_not_matter(play, TailState.empty, course, seed)
    laws.a_snapshot_resumes(play, TailState.empty, course, cut)
    laws.the_state_does_not_grow(play, TailState.empty, course)
    laws.scores_are_finite(play, TailState.empty)


@pytest.mark.parametrize("freedom", [3, 6, 100])
def test_light_and_heavy_tails_alarm_about_as_seldom_as_asked(freedom: int) -> None:
    scores = np.abs(np.random.default_rng(11).standard_t(freedom, (40_000, 8)))
    tail, state, rows = PeaksOverThreshold(apart=1), TailState.empty(8), np.arange(8)
    said = np.array([tail.step(state, rows, line) for line in scores])[10_000:] <= 1e-3
    assert 0.2e-3 < said.mean() < 4e-3


def test_a_day_of_excesses_is_learned_once() -> None:
    state = TailState.empty(1)
    play(state, np.full((1, 1), 9.0))
    once = state.mean[0]
    play(state, np.full((20, 1), 30.0))
    assert state.mean[0] == once


def test_a_gross_outlier_is_unlikely_and_its_like_stays_so() -> None:
    state = TailState.empty(1)
    play(state, np.random.default_rng(3).normal(0, 1, (5_000, 1)))
    first = play(state, np.array([[60.0]]))[0, 0]
    play(state, np.random.default_rng(4).normal(0, 1, (100, 1)))
    assert play(state, np.array([[60.0]]))[0, 0] < 1e-4
    assert first < 1e-6


@pytest.mark.parametrize(
    "fault", [{"share": 0.6}, {"memory": 0.0}, {"rate": 0.0}, {"clip": 1.0}, {"apart": 0}]
)  # fmt: skip
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        PeaksOverThreshold(**fault)  # type: ignore[arg-type]


def test_a_score_that_is_not_finite_is_refused_and_changes_nothing() -> None:
    state = TailState.empty(1)
    with pytest.raises(ValueError, match="finite"):
        TAIL.step(state, np.array([0]), np.array([np.inf]))
    assert state.threshold[0] == TailState.empty(1).threshold[0]
