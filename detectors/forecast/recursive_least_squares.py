"""A linear regression for each series and horizon that goes on learning and forgets.

References
----------
S. Haykin, "Adaptive Filter Theory", chapter on recursive least squares with exponential forgetting. Here in information
form: the weighted sums are kept and solved when asked for. With a ridge that does not fade, a series without news goes
back to the prior in place of winding up, and nothing has to be inverted in single precision. Differs from the book:
errors are clipped to a few scales before they are learned.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from detectors.arrays import Float32Array, FloatArray
from detectors.forecast.clipped_scale import ClippedScale, Count


@dataclass(slots=True)
class RegressionState:
    """Weighted sums of n series, h horizons and p features, and the scale of their errors."""

    gram: Float32Array  # (n, h, p, p)
    cross: Float32Array  # (n, h, p)
    scale: Float32Array  # (n, h)
    count: Count  # (n, h)

    @classmethod
    def empty(cls, series: int, horizons: int, features: int) -> RegressionState:
        """Return the state of regressions that have learned nothing."""
        return cls(
            gram=np.zeros((series, horizons, features, features), np.float32),
            cross=np.zeros((series, horizons, features), np.float32),
            scale=np.zeros((series, horizons), np.float32),
            count=np.zeros((series, horizons), np.uint32),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RecursiveLeastSquares:
    """Predict a target from a few features, learn when it comes.

    Costs p^2 numbers each series and horizon and one solution of p equations a prediction: for a handful of features.
    Not for features that differ by orders of magnitude: the ridge is the same for all.

    Parameters
    ----------
    prior
        The p coefficients before anything is learned.
    forgetting
        Weight of the past at each step, in (0, 1); the memory is ``1 / (1 - forgetting)`` values.
    ridge
        How many values the prior is worth where features are about 1, > 0.
    robust
        By how much errors are clipped.
    """

    prior: tuple[float, ...]
    forgetting: float = 0.999
    ridge: float = 0.1
    robust: ClippedScale = field(default_factory=ClippedScale)

    def __post_init__(self) -> None:
        if not 0.0 < self.forgetting < 1.0:
            raise ValueError(f"forgetting must be between 0 and 1, not {self.forgetting}")
        if not self.ridge > 0.0 or not self.prior:
            raise ValueError(f"ridge must be above 0 and prior not empty, not {self.ridge} and {self.prior}")

    def predict(self, state: RegressionState, features: FloatArray) -> FloatArray:
        """Return the prediction of each series and horizon, float64 (n, h), from features (n, h, p), finite."""
        ridge = self.ridge * np.eye(len(self.prior))
        pull = self.ridge * np.array(self.prior)
        coefficients = np.linalg.solve(state.gram + ridge, (state.cross + pull)[..., None])[..., 0]
        return np.asarray((features * coefficients).sum(axis=-1))

    def learn(self, state: RegressionState, features: FloatArray, targets: FloatArray) -> None:
        """Learn in place what came of features.

        Parameters
        ----------
        features
            float64 (n, h, p).
        targets
            float64 (n, h). Where it or a feature is NaN nothing is learned and nothing forgotten.
        """
        known = np.isfinite(targets) & np.isfinite(features).all(axis=-1)
        inputs = np.where(known[..., None], features, 0.0)
        predicted = self.predict(state, inputs)
        errors = np.where(known, targets - predicted, np.nan)
        clipped, state.scale, state.count = self.robust.step(state.scale, state.count, errors)
        learned = np.where(known, predicted + clipped, 0.0)
        keep = np.where(known, self.forgetting, 1.0)
        outer = inputs[..., :, None] * inputs[..., None, :]
        state.gram = (keep[..., None, None] * state.gram + outer).astype(np.float32)
        state.cross = (keep[..., None] * state.cross + inputs * learned[..., None]).astype(np.float32)
