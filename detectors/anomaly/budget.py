"""A budget of false alarms becomes a threshold: by how often a history without known faults would have alarmed.

References
----------
V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World", 2005: a threshold by the ranks of past
scores holds its rate on what is like the past, whatever the scores are. Here episodes are counted, not readings.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import BoolArray, FloatArray


def count_episodes(alarms: BoolArray, apart: int) -> int:
    """Return how many alarms there are when those of one series no more than ``apart`` readings apart are one.

    Parameters
    ----------
    alarms
        bool (t, n), each column a series.
    """
    count = 0
    for column in alarms.T:
        at = np.flatnonzero(column)
        count += int(np.count_nonzero(np.diff(at) > apart)) + bool(len(at))
    return count


def threshold_for(likelihood: FloatArray, apart: int, allowed: float) -> float:
    """Return a threshold at which a history alarms in at most ``allowed`` episodes, by halving.

    Parameters
    ----------
    likelihood
        float64 (t, n), in (0, 1], of each reading of each series, NaN where there was none; an alarm is one at or below
        the threshold.
    apart
        As ``count_episodes`` takes it.
    allowed
        Budget a device-day times device-days, >= 0; whole episodes are counted.

    Returns
    -------
    A likelihood that occurs in the history; 0 (nothing is an alarm) where even the least likely reading is too much.
    """
    steps = np.unique(likelihood[np.isfinite(likelihood)])
    known = np.where(np.isfinite(likelihood), likelihood, np.inf)
    low, high = 0, len(steps)  # of the first ``low`` steps each is allowed
    while low < high:
        middle = (low + high) // 2
        if count_episodes(known <= steps[middle], apart) <= allowed:
            low = middle + 1
        else:
            high = middle
    return float(steps[low - 1]) if low else 0.0
