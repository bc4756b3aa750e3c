"""Follow single series for the rules that look at them: only those that are, or lately were, where a rule could care.

Of 500,000 series almost all are well; what each of their readings was need not be kept for any rule. A series is
followed from its first reading beyond a rule's least limit on, the reading before included, until it has been well for
three of the longest windows. All of this is decided by the readings' own log, so the order of fetches does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.sense.judging import Judging
from streams.sense.series import SeriesTable, Structured
from streams.sense.windows import SeriesWindow, Windows

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
LATE = 1.5  # intervals after which a reading did not follow the one before it at once


@dataclass(frozen=True, slots=True)
class Readings:
    """Good readings of one record, each of length n, in log order; ``before`` is the hot state that they met."""

    names: list[str]
    rows: IntArray
    times: IntArray
    values: FloatArray
    grades: NDArray[np.float32]
    facts: Structured
    before: Structured


class Follower:
    """Keeps the series windows of the rules; state is the windows, and how long each series is still followed."""

    def __init__(
        self, table: SeriesTable, windows: Mapping[int, Windows], followed: Mapping[int, frozenset[str]]
    ) -> None:
        self._table = table
        self._windows = [(windows[length], names) for length, names in followed.items() if names]

    def follow(self, judging: Judging, of: Readings) -> None:
        """Take a record's good readings after they have entered the hot state; a backfill is followed by no rule."""
        if judging.envelope.is_backfill or not len(of.rows):
            return
        beyond = (of.values >= of.facts["watch_over"]) | (of.values <= of.facts["watch_under"])
        wanted = beyond | (of.before["watch"] > 0)
        if not wanted.any():
            return
        rows, hot = of.rows, self._table.hot
        last: dict[int, tuple[int, float] | None] = {}
        for i in np.flatnonzero(np.isin(rows, rows[wanted])).tolist():
            row, time_ns, value = int(rows[i]), int(of.times[i]), float(of.values[i])
            if time_ns < judging.watermark:
                continue
            if row not in last:
                met = of.before[i]
                last[row] = (int(met["time"]), float(met["value"])) if met["time"] >= 0 and not met["watch"] else None
            if beyond[i] or hot["watch"][row] > 0:
                fact = of.facts[i]
                hot["watch"][row] = fact["follow"] if beyond[i] else hot["watch"][row] - 1
                self._keep(judging, of.names[i], time_ns, value, float(of.grades[i]), last[row], fact)
                last[row] = None  # from now on all are followed
            else:
                last[row] = (time_ns, value)
        self._table.touch(np.unique(rows[wanted]))

    def follow_distance(self, judging: Judging, name: str, time_ns: int, value: float, grade: float, mode: str) -> None:
        """Take one reading's distance from its season: all of these are followed, there are few."""
        if judging.envelope.is_backfill or time_ns < judging.watermark:
            return
        quantity = name.rpartition("/")[2]
        for windows, names in self._windows:
            if quantity in names:
                cell = windows.cell(judging.unit_id, mode, time_ns)
                _add(cell.series, name, time_ns, value, grade, judging.record.offset)

    def _keep(
        self,
        judging: Judging,
        name: str,
        time_ns: int,
        value: float,
        grade: float,
        met: tuple[int, float] | None,
        fact: Structured,
    ) -> None:
        quantity, mode = name.rpartition("/")[2], self._table.mode_of(int(fact["mode"]))
        offset, interval_ns = judging.record.offset, int(fact["interval"])
        for windows, names in self._windows:
            if quantity not in names:
                continue
            cell = windows.cell(judging.unit_id, mode, time_ns)
            start = time_ns - time_ns % windows.length_ns
            if met is not None and name not in cell.series and start <= met[0] < time_ns:
                before = cell.series[name] = SeriesWindow.of(met[0], met[1], grade, offset)
                if time_ns - met[0] <= LATE * interval_ns:  # it has been well, reading by reading, from the start on
                    before.fill((met[0] - start) // interval_ns)
            _add(cell.series, name, time_ns, value, grade, offset)


def _add(series: dict[str, SeriesWindow], name: str, time_ns: int, value: float, grade: float, offset: int) -> None:
    seen = series.get(name)
    if seen is None:
        series[name] = SeriesWindow.of(time_ns, value, grade, offset)
    else:
        seen.add(time_ns, value, grade, offset)
