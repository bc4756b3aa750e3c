"""The last hour of a score, one value a minute, and where it is going. Event time alone decides."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from math import isnan, nan
from statistics import fmean, median
from typing import Literal

import msgspec

from schemas.times import SECOND_NS, format_time

MINUTE_S = 60.0
MINUTES = 60  # in a ring: an hour
LEAST_MINUTES = 10  # between the first and the last value known
LEAST_VALUES = 6
DEAD_BAND = 5.0  # points an hour: less is steady
LEAST_CHANGE = 2.0  # points: scores of ten minutes waver by so much
MAX_REVISION = 0xFFFF

Direction = Literal["up", "steady", "down"]


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """Where a score is going: by how many points it changed, in how many seconds of event time."""

    direction: Direction
    change: float
    seconds: float


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """The values of a ring, oldest first, one each ``step_s``; the last one's window ends at ``end``."""

    end: str
    step_s: float
    scores: tuple[float | None, ...]


class Hour:
    """A ring of one score's values.

    Parameters
    ----------
    minute_ns
        What counts as a minute: shorter where a trial's windows are.
    """

    __slots__ = ("_minute_ns", "_newest", "_revisions", "_trend", "_values")

    def __init__(self, minute_ns: int) -> None:
        self._minute_ns = minute_ns
        self._newest = -1  # minutes since 1970
        self._values = array("f", [nan]) * MINUTES
        self._revisions = array("H", [0]) * MINUTES
        self._trend: Trend | Literal["unknown"] | None = None

    def put(self, start_ns: int, score: float, revision: int) -> bool:
        """Keep the score of the window from ``start_ns``, unless it is too old or revised already; say if it is new."""
        minute, revision = start_ns // self._minute_ns, min(revision, MAX_REVISION)
        if minute <= self._newest - MINUTES:
            return False
        for empty in range(max(self._newest + 1, minute - MINUTES + 1), minute + 1):
            self._values[empty % MINUTES], self._revisions[empty % MINUTES] = nan, 0
        self._newest = max(self._newest, minute)
        place = minute % MINUTES
        if not isnan(self._values[place]) and revision <= self._revisions[place]:
            return False
        self._values[place], self._revisions[place] = score, revision
        self._trend = "unknown"
        return True

    def trend(self) -> Trend | None:
        """Return where the score is going, or ``None`` where too little is known of it."""
        if self._trend == "unknown":
            self._trend = trend_of(self._scores(), self._minute_ns / SECOND_NS)
        return self._trend

    def past(self) -> Past:
        """Return what is known of the hour, for a curve."""
        known = list(self._scores())
        first = next((place for place, score in enumerate(known) if not isnan(score)), len(known))
        return Past(
            end=format_time((self._newest + 1) * self._minute_ns),
            step_s=self._minute_ns / SECOND_NS,
            scores=tuple(None if isnan(score) else round(score, 1) for score in known[first:]),
        )

    def _scores(self) -> Sequence[float]:
        cut = (self._newest + 1) % MINUTES
        return self._values[cut:] + self._values[:cut]


def trend_of(scores: Sequence[float], minute_s: float = MINUTE_S) -> Trend | None:
    """Return the trend of one score a minute, oldest first, NaN where there is none.

    It is the difference between the medians of the first and the last quarter of what is known. A minute or two of
    nonsense does not turn it. A Theil-Sen slope would withstand more, and so not see a fall before it is eighteen
    minutes old; this sees it after eight.
    """
    minutes = [minute for minute, score in enumerate(scores) if not isnan(score)]
    if len(minutes) < LEAST_VALUES or minutes[-1] - minutes[0] + 1 < LEAST_MINUTES:
        return None
    quarter = max(2, len(minutes) // 4)
    first, last = minutes[:quarter], minutes[-quarter:]
    change = median(scores[one] for one in last) - median(scores[one] for one in first)
    apart = fmean(last) - fmean(first)
    is_steady = abs(change) < LEAST_CHANGE or abs(change) * MINUTES / apart < DEAD_BAND
    direction: Direction = "steady" if is_steady else "up" if change > 0 else "down"
    return Trend(direction=direction, change=round(change, 1), seconds=round(apart * minute_s, 3))


class Hours:
    """The hour of each score of a unit or area, by its name: ``overall`` or a domain."""

    __slots__ = ("_hours", "_minute_ns")

    def __init__(self, minute_ns: int) -> None:
        self._minute_ns = minute_ns
        self._hours: dict[str, Hour] = {}

    def put(self, name: str, start_ns: int, score: float, revision: int) -> bool:
        """Keep a score; say if it is new."""
        hour = self._hours.get(name)
        if hour is None:
            hour = self._hours[name] = Hour(self._minute_ns)
        return hour.put(start_ns, score, revision)

    def trend(self, name: str) -> Trend | None:
        """Return the trend of one score."""
        hour = self._hours.get(name)
        return None if hour is None else hour.trend()

    def trends(self) -> dict[str, Trend]:
        """Return the trends that are known."""
        return dict(self._known())

    def past(self, name: str) -> Past | None:
        """Return the hour of one score."""
        hour = self._hours.get(name)
        return None if hour is None else hour.past()

    def _known(self) -> Iterator[tuple[str, Trend]]:
        for name, hour in self._hours.items():
            if (trend := hour.trend()) is not None:
                yield name, trend
