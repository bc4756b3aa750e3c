"""Flap damping: what comes back again and again stays open until it has been quiet; no raise is ever held back.

Each return of a key adds 1 to its penalty, which halves in a half-life of event time. At ``LIMIT`` its alert is held:
it does not end before the penalty has decayed to ``REUSE``. With a half-life of 15 min three returns within four
minutes do it, or one every eleven minutes for long. A hold ends one to two half-lives after the newest return.

References
----------
RFC 2439, "BGP Route Flap Damping", 1998, section 4.2 (figure of merit, cutoff and reuse thresholds, ceiling). Differs
from it: what is damped is the end of an alert, never its beginning.
"""

from __future__ import annotations

import math

import msgspec

LIMIT = 2.5
REUSE = LIMIT / 2
CEILING = 2 * LIMIT  # however long it has flapped, two half-lives of quiet are enough
FORGOTTEN = 0.25  # below it there was nothing


class Flaps(msgspec.Struct, frozen=True, kw_only=True):
    """How often a key came back of late."""

    penalty: float  # as of its newest return
    at_ns: int  # of that return
    until_ns: int = 0  # what is held does not end before
    forget_ns: int  # from when on this says nothing any more


def returned(flaps: Flaps | None, at: int, half_life_ns: int) -> Flaps:
    """Count a return at ``at``, an event time in ns that is not before the one before; ``half_life_ns`` is above 0."""
    if flaps is None or at >= flaps.forget_ns:
        flaps = Flaps(penalty=0.0, at_ns=at, forget_ns=at)
    decayed = flaps.penalty * math.exp2(-(at - flaps.at_ns) / half_life_ns)
    penalty = min(decayed + 1.0, CEILING)
    is_held = penalty >= LIMIT or at < flaps.until_ns
    return Flaps(
        penalty=penalty,
        at_ns=at,
        until_ns=_decays_to(REUSE, penalty, at, half_life_ns) if is_held else flaps.until_ns,
        forget_ns=_decays_to(FORGOTTEN, penalty, at, half_life_ns),
    )


def forget(remembered: dict[int, Flaps], at: int) -> None:
    """Drop what says nothing any more, oldest first: the dict is in the order in which its entries were put."""
    while remembered and at >= remembered[oldest := next(iter(remembered))].forget_ns:
        del remembered[oldest]


def _decays_to(bound: float, penalty: float, at: int, half_life_ns: int) -> int:
    return at + round(half_life_ns * math.log2(penalty / bound))
