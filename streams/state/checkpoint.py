"""Checkpoints: blocks confirmed, then the manifest confirmed, then the group's offsets (a hint: the manifest decides).

The cut is taken between two batches; the writes go on while the agent works. Blocks are named by their offset, which
never changes what it holds: a stopped worker that wakes up late cannot damage what a manifest names.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from streams.delivery.fail_points import reached
from streams.delivery.records import PartitionState
from streams.state.blocks import seal
from streams.state.manifest import KEY, Counters, Manifest, encode_manifest
from streams.topics import manifest_topic, state_topic

REMEMBERED_SECONDS = 3_600.0  # blocks that a manifest of the last hour names are not trimmed

Send = Callable[[Sequence[tuple[str, bytes, bytes, int]]], Awaitable[list[int]]]  # (topic, key, value, partition)


@dataclass(slots=True)
class HeldPartition:
    """A partition number that this worker owns: its state, how far it has come, and what is written of it."""

    number: int
    state: PartitionState
    seq: int = 0
    next: dict[str, int] = field(default_factory=dict)
    saved_next: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)  # records that the log dropped before they were judged
    saved_registry: dict[str, int] = field(default_factory=dict)  # what the last manifest tells of the registry
    offsets: dict[str, int] = field(default_factory=dict)  # block -> offset
    encoded: dict[str, bytes] = field(default_factory=dict)  # block -> the bytes that lie there
    lowest: deque[tuple[float, int]] = field(default_factory=deque)  # (when, lowest offset that a manifest named)


@dataclass(frozen=True, slots=True)
class Cut:
    """What one checkpoint writes of one partition."""

    part: HeldPartition
    seq: int
    next: dict[str, int]
    blocks: dict[str, bytes]
    removed: tuple[str, ...]
    counters: Counters
    gone: dict[str, int]
    registry: dict[str, int]


class Checkpointer:
    """Writes the checkpoints of one stage in this worker; ``send`` returns the offsets once all are confirmed."""

    def __init__(
        self,
        stage: str,
        send: Send,
        commit: Callable[[dict[tuple[str, int], int]], Awaitable[bool]],
        counters: Callable[[PartitionState], Counters],
    ) -> None:
        self._blocks_topic, self._manifests_topic = state_topic(stage), manifest_topic(stage)
        self._send, self._commit, self._counters = send, commit, counters
        self._one_at_a_time = asyncio.Lock()
        self._writing: asyncio.Future[dict[int, int]] | None = None  # kept, for a loop holds its tasks weakly

    async def write(
        self,
        parts: Callable[[], Iterable[HeldPartition]],
        between_batches: asyncio.Lock,
        generation: int,
        registry: dict[int, dict[str, int]],
    ) -> dict[int, int]:
        """Write what changed; return, by partition, the offset below which the state topic may be trimmed.

        Nothing may be trimmed where the group has refused the commit: the partition is another's by now, and what a
        stopped worker no longer names its successor's manifests may. Who is cancelled does not cancel the write: what
        the cut took counts as saved, and the next write waits for this one.
        """
        self._writing = asyncio.ensure_future(self._write(parts, between_batches, generation, registry))
        return await asyncio.shield(self._writing)

    async def _write(
        self,
        parts: Callable[[], Iterable[HeldPartition]],
        between_batches: asyncio.Lock,
        generation: int,
        registry: dict[int, dict[str, int]],
    ) -> dict[int, int]:
        async with self._one_at_a_time:
            async with between_batches:
                cuts = [
                    self._cut(p, registry.get(p.number, {}))
                    for p in parts()
                    if p.next != p.saved_next or registry.get(p.number, {}) != p.saved_registry
                ]
            await self._write_blocks(cuts)
            if cuts:
                reached("after-blocks")
            await self._write_manifests(cuts, generation)
            if cuts:
                reached("after-manifest")
            for cut in cuts:
                cut.part.saved_next, cut.part.saved_registry = cut.next, cut.registry
            offsets = {(topic, cut.part.number): offset for cut in cuts for topic, offset in cut.next.items()}
            is_owner = bool(offsets) and await self._commit(offsets)
            if offsets:
                reached("after-commit")
            now = time.monotonic()
            lowest = {cut.part.number: _trimmable(cut.part, now) for cut in cuts}
            return lowest if is_owner else {}

    def _cut(self, part: HeldPartition, registry: dict[str, int]) -> Cut:
        changed = part.state.changed_blocks()
        removed = tuple(name for name, block in changed.items() if not block)
        blocks = {name: seal(block) for name, block in changed.items() if block}
        clean = [name for name in part.offsets if name not in changed]
        if clean:  # the oldest clean block is written along, so that the span to read back stays short
            oldest = min(clean, key=part.offsets.__getitem__)
            blocks[oldest] = part.encoded[oldest]
        part.seq += 1
        return Cut(
            part, part.seq, dict(part.next), blocks, removed, self._counters(part.state), dict(part.gone), registry
        )

    async def _write_blocks(self, cuts: Sequence[Cut]) -> None:
        records = [
            (self._blocks_topic, name.encode(), block, cut.part.number)
            for cut in cuts
            for name, block in cut.blocks.items()
        ]
        offsets = iter(await self._send(records))
        for cut in cuts:
            for name in cut.removed:
                cut.part.offsets.pop(name, None)
                cut.part.encoded.pop(name, None)
            for name, block in cut.blocks.items():
                cut.part.offsets[name], cut.part.encoded[name] = next(offsets), block

    async def _write_manifests(self, cuts: Sequence[Cut], generation: int) -> None:
        records = []
        for cut in cuts:
            manifest = Manifest(
                seq=cut.seq,
                generation=generation,
                next=cut.next,
                blocks=dict(cut.part.offsets),
                counters=cut.counters,
                gone=cut.gone,
                registry=cut.registry,
            )
            records.append((self._manifests_topic, KEY, encode_manifest(manifest), cut.part.number))
        await self._send(records)


def _trimmable(part: HeldPartition, now: float) -> int:
    part.lowest.append((now, min(part.offsets.values(), default=0)))
    while len(part.lowest) > 1 and part.lowest[0][0] < now - REMEMBERED_SECONDS:
        part.lowest.popleft()
    return min(offset for _, offset in part.lowest)
