"""In and out of a zone: net inflow, people who walk against one another, and the time until the zone is full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
SLOWEST = 1e-9  # persons a second: one in thirty years fills nothing


def net_inflow(people_in: FloatArray, people_out: FloatArray, period_s: FloatArray) -> FloatArray:
    """Return persons a second that stay, float64 (n,); negative where more leave; ``period_s`` is above 0."""
    return np.asarray((people_in - people_out) / period_s)


def counter_flow(people_in: FloatArray, people_out: FloatArray) -> FloatArray:
    """Return how much people walk against one another, float64 (n,), from 0 (all one way) to 1 (as many each way)."""
    both = people_in + people_out
    return np.asarray(2.0 * np.minimum(people_in, people_out) / np.maximum(both, 1e-9))


def seconds_to_capacity(count: FloatArray, capacity: FloatArray, inflow: FloatArray) -> FloatArray:
    """Return the time until a zone holds its safe capacity if the inflow stays.

    Parameters
    ----------
    count, capacity
        float64 (n,), persons present, and the most that are safe.
    inflow
        float64 (n,), net persons a second.

    Returns
    -------
    float64 (n,), s; 0 where it is full already, infinite where it does not fill.
    """
    room = np.maximum(capacity - count, 0.0)
    fills = inflow > SLOWEST
    return np.where(room == 0, 0.0, np.where(fills, room / np.where(fills, inflow, 1.0), np.inf))
