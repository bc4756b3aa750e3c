"""When a series rose, and which point upstream explains what rose below it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.correlation.rise import rise_of
from detectors.correlation.upstream import rank_upstream

RIVER = (("a", "b", 600.0), ("b", "c", 600.0), ("x", "c", 300.0), ("c", "d", 900.0))


def test_a_rise_begins_where_it_left_its_level() -> None:
    rng = np.random.default_rng(1)
    times = np.arange(60.0) * 10
    values = 200.0 + rng.normal(0, 3, 60)
    values[30:] += np.minimum(np.arange(30) * 10.0, 150.0)
    found = rise_of(times, values)
    assert 290.0 <= found.onset_s <= 330.0
    assert found.scales > 20.0
    assert (abs(found.level - 200.0) < 2.0, found.highest) == (True, values.max())


def test_what_was_before_a_known_time_is_the_baseline_where_there_is_enough_of_it() -> None:
    times = np.arange(60.0)
    values = np.where(times < 9, 200.0, 900.0)
    assert rise_of(times, values, 4.0).scales == 0.0  # most of the first third is foul already
    assert rise_of(times, values, 4.0, before_s=9.0).onset_s == 9.0
    assert rise_of(times, values, 4.0, before_s=3.0).scales == 0.0


def test_what_only_wobbles_did_not_rise() -> None:
    rng = np.random.default_rng(2)
    assert rise_of(np.arange(200.0), 50.0 + rng.normal(0, 2, 200)).scales == 0.0


@pytest.mark.parametrize(("times", "values"), [(np.arange(5.0), np.zeros(5)), (np.zeros(10), np.zeros(10))])
def test_what_cannot_be_judged_is_refused(times: np.ndarray, values: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rise"):
        rise_of(times, values)


def test_the_point_from_which_all_others_follow_is_the_likeliest() -> None:
    found = rank_upstream(RIVER, {"b": 100.0, "c": 720.0, "d": 1_600.0})
    assert found[0].point == "b"
    assert (found[0].explained, found[0].missed, found[0].order) == (3, 0, 1.0)
    assert found[1].point == "a"  # it would have had to rise itself


def test_a_point_that_nobody_measures_misses_nothing() -> None:
    found = rank_upstream(RIVER, {"b": 100.0, "c": 720.0}, measured=("b", "c"))
    assert [(one.point, one.score, one.missed) for one in found[:2]] == [("b", 1.0, 0), ("a", 1.0, 0)]
    assert [one.away_s for one in found[:2]] == [0.0, 600.0]


def test_the_wrong_order_speaks_against_a_point() -> None:
    right = rank_upstream(RIVER, {"b": 100.0, "c": 720.0})[0]
    wrong = next(one for one in rank_upstream(RIVER, {"b": 900.0, "c": 100.0}) if one.point == "b")
    assert wrong.score < right.score


@pytest.mark.parametrize(
    ("edges", "reason"),
    [
        ((*RIVER, ("d", "a", 1.0)), "circle"),
        ((("a", "b", 0.0),), "above 0"),
    ],
)
def test_what_is_no_river_is_refused(edges: tuple[tuple[str, str, float], ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rank_upstream(edges, {"b": 1.0})


def test_a_point_outside_the_network_is_named() -> None:
    with pytest.raises(ValueError, match="not in the network: q"):
        rank_upstream(RIVER, {"q": 1.0})
