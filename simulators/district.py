"""The reference district: Huangpu with its pilot units among 1,200, and any number of devices spread over them.

The same seed gives the same district. Devices and teams are of mode ``exercise``: nobody real is ever sent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from schemas.registry import Device, Gateway, RegistryFile, Unit, UnitKind, Zone
from simulators.places import DISTRICT, GRIDS_PER_SUBDISTRICT, PILOTS, SUBDISTRICTS, Subdistrict, gateway_of
from simulators.roster import teams

UNITS = 1_200
MAX_DEVICES_PER_UNIT = 2_000
INJECTED_INTERVAL_S = 2.0
METRES_PER_DEGREE = 111_000.0
VIDEO = "video"


class DeviceKind(NamedTuple):
    """What a kind of device measures, and how often it reports (s)."""

    quantities: tuple[str, ...]
    interval_s: float


DEVICE_KINDS = {
    "lift": DeviceKind(("lift_fault",), 10.0),
    "ch4": DeviceKind(("ch4",), 10.0),
    "co": DeviceKind(("co",), 10.0),
    "temp": DeviceKind(("temperature",), 10.0),
    "noise": DeviceKind(("LAeq",), 10.0),
    "air": DeviceKind(("pm25",), 10.0),
    "loop": DeviceKind(("speed", "occupancy"), 60.0),
    "cam": DeviceKind((VIDEO,), 5.0),
    "smoke": DeviceKind(("smoke",), 10.0),
    "heat": DeviceKind(("heat",), 10.0),
    "leak": DeviceKind(("leakage_current",), 10.0),
    "exit": DeviceKind(("exit_blocked",), 10.0),
    "car": DeviceKind(("lift_between_floors", "lift_call", "lift_vibration"), 10.0),
    "boiler": DeviceKind(("steam_pressure", "inspection_overdue"), 10.0),
    "main": DeviceKind(("water_pressure", "flow_rate"), 10.0),
    "road": DeviceKind(("road_water_level",), 10.0),
    "meter": DeviceKind(("voltage", "load"), 10.0),
    "energy": DeviceKind(("power", "persons"), 60.0),
    "weather": DeviceKind(("wind_speed", "wind_direction", "rain_rate"), 10.0),
    "chem": DeviceKind(("so2", "no2", "voc", "pm10"), 60.0),
    "site": DeviceKind(("site_pm10", "site_LAeq"), 10.0),
    "creek": DeviceKind(("turbidity", "cod", "nh3n"), 60.0),
    "dose": DeviceKind(("dose_rate",), 60.0),
    "struct": DeviceKind(("tilt", "crack_width", "vibration", "settlement"), 60.0),
    "shelter": DeviceKind(("humidity", "sump_level", "co2"), 60.0),
    "bin": DeviceKind(("fill_level",), 60.0),
    "toilet": DeviceKind(("nh3", "h2s", "queue"), 60.0),
    "soil": DeviceKind(("soil_moisture",), 60.0),
    "tree": DeviceKind(("tree_tilt",), 60.0),
    "care": DeviceKind(("call", "fall", "inactive"), 10.0),
    "socket": DeviceKind(("socket_current", "battery_temperature"), 10.0),
    "lot": DeviceKind(("lot_occupancy",), 60.0),
    "gate": DeviceKind(("gate_forced",), 10.0),
}
# Of 500,000 terminals some 20,000 are cameras: 4%.
DEVICE_SHARES: dict[UnitKind, dict[str, float]] = {
    "building": {
        "lift": 0.06, "car": 0.02, "ch4": 0.10, "co": 0.08, "smoke": 0.22, "heat": 0.12, "leak": 0.05, "meter": 0.08,
        "temp": 0.10, "noise": 0.04, "air": 0.05, "care": 0.02, "shelter": 0.01, "struct": 0.01, "energy": 0.005,
        "boiler": 0.005, "cam": 0.03,
    },
    "compound": {
        "lift": 0.08, "car": 0.03, "ch4": 0.18, "smoke": 0.18, "heat": 0.05, "leak": 0.04, "meter": 0.10, "temp": 0.04,
        "noise": 0.05, "air": 0.05, "care": 0.08, "socket": 0.05, "exit": 0.02, "bin": 0.01, "gate": 0.005,
        "cam": 0.035,
    },
    "shops": {
        "ch4": 0.25, "co": 0.08, "smoke": 0.20, "leak": 0.08, "meter": 0.10, "temp": 0.05, "noise": 0.06, "air": 0.05,
        "loop": 0.02, "bin": 0.02, "toilet": 0.01, "lot": 0.01, "main": 0.005, "road": 0.005, "cam": 0.06,
    },
    "block": {
        "ch4": 0.25, "co": 0.05, "smoke": 0.20, "heat": 0.05, "meter": 0.08, "temp": 0.06, "noise": 0.08, "air": 0.08,
        "exit": 0.02, "main": 0.02, "road": 0.02, "creek": 0.01, "soil": 0.02, "tree": 0.02, "chem": 0.005,
        "weather": 0.005, "cam": 0.03,
    },
    "scenic-area": {
        "ch4": 0.08, "temp": 0.15, "noise": 0.20, "air": 0.20, "loop": 0.06, "smoke": 0.08, "meter": 0.03,
        "tree": 0.03, "soil": 0.03, "toilet": 0.02, "cam": 0.12,
    },
}  # fmt: skip
KIND_SHARES: dict[UnitKind, float] = {
    "building": 0.4,
    "compound": 0.25,
    "shops": 0.2,
    "block": 0.12,
    "scenic-area": 0.03,
}
KIND_NAMES: dict[UnitKind, tuple[str, str]] = {
    "building": ("楼宇", "building"),
    "compound": ("小区", "compound"),
    "shops": ("沿街商铺", "shops"),
    "block": ("街区", "block"),
    "scenic-area": ("景区", "scenic area"),
}


def registry(
    known: RegistryFile,
    *,
    seed: int = 1,
    devices: int = 5_000,
    units: int = UNITS,
    injected: Collection[str] = (),
    video_s: float = 5.0,
) -> RegistryFile:
    """Return the district's units, devices, teams and gateways.

    Parameters
    ----------
    known
        The catalogue's units and teams; those of its units that are no pilots have devices as ordinary ones have.
    devices
        How many; the pilot units keep all of theirs, so that there are never fewer than about 130.
    units
        How many, the catalogue's among them.
    injected
        Units whose devices report every 2 s, because a scenario will play there.
    video_s
        How often a camera reports; 1 is what real ones do.

    Raises
    ------
    ValueError
        The units cannot hold so many devices, or there are fewer units than the catalogue has.
    """
    if units < len(known.units):
        raise ValueError(f"units must be at least {len(known.units)}, those of the catalogue, not {units}")
    if devices > units * MAX_DEVICES_PER_UNIT // 2:
        raise ValueError(f"{units} units hold at most {units * MAX_DEVICES_PER_UNIT // 2} devices, not {devices}")
    rng = np.random.default_rng([seed, 1])
    made = tuple(_ordinary_unit(number, rng) for number in range(1, units - len(known.units) + 1))
    every_unit = (*known.units, *made)
    own = [device for unit in known.units for device in _pilot_devices(unit)]
    ordinary = tuple(unit for unit in every_unit if unit.unit_id not in PILOTS)
    rest = _spread(ordinary or known.units, max(0, devices - len(own)), rng)
    paced = (_paced(device, injected, video_s) for device in (*own, *rest))
    return RegistryFile(units=every_unit, devices=tuple(paced), teams=teams(known, every_unit), gateways=_gateways())


def _gateways() -> tuple[Gateway, ...]:
    return tuple(Gateway(gateway_id=gateway_of(f"{DISTRICT}.{s.id}"), districts=(DISTRICT,)) for s in SUBDISTRICTS)


def _ordinary_unit(number: int, rng: np.random.Generator) -> Unit:
    place = SUBDISTRICTS[number % len(SUBDISTRICTS)]
    kind = _choice(KIND_SHARES, rng)
    grid = 1 + int(rng.integers(GRIDS_PER_SUBDISTRICT))
    name = f"{kind}-{number:04d}"
    zh, en = KIND_NAMES[kind]
    lat, lon = _near(place, rng)
    return Unit(
        unit_id=f"{DISTRICT}.{place.id}.g{grid:02d}.{name}",
        kind=kind,
        name_zh=f"{place.name_zh}{zh}{number}",
        name_en=f"{place.name_en}, {en} {number}",
        lat=lat,
        lon=lon,
        zones=_zones(name, rng) if kind in ("scenic-area", "shops") else (),
        noise_class=1 if kind == "compound" else 2,
    )


def _near(place: Subdistrict, rng: np.random.Generator) -> tuple[float, float]:
    north, east = rng.uniform(-600.0, 600.0, 2) / METRES_PER_DEGREE
    return round(place.lat + float(north), 6), round(place.lon + float(east), 6)


def _zones(name: str, rng: np.random.Generator) -> tuple[Zone, ...]:
    areas = rng.integers(300, 3_000, size=int(rng.integers(1, 4)))
    return tuple(
        Zone(
            zone_id=f"{name}-z{place + 1}",
            area_m2=float(area),
            place="walkway",
            capacity=int(area * 1.5),
            exits_m=round(float(area) ** 0.5 / 3, 1),
        )
        for place, area in enumerate(areas)
    )


def _pilot_devices(unit: Unit) -> Iterator[Device]:
    pilot = PILOTS.get(unit.unit_id)
    if pilot is None:
        return
    name = unit.unit_id.rsplit(".", 1)[1]
    for kind, count in pilot.devices.items():
        for number in range(1, count + 1):
            yield _device(f"{DISTRICT}-{kind}-{name}-{number}", kind, unit, None)
    for zone in unit.zones:
        for number in range(1, pilot.cameras_per_zone + 1):
            yield _device(f"{DISTRICT}-cam-{zone.zone_id}-{number}", "cam", unit, zone.zone_id)


def _spread(units: tuple[Unit, ...], count: int, rng: np.random.Generator) -> Iterator[Device]:
    """Yield ``count`` devices; a unit's share differs from another's by a factor of up to 3."""
    if count == 0:
        return
    weights = rng.uniform(1.0, 3.0, len(units))
    per_unit = np.minimum(rng.multinomial(count, weights / weights.sum()), MAX_DEVICES_PER_UNIT)
    number = 0
    for unit, wanted in zip(units, _filled(per_unit, count), strict=True):
        shares = DEVICE_SHARES[unit.kind]
        kinds = list(shares)
        for chosen in rng.choice(len(kinds), size=wanted, p=list(shares.values())):
            number += 1
            kind = kinds[chosen]
            zone = unit.zones[number % len(unit.zones)].zone_id if kind == "cam" and unit.zones else None
            yield _device(f"{DISTRICT}-{kind}-{number:06d}", kind, unit, zone)


def _filled(per_unit: np.ndarray, count: int) -> list[int]:
    """Return ``per_unit`` with what its cap cut off given to those that have room."""
    filled = [int(n) for n in per_unit]
    missing = count - sum(filled)
    for place, have in enumerate(filled):
        more = min(missing, MAX_DEVICES_PER_UNIT - have)
        filled[place] += more
        missing -= more
    return filled


def _device(device_id: str, kind: str, unit: Unit, zone_id: str | None) -> Device:
    quantities, interval_s = DEVICE_KINDS[kind]
    return Device(
        device_id=device_id,
        unit_id=unit.unit_id,
        quantities=quantities,
        interval_s=interval_s,
        zone_id=zone_id,
        gateway_id=gateway_of(unit.unit_id),
        lat=unit.lat,
        lon=unit.lon,
        mode="exercise",
    )


def _paced(device: Device, injected: Collection[str], video_s: float) -> Device:
    interval_s = video_s if VIDEO in device.quantities else device.interval_s
    if device.unit_id in injected:
        interval_s = min(interval_s, INJECTED_INTERVAL_S)
    if interval_s == device.interval_s:
        return device
    return msgspec.structs.replace(device, interval_s=interval_s)


def _choice(shares: dict[UnitKind, float], rng: np.random.Generator) -> UnitKind:
    return list(shares)[int(rng.choice(len(shares), p=list(shares.values())))]
