from collections import Counter

import pytest

from schemas.registry import RegistryFile
from schemas.registry_codec import check_registry
from simulators.district import registry
from simulators.places import PILOTS, QUXI_ROAD
from simulators.scenarios import SCENARIOS, UNITS


def test_the_same_seed_gives_the_same_district() -> None:
    assert registry(seed=3, devices=400, units=40) == registry(seed=3, devices=400, units=40)
    assert registry(seed=3, devices=400, units=40) != registry(seed=4, devices=400, units=40)


def test_it_has_as_many_units_and_devices_as_asked_for(district: RegistryFile) -> None:
    assert len(district.units) == 60
    assert len(district.devices) == 1_000


def test_registry_rules_find_nothing_wrong(district: RegistryFile) -> None:
    assert check_registry(district) == []


def test_zones_have_names_of_their_own_in_the_whole_district() -> None:
    zones = Counter(zone.zone_id for unit in registry(devices=0).units for zone in unit.zones)
    assert max(zones.values()) == 1


def test_pilot_units_keep_all_their_devices_in_the_smallest_district() -> None:
    small = registry(devices=0, units=len(PILOTS))
    counts = Counter(device.unit_id for device in small.devices)
    assert set(counts) == {pilot.unit.unit_id for pilot in PILOTS}
    in_quxi = [d for d in small.devices if d.unit_id == QUXI_ROAD.unit.unit_id]
    assert sum("ch4" in d.quantities for d in in_quxi) >= 2
    assert sum("co" in d.quantities for d in in_quxi) >= 2


def test_no_unit_has_more_than_2000_devices() -> None:
    crowded = registry(devices=20_000, units=len(PILOTS) + 20)
    assert max(Counter(device.unit_id for device in crowded.devices).values()) <= 2_000
    assert len(crowded.devices) == 20_000


def test_too_many_devices_or_too_few_units_are_refused() -> None:
    with pytest.raises(ValueError, match="hold at most"):
        registry(devices=1_000_000, units=20)
    with pytest.raises(ValueError, match="units must be at least"):
        registry(units=3)


def test_devices_of_an_injected_unit_report_every_two_seconds() -> None:
    unit_id = UNITS["gas-leak"]
    district = registry(devices=500, units=40, injected=[unit_id])
    assert {d.interval_s for d in district.devices if d.unit_id == unit_id} == {2.0}
    assert min(d.interval_s for d in district.devices if d.unit_id != unit_id) > 2.0


def test_everybody_simulated_is_of_mode_exercise(district: RegistryFile) -> None:
    assert {device.mode for device in district.devices} == {"exercise"}
    assert {team.mode for team in district.teams} == {"exercise"}


def test_every_pilot_unit_has_a_team_of_its_own(district: RegistryFile) -> None:
    teams = {team.team_id: team for team in district.teams}
    for pilot in PILOTS:
        own = teams[pilot.unit.responsible or ""]
        assert (own.tier, own.home_unit) == ("unit", pilot.unit.unit_id)


@pytest.mark.parametrize("skill", ["lift", "gas", "crowd"])
@pytest.mark.parametrize("tier", ["grid", "subdistrict", "district", "city"])
def test_every_skill_is_there_at_every_tier(district: RegistryFile, skill: str, tier: str) -> None:
    assert any(skill in team.skills for team in district.teams if team.tier == tier)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_plays_in_a_pilot_unit(scenario: str) -> None:
    assert UNITS[scenario] in {pilot.unit.unit_id for pilot in PILOTS}
