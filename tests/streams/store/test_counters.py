from __future__ import annotations

import pytest

from schemas.channels import SOURCES
from streams.store.counters import MAX_BYTES, CountersError, SourceCounts, decode_counters, encode_counters, source_key


def test_counters_of_all_sources_fit_beside_an_offset() -> None:
    huge = SourceCounts(*[10**15] * 7)
    counts = {source_key(topic, 11): huge for topic in SOURCES}
    text = encode_counters(counts)
    assert len(text.encode()) < MAX_BYTES
    assert decode_counters(text) == counts


def test_no_metadata_is_no_counters() -> None:
    assert decode_counters("") == {}
    assert decode_counters(None) == {}


@pytest.mark.parametrize("text", ["hello", "{}", '{"f":2,"s":{}}'])
def test_metadata_of_another_program_is_not_misread(text: str) -> None:
    with pytest.raises(CountersError):
        decode_counters(text)


def test_counters_that_would_not_fit_are_refused() -> None:
    with pytest.raises(CountersError, match="more than"):
        encode_counters({source_key("vitals.readings", n): SourceCounts() for n in range(100)})
