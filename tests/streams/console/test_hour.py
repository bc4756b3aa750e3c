"""The last hour of a score, and where it is going."""

import random
from math import nan

import pytest

from schemas.times import SECOND_NS, format_time
from streams.console.hour import LEAST_MINUTES, LEAST_VALUES, MINUTES, Hour, trend_of
from tests.streams.console.builders import T0

MINUTE = 60 * SECOND_NS


def hour_of(scores: list[float], minute_ns: int = MINUTE) -> Hour:
    hour = Hour(minute_ns)
    for minute, score in enumerate(scores):
        hour.put(T0 + minute * minute_ns, score, 0)
    return hour


def direction_of(scores: list[float]) -> str | None:
    trend = trend_of(scores)
    return None if trend is None else trend.direction


@pytest.mark.parametrize(
    ("scores", "direction"),
    [
        ([90.0 - minute for minute in range(MINUTES)], "down"),
        ([30.0 + minute for minute in range(MINUTES)], "up"),
        ([80.0] * MINUTES, "steady"),
        ([80.0 + minute / 15 for minute in range(MINUTES)], "steady"),  # 4 points an hour
        ([80.0 + minute / 10 for minute in range(MINUTES)], "up"),  # 6 points an hour
        ([90.0] * 50 + [20.0] * 10, "down"),  # a fall of ten minutes ago
        ([90.0] * 57 + [20.0] * 3, "steady"),  # three minutes of nonsense
        ([90.0] * 30 + [nan] * 20 + [60.0] * 10, "down"),  # what is missing counts for nothing
        ([80.0 + minute / 6 for minute in range(LEAST_MINUTES)], "steady"),  # 10 points an hour, but only 1.2 so far
        ([80.0 + minute for minute in range(LEAST_MINUTES)], "up"),
    ],
)
def test_a_score_rises_falls_or_stands_still(scores: list[float], direction: str) -> None:
    assert direction_of(scores) == direction


@pytest.mark.parametrize(
    "scores",
    [
        [],
        [nan] * MINUTES,
        [float(minute) for minute in range(LEAST_MINUTES - 1)],
        [10.0] * (LEAST_VALUES - 2) + [nan] * 30 + [90.0],
    ],
)
def test_too_little_has_no_trend(scores: list[float]) -> None:
    assert trend_of(scores) is None


def test_scores_that_waver_about_a_level_stand_still() -> None:
    noise = random.Random(0)
    found = [direction_of([noise.gauss(80, 2) for _ in range(MINUTES)]) for _ in range(300)]
    assert found.count("steady") > 290


def test_a_trend_says_by_how_much_in_how_long() -> None:
    trend = trend_of([90.0 - minute for minute in range(MINUTES)])
    assert trend is not None
    assert (trend.change, trend.seconds) == (-45.0, 45 * 60.0)


def test_a_minute_of_a_trial_is_as_long_as_its_windows() -> None:
    trend = hour_of([90.0 - minute for minute in range(MINUTES)], 10 * SECOND_NS).trend()
    assert trend is not None
    assert (trend.direction, trend.change, trend.seconds) == ("down", -45.0, 450.0)


def test_a_late_revision_replaces_its_minute_and_an_old_one_changes_nothing() -> None:
    hour = hour_of([80.0] * 20)
    assert hour.put(T0 + 5 * MINUTE, 30.0, 1)
    assert not hour.put(T0 + 5 * MINUTE, 80.0, 0)
    assert not hour.put(T0 + 5 * MINUTE, 80.0, 1)
    assert hour.past().scores == (*[80.0] * 5, 30.0, *[80.0] * 14)


def test_late_revisions_turn_the_trend() -> None:
    hour = hour_of([80.0] * 20)
    before = hour.trend()
    for minute in range(5):
        hour.put(T0 + minute * MINUTE, 20.0, 1)
    after = hour.trend()
    assert before is not None
    assert after is not None
    assert (before.direction, after.direction) == ("steady", "up")


def test_an_hour_is_all_that_is_kept() -> None:
    hour = hour_of([0.0] * 30 + [50.0] * MINUTES)
    past = hour.past()
    assert past.scores == (50.0,) * MINUTES
    assert (past.end, past.step_s) == (format_time(T0 + 90 * MINUTE), 60.0)
    assert not hour.put(T0 + 29 * MINUTE, 10.0, 1)


def test_what_comes_after_a_long_gap_begins_anew() -> None:
    hour = hour_of([0.0] * 30)
    hour.put(T0 + 25 * 60 * MINUTE, 50.0, 0)
    assert hour.past().scores == (50.0,)
    assert hour.trend() is None


def test_the_order_in_which_minutes_come_does_not_matter() -> None:
    values = [(minute, 90.0 - minute, 0) for minute in range(70)] + [(40, 10.0, 1), (41, 10.0, 2), (41, 20.0, 1)]
    ends = set()
    for seed in range(20):
        random.Random(seed).shuffle(values)
        hour = Hour(MINUTE)
        for minute, score, revision in values:
            hour.put(T0 + minute * MINUTE, score, revision)
        ends.add((str(hour.trend()), hour.past().scores))
    assert len(ends) == 1
