"""The log of a district in which all 26 scenarios are played, as the closed loop of the scenarios leaves it.

What people and other modes add is put in afterwards: nothing in the loop's own log depends on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import msgspec

from schemas import channels
from schemas.actions import Action, ActionKind
from schemas.alerts import Alert
from schemas.envelope import Headers, gateway_urn, write_envelope
from schemas.ids import Mode, district_of
from schemas.registry import RegistryFile
from schemas.times import SECOND_NS, SHANGHAI, format_time, parse_time
from simulators.network import NetworkFaults
from simulators.scenarios import SCENARIOS, units_of
from streams.delivery.records import Record
from streams.topics import DISTRICT_PARTITIONS, UNIT_PARTITIONS, partition_for
from tests.faults.generator import Planned
from tests.scenarios.closed_loop import DISORDER_NS, GRACE_NS, ClosedLoop, Seen

# Rules of day and of night apply; so far back that no machine's clock is before it.
EVENING_S = int(datetime(2024, 11, 29, 21, 50, tzinfo=SHANGHAI).timestamp())
MINUTES = 14
SCALE = 20.0
CLOCKS = {"clock_scale": SCALE, "disorder_s": DISORDER_NS / SECOND_NS, "grace_s": GRACE_NS / SECOND_NS}
DEVICES = 100  # beside those of the scenarios' own units
NEIGHBOURS: dict[str, tuple[Mode, tuple[str, ...]]] = {  # district, its mode -> whose units it has copies of
    "ja": ("actual", ("gas-leak", "lift-fault")),
    "pt": ("test", ("crowd-surge",)),
}
HOME = re.compile(rb"\bhp(?=[.-])")
LATE_SHARE, LATE_NS = 20, 60 * SECOND_NS  # one in so many of a copy's records comes so late
AFTER_NS = 8 * SECOND_NS  # how soon somebody takes note of an alert


@dataclass(frozen=True, kw_only=True)
class City:
    """What was played, what it came to where it was played, and its log."""

    registry: RegistryFile
    seen: Seen
    log: list[Planned]


def play_city(seed: int, minutes: int = MINUTES) -> City:
    """Play all scenarios; the same seed leaves the same log."""
    loop = ClosedLoop(
        SCENARIOS, start_s=EVENING_S, scale=SCALE, seed=seed, devices=DEVICES, network=NetworkFaults(outage=0.0)
    )
    seen = loop.run(60 * minutes)
    log, copies = loop.log(), [_Copy(district, *what) for district, what in NEIGHBOURS.items()]
    log += [*chain(*(copy.records(log) for copy in copies)), *_actions(seen.alerts.values())]
    registry = loop.registry
    for copy in copies:
        registry = copy.registered(registry)
    return City(registry=registry, seen=seen, log=[_planned(one) for one in sorted(log, key=lambda one: one.append_ns)])


class _Copy:
    """Some units once more, in another district and mode; nobody answers there, so that their cases climb."""

    def __init__(self, district: str, mode: Mode, scenarios: Iterable[str]) -> None:
        self._district, self._mode = district.encode(), mode.encode()
        self._units = {unit for scenario in scenarios for unit in units_of(scenario)}

    def records(self, log: Sequence[Record]) -> Iterator[Record]:
        """Yield what the units send, some of it late."""
        keys = {unit.encode() for unit in self._units}
        sent = [one for one in log if one.topic in channels.SOURCES and one.key in keys]
        for number, one in enumerate(sent):
            key = self._moved(one.key or b"")
            yield replace(
                one,
                partition=partition_for(key, UNIT_PARTITIONS),
                key=key,
                value=self._moved(one.value),
                headers={name: self._moved(value) for name, value in one.headers.items()},
                append_ns=one.append_ns + (LATE_NS if number % LATE_SHARE == 0 else 0),
            )

    def registered(self, registry: RegistryFile) -> RegistryFile:
        """Return the registry with the copies, and with the teams that live there."""
        more = RegistryFile(
            units=tuple(one for one in registry.units if one.unit_id in self._units),
            devices=tuple(one for one in registry.devices if one.unit_id in self._units),
            teams=tuple(one for one in registry.teams if one.home_unit in self._units),
        )
        moved = msgspec.json.decode(self._moved(msgspec.json.encode(more)), type=RegistryFile)
        return msgspec.structs.replace(
            registry,
            units=(*registry.units, *moved.units),
            devices=(*registry.devices, *moved.devices),
            teams=(*registry.teams, *moved.teams),
        )

    def _moved(self, text: bytes) -> bytes:
        """Return ids and mode of the copy: all ids of a district begin with its own."""
        return HOME.sub(self._district, text).replace(b"exercise", self._mode)


def _actions(alerts: Iterable[Alert]) -> Iterator[Record]:
    """Yield that somebody takes note of every other alert, and shelves one that there has never been."""
    for number, alert in enumerate(sorted(alerts, key=lambda one: one.alert_id)):
        at_ns = parse_time(alert.first_seen) + AFTER_NS
        if number % 2 == 0:
            yield _action(alert, alert.alert_id, "acknowledge", at_ns)
        else:
            yield _action(alert, f"{alert.alert_id}-x", "shelve", at_ns)


def _action(alert: Alert, alert_id: str, kind: ActionKind, at_ns: int) -> Record:
    district = district_of(alert.unit_id)
    action = Action(action=kind, district=district, by="operator", time=format_time(at_ns), alert_id=alert_id)
    headers = write_envelope(
        id=f"{alert_id}-{kind}",
        source=gateway_urn("console"),
        type=channels.EVENT_TYPES[channels.ACTIONS],
        time_ns=at_ns,
        mode="exercise",
    )
    return Record(
        topic=channels.ACTIONS,
        partition=partition_for(district.encode(), DISTRICT_PARTITIONS),
        offset=0,
        append_ns=at_ns,
        key=district.encode(),
        value=msgspec.json.encode(action),
        headers=dict(headers),
    )


def _planned(one: Record) -> Planned:
    headers: Headers = tuple(one.headers.items())
    is_tick = not one.value
    return Planned(
        topic=one.topic,
        partition=one.partition,
        key=one.key,
        value=one.value,
        headers=headers,
        what="tick" if is_tick else "pack",
        rows=0 if is_tick else 1,  # not counted: the workers' counters are held against each other
    )
