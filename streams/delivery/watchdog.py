"""The watchdog: log ahead and no progress for a minute, or a recovery past its deadline, ends the process."""

from __future__ import annotations

import asyncio
import logging
import os
import time

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.delivery.worker import INTERNAL_ERROR, StageWorker
from streams.kafka import consumer, topic_name
from streams.settings import Settings

log = logging.getLogger(__name__)
PERIOD_SECONDS = 10.0
STUCK_SECONDS = 60.0
RECOVERY_SECONDS = 300.0


async def watch(settings: Settings, worker: StageWorker) -> None:
    """Look every ten seconds, through a client of its own, until cancelled."""
    reader = consumer(settings)
    await reader.start()
    began = time.monotonic()
    try:
        while True:
            await asyncio.sleep(PERIOD_SECONDS)
            if worker.problem() is not None:
                if time.monotonic() - max(began, worker.last_progress) > RECOVERY_SECONDS:
                    _end(f"not recovered within {RECOVERY_SECONDS:.0f} s")
                continue
            idle = time.monotonic() - worker.last_progress
            if idle > STUCK_SECONDS and await _is_behind(settings, reader, worker):
                _end(f"records wait and none was judged for {idle:.0f} s")
    finally:
        await reader.stop()


async def _is_behind(settings: Settings, reader: AIOKafkaConsumer, worker: StageWorker) -> bool:
    positions = {TopicPartition(topic_name(settings, topic), p): at for (topic, p), at in worker.positions().items()}
    try:
        ends = await reader.end_offsets(list(positions))
    except KafkaError:
        return False  # the broker does not answer: not the stage's fault, and not mended by starting it anew
    return any(ends[tp] > at for tp, at in positions.items())


def _end(why: str) -> None:
    log.critical("watchdog: %s; the process ends, and the supervisor starts it anew", why)
    logging.shutdown()
    os._exit(INTERNAL_ERROR)
