"""What is usual now: a profile of the week that learns slowly, one of the day and a level that follow the last days.

References
----------
J. W. Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing", Journal of the
Operational Research Society 54, 2003. Differs from it: residuals are clipped before they are learned, a bin that was
never seen is unknown in place of guessed, and day and level are not added to the profile here: how much of each carries
on into the next steps is left to a regression.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray
from detectors.forecast.clipped_scale import ClippedScale, Count


@dataclass(slots=True)
class ProfileState:
    """Arrays of n series: profiles of week and day, level, and the residual's scale."""

    week: Float32Array  # (n, bins of the week)
    seen: NDArray[np.uint16]  # the same, how often
    day: Float32Array  # (n, bins of the day)
    level: Float32Array  # (n,)
    scale: Float32Array  # (n,)
    count: Count  # (n,)

    @classmethod
    def empty(cls, series: int, day_bins: int, week_bins: int) -> ProfileState:
        """Return the state of series of which nothing is known.

        Raises
        ------
        ValueError
            The week is not a whole number of days.
        """
        if day_bins < 1 or week_bins < 1 or week_bins % day_bins:
            raise ValueError(f"the week's bins must be a multiple of the day's, not {week_bins} of {day_bins}")
        return cls(
            week=np.zeros((series, week_bins), np.float32),
            seen=np.zeros((series, week_bins), np.uint16),
            day=np.zeros((series, day_bins), np.float32),
            level=np.zeros(series, np.float32),
            scale=np.zeros(series, np.float32),
            count=np.zeros(series, np.uint32),
        )

    def usual(self, bins: NDArray[np.int64]) -> FloatArray:
        """Return the week's profile at ``bins``, float64 (n, bins); NaN where a bin was never seen."""
        return np.where(self.seen[:, bins] > 0, self.week[:, bins].astype(np.float64), np.nan)

    def lately(self, bins: NDArray[np.int64]) -> FloatArray:
        """Return how far the last days lay above the week's profile at the times of day of ``bins``, (n, bins)."""
        return self.day[:, bins % self.day.shape[1]].astype(np.float64)


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonalProfile:
    """Learn the profiles from one value of every series a step.

    Good where weeks are alike; blind to a day that is unlike its kind (a holiday: give it Sunday's bins).

    Parameters
    ----------
    week, day, level
        Weight of the newest residual in its bin of the week (one visit a week), of the day, and in the level (every
        step), each in (0, 1).
    robust
        By how much residuals are clipped.
    """

    week: float = 0.1
    day: float = 0.2
    level: float = 0.03
    robust: ClippedScale = field(default_factory=lambda: ClippedScale(clip=5.0))

    def __post_init__(self) -> None:
        for name in ("week", "day", "level"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")

    def step(self, state: ProfileState, values: FloatArray, place: int) -> FloatArray:
        """Return how far each value lies above its week's profile, then learn it in place.

        Parameters
        ----------
        state
            Of n series.
        values
            float64 (n,); NaN is missing: nothing is learned but that the day's deviation is forgotten a little.
        place
            The bin of the week of this step.

        Returns
        -------
        float64 (n,), NaN where the value is missing or its bin was never seen.
        """
        came, first = np.isfinite(values), state.seen[:, place] == 0
        old, day = state.week[:, place].astype(np.float64), place % state.day.shape[1]
        residual = np.where(first, np.nan, values - old)
        clipped, state.scale, state.count = self.robust.step(state.scale, state.count, residual)
        learned = np.where(np.isfinite(residual), clipped, 0.0)
        rate = np.maximum(self.week, 1.0 / (state.seen[:, place] + 1.0))
        state.week[:, place] = np.where(came & first, values, old + rate * learned)
        # Beyond what the rate tells apart the count stands still: it must not come round to 0.
        state.seen[:, place] += came & (state.seen[:, place] < np.iinfo(np.uint16).max)
        state.day[:, day] += self.day * (learned - state.day[:, day])
        state.level += np.where(came, self.level * (learned - state.level), 0.0)
        return residual
