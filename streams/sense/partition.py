"""All that sense knows of one partition number, and its fold: records in, judged rows, anomalies and vital signs out.

What one topic's row decides is decided at arrival, in the order of its log; what joins rows is decided when the lowest
watermark of the four source topics passes. So the order in which the topics are fetched does not matter.
"""

from __future__ import annotations

from collections import Counter
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
from schemas.rules import signals_of
from schemas.times import SECOND_NS, format_time
from streams.catalogue.timeline import Timeline
from streams.delivery.records import Effect, Record, StateFormatError
from streams.delivery.watermarks import SourceClock
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense import anomalies, dedup, rules, season, windows
from streams.sense.anomalies import OpenAnomalies, Subject
from streams.sense.blocks import Block, decode_block
from streams.sense.following import Follower
from streams.sense.gathering import Gatherer
from streams.sense.health import SensorHealth, Voices
from streams.sense.judging import Judging, Tally
from streams.sense.outbox import Outbox
from streams.sense.people import PeopleJudge, count_rows
from streams.sense.readings import ReadingsJudge, count_readings
from streams.sense.season import Seasons
from streams.sense.series import SeriesTable
from streams.sense.vitals import Frame, signs_of
from streams.sense.watch import Watch
from streams.sense.windows import Closed, Windows
from streams.topics import UNIT_PARTITIONS, partition_for

COUNTED = ("in", "judged", "late", "dead", "duplicate")
CLEAR_AFTER = 2  # good readings that end a rule's anomaly


class _Clock(Block):
    """The block of what is small: watermarks, counters, what was promised."""

    watermarks: dict[str, int]
    counters: dict[str, dict[str, int]]
    promised: int
    voices: Voices = msgspec.field(default_factory=Voices)


