"""Intervals that cover what they say they cover, by following the quantiles of errors already made.

References
----------
I. Gibbs, E. Candes, "Adaptive Conformal Inference Under Distribution Shift", 2021, as quantile tracking (A.
Angelopoulos, E. Candes, R. Tibshirani, "Conformal PID Control for Time Series Prediction", 2023): a bound that was
crossed moves out by much, one that was not moves in by little, so that in the long run each is crossed as often as it
should be, whatever the errors' distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import BoolArray, Float32Array, FloatArray

GAUSSIAN = 1.2533  # standard deviation over mean absolute deviation


@dataclass(slots=True)
class IntervalState:
    """Float32 arrays of n forecasts: spread of errors, and the bounds below and above in spreads."""

    spread: Float32Array
    low: Float32Array
    high: Float32Array

    @classmethod
    def empty(cls, count: int) -> IntervalState:
        """Return the state before any error is known: Gaussian 90%."""
        bound = np.full(count, 1.64, np.float32)
        return cls(np.zeros(count, np.float32), -bound, bound.copy())


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedInterval:
    """Bounds of forecasts.

    Good where errors are skewed or change their size; needs some hundred errors. It covers on average over time, not at
    each hour of the day: bounds are as wide as the spread that its user hands errors in.

    Parameters
    ----------
    coverage
        Share of values that are to lie within, in (0, 1).
    rate
        By how much one error moves a bound, in spreads, > 0.
    memory
        Weight of the newest error in the spread, in (0, 1).
    """

    coverage: float = 0.9
    rate: float = 0.05
    memory: float = 0.02

    def __post_init__(self) -> None:
        for name in ("coverage", "memory"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be between 0 and 1, not {getattr(self, name)}")
        if not self.rate > 0.0:
            raise ValueError(f"rate must be above 0, not {self.rate}")

    def bounds(self, state: IntervalState) -> tuple[FloatArray, FloatArray]:
        """Return how far below (<= 0) and above (>= 0) a forecast its interval reaches, float64 (n,) each."""
        spread = state.spread.astype(np.float64)
        return np.minimum(state.low, 0.0) * spread, np.maximum(state.high, 0.0) * spread

    def learn(self, state: IntervalState, errors: FloatArray, is_known: BoolArray) -> None:
        """Learn errors (value minus forecast), float64 (n,), where they are known."""
        spread = state.spread.astype(np.float64)
        scaled = np.divide(errors, spread, out=np.zeros_like(errors), where=spread > 0)
        tail, is_old = (1.0 - self.coverage) / 2.0, is_known & (spread > 0)
        below, above = scaled < state.low, scaled > state.high
        state.low += np.where(is_old, self.rate * np.where(below, tail - 1.0, tail), 0.0).astype(np.float32)
        state.high += np.where(is_old, self.rate * np.where(above, 1.0 - tail, -tail), 0.0).astype(np.float32)
        limit = np.where(spread > 0, 5.0 * spread, np.inf)
        size = GAUSSIAN * np.minimum(np.abs(errors), limit)
        moved = np.where(spread > 0, spread + self.memory * (size - spread), size)
        state.spread[:] = np.where(is_known, moved, spread)
