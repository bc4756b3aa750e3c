"""Reads what a twin is made of out of the log: the unit's own partitions, around the time that is asked for.

Where in a topic that time lies is found by halving: events of one partition come nearly in the order of their times,
whatever the broker's clock said when they were appended (a replay's said something else altogether).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas import channels
from schemas.codec import decode_alert, decode_indicator, decode_order
from schemas.ids import district_of
from schemas.judged import decode_judged
from schemas.times import MAX_NS, SECOND_NS, format_time, parse_time
from streams.catalogue.files import load_catalogue
from streams.clock import EventClock
from streams.delivery.watermarks import is_watermark
from streams.kafka import consumer, topic_name
from streams.provision import require_topics
from streams.registry.reader import RegistryReader
from streams.registry.view import RegistryView
from streams.settings import Settings, SettingsError
from streams.state.manifest import read_to_end
from streams.topics import DISTRICT_PARTITIONS, UNIT_PARTITIONS, partition_for
from streams.twin.state import Twin, TwinFold

LOOK_BACK_S = 900.0
SLACK_NS = 60 * SECOND_NS  # events come out of order by less than that
Found = ConsumerRecord[bytes, bytes]


async def unit_ids(settings: Settings, name: str) -> list[str]:
    """Return the registered units and tiers that ``name`` means: the one of that id, else those that end with it."""
    units = (await _registry(settings, (channels.REGISTRY_UNITS,))).units
    if name in units or any(unit_id.startswith(f"{name}.") for unit_id in units):
        return [name]
    return sorted(unit_id for unit_id in units if unit_id.endswith(f".{name}"))


async def twin_at(settings: Settings, unit_id: str, at_ns: int | None = None) -> Twin:
    """Return a unit's twin at an event time, or now.

    Raises
    ------
    SettingsError
        The time has not come yet, or the log does not reach back so far.
    """
    now_ns = EventClock(settings).now_ns()
    if at_ns is not None and at_ns > now_ns:
        raise SettingsError(f"{format_time(at_ns)} has not come yet; it is {format_time(now_ns)}")
    at = now_ns if at_ns is None else at_ns
    view = await _registry(settings, (channels.REGISTRY_DEVICES, channels.REGISTRY_UNITS))
    fold = TwinFold(unit_id, at)
    district = partition_for(district_of(unit_id).encode(), DISTRICT_PARTITIONS)
    own = partition_for(unit_id.encode(), UNIT_PARTITIONS)
    reader = consumer(settings)
    await reader.start()
    try:
        around = _Around(settings, reader, at)
        async for record in around.read(channels.INDICATORS, own, _indicator_ns, LOOK_BACK_S):
            fold.indicator(decode_indicator(record.value or b""))
        async for record in around.read(channels.JUDGED, own, _judged_ns, LOOK_BACK_S):
            fold.judged(decode_judged(record.value or b""))
        async for record in around.read(channels.ALERTS, district, _alert_ns, None):
            fold.alert(decode_alert(record.value or b""))
        async for record in around.read(channels.ORDERS, district, _order_ns, None):
            fold.case(decode_order(record.value or b""))
    finally:
        await reader.stop()
    devices = [one for known in view.devices() if (one := view.device_at(known.device_id, at)) is not None]
    here = [device for device in devices if device.unit_id == unit_id]
    return fold.twin(load_catalogue(Path(settings.catalogue)), here, LOOK_BACK_S)


class _Around:
    """Reads partitions around a time."""

    def __init__(self, settings: Settings, reader: AIOKafkaConsumer, at_ns: int) -> None:
        self._settings, self._reader, self._at_ns = settings, reader, at_ns

    async def read(
        self, topic: str, partition: int, time_of: Callable[[Found], int], look_back_s: float | None
    ) -> AsyncIterator[Found]:
        """Yield records from ``look_back_s`` before the time (``None``: from the beginning) to a little after it."""
        await require_topics(self._settings, topic)
        place = TopicPartition(topic_name(self._settings, topic), partition)
        first = 0
        if look_back_s is not None:
            since_ns = self._at_ns - round(look_back_s * SECOND_NS) - SLACK_NS
            first = await self._halve(place, since_ns, time_of)
        async for record in read_to_end(self._reader, [place], {place: first}):
            if not record.value or is_watermark(dict(record.headers)):
                continue
            if time_of(record) > self._at_ns + SLACK_NS:
                return
            yield record

    async def _halve(self, place: TopicPartition, time_ns: int, time_of: Callable[[Found], int]) -> int:
        """Return an offset before which nothing as late as ``time_ns`` lies."""
        begin = (await self._reader.beginning_offsets([place]))[place]
        end = (await self._reader.end_offsets([place]))[place]
        self._reader.assign([place])
        low, high = begin, end
        while low < high:
            middle = (low + high) // 2
            found = await self._first(place, middle, high)
            if found is None or time_of(found) >= time_ns:
                high = middle
            else:
                low = found.offset + 1
        return int(low)

    async def _first(self, place: TopicPartition, offset: int, end: int) -> Found | None:
        """Return the first record from ``offset`` on that holds an event; ``None`` if there is none before ``end``."""
        self._reader.seek(place, offset)
        while True:
            record: Found = await self._reader.getone(place)
            if record.offset >= end:
                return None
            if record.value and not is_watermark(dict(record.headers)):
                return record
            if record.offset + 1 >= end:
                return None


async def _registry(settings: Settings, topics: tuple[str, ...]) -> RegistryView:
    await require_topics(settings, *topics)
    reader = RegistryReader(settings, topics)
    try:
        await reader.catch_up()
    finally:
        await reader.stop()
    return reader.view


def _indicator_ns(record: Found) -> int:
    return parse_time(decode_indicator(record.value or b"").window_start)


def _judged_ns(record: Found) -> int:
    found = decode_judged(record.value or b"")
    if found.readings is not None:
        return max(memoryview(found.readings.time).cast("q"), default=0)
    times = [row.time for row in found.crowd or ()] + [row.time for row in found.video or ()]
    times += [row.time for row in found.reports or ()]
    return max(map(parse_time, times), default=MAX_NS)


def _alert_ns(record: Found) -> int:
    return parse_time(decode_alert(record.value or b"").sent)


def _order_ns(record: Found) -> int:
    order = decode_order(record.value or b"")
    return parse_time(order.steps[-1].time if order.steps else order.opened)
