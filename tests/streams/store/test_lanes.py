from __future__ import annotations

import asyncio

import pytest

from schemas import channels
from schemas.judged import encode_judged
from streams.delivery.records import Record
from streams.store.batch import Batch, Ends, Progress, Slot
from streams.store.lanes import BATCH_POINTS, LANES, WAITING_BATCHES, Holding
from streams.store.line_protocol import Heads
from streams.store.points import Refusal
from streams.store.rows import Limits
from tests.streams.store.rig import packs

LIMITS = Limits(oldest_ns=0, keep_readings=True, heads=Heads({"LAeq"}))


def records(partition: int, count: int, *, rows_each: int = 1_000, first: int = 0) -> list[Record]:
    return [
        Record(
            topic=channels.JUDGED, partition=partition, offset=j.offset, append_ns=0, key=None, value=encode_judged(j)
        )
        for j in packs(partition, count, rows_each, 1, first=first)
    ]


class Gate:
    """A write that waits until it is let through, and notes what was in flight."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.in_flight: list[Batch] = []
        self.most = 0
        self.written: list[tuple[Slot, int]] = []

    async def write(self, batch: Batch) -> list[Refusal]:
        self.in_flight.append(batch)
        self.most = max(self.most, len(self.in_flight))
        await self.open.wait()
        self.in_flight.remove(batch)
        self.written += batch.cuts.items()
        return []


def ignore(batch: Batch, ends: Ends) -> None:
    """Report nothing."""


def holding(gate: Gate) -> Holding:
    return Holding(1, Progress({}, {}), gate.write, ignore)


async def test_as_many_writes_as_lanes_are_in_flight() -> None:
    gate = Gate()
    held = holding(gate)
    for partition in range(12):
        held.take(records(partition, 20), LIMITS)
    await asyncio.sleep(0)
    assert len(gate.in_flight) == LANES
    gate.open.set()
    assert await held.drain(5.0)
    assert gate.most == LANES
    assert {slot.partition: offset for slot, offset in held.progress.offsets.items()} == dict.fromkeys(range(12), 20)
    await held.end()


async def test_a_partition_is_written_in_its_order() -> None:
    gate = Gate()
    gate.open.set()
    held = holding(gate)
    held.take(records(3, 40), LIMITS)
    assert await held.drain(5.0)
    offsets = [offset for _, offset in gate.written]
    assert offsets == sorted(offsets)
    assert len(offsets) == 40_000 // BATCH_POINTS
    await held.end()


async def test_a_holding_is_full_while_nothing_can_be_written() -> None:
    gate = Gate()
    held = holding(gate)
    taken = 0
    while not held.is_full():
        held.take(records(0, 1, first=taken), LIMITS)
        taken += 1
        await asyncio.sleep(0)
    assert taken <= (WAITING_BATCHES + 2) * BATCH_POINTS // 1_000 + 1
    gate.open.set()
    await held.wait_moved(5.0)
    assert await held.drain(5.0)
    assert not held.is_full()
    await held.end()


async def test_nothing_unconfirmed_counts_when_a_drain_runs_out_of_time() -> None:
    held = holding(Gate())
    held.take(records(0, 3), LIMITS)
    assert not await held.drain(0.01)
    await held.end()
    assert held.progress.offsets == {}
    assert held.progress.changed == set()


async def test_a_fault_in_a_write_is_not_swallowed() -> None:
    async def broken(batch: Batch) -> list[Refusal]:
        raise RuntimeError(f"a fault of ours at {batch.cuts}")

    held = Holding(1, Progress({}, {}), broken, ignore)
    held.take(records(0, 1), LIMITS)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        await held.drain(5.0)
    await held.end()
