"""Ways to get stuck or to raise, once: the first process of a test does (and leaves a mark), the next one does not."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streams.delivery.watchdog as watchdog_module
import streams.delivery.worker as worker_module
import streams.sense.agent as agent_module
from streams.delivery.records import Effect, Record
from streams.delivery.sender import Sender
from streams.sense.partition import SensePartition
from streams.state.checkpoint import HeldPartition
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


def _once(plant: Any) -> None:
    _be_impatient()
    mark = Path(os.environ[MARK])
    if not mark.exists():
        mark.touch()
        plant()


def _be_impatient() -> None:
    replace(watchdog_module, "PERIOD_SECONDS", 0.5)
    replace(watchdog_module, "STUCK_SECONDS", 4.0)
    replace(watchdog_module, "RECOVERY_SECONDS", 6.0)


STUCK = {"hung-fold": hung_fold, "hung-send": hung_send, "hung-recovery": hung_recovery}
FAULTS = {**STUCK, "raising-fold": raising_fold}
