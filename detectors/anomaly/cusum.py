"""CUSUM: a level that has shifted, by the sum of how far values are off, less what chance explains.

References
----------
E. S. Page, "Continuous Inspection Schemes", Biometrika 41, 1954; the fast look of D. M. Hawkins, D. H. Olwell,
"Cumulative Sum Charts", 1998: both sums are set back once a shift is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Float32Array, FloatArray, IntArray


@dataclass(slots=True)
class CusumState:
    """Float32 arrays of n series: the sums upwards and downwards, in scales."""

    up: Float32Array
    down: Float32Array

    @classmethod
    def empty(cls, series: int) -> CusumState:
        """Return the state of series of which nothing is known."""
        return cls(np.zeros(series, np.float32), np.zeros(series, np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cusum:
    """Sum standardised residuals in both directions.

    Good at shifts of a few scales that stay; blind to what is below ``slack`` and to single spikes (each adds at most
    ``clip``). Not for raw values: they must be standardised, and not learn the shift sooner than it adds up.

    Parameters
    ----------
    slack
        Scales that are taken from each residual, >= 0: half the shift to find.
    clip
        The most that one residual adds, in scales, > ``slack``.
    limit
        The sum beyond which both are set back, > 0: the shift has been told.
    """

    slack: float = 1.0
    clip: float = 8.0
    limit: float = 40.0

    def __post_init__(self) -> None:
        if self.slack < 0.0:
            raise ValueError(f"slack must be at least 0, not {self.slack}")
        if not self.clip > self.slack:
            raise ValueError(f"clip must be above slack, not {self.clip}")
        if not self.limit > 0.0:
            raise ValueError(f"limit must be above 0, not {self.limit}")

    def step(self, state: CusumState, rows: IntArray, deviations: FloatArray) -> FloatArray:
        """Add standardised residuals, float64 (k,), finite, of series that are not twice in one call.

        Returns
        -------
        float64 (k,), the larger of both sums with this residual, in scales, >= 0.

        Raises
        ------
        ValueError
            A residual is not finite.
        """
        if not np.isfinite(deviations).all():
            raise ValueError("residuals must be finite")
        clipped = np.clip(deviations, -self.clip, self.clip)
        up = np.maximum(state.up[rows] + clipped - self.slack, 0.0)
        down = np.maximum(state.down[rows] - clipped - self.slack, 0.0)
        largest = np.maximum(up, down)
        goes_on = largest <= self.limit
        state.up[rows], state.down[rows] = up * goes_on, down * goes_on
        return np.asarray(largest, np.float64)
