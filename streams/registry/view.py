"""What is known of devices, units, teams and gateways; a device is judged by what was valid at its reading's time."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from schemas import channels
from schemas.registry import Device, Gateway, Team, Unit
from schemas.times import parse_time

R = TypeVar("R", Device, Unit)

_DECODERS: dict[str, msgspec.json.Decoder[Device | Unit | Team | Gateway]] = {
    channels.REGISTRY_DEVICES: msgspec.json.Decoder(Device),
    channels.REGISTRY_UNITS: msgspec.json.Decoder(Unit),
    channels.REGISTRY_TEAMS: msgspec.json.Decoder(Team),
    channels.REGISTRY_GATEWAYS: msgspec.json.Decoder(Gateway),
}


class RegistryView:
    """Live mappings, changed only between batches; ``changes`` names each device whose record changed, in order."""

    def __init__(self) -> None:
        self.units: dict[str, Unit] = {}
        self.teams: dict[str, Team] = {}
        self.gateways: dict[str, Gateway] = {}
        self.changes: list[str] = []
        self.rates: dict[tuple[str, str, str], float] = {}  # (unit, mode, quantity) -> readings expected a second
        self._devices: dict[str, list[tuple[int, Device]]] = {}

    def apply(self, topic: str, key: bytes, value: bytes) -> None:
        """Take one record of a registry topic; an empty value removes, what is undecodable changes nothing."""
        identity = key.decode(errors="replace")
        if not value:
            self._remove(topic, identity)
            return
        try:
            record = _DECODERS[topic].decode(value)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return
        if isinstance(record, Device):
            self._add_device(record)
        elif isinstance(record, Unit):
            self.units[record.unit_id] = record
        elif isinstance(record, Team):
            self.teams[record.team_id] = record
        else:
            self.gateways[record.gateway_id] = record

    def device_at(self, device_id: str, time_ns: int) -> Device | None:
        """Return the device as it was at ``time_ns``, or ``None`` if it was not."""
        valid = [device for since, device in self._devices.get(device_id, ()) if since <= time_ns]
        return valid[-1] if valid else None

    def newest(self, device_id: str) -> tuple[int, Device] | None:
        """Return the newest record of a device and the time (ns) from which it holds."""
        versions = self._devices.get(device_id)
        return versions[-1] if versions else None

    def counts(self) -> dict[str, int]:
        """Return how many records of each kind are known."""
        return {
            "devices": len(self._devices),
            "units": len(self.units),
            "teams": len(self.teams),
            "gateways": len(self.gateways),
        }

    def _count(self, device: Device, sign: int) -> None:
        for quantity in device.quantities:
            key = (device.unit_id, device.mode, quantity)
            self.rates[key] = self.rates.get(key, 0.0) + sign / device.interval_s

    def _add_device(self, device: Device) -> None:
        since = parse_time(device.valid_from)
        if (known := self.newest(device.device_id)) is not None:
            self._count(known[1], -1)
        versions = [entry for entry in self._devices.get(device.device_id, ()) if entry[0] != since]
        self._devices[device.device_id] = sorted([*versions, (since, device)], key=lambda entry: entry[0])
        self._count(self._devices[device.device_id][-1][1], 1)
        self.changes.append(device.device_id)

    def _remove(self, topic: str, identity: str) -> None:
        if topic == channels.REGISTRY_DEVICES:
            if (known := self.newest(identity)) is not None:
                self._count(known[1], -1)
                del self._devices[identity]
            self.changes.append(identity)
        elif topic == channels.REGISTRY_UNITS:
            self.units.pop(identity, None)
        elif topic == channels.REGISTRY_TEAMS:
            self.teams.pop(identity, None)
        elif topic == channels.REGISTRY_GATEWAYS:
            self.gateways.pop(identity, None)
