"""What is known of devices, units, teams and gateways; a row is judged by what was valid at its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from schemas import channels
from schemas.registry import Device, Gateway, RuleRecord, Team, Unit
from schemas.times import parse_time

R = TypeVar("R", bound=Device | Unit)

_DECODERS: dict[str, msgspec.json.Decoder[Device | Unit | Team | Gateway | RuleRecord]] = {
    channels.REGISTRY_DEVICES: msgspec.json.Decoder(Device),
    channels.REGISTRY_UNITS: msgspec.json.Decoder(Unit),
    channels.REGISTRY_TEAMS: msgspec.json.Decoder(Team),
    channels.REGISTRY_GATEWAYS: msgspec.json.Decoder(Gateway),
    channels.REGISTRY_RULES: msgspec.json.Decoder(RuleRecord),
}


class Versions(Generic[R]):
    """The records of each id, by the event time from which they hold."""

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[int, R]]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def at(self, identity: str, time_ns: int) -> R | None:
        """Return the record as it was at ``time_ns``, or ``None`` if it was not."""
        for since, record in reversed(self._of.get(identity, ())):
            if since <= time_ns:
                return record
        return None

    def newest(self, identity: str) -> tuple[int, R] | None:
        """Return the newest record and the time (ns) from which it holds."""
        versions = self._of.get(identity)
        return versions[-1] if versions else None

    def newest_of_all(self) -> Iterator[R]:
        """Yield the newest record of each id."""
        return (versions[-1][1] for versions in self._of.values())

    def add(self, identity: str, since: int, record: R) -> None:
        """Add a record, in place of one that holds from the same time."""
        others = [(time_ns, other) for time_ns, other in self._of.get(identity, ()) if time_ns != since]
        self._of[identity] = sorted([*others, (since, record)], key=lambda version: version[0])

    def remove(self, identity: str) -> None:
        """Forget an id."""
        self._of.pop(identity, None)


class RegistryView:
    """Live mappings, changed only between batches; ``units``, ``teams`` and ``gateways`` hold the newest records."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}
        self.teams: dict[str, Team] = {}
        self.gateways: dict[str, Gateway] = {}
        self.rules: dict[tuple[str, str], RuleRecord] = {}  # by id and ``valid_from``; of two the higher version
        self.rule_change = 0
        self.change = 0  # number of the last change of a device
        self.unit_change = 0  # and of a unit
        self._changed: dict[str, int] = {}  # device -> its last change, in order of changes
        self._devices: Versions[Device] = Versions()
        self._units: Versions[Unit] = Versions()
        self._intervals: dict[tuple[str, str, str], Counter[float]] = {}

    def apply(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one record of a registry topic; an empty value removes, what is no such record changes nothing."""
        if topic not in _DECODERS:
            return
        if not value:
            self._remove(topic, key.decode(errors="replace"))
            return
        try:
            record = _DECODERS[topic].decode(value)
            if isinstance(record, Device):
                self._add_device(record, parse_time(record.valid_from))
            elif isinstance(record, Unit):
                self._add_unit(record, parse_time(record.valid_from))
            elif isinstance(record, Team):
                self.teams[record.team_id] = record
            elif isinstance(record, RuleRecord):
                self._add_rule(record)
            else:
                self.gateways[record.gateway_id] = record
        except (msgspec.MsgspecError, ValueError, RecursionError):  # ``ValueError``: bad UTF-8, no day of the calendar
            return

    def device_at(self, device_id: str, time_ns: int) -> Device | None:
        """Return the device as it was at ``time_ns``, or ``None`` if it was not."""
        return self._devices.at(device_id, time_ns)

    def unit_at(self, unit_id: str, time_ns: int) -> Unit | None:
        """Return the unit as it was at ``time_ns``, or ``None`` if it was not."""
        return self._units.at(unit_id, time_ns)

    def newest(self, device_id: str) -> tuple[int, Device] | None:
        """Return the newest record of a device and the time (ns) from which it holds."""
        return self._devices.newest(device_id)

    def newest_like(
        self, record: Device | Unit | Team | Gateway | RuleRecord
    ) -> Device | Unit | Team | Gateway | RuleRecord | None:
        """Return the newest record of the same kind and id."""
        match record:
            case Device():
                newest = self._devices.newest(record.device_id)
                return None if newest is None else newest[1]
            case Unit():
                return self.units.get(record.unit_id)
            case Team():
                return self.teams.get(record.team_id)
            case Gateway():
                return self.gateways.get(record.gateway_id)
            case RuleRecord():
                same = [one for (rule_id, _), one in self.rules.items() if rule_id == record.rule_id]
                return max(same, key=lambda one: one.version, default=None)

    def devices(self) -> Iterator[Device]:
        """Yield the newest record of each device."""
        return self._devices.newest_of_all()

    def changed_since(self, change: int) -> Iterator[str]:
        """Yield each device whose record has changed after change number ``change``, the last one first."""
        for device_id in reversed(self._changed):
            if self._changed[device_id] <= change:
                return
            yield device_id

    def rate(self, unit_id: str, mode: str, quantity: str) -> float:
        """Return how many readings a second a unit's devices should send; in which order they came does not matter."""
        intervals = self._intervals.get((unit_id, mode, quantity), Counter[float]())
        return sum(count / interval_s for interval_s, count in sorted(intervals.items()))

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind are known."""
        return {
            "devices": len(self._devices),
            "units": len(self.units),
            "teams": len(self.teams),
            "gateways": len(self.gateways),
            "rules": len(self.rules),
        }

    def _add_device(self, device: Device, since: int) -> None:
        self._count_newest(device.device_id, -1)
        self._devices.add(device.device_id, since, device)
        self._count_newest(device.device_id, 1)
        self._note_change(device.device_id)

    def _add_unit(self, unit: Unit, since: int) -> None:
        self._units.add(unit.unit_id, since, unit)
        self.unit_change += 1
        newest = self._units.newest(unit.unit_id)
        if newest is not None:
            self.units[unit.unit_id] = newest[1]

    def _add_rule(self, rule: RuleRecord) -> None:
        parse_time(rule.valid_from)
        key = rule.rule_id, rule.valid_from
        if key not in self.rules or rule.version > self.rules[key].version:
            self.rules[key] = rule
            self.rule_change += 1

    def _remove(self, topic: str, identity: str) -> None:
        if topic == channels.REGISTRY_DEVICES:
            self._count_newest(identity, -1)
            self._devices.remove(identity)
            self._note_change(identity)
        elif topic == channels.REGISTRY_UNITS:
            self._units.remove(identity)
            self.unit_change += 1
            self.units.pop(identity, None)
        elif topic == channels.REGISTRY_TEAMS:
            self.teams.pop(identity, None)
        elif topic == channels.REGISTRY_RULES:
            self.rules = {key: rule for key, rule in self.rules.items() if key[0] != identity}
            self.rule_change += 1
        else:
            self.gateways.pop(identity, None)

    def _count_newest(self, device_id: str, sign: int) -> None:
        newest = self._devices.newest(device_id)
        if newest is None:
            return
        device = newest[1]
        for quantity in device.quantities:
            counter = self._intervals.setdefault((device.unit_id, device.mode, quantity), Counter())
            counter[device.interval_s] += sign
            if not counter[device.interval_s]:
                del counter[device.interval_s]

    def _note_change(self, device_id: str) -> None:
        self.change += 1
        self._changed.pop(device_id, None)
        self._changed[device_id] = self.change
