"""State blocks: read back as written, another format refused."""

from __future__ import annotations

import pytest

from streams.delivery.records import StateFormatError
from streams.dispatch.blocks import (
    decode_buffer,
    decode_cases,
    decode_clocks,
    encode_buffer,
    encode_cases,
    encode_clocks,
)
from streams.dispatch.intake import Clocks
from tests.streams.dispatch.builders import alert, by_id, partition, play, said, team, told, until, word

CLOCKS = encode_clocks(Clocks(alerts=1, feedback=2))


def test_clocks_come_back() -> None:
    assert decode_clocks(CLOCKS) == Clocks(alerts=1, feedback=2)


def test_nothing_is_an_empty_block_that_the_checkpoint_removes() -> None:
    assert (encode_cases([]), encode_buffer([])) == (b"", b"")


@pytest.mark.parametrize(
    "raw", [b"", b"VD", b"XXXX\x01\x00", CLOCKS[:-1], CLOCKS[:4] + b"\x02\x00" + CLOCKS[6:], CLOCKS[:6] + b"\xc1"]
)
def test_a_damaged_block_or_another_format_is_refused(raw: bytes) -> None:
    for decode in (decode_clocks, decode_cases, decode_buffer):
        with pytest.raises(StateFormatError):
            decode(raw)


def test_only_blocks_that_changed_are_told_and_only_once() -> None:
    state = partition(by_id(team("lift-a")))
    assert set(state.changed_blocks()) == {"clocks"}
    state.fold([told(alert(10)), said(word(12, "accept"))])
    assert {name.split("-")[0] for name in state.changed_blocks()} == {"buffer", "clocks"}
    state.fold(until(20))
    assert {name.split("-")[0] for name in state.changed_blocks()} == {"buffer", "cases", "clocks"}
    assert set(state.changed_blocks()) == {"clocks"}


def test_a_restored_partition_has_equal_blocks() -> None:
    state = partition(by_id(team("lift-a")))
    play(state, alert(0), 10, alert(100, name="al-2"), word(110, "accept"))
    again = partition(by_id(team("lift-a")))
    again.restore(state.all_blocks())
    assert again.all_blocks() == state.all_blocks()
    assert again.watermark() == state.watermark()
