"""Prototypes: the shapes that a series has shown, and how far a new one is from the nearest of them.

References
----------
J. A. Hartigan, "Clustering Algorithms", 1975 (the leader algorithm); G. A. Carpenter, S. Grossberg, D. B. Rosen, "Fuzzy
ART", 1991, for learning at once what is new. Differs from both: prototypes never move, and when there is no room the
one that was longest not seen makes place.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import FloatArray

ROOM = 400


class Prototypes:
    """At most 400 points, and when each was last the nearest; 400 x (width + 1) doubles, whatever comes.

    Parameters
    ----------
    width
        Coordinates of a point.
    apart
        Points further than this from all prototypes become one, > 0.
    """

    def __init__(self, width: int, apart: float) -> None:
        self._points, self._seen = np.zeros((ROOM, width)), np.zeros(ROOM)
        self._apart, self._count, self._clock = apart, 0, 0

    def distance(self, point: FloatArray, scale: FloatArray) -> float:
        """Return how far a point is from the nearest prototype, and learn it; the first is 0 from itself.

        The distance is the largest of the coordinates' differences, each over its ``scale`` (> 0), which may change
        from call to call: points are kept as they came.
        """
        self._clock += 1
        if self._count == 0:
            return self._keep(0, point, 0.0)
        distances = (np.abs(self._points[: self._count] - point) / scale).max(axis=1)
        nearest = int(distances.argmin())
        found = float(distances[nearest])
        self._seen[nearest] = self._clock
        if found > self._apart:
            self._keep(self._count if self._count < ROOM else int(self._seen.argmin()), point, found)
        return found

    def _keep(self, place: int, point: FloatArray, found: float) -> float:
        self._points[place], self._seen[place] = point, self._clock
        self._count = max(self._count, place + 1)
        return found
