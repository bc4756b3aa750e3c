"""Registry records on the wire, and registry files.

A file is YAML (lists ``units``, ``devices``, ``teams``, ``gateways``, ``rules``) or JSON lines, one record each. A line
may say what it is (``kind``: ``device``, ``unit``, ``team``, ``gateway`` or ``rule``), else its own id says so. A unit
has a ``kind`` of its own; in a line that says ``"kind": "unit"`` that one is named ``unit_kind``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from schemas.bounded import MAX_EVENT_BYTES, check_depth, decode_one
from schemas.files import FileFormatError, read_bytes
from schemas.refusals import RefusedError
from schemas.registry import Device, Gateway, RegistryFile, RuleRecord, Team, Unit
from schemas.times import SECOND_NS, format_time, parse_time

Entry = Device | Unit | Team | Gateway | RuleRecord
T = TypeVar("T", Device, Unit, Team, Gateway, RuleRecord)

_encoder = msgspec.json.Encoder()
_device = msgspec.json.Decoder(Device)
_unit = msgspec.json.Decoder(Unit)
_team = msgspec.json.Decoder(Team)
_gateway = msgspec.json.Decoder(Gateway)
_KINDS: dict[str, type[Entry]] = {"unit": Unit, "device": Device, "team": Team, "gateway": Gateway, "rule": RuleRecord}
_kind = msgspec.json.Decoder(dict[str, Any])


def encode_entry(entry: Entry) -> bytes:
    """Return the JSON of one registry record: the value of its topic's record."""
    return _encoder.encode(entry)


def decode_device(raw: bytes) -> Device:
    """Decode a record of ``vitals.registry.devices``; ``RefusedError``: ``too_large``, ``undecodable``, ``schema``."""
    return decode_one(_device, raw)


def decode_unit(raw: bytes) -> Unit:
    """Decode a record of ``vitals.registry.units``; refuses as ``decode_device``."""
    return decode_one(_unit, raw)


def decode_team(raw: bytes) -> Team:
    """Decode a record of ``vitals.registry.teams``; refuses as ``decode_device``."""
    return decode_one(_team, raw)


def decode_gateway(raw: bytes) -> Gateway:
    """Decode a record of ``vitals.registry.gateways``; refuses as ``decode_device``."""
    return decode_one(_gateway, raw)


def id_of(entry: Entry) -> str:
    """Return an entry's own id: the key of its record."""
    match entry:
        case Device():
            return entry.device_id
        case Unit():
            return entry.unit_id
        case Team():
            return entry.team_id
        case Gateway():
            return entry.gateway_id
        case RuleRecord():
            return entry.rule_id


def read_registry(path: Path, known_units: Collection[str] = ()) -> RegistryFile:
    """Read and check a registry file: ``.yaml`` or ``.yml``, else JSON lines.

    Parameters
    ----------
    path
        The file.
    known_units
        Units that are registered already, to which its devices and teams may belong.

    Raises
    ------
    FileFormatError
        File, line or entry, and reason; what the entries say of each other is checked too.
    """
    registry = _read_yaml(path) if path.suffix in (".yaml", ".yml") else _read_lines(path)
    problems = check_registry(registry, known_units)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise FileFormatError(f"{path}: {problems[0]}{more}")
    return registry


def check_registry(registry: RegistryFile, known_units: Collection[str] = ()) -> list[str]:
    """Return what is wrong between the entries: ids that come twice, units that nobody knows, times that are none."""
    entries = list(_entries(registry))
    problems = list(_twice(entries)) + list(_bad_times(entries))
    units = {unit.unit_id for unit in registry.units} | set(known_units)
    zones: dict[str, set[str]] = {}
    for unit in registry.units:
        names = {zone.zone_id for zone in unit.zones}
        zones.setdefault(unit.unit_id, set()).update(names)
        if len(names) < len(unit.zones):
            problems.append(f"unit {unit.unit_id}: a zone_id comes twice")
        outlines = {f"unit {unit.unit_id}": unit.geometry}
        outlines |= {f"unit {unit.unit_id}, zone {zone.zone_id}": zone.geometry for zone in unit.zones}
        for whose, ring in outlines.items():
            if ring is not None and (ring[0] != ring[-1] or len(set(ring)) < 3):
                problems.append(f"{whose}: geometry must end with its first point, and have three corners or more")
    for device in registry.devices:
        if device.unit_id not in units:
            problems.append(f"device {device.device_id}: unknown unit {device.unit_id}")
        elif device.zone_id is not None and device.zone_id not in zones.get(device.unit_id, {device.zone_id}):
            problems.append(f"device {device.device_id}: unit {device.unit_id} has no zone {device.zone_id}")
    for team in registry.teams:
        if team.home_unit not in units:
            problems.append(f"team {team.team_id}: unknown home_unit {team.home_unit}: a team needs a place")
    return problems


