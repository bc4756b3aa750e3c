"""Units and teams of the catalogue: what is wrong is refused with file, line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.registry import RegistryFile, RuleRecord
from schemas.registry_codec import read_registry
from streams.catalogue.files import CATALOGUE_FOLDER, load_catalogue
from streams.catalogue.timeline import changed
from tests.streams.catalogue.builders import refusal

UNITS = """units:
- unit_id: tower
  kind: building
  name_zh: 大楼
  name_en: Tower
  lat: 31.2
  lon: 121.4
  responsible: hp-own-tower
  noise_class: 2
  zones:
  - {zone_id: hall, area_m2: 400, place: indoor, capacity: 600, exits_m: 8}
  - {zone_id: stairs, area_m2: 40, place: stair}
- unit_id: yard
  kind: compound
  name_zh: 小区
  name_en: Yard
  lat: 31.3
  lon: 121.5
  zones:
  - {zone_id: gate, area_m2: 30}
"""
TEAMS = """teams:
- team_id: hp-own-tower
  skills: [general]
  tier: unit
  home_unit: tower
  lat: 31.2
  lon: 121.4
- team_id: hp-all
  skills: [lift, gas, crowd, fire, water, power, equipment, facility, emergency, environment, structure, sanitation,
           greenery, care, traffic, patrol, maintenance]
  tier: city
  home_unit: yard
  lat: 31.3
  lon: 121.5
  capacity: 10
  shifts: [{start: 22, until: 6}]
