"""What is official of two nights on the Bund: how many people came, and when. All else is made up, and says so.

References
----------
Shanghai municipal government, "Report of the investigation of the Bund crowd crush of 31 December 2014", 21 January
2015: people in the scenic area by interval, the standstill on the stair from 23:23 to 23:33, the fall at 23:35.
Huangpu district and Shanghai police, reports of New Year's Eve 2017: 320,000 over the evening, at most 85,000 at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas.times import SECOND_NS, SHANGHAI


@dataclass(frozen=True, slots=True)
class Interval:
    """People who were in the scenic area at any time between two times (ns)."""

    start_ns: int
    end_ns: int
    people: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """One night's official figures.

    Parameters
    ----------
    intervals
        People by interval, where that is what was told.
    present
        (time, people present) pairs, where that is what was told.
    stall
        From when to when nobody moved on the stair; ``None``: it was one-way, and flowed.
    fall_ns
        When people fell.
    """

    name: str
    start_ns: int
    end_ns: int
    intervals: tuple[Interval, ...] = ()
    present: tuple[tuple[int, int], ...] = ()
    stall: tuple[int, int] | None = None
    fall_ns: int | None = None

    @property
    def is_managed(self) -> bool:
        """Whether the stair was one-way."""
        return self.stall is None


def _at(year: int, hour: int, minute: int = 0, day: int = 31, month: int = 12) -> int:
    return round(datetime(year, month, day, hour, minute, tzinfo=SHANGHAI).timestamp()) * SECOND_NS


BUND_2014 = Night(
    name="bund-2014",
    start_ns=_at(2014, 20),
    end_ns=_at(2014, 23, 50),
    intervals=(
        Interval(_at(2014, 20), _at(2014, 21), 120_000),
        Interval(_at(2014, 21), _at(2014, 22), 160_000),
        Interval(_at(2014, 22), _at(2014, 23), 240_000),
        Interval(_at(2014, 23), _at(2014, 23, 35), 310_000),
    ),
    stall=(_at(2014, 23, 23), _at(2014, 23, 33)),
    fall_ns=_at(2014, 23, 35),
)
# Of the control night only the sum and the peak were told; its course is that of 2014, scaled to both.
BUND_2017 = Night(
    name="bund-2017",
    start_ns=_at(2017, 20),
    end_ns=_at(2018, 0, 30, day=1, month=1),
    present=(
        (_at(2017, 20), 30_000),
        (_at(2017, 21), 42_000),
        (_at(2017, 22), 56_000),
        (_at(2017, 23), 72_000),
        (_at(2018, 0, 0, day=1, month=1), 85_000),
        (_at(2018, 0, 30, day=1, month=1), 60_000),
    ),
)
NIGHTS = {night.name: night for night in (BUND_2014, BUND_2017)}
