"""Workers for tests of ownership: one that writes down what it is fed, and ones that stop themselves on the way.

``SIGSTOP`` is no fault of the worker's: it is what a frozen machine, or a very long pause, does to it.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streams.delivery.worker as worker_module
import streams.state.checkpoint as checkpoint_module
import streams.state.trim as trim_module
import streams.work as work_module
from streams.delivery.fail_points import FailPoint
from streams.delivery.worker import StageWorker
from tests.faults.planted_delivery import replace

FED = "VITALS_TEST_FED"  # the folder into which a worker writes what it was fed
STOP_AT = "VITALS_TEST_STOP_AT"  # ``<fail point>:<n>``: where a worker stops itself


class Told(StageWorker):
    """Writes a line for each load (the next offsets) and for each record that is fed to a state."""

    async def _on_assigned(self, *arguments: Any, **options: Any) -> None:
        await super()._on_assigned(*arguments, **options)
        self._tell([["load", *place, offset] for place, offset in self.positions().items()])

    async def _deliver(self, batch: Sequence[Any]) -> None:
        found = self._of_held_partitions(batch)
        self._tell([["fed", r.topic, r.partition, r.offset] for records in found.values() for r in records])
        await super()._deliver(batch)

    def _tell(self, lines: Sequence[Sequence[object]]) -> None:
        with (Path(os.environ[FED]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)


def told() -> None:
    """Plant a worker that tells what it is fed."""
    replace(work_module, "StageWorker", Told)


def stops_itself() -> None:
    """Plant a stop (``SIGSTOP``) at a fail point; what the worker does when it is let go on is its own.

    It trims its state topic at each checkpoint, as if each stop had lasted an hour.
    """
    replace(checkpoint_module, "REMEMBERED_SECONDS", -1.0)
    replace(trim_module, "EVERY_SECONDS", 0.0)
    point, _, count = os.environ.get(STOP_AT, "").partition(":")
    if not point:
        return
    left = int(count)
    for module in (worker_module, checkpoint_module):
        replace(module, "reached", _stopping(point, left, vars(module)["reached"]))


def _stopping(wanted: str, left: int, reached: Callable[[FailPoint], None]) -> Callable[[FailPoint], None]:
    def stop_or_go_on(point: FailPoint) -> None:
        nonlocal left
        reached(point)
        if point == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGSTOP)

    return stop_or_go_on


FAULTS = {"told": told, "stops-itself": stops_itself}
