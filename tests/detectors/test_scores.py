"""Scores on piecewise-linear curves, and their colours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.scores import colour_of, curve_score
from schemas.ids import COLOURS

corners = st.lists(
    st.tuples(st.floats(-1e6, 1e6).map(lambda x: round(x, 2)), st.floats(0, 100)),
    min_size=2,
    max_size=6,
    unique_by=lambda corner: corner[0],
).map(sorted)
values = st.floats(-1e7, 1e7)


@given(corners, values)
def test_a_score_is_that_of_numpy_s_interpolation(curve: list[tuple[float, float]], value: float) -> None:
    xs, scores = zip(*curve, strict=True)
    assert curve_score(value, xs, scores) == pytest.approx(float(np.interp(value, xs, scores)), abs=1e-6)


@given(corners, values)
def test_a_score_lies_between_those_of_the_corners(curve: list[tuple[float, float]], value: float) -> None:
    xs, scores = zip(*curve, strict=True)
    assert min(scores) <= curve_score(value, xs, scores) <= max(scores)


@given(corners, values, values)
def test_where_scores_fall_a_higher_value_has_no_higher_score(
    curve: list[tuple[float, float]], one: float, other: float
) -> None:
    xs = [x for x, _ in curve]
    scores = sorted((score for _, score in curve), reverse=True)
    low, high = sorted((one, other))
    assert curve_score(high, xs, scores) <= curve_score(low, xs, scores) + 1e-9


@given(corners)
def test_each_corner_has_its_own_score(curve: list[tuple[float, float]]) -> None:
    xs, scores = zip(*curve, strict=True)
    assert [curve_score(x, xs, scores) for x in xs] == pytest.approx(scores)


@pytest.mark.parametrize(
    ("score", "colour"),
    [
        (100, "green"),
        (80, "green"),
        (79.99, "blue"),
        (60, "blue"),
        (40, "yellow"),
        (20, "orange"),
        (19.9, "red"),
        (0, "red"),
    ],
)
def test_a_score_has_its_colour(score: float, colour: str) -> None:
    assert colour_of(score) == colour


@given(st.floats(0, 100), st.floats(0, 100))
def test_a_lower_score_has_no_better_colour(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert COLOURS.index(colour_of(low)) >= COLOURS.index(colour_of(high))
