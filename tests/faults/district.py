"""The district that the generated log speaks of: three districts of buildings, each with the same eight devices."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.registry import Device, RegistryFile, Unit

DISTRICTS = ("hp", "ja", "xh")
GATEWAY = "gw-faults"
INTERVAL_S = 10.0
# Per unit: quantity of each device, and how many there are of it.
EQUIPMENT = {"lift_fault": 2, "LAeq": 3, "temperature": 2, "pm25": 1}


def unit_ids(units: int = 12) -> list[str]:
    """Return the ids of ``units`` buildings, spread over three districts."""
    return [f"{DISTRICTS[i % 3]}.s{i % 2}.g{i % 4}.b{i:02d}" for i in range(units)]


def devices_of(unit_id: str) -> Iterator[tuple[str, str]]:
    """Yield (device_id, quantity) of one building."""
    for quantity, count in EQUIPMENT.items():
        for number in range(count):
            yield f"{unit_id}.{quantity.replace('_', '-')}-{number}", quantity


def registry(units: int = 12) -> RegistryFile:
    """Return units and devices; no teams, so that every case climbs by its clocks until sensors close it."""
    names = unit_ids(units)
    return RegistryFile(
        units=tuple(Unit(unit_id=name, kind="building", name_zh=name, name_en=name) for name in names),
        devices=tuple(
            Device(device_id=device, unit_id=name, quantities=(quantity,), interval_s=INTERVAL_S)
            for name in names
            for device, quantity in devices_of(name)
        ),
    )
