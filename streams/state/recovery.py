"""Recovery: manifests first, then the span of the state topic in which the blocks lie that they name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from aiokafka import TopicPartition

from streams.delivery.records import PartitionState, StateFormatError
from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.state.blocks import unseal
from streams.state.checkpoint import HeldPartition
from streams.state.manifest import Manifest, read_manifests, read_to_end
from streams.topics import state_topic


async def load_partitions(
    settings: Settings, stage: str, partitions: Iterable[int], new_state: Callable[[int], PartitionState]
) -> dict[int, HeldPartition]:
    """Return the partitions as their last checkpoint left them; a partition without a manifest starts anew.

    Raises
    ------
    StateFormatError
        A block that a manifest names is missing or damaged: never half a state.
    """
    numbers = sorted(partitions)
    manifests = await read_manifests(settings, stage, numbers)
    blocks = await _read_blocks(settings, stage, manifests)
    held = {}
    for number in numbers:
        part = HeldPartition(number=number, state=new_state(number))
        if (manifest := manifests.get(number)) is not None:
            restore_partition(part, manifest, blocks[number])
        held[number] = part
    return held


def restore_partition(part: HeldPartition, manifest: Manifest, sealed: Mapping[str, bytes]) -> None:
    """Bring a new partition to where a manifest says it was; ``sealed`` are the blocks that were found.

    Raises
    ------
    StateFormatError
        A block that the manifest names is missing or damaged.
    """
    missing = sorted((offset, name) for name, offset in manifest.blocks.items() if name not in sealed)
    if missing:
        raise StateFormatError(
            f"{len(missing)} state blocks of partition {part.number} that its manifest names are not in the state topic"
            f" (offset, block): {missing[:5]}; restore the topic, or start anew under another namespace"
        )
    part.state.restore({name: unseal(raw) for name, raw in sealed.items()})
    part.seq, part.next, part.saved_next = manifest.seq, dict(manifest.next), dict(manifest.next)
    part.saved_registry, part.gone = dict(manifest.registry), dict(manifest.gone)
    part.offsets, part.encoded = dict(manifest.blocks), dict(sealed)
    part.lowest.append((time.monotonic(), min(part.offsets.values(), default=0)))


async def skip_gone(settings: Settings, parts: Iterable[HeldPartition]) -> list[tuple[str, int, int]]:
    """Go on where the log of each source begins, if that is behind where a manifest left off: what lay between is lost.

    Returns
    -------
    (topic, partition, number of records) that retention removed before they were judged; they are counted as ``gone``.
    """
    places = {TopicPartition(topic_name(settings, topic), p.number): (topic, p) for p in parts for topic in p.next}
    if not places:
        return []
    reader = consumer(settings)
    try:
        await reader.start()
        begins = await reader.beginning_offsets(list(places))
    finally:
        await reader.stop()
    found = []
    for tp, (topic, part) in places.items():
        count = begins[tp] - part.next[topic]
        if count > 0:
            part.gone[topic] = part.gone.get(topic, 0) + count
            part.next[topic] = begins[tp]
            found.append((topic, part.number, count))
    return found


async def _read_blocks(settings: Settings, stage: str, manifests: dict[int, Manifest]) -> dict[int, dict[str, bytes]]:
    topic = topic_name(settings, state_topic(stage))
    wanted = {(p, offset): name for p, manifest in manifests.items() for name, offset in manifest.blocks.items()}
    found: dict[int, dict[str, bytes]] = {p: {} for p in manifests}
    start = {TopicPartition(topic, p): min(m.blocks.values()) for p, m in manifests.items() if m.blocks}
    if not wanted:
        return found
    reader = consumer(settings, max_partition_fetch_bytes=8 << 20, fetch_max_bytes=64 << 20)
    try:
        await reader.start()
        async for record in read_to_end(reader, list(start), start):
            if (name := wanted.pop((record.partition, record.offset), None)) is not None:
                found[record.partition][name] = record.value or b""
    finally:
        await reader.stop()
    return found
