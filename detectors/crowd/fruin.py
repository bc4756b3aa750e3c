"""Level of service of a crowded place, A (free) to F (jammed), by the space that each person has.

References
----------
J. Fruin, "Pedestrian Planning and Design", 1971: walkways and stairways in chapter 4, queues (people who stand) in
chapter 5. His limits are whole square feet for each person; they are given so, and converted exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Place = Literal["walkway", "stair", "standing", "indoor", "underground"]
LEVELS = "ABCDEF"
SQUARE_FOOT_M2 = 0.3048**2
WALKWAY_FT2 = (35.0, 25.0, 15.0, 10.0, 5.0)  # least space of A, B, C, D and E
STAIR_FT2 = (20.0, 15.0, 10.0, 7.0, 4.0)
STANDING_FT2 = (13.0, 10.0, 7.0, 3.0, 2.0)
# Indoors and underground people stand as much as they walk: the table for standing says less too early than too late.
TABLES: Mapping[Place, tuple[float, ...]] = {
    "walkway": WALKWAY_FT2,
    "stair": STAIR_FT2,
    "standing": STANDING_FT2,
    "indoor": STANDING_FT2,
    "underground": STANDING_FT2,
}


def densest(place: Place) -> FloatArray:
    """Return the highest density of levels A to E, float64 (5,), rising, in persons/m2; F is above the last."""
    return 1.0 / (np.array(TABLES[place]) * SQUARE_FOOT_M2)


def level_of_service(density: FloatArray, place: Place) -> NDArray[np.int64]:
    """Return the level of each density.

    Parameters
    ----------
    density
        float64 (n,), persons/m2, finite, >= 0.

    Returns
    -------
    int64 (n,), 0 for A to 5 for F: places in ``LEVELS``.

    Raises
    ------
    ValueError
        A density is negative or not finite.
    """
    if not (np.isfinite(density) & (density >= 0)).all():
        raise ValueError(f"density must be finite and at least 0, not {density[~(density >= 0)][:3]}")
    return np.searchsorted(densest(place), density, side="left")
