"""Where the group ``store`` stands: its committed offsets, each with its metadata."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams import kafka
from streams.settings import Settings

GROUP = "store"
TRIES = 40
PAUSE_SECONDS = 0.25


async def committed(
    admin: AIOKafkaAdminClient, settings: Settings, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, tuple[int, str]]:
    """Return offset and metadata of those partitions that have been committed.

    Raises
    ------
    KafkaError
        The group's coordinator does not answer: a new broker, or one that takes over, needs some seconds.
    """
    wanted = list(partitions)
    if not wanted:
        return {}
    found = await _asked(admin, kafka.group_name(settings, GROUP), wanted)
    return {tp: (place.offset, place.metadata) for tp, place in found.items() if place.offset >= 0}


async def _asked(
    admin: AIOKafkaAdminClient, group: str, wanted: list[TopicPartition]
) -> dict[TopicPartition, OffsetAndMetadata]:
    for tried in range(TRIES):
        try:
            return await admin.list_consumer_group_offsets(group, partitions=wanted)
        except KafkaError as error:
            if not error.retriable or tried == TRIES - 1:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    raise AssertionError("the last try returns or raises")
