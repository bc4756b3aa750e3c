"""T18: four faults of delivery: subclasses that a child process runs in place of the real ones; each must be seen.

All of them, and the control without a fault, run with *slow sends* while a fail point is armed: each batch of effects
waits before it is sent, as with a broker that is far away. A worker that moves its offsets only when effects are
confirmed does not mind.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import streams.delivery.worker as worker_module
import streams.work as work_module
from schemas import channels
from streams.delivery.fail_points import reached
from streams.delivery.faust_app import BATCH_RECORDS, BATCH_SECONDS, make_app
from streams.delivery.records import Effect
from streams.delivery.sender import Sender
from streams.delivery.stage import Stage
from streams.delivery.worker import StageWorker
from streams.settings import Settings
from streams.state.checkpoint import Checkpointer, Cut, HeldPartition

SLOW_SECONDS = 1.0 if "VITALS_FAIL_POINT" in os.environ else 0.0


class SlowSender(Sender):
    """Every batch of effects waits before it is sent: no fault, the control."""

    async def effects(self, effects: Sequence[Effect]) -> None:
        await asyncio.sleep(SLOW_SECONDS)
        await super().effects(effects)


class PlainTake(StageWorker):
    """Batches are taken with Faust's own acks, and Faust commits them: ahead of the state that holds them."""

    async def _agent(self, stream: Any) -> None:
        async for batch in stream.take_events(BATCH_RECORDS, within=BATCH_SECONDS):
            async with self._between_batches:
                await self._deliver(batch)


class Unlocked(StageWorker):
    """Nothing keeps batches apart: neither from another actor's, nor from a checkpoint's cut."""

    async def _agent(self, stream: Any) -> None:
        async for batch in stream.noack_take(BATCH_RECORDS, within=BATCH_SECONDS):
            while not self._parts:  # noqa: ASYNC110 - not the fault: what comes before state is loaded must wait for it
                await asyncio.sleep(0.05)
            await self._deliver(batch)


class OffsetsFirst(Unlocked):
    """Offsets are saved and committed before the effects are confirmed: a death in between loses these."""

    async def _deliver(self, batch: Sequence[Any]) -> None:
        found = [(self._parts[number], records) for number, records in self._of_held_partitions(batch).items()]
        effects: list[Effect] = []
        for part, records in found:
            effects += part.state.fold(records)
            for record in records:
                part.next[record.topic] = record.offset + 1
        if any(effect.topic == channels.JUDGED for effect in effects):  # what nobody writes again
            await self._saved([part for part, _ in found])
            reached("before-effects")
        await self._sender.effects(effects)

    async def _saved(self, parts: Sequence[HeldPartition]) -> None:
        """Wait until checkpoints have the offsets: a death before that would lose nothing."""
        while SLOW_SECONDS and any(part.saved_next != part.next for part in parts):  # noqa: ASYNC110 - checkpoints tell nobody
            await asyncio.sleep(0.05)


class ManifestFirst(Checkpointer):
    """The manifest is written with the offsets that its blocks will have, before any of them is confirmed."""

    async def _write_blocks(self, cuts: Sequence[Cut]) -> None:
        for cut in cuts:
            following = max(cut.part.offsets.values(), default=-1) + 1
            for offset, (name, block) in enumerate(cut.blocks.items(), following):
                cut.part.offsets[name], cut.part.encoded[name] = offset, block

    async def _write_manifests(self, cuts: Sequence[Cut], generation: int) -> None:
        await super()._write_manifests(cuts, generation)
        reached("after-manifest")
        await super()._write_blocks(cuts)


def slow_sends() -> None:
    """Plant nothing but slow sends."""
    replace(worker_module, "Sender", SlowSender)


def plain_take() -> None:
    """Plant Faust's own acks."""
    slow_sends()
    replace(work_module, "StageWorker", PlainTake)


def two_at_once() -> None:
    """Plant two actors on one stream: one begins a batch while the other is at work on it."""
    slow_sends()
    replace(work_module, "StageWorker", Unlocked)

    def make_app_of_two(settings: Settings, stage: Stage) -> tuple[Any, Any]:
        app, channel = make_app(settings, stage)
        agent = app.agent
        vars(app)["agent"] = lambda *arguments, **options: agent(*arguments, **{**options, "concurrency": 2})
        return app, channel

    replace(worker_module, "make_app", make_app_of_two)


def offsets_first() -> None:
    """Plant offsets that run ahead of effects."""
    slow_sends()
    replace(work_module, "StageWorker", OffsetsFirst)


def manifest_first() -> None:
    """Plant manifests that run ahead of blocks."""
    slow_sends()
    replace(worker_module, "Checkpointer", ManifestFirst)


def replace(module: ModuleType, name: str, by: Any) -> None:
    """Put something in the place of what a module names."""
    assert name in vars(module), f"{module.__name__} has no {name} any more: the fault would not be planted"
    vars(module)[name] = by


FAULTS = {
    "none": slow_sends,
    "plain-take": plain_take,
    "two-at-once": two_at_once,
    "offsets-first": offsets_first,
    "manifest-first": manifest_first,
}
