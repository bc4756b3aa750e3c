"""What sense refuses, for which reason, and what of it lies among the dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from schemas import channels
from schemas.dead_letters import read_dead_letter
from schemas.envelope import write_envelope
from schemas.refusals import Reason
from schemas.senml import decode_pack
from schemas.times import SECOND_NS
from streams.delivery.records import Effect, Record
from tests.streams.sense.builders import (
    SQUARE,
    at,
    counted,
    crowd,
    pack,
    partition,
    record,
    report,
    rows,
    tick,
    video,
)

STAGE_REASONS = {  # of other stages and of the gateways
    Reason.BAD_SIGNATURE, Reason.REPLAYED, Reason.BAD_FEEDBACK, Reason.BAD_ACTION, Reason.STORE_REFUSED,
    Reason.UNDELIVERED,
}  # fmt: skip
READING = ("air-1/pm25", 0.0, 20.0)
NORTH = {"zone_id": "north", "source": "gate", "time": 0.0}
NORTH_OF_5 = {"zone_id": "north", "source": "gate", "people_count": 5}


def raw(value: bytes, **given: Any) -> Record:
    return record(channels.READINGS, value, 0.0, **given)


WHOLE: list[tuple[Reason, Callable[[], Record]]] = [
    (Reason.TOO_LARGE, lambda: raw(b"[" + b" " * 600_000 + b"]")),
    (Reason.TOO_LARGE, lambda: raw(msgspec.json.encode([{"n": "air-1/pm25", "v": 1}] * 4_097))),
    (Reason.UNDECODABLE, lambda: raw(b"")),
    (Reason.UNDECODABLE, lambda: raw(b"\xff\xff")),
    (Reason.UNDECODABLE, lambda: raw(b'[{"n": "air-1/pm25", "v": NaN}]')),
    (Reason.UNDECODABLE, lambda: raw(b"[" * 1_000)),
    (Reason.SCHEMA, lambda: raw(b'{"n": "air-1/pm25", "v": 1}')),
    (Reason.SCHEMA, lambda: raw(b"[]")),
    (Reason.SCHEMA, lambda: raw(b'[{"n": "air-1/pm25", "v": 1, "bver": 11}]')),
    (Reason.UNKNOWN_LABEL, lambda: raw(b'[{"n": "air-1/pm25", "v": 1, "must_": 1}]')),
    (Reason.NO_KEY, lambda: pack(READING, key=None)),
    (Reason.NO_KEY, lambda: pack(READING, key=b"")),
    (Reason.SCHEMA, lambda: pack(READING, key=b"\xff")),
    (Reason.SCHEMA, lambda: pack(READING, key=b"two words")),
    (Reason.WRONG_PARTITION, lambda: pack(READING, partition=1)),
    (Reason.SCHEMA, lambda: pack(READING, headers={"ce_time": b"yesterday"})),
    (Reason.SCHEMA, lambda: pack(READING, headers={"ce_id": b"\xff"})),
    (Reason.SCHEMA, lambda: pack(READING, headers={"ce_specversion": b"0.3"})),
    (Reason.SCHEMA, lambda: pack(READING, headers={"vitals_mode": b"drill"})),
    (Reason.SCHEMA, lambda: pack(READING, headers={"ce_source": b"x" * 2_000})),
    (Reason.SCHEMA, lambda: record(channels.CROWD, b"[]", 0.0)),
    (Reason.UNDECODABLE, lambda: record(channels.VIDEO, b"[1", 0.0)),
    (Reason.UNKNOWN_PLACE, lambda: report(0.0, said={"unit_id": "hp.a.g01.nowhere"})),
    (Reason.UNKNOWN_PLACE, lambda: report(0.0, said={"unit_id": SQUARE})),
    (Reason.SCHEMA, lambda: report(0.0, "bad-weather")),
    (Reason.SCHEMA, lambda: report(0.0, said={"name": "Li"})),
    (Reason.BAD_VALUE, lambda: report(0.0, said={"time": "2026-02-31T00:00:00Z"})),
    (Reason.FUTURE, lambda: report(301.0, append_s=0.0)),
    (Reason.UNDECODABLE, lambda: record(channels.REPORTS, b"{", 0.0)),
]
ROWS: list[tuple[Reason, Callable[[], Record]]] = [
    (Reason.SCHEMA, lambda: raw(b'[{"n": "air-1/pm25", "vs": "much"}]')),
    (Reason.SCHEMA, lambda: raw(b'[{"n": "air-1", "v": 1}]')),
    (Reason.BAD_VALUE, lambda: raw(b'[{"n": "air-1/pm25", "v": 1, "t": 9e18}]')),
    (Reason.BAD_VALUE, lambda: raw(b'[{"n": "air-1/pm25", "v": 99999999999999999999999}]')),
    (Reason.UNKNOWN_DEVICE, lambda: pack(("nobody/pm25", 0.0, 20.0))),
    (Reason.UNKNOWN_DEVICE, lambda: pack(READING, key=SQUARE.encode())),
    (Reason.UNKNOWN_QUANTITY, lambda: pack(("air-1/mood", 0.0, 20.0))),
    (Reason.UNKNOWN_QUANTITY, lambda: pack(("air-1/ch4", 0.0, 20.0))),
    (Reason.WRONG_MEASURE, lambda: raw(b'[{"n": "air-1/pm25", "u": "mg/m3", "v": 1}]')),
    (Reason.WRONG_MEASURE, lambda: pack(("lift-1/lift_fault", 0.0, 1.0))),
    (Reason.WRONG_MEASURE, lambda: pack(("air-1/pm25", 0.0, True))),
    (Reason.NOT_OWNER, lambda: pack(("owned-1/pm25", 0.0, 20.0), ident="a", source="urn:vitals:gateway:thief")),
    (Reason.FUTURE, lambda: pack(("air-1/pm25", 301.0, 20.0), append_s=0.0)),
    (Reason.CONFLICT, lambda: pack(("air-1/pm25", 0.0, 21.0), ("air-1/pm25", 0.0, 22.0))),
    (Reason.SCHEMA, lambda: rows(channels.CROWD, NORTH)),
    (Reason.SCHEMA, lambda: rows(channels.CROWD, {**NORTH, "people_count": 1, "face": "x"})),
    (Reason.UNKNOWN_PLACE, lambda: crowd(0.0, 5, zone="moon")),
    (Reason.UNKNOWN_PLACE, lambda: crowd(0.0, 5, key=b"hp.a.g01.unknown")),
    (Reason.FUTURE, lambda: crowd(301.0, 5, append_s=0.0)),
    (Reason.UNKNOWN_DEVICE, lambda: video(0.0, 5, "nobody")),
    (Reason.UNKNOWN_DEVICE, lambda: video(0.0, 5, "gas-1")),
    (Reason.UNKNOWN_DEVICE, lambda: video(0.0, 5, key=b"hp.nanjing-east.g03.nanjing-building")),
    (Reason.FUTURE, lambda: video(301.0, 5, append_s=0.0)),
    (Reason.BAD_VALUE, lambda: record(channels.CROWD, _crowd_of_no_day(), 0.0, key=SQUARE.encode())),
]  # fmt: skip


def _crowd_of_no_day() -> bytes:
    return msgspec.json.encode([{**NORTH, "people_count": 1, "time": "2026-02-31T00:00:00Z"}])


def letters(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if effect.topic == channels.DEAD_LETTERS]


@pytest.mark.parametrize(("reason", "make"), WHOLE)
def test_a_record_that_is_refused_as_a_whole_lies_there_as_it_came(reason: Reason, make: Callable[[], Record]) -> None:
    state, bad = partition(), make()
    (letter,) = letters(state.fold([bad]))
    found = read_dead_letter(dict(letter.headers), letter.value)
    assert (found.reason, found.index, found.value) == (reason, None, bad.value)
    assert (found.topic, found.partition, found.offset) == (bad.topic, bad.partition, bad.offset)
    assert set(bad.headers.items()) <= set(letter.headers)
    assert (letter.key, letter.partition) == (bad.key, 0)
    assert state.counters[bad.topic] == {"in": 1, "judged": 0, "late": 0, "dead": 1, "duplicate": 0}


@pytest.mark.parametrize(("reason", "make"), ROWS)
def test_a_row_that_is_refused_lies_there_alone(reason: Reason, make: Callable[[], Record]) -> None:
    state, bad = partition(), make()
    (letter,) = letters(state.fold([bad]))
    found = read_dead_letter(dict(letter.headers), letter.value)
    assert (found.reason, found.index) == (reason, len(msgspec.json.decode(bad.value)) - 1)
    assert len(msgspec.json.decode(letter.value)) == 1
    assert state.counters[bad.topic]["dead"] == state.refused[reason] == 1


def test_the_tables_hold_every_reason_that_sense_can_give() -> None:
    assert {reason for reason, _ in (*WHOLE, *ROWS)} == set(Reason) - STAGE_REASONS


@pytest.mark.parametrize(
    ("topic", "good", "bad", "name"),
    [
        (channels.READINGS, {"n": "air-1/pm25", "v": 20.0}, {"n": "nobody/pm25", "v": 20.0}, b"nobody"),
        (channels.CROWD, NORTH_OF_5, {**NORTH_OF_5, "zone_id": "moon"}, b"moon"),
        (channels.VIDEO, {"camera_id": "cam-1"}, {"camera_id": "cam-9"}, b"cam-9"),
    ],
)
def test_the_rows_beside_a_bad_one_are_judged(
    topic: str, good: dict[str, Any], bad: dict[str, Any], name: bytes
) -> None:
    state = partition()
    key = b"hp.nanjing-east.g03.nanjing-building" if topic == channels.READINGS else SQUARE.encode()
    time = {} if topic == channels.READINGS else {"time": "2026-01-01T00:00:00Z"}
    effects = state.fold([record(topic, msgspec.json.encode([{**bad, **time}, {**good, **time}]), 0.0, key=key)])
    (letter,) = letters(effects)
    assert read_dead_letter(dict(letter.headers), letter.value).index == 0
    assert len(msgspec.json.decode(letter.value)) == 1
    assert name in letter.value
    assert counted(effects) == 1


def test_a_refused_reading_can_be_sent_again_as_it_lies_there() -> None:
    state = partition()
    value = b'[{"bn": "nobody/", "bt": 1767225600.5, "bu": "ug/m3", "n": "pm25", "t": 1, "v": 20.5}]'
    (letter,) = letters(state.fold([raw(value)]))
    again = decode_pack(letter.value, 0)
    assert (again.names, again.units, again.times, again.values) == (["nobody/pm25"], ["ug/m3"], [at(1.5)], [20.5])


def test_a_time_that_senml_knows_only_as_a_relative_one_is_refused_like_any_other() -> None:
    now = 100 * SECOND_NS  # in 1970
    headers = dict(write_envelope(id="a", source="urn:vitals:gateway:g", type="x", time_ns=now))
    value = b'[{"n": "nobody/pm25", "u": "ug/m3", "v": 2, "t": -7.5}]'
    (letter,) = letters(partition().fold([raw(value, headers=headers)]))
    again = decode_pack(letter.value, now)
    assert (again.names, again.units, again.values) == (["nobody/pm25"], ["ug/m3"], [2.0])
    assert again.times == [now - 7_500_000_000]


def test_the_letters_of_rows_do_not_take_along_headers_without_bound() -> None:
    junk = {f"x{i}": b"y" * 1_000 for i in range(100)} | {"ce_id": b"a", "traceparent": b"t" * 5_000}
    found = letters(partition().fold([pack(*[(f"nobody/q{i}", 0.0, 1.0) for i in range(50)], headers=junk)]))
    assert len(found) == 50
    assert [dict(letter.headers)["ce_id"] for letter in found] == [b"a"] * 50
    assert sum(len(raw) for letter in found for _, raw in letter.headers) < 50 * 1_000


def test_headers_of_an_earlier_dead_letter_give_way() -> None:
    (letter,) = letters(partition().fold([raw(b"[]", headers={"dl_reason": b"conflict", "dl_index": b"7"})]))
    assert [value for name, value in letter.headers if name == "dl_reason"] == [b"schema"]
    assert "dl_index" not in dict(letter.headers)


def test_a_tick_is_no_row() -> None:
    state = partition()
    assert letters(state.fold([tick(channels.READINGS, 0.0)])) == []
    assert state.counters[channels.READINGS]["in"] == 0


def test_a_tick_with_a_value_is_a_record_like_any_other() -> None:
    state = partition()
    state.fold([pack(READING, headers={"vitals_tick": b"true"})])
    assert state.counters[channels.READINGS]["judged"] == 1


def test_a_tick_whose_time_is_none_is_dead() -> None:
    state = partition()
    bad = tick(channels.READINGS, 0.0)
    headers = {**bad.headers, "ce_time": b"now"}
    state.fold([record(channels.READINGS, b"", 0.0, key=None, headers=headers)])
    assert state.refused == {Reason.SCHEMA: 1}
