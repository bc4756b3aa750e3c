"""The newest version of each alert and case in the log: what reports and commands show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiokafka import TopicPartition

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_alert, decode_order
from schemas.orders import Order
from schemas.times import parse_time
from schemas.watermarks import WATERMARK_TYPE
from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of

E = TypeVar("E", Alert, Order)


async def newest_alerts(settings: Settings) -> dict[str, Alert]:
    """Return the newest version of each alert, by id."""
    return await _newest(settings, channels.ALERTS, decode_alert, lambda alert: alert.alert_id)


async def newest_cases(settings: Settings) -> dict[str, Order]:
    """Return the newest version of each case, by id."""
    return await _newest(settings, channels.ORDERS, decode_order, lambda order: order.case_id)


async def _newest(
    settings: Settings, topic: str, decode: Callable[[bytes], E], identity: Callable[[E], str]
) -> dict[str, E]:
    reader = consumer(settings)
    await reader.start()
    found: dict[str, E] = {}
    try:
        name = topic_name(settings, topic)
        every = [TopicPartition(name, number) for number in range(partitions_of(topic))]
        async for record in read_to_end(reader, every):
            if any(header == ("ce_type", WATERMARK_TYPE.encode()) for header in record.headers) or not record.value:
                continue
            event = decode(record.value)
            known = found.get(identity(event))
            if known is None or event.version > known.version:
                found[identity(event)] = event
    finally:
        await reader.stop()
    return found


async def raise_latencies(settings: Settings) -> list[float]:
    """Return, for each alert's first record, the seconds from its onset (event time) to its place in the log."""
    reader = consumer(settings)
    await reader.start()
    found: dict[str, float] = {}
    try:
        name = topic_name(settings, channels.ALERTS)
        every = [TopicPartition(name, number) for number in range(partitions_of(channels.ALERTS))]
        async for record in read_to_end(reader, every):
            if record.value and not any(header == ("ce_type", WATERMARK_TYPE.encode()) for header in record.headers):
                alert = decode_alert(record.value)
                found.setdefault(alert.alert_id, record.timestamp / 1e3 - parse_time(alert.first_seen) / 1e9)
    finally:
        await reader.stop()
    return list(found.values())
