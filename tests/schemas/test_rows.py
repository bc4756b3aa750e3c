"""Records of crowd rows, video rows and reports."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.examples import CROWD, REPORT, START_NS, VIDEO
from schemas.refusals import Reason, RefusedError
from schemas.rows import Rows, decode_crowd, decode_report, decode_video, encode_rows

Decode = Callable[[bytes], Rows[Any]]
both = pytest.mark.parametrize("decode", [decode_crowd, decode_video])
GATE = {"zone_id": "z", "source": "gate", "time": "2026-01-01T00:00:00Z", "people_in": 3}
CAMERA = {"camera_id": "c", "time": "2026-01-01T00:00:00Z"}


def packed(*rows: object) -> bytes:
    return msgspec.json.encode(rows)


def test_rows_come_with_their_places_and_times() -> None:
    rows = decode_crowd(packed(GATE, GATE | {"time": "2026-01-01T00:00:01.5Z"}))
    assert (rows.index, rows.times, rows.bad) == ([0, 1], [START_NS, START_NS + 1_500_000_000], [])


def test_what_was_encoded_is_decoded_again() -> None:
    assert decode_crowd(encode_rows([CROWD])).good == [CROWD]
    assert decode_video(encode_rows([VIDEO])).good == [VIDEO]


BAD_CROWD = {
    "no count": ({"zone_id": "z", "source": "gate", "time": GATE["time"]}, Reason.SCHEMA),
    "a count of null": (GATE | {"people_in": None}, Reason.SCHEMA),
    "a negative count": (GATE | {"people_in": -1}, Reason.SCHEMA),
    "a count that is no integer": (GATE | {"people_in": 1.5}, Reason.SCHEMA),
    "a count of 20 digits": (GATE | {"people_in": 10**20}, Reason.SCHEMA),
    "an unknown source": (GATE | {"source": "radar"}, Reason.SCHEMA),
    "a field outside the schema": (GATE | {"face": "x"}, Reason.SCHEMA),
    "no zone": ({key: value for key, value in GATE.items() if key != "zone_id"}, Reason.SCHEMA),
    "a zone that is no id": (GATE | {"zone_id": "z z"}, Reason.SCHEMA),
    "a zone with a newline at its end": (GATE | {"zone_id": "z\n"}, Reason.SCHEMA),
    "a period of nothing": (GATE | {"period_s": 0}, Reason.SCHEMA),
    "a time that is none": (GATE | {"time": "yesterday"}, Reason.SCHEMA),
    "a time with an offset": (GATE | {"time": "2026-01-01T08:00:00+08:00"}, Reason.SCHEMA),
    "the 30th of February": (GATE | {"time": "2026-02-30T00:00:00Z"}, Reason.BAD_VALUE),
    "a time before 1970": (GATE | {"time": "1969-12-31T23:59:59Z"}, Reason.BAD_VALUE),
    "no object": (5, Reason.SCHEMA),
}


@pytest.mark.parametrize(("row", "reason"), BAD_CROWD.values(), ids=BAD_CROWD)
def test_a_bad_crowd_row_is_refused_by_itself(row: object, reason: Reason) -> None:
    rows = decode_crowd(packed(GATE, row, GATE))
    assert [(bad.index, bad.reason, bad.value) for bad in rows.bad] == [(1, reason, packed(row))]
    assert rows.index == [0, 2]


BAD_VIDEO = {
    "a picture": CAMERA | {"picture": "aGk="},
    "a plate within an event": CAMERA | {"events": [{"kind": "smoke", "confidence": 1, "plate": "x"}]},
    "an unknown kind": CAMERA | {"events": [{"kind": "dog", "confidence": 1}]},
    "a confidence over 1": CAMERA | {"events": [{"kind": "smoke", "confidence": 1.1}]},
    "a box of three": CAMERA | {"events": [{"kind": "smoke", "confidence": 1, "box": [0, 0, 1]}]},
    "a track that is a sentence": CAMERA | {"events": [{"kind": "smoke", "confidence": 1, "track": "Mr. Li"}]},
    "an unknown count": CAMERA | {"counts": {"dog": 1}},
    "an unknown health": CAMERA | {"health": "tired"},
}


@pytest.mark.parametrize("row", BAD_VIDEO.values(), ids=BAD_VIDEO)
def test_a_bad_video_row_is_refused_by_itself(row: object) -> None:
    rows = decode_video(packed(CAMERA, row))
    assert [(bad.index, bad.reason, bad.value) for bad in rows.bad] == [(1, Reason.SCHEMA, packed(row))]
    assert rows.index == [0]


def test_a_bad_row_keeps_its_bytes() -> None:
    raw = b'[ {"zone_id": "z",   "people_in": 1e0} ]'
    assert [bad.value for bad in decode_crowd(raw).bad] == [b'[{"zone_id": "z",   "people_in": 1e0}]']


REFUSED = {
    "empty": (b"", Reason.UNDECODABLE),
    "not JSON": (b'[{"time":', Reason.UNDECODABLE),
    "NaN": (b'[{"people_in":NaN}]', Reason.UNDECODABLE),
    "bad UTF-8": (b'["\xff"]', Reason.UNDECODABLE),
    "100,000 brackets": (b"[" * 100_000, Reason.UNDECODABLE),
    "no array": (b"{}", Reason.SCHEMA),
    "no rows": (b"[]", Reason.SCHEMA),
    "too many rows": (packed(*[GATE] * 1_025), Reason.TOO_LARGE),
    "too many bytes": (b" " * 524_289, Reason.TOO_LARGE),
}


@both
@pytest.mark.parametrize(("raw", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_record_is_refused_as_a_whole(decode: Decode, raw: bytes, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        decode(raw)
    assert caught.value.reason is reason


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
rows_of_any_kind = st.sampled_from((GATE, CAMERA)) | json_values


@both
@given(rows=st.lists(rows_of_any_kind, min_size=1, max_size=6))
def test_every_row_is_good_or_bad_exactly_once(decode: Decode, rows: list[object]) -> None:
    decoded = decode(packed(*rows))
    assert sorted([*decoded.index, *(bad.index for bad in decoded.bad)]) == list(range(len(rows)))
    assert len(decoded.good) == len(decoded.index) == len(decoded.times)


def is_read_or_refused(decode: Callable[[bytes], object], raw: bytes) -> bool:
    try:
        return decode(raw) is not None
    except RefusedError:
        return True


@pytest.mark.parametrize("decode", [decode_crowd, decode_video, decode_report])
@given(raw=st.binary(max_size=120) | json_values.map(msgspec.json.encode))
def test_anything_is_read_or_refused(decode: Callable[[bytes], object], raw: bytes) -> None:
    assert is_read_or_refused(decode, raw)


def test_a_report_comes_with_its_time() -> None:
    assert decode_report(msgspec.json.encode(REPORT)) == (REPORT, START_NS + 5_000_000_000)


BAD_REPORTS = {
    "too large": (b" " * 65_537, Reason.TOO_LARGE),
    "not JSON": (b"{", Reason.UNDECODABLE),
    "an array": (b"[]", Reason.SCHEMA),
    "a text too long": (msgspec.json.encode(msgspec.to_builtins(REPORT) | {"text": "x" * 2_001}), Reason.SCHEMA),
    "a field outside the schema": (msgspec.json.encode(msgspec.to_builtins(REPORT) | {"phone": "1"}), Reason.SCHEMA),
    "a time that is none": (
        msgspec.json.encode(msgspec.to_builtins(REPORT) | {"time": "2026-13-01T00:00:00Z"}),
        Reason.BAD_VALUE,
    ),
}


@pytest.mark.parametrize(("raw", "reason"), BAD_REPORTS.values(), ids=BAD_REPORTS)
def test_a_bad_report_is_refused(raw: bytes, reason: Reason) -> None:
    with pytest.raises(RefusedError) as caught:
        decode_report(raw)
    assert caught.value.reason is reason
