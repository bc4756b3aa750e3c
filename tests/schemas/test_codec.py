"""Events of one record each: round trips, leniency towards ours, strictness towards people."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.examples import ACTION, ALERT, ANOMALY, FEEDBACK, INDICATOR, ORDER, START_NS, UNIT_SCORES
from schemas.refusals import Reason, RefusedError

OURS: dict[str, tuple[codec.Event, Callable[[bytes], codec.Event]]] = {
    "indicator": (INDICATOR, codec.decode_indicator),
    "unit scores": (UNIT_SCORES, codec.decode_unit_scores),
    "anomaly": (ANOMALY, codec.decode_anomaly),
    "alert": (ALERT, codec.decode_alert),
    "order": (ORDER, codec.decode_order),
}
ours = pytest.mark.parametrize(("event", "decode"), OURS.values(), ids=OURS)
DECODERS: list[Callable[[bytes], object]] = [*(d for _, d in OURS.values()), codec.decode_feedback, codec.decode_action]


def changed(event: msgspec.Struct, **fields: Any) -> bytes:
    return msgspec.json.encode(msgspec.to_builtins(event) | fields)


def refusal(decode: Callable[[bytes], object], raw: bytes) -> Reason:
    with pytest.raises(RefusedError) as caught:
        decode(raw)
    return caught.value.reason


@ours
def test_an_event_of_ours_is_read_again(event: codec.Event, decode: Callable[[bytes], codec.Event]) -> None:
    assert decode(codec.encode(event)) == event


@ours
def test_a_newer_writer_may_add_fields(event: codec.Event, decode: Callable[[bytes], codec.Event]) -> None:
    assert decode(changed(event, new_field=1)) == event


@ours
def test_a_wrong_mode_is_refused(event: codec.Event, decode: Callable[[bytes], codec.Event]) -> None:
    assert refusal(decode, changed(event, mode="play")) is Reason.SCHEMA


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.UNDECODABLE),
        (b"\xff", Reason.UNDECODABLE),
        (b'{"x":NaN}', Reason.UNDECODABLE),
        (b"[" * 5_000, Reason.UNDECODABLE),
        (b" " * 1_048_577, Reason.TOO_LARGE),
    ],
)
def test_what_is_no_json_is_refused(decode: Callable[[bytes], object], raw: bytes, reason: Reason) -> None:
    assert refusal(decode, raw) is reason


@pytest.mark.parametrize("decode", DECODERS)
@given(raw=st.binary(max_size=100))
def test_anything_else_is_refused(decode: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(RefusedError):
        decode(raw)


def test_feedback_comes_with_its_time() -> None:
    assert codec.decode_feedback(codec.encode(FEEDBACK)) == (FEEDBACK, START_NS + 42_000_000_000)


def test_an_action_comes_with_its_time() -> None:
    assert codec.decode_action(codec.encode(ACTION)) == (ACTION, START_NS + 40_000_000_000)


BAD_FEEDBACK = {
    "an unknown field": {"notes": "x"},
    "an unknown action": {"action": "sleep"},
    "nobody": {"by": ""},
    "an order that is no id": {"order_id": "a b"},
    "a time that is none": {"time": "2026-02-30T00:00:00Z"},
    "a note too long": {"note": "x" * 501},
}


@pytest.mark.parametrize("fields", BAD_FEEDBACK.values(), ids=BAD_FEEDBACK)
def test_bad_feedback_is_refused(fields: dict[str, Any]) -> None:
    assert refusal(codec.decode_feedback, changed(FEEDBACK, **fields)) is Reason.BAD_FEEDBACK


BAD_ACTIONS = {
    "an unknown field": {"untill": "2026-01-01T00:00:00Z"},
    "an unknown action": {"action": "delete"},
    "neither alert nor matcher": {"matcher": None},
    "an unknown field of the matcher": {"matcher": {"colour": "red"}},
    "a time that is none": {"time": "2026-01-01T25:00:00Z"},
    "an end that is none": {"until": "2026-01-01T25:00:00Z"},
}


@pytest.mark.parametrize("fields", BAD_ACTIONS.values(), ids=BAD_ACTIONS)
def test_a_bad_action_is_refused(fields: dict[str, Any]) -> None:
    assert refusal(codec.decode_action, changed(ACTION, **fields)) is Reason.BAD_ACTION
