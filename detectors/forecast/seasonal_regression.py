"""Seasonal autoregression: the hour of the week, and what the last hours, yesterday and last week were off by.

References
----------
L. Ljung, T. Soderstrom, "Theory and Practice of Recursive Identification", 1983 (recursive least squares with
forgetting); F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data", 1948, for the square
root that makes the spread of counts even. Differs from a plain regression: errors teach clipped, so that a night of
fireworks does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray
from detectors.forecast.intervals import IntervalState, TrackedInterval

ANSCOMBE = 0.375
CLIP = 4.0  # spreads beyond which an error teaches no more
TERMS = 5  # 1, the last and the last but one, a day before, a week before
RIDGE = 1.0  # how little is believed of the weights before anything is learned


@dataclass(slots=True)
class RegressionState:
    """Of n series and h horizons; ``week`` is the number of periods in a week. O(1) a series."""

    season: Float32Array  # (n, week), of square roots, NaN of a bin that nothing has come in
    visits: NDArray[np.uint16]  # (n, week)
    residuals: Float32Array  # (n, week), of the last week, 0 where nothing came
    weights: FloatArray  # (n, h, 5)
    spread: FloatArray  # (n, h, 5, 5), of the weights
    terms: Float32Array  # (h, h, n, 5), of forecasts not yet due, a ring for each horizon
    forecasts: Float32Array  # (h, h, n), what was then forecast, NaN where nothing was
    intervals: tuple[IntervalState, ...]  # one a horizon
    period: NDArray[np.int64]  # (1,), periods seen

    @classmethod
    def empty(cls, series: int, week: int, horizons: int) -> RegressionState:
        """Return the state of series of which nothing is known."""
        weights = np.zeros((series, horizons, TERMS))
        return cls(
            season=np.full((series, week), np.nan, np.float32),
            visits=np.zeros((series, week), np.uint16),
            residuals=np.zeros((series, week), np.float32),
            weights=weights,
            spread=np.tile(np.eye(TERMS) / RIDGE, (series, horizons, 1, 1)),
            terms=np.zeros((horizons, horizons, series, TERMS), np.float32),
            forecasts=np.full((horizons, horizons, series), np.nan, np.float32),
            intervals=tuple(IntervalState.empty(series) for _ in range(horizons)),
            period=np.zeros(1, np.int64),
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """float64 (h, n) each, in the counts' own unit, >= 0; NaN where too little is known."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class SeasonalRegression:
    """Forecast counts of many places, period by period.

    Good at places with a weekly course in which one hour tells of the next; knows nothing of holidays and events before
    they begin. Not for quantities that may be negative.

    Parameters
    ----------
    day
        Periods of a day, >= 2; forecasts and season are in periods.
    gamma
        Weight of the newest value in its bin of the season, in (0, 1).
    forget
        What a period leaves of what the weights have learned, in (0.9, 1].
    """

    day: int = 24
    gamma: float = 0.05
    forget: float = 0.9995
    interval: TrackedInterval = field(default_factory=TrackedInterval)

    def __post_init__(self) -> None:
        if self.day < 2:
            raise ValueError(f"day must be at least 2 periods, not {self.day}")
        if not 0.0 < self.gamma < 1.0:
            raise ValueError(f"gamma must be between 0 and 1, not {self.gamma}")
        if not 0.9 < self.forget <= 1.0:
            raise ValueError(f"forget must be above 0.9 and at most 1, not {self.forget}")

    def empty(self, series: int, horizons: int) -> RegressionState:
        """Return the state of series of which nothing is known, for forecasts of 1 to ``horizons`` periods."""
        if not 0 < horizons < self.day:
            raise ValueError(f"horizons must be 1 to {self.day - 1} periods, not {horizons}")
        return RegressionState.empty(series, 7 * self.day, horizons)

    def step(self, state: RegressionState, values: FloatArray, bin_of_week: int) -> Forecast:
        """Learn what a period brought, then forecast the next ones.

        Parameters
        ----------
        state
            Of n series; each period is given once, in order, also one in which nothing came.
        values
            float64 (n,), >= 0, NaN where nothing came.
        bin_of_week
            Of this period, 0 to 7 days' periods - 1.

        Raises
        ------
        ValueError
            A value is negative or infinite. Nothing was learned.
        """
        is_known = ~np.isnan(values)
        if not (np.isfinite(values) & (values >= 0.0))[is_known].all():
            raise ValueError("counts must be finite and at least 0")
        roots = np.sqrt(np.where(is_known, values, 0.0) + ANSCOMBE)
        period, horizons = int(state.period[0]), len(state.forecasts)
        for ahead in range(1, horizons + 1):
            if period >= ahead:
                self._learn_weights(state, ahead, period % ahead, roots, is_known)
        self._learn_season(state, roots, is_known, bin_of_week)
        state.period[0] += 1
        rows = [self._forecast(state, ahead, period % ahead, bin_of_week) for ahead in range(1, horizons + 1)]
        mean, low, high = (np.array(part) for part in zip(*rows, strict=True))
        return Forecast(mean, low, high)

    def _learn_weights(
        self, state: RegressionState, ahead: int, slot: int, roots: FloatArray, is_known: NDArray[np.bool_]
    ) -> None:
        h = ahead - 1
        terms, forecast = state.terms[h, slot].astype(np.float64), state.forecasts[h, slot].astype(np.float64)
        use = is_known & ~np.isnan(forecast)
        errors = np.where(use, roots - forecast, 0.0)
        interval = state.intervals[h]
        limit = np.where(interval.spread > 0, CLIP * interval.spread, np.inf)
        spread = state.spread[:, h]
        towards = np.einsum("nij,nj->ni", spread, terms)
        gain = towards / (self.forget + np.einsum("ni,ni->n", terms, towards))[:, None]
        state.weights[:, h] += np.where(use[:, None], gain * np.clip(errors, -limit, limit)[:, None], 0.0)
        learned = (spread - gain[:, :, None] * towards[:, None, :]) / self.forget
        state.spread[:, h] = np.where(use[:, None, None], learned, spread)
        self.interval.learn(interval, errors, use)

    def _learn_season(
        self, state: RegressionState, roots: FloatArray, is_known: NDArray[np.bool_], bin_of_week: int
    ) -> None:
        season = state.season[:, bin_of_week].astype(np.float64)
        is_new = np.isnan(season)
        residual = np.where(is_known & ~is_new, roots - np.where(is_new, roots, season), 0.0)
        state.residuals[:, bin_of_week] = residual
        rate = np.maximum(self.gamma, 1.0 / (state.visits[:, bin_of_week] + 1.0))
        limit = np.where(state.intervals[0].spread > 0, 2 * CLIP * state.intervals[0].spread, np.inf)
        moved = np.where(is_new, roots, season + rate * np.clip(residual, -limit, limit))
        state.season[:, bin_of_week] = np.where(is_known, moved, season)
        state.visits[:, bin_of_week] += (is_known & (state.visits[:, bin_of_week] < 1_000)).astype(np.uint16)

    def _forecast(
        self, state: RegressionState, ahead: int, slot: int, bin_of_week: int
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        week, h = 7 * self.day, ahead - 1
        at = (bin_of_week + ahead) % week
        residuals = state.residuals
        terms = np.stack(
            [
                np.ones(len(residuals)),
                residuals[:, bin_of_week],
                residuals[:, bin_of_week - 1],
                residuals[:, at - self.day],
                residuals[:, at],  # a week ago: this bin is not yet written over
            ],
            axis=1,
        )
        root = state.season[:, at] + np.einsum("ni,ni->n", terms, state.weights[:, h])
        state.terms[h, slot], state.forecasts[h, slot] = terms, root
        below, above = self.interval.bounds(state.intervals[h])
        return _counts(root), _counts(root + below), _counts(root + above)


def _counts(roots: FloatArray) -> FloatArray:
    """Return counts of their square roots; the median stays the median."""
    return np.maximum(np.maximum(roots, 0.0) ** 2 - ANSCOMBE, 0.0)
