"""Extreme-value tail: how seldom a score as high as this one is, for this very series.

References
----------
J. Pickands, "Statistical Inference Using Extreme Order Statistics", 1975, and A. A. Balkema, L. de Haan, 1974: what
exceeds a high threshold is a generalised Pareto variable. J. R. M. Hosking, J. R. Wallis, "Parameter and Quantile
Estimation for the Generalized Pareto Distribution", 1987: its two parameters by moments. A. Siffer et al., "Anomaly
Detection in Streams with Extreme Value Theory", 2017, for the use on streams. Differs from these: threshold and moments
are running ones, in 16 bytes a series, and begin at what scores of real sensors were seen to do. Excesses close
together are one event (a cluster, M. R. Leadbetter, 1991): the first alone is learned, and one bad day is not forty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import Float32Array, FloatArray, IntArray

HEAVIEST = 0.45  # the variance is infinite from a shape of 0.5 on, and moments say nothing any more
SMALLEST = 1e-3  # scales: excesses that are smaller say nothing


@dataclass(slots=True)
class TailState:
    """Float32 arrays of n series: threshold, mean and mean square of the excesses, scores since the last excess."""

    threshold: Float32Array
    mean: Float32Array
    square: Float32Array
    since: Float32Array

    @classmethod
    def empty(cls, series: int, threshold: float = 3.0, mean: float = 1.5) -> TailState:
        """Return the state before anything is learned: a tail of shape 0.25 over ``threshold``."""
        full = np.full(series, mean, np.float32)
        return cls(
            np.full(series, threshold, np.float32),
            full,
            full**2 * np.float32(3.0),
            np.full(series, np.inf, np.float32),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PeaksOverThreshold:
    """Turn scores of any detector into the probability that chance gives one as high.

    Good where one budget of false alarms must hold for series with light and with heavy tails. Not for scores of less
    than some hundred values a series: what it says then is what it began with.

    Parameters
    ----------
    share
        Of scores that begin a cluster over the threshold, in (0, 0.5).
    rate
        By how much one score moves the threshold, in scales, > 0.
    memory
        Weight of the newest excess in its moments, in (0, 1).
    clip
        Mean excesses beyond which one teaches no more, > 1: an anomaly must not make the next one likely.
    apart
        Scores without an excess that part two clusters, >= 1.
    """

    share: float = 0.02
    rate: float = 0.05
    memory: float = 0.02
    clip: float = 8.0
    apart: int = 24

    def __post_init__(self) -> None:
        if not 0.0 < self.share < 0.5:
            raise ValueError(f"share must be between 0 and 0.5, not {self.share}")
        if not 0.0 < self.memory < 1.0:
            raise ValueError(f"memory must be between 0 and 1, not {self.memory}")
        if not self.rate > 0.0 or not self.clip > 1.0:
            raise ValueError(f"rate must be above 0 and clip above 1, not {self.rate} and {self.clip}")
        if self.apart < 1:
            raise ValueError(f"apart must be at least 1, not {self.apart}")

    def step(self, state: TailState, rows: IntArray, scores: FloatArray) -> FloatArray:
        """Return how likely each score is, then learn it.

        Parameters
        ----------
        state
            Of n series.
        rows, scores
            int64 (k,) and float64 (k,), finite, >= 0; no series twice in one call.

        Returns
        -------
        float64 (k,), in (0, 1]: 1 for scores up to the threshold.

        Raises
        ------
        ValueError
            A score is not finite.
        """
        if not np.isfinite(scores).all():
            raise ValueError("scores must be finite")
        threshold, mean = state.threshold[rows].astype(np.float64), state.mean[rows].astype(np.float64)
        square = state.square[rows].astype(np.float64)
        excess = scores - threshold
        is_over = excess > 0.0
        begins = is_over & (state.since[rows] >= self.apart)
        found = np.where(is_over, self.share * survival(np.maximum(excess, 0.0), *fitted(mean, square)), 1.0)

        learned = np.minimum(excess, self.clip * mean)
        weight = np.where(begins, self.memory, 0.0)
        state.mean[rows] = np.maximum(mean + weight * (learned - mean), SMALLEST)
        state.square[rows] = np.maximum(square + weight * (learned**2 - square), SMALLEST**2)
        # The quantile at which ups (seldom, large) and downs (often, small) are even.
        state.threshold[rows] = threshold + self.rate * np.where(is_over, begins * (1.0 - self.share), -self.share)
        state.since[rows] = np.where(is_over, 0.0, state.since[rows] + 1.0)
        return found


def fitted(mean: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return shape (0 to 0.45) and scale of the generalised Pareto distribution with these two moments."""
    variance = np.maximum(square - mean**2, 1e-12)
    ratio = mean**2 / variance
    shape = np.clip(0.5 * (1.0 - ratio), 0.0, HEAVIEST)
    return shape, mean * (1.0 - shape)


def survival(excess: FloatArray, shape: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the probability of a larger excess; ``scipy.stats.genpareto.sf`` is the reference."""
    ratio = excess / scale
    heavy = np.maximum(shape, 1e-6)
    return np.where(shape > 1e-6, np.exp(-np.log1p(heavy * ratio) / heavy), np.exp(-ratio))
