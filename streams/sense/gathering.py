"""Put readings into the windows of their unit, by quantity and mode."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from schemas.ids import MODES
from streams.sense.judging import Judging
from streams.sense.series import Structured
from streams.sense.windows import Aggregate, Windows

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Gatherer:
    """Fills the cells that indicators are computed from: all readings, by quantity; state is the windows."""

    def __init__(self, windows: Windows, quantity_ids: list[str]) -> None:
        self._windows, self._quantity_ids = windows, quantity_ids

    def gather(
        self,
        judging: Judging,
        names: list[str],
        times: IntArray,
        values: FloatArray,
        grades: NDArray[np.float32],
        facts: Structured,
    ) -> None:
        """Add good readings for which windows are still kept; all arguments are of equal length, in log order."""
        windows = self._windows
        kinds = facts["quantity"].astype(np.int64) * len(MODES) + facts["mode"]
        has_window = times >= judging.oldest_ns
        judging.tally.unscored += len(times) - int(np.count_nonzero(has_window))
        places = np.flatnonzero((grades > 0.0) & has_window)
        if not len(places):
            return
        starts = times[places] // windows.length_ns
        groups = (starts - starts.min()) * (len(self._quantity_ids) * len(MODES)) + kinds[places]
        order = np.argsort(groups, kind="stable")
        groups = groups[order]
        ends = [*(np.flatnonzero(groups[1:] != groups[:-1]) + 1).tolist(), len(order)]
        order = places[order]
        seen = [names[i] for i in order.tolist()]
        there, found = times[order].tolist(), values[order].tolist()
        begin = 0
        for end in ends:
            kind = int(kinds[order[begin]])
            quantity, mode = self._quantity_ids[kind // len(MODES)], MODES[kind % len(MODES)]
            part = slice(begin, end)
            cell = windows.cell(judging.unit_id, mode, there[begin])
            more = _aggregate(seen[part], there[part], found[part])
            known = cell.quantities.setdefault(quantity, more)
            if known is not more:
                known.add(more)
            begin = end


def _aggregate(names: list[str], times: list[int], values: list[float]) -> Aggregate:
    """Return readings as one; the sum is exact before it is rounded, so that no processor adds in its own order."""
    high, low, newest = max(values), min(values), max(times)
    last = values[times.index(newest)]
    if times.count(newest) > 1:
        last = max(value for value, time_ns in zip(values, times, strict=True) if time_ns == newest)
    worst, least = _first_name(names, values, high), _first_name(names, values, low)
    return Aggregate(len(values), math.fsum(values), low, high, last, newest, worst, least)


def _first_name(names: list[str], values: list[float], value: float) -> str:
    """Return the name that sorts first of those with this value."""
    if values.count(value) == 1:
        return names[values.index(value)]
    return min(name for name, other in zip(names, values, strict=True) if other == value)
