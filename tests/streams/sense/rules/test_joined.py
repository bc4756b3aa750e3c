"""Signs of different kinds that come together, in order, on one device, or must be absent."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import channels
from schemas.registry import Unit
from streams.delivery.records import Record
from streams.sense.partition import SensePartition
from tests.streams.sense.builders import UNIT, device, pack, partition, phases, registry, rows, until


def _state(kind: str, *devices: tuple[str, ...]) -> SensePartition:
    unit = Unit(unit_id=UNIT, kind=kind, name_zh="楼", name_en="B")  # type: ignore[arg-type]
    return partition(registry([device(name, *quantities) for name, *quantities in devices], [unit]))


def _seen(seconds: float, kind: str | None, confidence: float = 0.9, camera: str = "cam-1") -> Record:
    row: dict[str, Any] = {"camera_id": camera, "time": seconds, "health": "ok"}
    row |= {} if kind is None else {"events": [{"kind": kind, "confidence": confidence}]}
    return rows(channels.VIDEO, row, key=UNIT.encode(), offset=round(seconds))


def _told(state: SensePartition, records: list[Record], end: float) -> list[tuple[str, str, float]]:
    found = phases(state.fold(records))
    seconds = 60.0
    while seconds <= end:
        found += phases(state.fold(until(seconds)))
        seconds += 60.0
    return found


FIRE = (("s-1", "smoke"), ("h-1", "heat"), ("cam-1", "video"))


def _heat(*values: float, start: float = 5.0) -> list[Record]:
    return [pack(("h-1/heat", start + 10.0 * i, value), offset=i) for i, value in enumerate(values)]


def test_smoke_alone_and_heat_alone_are_no_fire() -> None:
    smoke = [pack(("s-1/smoke", 10.0 * i, True), offset=i) for i in range(12)]
    assert _told(_state("building", *FIRE), smoke, 180.0) == []
    assert _told(_state("building", *FIRE), _heat(24.0, 30.0, 38.0, 46.0, 47.0), 180.0) == []


@pytest.mark.parametrize(
    ("records", "score"),
    [
        ([pack(("s-1/smoke", 10.0, True)), *_heat(24.0, 30.0, 38.0, 46.0)], 3.0),
        ([pack(("s-1/smoke", 10.0, True)), _seen(30.0, "flame")], 3.0),
        ([_seen(30.0, "flame"), *_heat(24.0, 30.0, 38.0, 46.0)], 3.0),
        ([pack(("s-1/smoke", 10.0, True)), _seen(30.0, "flame"), *_heat(24.0, 30.0, 38.0, 46.0)], 4.0),
    ],
)
def test_two_signs_of_fire_are_orange_and_three_are_red(records: list[Record], score: float) -> None:
    told = _told(_state("building", *FIRE), records, 60.0)
    assert told == [("fire-signs", "onset", score)]


def test_what_a_camera_is_not_sure_of_is_no_sign() -> None:
    records = [pack(("s-1/smoke", 10.0, True)), _seen(30.0, "flame", confidence=0.5)]
    assert _told(_state("building", *FIRE), records, 120.0) == []


def test_signs_on_both_sides_of_a_window_s_end_are_joined() -> None:
    records = [pack(("s-1/smoke", 55.0, True)), _seen(65.0, "flame")]
    assert _told(_state("building", *FIRE), records, 120.0) == [("fire-signs", "onset", 3.0)]


def test_a_fire_is_over_when_what_could_show_it_says_no() -> None:
    records = [pack(("s-1/smoke", 10.0, True)), _seen(30.0, "flame")]
    later = [pack(("s-1/smoke", 190.0 + 10 * i, False), offset=50 + i) for i in range(5)]
    later += [_seen(190.0 + 10 * i, None) for i in range(5)]
    told = _told(_state("building", *FIRE), [*records, *later], 300.0)
    assert [phase for _, phase, _ in told] == ["onset", "clear"]


def test_silence_does_not_end_a_fire() -> None:
    records = [pack(("s-1/smoke", 10.0, True)), _seen(30.0, "flame")]
    assert [phase for _, phase, _ in _told(_state("building", *FIRE), records, 600.0)] == ["onset"]


LIFTS = (("lift-1", "lift_between_floors", "lift_call"), ("lift-2", "lift_between_floors", "lift_call"))


def _lift(name: str, between: bool, call: bool) -> Record:
    return pack((f"{name}/lift_between_floors", 10.0, between), (f"{name}/lift_call", 11.0, call))


def test_a_lift_is_stuck_where_the_same_car_stands_between_floors_and_calls() -> None:
    assert _told(_state("building", *LIFTS), [_lift("lift-1", True, True)], 60.0) == [("lift-stopped", "onset", 3.0)]
    two = [_lift("lift-1", True, False), _lift("lift-2", False, True)]
    assert _told(_state("building", *LIFTS), two, 120.0) == []


GATE = (("gate-1", "gate_forced"), ("cam-1", "video"))


def test_a_forced_gate_must_come_before_the_person() -> None:
    first = [pack(("gate-1/gate_forced", 10.0, True)), _seen(20.0, "intrusion")]
    assert ("gate-then-person", "onset", 3.0) in _told(_state("compound", *GATE), first, 60.0)
    after = [_seen(20.0, "intrusion"), pack(("gate-1/gate_forced", 30.0, True))]
    assert "gate-then-person" not in [name for name, *_ in _told(_state("compound", *GATE), after, 120.0)]


def test_a_rule_looks_only_at_units_of_its_kinds() -> None:
    first = [pack(("gate-1/gate_forced", 10.0, True)), _seen(20.0, "intrusion")]
    assert _told(_state("building", *GATE), first, 120.0) == []
