"""The whole loop without a server, second by second of event time: district, stages, field teams, and back.

Each stage is folded as its workers fold it; only Kafka is left out. A quarter of an hour takes some seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.catalogue import Catalogue
from schemas.codec import decode_alert
from schemas.envelope import tick_headers
from schemas.files import GroundTruth
from schemas.ids import COLOURS, Colour
from schemas.orders import Order
from schemas.registry import RegistryFile
from schemas.times import SECOND_NS
from schemas.watermarks import WATERMARK_TYPE
from simulators.district import registry
from simulators.network import PERFECT, NetworkFaults
from simulators.outgoing import Outgoing
from simulators.play import Staging, stage_faults
from simulators.teams import Crews, TeamHabits, feedback_record, order_of
from simulators.world import World
from streams.alert.partition import AlertPartition
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Effect, PartitionState, Record
from streams.dispatch.partition import DispatchPartition
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.topics import STAGE_SOURCES, partition_for, partitions_of
from tests.streams.delivery.orders import batches, interleaved

DISORDER_NS = 2 * SECOND_NS
GRACE_NS = 600 * SECOND_NS
DEVICES = 700


@dataclass(kw_only=True)
class Seen:
    """What a run came to."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    worst: dict[str, Colour] = field(default_factory=dict)  # alert -> worst colour of any version
    cases: dict[str, Order] = field(default_factory=dict)
    anomalies: list[Anomaly] = field(default_factory=list)
    dead: list[dict[str, bytes]] = field(default_factory=list)
    truths: list[GroundTruth] = field(default_factory=list)


