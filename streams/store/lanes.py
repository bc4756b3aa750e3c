"""Lanes: up to four writes in flight, and yet each series in the order of its log.

A topic-partition always takes the same lane, and a lane writes one batch at a time: a later value of a series can never
be overtaken by an earlier one that had to be tried again, and what a lane has confirmed is contiguous by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from streams.delivery.records import Record
from streams.store.batch import Batch, Ends, Intake, Progress
from streams.store.points import Refusal
from streams.store.rows import Limits

LANES = 4
BATCH_POINTS = 5_000
BATCH_RECORDS = 5_000  # records that hold no points must not pile up either
LINGER_S = 0.2
WAITING_BATCHES = 12  # of all lanes: what one fetch brings is rarely spread evenly over them

Write = Callable[[Batch], Awaitable[list[Refusal]]]
Confirmed = Callable[[Batch, list[Refusal]], None]
Report = Callable[[Batch, Ends], None]


class Lane:
    """One write at a time, in order; ``confirmed`` is called after each."""

    def __init__(self, write: Write, confirmed: Confirmed, moved: asyncio.Event) -> None:
        self._write, self._confirmed, self._moved = write, confirmed, moved
        self._waiting: deque[Batch] = deque()
        self._open: Batch | None = None
        self._wake = asyncio.Event()
        self._busy = False
        self.task = asyncio.create_task(self._run())
        self.task.add_done_callback(lambda _: moved.set())

    def waiting(self) -> int:
        """Return how many batches wait to be written."""
        return len(self._waiting)

    def is_idle(self) -> bool:
        """Whether all that it was given is confirmed."""
        return not self._waiting and self._open is None and not self._busy

    def open_batch(self) -> Batch:
        """Return the batch that the next record belongs to."""
        if self._open is not None and (self._open.points >= BATCH_POINTS or self._open.records >= BATCH_RECORDS):
            self.flush()
        if self._open is None:
            self._open = Batch(opened=time.monotonic())
        return self._open

    def flush(self, opened_before: float | None = None) -> None:
        """Let the open batch be written, full or not; with ``opened_before`` only an older one."""
        if self._open is not None and (opened_before is None or self._open.opened <= opened_before):
            self._waiting.append(self._open)
            self._open = None
            self._wake.set()

    async def _run(self) -> None:
        while True:
            while self._waiting:
                self._busy = True
                batch = self._waiting.popleft()
                self._confirmed(batch, await self._write(batch))
                self._busy = False
                self._moved.set()
            self._wake.clear()
            await self._wake.wait()


class Holding:
    """The partitions of one assignment, read, in work and confirmed; each assignment is a new holding."""

    def __init__(self, generation: int, progress: Progress, write: Write, report: Report) -> None:
        self.generation, self.progress, self._report = generation, progress, report
        self._intake = Intake({key: counts for slot in progress.counts.values() for key, counts in slot.items()})
        self.moved = asyncio.Event()  # a lane has written or ended
        self._lanes = [Lane(write, self._confirm, self.moved) for _ in range(LANES)]

    def take(self, records: Iterable[Record], limits: Limits) -> None:
        """Put records, in log order of their partition, into their lane."""
        for record in records:
            lane = self._lanes[record.partition % LANES]
            self._intake.take(record, limits, lane.open_batch())

    def _confirm(self, batch: Batch, refused: list[Refusal]) -> None:
        self._report(batch, self.progress.confirm(batch, refused))

    def is_full(self) -> bool:
        """Whether nothing more should be read until a lane has written."""
        return sum(lane.waiting() for lane in self._lanes) >= WAITING_BATCHES

    def flush(self, *, older_than_s: float = 0.0) -> None:
        """Let open batches be written that were opened that long ago."""
        limit = time.monotonic() - older_than_s
        for lane in self._lanes:
            lane.flush(opened_before=limit)

    def check(self) -> None:
        """Raise what has ended a lane: nothing but a fault of ours does."""
        for lane in self._lanes:
            if lane.task.done() and not lane.task.cancelled():
                lane.task.result()

    async def drain(self, seconds: float) -> bool:
        """Write what was taken; return whether that was done in time."""
        self.flush()
        deadline = time.monotonic() + seconds
        while not all(lane.is_idle() for lane in self._lanes):
            self.check()
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await self.wait_moved(left)
        return True

    async def wait_moved(self, seconds: float) -> None:
        """Wait until a lane has written, but no longer than that."""
        self.moved.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.moved.wait(), seconds)

    async def end(self) -> None:
        """Stop writing; what is not confirmed is left to whoever holds the partitions next."""
        for lane in self._lanes:
            lane.task.cancel()
        await asyncio.wait([lane.task for lane in self._lanes])
        self.moved.set()
