"""The district second by second: every record that its gateways would publish, a function of seed and second.

Only faults have a memory: when they began, and when they were put right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from schemas import channels
from schemas.crowd import CrowdRow
from schemas.envelope import gateway_urn, write_envelope
from schemas.files import GroundTruth
from schemas.registry import RegistryFile
from schemas.rows import encode_rows
from schemas.times import SECOND_NS
from schemas.video import MAX_VIDEO_ROWS, CameraHealth, VideoEvent, VideoRow
from simulators.counters import Counters
from simulators.fleet import Fleet
from simulators.network import NetworkFaults
from simulators.outgoing import Outgoing
from simulators.places import PILOTS, gateway_of
from simulators.scenarios import Fault

HOUR_S, DAY_S = 3_600, 86_400
HISTORY_DAYS = 14


class _Body(NamedTuple):
    value: bytes
    rows: int


class World:
    """All that the simulated gateways see.

    Parameters
    ----------
    registry
        Its devices publish, those of mode ``exercise``.
    faults
        Injected from the beginning; more by ``inject``.
    injected
        Units whose zones are counted every 5 s.
    """

    def __init__(
        self,
        registry: RegistryFile,
        *,
        seed: int = 1,
        network: NetworkFaults | None = None,
        injected: Collection[str] = (),
        faults: Sequence[Fault] = (),
    ) -> None:
        self._seed = seed
        self._network = network or NetworkFaults()
        devices = [device for device in registry.devices if device.mode == "exercise"]
        self._fleet = Fleet(seed, devices, PILOTS.keys())
        self._counters = Counters(seed, registry.units, devices, injected, self._persons, self._seen)
        self._gateways = {unit.unit_id: gateway_urn(gateway_of(unit.unit_id)) for unit in registry.units}
        self.lost_rows: Counter[str] = Counter()  # by topic: what the network swallowed
        self._injected = frozenset(injected)
        self._faults: list[Fault] = []
        for fault in faults:
            self.inject(fault)

    def inject(self, fault: Fault) -> None:
        """Lay a fault over the signals.

        Raises
        ------
        ValueError
            It changes a series that no device has.
        """
        unknown = [name for name in fault.series() if name not in self._fleet.names]
        if unknown:
            raise ValueError(f"scenario {fault.scenario}: no device sends {', '.join(unknown)}")
        self._faults.append(fault)

    def repair(self, unit_id: str, scenario: str, now_s: float) -> bool:
        """End the fault of that scenario in that unit, a team having put it right; returns whether there was one."""
        found = [fault for fault in self._faults if (fault.unit_id, fault.scenario) == (unit_id, scenario)]
        return sum(fault.repair(now_s) for fault in found) > 0  # all of them, not up to the first

    def truths(self) -> list[GroundTruth]:
        """Return the ground truth as far as it is known."""
        return [fault.truth() for fault in self._faults]

    def history(self, before_s: int, days: int = HISTORY_DAYS) -> Iterator[Outgoing]:
        """Yield what the injected units' series with a season said at each hour of so many days before: a backfill."""
        for second in range(before_s - before_s % HOUR_S - days * DAY_S, before_s - HOUR_S, HOUR_S):
            for pack in self._fleet.history(second, self._injected):
                body = _Body(pack.value, pack.readings)
                record = self._record(channels.READINGS, pack.unit_id, second, f"h{pack.part}", body)
                yield replace(record, headers=(*record.headers, ("vitals_backfill", b"true")))

    def second(self, second: int) -> list[Outgoing]:
        """Return the records of one second since 1970, the network's faults on them; what it lost is not among them."""
        found: list[Outgoing] = []
        for record in self._records(second):
            record_id = record.headers[1][1].decode()
            delay_s, copies = self._network.fate(self._seed, f"{record_id} {record.key.decode()}")
            if copies == 0:
                self.lost_rows[record.topic] += record.rows
            else:
                found.append(replace(record, delay_s=delay_s, copies=copies) if delay_s or copies > 1 else record)
        return found

    def _records(self, second: int) -> Iterator[Outgoing]:
        for pack in self._fleet.packs(second, self._faults, self._network):
            yield self._record(
                channels.READINGS, pack.unit_id, second, f"r{pack.part}", _Body(pack.value, pack.readings)
            )
        for unit_id, crowd in self._counters.crowd(second):
            yield self._record(channels.CROWD, unit_id, second, "c", _body(crowd))
        for unit_id, interval_s, video in self._counters.video(second):
            for at in range(0, len(video), MAX_VIDEO_ROWS):
                rows = video[at : at + MAX_VIDEO_ROWS]
                yield self._record(channels.VIDEO, unit_id, second, f"v{interval_s}.{at}", _body(rows))

    def _record(self, topic: str, unit_id: str, second: int, part: str, body: _Body) -> Outgoing:
        headers = write_envelope(
            id=f"sim{self._seed}-{unit_id}-{second}-{part}",
            source=self._gateways[unit_id],
            type=channels.EVENT_TYPES[topic],
            time_ns=second * SECOND_NS,
            mode="exercise",
        )
        return Outgoing(
            topic=topic,
            key=unit_id.encode(),
            value=body.value,
            headers=headers,
            rows=body.rows,
            time_ns=second * SECOND_NS,
        )

    def _seen(self, camera_id: str, second: int) -> tuple[tuple[VideoEvent, ...], CameraHealth]:
        events: list[VideoEvent] = []
        health: CameraHealth = "ok"
        for fault in self._faults:
            events += [VideoEvent(kind=kind, confidence=sure) for kind, sure in fault.sights(camera_id, second)]
            if (found := fault.health(camera_id, second)) != "ok":
                health = found
        return tuple(events), health

    def _persons(self, zone_id: str, second: float, persons: float) -> float:
        for fault in self._faults:
            if zone_id in fault.zones():
                persons = fault.persons(zone_id, second, persons)
        return persons


def _body(rows: list[CrowdRow] | list[VideoRow]) -> _Body:
    return _Body(encode_rows(rows), len(rows))
