"""A replay without a server: a source's records through sense and alert, time following the data."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from schemas import channels
from schemas.envelope import PROVISIONAL, tick_headers
from schemas.times import SECOND_NS
from schemas.watermarks import WATERMARK_TYPE
from simulators.replay import Source
from streams.alert.partition import AlertPartition
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Record
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.topics import DISTRICT_PARTITIONS, UNIT_PARTITIONS, partition_for

DISORDER_NS, GRACE_NS = 10 * SECOND_NS, 600 * SECOND_NS
AFTER_S = 3_600


def alerts_of(source: Source) -> list[bytes]:
    """Return all settled versions of alerts that a source's records bring about."""
    catalogue, view = load_catalogue(), RegistryView()
    for unit in source.registry.units:
        view.apply(channels.REGISTRY_UNITS, b"-", msgspec.json.encode(unit))
    sense = [
        SensePartition(n, catalogue, view, pace=Pace(), disorder_ns=DISORDER_NS, grace_ns=GRACE_NS)
        for n in range(UNIT_PARTITIONS)
    ]
    alert = [AlertPartition(n, catalogue, Pace(), DISORDER_NS, view.units) for n in range(DISTRICT_PARTITIONS)]
    found: list[bytes] = []
    by_time: dict[int, list[Record]] = defaultdict(list)
    for offset, one in enumerate(source.records(0)):
        place = partition_for(one.key, UNIT_PARTITIONS)
        record = Record(
            topic=one.topic,
            partition=place,
            offset=offset,
            append_ns=one.time_ns,
            key=one.key,
            value=one.value,
            headers=dict(one.headers),
        )
        by_time[one.time_ns].append(record)
    assert source.last_ns is not None
    by_time[source.last_ns + AFTER_S * SECOND_NS] = []
    for time_ns, records in sorted(by_time.items()):
        effects = []
        for number, state in enumerate(sense):
            ticks = [_tick(topic, number, time_ns) for topic in channels.SOURCES]
            own = [record for record in records if record.partition == number]
            effects += state.fold([*own, *ticks])
        for number, district in enumerate(alert):
            inputs = [
                Record(
                    topic=effect.topic,
                    partition=number,
                    offset=0,
                    append_ns=time_ns,
                    key=effect.key,
                    value=effect.value,
                    headers=dict(effect.headers),
                )
                for effect in effects
                if effect.topic in (channels.ANOMALIES, channels.UNIT_SCORES) and effect.partition == number
            ]
            for effect in district.fold([*inputs, _tick(channels.ACTIONS, number, time_ns)]):
                headers = dict(effect.headers)
                is_settled = headers.get("ce_type") != WATERMARK_TYPE.encode() and PROVISIONAL not in headers
                if effect.topic == channels.ALERTS and is_settled:
                    found.append(effect.value)
    return found


def _tick(topic: str, number: int, time_ns: int) -> Record:
    headers = dict(tick_headers(time_ns))
    return Record(topic=topic, partition=number, offset=0, append_ns=time_ns, key=None, value=b"", headers=headers)
