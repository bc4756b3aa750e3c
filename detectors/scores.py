"""Vital-sign scores: an indicator's value on its piecewise-linear curve, and the colour of a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from schemas.ids import Colour

BOUNDS: tuple[tuple[float, Colour], ...] = ((80.0, "green"), (60.0, "blue"), (40.0, "yellow"), (20.0, "orange"))


def curve_score(value: float, values: Sequence[float], scores: Sequence[float]) -> float:
    """Return the score of ``value``: linear between the curve's corners, flat outside; corners in rising order."""
    return float(np.interp(value, values, scores))


def colour_of(score: float) -> Colour:
    """Return the colour of a score from 0 (worst) to 100 (well)."""
    return next((colour for bound, colour in BOUNDS if score >= bound), "red")
