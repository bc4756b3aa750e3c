"""How far and how fast each stage has come: lag, rates, age of the watermark, and what died in the last hour."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import channels
from schemas.times import SECOND_NS
from streams.clock import EventClock
from streams.delivery.watermarks import decode_watermark, is_watermark
from streams.kafka import consumer, topic_name
from streams.settings import Settings
from streams.settled import STORE, STORED, Places, ends_of, judged_to, stored_to
from streams.state.manifest import read_to_end
from streams.topics import STAGE_SOURCES, partitions_of

SAMPLE_SECONDS = 2.0
TAIL_RECORDS = 2_000  # of a partition: where the newest watermarks lie
DEAD_SECONDS = 3_600
MAX_LETTERS = 100_000  # of a partition
IN_BAND = {"sense": channels.ANOMALIES, "alert": channels.ALERTS}  # where a stage passes its watermark on


class StageProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One stage; rates count records (packs, ticks) a second over two seconds."""

    stage: str
    behind: int  # records that it has not saved as read; it saves every 10 s
    in_per_s: float  # of all that it reads
    watermark_age_s: float | None  # how far its event time is behind the clock; ``None``: it passes none on


async def progress(settings: Settings) -> list[StageProgress]:
    """Return the progress of each stage and the store, in the order of the data's way."""
    sources = {**STAGE_SOURCES, STORE: STORED}
    before = {stage: await ends_of(settings, topics) for stage, topics in sources.items()}
    began = time.monotonic()
    reached = {stage: await judged_to(settings, stage) for stage in STAGE_SOURCES}
    reached[STORE] = await stored_to(settings)
    ages = {stage: await _watermark_age(settings, topic) for stage, topic in IN_BAND.items()}
    await asyncio.sleep(max(0.0, SAMPLE_SECONDS - (time.monotonic() - began)))
    found = []
    for stage, topics in sources.items():
        after, seconds = await ends_of(settings, topics), time.monotonic() - began
        found.append(
            StageProgress(
                stage=stage,
                behind=_behind(before[stage], reached[stage]),
                in_per_s=round(sum(after[at] - before[stage][at] for at in after) / seconds, 1),
                watermark_age_s=ages.get(stage),
            )
        )
    return found


async def dead_lately(settings: Settings) -> dict[str, int]:
    """Return how many dead letters came within the last hour, by reason."""
    topic = topic_name(settings, channels.DEAD_LETTERS)
    reader = consumer(settings)
    reasons: Counter[str] = Counter()
    await reader.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions_of(channels.DEAD_LETTERS))]
        since_ms = int((time.time() - DEAD_SECONDS) * 1_000)
        first = await reader.offsets_for_times(dict.fromkeys(places, since_ms))
        ends = await reader.end_offsets(places)
        start = {place: max(at.offset, ends[place] - MAX_LETTERS) for place, at in first.items() if at is not None}
        async for record in read_to_end(reader, list(start), start):
            reasons[dict(record.headers).get("dl_reason", b"?").decode(errors="replace")] += 1
    finally:
        await reader.stop()
    return dict(reasons.most_common())


async def _watermark_age(settings: Settings, topic: str) -> float | None:
    """Return the age of the lowest of the newest watermarks in a topic, s; ``None``: there is none."""
    reader = consumer(settings)
    await reader.start()
    try:
        newest = await _watermarks(settings, reader, topic)
    finally:
        await reader.stop()
    return round((EventClock(settings).now_ns() - min(newest.values())) / SECOND_NS, 1) if newest else None


async def _watermarks(settings: Settings, reader: AIOKafkaConsumer, topic: str) -> dict[int, int]:
    places = [TopicPartition(topic_name(settings, topic), number) for number in range(partitions_of(topic))]
    start = {place: end - TAIL_RECORDS for place, end in (await reader.end_offsets(places)).items()}
    newest: dict[int, int] = {}
    async for record in read_to_end(reader, places, start):
        if is_watermark(dict(record.headers)):
            mark = decode_watermark(record.value or b"")
            newest[mark.source_partition] = max(newest.get(mark.source_partition, 0), mark.watermark)
    return newest


def _behind(ends: Places, reached: Places) -> int:
    return sum(max(0, end - reached.get(at, 0)) for at, end in ends.items())
