from collections import Counter

import pytest
from msgspec.structs import replace

from schemas.registry import RegistryFile, Team, Unit
from schemas.registry_codec import check_registry
from simulators.district import registry
from simulators.places import BUND_CHENYI, PILOTS, QUXI_ROAD
from simulators.scenarios import SCENARIOS, UNITS


def test_the_same_seed_gives_the_same_district(known: RegistryFile) -> None:
    assert registry(known, seed=3, devices=400, units=40) == registry(known, seed=3, devices=400, units=40)
    assert registry(known, seed=3, devices=400, units=40) != registry(known, seed=4, devices=400, units=40)


def test_it_has_as_many_units_and_devices_as_asked_for(district: RegistryFile) -> None:
    assert len(district.units) == 60
    assert len(district.devices) == 1_000


def test_registry_rules_find_nothing_wrong(district: RegistryFile) -> None:
    assert check_registry(district) == []


def test_zones_have_names_of_their_own_in_the_whole_district(known: RegistryFile) -> None:
    zones = Counter(zone.zone_id for unit in registry(known, devices=0).units for zone in unit.zones)
    assert max(zones.values()) == 1


def test_the_catalogue_has_every_pilot_unit(known: RegistryFile) -> None:
    assert PILOTS.keys() <= {unit.unit_id for unit in known.units}


def test_the_catalogues_units_and_teams_stand_in_the_district_as_they_are(
    known: RegistryFile, district: RegistryFile
) -> None:
    assert set(known.units) <= set(district.units)
    assert set(known.teams) <= set(district.teams)


def test_pilot_units_keep_all_their_devices_in_the_smallest_district(known: RegistryFile) -> None:
    small = registry(known, devices=0, units=len(PILOTS))
    counts = Counter(device.unit_id for device in small.devices)
    assert set(counts) == set(PILOTS)
    in_quxi = [d for d in small.devices if d.unit_id == QUXI_ROAD]
    assert sum("ch4" in d.quantities for d in in_quxi) >= 2
    assert sum("co" in d.quantities for d in in_quxi) >= 2


def test_a_unit_that_is_no_pilot_has_devices_like_any_other(known: RegistryFile) -> None:
    mine = Unit(unit_id="hp.bund.g02.mine", kind="building", name_zh="楼", name_en="Mine", lat=31.23, lon=121.48)
    district = registry(replace(known, units=(*known.units, mine)), devices=600, units=20)
    assert len(district.units) == 20
    assert any(device.unit_id == mine.unit_id for device in district.devices)


def test_a_real_team_is_not_simulated_nor_is_another_made_in_its_place(known: RegistryFile) -> None:
    real = Team(team_id="hp-sub-bund-lift", skills=("lift",), tier="subdistrict", home_unit=BUND_CHENYI)
    district = registry(replace(known, teams=(*known.teams, real)), devices=0, units=40)
    assert real.team_id in {team.team_id for team in registry(known, devices=0, units=40).teams}
    assert real.team_id not in {team.team_id for team in district.teams}


def test_without_teams_of_the_city_grids_have_people_of_no_special_skill(known: RegistryFile) -> None:
    district = registry(replace(known, teams=()), devices=0, units=40)
    assert {(team.tier, team.skills) for team in district.teams} == {("grid", ("general",))}


def test_no_unit_has_more_than_2000_devices(known: RegistryFile) -> None:
    crowded = registry(known, devices=20_000, units=len(PILOTS) + 20)
    assert max(Counter(device.unit_id for device in crowded.devices).values()) <= 2_000
    assert len(crowded.devices) == 20_000


def test_too_many_devices_or_too_few_units_are_refused(known: RegistryFile) -> None:
    with pytest.raises(ValueError, match="hold at most"):
        registry(known, devices=1_000_000, units=20)
    with pytest.raises(ValueError, match="units must be at least"):
        registry(known, units=3)


def test_devices_of_an_injected_unit_report_every_two_seconds(known: RegistryFile) -> None:
    unit_id = UNITS["gas-leak"]
    district = registry(known, devices=500, units=40, injected=[unit_id])
    assert {d.interval_s for d in district.devices if d.unit_id == unit_id} == {2.0}
    assert min(d.interval_s for d in district.devices if d.unit_id != unit_id) > 2.0


def test_everybody_simulated_is_of_mode_exercise(district: RegistryFile) -> None:
    assert {device.mode for device in district.devices} == {"exercise"}
    assert {team.mode for team in district.teams} == {"exercise"}


def test_every_pilot_unit_has_a_team_of_its_own(district: RegistryFile) -> None:
    teams = {team.team_id: team for team in district.teams}
    for unit in (unit for unit in district.units if unit.unit_id in PILOTS):
        own = teams[unit.responsible or ""]
        assert (own.tier, own.home_unit) == ("unit", unit.unit_id)


@pytest.mark.parametrize("skill", ["lift", "gas", "crowd"])
@pytest.mark.parametrize("tier", ["grid", "subdistrict", "district", "city"])
def test_every_skill_is_there_at_every_tier(district: RegistryFile, skill: str, tier: str) -> None:
    assert any(skill in team.skills for team in district.teams if team.tier == tier)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_plays_in_a_pilot_unit(scenario: str) -> None:
    assert UNITS[scenario] in PILOTS
