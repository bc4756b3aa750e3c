"""The watchdog: log ahead and no progress for a minute, or a recovery past its deadline, ends the process.

It runs on a thread of its own, with a client of its own: a fold that never returns blocks the stage's event loop, and
must be seen all the same. A broker that does not answer is not the stage's fault, and not mended by starting it anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.delivery.worker import INTERNAL_ERROR, StageWorker
from streams.kafka import consumer, topic_name
from streams.settings import Settings

log = logging.getLogger(__name__)
PERIOD_SECONDS = 10.0
STUCK_SECONDS = 60.0
RECOVERY_SECONDS = 300.0


class Watchdog:
    """Watches one worker from ``start`` to ``stop``."""

    def __init__(self, settings: Settings, worker: StageWorker) -> None:
        self._settings, self._worker = settings, worker
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to look, every ten seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; return at once."""
        self._stop.set()

    def _run(self) -> None:
        asyncio.run(self._watch())

    async def _watch(self) -> None:
        waiting_since = behind_since = time.monotonic()
        while not await asyncio.to_thread(self._stop.wait, PERIOD_SECONDS):
            now = time.monotonic()
            if self._worker.problem() is not None:
                behind_since = now
                if now - max(waiting_since, self._worker.last_progress) > RECOVERY_SECONDS:
                    self._end(f"not recovered within {RECOVERY_SECONDS:.0f} s")
                continue
            waiting_since = now
            # Counted from when the broker was last seen to answer: what it was down for is no time to be stuck.
            if self._worker.last_progress > behind_since or not await self._is_behind():
                behind_since = now
            elif now - behind_since > STUCK_SECONDS:
                self._end(f"records wait and none was judged for {now - behind_since:.0f} s")

    async def _is_behind(self) -> bool:
        """Whether the log is ahead of what was judged; ``False`` where no broker says so."""
        reader = consumer(self._settings)
        try:
            await reader.start()
            return await _is_ahead(self._settings, reader, self._worker)
        except (KafkaError, OSError):
            return False
        finally:
            with suppress(KafkaError, OSError):
                await reader.stop()

    def _end(self, why: str) -> None:
        where = {f"{topic}-{p}": offset for (topic, p), offset in self._worker.positions().items()}
        log.critical("watchdog: %s; next offsets %s; the process ends, its supervisor starts it anew", why, where)
        logging.shutdown()
        os._exit(INTERNAL_ERROR)


async def _is_ahead(settings: Settings, reader: AIOKafkaConsumer, worker: StageWorker) -> bool:
    positions = {TopicPartition(topic_name(settings, topic), p): at for (topic, p), at in worker.positions().items()}
    ends = await reader.end_offsets(list(positions))
    return any(ends[tp] > at for tp, at in positions.items())
