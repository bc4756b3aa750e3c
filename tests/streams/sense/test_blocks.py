"""State blocks: their bounds, what is refused, and that nothing is forgotten between two checkpoints."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import channels
from streams.delivery.records import StateFormatError
from streams.pace import Pace
from streams.sense.blocks import Block, decode_block, pack_array, shard_of, unpack_array
from streams.sense.dedup import HASH_BYTES, MINUTE_NS, DedupWindow
from streams.sense.partition import SensePartition
from streams.sense.series import BLOCK, HOT
from streams.sense.windows import Windows
from tests.streams.sense.builders import at, crowd, device, pack, partition, phases, registry, until, video

BUSY = [
    pack(("gas-1/ch4", 5.0, 3_000.0), ("air-1/pm25", 5.0, 20.0), ident="a"),
    crowd(30.0, 450, ident="b"),
    video(30.0, 5, ident="c"),
    *until(0.0),
]


class Thing(Block):
    name: str


def busy() -> SensePartition:
    """Return a partition that has something in every kind of block."""
    state = partition()
    state.fold(BUSY)
    return state


BLOCKS = busy().changed_blocks()


def key(number: int) -> bytes:
    return number.to_bytes(HASH_BYTES, "big")


def test_every_kind_of_block_is_there() -> None:
    kinds = {"names", "hot", "windows", "anomalies", "dedup", "clock"}
    assert {name.partition("/")[0] for name in BLOCKS} == kinds


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_that_is_too_short_is_refused(name: str) -> None:
    for length in (0, 1, 3, len(BLOCKS[name]) - 1):
        with pytest.raises(StateFormatError):
            partition().restore({**BLOCKS, name: BLOCKS[name][:length]})


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_of_another_format_is_refused(name: str) -> None:
    raw = BLOCKS[name]
    is_array = name.startswith(("hot", "dedup"))
    other = b"\x02" + raw[1:] if is_array else raw.replace(b"\xa6format\x01", b"\xa6format\x02", 1)
    assert other != raw
    with pytest.raises(StateFormatError, match="has format 2"):
        partition().restore({**BLOCKS, name: other})


@pytest.mark.parametrize(
    "name",
    ["hot/0", "hot/x", "windows/x/1/1", "anomalies/99", "dedup/vitals.weather/1/0", "dedup/vitals.crowd/1"],
)
def test_a_block_without_its_place_is_refused(name: str) -> None:
    with pytest.raises(StateFormatError):
        partition().restore({name: next(BLOCKS[n] for n in BLOCKS if n.startswith(name.partition("/")[0]))})


def test_a_block_of_another_stage_is_refused() -> None:
    with pytest.raises(StateFormatError, match="alerts-00"):
        partition().restore({"alerts-00": b"x"})


@pytest.mark.parametrize("missing", ["names/0", "names/1"])
def test_missing_names_are_refused(missing: str) -> None:
    devices = [device(f"d{i}", "pm25") for i in range(2 * BLOCK + 5)]
    state = partition(registry(devices))
    for start in range(0, len(devices), BLOCK):
        state.fold([pack(*[(f"d{i}/pm25", 0.0, 1.0) for i in range(start, min(start + BLOCK, len(devices)))])])
    blocks = state.changed_blocks()
    assert {name for name in blocks if name.startswith("names")} == {"names/0", "names/1", "names/2"}
    del blocks[missing]
    with pytest.raises(StateFormatError):
        partition().restore(blocks)


def test_a_quiet_partition_writes_nothing_but_its_clock() -> None:
    state = busy()
    state.changed_blocks()
    assert set(state.changed_blocks()) == {"clock"}


def test_only_the_block_of_the_series_that_spoke_is_written() -> None:
    devices = [device(f"d{i}", "pm25") for i in range(BLOCK + 1)]
    state = partition(registry(devices))
    state.fold([pack(*[(f"d{i}/pm25", 0.0, 1.0) for i in range(BLOCK + 1)])])
    state.changed_blocks()
    state.fold([pack((f"d{BLOCK}/pm25", 1.0, 1.0))])
    changed = state.changed_blocks()
    assert {name for name in changed if name.startswith(("hot", "names"))} == {"hot/1"}
    assert len(changed["hot/1"]) == 4 + BLOCK * HOT.itemsize


def test_windows_of_another_clock_scale_are_begun_anew_and_their_blocks_given_up() -> None:
    state = partition(pace=Pace(60.0))
    state.restore(BLOCKS)
    gone = {name for name, block in state.changed_blocks().items() if not block}
    assert gone == {name for name in BLOCKS if name.startswith("windows")}
    assert set(state.changed_blocks()) == {"clock"}


def test_an_open_anomaly_is_still_open_after_a_restart() -> None:
    state = partition()
    state.restore(BLOCKS)
    assert phases(state.fold([pack(("gas-1/ch4", 6.0, 1.0), ("gas-1/ch4", 7.0, 1.0))])) == [("limit", "clear", 0.0)]


def test_a_repeat_is_still_known_after_a_restart() -> None:
    state = partition()
    state.restore(BLOCKS)
    state.fold(BUSY)
    assert [state.counters[topic]["duplicate"] for topic in channels.SOURCES] == [2, 1, 1, 0]


def test_a_shard_is_the_same_everywhere() -> None:
    assert [shard_of(name, 16) for name in ("a", "b", "gas-1")] == [3, 9, 10]


@given(st.one_of(st.binary(max_size=64), st.dictionaries(st.text(), st.booleans()).map(msgspec.msgpack.encode)))
def test_bytes_that_are_no_block_are_refused_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(StateFormatError):
        decode_block("x", raw, Thing)
    assert unpack_array("x", pack_array(raw), 1) == raw


# The window of repeats


def test_a_repeat_is_known_for_ten_minutes_of_event_time() -> None:
    window = DedupWindow("t")
    assert [window.is_repeat(key(1), 0), window.is_repeat(key(1), 9 * MINUTE_NS)] == [False, True]
    assert window.is_repeat(key(2), 9 * MINUTE_NS) is False
    assert window.is_repeat(key(1), 0) is True
    window.is_repeat(key(3), 11 * MINUTE_NS)
    assert window.is_repeat(key(1), 11 * MINUTE_NS) is False


def test_a_repeat_of_the_last_nanosecond_of_a_minute_is_known_for_ten_minutes_too() -> None:
    window = DedupWindow("t")
    assert window.is_repeat(key(1), MINUTE_NS - 1) is False
    assert window.is_repeat(key(1), 11 * MINUTE_NS - 1) is True


def test_what_is_older_than_the_window_is_known_too() -> None:
    window = DedupWindow("t")
    window.is_repeat(key(1), 100 * MINUTE_NS)
    assert [window.is_repeat(key(2), 0), window.is_repeat(key(2), 0)] == [False, True]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 14)), max_size=120), st.integers(1, 20), st.integers(1, 5))
def test_the_window_is_bounded_and_its_blocks_hold_it(
    steps: list[tuple[int, int]], max_hashes: int, part_hashes: int
) -> None:
    window, blocks = DedupWindow("t", max_hashes, part_hashes), dict[str, bytes]()
    for number, (which, minute) in enumerate(steps):
        window.is_repeat(key(which), minute * MINUTE_NS)
        if number % 4 == 3:
            blocks |= dict(window.changed_blocks())
    blocks |= dict(window.changed_blocks())
    kept = {name: block for name, block in blocks.items() if block}
    assert sum(len(block) - 4 for block in kept.values()) <= max_hashes * HASH_BYTES
    assert all(len(block) <= 4 + part_hashes * HASH_BYTES for block in kept.values())
    resumed = DedupWindow("t", max_hashes, part_hashes)
    for name in sorted(kept, key=lambda name: [int(n) for n in name.split("/")[-2:]]):
        resumed.restore_block(name, kept[name])
    for which in range(31):
        assert resumed.is_repeat(key(which), 14 * MINUTE_NS) == window.is_repeat(key(which), 14 * MINUTE_NS)


def test_a_minute_that_was_dropped_for_its_size_and_begun_anew_is_saved_anew() -> None:
    window, resumed = DedupWindow("t", max_hashes=2), DedupWindow("t")
    for number in (1, 2, 3, 4):  # the third is too many
        window.is_repeat(key(number), 0)
    for name, block in window.changed_blocks():
        resumed.restore_block(name, block)
    assert [resumed.is_repeat(key(number), 0) for number in (4, 3)] == [True, False]


# Windows


def test_the_cells_of_one_window_lie_in_a_bounded_number_of_blocks() -> None:
    windows = Windows(60, 600)
    for unit in range(500):
        windows.cell(f"hp.a.g01.u{unit}", "actual", 30)
    assert len(dict(windows.changed_blocks())) == 8
    windows.cell("hp.a.g01.u0", "actual", 31)
    assert len(dict(windows.changed_blocks())) == 1


def test_a_window_is_kept_until_no_late_row_can_come() -> None:
    windows = Windows(60, 600)
    windows.cell("u", "actual", 30)
    windows.drop(660)
    assert len(dict(windows.changed_blocks())) == 1
    windows.drop(661)
    assert list(dict(windows.changed_blocks()).values()) == [b""]


def test_state_stays_bounded_as_time_goes_on() -> None:
    state, sizes, blocks = partition(), [], dict[str, bytes]()
    for minute in range(60):
        now = 60.0 * minute
        readings = [("gas-1/ch4", now, 3_000.0 if minute % 4 == 0 else 1.0), ("air-1/pm25", now, 20.0)]
        state.fold([pack(*readings, ident=f"p{minute}"), crowd(now, 300, ident=f"c{minute}"), *until(now)])
        blocks |= state.changed_blocks()
        sizes.append(sum(len(block) for block in blocks.values()))
    assert max(sizes[30:]) <= 1.1 * max(sizes[15:30])


def test_the_clock_block_holds_watermarks_and_counters() -> None:
    saved = msgspec.msgpack.decode(BLOCKS["clock"])
    assert saved["watermarks"][channels.CROWD] == at(20.0)
    assert saved["counters"][channels.READINGS]["judged"] == 2
