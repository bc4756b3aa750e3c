"""Drift against neighbours: a sensor that parts slowly from those around it, as fouled or ageing sensors do.

References
----------
As ``anomaly/slow_drift``, of what the sensor differs from the median of its neighbours by.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from detectors.anomaly.slow_drift import DriftState, SlowDrift
from detectors.arrays import FloatArray, IntArray

LEAST = 3  # neighbours: of two one cannot tell which has drifted


@dataclass(frozen=True, kw_only=True, slots=True)
class DriftAgainstNeighbours:
    """Compare the recent difference from the neighbours with the usual one.

    Good at slow drift under weather, seasons and days of the week, which neighbours share; needs three of the same
    quantity that see the same air. Not for counts of places that fill and empty at different hours.
    """

    drift: SlowDrift = field(default_factory=SlowDrift)

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
        enough = np.isfinite(neighbours).sum(axis=1) >= LEAST
        scores = np.zeros(len(rows))
        if enough.any():
            difference = values[enough] - np.nanmedian(neighbours[enough], axis=1)
            scores[enough] = self.drift.step(state, rows[enough], difference, resolution[enough])
        return scores
