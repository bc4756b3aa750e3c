"""The newest version of each id, as every reader of alerts and orders must keep it, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

T = TypeVar("T")
MAX_OPEN = 20_000
VERSIONS_KEPT = 40_000


class Ledger(Generic[T]):
    """Open things all, those that are over up to a number; a version not newer than the one known changes nothing.

    Parameters
    ----------
    is_over
        Whether a thing has come to its end.
    over_kept
        How many of those stay; the ones that ended first go first.
    open_kept
        A bound that no district reaches; the longest unchanged go first.
    """

    def __init__(self, is_over: Callable[[T], bool], over_kept: int, open_kept: int = MAX_OPEN) -> None:
        self.open: dict[str, T] = {}
        self.over: dict[str, T] = {}
        self._is_over = is_over
        self._over_kept = over_kept
        self._open_kept = open_kept
        self._versions: dict[str, int] = {}  # also of what has gone: a replay must not bring it back

    def take(self, key: str, version: int, item: T) -> tuple[str, ...] | None:
        """Take one version; return the ids that had to go, or ``None`` where the version is not new."""
        if version <= self._versions.get(key, 0):
            return None
        for held in (self._versions, self.open, self.over):
            held.pop(key, None)
        self._versions[key] = version
        (self.over if self._is_over(item) else self.open)[key] = item
        _cut(self._versions, VERSIONS_KEPT)
        return (*_cut(self.over, self._over_kept), *_cut(self.open, self._open_kept))

    def get(self, key: str) -> T | None:
        """Return the newest version of ``key``, if it is still kept."""
        return self.open.get(key) or self.over.get(key)

    def all(self) -> Iterator[T]:
        """Yield the open ones, then those that are over, oldest change first."""
        yield from self.open.values()
        yield from self.over.values()


def _cut(held: dict[str, Any], kept: int) -> list[str]:
    """Take the oldest entries out until ``kept`` are left; return their keys."""
    gone = list(islice(held, max(0, len(held) - kept)))
    for key in gone:
        del held[key]
    return gone
