"""The newest version of each alert and case in the log: what reports and commands show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeVar

from aiokafka import ConsumerRecord, TopicPartition

from schemas import channels
from schemas.alerts import Alert
from schemas.codec import decode_alert, decode_order
from schemas.ids import COLOURS, Colour
from schemas.orders import Order
from schemas.times import parse_time
from schemas.watermarks import WATERMARK_TYPE
from streams.kafka import consumer, topic_name
from streams.provision import require_topics
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import partitions_of

E = TypeVar("E", Alert, Order)
WATERMARK = ("ce_type", WATERMARK_TYPE.encode())


async def newest_alerts(settings: Settings) -> dict[str, Alert]:
    """Return the newest version of each alert, by id."""
    return await _newest(settings, channels.ALERTS, decode_alert, lambda alert: alert.alert_id)


async def newest_cases(settings: Settings) -> dict[str, Order]:
    """Return the newest version of each case, by id."""
    return await _newest(settings, channels.ORDERS, decode_order, lambda order: order.case_id)


async def worst_colours(settings: Settings) -> dict[str, Colour]:
    """Return the worst colour that each alert has had in any of its versions."""
    found: dict[str, Colour] = {}
    async for record in events(settings, channels.ALERTS):
        alert = decode_alert(record.value or b"")
        seen: tuple[Colour, Colour] = (found.get(alert.alert_id, "green"), alert.colour)
        found[alert.alert_id] = max(seen, key=COLOURS.index)
    return found


async def raise_latencies(settings: Settings) -> list[float]:
    """Return, for each alert's first record, the seconds from its onset (event time) to its place in the log."""
    found: dict[str, float] = {}
    async for record in events(settings, channels.ALERTS):
        alert = decode_alert(record.value or b"")
        at_s = record.timestamp / 1e3 - settings.clock_behind_s
        found.setdefault(alert.alert_id, at_s - parse_time(alert.first_seen) / 1e9)
    return list(found.values())


async def events(
    settings: Settings, topic: str, partitions: Iterable[int] | None = None, last: int | None = None
) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """Yield what a topic holds now, without watermarks and empty values.

    Parameters
    ----------
    partitions
        ``None``: all.
    last
        At most about so many records of each partition, the newest; ``None``: all.

    Raises
    ------
    SettingsError
        The topic is not there.
    """
    await require_topics(settings, topic)
    reader = consumer(settings)
    try:
        await reader.start()
        name = topic_name(settings, topic)
        numbers = range(partitions_of(topic)) if partitions is None else partitions
        every = [TopicPartition(name, number) for number in numbers]
        start = {} if last is None else {tp: end - last for tp, end in (await reader.end_offsets(every)).items()}
        async for record in read_to_end(reader, every, start):
            if record.value and WATERMARK not in record.headers:
                yield record
    finally:
        await reader.stop()


async def _newest(
    settings: Settings, topic: str, decode: Callable[[bytes], E], identity: Callable[[E], str]
) -> dict[str, E]:
    found: dict[str, E] = {}
    async for record in events(settings, topic):
        event = decode(record.value or b"")
        known = found.get(identity(event))
        if known is None or event.version > known.version:
            found[identity(event)] = event
    return found
