"""Offsets are committed up to the first record that is not done, whatever the order in which they end."""

import random

from hypothesis import given
from hypothesis import strategies as st

from streams.webhook.window import Window


@given(st.dictionaries(st.integers(0, 3), st.sets(st.integers(0, 60), max_size=20)), st.randoms(use_true_random=False))
def test_a_commit_never_passes_a_record_that_is_not_done(log: dict[int, set[int]], rng: random.Random) -> None:
    window: Window[int] = Window()
    for partition, offsets in log.items():
        for offset in sorted(offsets):
            window.begin(partition, offset)
    left = [(partition, offset) for partition, offsets in log.items() for offset in offsets]
    rng.shuffle(left)
    committed: dict[int, int] = {}
    while left:
        window.finish(*left.pop())
        committed |= window.take()
        for partition, offset in left:
            assert committed.get(partition, 0) <= offset
        assert window.size >= len(left)
    assert window.size == 0
    assert committed == {partition: max(offsets) + 1 for partition, offsets in log.items() if offsets}


def test_what_has_passed_is_told_once() -> None:
    window: Window[str] = Window()
    for offset in (3, 4, 7):
        window.begin("a", offset)
    window.finish("a", 4)
    assert window.take() == {}
    window.finish("a", 3)
    assert (window.take(), window.take(), window.size) == ({"a": 5}, {}, 1)
