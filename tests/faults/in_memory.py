"""All three stages over a whole log without a server: each partition folded in a random order that its topics allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from schemas import channels
from schemas.alerts import Alert
from schemas.catalogue import Catalogue
from schemas.codec import decode_alert, decode_indicator, decode_order
from schemas.dead_letters import read_dead_letter
from schemas.judged import decode_judged
from schemas.orders import Order
from schemas.registry import RegistryFile
from schemas.signs import Indicator
from schemas.times import SECOND_NS
from schemas.watermarks import WATERMARK_TYPE
from streams.alert.partition import AlertPartition
from streams.delivery.records import Effect, PartitionState, Record
from streams.dispatch.partition import DispatchPartition
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.settings import Settings
from streams.topics import STAGE_SOURCES
from tests.faults.expected import Expected
from tests.faults.log import Logged
from tests.faults.outcome import path_of, plain, points_of, told_of
from tests.streams.delivery.orders import batches, interleaved


class InMemory:
    """What the stages make of a log, folded in one of many orders (``seed``)."""

    def __init__(self, registry: RegistryFile, catalogue: Catalogue, settings: Settings, seed: int) -> None:
        self._catalogue, self._seed = catalogue, seed
        self._disorder_ns = round(settings.disorder_s * SECOND_NS)
        self._grace_ns = round(settings.grace_s * SECOND_NS)
        self._view = RegistryView()
        for unit in registry.units:
            self._view.apply(channels.REGISTRY_UNITS, unit.unit_id.encode(), msgspec.json.encode(unit))
        for device in registry.devices:
            self._view.apply(channels.REGISTRY_DEVICES, device.device_id.encode(), msgspec.json.encode(device))
        self._indicators: dict[tuple[str, str, str, str], Indicator] = {}
        self._alerts: dict[str, Alert] = {}
        self._cases: dict[str, Order] = {}

    def judge(self, log: Iterable[Logged]) -> Expected:
        """Return what sense, alert and dispatch make of the log, one stage after the other."""
        records = [Record(**one._asdict()) for one in log]
        end_ns = max((one.append_ns for one in records), default=0)
        found = Expected()
        sense = self._fold("sense", records, self._sense)
        for number, state in sense.states.items():
            assert isinstance(state, SensePartition)
            found.counters.update({(topic, number): counts for topic, counts in state.counters.items() if counts["in"]})
        alert = self._fold("alert", [*records, *as_records(sense.effects, end_ns)], self._alert)
        dispatch = self._fold("dispatch", [*records, *as_records(alert.effects, end_ns)], self._dispatch)
        for effect in (*sense.effects, *alert.effects, *dispatch.effects):
            self._read(effect, found)
        for key, one in self._indicators.items():
            found.indicators[key] = round(one.value, 6), round(one.score, 6), one.n, round(one.coverage, 6)
        found.alerts.update({ident: plain(one) | told_of(one) for ident, one in self._alerts.items()})
        found.cases.update({ident: plain(one) | path_of(one) for ident, one in self._cases.items()})
        return found

    def _sense(self, number: int) -> SensePartition:
        return SensePartition(
            number, self._catalogue, self._view, pace=Pace(), disorder_ns=self._disorder_ns, grace_ns=self._grace_ns
        )

    def _alert(self, number: int) -> AlertPartition:
        return AlertPartition(number, self._catalogue, Pace(), self._disorder_ns, self._view.units)

    def _dispatch(self, number: int) -> DispatchPartition:
        view = self._view
        return DispatchPartition(number, self._catalogue, Pace(), self._disorder_ns, view.units, view.teams)

    def _fold(self, stage: str, records: Iterable[Record], new_state: Callable[[int], PartitionState]) -> Folded:
        logs: dict[int, dict[str, list[Record]]] = defaultdict(lambda: defaultdict(list))
        for record in records:
            if record.topic in STAGE_SOURCES[stage]:
                logs[record.partition][record.topic].append(record)
        folded = Folded()
        for number, by_topic in sorted(logs.items()):
            state = folded.states[number] = new_state(number)
            for batch in batches(interleaved(by_topic, self._seed + number), self._seed):
                folded.effects += state.fold(batch)
        return folded

    def _read(self, effect: Effect, found: Expected) -> None:
        headers = dict(effect.headers)
        if headers.get("ce_type") == WATERMARK_TYPE.encode():
            return
        match effect.topic:
            case channels.JUDGED:
                found.points.update(points_of(decode_judged(effect.value)))
            case channels.LATE:
                found.late.update(points_of(decode_judged(effect.value)))
            case channels.DEAD_LETTERS:
                letter = read_dead_letter(headers, effect.value)
                place = (letter.topic, letter.partition, letter.offset, -1 if letter.index is None else letter.index)
                found.dead[place] = str(letter.reason)
            case _:
                self._read_newest(effect)

    def _read_newest(self, effect: Effect) -> None:
        """Read what has versions as the readers of its topic do: only what is newer counts."""
        match effect.topic:
            case channels.INDICATORS:
                sign = decode_indicator(effect.value)
                key = (sign.unit_id, sign.indicator, sign.mode, sign.window_start)
                if key not in self._indicators or sign.revision > self._indicators[key].revision:
                    self._indicators[key] = sign
            case channels.ALERTS:
                alert = decode_alert(effect.value)
                if alert.alert_id not in self._alerts or alert.version > self._alerts[alert.alert_id].version:
                    self._alerts[alert.alert_id] = alert
            case channels.ORDERS:
                case = decode_order(effect.value)
                if case.case_id not in self._cases or case.version > self._cases[case.case_id].version:
                    self._cases[case.case_id] = case


class Folded:
    """Partitions of one stage, and all that they sent."""

    def __init__(self) -> None:
        self.states: dict[int, PartitionState] = {}
        self.effects: list[Effect] = []


def as_records(effects: Iterable[Effect], append_ns: int) -> list[Record]:
    """Return effects as they lie in their topics."""
    return [
        Record(
            topic=effect.topic, partition=effect.partition, offset=offset, append_ns=append_ns, key=effect.key,
            value=effect.value, headers=dict(effect.headers),
        )
        for offset, effect in enumerate(effects)
        if effect.partition is not None
    ]  # fmt: skip
