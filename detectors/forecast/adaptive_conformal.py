"""Intervals that cover what they promise, whatever the errors are like: each miss widens them, each hit narrows them.

References
----------
I. Gibbs, E. Candes, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021; A. Angelopoulos, E. Candes,
R. Tibshirani, "Conformal PID Control for Time Series Prediction", NeurIPS 2023, section 2.2 (quantile tracking, which
this is). Differs from the latter: below and above are tracked apart, since counts are skewed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Float32Array, FloatArray


@dataclass(slots=True)
class ConformalState:
    """How many scales the interval reaches below and above the forecast, (n, h) each; either may be negative."""

    below: Float32Array
    above: Float32Array


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaptiveConformal:
    """Track two quantiles of the scaled errors of each series and horizon.

    Over T errors that stay within B scales each side misses by no more than ``(B + rate) / (rate * T)`` more or less
    than promised, in whatever order they come (proposition 1 of the second paper). It promises that in the long run,
    not in every hour: errors must be scaled by what makes some hours harder than others. Not for fewer than some
    hundreds; and where errors grow threefold at once it takes some hundreds to follow.

    Parameters
    ----------
    coverage
        The share that the interval holds, in (0, 1).
    rate
        Scales by which a miss moves its side, > 0: higher follows faster and wobbles more.
    start
        Scales that it reaches at first on both sides, > 0.
    """

    coverage: float = 0.9
    rate: float = 0.1
    start: float = 1.645  # the quantile of a Gaussian for 0.9

    def __post_init__(self) -> None:
        if not 0.0 < self.coverage < 1.0:
            raise ValueError(f"coverage must be between 0 and 1, not {self.coverage}")
        if not (self.rate > 0.0 and self.start > 0.0):
            raise ValueError(f"rate and start must be above 0, not {self.rate} and {self.start}")

    def empty(self, series: int, horizons: int) -> ConformalState:
        """Return the state before any error."""
        reach = np.full((series, horizons), self.start, np.float32)
        return ConformalState(below=reach, above=reach.copy())

    def learn(self, state: ConformalState, errors: FloatArray) -> None:
        """Learn in place errors in scales, float64 (n, h), value minus forecast; NaN is missing and teaches nothing."""
        miss = (1.0 - self.coverage) / 2.0
        came = np.isfinite(errors)
        state.below += (self.rate * np.where(came, (-errors > state.below) - miss, 0.0)).astype(np.float32)
        state.above += (self.rate * np.where(came, (errors > state.above) - miss, 0.0)).astype(np.float32)
