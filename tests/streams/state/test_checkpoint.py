"""Checkpoints: blocks, then the manifest, then the commit; what a manifest names can always be read back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.records import StateFormatError
from streams.state.checkpoint import Checkpointer, HeldPartition
from streams.state.manifest import Manifest, furthest
from streams.state.recovery import restore_partition
from streams.topics import manifest_topic, state_topic
from tests.streams.state.fakes import Log, Notes

STAGE = "sense"
READINGS = "vitals.readings"


class Rig:
    """One partition of a stage, its checkpointer, and the log behind it."""

    def __init__(self, log: Log, part: HeldPartition | None = None) -> None:
        self.log, self.notes = log, Notes()
        self.part = HeldPartition(number=3, state=self.notes) if part is None else part
        self.between = asyncio.Lock()
        self.writer = Checkpointer(STAGE, log.send, log.commit, lambda state: {READINGS: {"in": _folded(state)}})

    def put(self, name: str, value: bytes) -> None:
        """Judge one record."""
        assert isinstance(self.part.state, Notes)
        self.part.state.put(name, value)
        self.part.state.folded += 1
        self.part.next[READINGS] = self.part.next.get(READINGS, 0) + 1

    async def write(self, registry: Mapping[int, dict[str, int]] | None = None, generation: int = 1) -> dict[int, int]:
        """Write a checkpoint."""
        return await self.writer.write(lambda: [self.part], self.between, generation, dict(registry or {}))


def _folded(state: object) -> int:
    assert isinstance(state, Notes)
    return state.folded


def manifests(log: Log) -> list[Manifest]:
    found = log.topics.get((manifest_topic(STAGE), 3), [])
    return [msgspec.json.decode(raw, type=Manifest) for _, raw in found]


def recovered(log: Log) -> HeldPartition:
    """Return the partition as a new worker finds it."""
    part = HeldPartition(number=3, state=Notes())
    if (manifest := furthest(manifests(log))) is not None:
        blocks = log.topics[state_topic(STAGE), 3]
        restore_partition(part, manifest, {name: blocks[offset][1] for name, offset in manifest.blocks.items()})
    return part


async def test_blocks_are_confirmed_before_the_manifest_and_that_before_the_commit() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    await rig.write()
    assert rig.log.calls == [state_topic(STAGE), manifest_topic(STAGE), "commit [(('vitals.readings', 3), 1)]"]


async def test_a_manifest_says_where_the_blocks_lie_and_how_far_the_state_has_come() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    rig.put("b", b"2")
    await rig.write({3: {"vitals.registry.units": 5}}, generation=7)
    (manifest,) = manifests(rig.log)
    names = [key.decode() for key, _ in rig.log.topics[state_topic(STAGE), 3]]
    assert {name: names[offset] for name, offset in manifest.blocks.items()} == {n: n for n in ("a", "b", "clock")}
    assert (manifest.seq, manifest.generation, manifest.next) == (1, 7, {READINGS: 2})
    assert (manifest.counters, manifest.registry) == ({READINGS: {"in": 2}}, {"vitals.registry.units": 5})


async def test_only_what_changed_is_written_and_the_oldest_that_did_not() -> None:
    rig = Rig(Log())
    for name in "abc":
        rig.put(name, b"1")
        await rig.write()
    before = len(rig.log.topics[state_topic(STAGE), 3])
    rig.put("c", b"2")
    await rig.write()
    assert {key for key, _ in rig.log.topics[state_topic(STAGE), 3][before:]} == {b"c", b"clock", b"a"}


async def test_each_block_is_written_along_in_its_turn_so_that_the_span_stays_short() -> None:
    rig = Rig(Log())
    for number in range(10):
        rig.put(f"n{number}", b"1")
    for number in range(200):
        rig.put("busy", str(number).encode())
        await rig.write()
    last = manifests(rig.log)[-1]
    assert max(last.blocks.values()) - min(last.blocks.values()) <= 3 * 12


async def test_what_did_not_move_is_not_written() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    await rig.write()
    calls = len(rig.log.calls)
    assert await rig.write() == {}
    assert len(manifests(rig.log)) == 1
    assert [call for call in rig.log.calls[calls:] if call != "nothing"] == []


async def test_a_block_that_is_gone_is_named_no_more() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    rig.put("b", b"1")
    await rig.write()
    rig.put("a", b"")
    await rig.write()
    assert set(manifests(rig.log)[-1].blocks) == {"b", "clock"}
    state = recovered(rig.log).state
    assert isinstance(state, Notes)
    assert state.notes == {"b": b"1"}


async def test_the_cut_waits_for_the_batch_in_hand_but_writing_does_not_hold_it_up() -> None:
    rig = Rig(Log())
    await rig.between.acquire()
    rig.put("a", b"half of a batch")
    writing = asyncio.create_task(rig.write())
    await asyncio.sleep(0)
    assert rig.log.calls == []
    rig.put("a", b"whole")
    rig.between.release()
    await writing
    state = recovered(rig.log).state
    assert isinstance(state, Notes)
    assert state.notes == {"a": b"whole"}


async def test_a_write_that_is_cancelled_loses_nothing_of_what_it_had_cut() -> None:
    rig = Rig(Log())
    rig.log.gate.clear()
    rig.put("a", b"1")
    writing = asyncio.create_task(rig.write())
    await asyncio.sleep(0.01)  # it has cut, and waits for the broker
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    rig.log.gate.set()
    rig.put("b", b"2")
    await rig.write()
    state = recovered(rig.log).state
    assert isinstance(state, Notes)
    assert state.notes == {"a": b"1", "b": b"2"}


async def test_what_is_below_the_oldest_block_that_counts_may_be_trimmed() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    assert await rig.write() == {3: 0}
    for _ in range(5):
        rig.put("a", b"2")
        await rig.write()
    rig.put("a", b"3")
    assert await rig.write() == {3: 0}  # manifests of the last hour still name it


async def test_nothing_may_be_trimmed_by_one_whose_commit_the_group_has_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.state.checkpoint.REMEMBERED_SECONDS", -1.0)  # an hour has passed meanwhile
    rig = Rig(Log())
    for value in (b"1", b"2"):
        rig.put("a", value)
        await rig.write()
    rig.put("a", b"3")
    assert await rig.write() == {3: 4}
    rig.log.is_owner = False
    rig.put("a", b"4")
    assert await rig.write() == {}
    assert manifests(rig.log)[-1].next == {READINGS: 4}


async def _run(steps: list[tuple[str, bytes, bool]], fail_after: int) -> tuple[Log, dict[int, dict[str, bytes]]]:
    """Return the log after a crash, and the notes after each record."""
    rig = Rig(Log(fail_after))
    history: dict[int, dict[str, bytes]] = {0: {}}
    try:
        for name, value, is_checkpoint in steps:
            rig.put(name, value)
            history[rig.part.next[READINGS]] = dict(rig.notes.notes)
            if is_checkpoint:
                await rig.write()
    except ConnectionError:
        pass
    return rig.log, history


notes = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from((b"", b"1", b"2")), st.booleans()), max_size=30)


@given(notes, st.integers(0, 40))
def test_after_a_crash_at_any_send_the_state_is_the_one_at_the_manifest_s_offsets(
    steps: list[tuple[str, bytes, bool]], fail_after: int
) -> None:
    steps = [(name, value or b"0", is_cut) for name, value, is_cut in steps]
    log, history = asyncio.run(_run(steps, fail_after))
    part = recovered(log)
    assert isinstance(part.state, Notes)
    assert part.state.notes == history[part.next.get(READINGS, 0)]
    assert part.state.folded == part.next.get(READINGS, 0)
    committed = [call for call in log.calls if call.startswith("commit")]
    assert len(committed) <= len(manifests(log))


async def test_a_recovered_partition_goes_on_with_its_numbers_and_blocks() -> None:
    rig = Rig(Log())
    rig.put("a", b"1")
    rig.put("b", b"1")
    await rig.write()
    after = Rig(rig.log, recovered(rig.log))
    after.put("b", b"2")
    await after.write(generation=2)
    last = manifests(rig.log)[-1]
    assert (last.seq, last.next) == (2, {READINGS: 3})
    state = recovered(rig.log).state
    assert isinstance(state, Notes)
    assert state.notes == {"a": b"1", "b": b"2"}


async def test_a_stopped_worker_that_wakes_up_late_damages_nothing() -> None:
    late = Rig(Log())
    late.put("a", b"1")
    await late.write(generation=1)
    taker = Rig(late.log, recovered(late.log))
    for value in (b"2", b"3"):
        taker.put("a", value)
    await taker.write(generation=2)
    late.put("a", b"of an older world")
    await late.write(generation=1)
    state = recovered(late.log).state
    assert isinstance(state, Notes)
    assert state.notes == {"a": b"3"}


async def _two_blocks() -> tuple[Manifest, dict[str, bytes]]:
    rig = Rig(Log())
    rig.put("a", b"1")
    await rig.write()
    (manifest,) = manifests(rig.log)
    blocks = rig.log.topics[state_topic(STAGE), 3]
    return manifest, {name: blocks[offset][1] for name, offset in manifest.blocks.items()}


async def test_a_missing_block_stops_the_recovery() -> None:
    manifest, blocks = await _two_blocks()
    del blocks["a"]
    with pytest.raises(StateFormatError, match=r"1 state blocks of partition 3.*'a'"):
        restore_partition(HeldPartition(number=3, state=Notes()), manifest, blocks)


@pytest.mark.parametrize("damage", [lambda raw: raw[:-1], lambda raw: raw[:-1] + b"?", lambda raw: raw[:5]])
async def test_a_damaged_block_stops_the_recovery_and_nothing_is_restored(damage: object) -> None:
    manifest, blocks = await _two_blocks()
    part = HeldPartition(number=3, state=Notes())
    assert callable(damage)
    with pytest.raises(StateFormatError):
        restore_partition(part, manifest, {**blocks, "a": damage(blocks["a"])})
    assert (part.next, part.seq, part.offsets) == ({}, 0, {})
    assert isinstance(part.state, Notes)
    assert part.state.notes == {}