def _entries(registry: RegistryFile) -> Iterator[tuple[str, Entry]]:
    yield from (("unit", unit) for unit in registry.units)
    yield from (("device", device) for device in registry.devices)
    yield from (("team", team) for team in registry.teams)
    yield from (("gateway", gateway) for gateway in registry.gateways)
    yield from (("rule", rule) for rule in registry.rules)


def _twice(entries: list[tuple[str, Entry]]) -> Iterator[str]:
    """Name ids that come twice: one record may follow another of the same id only from another time on."""
    seen: set[tuple[str, str, str]] = set()
    for kind, entry in entries:
        key = kind, id_of(entry), entry.valid_from
        if key in seen:
            yield f"{kind} {key[1]}: comes twice with valid_from {key[2]}"
        seen.add(key)


def _bad_times(entries: list[tuple[str, Entry]]) -> Iterator[str]:
    for kind, entry in entries:
        try:
            parse_time(entry.valid_from)
        except ValueError as error:
            yield f"{kind} {id_of(entry)}: valid_from: {error}"


def _read_yaml(path: Path) -> RegistryFile:
    raw = read_bytes(path)
    try:
        content = times_as_text(msgspec.yaml.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise FileFormatError(f"{path}: not YAML: {error}") from error
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: must hold lists named units, devices, teams, gateways, rules")
    return RegistryFile(
        units=_list(path, content, "units", Unit),
        devices=_list(path, content, "devices", Device),
        teams=_list(path, content, "teams", Team),
        gateways=_list(path, content, "gateways", Gateway),
        rules=_list(path, content, "rules", RuleRecord),
    )


def _list(path: Path, content: dict[str, Any], name: str, kind: type[T]) -> tuple[T, ...]:
    unknown = sorted(str(key) for key in content.keys() - {"units", "devices", "teams", "gateways", "rules"})
    if unknown:
        raise FileFormatError(f"{path}: unknown list {unknown[0]!r}; known: units, devices, teams, gateways, rules")
    rows = content.get(name) or ()
    if not isinstance(rows, list | tuple):
        raise FileFormatError(f"{path}: {name} must be a list")
    return tuple(_entry(f"{path}: {name}[{i}]", row, kind) for i, row in enumerate(rows))


def _entry(place: str, row: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise FileFormatError(f"{place}: {error}") from error


def times_as_text(value: Any) -> Any:
    """Return ``value`` with times as text: YAML reads an unquoted time as one."""
    if isinstance(value, dict):
        return {key: times_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [times_as_text(item) for item in value]
    if isinstance(value, dt.datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        since = zoned - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return format_time(since // dt.timedelta(microseconds=1) * 1_000)
    if isinstance(value, dt.date):
        return format_time((value - dt.date(1970, 1, 1)).days * 86_400 * SECOND_NS)
    return value


def _read_lines(path: Path) -> RegistryFile:
    entries = [
        _read_line(f"{path}: line {number}", line)
        for number, line in enumerate(read_bytes(path).splitlines(), start=1)
        if line.strip()
    ]
    return RegistryFile(
        units=tuple(entry for entry in entries if isinstance(entry, Unit)),
        devices=tuple(entry for entry in entries if isinstance(entry, Device)),
        teams=tuple(entry for entry in entries if isinstance(entry, Team)),
        gateways=tuple(entry for entry in entries if isinstance(entry, Gateway)),
        rules=tuple(entry for entry in entries if isinstance(entry, RuleRecord)),
    )


def _read_line(place: str, line: bytes) -> Entry:
    try:
        if len(line) > MAX_EVENT_BYTES:
            raise FileFormatError(f"{place}: longer than {MAX_EVENT_BYTES} bytes")
        check_depth(line)
        fields = _kind.decode(line)
        kind = _kind_of(fields)
        if kind is None:
            raise FileFormatError(f"{place}: kind must be one of {', '.join(_KINDS)}, or the record's own id be given")
        return msgspec.convert(fields, _KINDS[kind])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RefusedError) as error:
        raise FileFormatError(f"{place}: {error}") from error


def _kind_of(fields: dict[str, Any]) -> str | None:
    """Return what a line is; what says so, and is no field of the record, is taken out of ``fields``."""
    kind = fields.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        del fields["kind"]
        if kind == "unit" and "unit_kind" in fields:
            fields["kind"] = fields.pop("unit_kind")
        return kind
    return next((kind for kind in ("device", "team", "gateway", "rule", "unit") if f"{kind}_id" in fields), None)