class SensePartition:
    """State and fold of one partition number over the four source topics."""

    def __init__(
        self,
        partition: int,
        catalogue: Catalogue,
        registry: RegistryView,
        *,
        pace: Pace,
        disorder_ns: int,
        grace_ns: int,
        partitions: int = UNIT_PARTITIONS,
    ) -> None:
        self._partition, self._partitions = partition, partitions
        self._registry, self._grace_ns, self._pace = registry, grace_ns, pace
        self._timeline = Timeline(catalogue, registry)
        self._clock = SourceClock(channels.SOURCES, disorder_ns)
        self._promised = 0  # the watermark passed on last
        self.counters = {topic: dict.fromkeys(COUNTED, 0) for topic in channels.SOURCES}
        self.refused: Mapping[Reason, int] = Counter()  # of the last fold
        self.rows: Counter[tuple[str, str]] = Counter()  # (topic, outcome), of the last fold
        self._dedup = {topic: dedup.DedupWindow(topic) for topic in channels.SOURCES}
        self._windows: dict[int, Windows] = {}
        self._foreign: list[str] = []  # blocks of windows that another clock scale had
        self._anomalies = OpenAnomalies()
        self._seasons = Seasons()
        self._table = SeriesTable(catalogue, registry, Watch(catalogue, pace))
        self._health = SensorHealth(catalogue, self._table, self._anomalies, partition)
        self._use(catalogue)

    def _use(self, catalogue: Catalogue) -> None:
        """Judge by a catalogue from now on; what has been gathered stays."""
        self._catalogue = catalogue
        bound, pace = rules.bind_rules(catalogue), self._pace
        sign_lengths = {pace.window_ns(entry.window_s) for entry in catalogue.indicators.values()}
        if len(sign_lengths) != 1:
            raise ValueError(f"indicators must share one window length, not {sorted(sign_lengths)} ns")
        self._sign_length = sign_lengths.pop()
        lengths = sorted({self._sign_length, *self._windows, *(pace.window_ns(one.rule.window_s) for one in bound)})
        self._windows = {n: self._windows.get(n) or Windows(n, self._grace_ns) for n in lengths}
        self._rules = {n: [one for one in bound if pace.window_ns(one.rule.window_s) == n] for n in lengths}
        followed = {n: frozenset(name for one in self._rules[n] for name in signals_of(one.rule)) for n in lengths}
        self._table.use_catalogue(catalogue, Watch(catalogue, pace))
        self._health.use_catalogue(catalogue)
        self._readings = ReadingsJudge(
            self._table,
            self._anomalies,
            gatherer=Gatherer(self._windows[self._sign_length], self._table.quantity_ids),
            follower=Follower(self._table, self._windows, followed),
            health=self._health,
            seasons=self._seasons,
        )
        self._people = PeopleJudge(catalogue, self._registry, list(self._windows.values()))

    def _sync_catalogue(self, time_ns: int) -> None:
        """Change to the catalogue that is in force at an event time which all sources have passed."""
        catalogue = self._timeline.at(time_ns)
        if catalogue is not self._catalogue:
            self._use(catalogue)

    @property
    def watermark(self) -> int:
        """Return the event time (ns) that every source topic has passed."""
        return self._clock.minimum()

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        """Judge records in log order; see ``PartitionState``."""
        self._sync_catalogue(self._clock.minimum())
        self._table.sync_registry()
        outbox = Outbox(self._partition)
        self.rows.clear()
        for record in records:
            self._take(record, outbox)
        self._advance(outbox)
        self.refused = outbox.refused
        return outbox.effects

    def changed_blocks(self) -> dict[str, bytes]:
        """Return the blocks that changed since the last call; an empty one is gone."""
        clock = _Clock(watermarks=dict(self._clock.by_topic), counters=self.counters, promised=self._promised)
        clock.voices = self._health.voices
        parts = chain(
            ((name, b"") for name in self._foreign),
            self._table.changed_blocks(),
            self._seasons.changed_blocks(),
            self._anomalies.changed_blocks(),
            *(window.changed_blocks() for window in self._windows.values()),
            *(window.changed_blocks() for window in self._dedup.values()),
        )
        found = dict(parts) | {"clock": msgspec.msgpack.encode(clock)}
        self._foreign.clear()
        return found

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        """Take the newest block of each name; ``StateFormatError`` if one is damaged, missing or of another format."""
        for known in self._timeline.all():  # windows that a changed rule has begun
            for one in rules.bind_rules(known.catalogue):
                length = self._pace.window_ns(one.rule.window_s)
                self._windows.setdefault(length, Windows(length, self._grace_ns))
        self._use(self._catalogue)
        for name in sorted(blocks, key=_restore_order):
            try:
                self._restore_block(name, blocks[name])
            except (ValueError, LookupError) as error:
                raise StateFormatError(f"block {name} is not one of sense's, or others are missing: {error}") from error

    def describe(self) -> str:
        """Return where this partition stands, for logs."""
        return f"partition {self._partition}: watermark {format_time(self.watermark)}"

    def _restore_block(self, name: str, payload: bytes) -> None:
        kind, _, rest = name.partition("/")
        if kind in {"names", "hot"}:
            self._table.restore_block(name, payload)
        elif kind == season.BLOCK:
            self._seasons.restore_block(name, payload)
        elif kind == windows.BLOCK:
            window = self._windows.get(int(rest.partition("/")[0]))
            if window is None:  # another clock scale has other windows: what it had begun is begun anew
                self._foreign.append(name)
            else:
                window.restore_block(name, payload)
        elif kind == dedup.BLOCK:
            self._dedup[rest.partition("/")[0]].restore_block(name, payload)
        elif kind == anomalies.BLOCK:
            self._anomalies.restore_block(name, payload)
        elif kind == "clock":
            saved = decode_block(name, payload, _Clock)
            self._clock.by_topic.update(saved.watermarks)
            self.counters.update(saved.counters)
            self._promised = saved.promised
            self._health.voices = saved.voices
        else:
            raise StateFormatError(f"unknown state block {name}")

    def _take(self, record: Record, outbox: Outbox) -> None:
        try:
            envelope = read_envelope(record.headers)
            if envelope.is_tick and not record.value:
                if envelope.time_ns is not None:
                    self._observe(record, envelope.time_ns, outbox)
                return
            unit_id = self._unit_of(record)
            watermark = self._clock.of(record.topic)
            judging = Judging(record, envelope, unit_id, watermark, self._grace_ns, outbox)
            for window in self._windows.values():
                window.begin_record(watermark)
            judged, tally = self._judge(judging), judging.tally
        except RefusedError as refused:
            outbox.dead(record, refused.reason, refused.detail)
            judged, tally = None, Tally(rows=1, dead=1)
        counters = self.counters[record.topic]
        found = (tally.rows, tally.judged, tally.late, tally.dead, tally.duplicate)
        for name, count in zip(COUNTED, found, strict=True):
            counters[name] += count
        self.rows += _outcomes(record.topic, tally)
        if judged is not None:
            outbox.judged(msgspec.structs.replace(judged, total=counters["judged"]))
        if tally.newest_ns is not None:
            self._observe(record, tally.newest_ns, outbox)

    def _observe(self, record: Record, time_ns: int, outbox: Outbox) -> None:
        """Move the watermark of a record's topic; that of the readings tells who has fallen silent."""
        self._clock.observe(record.topic, time_ns, record.append_ns)
        if record.topic == channels.READINGS:
            self._health.sweep(self._clock.of(channels.READINGS), outbox)

    def _judge(self, judging: Judging) -> Judged | None:
        if self._is_repeat(judging.record, judging.envelope):
            judging.tally.rows = judging.tally.duplicate = _count(judging)
            return None
        if judging.record.topic == channels.READINGS:
            return self._readings.judge(judging)
        if judging.record.topic == channels.CROWD:
            return self._people.crowd(judging)
        if judging.record.topic == channels.VIDEO:
            return self._people.video(judging)
        return self._people.report(judging)

    def _is_repeat(self, record: Record, envelope: Envelope) -> bool:
        key = dedup_key(envelope)
        event_ns = record.append_ns if envelope.time_ns is None else min(envelope.time_ns, record.append_ns)
        return key is not None and self._dedup[record.topic].is_repeat(key, event_ns)

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
        for closed in sorted(chain(*(w.due(watermark) for w in self._windows.values())), key=lambda due: due[:4]):
            self._sync_catalogue(closed.end_ns - 1)
            self._close(closed, outbox)
        self._sync_catalogue(watermark)
        for window in self._windows.values():
            window.drop(watermark)
        self._anomalies.forget_cleared(watermark)
        if watermark // SECOND_NS > self._promised // SECOND_NS:
            self._promised = watermark
            outbox.watermark(watermark)

    def _close(self, closed: Closed, outbox: Outbox) -> None:
        cell = closed.cell
        if not cell.is_decided:
            cell.is_decided = True
            self._decide(closed, outbox)
        cell.is_dirty = False
        if closed.length_ns == self._sign_length:
            cell.revision = cell.revised
            mode = cast("Mode", closed.mode)
            frame = Frame(closed.unit_id, mode, closed.start_ns, closed.length_ns, self._registry)
            indicators, scores = signs_of(self._catalogue, cell, frame)
            for indicator in indicators:
                outbox.indicator(indicator)
            if scores is not None:
                outbox.scores(scores)

    def _decide(self, closed: Closed, outbox: Outbox) -> None:
        mode, unit_id = cast("Mode", closed.mode), closed.unit_id
        unit = self._registry.unit_at(unit_id, closed.end_ns - 1)
        before = self._windows[closed.length_ns].before(closed)
        window = rules.Window(closed.start_ns, closed.end_ns, self._partition, unit, closed.cell, before)
        prefix = f"{mode}/{unit_id}/"
        for bound in self._rules[closed.length_ns]:
            detector = bound.rule.id

            def is_open(subject: str, detector: str = detector) -> bool:
                return self._anomalies.is_open(detector, prefix + subject)

            for subject, finding in rules.evaluate(bound, window, is_open):
                who = Subject(
                    name=prefix + subject,
                    unit_id=unit_id,
                    subject=subject.partition("/")[0],
                    kind=bound.kind,
                    scenario=bound.scenario.id,
                    detector=detector,
                    mode=mode,
                )
                event = self._anomalies.step(who, finding, CLEAR_AFTER)
                if event is not None:
                    outbox.anomaly(event)


def _outcomes(topic: str, tally: Tally) -> Counter[tuple[str, str]]:
    found = (tally.judged, tally.late, tally.dead, tally.duplicate, tally.unscored)
    return Counter({(topic, name): n for name, n in zip((*COUNTED[1:], "unscored"), found, strict=True) if n})


def _restore_order(name: str) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Names before arrays, numbered parts in rising order: a row's place is its name's place."""
    kind, *parts = name.split("/")
    return {"names": 0, "hot": 1}.get(kind, 2), tuple((len(part), part) for part in (kind, *parts))


def _count(judging: Judging) -> int:
    """Return how many rows a repeated record holds; ``RefusedError`` if it is refused as a whole."""
    if judging.record.topic == channels.READINGS:
        return count_readings(judging)
    return count_rows(judging.record.topic, judging.record.value)
