"""The clock of event time: the machine's, or for trials one that lies behind it (``VITALS_CLOCK_BEHIND_S``)."""

from __future__ import annotations

import time

from schemas.times import HOUR_NS, SECOND_NS, SHANGHAI_NS
from streams.settings import Settings

DAY_NS = 24 * HOUR_NS


class EventClock:
    """Time as the trial has it."""

    def __init__(self, settings: Settings) -> None:
        self._behind_ns = round(settings.clock_behind_s * SECOND_NS)

    def now_ns(self) -> int:
        """Return the nanoseconds since 1970 of event time now."""
        return time.time_ns() - self._behind_ns


def seconds_since(local_hour: float, now_ns: int) -> float:
    """Return how long ago it was last ``local_hour`` in Shanghai, s: how far behind a trial's clock must run."""
    past_ns = (now_ns + SHANGHAI_NS - round(local_hour * HOUR_NS)) % DAY_NS
    return past_ns / SECOND_NS