class ClosedLoop:
    """A district and the three stages, at a clock scale, from one second of event time on."""

    def __init__(
        self,
        scenarios: Sequence[str],
        *,
        start_s: int,
        scale: float = 20.0,
        seed: int = 1,
        devices: int = DEVICES,
        catalogue: Catalogue | None = None,
        network: NetworkFaults = PERFECT,
    ) -> None:
        self._catalogue = catalogue or load_catalogue()
        self._pace = Pace(scale)
        self._scale = scale
        staging = Staging(scenarios=tuple(scenarios), start_s=start_s, clock_scale=scale)
        self.registry: RegistryFile = registry(
            self._catalogue.registry, seed=seed, devices=devices, injected=staging.injected()
        )
        self._world = World(
            self.registry,
            seed=seed,
            network=network,
            injected=staging.injected(),
            faults=stage_faults(staging, self.registry),
        )
        habits = TeamHabits(clock_scale=scale, refuse_share=0.0)
        self._crews = Crews(self.registry, habits, seed=seed)
        self._view = RegistryView()
        for kind, records in (
            (channels.REGISTRY_UNITS, self.registry.units),
            (channels.REGISTRY_DEVICES, self.registry.devices),
            (channels.REGISTRY_TEAMS, self.registry.teams),
        ):
            for one in records:
                self._view.apply(kind, b"-", msgspec.json.encode(one))
        self._states: dict[tuple[str, int], PartitionState] = {}
        self._offsets: dict[tuple[str, int], int] = defaultdict(int)
        self._second = start_s
        self.seen = Seen()
        self._log: dict[tuple[str, int], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for stage in ("sense", "alert", "dispatch"):
            for number in range(partitions_of(STAGE_SOURCES[stage][0])):
                self._states[stage, number] = self._new(stage, number)
        self.publish(self._world.history(start_s))

    def run(self, seconds: int) -> Seen:
        """Let so many seconds of event time pass."""
        for _ in range(seconds):
            self._second += 1
            now_ns = self._second * SECOND_NS
            self.publish(self._world.second(self._second))
            for said in self._crews.due(now_ns):
                self.publish([feedback_record(said.feedback, now_ns)])
                if said.feedback.action == "done":
                    self._world.repair(said.feedback.unit_id, said.scenario, float(self._second))
            self.publish(
                Outgoing(topic=topic, key=b"", value=b"", headers=tick_headers(now_ns), rows=0, time_ns=number)
                for topic in channels.TICKED
                for number in range(partitions_of(topic))
            )
        self.seen.truths = self._world.truths()
        return self.seen

    def refolded(self, seed: int) -> Seen:
        """Return what the same log comes to in another order of fetches, stage after stage, as other workers would."""
        first, self.seen = self.seen, Seen(truths=self.seen.truths)
        following: dict[tuple[str, int], dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for stage in ("sense", "alert", "dispatch"):
            for number in range(partitions_of(STAGE_SOURCES[stage][0])):
                topics = {topic: list(records) for topic, records in self._log[stage, number].items()}
                for topic, records in following[stage, number].items():
                    topics.setdefault(topic, []).extend(records)
                state = self._new(stage, number)
                for batch in batches(interleaved(topics, seed + number), seed):
                    for effect in state.fold(batch):
                        self._read(effect)
                        self._hand_on(effect, following)
        found, self.seen = self.seen, first
        return found

    def log(self) -> list[Record]:
        """Return all that came from outside (sources, feedback, actions, ticks), in the order in which it came."""
        every = [one for topics in self._log.values() for records in topics.values() for one in records]
        return sorted(every, key=lambda one: one.append_ns)

    def _hand_on(self, effect: Effect, following: dict[tuple[str, int], dict[str, list[Record]]]) -> None:
        for stage, topics in STAGE_SOURCES.items():
            if effect.topic in topics and effect.partition is not None:
                record = self._record(effect.topic, effect.partition, effect)
                following[stage, effect.partition][effect.topic].append(record)

    def _new(self, stage: str, number: int) -> PartitionState:
        if stage == "sense":
            return SensePartition(
                number, self._catalogue, self._view, pace=self._pace, disorder_ns=DISORDER_NS, grace_ns=GRACE_NS
            )
        if stage == "alert":
            return AlertPartition(number, self._catalogue, self._pace, DISORDER_NS, self._view.units)
        view = self._view
        return DispatchPartition(number, self._catalogue, self._pace, DISORDER_NS, view.units, view.teams)

    def publish(self, records: Iterable[Outgoing]) -> None:
        """Append records, and let the stages take them and what follows from them."""
        folds: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for one in records:
            number = partition_for(one.key, partitions_of(one.topic)) if one.key else one.time_ns
            for _ in range(one.copies):
                for stage, topics in STAGE_SOURCES.items():
                    if one.topic in topics and (stage, number) in self._states:
                        record = self._record(one.topic, number, one)
                        folds[stage, number].append(record)
                        self._log[stage, number][one.topic].append(record)
        self._fold(folds)

    def _fold(self, folds: dict[tuple[str, int], list[Record]]) -> None:
        while folds:
            key = min(folds, key=lambda place: (("sense", "alert", "dispatch").index(place[0]), place[1]))
            for effect in self._states[key].fold(folds.pop(key)):
                self._read(effect)
                for stage, topics in STAGE_SOURCES.items():
                    if effect.topic in topics and effect.partition is not None:
                        record = self._record(effect.topic, effect.partition, effect)
                        folds.setdefault((stage, effect.partition), []).append(record)

    def _record(self, topic: str, number: int, one: Outgoing | Effect) -> Record:
        self._offsets[topic, number] += 1
        return Record(
            topic=topic,
            partition=number,
            offset=self._offsets[topic, number],
            append_ns=self._second * SECOND_NS,
            key=one.key or None,
            value=one.value,
            headers=dict(one.headers),
        )

    def _read(self, effect: Effect) -> None:
        headers = dict(effect.headers)
        if headers.get("ce_type") == WATERMARK_TYPE.encode() or not effect.value:
            return
        if effect.topic == channels.ANOMALIES:
            self.seen.anomalies.append(msgspec.json.decode(effect.value, type=Anomaly))
        elif effect.topic == channels.DEAD_LETTERS:
            self.seen.dead.append(headers)
        elif effect.topic == channels.ALERTS:
            alert = decode_alert(effect.value)
            worst: tuple[Colour, Colour] = (self.seen.worst.get(alert.alert_id, "green"), alert.colour)
            self.seen.worst[alert.alert_id] = max(worst, key=COLOURS.index)
            known = self.seen.alerts.get(alert.alert_id)
            if known is None or alert.version > known.version:
                self.seen.alerts[alert.alert_id] = alert
        elif effect.topic == channels.ORDERS:
            order = order_of(effect.value, effect.headers)
            if order is not None:
                self._crews.hear(order, self._second * SECOND_NS)
                self.seen.cases[order.case_id] = order
