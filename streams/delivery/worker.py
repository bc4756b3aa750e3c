"""One stage in one process: Faust brings packs, the state judges them, effects are confirmed, checkpoints follow.

Nothing is acknowledged to Faust. Offsets are committed by the checkpoint alone, after the manifest, and are a hint: the
manifest decides where a partition goes on. An exception ends the process; the supervisor starts it anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from faust.types import TP

from streams import metrics
from streams.delivery.fail_points import reached
from streams.delivery.faust_app import BATCH_RECORDS, BATCH_SECONDS, make_app
from streams.delivery.records import Effect, Record
from streams.delivery.sender import Sender
from streams.delivery.stage import Stage
from streams.kafka import producer, topic_name
from streams.registry.reader import RegistryReader
from streams.settings import Settings
from streams.state.checkpoint import Checkpointer, HeldPartition
from streams.state.recovery import load_partitions, skip_gone
from streams.state.trim import Trimmer

log = logging.getLogger(__name__)
INTERNAL_ERROR = 70
REGISTRY_CHECK_SECONDS = 0.5


class StageWorker:
    """Runs one stage until ``stop`` is set."""

    def __init__(self, settings: Settings, stage: Stage) -> None:
        self._settings, self._stage = settings, stage
        self._logical = {topic_name(settings, topic): topic for topic in stage.sources}
        self._app, channel = make_app(settings, stage)
        self._registry = RegistryReader(settings, stage.registry_topics)
        self._producer = producer(settings)
        self._sender = Sender(settings, self._producer)
        self._trimmer = Trimmer(settings, stage.name)
        self._checkpointer = Checkpointer(stage.name, self._sender.blocks, self._commit, stage.counters)
        self._parts: dict[int, HeldPartition] = {}
        self._between_batches = asyncio.Lock()
        self.last_progress = time.monotonic()
        self._is_loaded = False
        self._app.agent(channel, name=f"{stage.name}", concurrency=1)(self._agent)
        self._app.on_rebalance_complete.connect(self._on_assigned)
        self._app.on_partitions_revoked.connect(self._on_revoked)
        self._app.on_before_shutdown.connect(self._on_shutdown)

    def problem(self) -> str | None:
        """Return why the stage is not ready, or ``None``."""
        return None if self._is_loaded else f"{self._stage.name}: waiting for its partitions"

    def positions(self) -> Mapping[tuple[str, int], int]:
        """Return, by (topic, partition) held, the offset of the next record to judge."""
        held = list(self._parts.items())  # at once: the watchdog asks from its own thread
        return {(topic, p): part.next.get(topic, 0) for p, part in held for topic in self._stage.sources}

    def saved(self) -> Mapping[tuple[str, int], int]:
        """Return the same as the last checkpoint has it."""
        held = list(self._parts.items())
        return {(topic, p): part.saved_next.get(topic, 0) for p, part in held for topic in self._stage.sources}

    async def run(self, stop: asyncio.Event) -> None:
        """Run until ``stop``; then write a last checkpoint and leave the group."""
        await self._producer.start()
        self._begin_where_state_ends()
        await self._app.start()
        timer = asyncio.create_task(self._checkpoint_timer())
        try:
            await stop.wait()
        finally:
            timer.cancel()
            await asyncio.gather(timer, return_exceptions=True)
            await self._app.stop()
            await self._registry.stop()
            await self._trimmer.stop()
            await self._producer.stop()

    def _begin_where_state_ends(self) -> None:
        """Let Faust go on where the state leaves off: the committed offset is a hint, and one that is ahead would lose.

        It is ahead where the manifest that went with it is gone: an older one, written later by a worker that had been
        stopped, outlives it when the topic is compacted.
        """
        consumer: Any = self._app.consumer
        seek_to_committed = consumer.perform_seek

        async def perform_seek() -> None:
            await seek_to_committed()
            assigned = consumer.assignment()
            await consumer.seek_wait({tp: at for tp, at in self._named(self.positions()).items() if tp in assigned})

        consumer.perform_seek = perform_seek

    async def _agent(self, stream: Any) -> None:
        async for batch in stream.noack_take(BATCH_RECORDS, within=BATCH_SECONDS):
            try:
                async with self._between_batches:
                    await self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - an exception must not leave an agent
                self._die(error, "judging a batch")

    async def _deliver(self, batch: Sequence[Any]) -> None:
        # Taken once: they may be revoked while effects are on their way.
        found = [(self._parts[number], records) for number, records in self._of_held_partitions(batch).items()]
        effects: list[Effect] = []
        for part, records in found:
            state = part.state
            effects += state.fold(records)
            for reason, count in self._stage.refused(state):
                metrics.DEAD_LETTERS.labels(reason).inc(count)
            for (topic, outcome), count in self._stage.rows(state).items():
                metrics.ROWS.labels(topic, outcome).inc(count)
        reached("before-effects")
        await self._sender.effects(effects)  # of all partitions at once: each wait is a round trip to the broker
        reached("after-effects")
        for part, records in found:
            for record in records:
                part.next[record.topic] = record.offset + 1
                metrics.RECORDS.labels(self._stage.name, record.topic).inc()
        for effect in effects:
            metrics.EFFECTS.labels(self._stage.name, effect.topic).inc()
        if found:
            self.last_progress = time.monotonic()
        if self._parts:
            lowest = min(self._stage.watermark(part.state) for part in self._parts.values())
            metrics.WATERMARK.labels(self._stage.name).set(lowest / 1e9)

    def _of_held_partitions(self, batch: Sequence[Any]) -> dict[int, list[Record]]:
        """Return the records to judge: not of an older assignment, not of another's partition, not judged before."""
        found: dict[int, list[Record]] = {}
        expected: dict[tuple[str, int], int] = {}
        for event in batch:
            message = event.message
            part = self._parts.get(message.partition)
            if part is None or message.generation_id != self._app.consumer_generation_id:
                continue
            topic = self._logical[message.topic]
            at = expected.get((topic, message.partition), part.next.get(topic, 0))
            if message.offset < at:
                continue
            if message.offset > at > 0:
                log.info(
                    "%s: offsets %d to %d of %s-%d are not in the log",
                    self._stage.name,
                    at,
                    message.offset - 1,
                    topic,
                    message.partition,
                )
            expected[topic, message.partition] = message.offset + 1
            found.setdefault(message.partition, []).append(_record(message, topic))
        return found

    async def _checkpoint_timer(self) -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(REGISTRY_CHECK_SECONDS)
            is_due = time.monotonic() - last >= self._settings.checkpoint_s
            if is_due or self._registry_moved():
                last = time.monotonic()
                await self._checkpoint()

    def _registry_moved(self) -> bool:
        """Whether registry records were read that no manifest tells of: who applied them waits for that."""
        return any(self._registry.progress(p) != part.saved_registry for p, part in self._parts.items())

    async def _checkpoint(self) -> None:
        started = time.monotonic()
        registry = {p: self._registry.progress(p) for p in self._parts}
        try:
            generation = int(self._app.consumer_generation_id)
            lowest = await self._checkpointer.write(self._held, self._between_batches, generation, registry)
        except Exception as error:  # noqa: BLE001 - state that could not be saved: start anew from the last manifest
            self._die(error, "writing a checkpoint")
        await self._trimmer.trim(lowest)
        metrics.CHECKPOINTS.labels(self._stage.name).inc()
        metrics.CHECKPOINT_SECONDS.labels(self._stage.name).observe(time.monotonic() - started)

    def _held(self) -> Iterable[HeldPartition]:
        return list(self._parts.values())

    async def _commit(self, offsets: Mapping[tuple[str, int], int]) -> bool:
        """Commit the group's offsets: a hint for lag displays; return whether the group still knows us as the owner."""
        named = self._named(offsets)
        consumer: Any = self._app.consumer
        # Acks are not used, so this is the only way in 0.15.3; of partitions that are not assigned it says nothing.
        return bool(await consumer._commit(named)) and named.keys() <= consumer.assignment()  # noqa: SLF001

    def _named(self, offsets: Mapping[tuple[str, int], int]) -> dict[TP, int]:
        return {TP(topic_name(self._settings, topic), p): offset for (topic, p), offset in offsets.items()}

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        started = time.monotonic()
        try:
            held = {tp.partition for tp in self._app.consumer.assignment() if tp.topic in self._logical}
            self._parts.clear()
            await self._registry.catch_up(held if self._stage.reads_registry_by_partition else None)
            view = self._registry.view
            loaded = await load_partitions(
                self._settings, self._stage.name, held, lambda p: self._stage.new_state(p, view)
            )
            self._tell_gone(await skip_gone(self._settings, loaded.values()))
            reached("in-recovery")
            self._parts.update(loaded)
        except BaseException as error:
            if self._app.should_stop:
                raise
            # Never half a state; and a cancellation would end Faust's recovery in silence.
            self._die(error, "loading state")
        self._is_loaded = True
        self.last_progress = time.monotonic()
        metrics.RECOVERY_SECONDS.labels(self._stage.name).set(time.monotonic() - started)
        log.info("%s: holds partitions %s after %.2f s", self._stage.name, sorted(held), time.monotonic() - started)

    def _tell_gone(self, gone: Iterable[tuple[str, int, int]]) -> None:
        advice = "keep the log for longer than a stage may be down (retention.ms)"
        for topic, number, count in gone:
            stage = self._stage.name
            log.error("%s: the log dropped %d unjudged records of %s-%d: %s", stage, count, topic, number, advice)
            metrics.GONE.labels(stage, topic).inc(count)

    async def _on_revoked(self, *_: Any, **__: Any) -> None:
        if self._parts:
            await self._checkpoint()
        self._parts.clear()
        self._is_loaded = False

    async def _on_shutdown(self, *_: Any, **__: Any) -> None:
        if self._parts:
            await self._checkpoint()

    def _die(self, error: BaseException, doing: str) -> NoReturn:
        where = {f"{topic}-{p}": offset for (topic, p), offset in self.positions().items()}
        log.critical("%s: %s failed, next offsets %s", self._stage.name, doing, where, exc_info=error)
        logging.shutdown()
        os._exit(INTERNAL_ERROR)


def _record(message: Any, topic: str) -> Record:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return Record(
        topic=topic,
        partition=message.partition,
        offset=message.offset,
        append_ns=round(message.timestamp * 1_000) * 1_000_000,
        key=message.key,
        value=message.value or b"",
        headers=dict(pairs),
    )
