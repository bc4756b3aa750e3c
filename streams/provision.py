"""Makes the topics of the table where they are missing, and says what differs."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from streams.kafka import admin, consumer, quirks_of, topic_name
from streams.settings import Settings, SettingsError
from streams.topics import TOPICS

CONNECT_SECONDS = 10.0
LEADER_SECONDS = 60.0


async def create_topics(settings: Settings, replication: int = 1) -> list[str]:
    """Create what is missing; return the names that were made.

    Raises
    ------
    SettingsError
        The broker cannot be reached, or has a topic with another number of partitions.
    """
    client = admin(settings)
    try:
        await asyncio.wait_for(client.start(), CONNECT_SECONDS)
    except (KafkaError, OSError, TimeoutError) as error:
        why = f"no Kafka at {settings.kafka} ({type(error).__name__})"
        raise SettingsError(f"{why}; start one, or set VITALS_KAFKA or --kafka HOST:PORT") from error
    try:
        existing = set(await client.list_topics())
        wanted = {topic_name(settings, topic.name): topic for topic in TOPICS}
        missing = [
            NewTopic(name, topic.partitions, replication, topic_configs=_config(settings, topic.config, replication))
            for name, topic in wanted.items()
            if name not in existing
        ]
        if missing:
            response = await client.create_topics(missing, timeout_ms=30_000)
            errors: Any = response  # aiokafka types its answers by their base class alone
            for name, code, *_ in errors.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise SettingsError(f"topic {name} could not be made: {for_code(code).__name__}")
        await _check_partitions(client, {name: topic.partitions for name, topic in wanted.items()})
        if missing:
            await _wait_for_leaders(settings, {topic.name: wanted[topic.name].partitions for topic in missing})
        return [topic.name for topic in missing]
    finally:
        await client.close()


async def require_topics(settings: Settings, *topics: str) -> None:
    """Raise ``SettingsError`` if one of these topics of the table is not there: a reader would wait for it."""
    client = admin(settings)
    try:
        await client.start()
        there = set(await client.list_topics())
    finally:
        await client.close()
    missing = [name for name in (topic_name(settings, topic) for topic in topics) if name not in there]
    if missing:
        raise SettingsError(f"topic {missing[0]} is missing: run `vitals topics create`, or see --namespace")


async def describe_topics(settings: Settings) -> list[tuple[str, int, int]]:
    """Return (name, partitions wanted, partitions there) of each topic of the table."""
    client = admin(settings)
    try:
        await client.start()
        there = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics() if not t["error_code"]}
    finally:
        await client.close()
    names = {topic_name(settings, topic.name): topic.partitions for topic in TOPICS}
    return [(name, wanted, there.get(name, 0)) for name, wanted in names.items()]


async def _wait_for_leaders(settings: Settings, partitions: dict[str, int]) -> None:
    """Wait until every new partition answers: a broker names a leader before the leader is ready."""
    reader = consumer(settings)
    try:
        await reader.start()
        every = [TopicPartition(name, number) for name, count in partitions.items() for number in range(count)]
        await asyncio.wait_for(reader.end_offsets(every), LEADER_SECONDS)
    finally:
        await reader.stop()


def _config(settings: Settings, config: dict[str, str], replication: int) -> dict[str, str]:
    safe = {"min.insync.replicas": "2"} if replication >= 3 else {}
    return quirks_of(settings).topic_config(config | safe)


async def _check_partitions(client: AIOKafkaAdminClient, wanted: dict[str, int]) -> None:
    topics = await client.describe_topics(list(wanted))
    for topic in topics:
        have = len(topic["partitions"])
        if not topic["error_code"] and have != wanted[topic["topic"]]:
            raise SettingsError(
                f"topic {topic['topic']} has {have} partitions, not {wanted[topic['topic']]}; "
                "partitions are never added in place: use another --namespace"
            )
