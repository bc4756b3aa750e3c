"""Whose rows these are: the unit, and so the key, of devices and zones as they are registered.

What nobody has registered goes on under its own name. Sense refuses it there (``unknown_device``, ``unknown_place``),
counts it and keeps it as a dead letter: nothing is thrown away at the door.
"""

from __future__ import annotations

from collections import defaultdict

from streams.registry.view import RegistryView


class Places:
    """Units by device and by zone, out of a registry view that changes beside the work."""

    def __init__(self, view: RegistryView) -> None:
        self._view = view
        self._zones: dict[str, list[str]] = {}
        self._change = -1

    def is_registered(self, device_id: str) -> bool:
        """Whether anybody has registered the device, from whatever time on."""
        return self._view.newest(device_id) is not None

    def of_device(self, device_id: str, time_ns: int) -> str:
        """Return the unit in which a device stood at ``time_ns``, else the one of its newest record, else its id."""
        at = self._view.device_at(device_id, time_ns)
        if at is not None:
            return at.unit_id
        newest = self._view.newest(device_id)
        return device_id if newest is None else newest[1].unit_id

    def of_zone(self, zone_id: str) -> list[str]:
        """Return the units that have a zone of this name."""
        if self._change != self._view.unit_change:
            zones = defaultdict(list)
            for unit in self._view.units.values():
                for zone in unit.zones:
                    zones[zone.zone_id].append(unit.unit_id)
            self._zones, self._change = dict(zones), self._view.unit_change
        return self._zones.get(zone_id, [])
