"""The ticker: a tick a second into every partition of every topic whose time must move when nothing else comes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from schemas import channels
from schemas.envelope import read_envelope, tick_headers
from streams.kafka import consumer, producer, topic_name
from streams.settings import Settings
from streams.topics import partitions_of

log = logging.getLogger(__name__)
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
            try:
                await write_ticks(settings, sender, now_ns())
            except KafkaError as error:
                log.warning("no tick: %s; the next one says more", error)
            try:
                await asyncio.wait_for(stop.wait(), PERIOD_SECONDS)
            except TimeoutError:
                continue
    finally:
        await sender.stop()


async def last_tick(settings: Settings) -> int:
    """Return the time (ns) of the newest tick in the log, 0 if there is none: rows of before would be late."""
    reader = consumer(settings)
    try:
        await reader.start()
        place = TopicPartition(topic_name(settings, channels.REPORTS), 0)  # seldom holds anything but ticks
        reader.assign([place])
        end = (await reader.end_offsets([place]))[place]
        begin = (await reader.beginning_offsets([place]))[place]
        for offset in range(end - 1, begin - 1, -1):
            reader.seek(place, offset)
            envelope = read_envelope(dict((await reader.getone(place)).headers))
            if envelope.is_tick:
                return envelope.time_ns or 0
        return 0
    finally:
        await reader.stop()
