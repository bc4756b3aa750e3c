"""Ways to get stuck or to raise, once: the first process of a test does (and leaves a mark), the next one does not."""

from __future__ import annotations

import asyncio
import ctypes
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

import streams.delivery.watchdog as watchdog_module
import streams.delivery.worker as worker_module
import streams.sense.agent as agent_module
import streams.work as work_module
from streams.delivery.records import Effect, Record
from streams.delivery.sender import Sender
from streams.sense.partition import SensePartition
from streams.state.checkpoint import HeldPartition
from streams.supervisor import Child
from tests.faults.planted_delivery import replace

FOR_EVER = 86_400.0
RAISES_AFTER = 30
MARK = "VITALS_TEST_MARK"  # the file that the process that hangs leaves behind


def hung_fold() -> None:
    """Let a fold never return: the event loop is blocked."""
    fold = SensePartition.fold

    class HungPartition(SensePartition):
        def fold(self, records: Sequence[Record]) -> list[Effect]:
            if any(record.value for record in records):
                time.sleep(FOR_EVER)
            return fold(self, records)

    _once(lambda: replace(agent_module, "SensePartition", HungPartition))


def raising_fold() -> None:
    """Let a fold raise what nobody expects, some batches after the start."""
    fold = SensePartition.fold

    class RaisingPartition(SensePartition):
        folds = 0

        def fold(self, records: Sequence[Record]) -> list[Effect]:
            RaisingPartition.folds += 1
            effects = fold(self, records)
            if RaisingPartition.folds > RAISES_AFTER:
                raise ZeroDivisionError("planted")
            return effects

    _once(lambda: replace(agent_module, "SensePartition", RaisingPartition))


def hung_send() -> None:
    """Let a send never be confirmed, though the broker answers."""

    class HungSender(Sender):
        async def effects(self, effects: Sequence[Effect]) -> None:
            await asyncio.sleep(FOR_EVER if effects else 0)

    _once(lambda: replace(worker_module, "Sender", HungSender))


def hung_recovery() -> None:
    """Let state never be loaded."""

    async def load_for_ever(*_: Any) -> dict[int, HeldPartition]:
        await asyncio.sleep(FOR_EVER)
        return {}

    _once(lambda: replace(worker_module, "load_partitions", load_for_ever))


def hung_checkpoint() -> None:
    """Let blocks never be confirmed, though effects are."""

    class HungBlocks(Sender):
        async def blocks(self, records: Sequence[tuple[str, bytes, bytes, int]]) -> list[int]:
            await asyncio.sleep(FOR_EVER if records else 0)
            return []

    _once(lambda: replace(worker_module, "Sender", HungBlocks))


def deaf_consumer() -> None:
    """Let Faust's consumer bring nothing any more after its first records, and go on with its heartbeats."""
    getmany, brought = AIOKafkaConsumerThread.getmany, list[int]()

    async def getmany_for_a_while(self: Any, active_partitions: Any, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        if brought:
            await asyncio.sleep(timeout)
            return {}
        found = await getmany(self, active_partitions, timeout)
        brought.extend(map(len, found.values()))
        return found

    _once(lambda: setattr(AIOKafkaConsumerThread, "getmany", getmany_for_a_while))


def greedy_fold() -> None:
    """Let a fold never give Python's lock back: no other thread runs, the watchdog's neither."""

    class GreedyPartition(SensePartition):
        def fold(self, records: Sequence[Record]) -> list[Effect]:
            if any(record.value for record in records):
                ctypes.PyDLL(None).sleep(int(FOR_EVER))
            return super().fold(records)

    _once(lambda: replace(agent_module, "SensePartition", GreedyPartition))


def _once(plant: Any) -> None:
    be_impatient()
    mark = Path(os.environ[MARK])
    if not mark.exists():
        mark.touch()
        plant()


def hung_child() -> None:
    """Plant a hung fold in the child process that judges, of a worker of several stages."""

    def child_of(name: str, command: Sequence[str], log_file: Path, environment: Mapping[str, str]) -> Child:
        planted = [command[0], "-m", "tests.faults.planted", "hung-fold", *command[4:]]
        return Child(name, planted if name == "sense" else command, log_file, environment)

    replace(work_module, "Child", child_of)


def be_impatient() -> None:
    """Plant no fault: a watchdog that waits for seconds, not minutes."""
    replace(watchdog_module, "PERIOD_SECONDS", 0.5)
    replace(watchdog_module, "STUCK_SECONDS", 6.0)
    replace(watchdog_module, "RECOVERY_SECONDS", 25.0)  # more than the first group of a new broker needs
    replace(watchdog_module, "LOOK_SECONDS", 3.0)


STUCK = {
    "hung-fold": hung_fold,
    "hung-send": hung_send,
    "hung-checkpoint": hung_checkpoint,
    "hung-recovery": hung_recovery,
    "deaf-consumer": deaf_consumer,
    "greedy-fold": greedy_fold,
}
FAULTS = {**STUCK, "raising-fold": raising_fold, "hung-child": hung_child, "impatient": be_impatient}
