"""What ``vitals registry apply`` would write, and into which partition."""

import msgspec

from schemas import channels
from schemas.registry import Device, Gateway, RegistryFile, Team, Unit
from streams.registry.apply import Change, changes
from streams.registry.diff import differences, render_difference
from streams.registry.show import everything, find, render
from streams.registry.view import RegistryView
from streams.topics import UNIT_PARTITIONS, partition_for

HERE, THERE = "hp.a.g01.house", "hp.a.g01.tower"
LATER = "2026-01-01T00:00:00Z"


def unit(unit_id: str = HERE) -> Unit:
    return Unit(unit_id=unit_id, kind="building", name_zh="楼", name_en="House")


def device(unit_id: str = HERE, valid_from: str = "1970-01-01T00:00:00Z") -> Device:
    return Device(device_id="d-1", unit_id=unit_id, quantities=("pm25",), interval_s=10, valid_from=valid_from)


TEAM = Team(team_id="t-1", skills=("lift",), tier="unit", home_unit=HERE)
GATEWAY = Gateway(gateway_id="g-1", districts=("hp",))
WHOLE = RegistryFile(units=(unit(),), devices=(device(),), teams=(TEAM,), gateways=(GATEWAY,))


def partition(unit_id: str) -> int:
    return partition_for(unit_id.encode(), UNIT_PARTITIONS)


def written(view: RegistryView, *files: RegistryFile) -> list[Change]:
    """Return the changes of the last file, all of them in the view then."""
    found: list[Change] = []
    for file in files:
        found = changes(view, file)
        for change in found:
            view.apply(change.topic, change.key.encode(), msgspec.json.encode(change.record))
    return found


def test_units_and_devices_lie_in_the_partition_of_the_unit() -> None:
    found = written(RegistryView(), WHOLE)
    assert [(change.topic, change.key, change.partition) for change in found] == [
        (channels.REGISTRY_UNITS, HERE, partition(HERE)),
        (channels.REGISTRY_DEVICES, "d-1", partition(HERE)),
        (channels.REGISTRY_TEAMS, "t-1", 0),
        (channels.REGISTRY_GATEWAYS, "g-1", 0),
    ]


def test_the_same_file_again_writes_nothing() -> None:
    assert written(RegistryView(), WHOLE, WHOLE) == []


def test_a_history_again_writes_nothing() -> None:
    history = RegistryFile(units=(unit(), unit(THERE)), devices=(device(), device(THERE, LATER)))
    assert written(RegistryView(), history, history) == []


def test_only_what_has_changed_is_written() -> None:
    changed = msgspec.structs.replace(WHOLE, teams=(msgspec.structs.replace(TEAM, capacity=2),))
    assert [change.key for change in written(RegistryView(), WHOLE, changed)] == ["t-1"]


def test_a_device_that_moves_is_written_in_both_partitions() -> None:
    assert partition(HERE) != partition(THERE)
    moved = RegistryFile(units=(unit(THERE),), devices=(device(THERE, LATER),))
    found = written(RegistryView(), WHOLE, moved)
    assert {change.partition for change in found if change.key == "d-1"} == {partition(HERE), partition(THERE)}


def test_a_unit_is_shown_with_what_stands_in_it() -> None:
    view = RegistryView()
    written(view, WHOLE, RegistryFile(units=(unit(THERE),)))
    assert find(view, HERE) == RegistryFile(units=(unit(),), devices=(device(),), teams=(TEAM,))
    assert find(view, "g-1") == RegistryFile(gateways=(GATEWAY,))
    assert find(view, "nobody") == RegistryFile()


def test_what_is_shown_can_be_applied() -> None:
    view = RegistryView()
    written(view, WHOLE)
    assert everything(view) == WHOLE
    assert msgspec.yaml.decode(render(WHOLE), type=RegistryFile) == WHOLE


def told(view: RegistryView, file: RegistryFile) -> list[str]:
    pairs = [(change.record, view.newest_like(change.record)) for change in changes(view, file)]
    return [render_difference(one) for one in differences(pairs)]


def test_a_difference_names_what_is_new_and_each_field_that_changes() -> None:
    view = RegistryView()
    assert told(view, WHOLE) == [f"+ unit {HERE}", "+ device d-1", "+ team t-1", "+ gateway g-1"]
    written(view, WHOLE)
    moved = msgspec.structs.replace(device(THERE), interval_s=5.0, gateway_id="g-1")
    keyed = msgspec.structs.replace(GATEWAY, key="c2VjcmV0")
    assert told(view, RegistryFile(units=(unit(),), devices=(moved,), gateways=(keyed,))) == [
        f"~ device d-1: unit_id {HERE} -> {THERE}, interval_s 10.0 -> 5.0, gateway_id none -> g-1",
        "~ gateway g-1: key (hidden) -> (hidden)",
    ]
