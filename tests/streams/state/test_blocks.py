"""A block on the wire: what was sealed is unsealed, anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.records import StateFormatError
from streams.state.blocks import FORMAT, seal, unseal


@given(st.binary())
def test_what_was_sealed_is_unsealed(payload: bytes) -> None:
    assert unseal(seal(payload)) == payload


@given(st.binary(), st.data())
def test_one_bit_that_is_wrong_is_found(payload: bytes, data: st.DataObject) -> None:
    raw = bytearray(seal(payload))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << (place % 8)
    with pytest.raises(StateFormatError):
        unseal(bytes(raw))


@given(st.binary(min_size=1), st.data())
def test_a_block_that_is_cut_short_is_found(payload: bytes, data: st.DataObject) -> None:
    raw = seal(payload)
    with pytest.raises(StateFormatError):
        unseal(raw[: data.draw(st.integers(0, len(raw) - 1))])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "too short"),
        (seal(b"x")[:9], "too short"),
        (b"JSON" + seal(b"x")[4:], "not a state block"),
        (seal(b"x")[:4] + bytes([FORMAT + 1, 0]) + seal(b"x")[6:], f"format {FORMAT + 1}"),
        (seal(b"x")[:-1] + b"y", "CRC"),
    ],
)
def test_the_reason_is_told(raw: bytes, why: str) -> None:
    with pytest.raises(StateFormatError, match=why):
        unseal(raw)


def test_the_form_of_a_sealed_block_has_not_changed() -> None:
    assert seal(b"vitals").hex() == "555653420100" + "b2c89755" + b"vitals".hex()
