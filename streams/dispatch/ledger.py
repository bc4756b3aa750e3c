"""The cases of one partition by all that dispatch asks for: alert, key, holder, wait, and the next timer.

Only the cases themselves are state; every index is derived from them, so that a restored ledger answers alike.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable

from streams.dispatch.assignment import Roster
from streams.dispatch.case import Case

SETTLE, DUE, FORGET = 2, 3, 4  # kinds of timers, in order at one time, after the events of that time
CASE_BLOCKS = 256  # of up to some dozens of cases, so that a storm's blocks stay well below the topic's 4 MiB


def block_of(case_id: str) -> int:
    """Return the block in which a case is kept."""
    return zlib.crc32(case_id.encode()) % CASE_BLOCKS


def _timers_of(case: Case) -> tuple[tuple[int, int | None], ...]:
    return (SETTLE, case.settle_ns), (DUE, case.due_ns), (FORGET, case.forget_ns)


class Ledger:
    """Cases, their indices, and which blocks changed."""

    def __init__(self, roster: Roster) -> None:
        self.roster = roster
        self.changed_blocks: set[int] = set()
        self.has_news = False  # a slot came free or a case began to wait: who goes must be asked again
        self.restore(())

    def restore(self, cases: Iterable[Case]) -> None:
        """Take the cases of a checkpoint."""
        self.cases: dict[str, Case] = {}
        self._by_alert: dict[str, str] = {}
        self._by_key: dict[tuple[str, str, str, str], str] = {}
        self._waiting: set[str] = set()
        self._holders: dict[str, str] = {}
        self._timers: list[tuple[int, int, str]] = []
        self.roster.held.clear()
        for case in cases:
            self.put(case)
        self.changed_blocks.clear()
        self.has_news = False

    def put(self, case: Case) -> None:
        """Keep a case that is new or has changed."""
        self.cases[case.case_id] = case
        self.changed_blocks.add(block_of(case.case_id))
        self._by_key[case.key] = case.case_id
        for alert_id in case.alerts:
            self._by_alert[alert_id] = case.case_id
        self._put_wait(case)
        self._put_holder(case)
        for kind, time_ns in _timers_of(case):
            if time_ns is not None:
                self._put_timer((time_ns, kind, case.case_id))

    def drop(self, case: Case) -> None:
        """Forget an ended case."""
        del self.cases[case.case_id]
        self.changed_blocks.add(block_of(case.case_id))
        self._by_key.pop(case.key, None)
        for alert_id in case.alerts:
            self._by_alert.pop(alert_id, None)

    def of_alert(self, alert_id: str, key: tuple[str, str, str, str]) -> Case | None:
        """Return the case of an alert, or that of an earlier episode of the same thing."""
        return self.cases.get(self._by_alert.get(alert_id, "")) or self.cases.get(self._by_key.get(key, ""))

    def waiting(self) -> list[Case]:
        """Return the cases that want a team, by id."""
        return [self.cases[case_id] for case_id in sorted(self._waiting)]

    def held(self) -> list[Case]:
        """Return the cases that a team holds, by id."""
        return [self.cases[case_id] for case_id in sorted(self._holders)]

    def next_timer(self) -> tuple[int, int, str] | None:
        """Return time, kind and case of the timer that fires next."""
        while self._timers and not self._is_set(self._timers[0]):
            heapq.heappop(self._timers)
        return self._timers[0] if self._timers else None

    def _is_set(self, timer: tuple[int, int, str]) -> bool:
        case = self.cases.get(timer[2])
        return case is not None and (timer[1], timer[0]) in _timers_of(case)

    def _put_timer(self, timer: tuple[int, int, str]) -> None:
        heapq.heappush(self._timers, timer)
        if len(self._timers) > 64 + 8 * len(self.cases):  # mostly timers that were set anew: leave those out
            self._timers = sorted(t for t in set(self._timers) if self._is_set(t))

    def _put_wait(self, case: Case) -> None:
        if not case.is_waiting:
            self._waiting.discard(case.case_id)
        elif case.case_id not in self._waiting:
            self._waiting.add(case.case_id)
            self.has_news = True

    def _put_holder(self, case: Case) -> None:
        before = self._holders.get(case.case_id)
        if before == case.holder:
            return
        if before is not None:
            del self._holders[case.case_id]
            self.roster.held[before].discard(case.case_id)
            self.has_news = True
        if case.holder is not None:
            self._holders[case.case_id] = case.holder
            self.roster.held.setdefault(case.holder, set()).add(case.case_id)
