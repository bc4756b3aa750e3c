"""Sends a generated log as a gateway would: confirmed, and sent again (with the same id) what was not.

What was confirmed goes into a history file, one JSON line a record: the judge holds the outcome against it offline.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.kafka import producer, topic_name
from streams.settings import Settings
from tests.faults.generator import Planned

CHUNK = 500
RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One record that the broker has confirmed."""

    topic: str
    partition: int
    offset: int
    rows: int


async def publish(
    settings: Settings,
    records: Iterable[Planned],
    history: Path,
    *,
    records_per_s: float | None = None,
    gateway: AIOKafkaProducer | None = None,
) -> None:
    """Send records in order, and append to ``history`` what was confirmed; a broker that is down is waited for.

    Parameters
    ----------
    records_per_s
        None: as fast as it goes.
    gateway
        A started producer; None: one of its own.
    """
    own = gateway or producer(settings)
    if gateway is None:
        await own.start()
    try:
        with history.open("a", encoding="utf-8") as file:
            started, sent = asyncio.get_running_loop().time(), 0
            for chunk in _chunks(records, CHUNK if records_per_s is None else max(1, round(records_per_s / 10))):
                for acknowledged in await _send(settings, own, chunk):
                    file.write(json.dumps(acknowledged) + "\n")
                file.flush()
                sent += len(chunk)
                if records_per_s is not None:
                    await asyncio.sleep(started + sent / records_per_s - asyncio.get_running_loop().time())
    finally:
        if gateway is None:
            await own.stop()


def read_history(history: Path) -> list[Acknowledged]:
    """Return all that was acknowledged."""
    return [Acknowledged(*json.loads(line)) for line in history.read_text(encoding="utf-8").splitlines()]


async def _send(settings: Settings, gateway: AIOKafkaProducer, chunk: list[Planned]) -> list[tuple[str, int, int, int]]:
    """Send until each is confirmed; what was not is sent again, in order, as a gateway's own retry would."""
    left, done = chunk, []
    while left:
        outcomes = await asyncio.gather(*[await _begin(settings, gateway, one) for one in left], return_exceptions=True)
        failed = []
        for one, outcome in zip(left, outcomes, strict=True):
            if isinstance(outcome, KafkaError):
                failed.append(one)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                done.append((one.topic, one.partition, outcome.offset, one.rows))
        left = failed
        if left:
            await asyncio.sleep(RETRY_SECONDS)
    return done


async def _begin(settings: Settings, gateway: AIOKafkaProducer, one: Planned) -> Any:
    name = topic_name(settings, one.topic)
    return await gateway.send(name, one.value, key=one.key, partition=one.partition, headers=list(one.headers))


def _chunks(records: Iterable[Planned], size: int) -> Iterator[list[Planned]]:
    rest = iter(records)
    while chunk := list(islice(rest, size)):
        yield chunk
