"""What stays in a camera's view, and cameras that see badly or not at all."""

from __future__ import annotations

from typing import Any

from schemas import channels
from schemas.registry import Unit
from streams.delivery.records import Record
from streams.sense.partition import SensePartition
from tests.streams.sense.builders import UNIT, device, partition, phases, registry, rows, until


def _state() -> SensePartition:
    unit = Unit(unit_id=UNIT, kind="shops", name_zh="街", name_en="Street")
    return partition(registry([device("cam-1", "video"), device("cam-2", "video")], [unit]))


def _row(seconds: float, kind: str | None = None, camera: str = "cam-1", health: str = "ok") -> Record:
    row: dict[str, Any] = {"camera_id": camera, "time": seconds, "health": health}
    row |= {} if kind is None else {"events": [{"kind": kind, "confidence": 0.8}]}
    return rows(channels.VIDEO, row, key=UNIT.encode(), offset=round(seconds))


def _told(records: list[Record], end: float) -> list[tuple[str, str, float]]:
    state = _state()
    found = []
    for record in records:
        found += phases(state.fold([record, *until(record.append_ns / 1e9 - 1_767_225_600 - 1)]))
    return found + phases(state.fold(until(end)))


def test_a_vendor_who_stays_is_told_and_who_walks_by_is_not() -> None:
    stays = [_row(5.0 * i, "street_vendor") for i in range(61)]
    assert _told(stays, 320.0) == [("vendor", "onset", 1.0)]
    walks_by = [_row(5.0 * i, "street_vendor" if i < 24 else None) for i in range(61)]  # two of five minutes
    assert _told(walks_by, 320.0) == []


def test_what_is_out_of_view_clears_and_a_blind_camera_clears_nothing() -> None:
    stays = [_row(5.0 * i, "street_vendor") for i in range(60)]
    gone = [_row(5.0 * i) for i in range(60, 180)]
    assert _told([*stays, *gone], 900.0) == [("vendor", "onset", 1.0), ("vendor", "clear", 0.0)]
    blind = [_row(5.0 * i, health="too_dark") for i in range(60, 180)]
    told = _told([*stays, *blind], 900.0)
    assert ("vendor", "clear", 0.0) not in told
    assert ("camera-blind", "onset", 1.0) in told


def test_a_camera_that_is_silent_while_another_speaks_is_told() -> None:
    both = [_row(5.0 * i, camera=f"cam-{1 + i % 2}") for i in range(24)]
    one = [_row(5.0 * i, camera="cam-2") for i in range(24, 40)]
    assert _told([*both, *one], 300.0) == [("camera-blind", "onset", 1.0)]


def test_cameras_that_are_all_silent_say_nothing_of_each_other() -> None:
    both = [_row(5.0 * i, camera=f"cam-{1 + i % 2}") for i in range(24)]
    assert _told(both, 600.0) == []
