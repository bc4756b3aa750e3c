"""When a series began to rise, and by how much: what tells sensors that saw a plume from those that did not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.arrays import FloatArray

CONSISTENT = 1.4826  # of the median absolute deviation with the standard deviation of a normal distribution
MIN_VALUES = 8
MIN_THIRD = 4
HIGH, LOW = 6.0, 2.0  # scales: what is a rise, and where it began


@dataclass(frozen=True, slots=True)
class Rise:
    """``scales`` above the baseline at its highest, 0 where nothing rose; ``onset_s`` is then NaN.

    ``level`` is the baseline, ``highest`` the greatest value, both in the series' unit.
    """

    onset_s: float
    scales: float
    level: float
    highest: float


def rise_of(times_s: FloatArray, values: FloatArray, resolution: float = 1e-6, before_s: float | None = None) -> Rise:
    """Return the first rise of a series over the median of its first third.

    Parameters
    ----------
    times_s, values
        float64 (n,), n >= 8, times rising.
    resolution
        The least scale, in the series' unit.
    before_s
        The baseline is what lies before this time, where that are 8 values or more: others are known to have risen.

    Raises
    ------
    ValueError
        Too few values, or times that do not rise.
    """
    if len(values) < MIN_VALUES or len(times_s) != len(values):
        raise ValueError(f"a rise needs {MIN_VALUES} values and as many times, not {len(values)} and {len(times_s)}")
    if not (np.diff(times_s) > 0).all():
        raise ValueError("times must rise")
    calm = 0 if before_s is None else int(np.searchsorted(times_s, before_s))
    before = values[: calm if calm >= MIN_VALUES else max(len(values) // 3, MIN_THIRD)]
    level = float(np.median(before))
    scale = max(CONSISTENT * float(np.median(np.abs(before - level))), resolution)
    scales = (values - level) / scale
    above = np.flatnonzero(scales >= HIGH)
    highest = float(values.max())
    if not len(above):
        return Rise(float("nan"), 0.0, level, highest)
    first = int(above[0])
    while first > 0 and scales[first - 1] >= LOW:
        first -= 1
    return Rise(float(times_s[first]), float(scales.max()), level, highest)
