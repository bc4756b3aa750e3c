"""Put readings into the windows of their unit, by quantity and mode."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.ids import MODES
from streams.sense.judging import Judging
from streams.sense.series import Structured
from streams.sense.windows import Aggregate, Cell, SeriesWindow, Windows

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


class Gatherer:
    """Fills cells; state is the windows. ``ruled`` are the quantities whose single series rules look at."""

    def __init__(self, windows: list[Windows], quantity_ids: list[str], ruled: frozenset[str]) -> None:
        self._windows, self._quantity_ids, self._ruled = windows, quantity_ids, ruled

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
        kinds = facts["quantity"].astype(np.int64) * len(MODES) + facts["mode"]
        places = np.flatnonzero((grades > 0.0) & (times >= judging.oldest_ns))
        for windows in self._windows if len(places) else ():
            starts = times // windows.length_ns
            first = int(starts[places].min())
            groups = ((starts - first) * (len(self._quantity_ids) * len(MODES)) + kinds)[places]
            order = places[np.argsort(groups, kind="stable")]
            ends = [*(np.flatnonzero(np.diff(np.sort(groups))) + 1).tolist(), len(order)]
            table = Rows([names[i] for i in order.tolist()], times[order].tolist(), values[order].tolist())
            begin = 0
            for end in ends:
                i = int(order[begin])
                number, mode = divmod(int(kinds[i]), len(MODES))
                cell = windows.cell(judging.unit_id, MODES[mode], int(starts[i]) * windows.length_ns)
                quantity = self._quantity_ids[number]
                part = table.part(begin, end)
                _add(cell, quantity, part)
                if quantity in self._ruled:
                    _follow(judging, cell, part, grades[order[begin:end]].tolist())
                begin = end


@dataclass(frozen=True, slots=True)
class Rows:
    """Readings of one quantity, mode and window, in the order of the log; lists, since they are short."""

    names: list[str]
    times: list[int]
    values: list[float]

    def part(self, begin: int, end: int) -> Rows:
        """Return the rows from ``begin`` to before ``end``."""
        return Rows(self.names[begin:end], self.times[begin:end], self.values[begin:end])

    def first_name(self, value: float) -> str:
        """Return the name that sorts first of those with this value."""
        if self.values.count(value) == 1:
            return self.names[self.values.index(value)]
        return min(name for name, other in zip(self.names, self.values, strict=True) if other == value)

    def last_value(self, time_ns: int) -> float:
        """Return the highest value of those with this time."""
        if self.times.count(time_ns) == 1:
            return self.values[self.times.index(time_ns)]
        return max(value for value, other in zip(self.values, self.times, strict=True) if other == time_ns)


def _add(cell: Cell, quantity: str, rows: Rows) -> None:
    """Add rows to a quantity; the sum is exact before it is rounded, so that no processor adds in its own order."""
    high, low, newest = max(rows.values), min(rows.values), max(rows.times)
    more = Aggregate(
        n=len(rows.values),
        total=math.fsum(rows.values),
        low=low,
        high=high,
        last=rows.last_value(newest),
        last_ns=newest,
        worst=rows.first_name(high),
        least=rows.first_name(low),
    )
    known = cell.quantities.setdefault(quantity, more)
    if known is not more:
        known.add(more)


def _follow(judging: Judging, cell: Cell, rows: Rows, grades: list[float]) -> None:
    offset, is_on_time, known = judging.record.offset, judging.is_on_time, cell.series
    for name, time_ns, value, grade in zip(rows.names, rows.times, rows.values, grades, strict=True):
        if not is_on_time(time_ns):
            continue
        seen = known.get(name)
        if seen is None:
            known[name] = SeriesWindow(time_ns, value, time_ns, value, grade, offset)
        else:
            seen.add(time_ns, value, grade, offset)
