from collections import Counter

import pytest

from schemas.envelope import read_envelope
from schemas.registry import RegistryFile
from schemas.rows import decode_crowd, decode_video
from schemas.senml import decode_pack
from schemas.times import SECOND_NS
from simulators.network import PERFECT, NetworkFaults
from simulators.outgoing import Outgoing
from simulators.places import PILOTS
from simulators.scenarios import SCENARIOS, UNITS, faults_of, units_of
from simulators.world import World

NOON = 1_767_240_000
MINUTE = range(NOON, NOON + 60)


def played(world: World, seconds: range = MINUTE) -> list[Outgoing]:
    return [record for second in seconds for record in world.second(second)]


def readings(records: list[Outgoing]) -> list[tuple[str, int, float]]:
    packs = [decode_pack(record.value, 0) for record in records if record.topic == "vitals.readings"]
    return [row for pack in packs for row in zip(pack.names, pack.times, pack.values, strict=True)]


def test_the_same_seed_gives_the_same_records(district: RegistryFile) -> None:
    assert played(World(district, seed=5)) == played(World(district, seed=5))
    assert played(World(district, seed=5)) != played(World(district, seed=6))


def test_a_second_does_not_depend_on_what_was_asked_before(district: RegistryFile) -> None:
    world = World(district)
    played(world)
    assert world.second(NOON + 17) == World(district).second(NOON + 17)


def test_every_sound_device_reports_as_often_as_the_registry_says(district: RegistryFile) -> None:
    seen = Counter(name.partition("/")[0] for name, _, _ in readings(played(World(district, network=PERFECT))))
    # The others may have weak batteries.
    sensors = [d for d in district.devices if d.unit_id in PILOTS and "video" not in d.quantities]
    assert {d.device_id: seen[d.device_id] for d in sensors} == {
        d.device_id: 60 / d.interval_s * len(d.quantities) for d in sensors
    }


def test_every_row_is_of_the_unit_that_is_the_key(district: RegistryFile) -> None:
    unit_of = {d.device_id: d.unit_id for d in district.devices}
    unit_of |= {z.zone_id: u.unit_id for u in district.units for z in u.zones}
    for record in played(World(district)):
        if record.topic == "vitals.readings":
            things = [name.partition("/")[0] for name in decode_pack(record.value, 0).names]
        elif record.topic == "vitals.crowd":
            things = [row.zone_id for row in decode_crowd(record.value).good]
        else:
            things = [row.camera_id for row in decode_video(record.value).good]
        assert len(things) == record.rows
        assert {unit_of[thing] for thing in things} == {record.key.decode()}


def test_envelopes_are_of_the_units_gateway_in_exercise_and_ids_are_unique(district: RegistryFile) -> None:
    gateway_of = {d.unit_id: d.gateway_id for d in district.devices}
    records = played(World(district))
    envelopes = [read_envelope(dict(record.headers)) for record in records]
    assert {envelope.mode for envelope in envelopes} == {"exercise"}
    assert len({(envelope.source, envelope.id) for envelope in envelopes}) == len(records)
    for record, envelope in zip(records, envelopes, strict=True):
        assert envelope.source == f"urn:vitals:gateway:{gateway_of[record.key.decode()]}"
        assert envelope.time_ns == record.time_ns


def test_zones_are_counted_once_a_minute_and_the_injected_units_every_five_seconds(district: RegistryFile) -> None:
    injected = UNITS["crowd-surge"]
    world = World(district, network=PERFECT, injected=[injected])
    counted = Counter(record.key.decode() for record in played(world) if record.topic == "vitals.crowd")
    assert counted.pop(injected) == 12
    assert set(counted.values()) == {1}


def test_the_cameras_of_a_zone_see_all_who_are_in_it(district: RegistryFile) -> None:
    zone = "bund-chenyi-square"
    cameras = {d.device_id for d in district.devices if d.zone_id == zone}
    unit = UNITS["crowd-surge"]
    world = World(district, network=PERFECT, injected=[unit])
    by_time: Counter[str] = Counter()
    present: dict[str, int | None] = {}
    for record in played(world):
        if record.topic == "vitals.video":
            for row in decode_video(record.value).good:
                seen = row.counts.person if row.counts and row.camera_id in cameras else 0
                by_time[row.time] += seen or 0
        elif record.topic == "vitals.crowd":
            present |= {row.time: row.people_count for row in decode_crowd(record.value).good if row.zone_id == zone}
    both = [time for time in present if by_time[time]]
    assert both
    assert [by_time[time] for time in both] == [present[time] for time in both]


def test_the_network_loses_holds_back_and_doubles(district: RegistryFile) -> None:
    world = World(district, network=NetworkFaults(lost=0.1, delayed=0.2, max_delay_s=1.0, doubled=0.1))
    perfect = World(district, network=PERFECT)
    records, whole = played(world), played(perfect)
    assert any(record.copies == 2 for record in records)
    assert any(record.delay_s > 0 for record in records)
    assert len(records) < len(whole)
    assert world.lost_rows["vitals.readings"] > 0


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_fault_changes_its_own_units_only(district: RegistryFile, scenario: str) -> None:
    faults = faults_of(scenario, district, onset_s=NOON, scale=60)
    ordinary = played(World(district, network=PERFECT))
    faulty = played(World(district, network=PERFECT, faults=faults))
    changed = {record.key.decode() for record in set(faulty) ^ set(ordinary)}
    assert units_of(scenario)[0] in changed
    assert changed <= set(units_of(scenario))


def test_a_lift_fault_is_in_the_packs_until_repaired(district: RegistryFile) -> None:
    fault = faults_of("lift-fault", district, onset_s=NOON)[0]
    world = World(district, network=PERFECT, faults=[fault])
    assert world.repair(fault.unit_id, "lift-fault", NOON + 28)
    series = f"{fault.subject}/lift_fault"
    values = [(time // SECOND_NS, value) for name, time, value in readings(played(world)) if name == series]
    assert {value for second, value in values if second < NOON + 30} == {1.0}
    assert {value for second, value in values if second >= NOON + 30} == {0.0}


def test_a_repair_of_something_else_changes_nothing(district: RegistryFile) -> None:
    world = World(district, faults=faults_of("lift-fault", district, onset_s=NOON))
    assert not world.repair(UNITS["gas-leak"], "gas-leak", NOON + 1)
    assert not world.repair(UNITS["lift-fault"], "gas-leak", NOON + 1)
    assert [truth.end for truth in world.truths() if not truth.must_stay_silent] == [None]


def test_a_fault_of_a_device_that_is_not_there_is_refused(district: RegistryFile) -> None:
    faults = faults_of("lift-fault", district, onset_s=NOON)
    with pytest.raises(ValueError, match="no device sends"):
        World(RegistryFile(units=district.units), faults=faults)
