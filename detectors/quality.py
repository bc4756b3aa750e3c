"""Quality of a series, 0 to 1: the exponentially weighted share of its readings that lay in the physical range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEMORY = 0.1  # weight of the newest reading: about 20 readings are remembered


def in_range(values: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each value lies in its quantity's physical range, bounds included."""
    return (values >= low) & (values <= high)


def learn(quality: NDArray[np.float32], good: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the quality of each series after one more reading, which was ``good`` or not."""
    return np.clip(quality + MEMORY * (good.astype(np.float32) - quality), 0.0, 1.0).astype(np.float32)
