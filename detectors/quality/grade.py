"""The grade of a series, 0 to 1: how far its sensor can be trusted at the moment.

Its memory is the exponentially weighted share of readings that were sound (within the range, not too fast, not stuck);
what else makes it suspect (silence, a skewed clock, drift) lowers it while it lasts, and teaches it nothing.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import BoolArray, Float32Array, FloatArray

MEMORY = 0.1  # weight of the newest reading: about 20 readings are remembered
SKEWED = 0.5  # of a value that may be right, at a time that is not
DRIFT_FROM, DRIFT_TO = 4.0, 12.0  # standard errors between which trust falls from 1 to 0


def learn(quality: Float32Array, sound: BoolArray) -> Float32Array:
    """Return the quality of each series after one more reading, which was ``sound`` or not."""
    return np.clip(quality + MEMORY * (sound.astype(np.float32) - quality), 0.0, 1.0).astype(np.float32)


def grade(quality: FloatArray, dead: BoolArray, skewed: BoolArray, drift: FloatArray) -> FloatArray:
    """Return the grade of each series: the worst of what is known against it.

    Parameters
    ----------
    quality
        float64 (n,), as ``learn`` has it.
    dead, skewed
        bool (n,), by ``silence.is_dead`` and ``ClockSkew``.
    drift
        float64 (n,), standard errors, by ``DriftAgainstNeighbours``; 0 where there are no neighbours.

    Returns
    -------
    float64 (n,), 0 to 1; 0 of a dead device.
    """
    drifted = np.clip((DRIFT_TO - drift) / (DRIFT_TO - DRIFT_FROM), 0.0, 1.0)
    of_clock = np.where(skewed, SKEWED, 1.0)
    return np.where(dead, 0.0, np.minimum(np.minimum(quality, drifted), of_clock))
