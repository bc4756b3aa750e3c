"""Packs of readings, case by case; the laws are in ``test_senml_laws.py``."""

import msgspec
import pytest

from schemas.refusals import Reason, RefusedError
from schemas.senml import MAX_READINGS, Pack, decode_pack, encode_pack, pack_of_one
from schemas.times import SECOND_NS

T0 = 1_767_225_600
T0_NS = T0 * SECOND_NS
NOW_NS = 1_770_000_000 * SECOND_NS


def decoded(text: str) -> Pack:
    return decode_pack(text.encode(), NOW_NS)


def refused(raw: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        decode_pack(raw, NOW_NS)
    return caught.value


def test_the_pack_of_the_design_is_resolved() -> None:
    pack = decoded(
        """[{"bn": "hp-noise-000123/", "bt": 1767225600.0, "n": "LAeq", "u": "dB", "v": 61.5},
            {"n": "LAeq", "t": 1, "u": "dB", "v": 61.9},
            {"bn": "hp-air-000007/", "n": "pm25", "u": "ug/m3", "v": 38.0}]"""
    )
    assert pack == Pack(
        names=["hp-noise-000123/LAeq", "hp-noise-000123/LAeq", "hp-air-000007/pm25"],
        units=["dB", "dB", "ug/m3"],
        times=[T0_NS, T0_NS + SECOND_NS, T0_NS],
        values=[61.5, 61.9, 38.0],
        booleans=[False, False, False],
        index=[0, 1, 2],
        bad=[],
    )


# RFC 8428, section 5.1, with names that fit our profile (the RFC's are urn:dev:ow:10e2073a01080063:voltage).
RFC_EXAMPLES = {
    "5.1.1 single data point": (
        '[{"n":"ow-10e2073a01080063/voltage","u":"Cel","v":23.1}]',
        [("ow-10e2073a01080063/voltage", "Cel", NOW_NS, 23.1)],
    ),
    "5.1.2 multiple data points": (
        '[{"bn":"ow-10e2073a01080063/","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]',
        [
            ("ow-10e2073a01080063/voltage", "V", NOW_NS, 120.1),
            ("ow-10e2073a01080063/current", "A", NOW_NS, 1.2),
        ],
    ),
    "5.1.2 with times before a base time": (
        """[{"bn":"ow-10e2073a0108006/","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
            {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","v":1.7}]""",
        [
            ("ow-10e2073a0108006/voltage", "V", 1_276_020_076_001_000_000, 120.1),
            ("ow-10e2073a0108006/current", "A", 1_276_020_071_001_000_000, 1.2),
            ("ow-10e2073a0108006/current", "A", 1_276_020_072_001_000_000, 1.3),
            ("ow-10e2073a0108006/current", "A", 1_276_020_076_001_000_000, 1.7),
        ],
    ),
    "5.1.3 multiple measurements": (
        """[{"bn":"ow-10e2073a01080063/","bt":1.320067464e+09,"bu":"%RH","n":"h","v":20},
            {"n":"lon","u":"lon","v":24.30621},{"n":"lat","u":"lat","v":60.07965},{"n":"h","t":60,"v":20.3}]""",
        [
            ("ow-10e2073a01080063/h", "%RH", 1_320_067_464 * SECOND_NS, 20.0),
            ("ow-10e2073a01080063/lon", "lon", 1_320_067_464 * SECOND_NS, 24.30621),
            ("ow-10e2073a01080063/lat", "lat", 1_320_067_464 * SECOND_NS, 60.07965),
            ("ow-10e2073a01080063/h", "%RH", 1_320_067_524 * SECOND_NS, 20.3),
        ],
    ),
    "5.1.6 setting an actuator": (
        '[{"bt":1.320078429e+09,"bu":"W","n":"d/e","v":1},{"n":"d/i","vb":true},{"n":"d/i","t":1,"vb":false}]',
        [
            ("d/e", "W", 1_320_078_429 * SECOND_NS, 1.0),
            ("d/i", "W", 1_320_078_429 * SECOND_NS, 1.0),
            ("d/i", "W", 1_320_078_430 * SECOND_NS, 0.0),
        ],
    ),
}


@pytest.mark.parametrize(("text", "readings"), RFC_EXAMPLES.values(), ids=RFC_EXAMPLES)
def test_the_examples_of_the_rfc_are_resolved(text: str, readings: list[tuple[str, str, int, float]]) -> None:
    pack = decoded(text)
    assert list(zip(pack.names, pack.units, pack.times, pack.values, strict=True)) == readings
    assert not pack.bad


def test_values_that_are_texts_or_data_are_bad_and_the_rest_is_read() -> None:
    pack = decoded(  # RFC 8428, 5.1.4
        """[{"bn":"d/","n":"temp","u":"Cel","v":23.1},{"n":"label","vs":"Machine Room"},
            {"n":"open","vb":false},{"n":"nfc","vd":"aGkgCg"}]"""
    )
    assert pack.names == ["d/temp", "d/open"]
    assert pack.index == [0, 2]
    assert [(bad.index, bad.reason) for bad in pack.bad] == [(1, Reason.SCHEMA), (3, Reason.SCHEMA)]


RESOLVED = {
    "a name without n": ('[{"bn":"d/q","v":1}]', "d/q", NOW_NS, 1.0),
    "a base value is added": ('[{"bn":"d/","bv":20,"n":"q","v":1.5}]', "d/q", NOW_NS, 21.5),
    "a base value is not added to a boolean": ('[{"bn":"d/","bv":20,"n":"q","vb":true}]', "d/q", NOW_NS, 1.0),
    "a relative time": ('[{"n":"d/q","t":-5,"v":1}]', "d/q", NOW_NS - 5 * SECOND_NS, 1.0),
    "a relative base time": ('[{"n":"d/q","bt":-60,"t":1,"v":1}]', "d/q", NOW_NS - 59 * SECOND_NS, 1.0),
    "the last relative time": (
        '[{"n":"d/q","bt":-268435456,"t":1,"v":1}]',
        "d/q",
        NOW_NS - 268_435_455 * SECOND_NS,
        1.0,
    ),
    "the first absolute time": ('[{"n":"d/q","t":268435456,"v":1}]', "d/q", 2**28 * SECOND_NS, 1.0),
    "microseconds": ('[{"n":"d/q","t":1767225600.000001,"v":1}]', "d/q", T0_NS + 1_000, 1.0),
    "the largest int64": ('[{"n":"d/q","v":9223372036854775807}]', "d/q", NOW_NS, 2.0**63),
    "a large number that is no integer": ('[{"n":"d/q","v":1e20}]', "d/q", NOW_NS, 1e20),
    "an update time": ('[{"n":"d/q","ut":10,"v":1}]', "d/q", NOW_NS, 1.0),
    "an unknown label": ('[{"n":"d/q","x":{"y":[1]},"v":1}]', "d/q", NOW_NS, 1.0),
    "escapes": (r'[{"n":"d\/q","v":1}]', "d/q", NOW_NS, 1.0),
    "a name that ends in _": ('[{"n":"d/q_","v":1}]', "d/q_", NOW_NS, 1.0),
    "the present version": ('[{"bver":10,"n":"d/q","v":1}]', "d/q", NOW_NS, 1.0),
    "an older version": ('[{"bver":5,"n":"d/q","v":1}]', "d/q", NOW_NS, 1.0),
}


@pytest.mark.parametrize(("text", "name", "time", "value"), RESOLVED.values(), ids=RESOLVED)
def test_a_reading_is_resolved(text: str, name: str, time: int, value: float) -> None:
    pack = decoded(text)
    assert (pack.names, pack.times, pack.values, pack.bad) == ([name], [time], [value], [])


BAD = {
    "a number as text": ('{"n":"d/q","v":"1"}', Reason.SCHEMA),
    "a boolean as number": ('{"n":"d/q","v":true}', Reason.SCHEMA),
    "null": ('{"n":"d/q","v":null}', Reason.SCHEMA),
    "text": ('{"n":"d/q","vs":"x"}', Reason.SCHEMA),
    "text beside a number": ('{"n":"d/q","v":1,"vs":"x"}', Reason.SCHEMA),
    "data": ('{"n":"d/q","vd":"aGk"}', Reason.SCHEMA),
    "a sum": ('{"n":"d/q","s":1}', Reason.SCHEMA),
    "a sum beside a value": ('{"n":"d/q","v":1,"s":1}', Reason.SCHEMA),
    "a base sum": ('{"n":"d/q","v":1,"bs":1}', Reason.SCHEMA),
    "both v and vb": ('{"n":"d/q","v":1,"vb":true}', Reason.SCHEMA),
    "no value": ('{"n":"d/q"}', Reason.SCHEMA),
    "a misspelt value": ('{"bn":"d/q","V":1}', Reason.SCHEMA),
    "nothing": ("{}", Reason.SCHEMA),
    "a name without device": ('{"n":"q","v":1}', Reason.SCHEMA),
    "a name of three parts": ('{"n":"d/q/r","v":1}', Reason.SCHEMA),
    "a name that is no id": ('{"n":"d d/q","v":1}', Reason.SCHEMA),
    "a name with a newline at its end": (r'{"n":"d/q\n","v":1}', Reason.SCHEMA),
    "two names in one": (r'{"n":"d/q\nd/r","v":1}', Reason.SCHEMA),
    "a name too long": ('{"n":"d/%s","v":1}' % ("q" * 65), Reason.SCHEMA),
    "a name far too long": ('{"bn":"d/%s","v":1}' % ("q" * 999), Reason.SCHEMA),
    "a name that is a number": ('{"n":5,"v":1}', Reason.SCHEMA),
    "a unit that is a number": ('{"n":"d/q","u":5,"v":1}', Reason.SCHEMA),
    "a time that is text": ('{"n":"d/q","t":"now","v":1}', Reason.SCHEMA),
    "an update time that is text": ('{"n":"d/q","ut":"soon","v":1}', Reason.SCHEMA),
    "an integer beyond int64": ('{"n":"d/q","v":9223372036854775808}', Reason.BAD_VALUE),
    "a negative integer beyond int64": ('{"n":"d/q","v":-9223372036854775809}', Reason.BAD_VALUE),
    "an integer of 20 digits": ('{"n":"d/q","v":10000000000000000000}', Reason.BAD_VALUE),
    "an integer of 5000 digits": ('{"n":"d/q","v":%s}' % ("1" * 5000), Reason.BAD_VALUE),
    "a number beyond a double": ('{"n":"d/q","v":1e999}', Reason.BAD_VALUE),
    "a sum of base value and value beyond a double": ('{"n":"d/q","bv":1e308,"v":1e308}', Reason.BAD_VALUE),
    "a time after 2100": ('{"n":"d/q","t":4102444800,"v":1}', Reason.BAD_VALUE),
    "a time beyond a double": ('{"n":"d/q","bt":1e308,"t":1e308,"v":1}', Reason.BAD_VALUE),
    "a time long before now": ('{"n":"d/q","t":-1770000001,"v":1}', Reason.BAD_VALUE),
    "a time of 20 digits": ('{"n":"d/q","t":10000000000000000000,"v":1}', Reason.BAD_VALUE),
}


@pytest.mark.parametrize(("record", "reason"), BAD.values(), ids=BAD)
def test_a_bad_reading_is_refused_by_itself(record: str, reason: Reason) -> None:
    pack = decoded(f'[{{"n":"good/before","v":1}},{record}]')
    assert [(bad.index, bad.reason) for bad in pack.bad] == [(1, reason)]
    assert pack.names == ["good/before"]


@pytest.mark.parametrize(("record", "reason"), BAD.values(), ids=BAD)
def test_a_bad_reading_alone_is_refused_for_the_same_reason_again(record: str, reason: Reason) -> None:
    (bad,) = decoded(f"[{record}]").bad
    assert [again.reason for again in decode_pack(bad.value, NOW_NS).bad] == [reason]


def test_the_readings_after_a_bad_one_inherit_its_base_fields() -> None:
    pack = decoded('[{"bn":"d/","bt":1767225600,"bu":"dB","n":5,"v":1},{"n":"q","v":2}]')
    assert (pack.names, pack.times, pack.units) == (["d/q"], [T0_NS], ["dB"])


def test_a_base_field_of_a_wrong_type_spoils_what_inherits_it_until_it_is_set_anew() -> None:
    pack = decoded('[{"bn":7,"n":"d/q","v":1},{"n":"d/q","v":2},{"bn":"d/","n":"q","v":3},{"n":"r","v":4}]')
    assert [bad.index for bad in pack.bad] == [0, 1]
    assert pack.names == ["d/q", "d/r"]


def test_a_base_unit_of_a_wrong_type_does_not_spoil_a_reading_with_its_own() -> None:
    pack = decoded('[{"bu":7,"n":"d/q","v":1},{"n":"d/q","u":"dB","v":2}]')
    assert ([bad.index for bad in pack.bad], pack.values) == ([0], [2.0])


def test_a_base_sum_spoils_all_that_follows() -> None:
    pack = decoded('[{"n":"d/q","v":1},{"bs":5,"n":"d/q","v":2},{"n":"d/q","v":3}]')
    assert (pack.values, [bad.index for bad in pack.bad]) == ([1.0], [1, 2])


def test_a_bad_reading_stands_alone_and_resolved_in_its_dead_letter() -> None:
    pack = decoded(
        '[{"bn":"d/","bt":1767225600,"bu":"dB","bv":1,"n":"ok","v":1},{"n":"q","t":2,"v":5,"vs":"x"},{"n":"ok","v":1}]'
    )
    (bad,) = pack.bad
    assert msgspec.json.decode(bad.value) == [
        {"n": "d/q", "t": T0 + 2.0, "v": 6.0, "vs": "x", "u": "dB"},
    ]


def test_dead_letters_do_not_multiply_a_long_base_field() -> None:
    raw = b'[{"bn":"%s"}%s]' % (b"x" * 100_000, b',{"n":"q","v":1}' * 4_000)
    assert sum(len(bad.value) for bad in decode_pack(raw, NOW_NS).bad) < 8 * len(raw)


def test_a_record_of_base_fields_alone_is_no_reading() -> None:
    pack = decoded('[{"bn":"d/","bt":1767225600},{"n":"q","v":1},{"bu":"dB"},{"n":"r","v":2}]')
    assert (pack.names, pack.units, pack.index, pack.bad) == (["d/q", "d/r"], [None, "dB"], [1, 3], [])


REFUSED = {
    "empty": (b"", Reason.UNDECODABLE),
    "not JSON": (b"[{", Reason.UNDECODABLE),
    "two values": (b"[] []", Reason.UNDECODABLE),
    "NaN": (b'[{"n":"d/q","v":NaN}]', Reason.UNDECODABLE),
    "Infinity": (b'[{"n":"d/q","v":Infinity}]', Reason.UNDECODABLE),
    "NaN in what is ignored": (b'[{"n":"d/q","v":1,"x":NaN}]', Reason.UNDECODABLE),
    "bad UTF-8": (b'[{"n":"d/q\xff","v":1}]', Reason.UNDECODABLE),
    "bad UTF-8 in what is ignored": (b'[{"n":"d/q","v":1,"x":"\xff"}]', Reason.UNDECODABLE),
    "a lone surrogate": (b'[{"n":"d/q\\ud800","v":1}]', Reason.UNDECODABLE),
    "UTF-16": ('[{"n":"d/q","v":1}]'.encode("utf-16"), Reason.UNDECODABLE),
    "a byte order mark": (b"\xef\xbb\xbf[]", Reason.UNDECODABLE),
    "a bad record after a bad reading": (b'[{"n":"d/q","v":"x"},{"n":}]', Reason.UNDECODABLE),
    "100,000 brackets": (b"[" * 100_000, Reason.UNDECODABLE),
    "100,000 nested objects": (b'{"a":' * 100_000, Reason.UNDECODABLE),
    "deep in what is ignored": (b'[{"n":"d/q","v":1,"x":%s%s}]' % (b"[" * 7, b"]" * 7), Reason.UNDECODABLE),
    "an object": (b'{"n":"d/q","v":1}', Reason.SCHEMA),
    "a number": (b"5", Reason.SCHEMA),
    "null": (b"null", Reason.SCHEMA),
    "no records": (b"[]", Reason.SCHEMA),
    "only base fields": (b'[{"bn":"d/"}]', Reason.SCHEMA),
    "a record that is no object": (b'[{"n":"d/q","v":1},5]', Reason.SCHEMA),
    "a label to be understood": (b'[{"n":"d/q","v":1,"x_":1}]', Reason.UNKNOWN_LABEL),
    "a label to be understood, escaped": (b'[{"n":"d/q","v":1,"x\\u005f":1}]', Reason.UNKNOWN_LABEL),
    "a label to be understood beside a bad reading": (b'[{"n":"d/q","v":"x"},{"x_":1}]', Reason.UNKNOWN_LABEL),
    "a newer version": (b'[{"bver":11,"n":"d/q","v":1}]', Reason.SCHEMA),
    "a version that is text": (b'[{"bver":"10","n":"d/q","v":1}]', Reason.SCHEMA),
    "two versions": (b'[{"bver":10,"n":"d/q","v":1},{"bver":5,"n":"d/q","v":1}]', Reason.SCHEMA),
    "too many bytes": (b"[" + b" " * 512 * 1024, Reason.TOO_LARGE),
    "too many readings": (b"[%s]" % b",".join([b'{"n":"d/q","v":1}'] * (MAX_READINGS + 1)), Reason.TOO_LARGE),
}


@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_pack_is_refused_as_a_whole(raw: bytes, reason: Reason) -> None:
    assert refused(raw).reason is reason


def test_brackets_in_texts_are_not_depth() -> None:
    assert decoded(r'[{"n":"d/q","v":1,"x":"[[[[[[[[[[[\"[[[[[{{{{{{"}]').values == [1.0]


def test_the_largest_pack_is_read() -> None:
    raw = b"[%s]" % b",".join([b'{"n":"d/q","v":1}'] * MAX_READINGS)
    assert len(decode_pack(raw, NOW_NS).values) == MAX_READINGS


def test_a_pack_names_a_device_and_the_base_time_once() -> None:
    readings = [("d/q", "dB", T0_NS, 1.0), ("d/r", None, T0_NS + SECOND_NS, True), ("e/q", None, T0_NS, 2.0)]
    assert encode_pack(readings) == (
        b'[{"bn":"d/","bt":1767225600,"n":"q","u":"dB","v":1.0},{"n":"r","t":1.0,"vb":true},{"bn":"e/","n":"q","v":2.0}]'
    )


def test_a_pack_of_one_is_one() -> None:
    assert decode_pack(pack_of_one("d/q", "dB", T0_NS, 1.5), 0).values == [1.5]


CANNOT_BE_WRITTEN = {
    "no readings": [],
    "too many": [("d/q", None, T0_NS, 1.0)] * (MAX_READINGS + 1),
    "too many bytes": [("d" * 64 + "/" + "q" * 64, "u" * 64, T0_NS + i, 1.0) for i in range(MAX_READINGS)],
    "a name that is none": [("d", None, T0_NS, 1.0)],
    "NaN": [("d/q", None, T0_NS, float("nan"))],
    "infinity": [("d/q", None, T0_NS, float("inf"))],
    "a time that SenML takes as relative": [("d/q", None, 2**28 * SECOND_NS - 1_000, 1.0)],
    "a time after 2100": [("d/q", None, 4_102_444_800 * SECOND_NS, 1.0)],
}


@pytest.mark.parametrize("readings", CANNOT_BE_WRITTEN.values(), ids=CANNOT_BE_WRITTEN)
def test_what_could_not_be_read_again_is_not_written(readings: list[tuple[str, str | None, int, float]]) -> None:
    with pytest.raises(ValueError, match=r"pack|name|value|time"):
        encode_pack(readings)
