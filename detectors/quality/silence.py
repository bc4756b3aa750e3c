"""Gaps and dead devices: readings that should have come and did not, told by event time alone.

Whoever asks hands in how far event time has come (the watermark), so that a log which is read late, or a recording in
which the data itself is missing, makes nobody dead: where nothing comes for anybody, the watermark stands still. Not
for devices that speak only when something happens.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import BoolArray, FloatArray, IntArray

DEAD_AFTER = 3.0  # intervals
NS = 1e9


def missed_readings(times_ns: IntArray, last_times_ns: IntArray, interval_s: FloatArray) -> IntArray:
    """Return how many readings are missing between each reading and the one before it.

    Parameters
    ----------
    times_ns, last_times_ns
        int64 (n,), this reading's event time and the last one's; a negative last one: there was none, none is missing.
    interval_s
        float64 (n,), > 0: how often the device speaks; half an interval late is not missed.
    """
    intervals = (times_ns - last_times_ns) / (interval_s * NS)
    return np.where(last_times_ns < 0, 0, np.maximum(np.rint(intervals).astype(np.int64) - 1, 0))


def is_dead(watermark_ns: int, last_times_ns: IntArray, interval_s: FloatArray) -> BoolArray:
    """Return which devices have said nothing for three of their intervals, though event time has come that far.

    A device that has never spoken (a negative time) is not dead: it may not be mounted yet.
    """
    silent = (watermark_ns - last_times_ns) / (interval_s * NS)
    return np.asarray((last_times_ns >= 0) & (silent >= DEAD_AFTER))
