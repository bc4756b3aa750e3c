"""For how long something has not moved though it is behind: what the watchdog goes by. Pure, its clock a parameter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Stall(NamedTuple):
    """Seconds; 0 where nothing is behind."""

    all: float  # nothing at all has moved, and some of it is behind
    longest: float  # one is behind and has not moved, whatever the others do


class Stalls(Generic[K]):
    """Holds what follows (offset by key) against what leads it, look by look.

    The time counts from the first look that saw something behind: what had come to the end long ago, and is behind
    since a moment ago, is not stalled.
    """

    def __init__(self) -> None:
        self._positions: Mapping[K, int] = {}
        self._since: dict[K, float] = {}  # of those behind: when that was first seen, where they still are
        self._all_since: float | None = None

    def look(self, leads: Mapping[K, int], follows: Mapping[K, int], now: float) -> Stall:
        """Return for how long things have stalled by ``now`` (seconds of a monotonic clock)."""
        unmoved = {key for key, at in follows.items() if self._positions.get(key) == at}
        behind = {key for key, at in follows.items() if leads.get(key, at) > at}
        self._since = {key: self._since.get(key, now) if key in unmoved else now for key in behind}
        if not behind or self._positions != follows:
            self._all_since = None
        if behind and self._all_since is None:
            self._all_since = now
        self._positions = dict(follows)
        return Stall(
            0.0 if self._all_since is None else now - self._all_since,
            max((now - since for since in self._since.values()), default=0.0),
        )

    def forget(self) -> None:
        """Begin anew."""
        self._positions, self._since, self._all_since = {}, {}, None
