"""Rate of change: a step between two readings that the quantity cannot make in the time between them.

Good at loose contacts and dropped digits. Not for quantities that jump by nature (counts, switches, alarms): give these
an infinite limit.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import BoolArray, FloatArray, IntArray

NS = 1e9


def is_too_fast(
    values: FloatArray, times_ns: IntArray, last_values: FloatArray, last_times_ns: IntArray, limit: FloatArray
) -> BoolArray:
    """Return where a value is further from the last one than its quantity can go in the time between.

    Parameters
    ----------
    values, times_ns
        float64 (n,) and int64 (n,): the readings.
    last_values, last_times_ns
        Of the same series, the reading before; a negative time: there is none, and nothing is too fast.
    limit
        float64 (n,), > 0, the most that the quantity changes in a second; infinite where it may jump.
    """
    seconds = np.maximum(times_ns - last_times_ns, 1) / NS
    return np.asarray((last_times_ns >= 0) & (np.abs(values - last_values) > limit * seconds))
