"""How fast people walk at a density, and when they walk far slower than that: a crowd that stalls.

References
----------
U. Weidmann, "Transporttechnik der Fussgaenger", IVT 90, ETH Zurich, 1993: the fundamental diagram for level ground.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
FREE_SPEED_MPS = 1.34
JAM_DENSITY = 5.4  # persons/m2 at which nobody moves
GAMMA = 1.913  # persons/m2
STAIR_SHARE = 0.61 / 1.34  # of the speed on level ground: Weidmann, stairs upwards


def walking_speed(density: FloatArray) -> FloatArray:
    """Return the mean speed at each density.

    Parameters
    ----------
    density
        float64 (n,), persons/m2, >= 0.

    Returns
    -------
    float64 (n,), m/s, from 1.34 in an empty place to 0 at 5.4 persons/m2 and above.
    """
    crowded = np.clip(density, 1e-9, JAM_DENSITY)
    return FREE_SPEED_MPS * (1.0 - np.exp(-GAMMA * (1.0 / crowded - 1.0 / JAM_DENSITY)))


def flow(density: FloatArray) -> FloatArray:
    """Return the persons that pass a metre of width each second: density times speed."""
    return np.asarray(density * walking_speed(density))


def speed_collapse(speed: FloatArray, density: FloatArray) -> FloatArray:
    """Return by how much people are slower than their density explains, 0 (as expected or faster) to 1 (standing).

    Where the diagram itself expects no more than a shuffle (below 0.1 m/s) nothing can collapse: 0.

    Parameters
    ----------
    speed
        float64 (n,), measured mean speed, m/s, >= 0.
    density
        float64 (n,), persons/m2, of the same place and time.
    """
    expected = walking_speed(density)
    missing = 1.0 - speed / np.maximum(expected, 0.1)
    return np.where(expected > 0.1, np.clip(missing, 0.0, 1.0), 0.0)
