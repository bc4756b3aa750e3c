"""People of several sources: against the textbook's numbers, and what gates, factors and gross readings come to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.crowd.counts import RELATIVE_SIGMA
from detectors.fusion.people_kalman import SLOW_SHARE, SOURCES, UNKNOWN, PeopleKalman, PeopleState
from tests.detectors import laws

RULE = PeopleKalman()
MINUTE = 60.0
NONE = float("nan")
counts = st.integers(0, 3_000).map(float) | st.just(NONE)


def play(state: PeopleState, course: FloatArray) -> FloatArray:
    """Count plus standard deviation of each zone; the course is what cameras and Wi-Fi read in turn."""
    found = []
    for step, line in enumerate(course):
        levels = np.full((len(line), 3), NONE)
        levels[:, step % 2] = np.clip(line, 0.0, None)
        people = RULE.step(state, MINUTE, np.full(len(line), NONE), np.full(len(line), NONE), levels)
        found.append(people.count + np.sqrt(people.variance))
    return np.array(found)


def one(state: PeopleState, levels: list[float], gates: tuple[float, float] = (NONE, NONE)) -> tuple[float, float]:
    """Return count and standard deviation of a single zone after a minute."""
    people = RULE.step(state, MINUTE, np.array([gates[0]]), np.array([gates[1]]), np.array([levels]))
    return float(people.count[0]), float(np.sqrt(people.variance[0]))


class Naive:
    """One zone with plain matrices and the textbook's update, P - K S K'."""

    def __init__(self) -> None:
        sigmas = [SLOW_SHARE * RELATIVE_SIGMA[source] ** 2 for source in SOURCES[1:]]
        self.x, self.p, self.gross, self.is_known = np.zeros(3), np.diag([UNKNOWN**2, *sigmas]), [0, 0, 0], False

    def step(self, entered: float, left: float, levels: list[float]) -> tuple[float, float]:
        is_told = not np.isnan(entered + left)
        if is_told and self.is_known:
            before = np.exp(self.x[0]) - RULE.least
            after = before if entered == left else max(before + entered - left, 0.0)
            size, f = after + RULE.least, np.diag([(before + RULE.least) / (after + RULE.least), 1.0, 1.0])
            self.x[0] = np.log(size)
            self.p = f @ self.p @ f.T
            self.p[0, 0] += (0.05 * entered / size) ** 2 + (0.05 * left / size) ** 2
        self.p[0, 0] += RULE.wander_gated**2 if is_told else RULE.wander**2
        self.p += np.diag([0.0, 1.0, 1.0]) * RULE.drift**2 / 60
        for place, level in enumerate(levels):
            if not np.isnan(level):
                self.take(place, level)
        return max(np.exp(self.x[0]) - RULE.least, 0.0), np.exp(self.x[0]) ** 2 * self.p[0, 0]

    def take(self, place: int, level: float) -> None:
        h = np.array([1.0, place == 1, place == 2])
        r = RELATIVE_SIGMA[SOURCES[place]] ** 2 * (SLOW_SHARE if place else 1.0)
        residual = np.log(level + RULE.least) - h @ self.x
        s = h @ self.p @ h + r
        side = int(np.sign(residual)) if abs(residual) > RULE.gross * np.sqrt(s) else 0
        is_believed = side != 0 and side == self.gross[place]
        self.gross[place] = side
        if is_believed:
            self.p[0, 0] += residual**2
            s += residual**2
        elif side:
            residual = side * RULE.gross * np.sqrt(s)
        k = self.p @ h / s
        self.x = self.x + k * residual
        self.p = self.p - np.outer(k, k) * s
        self.is_known = True


@settings(deadline=None)
@given(st.lists(st.tuples(counts, counts, counts, counts, counts), min_size=1, max_size=30))
def test_the_vector_step_is_the_textbooks_update(course: list[tuple[float, float, float, float, float]]) -> None:
    state, naive = PeopleState.empty(2), Naive()
    for entered, left, *levels in [(NONE, NONE, 100.0, NONE, NONE), *course]:
        people = RULE.step(
            state, MINUTE, np.array([NONE, entered]), np.array([NONE, left]), np.array([[NONE] * 3, levels])
        )  # fmt: skip
        count, variance = naive.step(entered, left, levels)
        assert people.count[1] == pytest.approx(count, rel=1e-5, abs=1e-5)
        assert people.variance[1] == pytest.approx(variance, rel=1e-5, abs=1e-5)
        assert np.isnan(people.count[0])


def test_a_camera_alone_is_the_scalar_filter_of_the_textbook() -> None:
    state, rule = PeopleState.empty(1), PeopleKalman(least=1e-9)  # so little that all errors are plain shares
    nothing = np.full(1, NONE)
    first = rule.step(state, MINUTE, nothing, nothing, np.array([[100.0, NONE, NONE]]))
    assert (first.count[0], first.variance[0]) == pytest.approx((100.0, 10.0**2), rel=1e-5)
    before = 0.1**2 + 0.2**2  # variance of the logarithm before the second reading
    gain = before / (before + 0.1**2)
    second = rule.step(state, MINUTE, nothing, nothing, np.array([[110.0, NONE, NONE]]))
    assert second.count[0] == pytest.approx(100.0 * 1.1**gain, rel=1e-5)
    assert second.variance[0] == pytest.approx((1.0 - gain) * before * second.count[0] ** 2, rel=1e-5)


def test_the_shared_laws_hold() -> None:
    course = np.random.default_rng(8).poisson(200, (60, 5)).astype(np.float64)
    course[20:30] *= 4.0
    laws.order_does_not_matter(play, PeopleState.empty, course, 1)
    laws.scores_are_finite(play, PeopleState.empty)
    laws.the_state_does_not_grow(play, PeopleState.empty, course)
    laws.a_snapshot_resumes(play, PeopleState.empty, course, 32)


def test_gates_move_the_count_between_readings_and_keep_it_sure() -> None:
    gated, ungated = PeopleState.empty(1), PeopleState.empty(1)
    for state in (gated, ungated):
        one(state, [500.0, NONE, NONE])
    moved, sure = one(gated, [NONE] * 3, (80.0, 30.0))
    stays, unsure = one(ungated, [NONE] * 3)
    assert (moved, stays) == pytest.approx((550.0, 500.0))
    assert sure < 0.6 * unsure


def test_more_people_out_than_there_are_leave_nobody() -> None:
    state = PeopleState.empty(1)
    one(state, [10.0, NONE, NONE])
    assert one(state, [NONE] * 3, (0.0, 40.0))[0] == pytest.approx(0.0, abs=1e-9)


def test_the_factor_of_radio_is_learned_beside_a_camera_and_used_without_it() -> None:
    state, rng = PeopleState.empty(1), np.random.default_rng(8)
    for _ in range(300):
        one(state, [400.0 * rng.normal(1, 0.1), 560.0 * rng.normal(1, 0.2), NONE])
    assert np.exp(state.mean[0, 1]) == pytest.approx(1.4, rel=0.07)
    alone = [one(state, [NONE, 840.0 * rng.normal(1, 0.2), NONE])[0] for _ in range(60)]
    assert np.mean(alone[30:]) == pytest.approx(600.0, rel=0.1)


def test_of_radio_alone_the_factor_stays_unknown_and_the_variance_says_so() -> None:
    state = PeopleState.empty(1)
    count, deviation = [one(state, [NONE, 300.0, NONE]) for _ in range(3_000)][-1]
    assert count == pytest.approx(300.0, rel=0.01)
    assert deviation > np.sqrt(SLOW_SHARE) * RELATIVE_SIGMA["wifi"] * count


def test_of_radio_alone_the_estimate_does_not_wander_off() -> None:
    state, rng = PeopleState.empty(1), np.random.default_rng(8)
    found = [one(state, [NONE, 300.0 * rng.normal(1, 0.2), NONE])[0] for _ in range(3_000)]
    assert np.mean(found[-500:]) == pytest.approx(300.0, rel=0.05)


def test_errors_are_as_large_as_the_variance_says() -> None:
    rng, zones = np.random.default_rng(9), 400
    state, truth = PeopleState.empty(zones), np.full(zones, 800.0)
    factors = np.array([1.0, 1.0, 1.0]) + rng.normal(0, 1, (zones, 3)) * [0, 0.3 * 0.5**0.5, 0.4 * 0.5**0.5]
    scatter = np.array([0.1, 0.3 * 0.5**0.5, 0.4 * 0.5**0.5])
    squares = []
    for step in range(120):
        entered, left = rng.poisson(40, zones).astype(np.float64), rng.poisson(0.05 * truth).astype(np.float64)
        truth = np.maximum(truth + entered - left + 0.02 * truth * rng.normal(0, 1, zones), 0.0)
        levels = truth[:, None] * factors * np.maximum(1.0 + scatter * rng.normal(0, 1, (zones, 3)), 0.0)
        levels[:, 0] = np.where(step % 10 == 0, levels[:, 0], NONE)
        seen_in, seen_out = (flow * np.maximum(1 + 0.05 * rng.normal(0, 1, zones), 0.0) for flow in (entered, left))
        people = RULE.step(state, MINUTE, seen_in, seen_out, levels)
        squares.append((people.count - truth) ** 2 / people.variance)
    assert np.median(np.array(squares)[30:]) == pytest.approx(0.455, abs=0.15)  # of chi squared with one degree
    assert np.mean(np.array(squares)[30:]) == pytest.approx(1.0, abs=0.2)


def test_one_gross_reading_is_held_off_and_a_second_is_believed() -> None:
    state = PeopleState.empty(1)
    for _ in range(30):
        one(state, [100.0, NONE, NONE], (0.0, 0.0))
    first, _ = one(state, [2_000.0, NONE, NONE], (0.0, 0.0))
    second, deviation = one(state, [2_000.0, NONE, NONE], (0.0, 0.0))
    assert first < 130.0
    assert second == pytest.approx(2_000.0, rel=0.05)
    assert deviation == pytest.approx(200.0, rel=0.2)


def test_two_gross_readings_on_different_sides_are_not_believed() -> None:
    state = PeopleState.empty(1)
    for _ in range(30):
        one(state, [100.0, NONE, NONE], (0.0, 0.0))
    one(state, [2_000.0, NONE, NONE], (0.0, 0.0))
    assert one(state, [0.0, NONE, NONE], (0.0, 0.0))[0] > 50.0


def test_the_surprise_of_a_source_is_its_distance_in_deviations() -> None:
    state = PeopleState.empty(1)
    for _ in range(30):
        one(state, [100.0, 100.0, NONE], (0.0, 0.0))
    people = RULE.step(state, MINUTE, np.zeros(1), np.zeros(1), np.array([[100.0, 900.0, NONE]]))
    assert people.surprise[0, 0] < 0.5
    assert people.surprise[0, 1] > RULE.gross
    assert np.isnan(people.surprise[0, 2])


def test_a_zone_of_which_nothing_came_has_no_count() -> None:
    state = PeopleState.empty(1)
    assert np.isnan(one(state, [NONE] * 3, (5.0, 3.0))[0])
    for _ in range(100):
        one(state, [NONE] * 3, (100.0, 0.0))
    assert one(state, [50.0, NONE, NONE]) == pytest.approx((50.0, 5.5), rel=1e-3)


@pytest.mark.parametrize("fault", ["wander", "wander_gated", "drift", "least", "gross"])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: str) -> None:
    with pytest.raises(ValueError, match=rf"{fault} .*-0\.5"):
        PeopleKalman(**{fault: -0.5})


@pytest.mark.parametrize(("seconds", "level"), [(0.0, 1.0), (60.0, -1.0), (60.0, float("inf"))])
def test_what_is_no_count_or_no_period_is_refused_and_changes_nothing(seconds: float, level: float) -> None:
    state = PeopleState.empty(1)
    with pytest.raises(ValueError, match="must be"):
        RULE.step(state, seconds, np.zeros(1), np.zeros(1), np.array([[level, NONE, NONE]]))
    np.testing.assert_array_equal(state.covariance, PeopleState.empty(1).covariance)
