"""What every anomaly detector can do with one recorded series, so that a backtest can run any of them by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from detectors.anomaly.fused import FusedSeries
from detectors.anomaly.novelty import Novelty
from detectors.arrays import FloatArray, IntArray


class SeriesDetector(Protocol):
    """Keeps nothing from one series to the next."""

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


DETECTORS: Mapping[str, type[SeriesDetector]] = {"novelty": Novelty, "fused": FusedSeries}
DEFAULT = "novelty"
