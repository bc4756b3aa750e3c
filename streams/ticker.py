"""The ticker: a tick a second into every partition of every topic whose time must move when nothing else comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from aiokafka import AIOKafkaProducer

from schemas import channels
from schemas.envelope import tick_headers
from streams.kafka import producer, topic_name
from streams.settings import Settings
from streams.topics import partitions_of

PERIOD_SECONDS = 1.0


async def write_ticks(settings: Settings, sender: AIOKafkaProducer, time_ns: int) -> None:
    """Write one tick of ``time_ns`` into every partition; return when the broker has confirmed all."""
    headers = list(tick_headers(time_ns))
    futures = [
        await sender.send(topic_name(settings, topic), b"", partition=partition, headers=headers)
        for topic in channels.TICKED
        for partition in range(partitions_of(topic))
    ]
    await asyncio.gather(*futures)


async def run_ticker(settings: Settings, stop: asyncio.Event, now_ns: Callable[[], int] = time.time_ns) -> None:
    """Tick once a second until ``stop``; a tick that cannot be sent is left out, the next one says more."""
    sender = producer(settings, linger_ms=20)
    await sender.start()
    try:
        while not stop.is_set():
            await write_ticks(settings, sender, now_ns())
            try:
                await asyncio.wait_for(stop.wait(), PERIOD_SECONDS)
            except TimeoutError:
                continue
    finally:
        await sender.stop()
