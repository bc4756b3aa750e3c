"""What every anomaly detector can do with one recorded series, so that a backtest can run any of them by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.seasonal_level import SeasonalLevel, SeasonalLevelState

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
HOUR_NS = 3_600_000_000_000
HOURS = 24


class SeriesDetector(Protocol):
    """A frozen dataclass of parameters; it keeps nothing from one series to the next."""

    def scores(self, times_ns: IntArray, values: FloatArray) -> FloatArray:
        """Score one series from its first value to its last, each before it is learned.

        Parameters
        ----------
        times_ns
            int64 (n,), rising event times, ns since 1970 in the series' local time (its seasons are local).
        values
            float64 (n,), finite.

        Returns
        -------
        float64 (n,), in [0, 1], higher is worse; a value's score never depends on those after it.
        """


class SeasonalLevelOfDay:
    """``SeasonalLevel`` with a bin an hour of the day, for one series."""

    def __init__(self, detector: SeasonalLevel | None = None, resolution: float = 1e-6) -> None:
        self._detector, self._resolution = detector or SeasonalLevel(), np.array([resolution])

    def scores(self, times_ns: IntArray, values: FloatArray) -> FloatArray:
        """Score one series; a distance of ``d`` scales is ``d / (1 + d)``."""
        state, row = SeasonalLevelState.empty(1, HOURS), np.zeros(1, np.int64)
        bins = times_ns // HOUR_NS % HOURS
        steps = zip(bins[:, None], values[:, None], strict=True)
        found = np.array([self._detector.step(state, row, value, place, self._resolution)[0] for place, value in steps])
        return np.asarray(found / (1.0 + found))


DETECTORS: Mapping[str, type[SeriesDetector]] = {"seasonal-level": SeasonalLevelOfDay}
