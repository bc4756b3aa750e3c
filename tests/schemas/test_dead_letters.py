"""Dead letters: what the headers say is read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import DeadLetter, dead_letter_headers, read_dead_letter
from schemas.refusals import Reason

HEADERS = dict(
    dead_letter_headers(
        topic="vitals.readings", partition=3, offset=42, index=7, reason=Reason.SCHEMA, detail="v: no number", time_ns=0
    )
)


def test_a_dead_letter_says_where_and_why() -> None:
    assert read_dead_letter(HEADERS, b"[5]") == DeadLetter(
        topic="vitals.readings",
        partition=3,
        offset=42,
        index=7,
        reason=Reason.SCHEMA,
        detail="v: no number",
        time="1970-01-01T00:00:00Z",
        value=b"[5]",
    )


def test_a_record_refused_as_a_whole_has_no_index() -> None:
    headers = {name: value for name, value in HEADERS.items() if name != "dl_index"}
    assert read_dead_letter(headers, None).index is None


@given(st.text(st.characters(codec="utf-8")) | st.text(alphabet="好", max_size=600) | st.text())
def test_any_detail_can_be_written_and_read(detail: str) -> None:
    headers = dict(
        dead_letter_headers(topic="t", partition=0, offset=0, reason=Reason.SCHEMA, detail=detail, time_ns=0)
    )
    read = read_dead_letter(headers, b"")
    assert read.detail.isprintable()
    assert len(headers["dl_detail"]) <= 1_000


@pytest.mark.parametrize("name", ["dl_topic", "dl_partition", "dl_offset", "dl_reason", "dl_detail", "dl_time"])
def test_without_one_of_the_headers_it_is_no_dead_letter(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        read_dead_letter({key: value for key, value in HEADERS.items() if key != name}, b"")


@pytest.mark.parametrize(
    "header",
    [{"dl_partition": b"-1"}, {"dl_offset": b"x"}, {"dl_reason": b"mood"}, {"dl_time": b"now"}, {"dl_index": b""}],
)
def test_a_header_that_says_something_else_is_an_error(header: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match=r"number|Reason|time"):
        read_dead_letter(HEADERS | header, b"")
