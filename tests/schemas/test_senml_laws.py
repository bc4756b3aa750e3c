"""What holds of every pack, whatever came."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.refusals import RefusedError
from schemas.senml import Pack, decode_pack, encode_pack
from schemas.senml_records import resolve_one_by_one
from schemas.times import MAX_NS

NOW_NS = 1_770_000_000_000_000_000
FIRST_US = 2**28 * 1_000_000

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", fullmatch=True)
names = st.builds("{}/{}".format, ids, ids)
times = st.integers(FIRST_US, MAX_NS // 1_000 - 1).map(lambda us: us * 1_000)
values = st.booleans() | st.floats(-1e18, 1e18) | st.integers(-(2**53), 2**53)
readings = st.tuples(names, st.none() | st.text(max_size=8), times, values)

json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
labels = st.sampled_from(
    ("bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vb", "vs", "vd", "s", "t", "ut", "x", "x_")
)
plausible = st.sampled_from(("d/", "d/q", "q", "", 0, 1, -5, 1.5, True, 1_767_225_600, 10, 10**19, 1e300, None))
records = st.dictionaries(labels, plausible | json_values, max_size=5)
good_records = st.fixed_dictionaries(
    {"n": st.sampled_from(("q", "r")), "v": st.floats(-1e9, 1e9)},
    optional={
        "bn": st.sampled_from(("d/", "e/")),
        "bt": st.floats(-1e6, 1e9),
        "t": st.floats(-1e6, 1e6),
        "u": st.just("dB"),
    },
)


def try_decode(raw: bytes) -> Pack | RefusedError:
    try:
        return decode_pack(raw, NOW_NS)
    except RefusedError as error:
        return error


@given(st.binary(max_size=200) | st.text(alphabet='[]{}":,bntuvs_01\\ ', max_size=60).map(str.encode))
@example(b'[{"n":"d/q","v":1,"x":"\xff"}]')
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    assert isinstance(try_decode(raw), Pack | RefusedError)


@given(json_values | st.lists(records | json_values, max_size=6))
def test_any_json_is_decoded_or_refused(value: object) -> None:
    assert isinstance(try_decode(msgspec.json.encode(value)), Pack | RefusedError)


@given(st.lists(records.filter(lambda r: not {"bver", "x_"} & r.keys()), min_size=1, max_size=8))
def test_every_reading_is_good_or_bad_exactly_once(pack_records: list[dict[str, object]]) -> None:
    raw = msgspec.json.encode([{"n": "d/q", "v": 1}, *pack_records])
    is_reading = [not (record and record.keys() <= {"bn", "bt", "bu", "bv", "bs"}) for record in pack_records]
    expected = [0, *(i for i, reading in enumerate(is_reading, start=1) if reading)]
    pack = decode_pack(raw, NOW_NS)
    assert sorted([*pack.index, *(bad.index for bad in pack.bad)]) == expected
    columns = (pack.names, pack.units, pack.times, pack.values, pack.booleans, pack.index)
    assert {len(column) for column in columns} == {len(pack.index)}


@given(st.lists(records.filter(lambda r: not {"bver", "x_"} & r.keys()), min_size=1, max_size=8))
def test_a_bad_reading_alone_is_bad_again(pack_records: list[dict[str, object]]) -> None:
    pack = decode_pack(msgspec.json.encode([{"n": "d/q", "v": 1}, *pack_records]), NOW_NS)
    for bad in pack.bad:
        (again,) = decode_pack(bad.value, NOW_NS).bad
        assert again.reason in {bad.reason, "schema"}  # a base field too long to be passed on is missing then


@given(st.lists(good_records, min_size=1, max_size=8))
def test_the_quick_way_and_one_by_one_agree(pack_records: list[dict[str, object]]) -> None:
    raw = msgspec.json.encode([{"bn": "d/"}, *pack_records])
    assert decode_pack(raw, NOW_NS) == resolve_one_by_one(raw, NOW_NS)


@given(st.lists(readings, min_size=1, max_size=8))
@example([("d/q", None, 2**28 * 10**9, 1.0), ("d/q", None, 2_251_799_813_685_249_000, 1.0)])
@example([("d/q", None, MAX_NS - 86_400_999_001_000, 1.0), ("d/q", None, MAX_NS - 1_000, 1.0)])
def test_what_was_encoded_is_decoded_again(given_readings: list[tuple[str, str | None, int, float | bool]]) -> None:
    pack = decode_pack(encode_pack(given_readings), 0)
    assert not pack.bad
    assert list(zip(pack.names, pack.units, pack.times, pack.values, strict=True)) == [
        (name, unit, time, float(value)) for name, unit, time, value in given_readings
    ]
    assert pack.booleans == [isinstance(value, bool) for *_, value in given_readings]


@given(st.lists(records, min_size=1, max_size=6))
def test_decoding_twice_gives_the_same(pack_records: list[dict[str, object]]) -> None:
    raw = msgspec.json.encode(pack_records)
    first, second = try_decode(raw), try_decode(raw)
    assert str(first) == str(second)


@pytest.mark.parametrize("depth", [0, 200, 600])
def test_the_callers_stack_does_not_change_the_verdict(depth: int) -> None:
    raw = b'[{"n":"d/q","v":1,"x":%s%s}]' % (b"[" * 500, b"]" * 500)

    def deeper(left: int) -> Pack | RefusedError:
        return deeper(left - 1) if left else try_decode(raw)

    assert str(deeper(depth)) == "undecodable: nested more than 8 deep"
