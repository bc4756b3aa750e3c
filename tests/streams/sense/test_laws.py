"""Laws of sense: no row is lost, the log alone decides, a restart goes on as if nothing had been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import channels
from schemas.envelope import TICK
from schemas.judged import row_count
from schemas.times import parse_time
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS
from streams.sense.partition import SensePartition
from tests.streams.delivery.orders import batches, interleaved
from tests.streams.sense.builders import (
    anomalies,
    indicators,
    judged,
    partition,
    promises,
    unit_scores,
)
from tests.streams.sense.logs import random_log, seeds

steps = st.integers(5, 120)


def _run(work: Iterable[Sequence[Record]]) -> tuple[SensePartition, list[Effect]]:
    state = partition()
    return state, [effect for batch in work for effect in state.fold(batch)]


def _on(effects: Iterable[Effect], topic: str) -> list[Effect]:
    found = [e for e in effects if e.topic == topic and e.headers != WATERMARK_HEADERS]
    return sorted(found, key=lambda e: (e.key or b"", e.value, e.headers))


def _last_signs(effects: Sequence[Effect]) -> dict[tuple[object, ...], object]:
    found: dict[tuple[object, ...], object] = {}
    for sign in indicators(effects):
        key = (sign.unit_id, sign.indicator, sign.mode, sign.window_start)
        found[key] = msgspec.structs.replace(sign, revision=0)
    for scores in unit_scores(effects):
        found[scores.unit_id, scores.mode, scores.window_start] = msgspec.structs.replace(scores, revision=0)
    return found


def _rows_of(record: Record, effects: Sequence[Effect]) -> int:
    """Return how many rows a record holds, by looking at its JSON alone; refused as a whole it counts as one."""
    if TICK in record.headers and not record.value:
        return 0
    letters = [dict(effect.headers) for effect in effects if effect.topic == channels.DEAD_LETTERS]
    if any("dl_index" not in headers for headers in letters):
        return 1
    return len(msgspec.json.decode(record.value, type=list[Any])) if record.topic != channels.REPORTS else 1


@given(seeds, steps, seeds)
@settings(max_examples=60)
def test_each_row_is_judged_or_late_or_dead_or_a_duplicate(seed: int, size: int, order: int) -> None:
    state, so_far = partition(), Counter[str]()
    for record in interleaved(random_log(seed, size), order):
        before = {topic: dict(counts) for topic, counts in state.counters.items()}
        effects = state.fold([record])
        counts = state.counters[record.topic]
        moved = {name: counts[name] - before[record.topic][name] for name in counts}
        assert moved["in"] == moved["judged"] + moved["late"] + moved["dead"] + moved["duplicate"]
        assert moved["in"] == _rows_of(record, effects)
        assert moved["judged"] == sum(row_count(one) for one in judged(effects))
        assert moved["late"] == sum(row_count(one) for one in judged(effects, channels.LATE))
        assert moved["dead"] == len(_on(effects, channels.DEAD_LETTERS)) == sum(state.refused.values())
        assert all(state.counters[topic] == before[topic] for topic in channels.SOURCES if topic != record.topic)
        so_far[record.topic] += moved["judged"]
        assert all(one.total == so_far[record.topic] for one in judged(effects))


@given(seeds, steps, seeds, seeds)
@settings(max_examples=120)
def test_neither_interleaving_nor_batches_change_what_is_found(seed: int, size: int, one: int, two: int) -> None:
    logs = random_log(seed, size)
    whole, effects = _run([interleaved(logs, 0)])
    other, others = _run(batches(interleaved(logs, one), two))
    for topic in (channels.ANOMALIES, channels.JUDGED, channels.LATE, channels.DEAD_LETTERS):
        assert _on(effects, topic) == _on(others, topic)
    assert _last_signs(effects) == _last_signs(others)
    assert whole.counters == other.counters
    assert whole.watermark == other.watermark


@given(seeds, steps, seeds, st.data())
@settings(max_examples=60)
def test_a_restart_from_the_blocks_goes_on_with_equal_effects(
    seed: int, size: int, order: int, data: st.DataObject
) -> None:
    work = batches(interleaved(random_log(seed, size), order), order)
    cut = data.draw(st.integers(0, len(work)))
    state, blocks = partition(), dict[str, bytes]()
    for number, batch in enumerate(work[:cut]):
        state.fold(batch)
        if number % 3 == 0:  # what has changed since the checkpoint before last must not be forgotten
            blocks |= state.changed_blocks()
    blocks |= state.changed_blocks()
    resumed = partition()
    resumed.restore({name: block for name, block in blocks.items() if block})
    for batch in work[cut:]:
        assert resumed.fold(batch) == state.fold(batch)
        assert resumed.changed_blocks() == state.changed_blocks()
    assert resumed.counters == state.counters


@given(seeds, steps, seeds, st.data())
@settings(max_examples=40)
def test_a_replay_from_an_older_checkpoint_says_the_same_again(
    seed: int, size: int, order: int, data: st.DataObject
) -> None:
    work = batches(interleaved(random_log(seed, size), order), order)
    crash = data.draw(st.integers(0, len(work)))
    checkpoint = data.draw(st.integers(0, crash))
    state = partition()
    sent = [effect for batch in work[:checkpoint] for effect in state.fold(batch)]
    saved = {name: block for name, block in state.changed_blocks().items() if block}
    sent += [effect for batch in work[checkpoint:crash] for effect in state.fold(batch)]
    resumed = partition()
    resumed.restore(saved)
    again = batches([record for batch in work[checkpoint:] for record in batch], order + 1)
    sent += [effect for batch in again for effect in resumed.fold(batch)]
    through, whole = _run(work)
    assert {(one.id, one.phase, one.time): one for one in anomalies(sent)} == {
        (one.id, one.phase, one.time): one for one in anomalies(whole)
    }
    assert _last_signs(sent) == _last_signs(whole)
    assert resumed.counters == through.counters


@given(seeds, steps, seeds)
@settings(max_examples=40)
def test_a_promised_watermark_is_kept(seed: int, size: int, order: int) -> None:
    promised = 0
    state = partition()
    for batch in batches(interleaved(random_log(seed, size), order), order):
        for effect in state.fold(batch):
            assert all(mark > promised for mark in promises([effect]))
            promised = max([promised, *promises([effect])])
            assert all(parse_time(one.time) >= promised for one in anomalies([effect]))


@given(seeds, steps, seeds)
@settings(max_examples=40)
def test_each_anomaly_has_one_onset_then_updates_then_at_most_one_clear(seed: int, size: int, order: int) -> None:
    _, effects = _run([interleaved(random_log(seed, size), order)])
    lives: dict[str, list[tuple[str, str]]] = {}
    for one in anomalies(effects):
        if one.kind == "report":  # the same report again: readers know it by its id
            assert one.phase == "onset"
            continue
        lives.setdefault(one.id, []).append((one.phase, one.time))
    for life in lives.values():
        phases = [phase for phase, _ in life]
        assert phases[0] == "onset"
        assert set(phases[1:-1]) <= {"update"}
        assert set(phases[1:]) <= {"update", "clear"}
        times = [parse_time(time) for _, time in life]
        assert times == sorted(set(times))


headers = st.dictionaries(
    st.sampled_from(("ce_id", "ce_source", "ce_time", "ce_specversion", "vitals_mode", "vitals_backfill", TICK, "x")),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from((b"1.0", b"2026-01-01T00:00:00Z", b"1970-01-01T00:00:05Z", b"actual", b"true", b"gw")),
    ),
)
values = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(st.sampled_from(("n", "bn", "t", "bt", "v", "vb", "u", "bu", "bver", "x_")), inner),
        ),
        max_leaves=12,
    ).map(msgspec.json.encode),
)
keys = st.one_of(st.none(), st.binary(max_size=80), st.just(b"hp.nanjing-east.g03.nanjing-building"))


@given(st.sampled_from(channels.SOURCES), values, keys, headers, st.integers(0, 4_000_000_000_000_000_000))
@settings(max_examples=400)
def test_no_bytes_of_others_raise(
    topic: str, value: bytes, key: bytes | None, given_headers: dict[str, bytes], append_ns: int
) -> None:
    state = partition()
    record = Record(
        topic=topic, partition=0, offset=0, append_ns=append_ns, key=key, value=value, headers=given_headers
    )
    state.fold([record])
    counts = state.counters[topic]
    assert counts["in"] == counts["judged"] + counts["late"] + counts["dead"] + counts["duplicate"]
