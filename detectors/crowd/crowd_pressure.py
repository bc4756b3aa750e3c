"""Crowd pressure: density times the variance of speed; what rises before people fall.

References
----------
D. Helbing, A. Johansson, H. Z. Al-Abideen, "The Dynamics of Crowd Disasters: An Empirical Study", Physical Review E 75,
046109, 2007: stop-and-go waves turn to turbulence from about 0.02 /s2 on; the crush of 2006 in Mina followed beyond it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TURBULENCE = 0.02  # 1/s2


def crowd_pressure(density: FloatArray, speed_variance: FloatArray) -> FloatArray:
    """Return the pressure of each place, float64 (n,), 1/s2.

    Parameters
    ----------
    density
        float64 (n,), persons/m2, >= 0.
    speed_variance
        float64 (n,), m2/s2, >= 0, of the velocities within the place and some seconds.
    """
    return np.asarray(density * speed_variance)
