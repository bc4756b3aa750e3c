"""The registry as the stages see it: versions by the time from which they hold, changes, expected rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import channels
from schemas.registry import Device, Gateway, Team, Unit
from schemas.times import format_time
from streams.registry.view import RegistryView, Versions

UNIT = "hp.a.g01.house"
SECOND = 1_000_000_000


def device(device_id: str = "d-1", since_s: int = 0, **given_fields: Any) -> Device:
    whole = {"unit_id": UNIT, "quantities": ("pm25",), "interval_s": 10.0, **given_fields}
    return Device(device_id=device_id, valid_from=format_time(since_s * SECOND), **whole)


def unit(since_s: int = 0, kind: Any = "building") -> Unit:
    since = format_time(since_s * SECOND)
    return Unit(unit_id=UNIT, kind=kind, name_zh="楼", name_en="House", valid_from=since)


def apply(view: RegistryView, *records: Device | Unit) -> RegistryView:
    for record in records:
        is_device = isinstance(record, Device)
        topic = channels.REGISTRY_DEVICES if is_device else channels.REGISTRY_UNITS
        key = record.device_id if isinstance(record, Device) else record.unit_id
        view.apply(topic, key.encode(), msgspec.json.encode(record))
    return view


def test_a_device_is_what_it_was_at_the_time_asked_for() -> None:
    view = apply(RegistryView(), device(since_s=10), device(since_s=20, mode="test"))
    found = [view.device_at("d-1", seconds * SECOND) for seconds in (9, 10, 19, 20, 1_000)]
    assert [one and one.mode for one in found] == [None, "actual", "actual", "test", "test"]


def test_a_unit_is_what_it_was_at_the_time_asked_for_and_the_newest_in_the_mapping() -> None:
    view = apply(RegistryView(), unit(20, "shops"), unit(10))
    found = [view.unit_at(UNIT, seconds * SECOND) for seconds in (9, 10, 20)]
    assert [one and one.kind for one in found] == [None, "building", "shops"]
    assert view.units[UNIT].kind == "shops"


def test_a_record_from_the_same_time_takes_the_place_of_the_one_before() -> None:
    view = apply(RegistryView(), device(), device(mode="test"))
    assert view.device_at("d-1", 0) == device(mode="test")
    assert view.newest("d-1") == (0, device(mode="test"))


def test_what_is_removed_is_gone_for_all_times() -> None:
    view = apply(RegistryView(), device(), device(since_s=9), unit())
    for topic, key in ((channels.REGISTRY_DEVICES, b"d-1"), (channels.REGISTRY_UNITS, UNIT.encode())):
        view.apply(topic, key, b"")
        view.apply(topic, key, b"")  # a second time changes nothing
    assert (view.device_at("d-1", 100 * SECOND), view.newest("d-1"), view.unit_at(UNIT, 0)) == (None, None, None)
    assert view.counts() == {"devices": 0, "units": 0, "teams": 0, "gateways": 0, "rules": 0}
    assert view.rate(UNIT, "actual", "pm25") == 0.0


def test_teams_and_gateways_come_and_go() -> None:
    view = RegistryView()
    team = Team(team_id="t-1", skills=("gas",), tier="unit", home_unit=UNIT)
    view.apply(channels.REGISTRY_TEAMS, b"t-1", msgspec.json.encode(team))
    gateway = Gateway(gateway_id="gw-1", districts=("hp",))
    view.apply(channels.REGISTRY_GATEWAYS, b"gw-1", msgspec.json.encode(gateway))
    assert (view.teams, view.gateways) == ({"t-1": team}, {"gw-1": gateway})
    view.apply(channels.REGISTRY_TEAMS, b"t-1", b"")
    view.apply(channels.REGISTRY_GATEWAYS, b"gw-1", b"")
    assert (view.teams, view.gateways) == ({}, {})


NO_DAY = msgspec.json.encode({**msgspec.to_builtins(device()), "valid_from": "2026-02-31T00:00:00Z"})


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"[1]", b"{}", b"[" * 5_000, b'{"device_id": "\xff"}', NO_DAY])
def test_what_is_no_record_changes_nothing(raw: bytes) -> None:
    view = apply(RegistryView(), device())
    change = view.change
    view.apply(channels.REGISTRY_DEVICES, b"d-1", raw)
    view.apply(channels.REGISTRY_RULES, b"d-1", raw)
    assert (view.newest("d-1"), view.change) == ((0, device()), change)


def test_changes_are_told_once_to_whoever_has_seen_those_before() -> None:
    view = apply(RegistryView(), device("a"), device("b"), device("a", mode="test"))
    assert list(view.changed_since(0)) == ["a", "b"]
    seen = view.change
    assert list(view.changed_since(seen)) == []
    view.apply(channels.REGISTRY_DEVICES, b"b", b"")
    assert list(view.changed_since(seen)) == ["b"]


def test_a_device_that_changes_for_ever_takes_no_more_room() -> None:
    view = apply(RegistryView(), *[device() for _ in range(1_000)])
    assert list(view.changed_since(0)) == ["d-1"]


devices = st.lists(
    st.builds(
        device,
        st.sampled_from(("a", "b", "c", "d")),
        st.integers(0, 3),
        interval_s=st.sampled_from((3.0, 7.0, 11.0, 60.0)),
        mode=st.sampled_from(("actual", "test")),
    ),
    max_size=12,
    unique_by=lambda one: (one.device_id, one.valid_from),
)


@given(devices, st.randoms(use_true_random=False))
def test_the_order_of_registration_does_not_matter(found: Sequence[Device], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    one, other = apply(RegistryView(), *found), apply(RegistryView(), *shuffled)
    for mode in ("actual", "test"):
        assert one.rate(UNIT, mode, "pm25") == other.rate(UNIT, mode, "pm25")
    for device_id in "abcd":
        assert [one.device_at(device_id, s * SECOND) for s in range(4)] == [
            other.device_at(device_id, s * SECOND) for s in range(4)
        ]


@given(devices)
def test_the_expected_rate_is_that_of_the_newest_records(found: Sequence[Device]) -> None:
    view = apply(RegistryView(), *found)
    newest = [version[1] for name in "abcd" if (version := view.newest(name)) is not None]
    expected = sum(1 / one.interval_s for one in newest if one.mode == "actual")
    assert view.rate(UNIT, "actual", "pm25") == pytest.approx(expected)
    assert view.rate(UNIT, "exercise", "pm25") == view.rate("hp.a.g01.other", "actual", "pm25") == 0.0


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(0, 60))
def test_the_version_that_holds_is_the_last_that_began(begins: list[int], now: int) -> None:
    versions: Versions[Device] = Versions()
    for begin in begins:
        versions.add("a", begin, device(since_s=begin))
    found = versions.at("a", now)
    assert found == max((device(since_s=b) for b in begins if b <= now), key=lambda one: one.valid_from, default=None)
