"""Injected faults on real series: ``python -m tests.benchmarks.detection_injected``.

Passers-by in Melbourne and PM2.5 in Beijing, hourly, each series with what its neighbours say: once as recorded, for
the false alarms of all detectors together, and once with faults at known places, for what is found and how soon. The
threshold of each month comes from the budget and the year before it as recorded, without the faults, which an operator
would know by then; the tolerances of stuck and dead are the quantity's. What really happened (fireworks, sandstorms)
counts as false alarms: nobody has labelled it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from detectors.anomaly.budget import count_episodes, threshold_for
from detectors.anomaly.fused import FusedAnomaly, FusedState
from detectors.arrays import BoolArray, FloatArray, IntArray
from detectors.evaluation.injection import InjectedFault, inject, own_scale
from detectors.quality.silence import is_dead
from detectors.quality.stuck import is_stuck, run_lengths
from tests.benchmarks.recordings import HOUR_NS, Grid, beijing, data_folder, melbourne

SEED = 7
HOURS = 24
LEARNING = 365 * HOURS  # readings before anything is asked: a year, with all its seasons
SETTLING = 60 * HOURS  # of these, before any likelihood means something
BUDGET = 0.01  # false alarms a device-day, over all detectors
OF_HISTORY = 0.85  # of the budget may be used up in the year that is learned from: the next month differs
MONTH = 30 * HOURS
EVERY = 15 * HOURS
EPISODE = 24  # alarms of one series no further apart than this are one
SOON = {"spike": 1, "shift": 5, "drift": 720, "stuck": 8, "dead": 3}  # readings or intervals


@dataclass(frozen=True, slots=True)
class Kind:
    """What the catalogue would say of a quantity."""

    transform: Callable[[FloatArray], FloatArray]
    resolution: float  # of the transformed value: the smallest scale
    stuck_after: int  # equal hourly values in a row that do not happen


KINDS: Mapping[str, Kind] = {
    "Melbourne, passers-by": Kind(lambda x: np.sqrt(x + 0.375), 0.5, 8),
    "Beijing, PM2.5": Kind(lambda x: x, 1.0, 8),
}


@dataclass(frozen=True, slots=True)
class Alarms:
    """(t, n) each: what was said at each hour of each series."""

    likelihood: FloatArray  # of the fused score, NaN where there was no reading
    stuck: BoolArray
    dead: BoolArray


def judge(grid: Grid, values: FloatArray, kind: Kind) -> Alarms:
    """Play a grid through all detectors, hour by hour."""
    hours, series = values.shape
    detector, state = FusedAnomaly(), FusedState.empty(series)
    alarms = Alarms(np.full((hours, series), np.nan), *(np.zeros((hours, series), bool) for _ in range(2)))
    last, runs, seen = np.zeros(series), np.zeros(series, np.int64), np.full(series, -1, np.int64)
    for hour in range(hours):
        time_ns = int(grid.times_ns[hour])
        rows = np.flatnonzero(np.isfinite(values[hour]))
        alarms.dead[hour] = is_dead(time_ns, seen, np.full(series, 3_600.0))
        if not len(rows):
            continue
        now = values[hour, rows]
        runs[rows] = np.where(now > 0, run_lengths(now, last[rows], runs[rows], np.zeros(len(rows))), 0)  # 0 is a bound
        alarms.stuck[hour, rows] = is_stuck(runs[rows], np.full(len(rows), kind.stuck_after))
        judged = detector.step(
            state, rows, kind.transform(now), np.full(len(rows), time_ns), np.full(len(rows), kind.resolution),
            seen[rows] == time_ns - HOUR_NS, _others(len(rows)),
        )  # fmt: skip
        alarms.likelihood[hour, rows] = judged.likelihood
        last[rows], seen[rows] = now, time_ns
    return alarms


def _others(count: int) -> IntArray:
    """Return all other places of each place: the stations of one city are neighbours."""
    every = np.tile(np.arange(count), (count, 1))
    return every[~np.eye(count, dtype=bool)].reshape(count, count - 1)


def thresholds_of(alarms: Alarms) -> FloatArray:
    """Return the threshold of each hour, float64 (t, 1): that of its month, by the year before; 0 in the first year."""
    found = np.zeros((len(alarms.likelihood), 1))
    for begin in range(LEARNING, len(found), MONTH):
        year = slice(max(SETTLING, begin - LEARNING), begin)
        likelihood, stuck = alarms.likelihood[year], count_episodes(alarms.stuck[year], EPISODE)
        allowed = OF_HISTORY * BUDGET * np.isfinite(likelihood).sum() / HOURS - stuck  # one budget for all
        found[begin : begin + MONTH] = threshold_for(likelihood, EPISODE, max(allowed, 0.0))
    return found


def delay_of(fault: InjectedFault, alarms: Alarms, thresholds: FloatArray, series: int) -> int | None:
    """Return after how many of its readings (or intervals) a fault was found, 1 for the first; ``None``: never."""
    of_kind = {"stuck": alarms.stuck, "dead": alarms.dead}.get(fault.kind, alarms.likelihood <= thresholds)
    at = np.flatnonzero(of_kind[fault.begin : fault.end, series])
    if not len(at):
        return None
    return int(at[0]) + 1 + (fault.kind == "stuck")  # the value before it is the first of its run


def figures() -> dict[str, dict[str, float]]:
    """Return, by data set, false alarms a device-day, and of each kind the share found in time and the median delay."""
    folder, found = data_folder(), {}
    for name, load in {"Melbourne, passers-by": melbourne, "Beijing, PM2.5": beijing}.items():
        grid, kind = load(folder), KINDS[name]
        clean = judge(grid, grid.values, kind)
        thresholds = thresholds_of(clean)
        days = np.isfinite(clean.likelihood[LEARNING:]).sum() / HOURS
        stuck, odd = clean.stuck[LEARNING:], (clean.likelihood <= thresholds)[LEARNING:]
        numbers = {
            "device_days": days,
            "false_alarms_per_device_day": count_episodes(stuck | odd, EPISODE) / days,
            "of_stuck": count_episodes(stuck, EPISODE) / days,
        }
        hour_of_week = grid.times_ns // HOUR_NS % 168
        rng, values, faults = np.random.default_rng(SEED), grid.values.copy(), []
        for series in range(values.shape[1]):
            if not np.isfinite(values[:, series]).any():
                continue
            scale = own_scale(values[:, series], hour_of_week)
            first = int(np.argmax(np.isfinite(values[:, series])))
            values[:, series], of_series = inject(values[:, series], scale, rng, start=first + LEARNING, every=EVERY)
            faults += [(series, fault) for fault in of_series]
        broken = judge(grid, values, kind)
        for fault_kind, soon in SOON.items():
            of_kind = [(series, fault) for series, fault in faults if fault.kind == fault_kind]
            delays = [delay_of(fault, broken, thresholds, series) for series, fault in of_kind]
            there = [delay for delay in delays if delay is not None]
            numbers[f"{fault_kind}_injected"] = len(delays)
            numbers[f"{fault_kind}_in_time"] = sum(delay <= soon for delay in there) / max(1, len(delays))
            numbers[f"{fault_kind}_ever"] = len(there) / max(1, len(delays))
            numbers[f"{fault_kind}_median_delay"] = float(np.median(there)) if there else float("nan")
        found[name] = numbers
    return found


def show(found: Mapping[str, Mapping[str, float]]) -> None:
    """Print a table for each data set."""
    for name, numbers in found.items():
        print(f"{name}: {numbers['false_alarms_per_device_day']:.4f} false alarms a device-day (target 0.01),")
        print(f"  of which stuck {numbers['of_stuck']:.4f}; faults of 6 (spike) and 3 (shift, drift) own scales")
        for kind, soon in SOON.items():
            count, in_time = numbers[f"{kind}_injected"], numbers[f"{kind}_in_time"]
            ever, delay = numbers[f"{kind}_ever"], numbers[f"{kind}_median_delay"]
            said = f"{in_time:6.1%} within {soon:>3}, {ever:6.1%} ever, median {delay:.0f}"
            print(f"  {kind:<6} {count:>4.0f} injected, {said}")


if __name__ == "__main__":
    began = time.perf_counter()
    show(figures())
    print(f"in {time.perf_counter() - began:.0f} s")
