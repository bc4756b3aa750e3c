"""Counts on a scale where their scatter does not grow with their level.

References
----------
F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35, 1948: for Poisson
counts above about 4 the standard deviation of ``sqrt(count + 3/8)`` is 1/2. The inverse here is the plain one: it takes
the median to the median, which is what absolute errors want; a mean it would bring out too low by about 1/4.
"""

from __future__ import annotations

import numpy as np

from detectors.arrays import FloatArray

OFFSET = 3.0 / 8.0


def stabilise(counts: FloatArray) -> FloatArray:
    """Return ``sqrt(count + 3/8)`` of counts >= 0; NaN stays NaN."""
    return np.sqrt(counts + OFFSET)


def restore(roots: FloatArray) -> FloatArray:
    """Return the counts, >= 0, whose ``stabilise`` is nearest to ``roots``; NaN stays NaN."""
    return np.maximum(np.square(np.maximum(roots, 0.0)) - OFFSET, 0.0)
