"""Revisions: whoever keeps the newest of a window is right in the end, whichever lives of a stage wrote them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import channels
from schemas.signs import Indicator
from streams.delivery.records import Effect
from tests.streams.delivery.orders import batches, interleaved
from tests.streams.sense.builders import indicators, pack, partition, tick, until
from tests.streams.sense.logs import random_log, seeds


def newest(effects: Iterable[Effect]) -> dict[tuple[str, str, str, str], Indicator]:
    """Return what a reader keeps that takes an indicator only if its revision is newer."""
    found: dict[tuple[str, str, str, str], Indicator] = {}
    for one in indicators(effects):
        key = (one.unit_id, one.indicator, one.mode, one.window_start)
        if key not in found or one.revision > found[key].revision:
            found[key] = one
    return found


@given(seeds, st.integers(5, 120), seeds, seeds, st.data())
@settings(max_examples=150)
def test_lives_that_saw_the_topics_in_another_order_agree_on_the_newest(
    seed: int, size: int, one: int, two: int, data: st.DataObject
) -> None:
    logs = random_log(seed, size)
    crashed = data.draw(st.integers(0, sum(map(len, logs.values()))))
    first, second = partition(), partition()
    sent = [effect for record in interleaved(logs, one)[:crashed] for effect in first.fold([record])]
    again = [effect for batch in batches(interleaved(logs, two), two) for effect in second.fold(batch)]
    assert newest([*sent, *again]) == newest(again) == newest([*again, *sent])


def test_a_late_row_before_its_window_closes_counts_as_it_does_after() -> None:
    first, late = pack(("air-1/pm25", 5.0, 20.0)), pack(("air-1/pm25", 8.0, 40.0))
    passed, others = tick(channels.READINGS, 100.0), until(100.0)[1:]
    before = indicators(partition().fold([first, passed, late, *others]))
    state = partition()
    state.fold([first, passed, *others])
    assert before == indicators(state.fold([late]))
    assert before[0].revision == 1


def test_a_late_row_in_a_window_that_is_still_open_is_no_revision() -> None:
    first, late = pack(("air-1/pm25", 45.0, 20.0)), pack(("air-1/pm25", 8.0, 40.0))
    (found,) = indicators(partition().fold([first, tick(channels.READINGS, 50.0), late, *until(60.0)]))
    assert (found.n, found.revision) == (2, 0)


def test_all_rows_of_one_record_make_one_revision() -> None:
    state = partition()
    state.fold([pack(("air-1/pm25", 5.0, 20.0)), *until(60.0)])
    late = pack(("air-1/pm25", 8.0, 40.0), ("air-1/LAeq", 9.0, 60.0), ("air-1/pm25", 10.0, 41.0))
    assert {one.revision for one in indicators(state.fold([late]))} == {1}


def test_revisions_of_an_earlier_program_go_on() -> None:
    state = partition()
    state.fold([pack(("air-1/pm25", 5.0, 20.0)), *until(60.0)])
    blocks = state.changed_blocks()
    name = next(name for name in blocks if name.startswith("windows/60000000000/"))
    saved = msgspec.msgpack.decode(blocks[name])
    ((_, _, cell),) = saved["cells"]
    del cell["revised"]
    cell["revision"] = 3
    resumed = partition()
    resumed.restore(blocks | {name: msgspec.msgpack.encode(saved)})
    (found,) = indicators(resumed.fold([pack(("air-1/pm25", 8.0, 40.0))]))
    assert found.revision == 4
