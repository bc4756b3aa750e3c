"""Vital-sign scores: an indicator's value on its piecewise-linear curve, and the colour of a score."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from schemas.ids import Colour

BOUNDS: tuple[tuple[float, Colour], ...] = ((80.0, "green"), (60.0, "blue"), (40.0, "yellow"), (20.0, "orange"))


def curve_score(value: float, values: Sequence[float], scores: Sequence[float]) -> float:
    """Return the score of ``value``: linear between the curve's corners, flat outside; corners in rising order."""
    place = bisect_right(values, value)
    if place == 0:
        return scores[0]
    if place == len(values):
        return scores[-1]
    low, high = scores[place - 1], scores[place]
    part = (value - values[place - 1]) / (values[place] - values[place - 1])
    found = low + part * (high - low)
    return min(max(found, min(low, high)), max(low, high))  # rounding must not lead out of the corners


def colour_of(score: float) -> Colour:
    """Return the colour of a score from 0 (worst) to 100 (well)."""
    return next((colour for bound, colour in BOUNDS if score >= bound), "red")
