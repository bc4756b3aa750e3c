import pytest

from schemas.registry import RegistryFile
from simulators.scenarios import SCENARIOS, UNITS, faults_of, units_of
from simulators.scenarios.crowd_surge import CrowdSurge
from simulators.scenarios.gas_leak import GasLeak
from streams.catalogue.files import load_catalogue

ONSET = 1_767_240_000.0
SCALES = (1.0, 60.0)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_lasts_until_it_is_repaired(district: RegistryFile, scenario: str) -> None:
    fault = faults_of(scenario, district, onset_s=ONSET)[0]
    assert not fault.is_on(ONSET - 1)
    assert fault.is_on(ONSET + 10 * 86_400)
    assert fault.repair(ONSET + 1_000)
    assert fault.is_on(ONSET + 1_001)
    assert not fault.is_on(ONSET + 1_003)
    assert not fault.repair(ONSET + 2_000)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_that_has_not_begun_is_not_repaired(district: RegistryFile, scenario: str) -> None:
    assert not faults_of(scenario, district, onset_s=ONSET)[0].repair(ONSET - 1)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_near_misses_end_by_themselves_elsewhere(district: RegistryFile, scenario: str) -> None:
    fault, *near = faults_of(scenario, district, onset_s=ONSET, scale=60.0)
    assert near
    for miss in near:
        assert miss.unit_id != fault.unit_id
        assert not miss.repair(ONSET + 1)
        assert not miss.is_on(ONSET + 60)
        assert miss.truth().must_stay_silent
        assert miss.truth().expect_colour is None


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_truth_names_unit_onset_and_end(district: RegistryFile, scenario: str) -> None:
    fault = faults_of(scenario, district, onset_s=ONSET)[0]
    assert fault.truth().end is None
    fault.repair(ONSET + 100)
    truth = fault.truth()
    assert (truth.unit_id, truth.onset, truth.end) == (UNITS[scenario], "2026-01-01T04:00:00Z", "2026-01-01T04:01:42Z")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_scenarios_are_the_catalogues(scenario: str) -> None:
    assert scenario in load_catalogue().scenarios


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_units_of_a_scenario_are_those_of_its_faults(district: RegistryFile, scenario: str) -> None:
    assert {fault.unit_id for fault in faults_of(scenario, district, onset_s=ONSET)} == set(units_of(scenario))


def test_an_unknown_scenario_is_refused_with_those_that_there_are(district: RegistryFile) -> None:
    with pytest.raises(ValueError, match="lift-fault"):
        faults_of("earthquake", district, onset_s=ONSET)


def test_a_unit_without_what_it_takes_is_refused(district: RegistryFile) -> None:
    with pytest.raises(ValueError, match="no device that measures lift_fault"):
        faults_of("lift-fault", district, onset_s=ONSET, unit_id=UNITS["gas-leak"])
    with pytest.raises(ValueError, match="no zone"):
        faults_of("crowd-surge", district, onset_s=ONSET, unit_id=UNITS["lift-fault"])


def test_a_lift_says_that_it_is_in_fault_while_it_is(district: RegistryFile) -> None:
    fault = faults_of("lift-fault", district, onset_s=ONSET)[0]
    fault.repair(ONSET + 100)
    (series,) = fault.series()
    assert [fault.value(series, ONSET + n, 0.0) for n in (-1, 0, 101, 102)] == [0.0, 1.0, 1.0, 0.0]


def test_a_held_door_never_says_fault_but_leaves_answers_out(district: RegistryFile) -> None:
    held = faults_of("lift-fault", district, onset_s=ONSET)[1]
    (series,) = held.series()
    assert {held.value(series, ONSET + n, 0.0) for n in range(0, 600, 10)} == {0.0, None}
    assert held.value(series, ONSET + 600, 0.0) == 0.0


@pytest.mark.parametrize("scale", SCALES)
def test_a_gas_leak_rises_over_the_red_limit_at_two_sensors_only_and_is_aired_out(
    district: RegistryFile, scale: float
) -> None:
    leak = faults_of("gas-leak", district, onset_s=ONSET, scale=scale)[0]
    assert isinstance(leak, GasLeak)
    limits = load_catalogue().quantities["ch4"].levels
    assert limits is not None
    assert limits.red is not None
    assert limits.yellow is not None
    grown = ONSET + 1_500 / scale + 15
    values = {series: leak.value(series, grown, 50.0) or 0.0 for series in leak.series()}
    assert sum(value > limits.red for value in values.values()) == 2
    assert sum(value > limits.yellow for value in values.values()) == 2
    rising = [leak.value(leak.series()[0], ONSET + n * 2 / scale, 0.0) or 0.0 for n in range(100)]
    assert rising == sorted(rising)
    leak.repair(grown)
    aired = leak.value(leak.series()[0], grown + 600 / scale + 10, 50.0)
    assert aired is not None
    assert aired < limits.yellow - limits.hysteresis


def test_gas_near_misses_stay_under_the_first_limit(district: RegistryFile) -> None:
    quantities = load_catalogue().quantities
    for blip in faults_of("gas-leak", district, onset_s=ONSET)[1:]:
        (series,) = blip.series()
        limits = quantities[series.partition("/")[2]].levels
        assert limits is not None
        assert limits.yellow is not None
        peak = max(blip.value(series, ONSET + n, 5.0) or 0.0 for n in range(100))
        assert 0.6 * limits.yellow < peak < limits.yellow


@pytest.mark.parametrize("scale", SCALES)
def test_a_surge_fills_its_zone_past_red_and_empties(district: RegistryFile, scale: float) -> None:
    surge = faults_of("crowd-surge", district, onset_s=ONSET, scale=scale)[0]
    assert isinstance(surge, CrowdSurge)
    grown = ONSET + 600 / scale + 15
    usual = 0.3 * surge.area_m2
    assert surge.persons(surge.subject, ONSET, usual) == usual
    assert surge.persons(surge.subject, grown, usual) / surge.area_m2 > 5.2
    surge.repair(grown)
    assert surge.persons(surge.subject, grown + 400 / scale + 10, usual) == pytest.approx(usual)


def test_a_repair_does_not_change_the_past_of_a_surge(district: RegistryFile) -> None:
    surge = faults_of("crowd-surge", district, onset_s=ONSET)[0]
    before = [surge.persons(surge.subject, ONSET + n, 50.0) for n in range(300)]
    surge.repair(ONSET + 300)
    assert [surge.persons(surge.subject, ONSET + n, 50.0) for n in range(300)] == before


def test_a_tour_group_stays_under_the_first_limit_on_the_fullest_day(district: RegistryFile) -> None:
    group = faults_of("crowd-surge", district, onset_s=ONSET)[1]
    zone = next(z for unit in district.units for z in unit.zones if z.zone_id == group.subject)
    fullest = max(group.persons(zone.zone_id, ONSET + n, 0.8 * zone.area_m2) for n in range(600))
    assert 1.5 < fullest / zone.area_m2 < 2.0
