"""How good alarms were, by labelled windows: what was found, how soon, and what people were called for in vain.

References
----------
N. Tatbul et al., "Precision and Recall for Time Series", 2018, in its simplest form: a window is found by any alarm in
it, and alarms close together are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.anomaly.budget import count_episodes
from detectors.arrays import BoolArray, IntArray

DAY_NS = 86_400_000_000_000
Window = tuple[int, int]  # first and last reading, inclusive


@dataclass(frozen=True, slots=True)
class AlarmQuality:
    """Of one series; ``None`` where there is nothing to divide by."""

    windows: int
    found: int
    precision: float | None  # share of episodes of alarms that lie (in part) in a window
    recall: float | None
    median_delay: float | None  # readings from a window's begin to its first alarm
    false_alarms: int  # episodes outside all windows
    false_alarms_per_day: float | None


def alarm_quality(alarms: BoolArray, times_ns: IntArray, windows: Sequence[Window], apart: int = 24) -> AlarmQuality:
    """Hold alarms against windows.

    Parameters
    ----------
    alarms, times_ns
        bool (n,) and int64 (n,), rising.
    windows
        Apart from one another.
    apart
        Alarms no more than this many readings apart are one episode.
    """
    inside = np.zeros(len(alarms), bool)
    delays = []
    for first, last in windows:
        inside[first : last + 1] = True
        at = np.flatnonzero(alarms[first : last + 1])
        if len(at):
            delays.append(int(at[0]))
    true = sum(_episodes(alarms[first : last + 1], apart) for first, last in windows)
    false = _episodes(alarms & ~inside, apart)
    days = (int(times_ns[-1]) - int(times_ns[0])) / DAY_NS if len(times_ns) > 1 else 0.0
    return AlarmQuality(
        windows=len(windows),
        found=len(delays),
        precision=true / (true + false) if true + false else None,
        recall=len(delays) / len(windows) if windows else None,
        median_delay=float(np.median(delays)) if delays else None,
        false_alarms=false,
        false_alarms_per_day=false / days if days > 0 else None,
    )


def _episodes(alarms: BoolArray, apart: int) -> int:
    return count_episodes(alarms[:, None], apart)
