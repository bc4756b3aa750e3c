"""Clock skew: a device whose clock runs ahead or behind, by the running median of how old its readings arrive.

References
----------
G. R. Shorack, J. A. Wellner, "Empirical Processes", and L. Tierney, "A Space-Efficient Recursive Procedure for
Estimating a Quantile of an Unknown Density", 1983: a step up or down for each value, whatever its size, so that a burst
after an outage (readings that are hours old, from a clock that is right) moves the estimate by little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import BoolArray, Float32Array, FloatArray, IntArray


@dataclass(slots=True)
class ClockSkewState:
    """Arrays of n devices: float32 median of the age at arrival, s; NaN before the first reading."""

    median_s: Float32Array

    @classmethod
    def empty(cls, devices: int) -> ClockSkewState:
        """Return the state of devices of which nothing is known."""
        return cls(np.full(devices, np.nan, np.float32))


@dataclass(frozen=True, kw_only=True, slots=True)
class ClockSkew:
    """Follow how old each device's readings are when the log takes them.

    Good at clocks that are set wrong by more than the network takes; blind to an error below ``step_s``, and an offset
    of d seconds takes some ``d / step_s`` readings to show. Not for devices that send in batches of hours.

    Parameters
    ----------
    step_s
        By how much one reading moves the median, s, > 0.
    tolerance_s
        Medians beyond this, either way, are a skewed clock, > 0.
    """

    step_s: float = 1.0
    tolerance_s: float = 60.0

    def __post_init__(self) -> None:
        for name in ("step_s", "tolerance_s"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, not {getattr(self, name)}")

    def step(self, state: ClockSkewState, rows: IntArray, age_s: FloatArray) -> BoolArray:
        """Learn how old readings were, and return which devices' clocks are skewed by now.

        Parameters
        ----------
        state
            Of n devices, changed in place.
        rows
            int64 (k,), the device of each reading; none twice in one call.
        age_s
            float64 (k,), finite: append time minus event time, s; negative where the device is ahead.

        Raises
        ------
        ValueError
            An age is not finite.
        """
        if not np.isfinite(age_s).all():
            raise ValueError("ages must be finite")
        median = state.median_s[rows].astype(np.float64)
        known = np.where(np.isnan(median), age_s, median)
        moved = known + np.clip(age_s - known, -self.step_s, self.step_s)
        state.median_s[rows] = moved
        return np.asarray(np.abs(moved) > self.tolerance_s)
