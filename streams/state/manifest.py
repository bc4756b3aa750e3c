"""Manifests: how far a partition's state has come in its sources, and at which offset each of its blocks lies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.topics import manifest_topic, partitions_of

KEY = b"manifest"
FORMAT = 1
Counters = dict[str, dict[str, int]]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint of one partition number; topics are without namespace."""

    seq: int
    generation: int
    next: dict[str, int]  # source topic -> offset of the first record that is not in the state
    blocks: dict[str, int]  # block -> its offset in the state topic
    counters: Counters = {}  # source topic -> in, judged, late, dead, duplicate
    gone: dict[str, int] = {}  # source topic -> how many of its records the log dropped before they were judged
    registry: dict[str, int] = {}  # registry topic -> how many of its records the stage had read
    format: int = FORMAT


_decoder = msgspec.json.Decoder(Manifest)
encode_manifest = msgspec.json.Encoder().encode


def furthest(manifests: Iterable[Manifest]) -> Manifest | None:
    """Return the manifest that counts: the furthest in the sources, then of the highest generation and number."""
    return max(
        manifests, key=lambda m: (sum(m.next.values()), m.generation, m.seq, sorted(m.next.items())), default=None
    )


async def read_manifests(
    settings: Settings, stage: str, partitions: Iterable[int] | None = None
) -> dict[int, Manifest]:
    """Return the manifest that counts of each partition that has one."""
    topic = topic_name(settings, manifest_topic(stage))
    wanted = range(partitions_of(manifest_topic(stage))) if partitions is None else sorted(partitions)
    if not wanted:
        return {}  # a consumer that is stopped as soon as it has started raises CancelledError (aiokafka 0.14)
    reader = consumer(settings)
    found: dict[int, list[Manifest]] = {}
    try:
        await reader.start()
        assigned = [TopicPartition(topic, number) for number in wanted]
        async for record in read_to_end(reader, assigned):
            if record.value:
                found.setdefault(record.partition, []).append(_decoder.decode(record.value))
    finally:
        await reader.stop()
    newest = {partition: furthest(manifests) for partition, manifests in found.items()}
    return {partition: manifest for partition, manifest in newest.items() if manifest is not None}


async def read_to_end(
    reader: AIOKafkaConsumer, assigned: Sequence[TopicPartition], start: Mapping[TopicPartition, int] | None = None
) -> AsyncIterator[ConsumerRecord[bytes, bytes]]:
    """Yield every record of ``assigned`` from ``start`` (topic-partition -> offset; else the beginning) to its end."""
    if not assigned:
        return
    reader.assign(assigned)
    ends = await reader.end_offsets(assigned)
    begins = await reader.beginning_offsets(assigned)
    left = set()
    for tp in assigned:
        first = max(begins[tp], (start or {}).get(tp, begins[tp]))
        reader.seek(tp, first)
        if first < ends[tp]:
            left.add(tp)
    reader.pause(*(set(assigned) - left))
    while left:
        for tp, records in (await reader.getmany(*left, timeout_ms=200)).items():
            for record in records:
                if record.offset < ends[tp]:
                    yield record
        for tp in list(left):
            if await reader.position(tp) >= ends[tp]:
                left.discard(tp)
                reader.pause(tp)
