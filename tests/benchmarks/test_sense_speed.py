"""CPU time that sense takes for a reading, from the bytes of a pack to its effects, without Kafka."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from schemas import channels
from schemas.envelope import write_envelope
from schemas.registry import Device, Unit
from schemas.senml import encode_pack
from schemas.times import SECOND_NS
from streams.delivery.records import Record
from streams.sense.partition import SensePartition
from tests.streams.sense.builders import T0, partition, registry, tick

READINGS = 200  # a pack
INTERVAL_S = 10.0
DEVICES = 100  # a unit, of two quantities each: one pack
PACKS = 400
BATCH = 20
ROUNDS = 3
KINDS = (
    ("pm25", "temperature"),
    ("LAeq", "temperature"),
    ("ch4", "co"),
    ("pm25", "LAeq"),
    ("lift_fault", "temperature"),
)
VALUES = {"pm25": 20.0, "temperature": 21.0, "LAeq": 55.0, "ch4": 300.0, "co": 3.0}
CEILING_US = 40.0  # so that a slip of an order of magnitude is seen on any machine


@pytest.mark.parametrize("series", [5_000, 200_000])
def test_a_reading_is_judged_in_microseconds(series: int, capsys: pytest.CaptureFixture[str]) -> None:
    units = [f"hp.a.g{u // 100:02d}.unit-{u:04d}" for u in range(series // READINGS)]
    state = partition(registry(devices(units), [_unit(name) for name in units]))
    _seconds(state, _packs(units, 0, len(units)))  # every series once
    starts = [len(units) + turn * PACKS for turn in range(ROUNDS)]
    used = [_seconds(state, _packs(units, start, PACKS)) for start in starts]
    blocks = state.changed_blocks()
    with capsys.disabled():
        best = min(used) / (PACKS * READINGS) * 1e6
        size = sum(len(block) for block in blocks.values()) / 1e6
        print(f"\nsense: {best:.2f} us a reading with {series} series ({size:.1f} MB of state)")
    assert state.counters[channels.READINGS]["judged"] == (len(units) + ROUNDS * PACKS) * READINGS
    assert best < CEILING_US


def devices(units: Sequence[str]) -> list[Device]:
    """Return two-quantity devices; a tenth of the readings are alarms, two tenths have limits and rules."""
    return [
        Device(device_id=f"d{u}-{d}", unit_id=unit, quantities=KINDS[d % len(KINDS)], interval_s=INTERVAL_S)
        for u, unit in enumerate(units)
        for d in range(DEVICES)
    ]


def _packs(units: Sequence[str], start: int, count: int) -> list[Record]:
    return [_pack(units, turn) for turn in range(start, start + count)]


def _time(turn: int, units: int) -> int:
    """Return the time of a pack: every unit sends one in each interval."""
    return T0 + round(turn * INTERVAL_S * SECOND_NS / units)


def _pack(units: Sequence[str], turn: int) -> Record:
    u = turn % len(units)
    now = _time(turn, len(units))
    readings = [
        (
            f"d{u}-{d}/{quantity}",
            None,
            now + d * 10_000,
            False if quantity == "lift_fault" else VALUES[quantity] + d / 7,
        )
        for d in range(DEVICES)
        for quantity in KINDS[d % len(KINDS)]
    ]
    kind = channels.EVENT_TYPES[channels.READINGS]
    headers = write_envelope(id=f"p{turn}", source="urn:vitals:gateway:gw", type=kind, time_ns=now)
    return Record(
        topic=channels.READINGS,
        partition=0,
        offset=turn,
        append_ns=now + SECOND_NS,
        key=units[u].encode(),
        value=encode_pack(readings),
        headers=dict(headers),
    )


def _seconds(state: SensePartition, packs: Sequence[Record]) -> float:
    used = 0.0
    for start in range(0, len(packs), BATCH):
        batch = list(packs[start : start + BATCH])
        seconds = (packs[start].append_ns - SECOND_NS - T0) / SECOND_NS
        batch += [tick(topic, seconds - 5.0) for topic in channels.SOURCES]
        begin = time.process_time()
        state.fold(batch)
        used += time.process_time() - begin
    return used


def _unit(name: str) -> Unit:
    return Unit(unit_id=name, kind="building", name_zh="楼", name_en="Building")
