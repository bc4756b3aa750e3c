"""Of several manifests the one furthest in the sources counts, then the highest generation, then the newest."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from streams.state.manifest import Manifest, encode_manifest, furthest


def manifest(readings: int, crowd: int = 0, generation: int = 1, seq: int = 1) -> Manifest:
    return Manifest(seq=seq, generation=generation, next={"r": readings, "c": crowd}, blocks={"clock": seq})


manifests = st.lists(
    st.builds(manifest, st.integers(0, 5), st.integers(0, 5), st.integers(0, 3), st.integers(0, 9)), max_size=8
)


def test_none_is_the_furthest_of_none() -> None:
    assert furthest([]) is None


def test_a_worker_that_wakes_up_late_does_not_win_by_its_number() -> None:
    late, ahead = manifest(5, seq=99), manifest(6, generation=2, seq=3)
    assert furthest([late, ahead]) == furthest([ahead, late]) == ahead


def test_progress_in_any_source_counts() -> None:
    assert furthest([manifest(5, 5), manifest(4, 7)]) == manifest(4, 7)


def test_of_two_as_far_the_later_generation_wins_then_the_higher_number() -> None:
    found = [manifest(5, generation=1, seq=9), manifest(5, generation=2, seq=7), manifest(5, generation=2, seq=8)]
    assert furthest(found) == found[2]


@given(manifests, st.randoms(use_true_random=False))
def test_the_order_in_which_they_lie_does_not_matter(found: list[Manifest], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert furthest(found) == furthest(shuffled)


def test_a_manifest_that_was_written_is_read() -> None:
    raw = b'{"seq":4,"generation":2,"next":{"vitals.readings":7},"blocks":{"clock":3},"counters":{},"registry":{},'
    raw += b'"format":1}'
    expected = Manifest(seq=4, generation=2, next={"vitals.readings": 7}, blocks={"clock": 3})
    assert msgspec.json.decode(raw, type=Manifest) == expected
    assert encode_manifest(expected) == raw.replace(b'"registry"', b'"gone":{},"registry"')  # since 2026-11-26
