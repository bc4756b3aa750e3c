"""All that sense knows of one partition number, and its fold: records in, judged rows, anomalies and vital signs out.

What one topic's row decides is decided at arrival, in the order of its log; what joins rows is decided when the lowest
watermark of the four source topics passes. So the order in which the topics are fetched does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import cast

import msgspec

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.envelope import Envelope, dedup_key, read_envelope
from schemas.ids import Mode, is_id
from schemas.judged import Judged
from schemas.refusals import Reason, RefusedError
from schemas.rows import decode_crowd, decode_video
from schemas.senml import decode_pack
from schemas.times import SECOND_NS, format_time
from streams.delivery.records import Effect, Record, StateFormatError
from streams.delivery.watermarks import SourceClock
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense import dedup, rules, windows
from streams.sense.anomalies import OpenAnomalies, Subject
from streams.sense.outbox import Outbox
from streams.sense.people import PeopleJudge
from streams.sense.readings import ReadingsJudge, Tally, Times
from streams.sense.series import SeriesTable
from streams.sense.vitals import Frame, signs_of
from streams.sense.windows import Cell, Windows
from streams.topics import UNIT_PARTITIONS, partition_for

VERSION = 1
COUNTED = ("in", "judged", "late", "dead", "duplicate")
CLEAR_AFTER = 2  # good readings that end a rule's anomaly


class _Clock(msgspec.Struct):
    """The block of what is small: watermarks, counters, what was promised."""

    format: int
    watermarks: dict[str, int]
    counters: dict[str, dict[str, int]]
    promised: int


class SensePartition:
    """State and fold of one partition number over the four source topics."""

    def __init__(
        self,
        partition: int,
        catalogue: Catalogue,
        pace: Pace,
        disorder_ns: int,
        grace_ns: int,
        registry: RegistryView,
        partitions: int = UNIT_PARTITIONS,
    ) -> None:
        self._partition, self._partitions = partition, partitions
        self._catalogue, self._registry, self._grace_ns = catalogue, registry, grace_ns
        self._clock = SourceClock(channels.SOURCES, disorder_ns)
        self._promised = 0  # the watermark passed on last
        self.counters = {topic: dict.fromkeys(COUNTED, 0) for topic in channels.SOURCES}
        self._dedup = {topic: dedup.DedupWindow(topic) for topic in channels.SOURCES}
        self._rules = rules.bind_rules(catalogue)
        sign_lengths = {pace.window_ns(entry.window_s) for entry in catalogue.indicators.values()}
        rule_lengths = {pace.window_ns(bound.rule.window_s) for bound in self._rules}
        if len(sign_lengths) > 1:
            raise ValueError(f"indicators must share one window length, not {sorted(sign_lengths)} ns")
        self._sign_length = sign_lengths.pop()
        self._windows = {n: Windows(n, grace_ns) for n in sorted({self._sign_length, *rule_lengths})}
        self._by_length = {n: [b for b in self._rules if pace.window_ns(b.rule.window_s) == n] for n in self._windows}
        self._anomalies = OpenAnomalies("anomalies")
        self._table = SeriesTable(catalogue, registry)
        watched = frozenset(q.id for bound in self._rules for q in bound.quantities)
        every = list(self._windows.values())
        self._readings = ReadingsJudge(self._table, every, self._anomalies, watched)
        self._people = PeopleJudge(catalogue, registry, every)

    @property
    def watermark(self) -> int:
        """Return the event time (ns) that every source topic has passed."""
        return self._clock.minimum()

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        """Judge records in log order; see ``PartitionState``."""
        self._table.sync_registry()
        outbox = Outbox(self._partition)
        for record in records:
            self._take(record, outbox)
        self._advance(outbox)
        self.refused = outbox.refused
        return outbox.effects

    def changed_blocks(self) -> dict[str, bytes]:
        """Return the blocks that changed since the last call; an empty one is gone."""
        clock = _Clock(VERSION, dict(self._clock.by_topic), self.counters, self._promised)
        parts = chain(
            self._table.changed_blocks(),
            self._anomalies.changed_blocks().items(),
            *(window.changed_blocks() for window in self._windows.values()),
            *(window.changed_blocks() for window in self._dedup.values()),
        )
        return dict(parts) | {"clock": msgspec.msgpack.encode(clock)}

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        """Take the newest block of each name; ``StateFormatError`` if one is of another format."""
        for name in sorted(blocks, key=_restore_order):
            self._restore_block(name, blocks[name])

    def _restore_block(self, name: str, payload: bytes) -> None:
        kind, _, rest = name.partition("/")
        if kind in {"names", "hot"}:
            self._table.restore_block(name, payload)
        elif kind == windows.BLOCK:
            length = int(rest.partition("/")[0])
            if length in self._windows:  # another clock scale has other windows: what it had begun is begun anew
                self._windows[length].restore_block(payload)
        elif kind == dedup.BLOCK:
            self._dedup[rest.partition("/")[0]].restore_block(name, payload)
        elif kind == "anomalies":
            self._anomalies.restore(payload)
        elif kind == "clock":
            self._restore_clock(payload)
        else:
            raise StateFormatError(f"unknown state block {name}")

    def _restore_clock(self, payload: bytes) -> None:
        saved = msgspec.msgpack.decode(payload, type=_Clock)
        if saved.format != VERSION:
            raise StateFormatError(f"state of format {saved.format}, this program reads {VERSION}")
        self._clock.by_topic.update(saved.watermarks)
        self.counters.update(saved.counters)
        self._promised = saved.promised

    def _take(self, record: Record, outbox: Outbox) -> None:
        try:
            envelope = read_envelope(record.headers)
            if envelope.is_tick and not record.value:
                if envelope.time_ns is not None:
                    self._clock.observe(record.topic, envelope.time_ns, record.append_ns)
                return
            tally, judged = self._judge(record, envelope, outbox)
        except RefusedError as refused:
            outbox.dead(record, refused.reason, refused.detail)
            tally, judged = Tally(rows=1, dead=1), None
        counters = self.counters[record.topic]
        for name, count in zip(COUNTED, (tally.rows, tally.judged, tally.late, tally.dead, tally.duplicate), strict=True):
            counters[name] += count
        if judged is not None:
            outbox.judged(msgspec.structs.replace(judged, total=counters["judged"]))
        if tally.newest_ns is not None:
            self._clock.observe(record.topic, tally.newest_ns, record.append_ns)

    def _judge(self, record: Record, envelope: Envelope, outbox: Outbox) -> tuple[Tally, Judged | None]:
        unit_id = self._unit_of(record)
        event_ns = record.append_ns if envelope.time_ns is None else min(envelope.time_ns, record.append_ns)
        key = dedup_key(envelope)
        if key is not None and self._dedup[record.topic].is_repeat(key, event_ns):
            rows = _count_rows(record, envelope)
            return Tally(rows=rows, duplicate=rows), None
        times = Times(self._clock.of(record.topic), self._grace_ns, record.append_ns, envelope.is_backfill)
        if record.topic == channels.READINGS:
            return self._readings.judge(record, envelope, unit_id, times, outbox)
        if record.topic == channels.CROWD:
            return self._people.crowd(record, envelope, unit_id, times, outbox)
        if record.topic == channels.VIDEO:
            return self._people.video(record, unit_id, times, outbox)
        return self._people.report(record, envelope, unit_id, times, outbox)

    def _unit_of(self, record: Record) -> str:
        if not record.key:
            raise RefusedError(Reason.NO_KEY, "the record's key must be the unit_id")
        try:
            unit_id = record.key.decode()
        except UnicodeDecodeError as error:
            raise RefusedError(Reason.SCHEMA, "the record's key is not UTF-8") from error
        if not is_id(unit_id):
            raise RefusedError(Reason.SCHEMA, f"the record's key is not an id: {unit_id[:64]!r}")
        right = partition_for(record.key, self._partitions)
        if right != record.partition:
            detail = f"key {unit_id} belongs in partition {right}, not {record.partition}; the partitioner is murmur2"
            raise RefusedError(Reason.WRONG_PARTITION, detail)
        return unit_id

    def _advance(self, outbox: Outbox) -> None:
        watermark = self._clock.minimum()
        for length, window in self._windows.items():
            for start, unit_id, mode, cell in window.close(watermark):
                self._close(length, start, unit_id, cast(Mode, mode), cell, outbox)
        if watermark // SECOND_NS > self._promised // SECOND_NS:
            self._promised = watermark
            outbox.watermark(watermark)

    def _close(self, length: int, start: int, unit_id: str, mode: Mode, cell: Cell, outbox: Outbox) -> None:
        unit = self._registry.units.get(unit_id)
        if not cell.is_decided:
            cell.is_decided = True
            self._decide(length, start, unit_id, mode, cell, outbox)
        cell.is_dirty = False
        if length == self._sign_length:
            cell.revision += 1
            frame = Frame(unit_id, mode, start, length, unit, self._registry.rates)
            indicators, scores = signs_of(self._catalogue, cell, frame)
            for indicator in indicators:
                outbox.indicator(indicator)
            if scores is not None:
                outbox.scores(scores)

    def _decide(self, length: int, start: int, unit_id: str, mode: Mode, cell: Cell, outbox: Outbox) -> None:
        window = rules.Window(start, start + length, self._partition, self._registry.units.get(unit_id))
        for bound in self._by_length[length]:
            for subject, finding in rules.evaluate(bound, cell, window):
                who = Subject(
                    name=f"{mode}/{unit_id}/{subject}",
                    unit_id=unit_id,
                    subject=subject.partition("/")[0],
                    kind=bound.kind,
                    scenario=bound.scenario.id,
                    detector=bound.rule.id,
                    mode=mode,
                )
                event = self._anomalies.step(who, finding, CLEAR_AFTER)
                if event is not None:
                    outbox.anomaly(event)

    def describe(self) -> str:
        """Return where this partition stands, for logs."""
        return f"partition {self._partition}: watermark {format_time(self.watermark)}"


def _restore_order(name: str) -> tuple[int, int]:
    """Names before arrays, both in rising order: a row's place is its name's place."""
    kind, _, number = name.partition("/")
    return ({"names": 0, "hot": 1}.get(kind, 2), int(number) if kind in {"names", "hot"} else 0)


def _count_rows(record: Record, envelope: Envelope) -> int:
    """Return how many rows a repeated record holds; ``RefusedError`` if it is refused as a whole."""
    if record.topic == channels.READINGS:
        pack = decode_pack(record.value, record.append_ns if envelope.time_ns is None else envelope.time_ns)
        return len(pack.names) + len(pack.bad)
    if record.topic == channels.CROWD:
        crowd = decode_crowd(record.value)
        return len(crowd.good) + len(crowd.bad)
    if record.topic == channels.VIDEO:
        video = decode_video(record.value)
        return len(video.good) + len(video.bad)
    return 1
