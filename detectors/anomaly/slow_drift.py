"""Slow drift: a series that parts little by little from where it used to be.

References
----------
S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages", 1959: the exponentially weighted mean of the
recent past against that of the long past, in standard errors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray, IntArray

GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation
CLIP = 4.0  # spreads beyond which one value teaches no more


@dataclass(slots=True)
class DriftState:
    """Arrays of n series: float32 usual level, its spread, the recent level; uint32 count of values."""

    usual: Float32Array
    spread: Float32Array
    recent: Float32Array
    count: NDArray[np.uint32]

    @classmethod
    def empty(cls, series: int) -> DriftState:
        """Return the state of series of which nothing is known."""
        usual, spread, recent = (np.zeros(series, np.float32) for _ in range(3))
        return cls(usual, spread, recent, np.zeros(series, np.uint32))


@dataclass(frozen=True, kw_only=True, slots=True)
class SlowDrift:
    """Compare the recent level with the usual one, in standard errors of the recent one were its values independent.

    Good at drift over some hundred values, to which detectors that follow the level are blind. Real residuals are not
    independent, so that scores are larger than a Gaussian's: take them through ``PeaksOverThreshold``. Not for values
    with a season: take it out before, or compare with neighbours.

    Parameters
    ----------
    alpha
        Weight of the newest value in the recent level, in (0, 1).
    beta
        The same for the usual one; below ``alpha``.
    warmup
        Values before anything is scored; they teach the usual level as a plain mean.
    """

    alpha: float = 0.02
    beta: float = 0.001
    warmup: int = 200

    def __post_init__(self) -> None:
        if not 0.0 < self.beta < self.alpha < 1.0:
            raise ValueError(f"0 < beta < alpha < 1 must hold, not beta {self.beta} and alpha {self.alpha}")
        if self.warmup < 2:
            raise ValueError(f"warmup must be at least 2, not {self.warmup}")

    def step(self, state: DriftState, rows: IntArray, values: FloatArray, resolution: FloatArray) -> FloatArray:
        """Score how far each series has drifted by the values before, then learn these.

        Parameters
        ----------
        state
            Of n series, changed in place.
        rows, values
            int64 (k,) and float64 (k,), finite; no series twice in one call.
        resolution
            float64 (k,), > 0, the smallest spread.

        Returns
        -------
        float64 (k,), standard errors, >= 0; 0 during warm-up.

        Raises
        ------
        ValueError
            A value is not finite.
        """
        if not np.isfinite(values).all():
            raise ValueError("values must be finite")
        count = state.count[rows].astype(np.float64)
        usual, recent = state.usual[rows].astype(np.float64), state.recent[rows].astype(np.float64)
        known = state.spread[rows].astype(np.float64)
        spread, is_warm = np.maximum(known, resolution), count >= self.warmup
        error = spread * np.sqrt(self.alpha / (2.0 - self.alpha))
        scores = np.where(is_warm, np.abs(recent - usual) / error, 0.0)

        limit = np.where(is_warm, CLIP * spread, np.inf)
        learned = np.clip(values - usual, -limit, limit)
        early = 1.0 / (count + 1.0)
        state.usual[rows] = usual + np.where(is_warm, self.beta, early) * learned
        state.recent[rows] = recent + np.maximum(self.alpha, early) * (usual + learned - recent)
        slow = np.where(count == 0, 0.0, np.maximum(self.beta, 1.0 / np.maximum(count, 1.0)))
        state.spread[rows] = known + slow * (GAUSSIAN * np.abs(learned) - known)
        state.count[rows] += 1
        return np.asarray(scores)
