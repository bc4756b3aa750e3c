"""Severity of a value against the thresholds of the four colours.

Severity runs from 0 (no threshold reached) to 4 (red): its whole part is the colour (1 blue, 2 yellow, 3 orange,
4 red), the rest is how far the value is on its way to the next threshold that is in use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LevelScale:
    """Thresholds in use, getting worse, and the severity of each; values times ``sign`` rise as they get worse.

    Parameters
    ----------
    limits
        float64 (k,), rising, in ``sign`` times the quantity's unit.
    severities
        float64 (k,), the whole severities that the limits stand for.
    hysteresis
        How far below a limit a value must fall before its level ends, in the quantity's unit, >= 0.
    """

    limits: FloatArray
    severities: FloatArray
    sign: float
    hysteresis: float

    @classmethod
    def of(
        cls, thresholds: tuple[float | None, float | None, float | None, float | None], side: str, hysteresis: float
    ) -> LevelScale:
        """Make a scale from the thresholds of blue, yellow, orange, red (``None``: not used), ``over`` or ``under``."""
        sign = 1.0 if side == "over" else -1.0
        used = [(sign * limit, float(place)) for place, limit in enumerate(thresholds, start=1) if limit is not None]
        if not used:
            raise ValueError("at least one threshold must be given")
        return cls(np.array([limit for limit, _ in used]), np.array([place for _, place in used]), sign, hysteresis)

    def severity(self, values: FloatArray, relaxed: bool = False) -> FloatArray:
        """Return the severity of each value, shape (n,); ``relaxed`` lowers the limits by the hysteresis."""
        worse = self.sign * values + (self.hysteresis if relaxed else 0.0)
        place = np.searchsorted(self.limits, worse, side="right")
        if not place.any():
            return np.zeros(len(values))
        whole = np.concatenate(([0.0], self.severities))[place]
        low = self.limits[np.maximum(place - 1, 0)]
        high = self.limits[np.minimum(place, len(self.limits) - 1)]
        span = np.where(high > low, high - low, 1.0)
        part = np.clip((worse - low) / span, 0.0, 0.99)
        return np.where((place == 0) | (place == len(self.limits)), whole, whole + part)

    def one(self, value: float, relaxed: bool = False) -> float:
        """Return the severity of one value: ``severity`` without arrays, for the few that need it alone."""
        worse = self.sign * value + (self.hysteresis if relaxed else 0.0)
        place = int(np.searchsorted(self.limits, worse, side="right"))
        if place == 0:
            return 0.0
        whole = float(self.severities[place - 1])
        if place == len(self.limits):
            return whole
        low, high = float(self.limits[place - 1]), float(self.limits[place])
        return whole + min(max((worse - low) / (high - low), 0.0), 0.99)
