"""The Bund's nights: official totals as they were told, and a synthetic rest that holds together."""

from __future__ import annotations

import itertools

import pytest

from schemas.codec import decode_alert
from schemas.ids import COLOURS
from schemas.rows import decode_crowd
from schemas.times import SECOND_NS, format_time
from simulators.bund.envelope import BUND_2014, BUND_2017, NIGHTS, Night
from simulators.bund.night import STAIR, STAY_S, bund_registry, events, minutes, present, source_of
from simulators.people import walking_speed_mps
from streams.catalogue.files import load_catalogue
from streams.crowd_night import CrowdNight, judge_crowd_night
from tests.scenarios.replayed import alerts_of

UNITS = bund_registry(load_catalogue().registry.units).units
AREAS = {zone.zone_id: zone.area_m2 for unit in UNITS for zone in unit.zones}


def test_those_present_in_an_interval_and_those_who_come_make_its_official_total() -> None:
    for one in BUND_2014.intervals:
        middle = (one.start_ns + one.end_ns) // 2
        seconds = (one.end_ns - one.start_ns) / SECOND_NS
        assert present(BUND_2014, middle) * (1.0 + seconds / STAY_S) == pytest.approx(one.people)


def test_the_control_night_has_its_official_peak() -> None:
    most = max(present(BUND_2017, time_ns) for time_ns, _ in minutes(BUND_2017, UNITS, 1))
    assert most == pytest.approx(85_000)


@pytest.mark.parametrize("night", NIGHTS.values())
def test_a_seed_gives_one_night(night: Night) -> None:
    assert list(minutes(night, UNITS, 1)) == list(minutes(night, UNITS, 1))
    assert list(minutes(night, UNITS, 1)) != list(minutes(night, UNITS, 2))


@pytest.mark.parametrize("night", NIGHTS.values())
def test_nobody_appears_or_vanishes_uncounted(night: Night) -> None:
    by_zone: dict[str, list[tuple[int, int, int]]] = {}
    for record in events(night, UNITS):
        for row in decode_crowd(record.value).good:
            found = (row.people_count or 0, row.people_in or 0, row.people_out or 0)
            by_zone.setdefault(row.zone_id, []).append(found)
    assert set(by_zone) == set(AREAS)
    for rows in by_zone.values():
        for (before, _, _), (after, came, left) in itertools.pairwise(rows):
            assert after == before + came - left


@pytest.mark.parametrize("night", NIGHTS.values())
def test_people_walk_as_fast_as_their_density_lets_them(night: Night) -> None:
    for _, zones in minutes(night, UNITS, 1):
        for zone, minute in zones.items():
            free = walking_speed_mps(minute.present / AREAS[zone])
            assert minute.speed_mps <= free + 1e-9 or zone == STAIR


def test_nobody_moves_on_the_stair_while_it_stalls() -> None:
    assert BUND_2014.stall is not None
    start, end = BUND_2014.stall
    stalled = [zones[STAIR] for time_ns, zones in minutes(BUND_2014, UNITS, 1) if start < time_ns <= end]
    assert len(stalled) == 10
    assert all(minute.speed_mps < 0.05 for minute in stalled)
    assert max(minute.present / AREAS[STAIR] for minute in stalled) > 7.0


def test_a_part_of_a_night_can_be_asked_for() -> None:
    start = BUND_2014.start_ns + 3_600 * SECOND_NS
    source = source_of(BUND_2014, UNITS, from_ns=start, to_ns=start + 600 * SECOND_NS)
    assert (source.first_ns, source.rows) == (start, 10 * len(AREAS))
    assert sum(record.rows for record in source.records(0)) == source.rows


def _judged(night: Night, seed: int) -> CrowdNight:
    source = source_of(night, UNITS, seed=seed)
    versions = [decode_alert(raw) for raw in alerts_of(source)]
    return judge_crowd_night(night.name, None if night.fall_ns is None else format_time(night.fall_ns), versions)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_square_is_orange_half_an_hour_before_people_fall(seed: int) -> None:
    judged = _judged(BUND_2014, seed)
    leads = {one.unit_id.rpartition(".")[2]: one.lead_min for one in judged.units}
    assert leads["bund-chenyi"]["orange"] >= 30.0
    assert judged.above_yellow >= 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_goes_above_yellow_in_the_control_night(seed: int) -> None:
    judged = _judged(BUND_2017, seed)
    assert judged.above_yellow == 0
    assert all(COLOURS.index(colour) <= 2 for one in judged.units for colour in one.reached)


def test_a_catalogue_without_the_stair_has_no_night_on_the_bund() -> None:
    with pytest.raises(ValueError, match=f"no zone {STAIR}"):
        bund_registry(unit for unit in UNITS if all(zone.zone_id != STAIR for zone in unit.zones))
