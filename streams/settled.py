"""Whether all that is in the log has been judged, followed and stored: what a run that ends by itself waits for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from aiokafka import TopicPartition

from schemas import channels
from streams.kafka import admin, consumer, topic_name
from streams.settings import Settings
from streams.state.manifest import read_manifests
from streams.store.offsets import committed
from streams.topics import STAGE_SOURCES, partitions_of

PERIOD_SECONDS = 0.5
STORE = "store"
STORED = (channels.JUDGED, channels.INDICATORS, channels.ALERTS, channels.ORDERS)
Places = Mapping[tuple[str, int], int]  # (topic, partition) -> next offset


async def wait_until_settled(settings: Settings, timeout_s: float) -> str | None:
    """Wait until each stage's manifests, then the store's offsets, have reached the ends of what they read.

    In the order of the data's way: a stage that has come to its end has confirmed all that the next one will read.
    Nothing may be published meanwhile.

    Returns
    -------
    ``None``, or after ``timeout_s`` what has not come to its end.
    """
    return await wait_until_read(settings, {**STAGE_SOURCES, STORE: STORED}, timeout_s)


async def wait_until_judged(settings: Settings, timeout_s: float) -> str | None:
    """Wait for the stages alone, as ``wait_until_settled`` does where there is a store."""
    return await wait_until_read(settings, STAGE_SOURCES, timeout_s)


async def wait_until_read(settings: Settings, sources: Mapping[str, tuple[str, ...]], timeout_s: float) -> str | None:
    """Wait for some stages, in the order given, as ``wait_until_settled`` does for all; by stage what it reads."""
    deadline = time.monotonic() + timeout_s
    for name, topics in sources.items():
        while True:
            reached = await (stored_to(settings) if name == STORE else judged_to(settings, name))
            left = _left(await ends_of(settings, topics), reached)
            if not left:
                break
            if time.monotonic() >= deadline:
                return f"{name} has not come to the end of {left[0]}" + (f" and {len(left) - 1} more" * (len(left) > 1))
            await asyncio.sleep(PERIOD_SECONDS)
    return None


def _left(ends: Places, reached: Places) -> list[str]:
    return [f"{topic}-{number}" for (topic, number), end in ends.items() if end > reached.get((topic, number), 0)]


async def judged_to(settings: Settings, stage: str) -> Places:
    """Return up to where a stage's newest manifests have come."""
    manifests = await read_manifests(settings, stage)
    return {(topic, n): offset for n, manifest in manifests.items() for topic, offset in manifest.next.items()}


async def stored_to(settings: Settings) -> Places:
    """Return up to where the store has committed what it reads."""
    client = admin(settings)
    try:
        await client.start()
        wanted = {TopicPartition(topic_name(settings, t), n): (t, n) for t in STORED for n in range(partitions_of(t))}
        found = await committed(client, settings, wanted)
    finally:
        await client.close()
    return {wanted[tp]: offset for tp, (offset, _) in found.items()}


async def ends_of(settings: Settings, topics: tuple[str, ...]) -> Places:
    """Return the ends of some topics."""
    reader = consumer(settings)
    try:
        await reader.start()
        wanted = {TopicPartition(topic_name(settings, t), n): (t, n) for t in topics for n in range(partitions_of(t))}
        return {wanted[tp]: end for tp, end in (await reader.end_offsets(list(wanted))).items()}
    finally:
        await reader.stop()
