"""Kafka clients, made in one place: names with their namespace, and what each kind of broker needs."""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from schemas import channels
from streams.local.embedded import ClientQuirks, EmbeddedBroker
from streams.settings import Settings

_FROM_SOURCES = (
    *channels.TICKED,
    channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS, channels.REGISTRY_TEAMS, channels.REGISTRY_RULES,
    channels.REGISTRY_GATEWAYS,
)  # fmt: skip


def topic_name(settings: Settings, topic: str) -> str:
    """Return the broker's name of a topic of the table."""
    space = settings.namespace
    if settings.sources_from is not None and topic in _FROM_SOURCES:
        space = settings.sources_from
    return f"{space}.{topic}" if space else topic


def group_name(settings: Settings, group: str) -> str:
    """Return the broker's name of a consumer group (``sense``, ``alert``, ``dispatch``, ``store``)."""
    return f"{settings.namespace}.vitals.{group}" if settings.namespace else f"vitals.{group}"


def quirks_of(settings: Settings) -> ClientQuirks:
    """Return what clients of this broker must do otherwise; the process is made fit for it."""
    found = EmbeddedBroker.quirks if settings.broker == "embedded" else ClientQuirks()
    found.apply()
    return found


def producer(settings: Settings, linger_ms: int = 5) -> AIOKafkaProducer:
    """Return a producer, not yet started; keep and await every send's future."""
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka,
        linger_ms=linger_ms,
        acks="all",
        enable_idempotence=True,
        max_batch_size=900_000,
        max_request_size=4 << 20,
    )


def consumer(settings: Settings, group: str | None = None, **options: Any) -> AIOKafkaConsumer:
    """Return a consumer, not yet started, that never commits by itself and begins at the earliest record."""
    quirks = quirks_of(settings)
    name = None if group is None else group_name(settings, group)
    return AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        group_id=name,
        group_instance_id=None if name is None else quirks.group_instance_id(name),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **options,
    )


def admin(settings: Settings) -> AIOKafkaAdminClient:
    """Return an admin client, not yet started."""
    return AIOKafkaAdminClient(bootstrap_servers=settings.kafka)
