"""Looks at offsets and manifests while a fault goes on: committed offsets never go back, nor past the manifest (I3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka import admin, group_name, topic_name
from streams.settings import Settings
from streams.state.manifest import read_manifests
from streams.topics import STAGE_SOURCES

PERIOD_SECONDS = 1.0
Place = tuple[str, str, int]  # stage, topic, partition


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[list[str]]:
    """Watch until the block ends; yield the list that violations go into."""
    violations: list[str] = []
    task = asyncio.create_task(_watch(settings, violations))
    try:
        yield violations
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(settings: Settings, violations: list[str]) -> None:
    before: dict[Place, int] = {}
    while True:
        with suppress(KafkaError, OSError):  # the broker may be the one that is killed
            before |= await _look(settings, before, violations)
        await asyncio.sleep(PERIOD_SECONDS)


async def _look(settings: Settings, before: dict[Place, int], violations: list[str]) -> dict[Place, int]:
    """Read the commits first, then the manifests: what moves meanwhile makes the manifests newer, never older."""
    client = admin(settings)
    try:
        await client.start()
        committed = {place: at for stage in STAGE_SOURCES for place, at in await _committed(settings, client, stage)}
    finally:
        await client.close()
    for stage in STAGE_SOURCES:
        manifests = await read_manifests(settings, stage)
        for (name, topic, number), at in committed.items():
            if name != stage:
                continue
            manifest = manifests.get(number)
            promised = 0 if manifest is None else manifest.next.get(topic, 0)
            if at > promised:
                violations.append(f"I3: {stage} committed {at} of {topic}-{number}; its manifest says {promised}")
            if at < before.get((stage, topic, number), 0):
                violations.append(f"I3: {stage}'s commit of {topic}-{number} went back to {at}")
    return committed


async def _committed(settings: Settings, client: AIOKafkaAdminClient, stage: str) -> list[tuple[Place, int]]:
    names = {topic_name(settings, topic): topic for topic in STAGE_SOURCES[stage]}
    found = await client.list_consumer_group_offsets(group_name(settings, stage))
    return [
        ((stage, names[tp.topic], tp.partition), meta.offset)
        for tp, meta in found.items()
        if tp.topic in names and meta.offset >= 0
    ]
