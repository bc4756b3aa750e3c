"""The next steps of counts: what is usual then, plus what of the present carries on, with intervals.

Everything is learned on ``sqrt(count + 3/8)``. For each horizon a regression learns how much carries on of: the
residual now and a step ago, how the last days lay above the week's profile at this time of day and at the time that is
forecast, and the level. A residual is a value less its week's profile.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray, IntArray
from detectors.forecast.adaptive_conformal import AdaptiveConformal, ConformalState
from detectors.forecast.anscombe import restore, stabilise
from detectors.forecast.clipped_scale import ClippedScale, Count
from detectors.forecast.recursive_least_squares import RecursiveLeastSquares, RegressionState
from detectors.forecast.seasonal_profile import ProfileState, SeasonalProfile

# Residual now, a step ago, last days at this time, level, last days at the time forecast, constant. Before anything is
# learned most of the present carries on.
PRIOR = (0.8, 0.0, 0.0, 0.0, 0.0, 0.0)
PRESENT = 4  # of them are the same for all horizons
CONSTANT = 0.1  # of the size of the other features' usual changes, so that the ridge weighs on it alike


@dataclass(frozen=True, slots=True)
class Forecast:
    """Counts of the next steps, float64 (n, horizons), >= 0, the first column one step ahead; NaN where not known."""

    median: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(slots=True)
class ShortTermState:
    """What is known of n series; the rings hold as many steps as there are horizons."""

    profile: ProfileState
    regression: RegressionState
    conformal: ConformalState
    scale: Float32Array  # (n, bins of the day), of the error one step ahead
    count: Count  # the same
    present: Float32Array  # (n, ring, 4), the features of the last steps; NaN where the value was missing
    pending: Float32Array  # (n, ring, horizons), the medians forecast for a coming step, by how far ahead
    recent: Float32Array  # (n,), the last residual
    steps: NDArray[np.int64]  # (1,)


@dataclass(frozen=True, kw_only=True, slots=True)
class ShortTerm:
    """Forecast every horizon from 1 to ``horizons`` steps, for all series in one call a step.

    For counts with a course of the day and of the week: people, vehicles, places taken. A series is forecast once its
    bin of the week has been seen: not in its first week, so teach it recorded weeks beforehand. Not for quantities
    below 0, and not for days ahead: then the present says nothing, and the profile alone is as good. The intervals'
    scale is that of the error one step ahead at that time of day: further ahead they cover what they promise over the
    day, but in some hours more and in some less.

    A step costs the solution of six equations each series and horizon. Memory a series is that of the profiles, 6 bytes
    a bin of the week and 12 of the day, and ``200 * horizons + 4 * horizons ** 2`` bytes: with 12 horizons and bins of
    an hour 4.3 kB.

    Parameters
    ----------
    horizons
        Steps ahead, >= 1 and fewer than the day has bins.
    day_bins, week_bins
        Bins of the day, and of all kinds of day after one another (7 days, or weekday, Saturday and Sunday).
    reach
        Scales of the profile beyond which a residual is not believed to carry on, > 0.
    """

    horizons: int = 12
    day_bins: int = 24
    week_bins: int = 168
    reach: float = 8.0
    profile: SeasonalProfile = field(default_factory=SeasonalProfile)
    regression: RecursiveLeastSquares = field(default_factory=lambda: RecursiveLeastSquares(prior=PRIOR, ridge=5.0))
    conformal: AdaptiveConformal = field(default_factory=AdaptiveConformal)
    robust: ClippedScale = field(default_factory=lambda: ClippedScale(rate=0.05, warmup=10))

    def __post_init__(self) -> None:
        if not 1 <= self.horizons < self.day_bins:
            raise ValueError(f"horizons must be from 1 to below the day's {self.day_bins} bins, not {self.horizons}")

    def empty(self, series: int) -> ShortTermState:
        """Return the state of series of which nothing is known."""
        ring = self.horizons
        return ShortTermState(
            profile=ProfileState.empty(series, self.day_bins, self.week_bins),
            regression=RegressionState.empty(series, ring, len(PRIOR)),
            conformal=self.conformal.empty(series, ring),
            scale=np.zeros((series, self.day_bins), np.float32),
            count=np.zeros((series, self.day_bins), np.uint32),
            present=np.full((series, ring, PRESENT), np.nan, np.float32),
            pending=np.full((series, ring, ring), np.nan, np.float32),
            recent=np.zeros(series, np.float32),
            steps=np.zeros(1, np.int64),
        )

    def step(self, state: ShortTermState, counts: FloatArray, bins: IntArray) -> Forecast:
        """Learn one step of every series in place, then forecast the next ones.

        Parameters
        ----------
        state
            Of n series.
        counts
            float64 (n,), >= 0; NaN is missing. A step that nothing came of is a call with NaN: steps are equally long.
        bins
            int64 (1 + horizons,), the bins of the week of this step and of those that are forecast, in the series'
            local time (holidays and the change of clocks are the caller's).

        Raises
        ------
        ValueError
            A count is negative or infinite, or there are not as many bins: nothing has been learned then.
        """
        if len(bins) != 1 + self.horizons:
            raise ValueError(f"there must be {1 + self.horizons} bins, not {len(bins)}")
        if (np.isinf(counts) | (counts < 0)).any():
            raise ValueError(f"counts must be finite and at least 0, not {counts[np.isinf(counts) | (counts < 0)][:3]}")
        present = self._learn(state, stabilise(counts), int(bins[0]))
        roots = self._ahead(state, present, bins[1:])
        scale = np.maximum(state.scale[:, bins[1:] % self.day_bins], self.robust.floor)
        state.steps += 1
        # Quantiles that are tracked apart may cross for a while; the median is always inside.
        return Forecast(
            median=restore(roots),
            low=restore(roots - scale * np.maximum(state.conformal.below, 0.0)),
            high=restore(roots + scale * np.maximum(state.conformal.above, 0.0)),
        )

    def _learn(self, state: ShortTermState, roots: FloatArray, place: int) -> FloatArray:
        """Learn intervals from what was forecast for this step, the regression from its origins, then the profiles.

        Return the features of the present, (n, PRESENT).

        In this order: a bin of the profiles and its scale are as they were when the step was forecast, since no horizon
        reaches a day.
        """
        slot, day = int(state.steps[0]) % self.horizons, place % self.day_bins
        due = state.pending[:, slot].astype(np.float64)  # (n, horizons)
        errors = roots[:, None] - due
        self.conformal.learn(state.conformal, errors / np.maximum(state.scale[:, day, None], self.robust.floor))
        _, state.scale[:, day], state.count[:, day] = self.robust.step(
            state.scale[:, day], state.count[:, day], errors[:, 0]
        )  # fmt: skip
        here = np.array([place])
        usual = state.profile.usual(here)
        origins = (slot - 1 - np.arange(self.horizons)) % self.horizons
        lately = np.broadcast_to(state.profile.lately(here), due.shape)
        self.regression.learn(state.regression, _features(state.present[:, origins], lately), roots[:, None] - usual)
        residual = self.profile.step(state.profile, roots, place)
        # A value that is missing is taken to be where it was forecast.
        now = np.nan_to_num(np.where(np.isfinite(residual), residual, due[:, 0] - usual[:, 0]))
        # Unbounded, one gross value would be the next forecast, and outweigh in the regression all that comes after it.
        reach = self.reach * np.maximum(state.profile.scale, self.robust.floor)
        now = np.clip(now, -reach, reach)
        found = np.stack((now, state.recent, state.profile.lately(here)[:, 0], state.profile.level), axis=1)
        state.present[:, slot] = np.where(np.isfinite(residual)[:, None], found, np.nan)
        state.recent = now.astype(np.float32)
        return found

    def _ahead(self, state: ShortTermState, present: FloatArray, bins: IntArray) -> FloatArray:
        """Return the medians of the roots, (n, horizons), having noted them for when their steps come."""
        lately = state.profile.lately(bins)
        same = np.broadcast_to(present[:, None], (*lately.shape, PRESENT))
        roots = state.profile.usual(bins) + self.regression.predict(state.regression, _features(same, lately))
        ahead = np.arange(self.horizons)
        state.pending[:, (int(state.steps[0]) + 1 + ahead) % self.horizons, ahead] = roots
        return roots


def _features(present: FloatArray | Float32Array, lately: FloatArray) -> FloatArray:
    return np.concatenate(
        (present, lately[..., None], np.full((*lately.shape, 1), CONSTANT)), axis=-1, dtype=np.float64
    )
