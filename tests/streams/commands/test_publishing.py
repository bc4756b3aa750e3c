"""What standard input becomes, line by line."""

import pytest

from streams.commands.publishing import CHUNK, chunks, values
from streams.settings import SettingsError


def test_a_row_becomes_a_pack_of_one_and_a_pack_stays_one() -> None:
    assert list(values([b'{"v":1}\n', b"\n", b'[{"v":2}]\n'], is_pack=True)) == [b'[{"v":1}]', b'[{"v":2}]']


def test_a_report_stays_an_object() -> None:
    assert list(values([b' {"text":"x"} '], is_pack=False)) == [b'{"text":"x"}']


def test_what_is_no_json_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsError, match=r"line 3 of standard input is no JSON"):
        list(values([b"1", b"", b"{"], is_pack=True))


def test_chunks_are_bounded_and_lose_nothing() -> None:
    given = [b"%d" % number for number in range(2 * CHUNK + 3)]
    found = list(chunks(given))
    assert [len(chunk) for chunk in found] == [CHUNK, CHUNK, 3]
    assert [value for chunk in found for value in chunk] == given
