"""Laws of the alert stage: the log alone decides, whatever its interleaving, its batches, its restarts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import channels
from schemas.alerts import Alert
from schemas.times import parse_time
from schemas.watermarks import Watermark
from streams.alert.lifecycle import FOLLOWS
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS
from tests.streams.alert.builders import DELAYED, indicators, is_settled, partition, settled
from tests.streams.alert.logs import random_log, seeds
from tests.streams.delivery.orders import batches, interleaved

steps = st.integers(5, 120)


def _run(work: Iterable[Sequence[Record]]) -> list[Effect]:
    state = partition(catalogue=DELAYED)
    return [effect for batch in work for effect in state.fold(batch)]


def _newest(effects: Iterable[Effect]) -> dict[str, Alert]:
    found: dict[str, Alert] = {}
    for alert in settled(effects):
        if alert.alert_id not in found or found[alert.alert_id].version < alert.version:
            found[alert.alert_id] = alert
    return found


def _signs(effects: Iterable[Effect]) -> dict[tuple[object, ...], object]:
    return {
        (sign.unit_id, sign.indicator, sign.mode, sign.window_start): msgspec.structs.replace(sign, revision=0)
        for sign in indicators(effects)
    }


def _dead(effects: Iterable[Effect]) -> Sequence[object]:
    return sorted((e.value, e.headers) for e in effects if e.topic == channels.DEAD_LETTERS)


@given(seeds, steps, seeds, seeds)
@settings(max_examples=100)
def test_neither_interleaving_nor_batches_change_what_is_settled(seed: int, size: int, one: int, two: int) -> None:
    logs = random_log(seed, size)
    whole = _run([interleaved(logs, 0)])
    other = _run(batches(interleaved(logs, one), two))
    assert [e for e in whole if is_settled(e)] == [e for e in other if is_settled(e)]
    assert _signs(whole) == _signs(other)
    assert _dead(whole) == _dead(other)


@given(seeds, steps, seeds, st.data())
@settings(max_examples=40)
def test_a_restart_from_the_blocks_goes_on_with_equal_effects(
    seed: int, size: int, order: int, data: st.DataObject
) -> None:
    work = batches(interleaved(random_log(seed, size), order), order)
    cut = data.draw(st.integers(0, len(work)))
    state, blocks = partition(catalogue=DELAYED), dict[str, bytes]()
    for batch in work[:cut]:
        state.fold(batch)
        blocks |= state.changed_blocks()
    kept = {name: block for name, block in blocks.items() if block}
    resumed = partition(catalogue=DELAYED)
    resumed.restore(kept)
    assert {name: block for name, block in resumed.all_blocks().items() if name in kept} == kept
    assert resumed.all_blocks() == state.all_blocks()
    for batch in work[cut:]:
        assert resumed.fold(batch) == state.fold(batch)
    assert resumed.all_blocks() == state.all_blocks()


@given(seeds, steps, seeds)
@settings(max_examples=40)
def test_what_did_not_change_is_what_was_written_before(seed: int, size: int, order: int) -> None:
    state, written = partition(catalogue=DELAYED), partition(catalogue=DELAYED).all_blocks()
    for batch in batches(interleaved(random_log(seed, size), order), order):
        state.fold(batch)
        written |= state.changed_blocks()
        assert {name: block for name, block in written.items() if block} == state.all_blocks()


@given(seeds, steps, seeds, st.data())
@settings(max_examples=40)
def test_a_replay_from_an_older_checkpoint_ends_the_same(seed: int, size: int, order: int, data: st.DataObject) -> None:
    work = batches(interleaved(random_log(seed, size), order), order)
    crash = data.draw(st.integers(0, len(work)))
    checkpoint = data.draw(st.integers(0, crash))
    state = partition(catalogue=DELAYED)
    sent = [effect for batch in work[:checkpoint] for effect in state.fold(batch)]
    saved = state.all_blocks()
    sent += [effect for batch in work[checkpoint:crash] for effect in state.fold(batch)]
    resumed = partition(catalogue=DELAYED)
    resumed.restore(saved)
    again = batches([record for batch in work[checkpoint:] for record in batch], order + 1)
    sent += [effect for batch in again for effect in resumed.fold(batch)]
    assert _newest(sent) == _newest(_run(work))
    contents = {(alert.alert_id, alert.version, msgspec.json.encode(alert)) for alert in settled(sent)}
    assert len(contents) == len({(alert_id, version) for alert_id, version, _ in contents})


@given(seeds, steps, seeds)
@settings(max_examples=40)
def test_each_alert_follows_the_states_of_isa_18_2(seed: int, size: int, order: int) -> None:
    last: dict[str, Alert] = {}
    for alert in settled(_run([interleaved(random_log(seed, size), order)])):
        before = last.get(alert.alert_id)
        assert alert.state in FOLLOWS["NORM" if before is None else before.state]
        assert alert.version == (2 if before is None else before.version + 1)
        expected = "" if before is None else f"{before.sender},{before.identifier},{before.sent}"
        assert alert.references == expected
        assert (alert.state == "NORM") == (alert.msgType == "Cancel")
        assert before is None or before.state != "NORM"
        last[alert.alert_id] = alert


@given(seeds, steps, seeds)
@settings(max_examples=40)
def test_watermark_promises_what_follows(seed: int, size: int, order: int) -> None:
    promised = 0
    for effect in _run(batches(interleaved(random_log(seed, size), order), order)):
        if effect.headers == WATERMARK_HEADERS:
            mark = msgspec.json.decode(effect.value, type=Watermark)
            assert (mark.source_partition, effect.partition, effect.key) == (2, 2, None)
            assert mark.watermark > promised
            promised = mark.watermark
        elif is_settled(effect):
            assert _time(effect) >= promised


def _time(effect: Effect) -> int:
    return parse_time(dict(effect.headers)["ce_time"].decode())
