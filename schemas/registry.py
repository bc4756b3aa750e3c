"""The registry: devices, units, teams and gateways, as they stand in ``vitals.registry.*`` and in registry files.

Every record has ``valid_from`` (event time, default 1970): what was true when a reading was taken judges it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id, Mode
from schemas.times import Time

EPOCH = "1970-01-01T00:00:00Z"
UnitKind = Literal["building", "scenic-area", "compound", "shops", "block"]
Place = Literal["walkway", "stair", "standing", "indoor", "underground"]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Ring = Annotated[
    tuple[tuple[Longitude, Latitude], ...],
    Meta(min_length=4, max_length=256, description="outline as [lon, lat] points, the last one the first (GeoJSON)"),
]
Skill = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$(?!\n)")]


class Device(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sensor, a camera or a counter; ``quantities`` are the catalogue's (a camera's is ``video``)."""

    device_id: Id
    unit_id: Id
    quantities: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=64)]
    interval_s: Annotated[float, Meta(gt=0, le=86_400)]
    zone_id: Id | None = None
    gateway_id: Id | None = None
    lat: Latitude | None = None
    lon: Longitude | None = None
    mode: Mode = "actual"
    valid_from: Time = EPOCH


class Zone(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a unit where people are counted."""

    zone_id: Id
    area_m2: Annotated[float, Meta(gt=0, le=10_000_000)]
    place: Place = "standing"
    capacity: Annotated[int, Meta(gt=0, le=10_000_000)] | None = None
    exits_m: Annotated[float, Meta(ge=0, le=10_000)] | None = None
    geometry: Ring | None = None


class Unit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A minimum management unit; ``responsible`` is the team of its own people: first where a scenario says so."""

    unit_id: Id
    kind: UnitKind
    name_zh: Name
    name_en: Name
    lat: Latitude | None = None
    lon: Longitude | None = None
    zones: Annotated[tuple[Zone, ...], Meta(max_length=256)] = ()
    responsible: Id | None = None
    noise_class: Annotated[int, Meta(ge=0, le=4)] | None = None
    geometry: Ring | None = None
    valid_from: Time = EPOCH


class Shift(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hours of the day (local, 0 to 24) in which a team works; past midnight when ``until`` is below ``start``."""

    start: Annotated[float, Meta(ge=0, le=24)]
    until: Annotated[float, Meta(ge=0, le=24)]


class Team(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field team; no shifts means round the clock."""

    team_id: Id
    skills: Annotated[tuple[Skill, ...], Meta(min_length=1, max_length=32)]
    tier: Literal["unit", "grid", "subdistrict", "district", "city"]
    home_unit: Id
    lat: Latitude | None = None
    lon: Longitude | None = None
    capacity: Annotated[int, Meta(ge=1, le=100)] = 1  # cases at a time
    shifts: Annotated[tuple[Shift, ...], Meta(max_length=8)] = ()
    mode: Mode = "actual"
    valid_from: Time = EPOCH


class Gateway(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A principal that publishes; ``key`` (base64) signs its packs where it signs."""

    gateway_id: Id
    districts: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=64)]
    key: Annotated[str, Meta(max_length=256)] | None = None
    valid_from: Time = EPOCH


class RuleRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A catalogue entry that takes another's place, or is new, from ``valid_from`` on; the higher version counts.

    ``rule_id`` is ``<kind>:<id of the entry>``, the kind one of ``quantity``, ``indicator``, ``table``, ``scenario``.
    """

    rule_id: Annotated[Id, Meta(description="quantity:ID, indicator:ID, table:ID or scenario:ID")]
    version: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    entry: Annotated[dict[str, Any], Meta(description="as in deploy/catalogue")]
    valid_from: Time = EPOCH


class RegistryFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registry file, YAML: lists of records of each kind."""

    units: tuple[Unit, ...] = ()
    devices: tuple[Device, ...] = ()
    teams: tuple[Team, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    rules: tuple[RuleRecord, ...] = ()
