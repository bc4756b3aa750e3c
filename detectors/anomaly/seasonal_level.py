"""Robust level with a season: how far a value lies from what its series does at this hour of this kind of day.

References
----------
C. C. Holt, "Forecasting seasonals and trends by exponentially weighted moving averages", 1957, without its trend; R. A.
Maronna et al., "Robust Statistics", 2006, for learning a residual clipped to a few scales, so that an anomaly does not
teach itself. Differs from both: the scale is learned from clipped absolute residuals too, and never falls below the
quantity's resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation


@dataclass(slots=True)
class SeasonalLevelState:
    """Arrays of n series: float32 level, scale and season (n, bins), and how many values each has learned (uint32)."""

    level: Float32Array
    scale: Float32Array
    season: Float32Array
    count: NDArray[np.uint32]

    @classmethod
    def empty(cls, series: int, bins: int) -> SeasonalLevelState:
        """Return the state of series of which nothing is known."""
        return cls(
            level=np.zeros(series, np.float32),
            scale=np.zeros(series, np.float32),
            season=np.zeros((series, bins), np.float32),
            count=np.zeros(series, np.uint32),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonalLevel:
    """Score each value by its distance from level plus season, in scales.

    Good at spikes and sudden shifts of series with a daily course; blind to slow drift, which it learns (use
    ``DriftAgainstNeighbours``), and to a series that has fallen silent.

    Parameters
    ----------
    alpha
        Weight of the newest value in the level, in (0, 1); its memory is about ``2 / alpha`` values.
    gamma
        The same for the season's bin and for the scale.
    clip
        Scales beyond which a residual teaches no more, > 0.
    warmup
        Values of a series before anything is scored; so long the level is the plain mean.
    """

    alpha: float = 0.05
    gamma: float = 0.02
    clip: float = 3.0
    warmup: int = 20

    def __post_init__(self) -> None:
        for name in ("alpha", "gamma"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not self.clip > 0.0 or self.warmup < 1:
            raise ValueError(f"clip must be above 0 and warmup at least 1, not {self.clip} and {self.warmup}")

    def step(
        self, state: SeasonalLevelState, rows: IntArray, values: FloatArray, bins: IntArray, resolution: FloatArray
    ) -> FloatArray:
        """Score ``values``, then learn them in place.

        Parameters
        ----------
        state
            Of n series.
        rows
            int64 (k,), the series of each value; no series twice in one call.
        values
            float64 (k,), finite, in the series' own unit.
        bins
            int64 (k,), the bin of the season of each value.
        resolution
            float64 (k,), > 0: the smallest scale that a series may have.

        Returns
        -------
        float64 (k,), distance in scales, >= 0; 0 during warm-up.

        Raises
        ------
        ValueError
            A value is not finite: one would poison its series for good.
        """
        if not np.isfinite(values).all():
            raise ValueError("values must be finite")
        count = state.count[rows].astype(np.float64)
        level, season = state.level[rows].astype(np.float64), state.season[rows, bins].astype(np.float64)
        scale = np.maximum(state.scale[rows], resolution)
        residual = values - level - season
        is_warm = count >= self.warmup
        scores = np.where(is_warm, np.abs(residual) / scale, 0.0)

        limit = np.where(is_warm, self.clip * scale, np.inf)
        learned = np.clip(residual, -limit, limit)
        rate = np.maximum(self.alpha, 1.0 / (count + 1.0))
        state.level[rows] = level + rate * learned
        state.season[rows, bins] = season + np.where(is_warm, self.gamma * (1.0 - rate) * learned, 0.0)
        # Of the first value nothing is left over; it says nothing of the scale.
        slow = np.where(count == 0, 0.0, np.maximum(self.gamma, 1.0 / np.maximum(count, 1.0)))
        state.scale[rows] = state.scale[rows] + slow * (GAUSSIAN * np.abs(learned) - state.scale[rows])
        state.count[rows] += 1
        return scores
