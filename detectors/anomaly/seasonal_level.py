"""Robust level with a season: how far a value lies from what its series does at this hour of this kind of day.

References
----------
C. C. Holt, "Forecasting seasonals and trends by exponentially weighted moving averages", 1957, with an autoregressive
remainder in place of a trend; R. A. Maronna et al., "Robust Statistics", 2006, for learning a residual clipped to a few
scales, so that an anomaly does not teach itself. Differs from both: the scale is learned from clipped absolute
residuals too, by day and by night, and never falls below the quantity's resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import BoolArray, Float32Array, FloatArray, IntArray

GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation
HOURS, KINDS = 24, 2
BINS = KINDS * HOURS  # hour of a working day, hour of a weekend's day
HOUR_NS, DAY_NS = 3_600_000_000_000, 86_400_000_000_000
DAWN, DUSK = 6, 22  # hours between which a place is by day
FORGET = 0.999  # of what the persistence is learned from
MOST_PERSISTENT = 0.98
FAR = 10.0  # scales beyond which a remainder says no more of persistence


@dataclass(slots=True)
class SeasonalLevelState:
    """Arrays of n series: 208 bytes each that change slowly (``season``, ``scale``, ``count``), and 12 that are hot."""

    season: Float32Array  # (n, 48), NaN of a bin that nothing has come in
    scale: Float32Array  # (n, 2), by night and by day
    count: NDArray[np.uint32]  # (n, 2), values learned, by kind of day
    remainder: Float32Array  # (n,), what the last value left over, clipped
    product: Float32Array  # (n,), of successive remainders in scales, decayed
    square: Float32Array  # (n,), of remainders in scales, decayed

    @classmethod
    def empty(cls, series: int) -> SeasonalLevelState:
        """Return the state of series of which nothing is known."""
        return cls(
            season=np.full((series, BINS), np.nan, np.float32),
            scale=np.zeros((series, 2), np.float32),
            count=np.zeros((series, KINDS), np.uint32),
            remainder=np.zeros(series, np.float32),
            product=np.zeros(series, np.float32),
            square=np.zeros(series, np.float32),
        )


def bins_of(times_ns: IntArray) -> IntArray:
    """Return the bin of the season of local event times, int64: 0 to 23 on Monday to Friday, 24 to 47 on a weekend."""
    weekday = (times_ns // DAY_NS + 3) % 7  # 1970-01-01 was a Thursday
    return np.where(weekday >= 5, HOURS, 0) + times_ns // HOUR_NS % HOURS


@dataclass(frozen=True, slots=True)
class Expected:
    """What k values are likely to be, before they are known; float64 (k,) each but ``is_new``."""

    season: FloatArray  # NaN in a bin that nothing has come in
    carried: FloatArray  # of what the value before left over
    scale: FloatArray
    is_new: BoolArray

    @property
    def value(self) -> FloatArray:
        """Return the expected value; NaN in a bin that nothing has come in."""
        return self.season + self.carried


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonalLevel:
    """Score each value by its distance from what its season and the value before it make likely, in scales.

    Good at spikes and sudden shifts of series with a daily course; blind to slow drift, which it learns (use
    ``SlowDrift`` or ``DriftAgainstNeighbours``), and to a series that has fallen silent. Counts and concentrations,
    whose spread grows with their size, should come as square roots or logarithms.

    Parameters
    ----------
    gamma
        Weight of the newest value in its bin of the season and in the scale, in (0, 1).
    clip
        Scales beyond which a residual teaches no more, > 0.
    warmup
        Values of a series before anything is scored; so long residuals teach unclipped.
    """

    gamma: float = 0.02
    clip: float = 3.0
    warmup: int = 96

    def __post_init__(self) -> None:
        if not 0.0 < self.gamma < 1.0:
            raise ValueError(f"gamma must be between 0 and 1, not {self.gamma}")
        if not self.clip > 0.0 or self.warmup < 1:
            raise ValueError(f"clip must be above 0 and warmup at least 1, not {self.clip} and {self.warmup}")

    def expect(
        self, state: SeasonalLevelState, rows: IntArray, bins: IntArray, resolution: FloatArray, is_next: BoolArray
    ) -> Expected:
        """Return what is expected of the next value of some series; the arguments are those of ``step``."""
        season = state.season[rows, bins].astype(np.float64)
        before = np.where(is_next, state.remainder[rows], 0.0)
        product, square = state.product[rows].astype(np.float64), state.square[rows].astype(np.float64)
        persistence = np.clip(product / np.maximum(square, 1e-12), 0.0, MOST_PERSISTENT)
        scale = np.maximum(state.scale[rows, _by_day(bins)].astype(np.float64), resolution)
        return Expected(season, persistence * before, scale, np.isnan(season))

    def step(
        self,
        state: SeasonalLevelState,
        rows: IntArray,
        values: FloatArray,
        bins: IntArray,
        resolution: FloatArray,
        is_next: BoolArray,
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
            int64 (k,), the bin of the season of each value, as ``bins_of`` has it.
        resolution
            float64 (k,), > 0: the smallest scale that a series may have.
        is_next
            bool (k,), whether the value before it came an interval ago: what it left over then says something.

        Returns
        -------
        float64 (k,), signed distance in scales; 0 during warm-up and in a bin that nothing has come in.

        Raises
        ------
        ValueError
            A value is not finite: one would poison its series for good.
        """
        if not np.isfinite(values).all():
            raise ValueError("values must be finite")
        expected = self.expect(state, rows, bins, resolution, is_next)
        is_new, scale, carried = expected.is_new, expected.scale, expected.carried
        season = np.where(is_new, values, expected.season)
        kind, by_day = bins // HOURS, _by_day(bins)
        counts = state.count[rows].astype(np.float64)
        is_warm = counts.sum(axis=1) >= self.warmup
        before = np.where(is_next, state.remainder[rows], 0.0)
        product, square = state.product[rows].astype(np.float64), state.square[rows].astype(np.float64)
        learned_scale = state.scale[rows, by_day].astype(np.float64)
        residual = values - season - carried
        deviations = np.where(is_warm & ~is_new, residual / scale, 0.0)

        limit = np.where(is_warm, self.clip * scale, np.inf)
        learned = np.clip(residual, -limit, limit)
        remainder = carried + learned
        # As many values as its kind of day has brought each bin; while there are few, all count the same.
        visits = counts[np.arange(len(rows)), kind] / HOURS
        rate = np.maximum(self.gamma, 1.0 / (visits + 2.0))
        state.season[rows, bins] = season + np.where(is_new, 0.0, rate * remainder)
        state.remainder[rows] = np.where(is_new, 0.0, remainder)
        # How much of what one value left over the next one keeps: by products in scales, so that no spike decides it.
        known = ~is_new & is_next
        last, now = (np.clip(one / scale, -FAR, FAR) for one in (before, remainder))
        state.product[rows] = np.where(known, FORGET * product + now * last, product)
        state.square[rows] = np.where(known, FORGET * square + last**2, square)
        slow = np.where(is_new, 0.0, np.maximum(self.gamma, 1.0 / (visits * HOURS / 2.0 + 1.0)))
        state.scale[rows, by_day] = learned_scale + slow * (GAUSSIAN * np.abs(learned) - learned_scale)
        state.count[rows, kind] += 1
        return deviations


def _by_day(bins: IntArray) -> IntArray:
    hour = bins % HOURS
    return ((hour >= DAWN) & (hour < DUSK)).astype(np.int64)
