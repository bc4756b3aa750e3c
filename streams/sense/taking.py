"""Take readings into the hot state of their series: repeats of the last one, quality, the new last one.

``take`` works on columns wherever no reading depends on another of the same pack; ``take_one_by_one`` is what it must
equal, and does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.quality import grade
from detectors.quality.physical_range import in_range
from detectors.quality.stuck import is_stuck, run_lengths
from streams.sense.series import SeriesTable, Structured

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of n readings; ``duplicates`` and ``conflicts`` are places of those that are not accepted."""

    accepted: BoolArray
    good: BoolArray  # within the physical range
    grades: NDArray[np.float32]  # quality of each: that of its series, or 0 where it is not good
    duplicates: list[int]
    conflicts: list[int]


def take(
    table: SeriesTable, rows: IntArray, times: IntArray, values: FloatArray, facts: Structured, too_late: BoolArray
) -> Taken:
    """Compare each reading with its series' last one, then learn it.

    Parameters
    ----------
    table
        Its hot state is changed in place.
    rows, times, values, facts
        Of length n, in the order of the log; a series may come more than once.
    too_late
        bool (n,): what is set aside must not be learned, so that it can still come as a backfill.
    """
    good = in_range(values, facts["low"], facts["high"])
    last = table.hot["time"][rows]
    if len(set(rows.tolist())) == len(rows):
        return _take_at_once(table, rows, times, values, facts, good, too_late)
    is_plain = not too_late.any() and good.all() and (table.hot["quality"][rows] == 1.0).all()
    if is_plain and (times > last).all() and _rise_in_each(rows, times) and _none_repeats(table, rows, values, facts):
        table.hot["time"][rows], table.hot["value"][rows] = times, values  # of several of a series, the last stays
        table.hot["run"][rows] = facts["stuck_after"] > 0
        table.touch(rows)
        return Taken(np.ones(len(rows), bool), good, np.ones(len(rows), np.float32), [], [])
    return take_one_by_one(table, rows, times, values, facts, good, too_late)


def take_one_by_one(
    table: SeriesTable,
    rows: IntArray,
    times: IntArray,
    values: FloatArray,
    facts: Structured,
    good: BoolArray,
    too_late: BoolArray,
) -> Taken:
    """Do the same reading by reading."""
    hot = table.hot
    taken = Taken(np.zeros(len(rows), bool), good, np.zeros(len(rows), np.float32), [], [])
    for i, row in enumerate(rows.tolist()):
        if times[i] == hot["time"][row]:
            (taken.duplicates if values[i] == hot["value"][row] else taken.conflicts).append(i)
            continue
        taken.accepted[i] = True
        if times[i] > hot["time"][row] and not too_late[i]:
            at = slice(i, i + 1)
            runs = _runs(hot[row : row + 1], values[at], facts[at])
            sound = good[at] & ~is_stuck(runs, facts["stuck_after"][at])
            hot["quality"][row], hot["run"][row] = grade.learn(hot["quality"][row : row + 1], sound)[0], runs[0]
            hot["time"][row], hot["value"][row] = times[i], values[i]
            table.touch(rows[i : i + 1])
        taken.grades[i] = hot["quality"][row] if good[i] else 0.0
    return taken


def _take_at_once(
    table: SeriesTable,
    rows: IntArray,
    times: IntArray,
    values: FloatArray,
    facts: Structured,
    good: BoolArray,
    too_late: BoolArray,
) -> Taken:
    """Take readings of which no two are of one series."""
    hot = table.hot
    last = hot["time"][rows]
    same = times == last
    equal = same & (values == hot["value"][rows])
    newer = (times > last) & ~too_late
    fresh = rows if newer.all() else rows[newer]
    runs = _runs(hot[rows], values, facts)
    sound = good & ~is_stuck(runs, facts["stuck_after"])
    if not (sound.all() and (hot["quality"][fresh] == 1.0).all()):  # else there is nothing to learn
        hot["quality"][fresh] = grade.learn(hot["quality"][fresh], sound[newer])
    hot["run"][fresh] = runs[newer]
    hot["time"][fresh], hot["value"][fresh] = times[newer], values[newer]
    table.touch(fresh)
    grades = np.where(good & ~same, hot["quality"][rows], np.float32(0.0))
    duplicates, conflicts = np.flatnonzero(equal).tolist(), np.flatnonzero(same & ~equal).tolist()
    return Taken(~same, good, grades, duplicates, conflicts)


def _runs(before: Structured, values: FloatArray, facts: Structured) -> IntArray:
    """Return how long each series has said the same, this reading included; 0 where its quantity sets no bound."""
    runs = run_lengths(values, before["value"], before["run"].astype(np.int64), facts["resolution"])
    return np.where(facts["stuck_after"] > 0, runs, 0)


def _none_repeats(table: SeriesTable, rows: IntArray, values: FloatArray, facts: Structured) -> bool:
    """Whether no series, of those that may not say the same for long, says the same twice in a row."""
    bounded = facts["stuck_after"] > 0
    if not bounded.any():
        return True
    order = np.argsort(rows, kind="stable")
    of, said = rows[order], values[order]
    first = np.append(True, of[1:] != of[:-1])
    before = np.where(first, table.hot["value"][of], np.append(0.0, said[:-1]))
    known = ~first | (table.hot["run"][of] > 0)
    same = known & (np.abs(said - before) <= facts["resolution"][order])
    return not bool((same & bounded[order]).any())


def _rise_in_each(rows: IntArray, times: IntArray) -> bool:
    """Whether the times of each series rise."""
    order = np.argsort(rows, kind="stable")
    same = rows[order][1:] == rows[order][:-1]
    return bool((times[order][1:] > times[order][:-1])[same].all())
