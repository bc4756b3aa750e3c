"""Drift against neighbours: a sensor that parts slowly from those around it, as fouled or ageing sensors do.

References
----------
S. W. Roberts, "Control Chart Tests Based on Geometric Moving Averages", 1959: the exponentially weighted mean of what
a sensor differs from the median of its neighbours by, in its own spread of that difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.arrays import Float32Array, FloatArray, IntArray

GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation


@dataclass(slots=True)
class DriftState:
    """Float32 arrays of n series: usual difference, its spread, the recent difference; uint32 count."""

    usual: Float32Array
    spread: Float32Array
    recent: Float32Array
    count: NDArray[np.uint32]

    @classmethod
    def empty(cls, series: int) -> DriftState:
        """Return the state of series of which nothing is known."""
        zero = np.zeros(series, np.float32)
        return cls(zero, zero.copy(), zero.copy(), np.zeros(series, np.uint32))


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftAgainstNeighbours:
    """Compare the recent difference from the neighbours with the usual one, in standard errors of the recent one.

    Good at slow drift, to which detectors that learn one series alone are blind; needs three neighbours of the same
    quantity that see the same air. Not for counts of places that fill and empty at different hours.

    Parameters
    ----------
    alpha
        Weight of the newest difference in the recent one, in (0, 1).
    beta
        The same for the usual one; below ``alpha``.
    warmup
        Differences before anything is scored; they teach the usual one as a plain mean.
    """

    alpha: float = 0.02
    beta: float = 0.001
    warmup: int = 200

    def __post_init__(self) -> None:
        if not 0.0 < self.beta < self.alpha < 1.0:
            raise ValueError(f"0 < beta < alpha < 1 must hold, not beta {self.beta} and alpha {self.alpha}")
        if self.warmup < 2:
            raise ValueError(f"warmup must be at least 2, not {self.warmup}")

    def step(
        self, state: DriftState, rows: IntArray, values: FloatArray, neighbours: FloatArray, resolution: FloatArray
    ) -> FloatArray:
        """Score how far each series has drifted, then learn the difference.

        Parameters
        ----------
        state
            Of n series, changed in place.
        rows, values
            int64 (k,) and float64 (k,), finite; no series twice in one call.
        neighbours
            float64 (k, m), the newest values of each one's neighbours, NaN where one is missing or suspect itself.
        resolution
            float64 (k,), > 0, the smallest spread.

        Returns
        -------
        float64 (k,), standard errors, >= 0; 0 during warm-up and where fewer than three neighbours speak.
        """
        is_known = np.isfinite(neighbours)
        enough = is_known.sum(axis=1) >= 3
        place = np.zeros(len(rows))
        if enough.any():
            place[enough] = np.nanmedian(neighbours[enough], axis=1)
        difference = np.where(enough, values - place, 0.0)

        count = state.count[rows].astype(np.float64)
        usual, recent = state.usual[rows].astype(np.float64), state.recent[rows].astype(np.float64)
        spread = np.maximum(state.spread[rows], resolution)
        error = spread * np.sqrt(self.alpha / (2.0 - self.alpha))
        scores = np.where(enough & (count >= self.warmup), np.abs(recent - usual) / error, 0.0)

        is_warm = count >= self.warmup
        limit = np.where(is_warm, 4.0 * spread, np.inf)  # one event that the neighbours do not see teaches little
        learned = usual + np.clip(difference - usual, -limit, limit)
        early = 1.0 / (count + 1.0)
        slow = np.where(is_warm, self.beta, early)
        state.usual[rows] = np.where(enough, usual + slow * (learned - usual), usual)
        state.recent[rows] = np.where(enough, recent + np.maximum(self.alpha, early) * (learned - recent), recent)
        deviation = GAUSSIAN * np.abs(learned - usual)
        of_spread = np.where(count == 0, 0.0, np.maximum(self.beta, 1.0 / np.maximum(count, 1.0)))
        state.spread[rows] = np.where(
            enough, state.spread[rows] + of_spread * (deviation - state.spread[rows]), state.spread[rows]
        )
        state.count[rows] += enough.astype(np.uint32)
        return scores
