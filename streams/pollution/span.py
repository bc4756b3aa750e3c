"""What was judged between two event times: the series of some quantities, of the whole district."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from aiokafka import TopicPartition

from schemas import channels
from schemas.ids import Mode
from schemas.judged import decode_judged
from schemas.times import SECOND_NS
from streams.kafka import consumer, topic_name
from streams.provision import require_topics
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.topics import UNIT_PARTITIONS, partition_for
from streams.twin.around import Around
from streams.twin.log import judged_ns

Series = dict[str, dict[int, float]]  # series -> event time (ns) -> value


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """From one event time to another (ns); ``mode``: only of series of that mode; ``calm_ns``: nothing rose before."""

    since_ns: int
    until_ns: int
    mode: Mode | None = None
    calm_ns: int | None = None


async def read_span(settings: Settings, span: Span, quantities: Collection[str], view: RegistryView) -> Series:
    """Return the series of ``quantities`` within a span, out of the partitions in which a device sends them.

    Raises
    ------
    OutOfLogError
        The log does not reach back to the span's end.
    """
    await require_topics(settings, channels.JUDGED)
    names, found = frozenset(quantities), defaultdict[str, dict[int, float]](dict)
    units = {device.unit_id for device in view.devices() if names & set(device.quantities)}
    reader = consumer(settings)
    await reader.start()
    try:
        late_ns, behind_ns = round(settings.grace_s * SECOND_NS), round(settings.clock_behind_s * SECOND_NS)
        around = Around(reader, span.until_ns, late_ns, behind_ns)
        look_back_s = (span.until_ns - span.since_ns) / SECOND_NS
        for number in sorted({partition_for(unit_id.encode(), UNIT_PARTITIONS) for unit_id in units}):
            place = TopicPartition(topic_name(settings, channels.JUDGED), number)
            async for record in around.read(place, judged_ns, look_back_s):
                take(record.value or b"", names, span, found)
    finally:
        await reader.stop()
    return found


def take(raw: bytes, names: frozenset[str], span: Span, found: Series) -> None:
    """Keep of one judged record the readings of ``names`` within the span."""
    columns = decode_judged(raw).readings
    if columns is None:
        return
    wanted = {
        place: name
        for place, (name, mode) in enumerate(zip(columns.series, columns.modes, strict=True))
        if name.rpartition("/")[2] in names and span.mode in (None, mode)
    }
    if not wanted:
        return
    index, times = np.frombuffer(columns.index, "<u2"), np.frombuffer(columns.time, "<i8")
    values = np.frombuffer(columns.value, "<f8")
    kept = np.isin(index, list(wanted)) & (times >= span.since_ns) & (times <= span.until_ns)
    for place, time_ns, value in zip(index[kept].tolist(), times[kept].tolist(), values[kept].tolist(), strict=True):
        found.setdefault(wanted[place], {})[time_ns] = value
