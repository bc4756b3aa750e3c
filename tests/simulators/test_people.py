import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.registry import Zone
from simulators.people import People, crowd_row, walking_speed_mps

NOON = 1_767_240_000
ZONES = (Zone(zone_id="a", area_m2=400), Zone(zone_id="b", area_m2=3_000))


@given(second=st.integers(NOON, NOON + 10 * 86_400), period_s=st.sampled_from([5.0, 60.0]), extra=st.floats(-500, 500))
def test_who_came_and_did_not_leave_is_there(second: int, period_s: float, extra: float) -> None:
    people = People(1, ZONES, lambda _zone, at, persons: persons + (extra if at >= second else 0.0))
    before = people.present([0, 1], second - period_s)
    counted = people.counted([0, 1], second, period_s)
    assert [b + c.entered - c.left for b, c in zip(before, counted, strict=True)] == [c.present for c in counted]


def test_an_ordinary_day_is_never_crowded() -> None:
    people = People(1, ZONES)
    fullest = max(people.present([0], NOON + n * 600)[0] / 400 for n in range(7 * 144))
    assert 0.3 < fullest < 1.0


def test_evenings_are_fuller_than_nights() -> None:
    people = People(1, ZONES)
    assert people.present([1], NOON + 6 * 3_600)[0] > 5 * people.present([1], NOON + 16 * 3_600)[0]


def test_people_walk_more_slowly_the_closer_they_stand() -> None:
    speeds = [walking_speed_mps(density) for density in (0.0, 0.5, 1.0, 2.0, 4.0, 5.4, 7.0)]
    assert speeds == sorted(speeds, reverse=True)
    assert speeds[0] == pytest.approx(1.34)
    assert walking_speed_mps(2.0) == pytest.approx(0.61, abs=0.02)


def test_a_row_holds_the_counts_of_its_period() -> None:
    counted = People(1, ZONES).counted([0], NOON, 60.0)[0]
    row = crowd_row(ZONES[0], "wifi", "2026-01-01T04:00:00Z", 60.0, counted)
    assert (row.people_count, row.people_in, row.people_out) == (counted.present, counted.entered, counted.left)
