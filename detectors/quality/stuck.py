"""Stuck: a sensor that says the same again and again, within the quantity's resolution, longer than nature does.

How long is too long is the quantity's: an hourly PM2.5 value of a whole number repeats often, eight times in a row it
does not; a gas sensor may say 0 for years. Not for switches, alarms and what rests at a bound.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import BoolArray, FloatArray, IntArray

MOST = 65_535  # runs are counted up to here: a uint16 holds them


def run_lengths(values: FloatArray, last_values: FloatArray, runs: IntArray, resolution: FloatArray) -> IntArray:
    """Return how many readings of each series, this one included, have been the same in a row.

    Parameters
    ----------
    values, last_values
        float64 (n,), this reading and the one before it.
    runs
        int64 (n,), the run that the one before ended; 0 where there is none.
    resolution
        float64 (n,), >= 0: values no further apart than this are the same.
    """
    same = (runs > 0) & (np.abs(values - last_values) <= resolution)
    return np.where(same, np.minimum(runs + 1, MOST), 1)


def is_stuck(runs: IntArray, stuck_after: IntArray) -> BoolArray:
    """Return which runs are too long; ``stuck_after`` is the quantity's, int64 (n,), 0 where none is."""
    return (stuck_after > 0) & (runs >= stuck_after)
