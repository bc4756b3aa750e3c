"""What makes a single reading suspect: its range, its rate, its repeats, the silence before it, its camera."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.quality.camera_health import WORTH, camera_worth
from detectors.quality.physical_range import in_range
from detectors.quality.rate_of_change import is_too_fast
from detectors.quality.silence import is_dead, missed_readings
from detectors.quality.stuck import MOST, is_stuck, run_lengths
from schemas.times import SECOND_NS
from schemas.video import CameraHealth

T0 = 1_800_000_000 * SECOND_NS


def test_the_bounds_of_the_range_belong_to_it() -> None:
    low, high = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    assert in_range(np.array([-0.1, 0.0, 1.0, 1.1]), low, high).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("step", "seconds", "limit", "too_fast"),
    [
        (1.0, 10, 0.1, False),
        (1.01, 10, 0.1, True),
        (-1.01, 10, 0.1, True),
        (0.5, 0, 0.1, True),
        (9e9, 1, np.inf, False),
    ],
)
def test_a_step_may_be_as_large_as_the_time_allows(step: float, seconds: int, limit: float, too_fast: bool) -> None:
    now = np.array([T0 + seconds * SECOND_NS])
    found = is_too_fast(np.array([20.0 + step]), now, np.array([20.0]), np.array([T0]), np.array([limit]))
    assert found.tolist() == [too_fast]


def test_a_first_reading_is_not_too_fast() -> None:
    none = np.array([-1])
    assert not is_too_fast(np.array([99.0]), np.array([T0]), np.array([0.0]), none, np.array([0.1])).any()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.integers(2, 8))
def test_runs_are_those_of_a_scalar_count(course: list[int], stuck_after: int) -> None:
    last, runs = np.zeros(1), np.zeros(1, np.int64)
    said = []
    for value in course:
        now = np.array([value * 0.1])
        runs, last = run_lengths(now, last, runs, np.array([0.05])), now
        said.append(bool(is_stuck(runs, np.array([stuck_after]))[0]))
    expected, run = [], 0
    for place, value in enumerate(course):
        run = run + 1 if place and value == course[place - 1] else 1
        expected.append(run >= stuck_after)
    assert said == expected


def test_a_run_stays_within_what_two_bytes_hold_and_no_tolerance_means_never() -> None:
    runs = run_lengths(np.array([1.0]), np.array([1.0]), np.array([MOST]), np.array([0.0]))
    assert runs.tolist() == [MOST]
    assert not is_stuck(runs, np.array([0])).any()


def test_missing_readings_are_counted_between_two_that_came() -> None:
    came = T0 + np.array([10, 14, 16, 40, 10]) * SECOND_NS
    last = np.array([T0, T0, T0, T0, -1])
    assert missed_readings(came, last, np.full(5, 10.0)).tolist() == [0, 0, 1, 3, 0]


def test_a_device_is_dead_after_three_intervals_of_event_time() -> None:
    last = np.array([T0, T0 + 1, -1])
    assert is_dead(T0 + 30 * SECOND_NS, last, np.full(3, 10.0)).tolist() == [True, False, False]
    assert not is_dead(T0, last, np.full(3, 10.0)).any(), "where event time stands still nobody dies"


def test_every_state_of_a_camera_has_its_worth() -> None:
    assert set(WORTH) == set(get_args(CameraHealth))
    found = camera_worth(get_args(CameraHealth))
    assert ((found >= 0) & (found <= 1)).all()
    assert camera_worth(["ok", "signal_loss"]).tolist() == [1.0, 0.0]