"""


@pytest.fixture
def two(folder: Path) -> Path:
    """Return the shipped catalogue with two units and two teams in place of its own."""
    (folder / "units.yaml").write_text(UNITS, encoding="utf-8")
    (folder / "teams.yaml").write_text(TEAMS, encoding="utf-8")
    return folder


def test_every_unit_and_team_that_is_shipped_is_read() -> None:
    shipped = load_catalogue().registry
    assert (len(shipped.units), len(shipped.teams)) == (15, 66)
    assert all(unit.name_zh != unit.name_en and unit.noise_class for unit in shipped.units)
    assert all(zone.capacity and zone.exits_m for unit in shipped.units for zone in unit.zones)
    assert {team.mode for team in shipped.teams} == {"exercise"}  # nobody real is sent by what is shipped


def test_what_is_shipped_is_what_registry_apply_reads() -> None:
    shipped = load_catalogue().registry
    units = read_registry(CATALOGUE_FOLDER / "units.yaml")
    teams = read_registry(CATALOGUE_FOLDER / "teams.yaml", {unit.unit_id for unit in units.units})
    assert (units, teams) == (RegistryFile(units=shipped.units), RegistryFile(teams=shipped.teams))


def test_units_and_teams_of_ones_own_are_read(two: Path) -> None:
    found = load_catalogue(two).registry
    assert [unit.unit_id for unit in found.units] == ["tower", "yard"]
    assert [(team.team_id, len(team.shifts)) for team in found.teams] == [("hp-own-tower", 0), ("hp-all", 1)]


def test_a_time_without_quotes_is_a_time(two: Path) -> None:
    (two / "units.yaml").write_text(UNITS.replace("noise_class: 2", "valid_from: 2026-01-01T08:00:00+08:00"))
    assert load_catalogue(two).registry.units[0].valid_from == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("units.yaml", "  name_zh: 大楼\n", "", "units.yaml:2: tower: Object missing required field `name_zh`"),
        ("units.yaml", "  name_en: Tower\n", "", "units.yaml:2: tower: Object missing required field `name_en`"),
        ("units.yaml", "name_en: Tower", "name_en: ''", "units.yaml:5: tower: name_en: Expected `str` of length"),
        (
            "units.yaml", " area_m2: 40,", "",
            "units.yaml:12: tower: zones.1: Object missing required field `area_m2`",
        ),
        ("units.yaml", "area_m2: 40,", "area_m2: 0,", "units.yaml:12: tower: zones.1.area_m2: Expected `float` > 0"),
        ("units.yaml", "kind: building", "kind: castle", "units.yaml:3: tower: kind: Invalid enum value 'castle'"),
        (
            "units.yaml", "noise_class", "noise_klass",
            "units.yaml:9: tower: noise_klass: Object contains unknown field `noise_klass`",
        ),
        (
            "units.yaml", "place: stair", "floor: 2",
            "units.yaml:12: tower: zones.1.floor: Object contains unknown field `floor`",
        ),
        ("units.yaml", "  lat: 31.2\n", "", "units.yaml:2: tower: a unit needs a place: lat and lon"),
        ("units.yaml", "unit_id: yard", "unit_id: tower", "units.yaml:13: tower: a second entry of this id"),
        ("units.yaml", "zone_id: stairs", "zone_id: hall", "units.yaml:12: tower: zones.1: hall: a second zone"),
        (
            "units.yaml", "zone_id: gate", "zone_id: hall",
            "units.yaml:20: yard: zones.0: hall: a second zone of this id, after that of tower",
        ),
        (
            "units.yaml", "responsible: hp-own-tower", "responsible: hp-nobody",
            "units.yaml:8: tower: responsible: hp-nobody is no team of teams.yaml",
        ),
        (
            "units.yaml", "noise_class: 2", "valid_from: '2026-02-30T00:00:00Z'",
            "units.yaml:2: tower: valid_from: ",
        ),
        (
            "units.yaml", "noise_class: 2", "geometry: [[1, 2], [3, 4], [5, 6], [7, 8]]",
            "units.yaml:2: tower: geometry must end with its first point",
        ),
        (
            "units.yaml", "place: stair}", "geometry: [[1, 2], [3, 4], [5, 6], [7, 8]]}",
            "units.yaml:2: tower: zone stairs: geometry must end with its first point",
        ),
        ("units.yaml", "units:\n", "units:\n- just words\n", "units.yaml:2: ?: Expected `object`, got `str`"),
        ("units.yaml", "units:\n", "places:\n", "units.yaml:1: must be one list named units, and nothing else"),
        ("units.yaml", "units:\n", "teams: []\nunits:\n", "units.yaml:1: must be one list named units"),
        ("units.yaml", "units:\n", "", "units.yaml:1: must be one list named units"),
        ("units.yaml", "name_zh: 大楼", "name_zh: [", "units.yaml:6: not YAML: "),
        (
            "teams.yaml", "  lat: 31.2\n  lon: 121.4\n", "",
            "teams.yaml:2: hp-own-tower: a team needs a place: lat and lon",
        ),
        ("teams.yaml", "  lon: 121.5\n", "", "teams.yaml:8: hp-all: a team needs a place"),
        (
            "teams.yaml", "home_unit: tower", "home_unit: gone",
            "teams.yaml:5: hp-own-tower: home_unit: gone is no unit of units.yaml",
        ),
        ("teams.yaml", "greenery,", "magic,", "teams.yaml:10: hp-all: skills.12: no scenario needs magic; they"),
        ("teams.yaml", "skills: [general]", "skills: []", "teams.yaml:3: hp-own-tower: skills: Expected `array`"),
        ("teams.yaml", "tier: unit", "tier: street", "teams.yaml:4: hp-own-tower: tier: Invalid enum value 'street'"),
        ("teams.yaml", "team_id: hp-all", "team_id: hp-own-tower", "teams.yaml:8: hp-own-tower: a second entry"),
        ("teams.yaml", "capacity: 10", "capacities: 10", "teams.yaml:15: hp-all: capacities: Object contains unknown"),
        ("teams.yaml", "until: 6", "until: 60", "teams.yaml:16: hp-all: shifts.0.until: Expected `float` <= 24.0"),
        (
            "teams.yaml", "greenery, ", "",
            "scenarios/greenery.yaml:8: greenery: skills: no team of teams.yaml has any of greenery",
        ),
        ("teams.yaml", "[general]", "[lift]", "other.yaml:9: other: skills: no team of teams.yaml has any of general"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_file_line_and_reason(
    two: Path, file: str, old: str, new: str, said: str
) -> None:
    assert refusal(two, file, old, new).startswith(f"{two}/{said}")


def test_a_change_of_rules_keeps_units_and_teams() -> None:
    before = load_catalogue()
    entry = before.scenarios["gas-leak"].model_copy(update={"settle_s": 60.0}).model_dump(mode="json")
    after = changed(before, RuleRecord(rule_id="scenario:gas-leak", version=1, entry=entry))
    assert after.registry == before.registry
