"""Reads ``units.yaml`` and ``teams.yaml``: registry files, of which the catalogue asks more than the registry does.

Here every unit and team has a place and stands once, who is named is there, and skills are those that scenarios need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

import msgspec
import yaml

from schemas.catalogue import Scenario
from schemas.registry import RegistryFile, Team, Unit
from schemas.registry_codec import check_registry, id_of, times_as_text
from streams.catalogue.nodes import CatalogueError, find, line_of, read, value_of

T = TypeVar("T", Unit, Team)
UNITS, TEAMS = "units.yaml", "teams.yaml"
_AT = re.compile(r" - at `\$([^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"^Object contains unknown field `([^`]*)`")


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """An entry, and where it stands."""

    entry: T
    path: Path
    node: yaml.Node

    def refuse(self, reason: str, *place: int | str) -> NoReturn:
        """Raise ``CatalogueError`` with the line of a place in this entry."""
        _refuse(self.path, self.node, id_of(self.entry), place, reason)


def read_registered(folder: Path, scenarios: Mapping[str, Scenario]) -> RegistryFile:
    """Return the units and teams of a catalogue's folder.

    Raises
    ------
    CatalogueError
        File, line, entry, and reason.
    """
    units = _entries(folder / UNITS, "units", Unit)
    teams = _entries(folder / TEAMS, "teams", Team)
    registry = RegistryFile(
        units=tuple(unit.entry for unit in units.values()), teams=tuple(team.entry for team in teams.values())
    )
    for unit in units.values():
        _check_unit(unit, teams)
    _check_zones(units)
    needed = {skill for scenario in scenarios.values() for skill in scenario.skills}
    for team in teams.values():
        _check_team(team, units, needed)
    for problem in check_registry(registry):
        kind, ident, reason = _split(problem)
        (units[ident] if kind == "unit" else teams[ident]).refuse(reason)
    for scenario in scenarios.values():
        if not any(set(scenario.skills) & set(team.skills) for team in registry.teams):
            _refuse_scenario(folder, scenario)
    return registry


def _check_unit(unit: Written[Unit], teams: Mapping[str, Written[Team]]) -> None:
    one = unit.entry
    if one.lat is None or one.lon is None:
        unit.refuse("a unit needs a place: lat and lon")
    if one.responsible is not None and one.responsible not in teams:
        unit.refuse(f"{one.responsible} is no team of {TEAMS}", "responsible")


def _check_zones(units: Mapping[str, Written[Unit]]) -> None:
    seen: dict[str, str] = {}
    for ident, unit in units.items():
        for number, zone in enumerate(unit.entry.zones):
            if zone.zone_id in seen:
                unit.refuse(
                    f"{zone.zone_id}: a second zone of this id, after that of {seen[zone.zone_id]}", "zones", number
                )
            seen[zone.zone_id] = ident


def _check_team(team: Written[Team], units: Mapping[str, Written[Unit]], needed: set[str]) -> None:
    one = team.entry
    if one.lat is None or one.lon is None:
        team.refuse("a team needs a place: lat and lon")
    if one.home_unit not in units:
        team.refuse(f"{one.home_unit} is no unit of {UNITS}", "home_unit")
    for number, skill in enumerate(one.skills):
        if skill not in needed:
            team.refuse(f"no scenario needs {skill}; they need {', '.join(sorted(needed))}", "skills", number)


def _refuse_scenario(folder: Path, scenario: Scenario) -> NoReturn:
    path = folder / "scenarios" / f"{scenario.id}.yaml"
    path = path if path.exists() else folder / f"{scenario.id}.yaml"
    reason = f"no team of {TEAMS} has any of {', '.join(scenario.skills)}"
    _refuse(path, read(path), scenario.id, ("skills",), reason)


def _entries(path: Path, name: str, kind: type[T]) -> dict[str, Written[T]]:
    root = read(path)
    keys = [key.value for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
    if keys != [name] or not isinstance(root.value[0][1], yaml.SequenceNode):
        unknown = next((key for key, _ in root.value if key.value != name), root) if keys else root
        raise CatalogueError(f"{path}:{line_of(unknown)}: must be one list named {name}, and nothing else")
    found: dict[str, Written[T]] = {}
    for node in root.value[0][1].value:
        written = Written(_entry(path, node, kind), path, node)
        if id_of(written.entry) in found:
            written.refuse("a second entry of this id")
        found[id_of(written.entry)] = written
    return found


def _entry(path: Path, node: yaml.Node, kind: type[T]) -> T:
    value = times_as_text(value_of(path, node))
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        name = value.get(f"{kind.__name__.lower()}_id", "?") if isinstance(value, dict) else "?"
        _refuse(path, node, str(name), tuple(_place(str(error))), _AT.sub("", str(error)), error)


def _place(message: str) -> Iterator[int | str]:
    """Yield the way to what msgspec complains of: ``$.zones[0]`` is zones, 0; then the field that it does not know."""
    at, unknown = _AT.search(message), _UNKNOWN.search(message)
    for name, number in _STEP.findall(at[1] if at else ""):
        yield name or int(number)
    if unknown:
        yield unknown[1]


def _split(problem: str) -> tuple[str, str, str]:
    """Return kind, id and reason of ``unit ID: reason`` and ``unit ID, zone Z: reason``, as ``check_registry`` says."""
    kind, _, rest = problem.partition(" ")
    ident = re.split(r": |, ", rest, maxsplit=1)[0]
    return kind, ident, rest.removeprefix(ident).lstrip(":, ")


def _refuse(
    path: Path, node: yaml.Node, name: str, place: tuple[Any, ...], reason: str, cause: Exception | None = None
) -> NoReturn:
    line = line_of(find(node, place) or node)
    where = "".join(f"{part}: " for part in (name, ".".join(map(str, place))) if part)
    raise CatalogueError(f"{path}:{line}: {where}{reason}") from cause
