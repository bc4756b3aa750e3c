"""Ids, times, and the envelope's headers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ids
from schemas.envelope import Envelope, dedup_key, read_envelope, tick_headers, write_envelope
from schemas.ids import Id, is_id
from schemas.refusals import RefusedError
from schemas.times import MAX_NS, Time, format_time, parse_time

NOT_IDS = ["", "-a", ".a", "a b", "a/b", "a\n", "\na", "é", "a" * 65, "a\x00"]


@pytest.mark.parametrize("text", ["a", "A9", "hp.nanjing-east.g03.nanjing-building", "0:_.-", "a" * 64])
def test_an_id_is_one_everywhere(text: str) -> None:
    assert is_id(text)
    assert msgspec.convert(text, Id) == text


@pytest.mark.parametrize("text", NOT_IDS)
def test_what_is_no_id_is_none_anywhere(text: str) -> None:
    assert not is_id(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Id)


@given(st.text(max_size=70))
def test_both_ways_to_check_an_id_agree(text: str) -> None:
    try:
        agreed = msgspec.convert(text, Id) == text
    except msgspec.ValidationError:
        agreed = False
    assert is_id(text) is agreed


def test_computed_ids_are_the_same_on_every_machine() -> None:
    assert ids.alert_id("actual", "gas-leak", "hp.a.b.c", "d1", 0) == "c8d8090a6f3b3eb46a87"
    assert ids.order_id(ids.case_id("x"), 2) == "bd8e411257a6f477ed40-2"


@given(st.integers(0, MAX_NS - 1))
def test_a_time_is_read_as_it_was_written(ns: int) -> None:
    assert parse_time(msgspec.convert(format_time(ns), Time)) == ns


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00", "2026-01-01t00:00:00z",
        "2026-01-01T00:00:60Z",
        "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "2100-01-01T00:00:00Z", "2026-01-01T00:00:00.1234567890Z",
        "2026-01-01T00:00:00Z\n", "２０２６-01-01T00:00:00Z", "",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time"):
        parse_time(text)


def test_an_envelope_is_read_as_it_was_written() -> None:
    headers = dict(write_envelope(id="1", source="s", type="t", time_ns=5, mode="test", is_backfill=True))
    assert read_envelope(headers) == Envelope(id="1", source="s", type="t", time_ns=5, mode="test", is_backfill=True)


def test_a_tick_is_one() -> None:
    assert read_envelope(dict(tick_headers(7))) == Envelope(time_ns=7, is_tick=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"vitals_mode": b"play"},
        {"ce_time": b"now"},
        {"ce_specversion": b"0.3"},
        {"ce_id": b"\xff"},
        {"ce_id": b"x" * 1_025},
    ],
)
def test_a_header_that_is_wrong_refuses_the_record(headers: dict[str, bytes]) -> None:
    with pytest.raises(RefusedError):
        read_envelope(headers)


def test_copies_share_their_key_and_nothing_else_does() -> None:
    first = Envelope(id="1", source="s")
    assert dedup_key(first) == dedup_key(Envelope(id="1", source="s", time_ns=9))
    assert dedup_key(first) != dedup_key(Envelope(id="1", source="s", mode="test"))
    assert dedup_key(Envelope(id="1")) is None
