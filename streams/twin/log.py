"""Reads what a twin is made of out of the log: the unit's own partitions, around the time that is asked for."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import TopicPartition

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.codec import decode_alert, decode_indicator, decode_order
from schemas.ids import district_of
from schemas.judged import decode_judged
from schemas.times import SECOND_NS, format_time, parse_time
from streams.clock import EventClock
from streams.kafka import consumer, topic_name
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.registry.view import RegistryView
from streams.settings import Settings, SettingsError
from streams.topics import DISTRICT_PARTITIONS, UNIT_PARTITIONS, partition_for
from streams.twin.around import Around, Found
from streams.twin.state import Twin, TwinFold

LOOK_BACK_S = 900.0
TOPICS = (channels.INDICATORS, channels.JUDGED, channels.ALERTS, channels.ORDERS)


async def registered_units(settings: Settings) -> list[str]:
    """Return the id of every registered unit."""
    return sorted((await _registry(settings, channels.REGISTRY_UNITS)).units)


async def twin_at(settings: Settings, catalogue: Catalogue, unit_id: str, at_ns: int | None = None) -> Twin:
    """Return a unit's twin at an event time, or now.

    Raises
    ------
    SettingsError
        The time has not come yet, or a topic is missing.
    OutOfLogError
        The log does not reach back so far.
    """
    now_ns = EventClock(settings).now_ns()
    if at_ns is not None and at_ns > now_ns:
        raise SettingsError(f"{format_time(at_ns)} has not come yet; it is {format_time(now_ns)}")
    at = now_ns if at_ns is None else at_ns
    await require_topics(settings, *TOPICS)
    own = partition_for(unit_id.encode(), UNIT_PARTITIONS)
    fold = TwinFold(unit_id, at)
    await _fold(settings, fold, at, own, partition_for(district_of(unit_id).encode(), DISTRICT_PARTITIONS))
    view = await _registry(settings, channels.REGISTRY_DEVICES, (own,))
    devices = [one for known in view.devices() if (one := view.device_at(known.device_id, at)) is not None]
    here = [device for device in devices if device.unit_id == unit_id]
    return fold.twin(catalogue, here, LOOK_BACK_S)


async def _fold(settings: Settings, fold: TwinFold, at_ns: int, own: int, district: int) -> None:
    """Fold what the log holds of a unit whose partition is ``own``, and its district's ``district``."""
    reader = consumer(settings)
    await reader.start()
    try:
        late_ns, behind_ns = round(settings.grace_s * SECOND_NS), round(settings.clock_behind_s * SECOND_NS)
        around = Around(reader, at_ns, late_ns, behind_ns)
        indicators, judged, alerts, orders = (topic_name(settings, topic) for topic in TOPICS)
        async for record in around.read(TopicPartition(indicators, own), _indicator_ns, LOOK_BACK_S):
            fold.indicator(decode_indicator(record.value or b""))
        async for record in around.read(TopicPartition(judged, own), judged_ns, LOOK_BACK_S):
            fold.judged(decode_judged(record.value or b""))
        async for record in around.read(TopicPartition(alerts, district), _alert_ns, None):
            fold.alert(decode_alert(record.value or b""))
        async for record in around.read(TopicPartition(orders, district), _order_ns, None):
            fold.case(decode_order(record.value or b""))
    finally:
        await reader.stop()


async def _registry(settings: Settings, topic: str, partitions: Iterable[int] | None = None) -> RegistryView:
    await require_topics(settings, topic)
    reader = RegistryReader(settings, (topic,))
    try:
        await reader.catch_up(partitions)
    finally:
        await reader.stop()
    return reader.view


def _indicator_ns(record: Found) -> int:
    return parse_time(decode_indicator(record.value or b"").window_start)


def judged_ns(record: Found) -> int | None:
    """Return the newest event time (ns) of a record of ``vitals.judged``; ``None``: a backfill, or no rows."""
    found = decode_judged(record.value or b"")
    if found.backfill:
        return None
    if found.readings is not None:
        return max(memoryview(found.readings.time).cast("q"), default=None)
    times = [row.time for row in found.crowd or ()] + [row.time for row in found.video or ()]
    times += [row.time for row in found.reports or ()]
    return max(map(parse_time, times), default=None)


def _alert_ns(record: Found) -> int:
    return parse_time(decode_alert(record.value or b"").sent)


def _order_ns(record: Found) -> int:
    order = decode_order(record.value or b"")
    return max((parse_time(entry.time) for entry in order.steps), default=parse_time(order.opened))
