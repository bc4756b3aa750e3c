"""Sends repaired letters again, each at most once: what was sent is written down, and is not sent a second time.

A letter's marker is written after its record is confirmed. Killed in between, a replay sends the record again with the
same id and value: sense takes it for a duplicate, or it overwrites its own point.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from schemas import channels
from schemas.times import format_time
from streams.dead_letters.fix import Fix
from streams.dead_letters.letters import Filter, Letter, read_letters, read_replayed
from streams.dead_letters.repair import NotRepairableError, Repaired, repaired
from streams.delivery.fail_points import reached
from streams.kafka import producer, topic_name
from streams.registry.apply import read_known
from streams.settings import Settings

CHUNK = 500


@dataclass(kw_only=True, slots=True)
class Replayed:
    """What became of the chosen letters; ``refused`` counts those that cannot be sent again, by why."""

    sent: int = 0
    sent_before: int = 0
    refused: Counter[str] = field(default_factory=Counter)


async def replay_letters(
    settings: Settings,
    chosen: Filter,
    fix: Fix,
    *,
    is_dry_run: bool = False,
    tell: Callable[[Letter, Repaired], None] = lambda _letter, _record: None,
) -> Replayed:
    """Repair and send the chosen letters; ``tell`` is called with each before it is sent, or would be."""
    done = Replayed()
    before, view = await read_replayed(settings), await read_known(settings)
    async with producer(settings) as sender:
        async for chunk in _chunks(read_letters(settings, chosen)):
            records: list[tuple[Letter, Repaired]] = []
            for letter in chunk:
                if letter.dead.ident in before:
                    done.sent_before += 1
                    continue
                try:
                    record = repaired(letter, fix, view)
                except NotRepairableError as error:
                    done.refused[str(error)] += 1
                    continue
                tell(letter, record)
                records.append((letter, record))
            if not is_dry_run:
                await _send(settings, sender, records)
            done.sent += len(records)
    return done


async def _send(settings: Settings, sender: AIOKafkaProducer, records: list[tuple[Letter, Repaired]]) -> None:
    """Send records, and when all are confirmed their markers."""
    sent = [
        await sender.send(
            topic_name(settings, one.topic), one.value, key=one.key, partition=one.partition, headers=list(one.headers)
        )
        for _, one in records
    ]
    await asyncio.gather(*sent)
    reached("before-markers")
    now = format_time(time.time_ns()).encode()
    marks = topic_name(settings, channels.DEAD_LETTERS_REPLAYED)
    await asyncio.gather(
        *[await sender.send(marks, now, key=letter.dead.ident.encode(), partition=0) for letter, _ in records]
    )


async def _chunks(letters: AsyncIterator[Letter]) -> AsyncIterator[list[Letter]]:
    chunk: list[Letter] = []
    async for letter in letters:
        chunk.append(letter)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
