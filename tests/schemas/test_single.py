"""Readings as simple devices send them: both forms resolve to the same readings, and nothing is passed over."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.refusals import Reason, RefusedError
from schemas.senml import decode_pack
from schemas.single import decode_readings
from schemas.times import SECOND_NS, format_time

NOW_NS = 1_767_225_600 * SECOND_NS
PLAIN = {"device_id": "hp-noise-7", "quantity": "LAeq", "value": 61.5}
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
numbers = st.floats(min_value=-1e15, max_value=1e15)


def test_a_plain_reading_alone_is_a_pack_of_one_at_the_record_s_time() -> None:
    pack = decode_readings(json.dumps(PLAIN).encode(), NOW_NS)
    assert (pack.names, pack.values, pack.times, pack.booleans) == (["hp-noise-7/LAeq"], [61.5], [NOW_NS], [False])


def test_a_senml_object_alone_is_a_pack_of_one() -> None:
    pack = decode_readings(b'{"n": "d/smoke", "vb": true, "t": 1}', NOW_NS)
    assert (pack.names, pack.booleans, pack.times) == (["d/smoke"], [True], [NOW_NS + SECOND_NS])


def test_a_senml_array_is_decoded_as_a_pack() -> None:
    raw = b'[{"bn": "d/", "n": "LAeq", "v": 1}, {"n": "pm25", "v": 2}]'
    assert decode_readings(raw, NOW_NS) == decode_pack(raw, NOW_NS)


@given(st.lists(st.tuples(names, names, numbers | st.booleans(), st.integers(0, 4 * 10**9)), min_size=1, max_size=20))
def test_plain_readings_say_what_they_say(rows: list[tuple[str, str, float | bool, int]]) -> None:
    said = [
        {"device_id": device, "quantity": quantity, "value": value, "time": format_time(seconds * SECOND_NS)}
        for device, quantity, value, seconds in rows
    ]
    pack = decode_readings(json.dumps(said).encode(), NOW_NS)
    assert pack.bad == []
    assert pack.names == [f"{device}/{quantity}" for device, quantity, _, _ in rows]
    assert pack.values == [float(value) for _, _, value, _ in rows]
    assert pack.booleans == [isinstance(value, bool) for _, _, value, _ in rows]
    assert pack.times == [seconds * SECOND_NS for _, _, _, seconds in rows]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"value": "high"}, Reason.SCHEMA),
        ({"value": 1e300}, Reason.BAD_VALUE),
        ({"time": "2026-02-30T00:00:00Z"}, Reason.BAD_VALUE),
        ({"time": "yesterday"}, Reason.SCHEMA),
        ({"quantity": "not an id"}, Reason.SCHEMA),
        ({"colour": "blue"}, Reason.SCHEMA),
    ],
)
def test_a_bad_reading_is_set_aside_alone(fault: dict[str, object], reason: Reason) -> None:
    pack = decode_readings(json.dumps([PLAIN, PLAIN | fault, PLAIN]).encode(), NOW_NS)
    assert pack.index == [0, 2]
    assert [(bad.index, bad.reason) for bad in pack.bad] == [(1, reason)]
    assert json.loads(pack.bad[0].value) == [PLAIN | fault]


@given(st.binary(max_size=200))
def test_any_bytes_are_readings_or_refused(raw: bytes) -> None:
    try:
        pack = decode_readings(raw, NOW_NS)
    except RefusedError:
        return
    assert pack.names or pack.bad


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.UNDECODABLE),
        (b"21.5", Reason.SCHEMA),
        (b"[]", Reason.SCHEMA),
        (b'{"device_id": "a"', Reason.UNDECODABLE),
        (b'{"device_id": ' + b"[" * 20 + b"]" * 20 + b"}", Reason.UNDECODABLE),
        (b" " * (513 * 1024), Reason.TOO_LARGE),
        (json.dumps([PLAIN] * 4_097).encode(), Reason.TOO_LARGE),
    ],
)
def test_what_holds_no_readings_is_refused(raw: bytes, reason: Reason) -> None:
    with pytest.raises(RefusedError) as refused:
        decode_readings(raw, NOW_NS)
    assert refused.value.reason == reason
