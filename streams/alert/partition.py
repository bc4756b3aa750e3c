"""One partition of the alert stage: anomalies, scores and actions in, alerts and tiers' vital signs out.

Reads   vitals.anomalies, vitals.unit-scores, vitals.actions                      (key: district)
Writes  vitals.alerts (key: district), vitals.indicators (key: prefix), vitals.dead-letters
State   blocks alerts-*, waiting-*, scores-*, inhibition, clocks

Everything waits for the watermark and is settled in event-time order, so that neither the interleaving of topics nor
the size of batches matters. Only a first onset is also told at arrival, provisionally, as version 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from schemas import channels
from schemas.actions import Action
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.catalogue import Catalogue
from schemas.envelope import PROVISIONAL, write_envelope
from schemas.ids import district_of
from schemas.refusals import RefusedError
from schemas.registry import Unit
from schemas.signs import Indicator, UnitScores
from schemas.times import SECOND_NS, parse_time
from schemas.watermarks import Watermark
from streams.alert.blocks import decode_block, encode_block
from streams.alert.intake import Tick, read_record
from streams.alert.ordering import ActionTaken, AnomalyArrived, Event, Origin, Waiting
from streams.alert.refused import dead_letter
from streams.alert.rollup import RollUp
from streams.alert.settled import WINDOWS_BLOCK, SettledAlerts
from streams.catalogue.timeline import Timeline
from streams.delivery.records import Effect, Record, StateFormatError
from streams.delivery.watermarks import START, WATERMARK_HEADERS, BandClock, SourceClock, encode_watermark
from streams.pace import Pace
from streams.topics import UNIT_PARTITIONS

SOURCE = "urn:vitals:alert"
CLOCKS_BLOCK = "clocks"
_json = msgspec.json.Encoder()


class ClocksBlock(msgspec.Struct, kw_only=True):
    """How far time has come, and for which keys a provisional raise was sent."""

    sensed: dict[str, list[int]]
    acted: dict[str, int]
    watermark: int
    provisional: list[str]


class AlertPartition:
    """All that the alert stage knows of one partition number; see ``streams.delivery.records.PartitionState``.

    Parameters
    ----------
    partition
        Its number: of the sources, and of ``vitals.alerts``.
    catalogue
        Scenarios and quantities.
    pace
        Divides the scenarios' clocks in trials.
    disorder_ns
        How far actions may be out of order.
    units
        The registry's units, a live mapping; a unit that it lacks is named by its id.
    sense_partitions
        How many partitions of the sense stage pass watermarks in band.
    timeline
        Which catalogue is in force when; ``catalogue`` for ever if not given.
    """

    def __init__(
        self,
        partition: int,
        catalogue: Catalogue,
        pace: Pace,
        disorder_ns: int,
        units: Mapping[str, Unit],
        *,
        sense_partitions: int = UNIT_PARTITIONS,
        timeline: Timeline | None = None,
    ) -> None:
        self._timeline = timeline
        self._partition, self._sense_partitions, self._disorder_ns = partition, sense_partitions, disorder_ns
        self._catalogue, self._pace, self._units = catalogue, pace, units
        self._watermark: int = START
        self._reset()

    @property
    def watermark(self) -> int:
        """The time (ns) up to which everything is settled."""
        return self._watermark

    @property
    def waiting(self) -> int:
        """How many events wait for the watermark."""
        return len(self._waiting)

    def fold(self, records: Sequence[Record]) -> list[Effect]:
        effects: list[Effect] = []
        for record in records:
            try:
                effects += self._take(record)
            except RefusedError as error:
                effects.append(dead_letter(Origin.of(record), error))
        watermark = min(self._sensed.minimum(), self._acted.minimum())
        self._sync_catalogue()
        is_moved = watermark > self._watermark
        if is_moved:
            effects += self._settle(watermark)
            self._watermark = watermark
        effects += map(_indicator_effect, self._rollup.close(self._watermark))
        if is_moved:
            effects.append(self._watermark_effect())
        return effects

    def _sync_catalogue(self) -> None:
        """Settle by the catalogue in force at the time up to which all is settled."""
        catalogue = self._catalogue if self._timeline is None else self._timeline.at(max(self._watermark, 0))
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._settled.use_catalogue(catalogue)
            self._rollup.exponent = catalogue.exponent

    def changed_blocks(self) -> dict[str, bytes]:
        return self._blocks(changed_only=True)

    def all_blocks(self) -> dict[str, bytes]:
        return {name: block for name, block in self._blocks(changed_only=False).items() if block}

    def restore(self, blocks: Mapping[str, bytes]) -> None:
        self._reset()
        if CLOCKS_BLOCK in blocks:
            self._restore_clocks(decode_block(blocks[CLOCKS_BLOCK], ClocksBlock))
        for name, raw in sorted(blocks.items()):
            if name == WINDOWS_BLOCK or name.startswith("alerts-"):
                self._settled.restore(name, raw)
            elif name.startswith("waiting-"):
                self._waiting.restore(raw)
            elif name.startswith("scores-"):
                self._rollup.restore(raw, self._watermark)
            elif name != CLOCKS_BLOCK:
                raise StateFormatError(f"unknown block of alert state: {name}")
        self._waiting.settle_down()

    def _reset(self) -> None:
        self._settled = SettledAlerts(self._catalogue, self._pace, self._units)
        self._rollup = RollUp(self._units, self._catalogue.exponent)
        self._waiting = Waiting()
        self._sensed = BandClock((channels.ANOMALIES, channels.UNIT_SCORES), self._sense_partitions)
        self._acted = SourceClock((channels.ACTIONS,), self._disorder_ns)
        self._watermark = START
        self._provisional: set[str] = set()  # keys of which a raise was told at arrival and is not settled

    def _take(self, record: Record) -> list[Effect]:
        match read_record(record, self._sense_partitions):
            case Watermark() as mark:
                self._sensed.observe(record.topic, mark)
            case Tick(time_ns):
                self._acted.observe(record.topic, time_ns, record.append_ns)
            case UnitScores() as scores:
                self._rollup.take(scores, self._watermark)
            case Action() as action:
                self._take_action(action, record)
            case Anomaly() as anomaly:
                return self._take_anomaly(anomaly)
        return []

    def _take_anomaly(self, anomaly: Anomaly) -> list[Effect]:
        at = parse_time(anomaly.time)
        # What is before the watermark has been settled: an upstream replay sent it again.
        if at < self._watermark or not self._settled.is_known(anomaly):
            return []
        if not self._waiting.add(AnomalyArrived(time_ns=at, anomaly=anomaly)) or anomaly.phase != "onset":
            return []
        key = self._settled.key_of(anomaly).text
        if key in self._provisional or (alert := self._settled.at_arrival(anomaly, at)) is None:
            return []
        self._provisional.add(key)
        return [self._alert_effect(alert, at, is_provisional=True)]

    def _take_action(self, action: Action, record: Record) -> None:
        said_ns = min(parse_time(action.time), record.append_ns)
        # Late, or dated back: it counts from where its own log had come, which no fetch can change.
        at = max(said_ns, self._acted.of(record.topic))
        self._acted.observe(record.topic, said_ns, record.append_ns)
        self._waiting.add(ActionTaken(time_ns=at, action=action, origin=Origin.of(record)))

    def _settle(self, watermark: int) -> list[Effect]:
        """Settle events and clocks before ``watermark``, least first; of equal times the event comes first."""
        effects: list[Effect] = []
        while True:
            event_ns, clock_ns = self._waiting.next_ns(), self._settled.next_deadline()
            is_event = event_ns is not None and (clock_ns is None or event_ns <= clock_ns)
            at = event_ns if is_event else clock_ns
            if at is None or at >= watermark:
                return effects
            effects += self._settle_event(self._waiting.pop()) if is_event else self._fire(at)

    def _fire(self, at: int) -> list[Effect]:
        return [self._alert_effect(alert, at) for alert in self._settled.fire(at)]

    def _settle_event(self, event: Event) -> list[Effect]:
        if isinstance(event, AnomalyArrived):
            self._provisional.discard(self._settled.key_of(event.anomaly).text)
            alerts = self._settled.take_anomaly(event.anomaly, event.time_ns)
        else:
            try:
                alerts = self._settled.take_action(event.action, event.time_ns)
            except RefusedError as error:
                return [dead_letter(event.origin, error)]
        return [self._alert_effect(alert, event.time_ns) for alert in alerts]

    def _alert_effect(self, alert: Alert, at: int, *, is_provisional: bool = False) -> Effect:
        headers = write_envelope(
            id=alert.identifier,
            source=SOURCE,
            type=channels.EVENT_TYPES[channels.ALERTS],
            time_ns=at,
            mode=alert.mode,
        )
        return Effect(
            topic=channels.ALERTS,
            key=district_of(alert.unit_id).encode(),
            value=_json.encode(alert),
            headers=(*headers, (PROVISIONAL, b"true")) if is_provisional else headers,
            partition=self._partition,
        )

    def _watermark_effect(self) -> Effect:
        value = encode_watermark(self._partition, self._watermark)
        return Effect(
            topic=channels.ALERTS, key=None, value=value, headers=WATERMARK_HEADERS, partition=self._partition
        )

    def _blocks(self, changed_only: bool) -> dict[str, bytes]:
        clocks = ClocksBlock(
            sensed=self._sensed.by_topic,
            acted=self._acted.by_topic,
            watermark=self._watermark,
            provisional=sorted(self._provisional),
        )
        return {
            CLOCKS_BLOCK: encode_block(clocks),
            **self._settled.blocks(changed_only),
            **self._waiting.blocks(changed_only),
            **self._rollup.blocks(changed_only),
        }

    def _restore_clocks(self, clocks: ClocksBlock) -> None:
        counts = {topic: len(marks) for topic, marks in self._sensed.by_topic.items()}
        if {topic: len(marks) for topic, marks in clocks.sensed.items()} != counts:
            raise StateFormatError(f"alert state is of another number of sense partitions than {counts}")
        if clocks.acted.keys() != self._acted.by_topic.keys():
            raise StateFormatError(f"alert state has clocks of {sorted(clocks.acted)}")
        self._sensed.by_topic, self._acted.by_topic = clocks.sensed, clocks.acted
        self._watermark, self._provisional = clocks.watermark, set(clocks.provisional)


def _indicator_effect(indicator: Indicator) -> Effect:
    start_ns = parse_time(indicator.window_start)
    end_ns = start_ns + round(indicator.window_s * SECOND_NS)
    name = f"{indicator.unit_id}:{indicator.indicator}:{indicator.mode}:{start_ns}:{indicator.window_s:g}"
    headers = write_envelope(
        id=f"{name}:{indicator.revision}",
        source=SOURCE,
        type=channels.EVENT_TYPES[channels.INDICATORS],
        time_ns=end_ns,
        mode=indicator.mode,
    )
    return Effect(
        topic=channels.INDICATORS, key=indicator.unit_id.encode(), value=_json.encode(indicator), headers=headers
    )
