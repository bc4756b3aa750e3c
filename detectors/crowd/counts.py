"""Crowd: counts of several sources fused, and density.

References
----------
J. Fruin, "Pedestrian Planning and Design", 1971 (levels of service).
G. K. Still, "Introduction to Crowd Science", 2014.
"""

from __future__ import annotations

from collections.abc import Mapping

# Relative standard deviation of a count by its source: gates count bodies, cameras lose the hidden, radio infers people
# from devices. Orders of magnitude from the counting literature, to be fitted where two sources meet.
RELATIVE_SIGMA: Mapping[str, float] = {"gate": 0.05, "camera": 0.10, "wifi": 0.30, "cellular": 0.40}


def fused_count(counts: Mapping[str, float]) -> float:
    """Return the inverse-variance weighted mean of one zone's counts by source; the sources are independent.

    With relative errors the weights are taken from the sources alone, so that a low count does not win by being low.
    """
    if not counts:
        raise ValueError("no counts to fuse")
    weights = {source: RELATIVE_SIGMA[source] ** -2 for source in counts}
    return sum(weights[s] * counts[s] for s in sorted(counts)) / sum(weights[s] for s in sorted(counts))


def density(count: float, area_m2: float) -> float:
    """Return persons per square metre."""
    return count / area_m2
