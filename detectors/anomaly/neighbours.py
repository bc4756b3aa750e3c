"""Neighbourhood residual: what a sensor says beyond what the sensors around it say at the same time.

References
----------
V. Chandola, A. Banerjee, V. Kumar, "Anomaly Detection: A Survey", 2009, contextual anomalies. The order statistic in
place of a mean, as in robust smoothers (J. W. Tukey, 1977): one neighbour that is at fault witnesses nothing.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import FloatArray, IntArray

WITNESSES = 2  # neighbours that must have seen the same: one may be at fault itself


def nearest(lat: FloatArray, lon: FloatArray, k: int) -> IntArray:
    """Return the k nearest others of each place, int64 (n, k), nearest first; float64 (n,) degrees, within a city.

    Raises
    ------
    ValueError
        There are not more than ``k`` places.
    """
    if len(lat) <= k:
        raise ValueError(f"{len(lat)} places have no {k} neighbours each")
    east = lon * np.cos(np.radians(lat.mean()))
    squares = (lat[:, None] - lat[None, :]) ** 2 + (east[:, None] - east[None, :]) ** 2
    np.fill_diagonal(squares, np.inf)
    return np.argsort(squares, axis=1, kind="stable")[:, :k]


def neighbourhood_residual(deviations: FloatArray, neighbours: FloatArray) -> FloatArray:
    """Return what of each deviation is the sensor's own, float64 (n,), signed, never further from 0 than it was.

    What two neighbours deviate by in the same direction is taken off: it was seen, so it happened. Good at telling a
    sensor's fault, or what one place alone sees, from weather, holidays and crowds. Blind to what happens to several
    neighbours: for that take the deviations themselves.

    Parameters
    ----------
    deviations
        float64 (n,), standardised, each by its own series' season and scale.
    neighbours
        float64 (n, m), those of each one's neighbours at the same time, NaN where one said nothing.
    """
    if neighbours.shape[1] < WITNESSES:
        return deviations.copy()
    seen = np.where(np.isfinite(neighbours), neighbours, 0.0) * np.sign(deviations)[:, None]
    witnessed = np.maximum(np.partition(seen, -WITNESSES, axis=1)[:, -WITNESSES], 0.0)
    return np.asarray(np.sign(deviations) * np.maximum(np.abs(deviations) - witnessed, 0.0))
