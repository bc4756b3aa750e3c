"""Severity against the thresholds of the four colours: laws, and the columns against the one value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.levels import LevelScale

limits = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
values = st.floats(-1e7, 1e7)


@st.composite
def scales(draw: st.DrawFn) -> LevelScale:
    side = draw(st.sampled_from(("over", "under")))
    rising = sorted(draw(st.lists(limits, min_size=1, max_size=4)), reverse=side == "under")
    used = sorted(draw(st.sets(st.integers(0, 3), min_size=len(rising), max_size=len(rising))))
    places = dict(zip(used, rising, strict=True))
    thresholds = (places.get(0), places.get(1), places.get(2), places.get(3))
    return LevelScale.of(thresholds, side, draw(st.floats(0, 1e5)))


@given(scales(), st.lists(values, max_size=20), st.booleans())
def test_the_severity_of_many_is_that_of_each(scale: LevelScale, many: list[float], relaxed: bool) -> None:
    found = scale.severity(np.array(many, np.float64), relaxed)
    assert found.tolist() == [scale.one(value, relaxed) for value in many]


@given(scales(), values, values, st.booleans())
def test_a_worse_value_is_not_less_severe(scale: LevelScale, one: float, other: float, relaxed: bool) -> None:
    better, worse = sorted((one, other), key=lambda value: scale.sign * value)
    assert scale.one(better, relaxed) <= scale.one(worse, relaxed)


@given(scales(), values)
def test_severity_lies_in_0_to_4_and_is_not_less_when_relaxed(scale: LevelScale, value: float) -> None:
    assert 0.0 <= scale.one(value) <= scale.one(value, relaxed=True) <= 4.0


@given(scales(), values)
def test_the_whole_part_is_the_worst_colour_whose_limit_is_reached(scale: LevelScale, value: float) -> None:
    reached = [
        place for limit, place in zip(scale.limits, scale.severities, strict=True) if scale.sign * value >= limit
    ]
    assert math.floor(scale.one(value)) == max(reached, default=0.0)


@pytest.mark.parametrize(
    ("value", "severity"), [(1.9, 0.0), (2.0, 1.0), (2.5, 1.5), (2.999, 1.99), (3.0, 2.0), (5.0, 4.0), (math.inf, 4.0)]
)
def test_severity_rises_from_limit_to_limit(value: float, severity: float) -> None:
    assert LevelScale.of((2.0, 3.0, 4.0, 5.0), "over", 0.3).one(value) == pytest.approx(severity)


def test_below_a_limit_is_worse_where_the_scale_says_so() -> None:
    scale = LevelScale.of((None, 10.0, None, 5.0), "under", 1.0)
    assert [scale.one(value) for value in (10.1, 10.0, 7.5, 5.0, 1.0)] == [0.0, 2.0, 2.5, 4.0, 4.0]
    assert scale.one(10.9, relaxed=True) > 0.0


def test_a_scale_without_thresholds_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LevelScale.of((None, None, None, None), "over", 0.0)
