"""Wall clocks that are wrong: a stage must not care, for event time and the log alone decide."""

from __future__ import annotations

import time
from collections.abc import Callable

AHEAD_S = 600.0
STEP_SECONDS = 3.0  # how long a clock is ahead before it steps back


def _shift(offset_s: Callable[[float], float]) -> None:
    """Let ``time.time`` and ``time.time_ns`` tell something else; ``offset_s`` gets the seconds since the start."""
    real, real_ns, began = time.time, time.time_ns, time.monotonic()
    time.time = lambda: real() + offset_s(time.monotonic() - began)
    time.time_ns = lambda: real_ns() + round(offset_s(time.monotonic() - began) * 1e9)


def ahead() -> None:
    """Put the clock ahead by ten minutes."""
    _shift(lambda _: AHEAD_S)


def behind() -> None:
    """Put the clock back by ten minutes."""
    _shift(lambda _: -AHEAD_S)


def steps_back() -> None:
    """Let the clock step back again and again: ahead for three seconds, right for three."""
    _shift(lambda since: AHEAD_S if since % (2 * STEP_SECONDS) < STEP_SECONDS else 0.0)


FAULTS = {"clock-ahead": ahead, "clock-behind": behind, "clock-steps-back": steps_back}
