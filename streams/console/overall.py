"""A unit's one score, from those of its domains, as the roll-up makes a tier's."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from detectors.power_mean import power_mean


def overall(exponent: float, scores: Iterable[float]) -> float | None:
    """Return the power mean of domain scores, in which the worst counts most; ``None`` of none."""
    column = np.array([[score] for score in scores], dtype=np.float64).reshape(-1, 1)
    return float(power_mean(column, exponent=exponent)[0]) if column.size else None
