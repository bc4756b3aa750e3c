"""Forecasts of passers-by: ``python -m tests.benchmarks.forecasting``.

Melbourne's hourly counts: learned to the end of 2013, asked in 2014, hour by hour; what has passed is learned on. MASE
(R. J. Hyndman, A. B. Koehler, 2006) is the mean absolute error over that of the seasonal naive forecast, the count of a
week before, at the same hours.
"""

from __future__ import annotations

import time
import warnings
from datetime import UTC, datetime

import numpy as np

from detectors.arrays import FloatArray
from detectors.forecast.seasonal_regression import SeasonalRegression
from tests.benchmarks.recordings import HOUR_NS, data_folder, melbourne

WEEK, DAY, HORIZONS = 168, 24, 4
ASKED_FROM = int(datetime(2014, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000
LEAST = 1_000  # hours of 2014 that a counter must have


def figures() -> dict[str, float]:
    """Return mean MASE by hours ahead, coverage of the 90% interval, and readings a second."""
    grid = melbourne(data_folder())
    hours, series = grid.values.shape
    detector = SeasonalRegression()
    state = detector.empty(series, HORIZONS)
    mean, low, high = (np.full((HORIZONS, hours + HORIZONS, series), np.nan) for _ in range(3))
    began = time.perf_counter()
    for hour in range(hours):
        found = detector.step(state, grid.values[hour], int(grid.times_ns[hour] // HOUR_NS % WEEK))
        for h in range(HORIZONS):
            for kept, made in ((mean, found.mean), (low, found.low), (high, found.high)):
                kept[h, hour + h + 1] = made[h]
    rate = float(np.isfinite(grid.values).sum()) / (time.perf_counter() - began)
    asked = np.flatnonzero(grid.times_ns >= ASKED_FROM)
    truth, weekly, daily = grid.values[asked], grid.values[asked - WEEK], grid.values[asked - DAY]
    numbers = {"readings_per_s": rate}
    for h in range(HORIZONS):
        ours = mean[h, asked]
        there = np.isfinite(truth) & np.isfinite(weekly) & np.isfinite(daily) & np.isfinite(ours)
        counters = there.sum(axis=0) >= LEAST
        error, naive, of_day = (_mae(one, truth, there)[counters] for one in (ours, weekly, daily))
        inside = np.where(there, (truth >= low[h, asked]) & (truth <= high[h, asked]), False)
        coverage = inside.sum(axis=0)[counters] / there.sum(axis=0)[counters]
        numbers |= {
            f"mase_{h + 1}h": float((error / naive).mean()),
            f"mase_{h + 1}h_worst": float((error / naive).max()),
            f"mase_{h + 1}h_of_daily": float((error / of_day).mean()),
            f"coverage_{h + 1}h": float(coverage.mean()),
            f"coverage_{h + 1}h_least": float(coverage.min()),
            f"coverage_{h + 1}h_most": float(coverage.max()),
            "counters": float(counters.sum()),
        }
    return numbers


def _mae(forecast: FloatArray, truth: FloatArray, there: FloatArray) -> FloatArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a counter without an hour in 2014 is left out afterwards
        return np.asarray(np.nanmean(np.where(there, np.abs(forecast - truth), np.nan), axis=0))


def show(found: dict[str, float]) -> None:
    """Print a line a horizon."""
    print(f"forecasts, Melbourne 2014, {found['counters']:.0f} counters, against the count of a week before")
    for h in range(1, HORIZONS + 1):
        of_week, worst, of_day = found[f"mase_{h}h"], found[f"mase_{h}h_worst"], found[f"mase_{h}h_of_daily"]
        cover, least, most = (found[f"coverage_{h}h{end}"] for end in ("", "_least", "_most"))
        print(
            f"  {h} h ahead: MASE {of_week:.3f} (worst counter {worst:.3f}; of a day before {of_day:.3f}), "
            f"90% interval covers {cover:.1%} ({least:.1%} to {most:.1%})"
        )
    print(f"  {found['readings_per_s']:,.0f} readings/s, {HORIZONS} horizons each")


if __name__ == "__main__":
    show(figures())
