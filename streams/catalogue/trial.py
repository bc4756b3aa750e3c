"""What a changed catalogue entry would have raised: the last minutes of the log, judged by both, side by side."""

from __future__ import annotations

import time
from collections import defaultdict

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from schemas import channels
from schemas.anomalies import Anomaly
from schemas.catalogue import Catalogue
from schemas.times import SECOND_NS
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS
from streams.kafka import consumer, topic_name
from streams.pace import Pace
from streams.registry.apply import read_known
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.settings import Settings
from streams.state.manifest import read_to_end
from streams.topics import UNIT_PARTITIONS

BATCH = 500
MAX_RECORDS = 2_000_000  # of all partitions: a trial is looked at, not lived in
_anomaly = msgspec.json.Decoder(Anomaly)


class Raised(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One anomaly that would have begun."""

    onset: str
    scenario: str
    detector: str
    unit_id: str
    subject: str
    score: float


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What the present catalogue and the changed one raise on the same records, and how they differ."""

    records: int
    seconds: float
    is_cut: bool  # there was more in that time than a trial reads
    before: int
    after: int
    new: tuple[Raised, ...]
    gone: tuple[Raised, ...]


async def try_catalogue(settings: Settings, before: Catalogue, after: Catalogue, seconds: float) -> Trial:
    """Judge the last ``seconds`` of the log by both catalogues; nothing is written."""
    view = await read_known(settings)
    view.rules = {}  # what is tried is what is given
    names = {topic_name(settings, topic): topic for topic in channels.SOURCES}
    reader = consumer(settings)
    await reader.start()
    found: dict[int, list[Record]] = defaultdict(list)
    count = 0
    try:
        places = [TopicPartition(name, number) for name in names for number in range(UNIT_PARTITIONS)]
        since_ms = round((time.time() - seconds) * 1_000)
        starts = await reader.offsets_for_times(dict.fromkeys(places, since_ms))
        begin = {place: at.offset for place, at in starts.items() if at is not None}
        async for record in read_to_end(reader, list(begin), begin):
            found[record.partition].append(_record(names[record.topic], record))
            count += 1
            if count >= MAX_RECORDS:
                break
    finally:
        await reader.stop()
    old, new = (judge(settings, catalogue, view, found) for catalogue in (before, after))
    return Trial(
        records=count,
        seconds=seconds,
        is_cut=count >= MAX_RECORDS,
        before=len(old),
        after=len(new),
        new=tuple(sorted(new - old)),
        gone=tuple(sorted(old - new)),
    )


def judge(
    settings: Settings, catalogue: Catalogue, view: RegistryView, found: dict[int, list[Record]]
) -> frozenset[Raised]:
    """Return the anomalies that begin in records of each partition, by a catalogue; pure."""
    raised: set[Raised] = set()
    for number, records in sorted(found.items()):
        state = SensePartition(
            number,
            catalogue,
            view,
            pace=Pace(settings.clock_scale),
            disorder_ns=round(settings.disorder_s * SECOND_NS),
            grace_ns=round(settings.grace_s * SECOND_NS),
        )
        ordered = sorted(records, key=lambda record: (record.append_ns, record.topic, record.offset))
        for start in range(0, len(ordered), BATCH):
            raised |= {one for effect in state.fold(ordered[start : start + BATCH]) if (one := _raised(effect))}
    return frozenset(raised)


def render_trial(found: Trial) -> str:
    """Return what a trial found, as terminal text."""
    head = f"{found.records} records of the last {found.seconds:g} s: {found.before} anomalies now, {found.after} then"
    lines = [head + (" (there was more than a trial reads)" if found.is_cut else "")]
    for sign, of in (("+", found.new), ("-", found.gone)):
        lines += [f"{sign} {one.onset}  {one.scenario}: {one.detector} of {one.subject} in {one.unit_id}" for one in of]
    return "\n".join(lines if found.new or found.gone else [*lines, "no difference"])


def _raised(effect: Effect) -> Raised | None:
    if effect.topic != channels.ANOMALIES or effect.headers == WATERMARK_HEADERS:
        return None
    one = _anomaly.decode(effect.value)
    if one.phase != "onset" or one.scenario is None:
        return None
    return Raised(
        onset=one.onset,
        scenario=one.scenario,
        detector=one.detector,
        unit_id=one.unit_id,
        subject=one.subject,
        score=one.score,
    )


def _record(topic: str, record: ConsumerRecord[bytes, bytes]) -> Record:
    return Record(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        append_ns=record.timestamp * 1_000_000,
        key=record.key,
        value=record.value or b"",
        headers=dict(record.headers),
    )
