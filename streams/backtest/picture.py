"""A picture of one backtest: the series, what was expected of it, labelled windows, scores and alarms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detectors.anomaly.fused import expected_band
from detectors.arrays import FloatArray
from streams.backtest.recording import RecordedSeries
from streams.settings import SettingsError

SIZE_INCHES, DPI = (14, 6), 110


def draw(
    path: Path, series: RecordedSeries, scores: FloatArray, threshold: float, windows: Sequence[tuple[int, int]]
) -> None:
    """Write a picture (``.png``, ``.svg`` or ``.pdf``).

    Raises
    ------
    SettingsError
        matplotlib is not installed, or the file cannot be written.
    """
    try:
        import matplotlib as mpl

        mpl.use("agg")
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise SettingsError("--picture needs matplotlib: pip install 'urban-vitals[pictures]'") from error
    times = series.times_ns.astype("datetime64[ns]")
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=SIZE_INCHES, height_ratios=(3, 1))
    low, high = expected_band(series.times_ns, series.values)
    above.fill_between(times, low, high, color="#90a4ae", alpha=0.35, linewidth=0, label="expected")
    above.plot(times, series.values, linewidth=0.7, color="#1f3b57", label="values")
    alarms = np.flatnonzero(scores >= threshold)
    above.plot(times[alarms], series.values[alarms], "o", color="#c62828", markersize=4, label="alarms")
    below.plot(times, scores, linewidth=0.7, color="#555555")
    below.axhline(threshold, linewidth=0.7, linestyle="--", color="#c62828")
    for axes in (above, below):
        for place, (first, last) in enumerate(windows):
            name = "labelled" if place == 0 and axes is above else None
            axes.axvspan(times[first], times[last], color="#f9a825", alpha=0.3, label=name)
    above.legend(loc="upper left")
    below.set_ylim(0, 1)
    below.set_ylabel("score")
    figure.tight_layout()
    try:
        figure.savefig(path, dpi=DPI)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be written: {error}") from error
    finally:
        plt.close(figure)
