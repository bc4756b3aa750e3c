"""Weighted power mean of scores: one number for many, in which the worst count more than the mean.

References
----------
G. H. Hardy, J. E. Littlewood, G. Polya, "Inequalities", 1934, chapter II (means of order r). Differs from it: the mean
is taken of the badness ``100 - score``, since a mean of order below 0 of the scores themselves is 0 as soon as one of
them is, and would paint a district of 1,200 units red for a single one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

BEST = 100.0
# Of n equal units, one that is at 0 beside others at 100 costs 100 * n ** (-1 / 4) points: of 16 it takes half, so that
# a grid with one such unit turns yellow; of 1,200 it takes 17, so that a district stays green with one and turns blue
# with two. With 2 it would take 48 of them, and a district would hide what happens in it; with 8 one alone takes 41.
EXPONENT = 4.0


def power_mean(scores: FloatArray, weights: FloatArray | None = None, exponent: float = EXPONENT) -> FloatArray:
    """Return the weighted power mean of each column.

    Means of means, each weighted by what it stands for, equal the mean of all: a tier may be rolled up from units at
    once. Do not use it on values whose worst end is not 0.

    Parameters
    ----------
    scores
        float64 (n, k), 0 (worst) to 100 (well); NaN where a row has no score in a column.
    weights
        float64 (n,), > 0 and finite; equal if not given.
    exponent
        1 is the plain mean; the higher, the more the worst counts.

    Returns
    -------
    float64 (k,), within the least and the greatest score of its column; NaN where a column has none.

    Raises
    ------
    ValueError
        ``exponent`` is below 1, a weight is not above 0, or a score lies outside 0 to 100.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    if not exponent >= 1:
        raise ValueError(f"exponent must be 1 or more, not {exponent}")
    if not (np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError("weights must be finite and above 0")
    given = np.isfinite(scores)
    if not (np.isnan(scores) | ((scores >= 0) & (scores <= BEST))).all():
        raise ValueError(f"scores must lie in 0 to {BEST:g}")
    badness = np.where(given, BEST - scores, 0.0)
    worst = badness.max(axis=0, initial=0.0)
    # Scaled by the worst, so that no power underflows.
    scaled = (badness / np.where(worst > 0, worst, 1.0)) ** exponent
    total = (given * weights[:, np.newaxis]).sum(axis=0)
    mean = (scaled * weights[:, np.newaxis]).sum(axis=0) / np.where(total > 0, total, 1.0)
    low = np.where(given, scores, np.inf).min(axis=0, initial=np.inf)
    high = np.where(given, scores, -np.inf).max(axis=0, initial=-np.inf)
    held = np.clip(BEST - worst * mean ** (1.0 / exponent), low, high)
    return np.where(total > 0, held, np.nan)
