"""Which records are under way: offsets are committed only up to the first that is not done (pure)."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


class Window(Generic[P]):
    """Records by partition, in the order of their offsets, with those that are done among them."""

    def __init__(self) -> None:
        self._begun: dict[P, deque[int]] = {}
        self._done: dict[P, set[int]] = {}
        self._next: dict[P, int] = {}
        self.size = 0  # records that are begun and not yet passed

    def begin(self, partition: P, offset: int) -> None:
        """Note a record; those of a partition come in rising order."""
        self._begun.setdefault(partition, deque()).append(offset)
        self._done.setdefault(partition, set())
        self.size += 1

    def finish(self, partition: P, offset: int) -> None:
        """Note that a record is done, in whatever order."""
        begun, done = self._begun[partition], self._done[partition]
        done.add(offset)
        while begun and begun[0] in done:
            passed = begun.popleft()
            done.discard(passed)
            self._next[partition] = passed + 1
            self.size -= 1

    def take(self) -> dict[P, int]:
        """Return the offsets to commit, of the partitions in which something has passed since the last call."""
        found, self._next = self._next, {}
        return found
