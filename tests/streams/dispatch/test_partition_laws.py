"""Laws of dispatch: the log alone decides, whatever its interleaving, its batches, its restarts; no case is lost."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.orders import ENDED, Order, StepEntry
from schemas.times import parse_time
from streams.delivery.records import Effect, Record
from streams.dispatch.case import TRANSITIONS
from streams.dispatch.partition import DispatchPartition
from tests.streams.dispatch.builders import batches, orders, partition, until
from tests.streams.dispatch.logs import TEAMS, THINGS, Log, random_log

seeds = st.integers(0, 2**32)
lengths = st.integers(5, 80)
sizes = st.lists(st.integers(1, 40), min_size=1, max_size=5)
AFTER = 1_000_000.0


def _run(work: Iterable[Sequence[Record]]) -> list[Effect]:
    state = partition(TEAMS)
    return [effect for batch in work for effect in state.fold(batch)]


def _interleaved(log: Log, seed: int) -> list[Record]:
    """Return both topics as one: each in its order, anyhow mixed, in runs of random length."""
    draw = random.Random(seed)
    left = [list(reversed(log.alerts)), list(reversed(log.feedback))]
    mixed: list[Record] = []
    while any(left):
        source = draw.choice([topic for topic in left if topic])
        for _ in range(min(len(source), draw.choice((1, 1, 5, 50)))):
            mixed.append(source.pop())  # noqa: PERF401 - each from what is left
    return mixed


def _histories(effects: Iterable[Effect]) -> dict[str, list[Order]]:
    found: dict[str, list[Order]] = {}
    for order in orders(effects):
        found.setdefault(order.case_id, []).append(order)
    return found


@settings(max_examples=40)
@given(seeds, lengths, seeds, sizes)
def test_any_interleaving_and_any_batches_give_the_same_effects(
    seed: int, steps: int, mixing: int, cuts: list[int]
) -> None:
    log = random_log(seed, steps)
    assert _run(batches(_interleaved(log, mixing), cuts)) == log.effects


@settings(max_examples=20)
@given(seeds, lengths)
def test_how_far_the_watermark_jumps_changes_nothing(seed: int, steps: int) -> None:
    log = random_log(seed, steps)
    one_by_one = log.effects + _resumed(log).fold(until(AFTER))
    at_once = _run([[*log.alerts, *log.feedback, *until(AFTER)]])
    assert at_once == one_by_one


def _resumed(log: Log) -> DispatchPartition:
    state = partition(TEAMS)
    state.fold([*log.alerts, *log.feedback])
    return state


@settings(max_examples=40)
@given(seeds, lengths, st.lists(st.floats(0, 1), max_size=4), sizes)
def test_a_restored_state_goes_on_with_equal_effects_and_equal_bytes(
    seed: int, steps: int, cuts: list[float], many: list[int]
) -> None:
    log = random_log(seed, steps)
    records = _interleaved(log, seed)
    whole = partition(TEAMS)
    saved: dict[str, bytes] = {}
    part = partition(TEAMS)
    effects: list[Effect] = []
    expected: list[Effect] = []
    for number, batch in enumerate(batches(records, many)):
        expected += whole.fold(batch)
        effects += part.fold(batch)
        saved |= part.changed_blocks()
        part = _restored(saved) if number in {round(cut * len(records)) for cut in cuts} else part
    assert effects == expected == log.effects
    assert part.all_blocks() == whole.all_blocks()
    assert _restored(saved).all_blocks() == whole.all_blocks()


@settings(max_examples=20)
@given(seeds, lengths, st.floats(0, 1))
def test_what_a_crash_makes_come_again_gives_the_same_effects_again(seed: int, steps: int, cut: float) -> None:
    log = random_log(seed, steps)
    records = _interleaved(log, seed)
    at = round(cut * len(records))
    state = partition(TEAMS)
    state.fold(records[:at])
    saved = state.all_blocks()
    lost = state.fold(records[at:])
    assert _restored(saved).fold(records[at:]) == lost


@settings(max_examples=20)
@given(seeds, lengths)
def test_alerts_that_come_twice_change_nothing(seed: int, steps: int) -> None:
    log = random_log(seed, steps)
    twice = [copy for record in log.alerts for copy in (record, record)]
    assert _run([twice, log.feedback]) == log.effects


@settings(max_examples=40)
@given(seeds, lengths)
def test_every_case_goes_only_ways_that_the_machine_knows(seed: int, steps: int) -> None:
    for versions in _histories(random_log(seed, steps).effects).values():
        assert [order.version for order in versions] == list(range(1, len(versions) + 1))
        last = versions[-1]
        assert last.steps[0].step == "registered"
        assert all(_is_way(a, b) for a, b in zip(last.steps, last.steps[1:], strict=False))
        assert all(order.steps[-1].step == order.step for order in versions)
        times = [parse_time(entry.time) for entry in last.steps]
        assert times == sorted(times)


def _is_way(before: StepEntry, after: StepEntry) -> bool:
    return before.step == after.step or after.step in TRANSITIONS[before.step]


@settings(max_examples=40)
@given(seeds, lengths)
def test_every_open_case_has_a_clock_and_nothing_closes_without_evidence_or_a_name(seed: int, steps: int) -> None:
    for order in orders(random_log(seed, steps).effects):
        assert (order.due is None) is (order.step in ENDED)
        assert order.step != "closed" or _is_verified(order)


def _is_verified(order: Order) -> bool:
    checker = next(entry.by for entry in reversed(order.steps) if entry.step == "checked")
    named = any(link.kind == "feedback" and link.detail.startswith("check by") for link in order.chain)
    seen = any(link.kind == "verification" for link in order.chain)
    return (checker == "sensor" and seen) or (checker != "sensor" and named)


@settings(max_examples=40)
@given(seeds, lengths)
def test_no_team_holds_more_than_it_can_nor_a_case_of_another_mode(seed: int, steps: int) -> None:
    log = random_log(seed, steps)
    newest: dict[str, Order] = {}
    times: dict[str, list[Order]] = {}
    for effect in log.effects:
        for order in orders([effect]):
            times.setdefault(dict(effect.headers)["ce_time"].decode(), []).append(order)
    for at_one_time in times.values():
        newest |= {order.case_id: order for order in at_one_time}
        held = [order for order in newest.values() if order.step not in ENDED and order.team_id is not None]
        load = Counter(order.team_id for order in held)
        assert all(TEAMS[name or ""].capacity >= count for name, count in load.items())
        assert all(TEAMS[order.team_id or ""].mode == order.mode for order in held)


@settings(max_examples=20)
@given(seeds, lengths)
def test_left_alone_every_case_is_closed_or_at_the_city(seed: int, steps: int) -> None:
    log = random_log(seed, steps)
    effects = _run([[*log.alerts, *log.feedback, *until(AFTER)]])
    for versions in _histories(effects).values():
        last = versions[-1]
        assert last.step in ENDED or last.tier == "city"


def test_the_random_log_visits_every_step_and_most_of_what_can_go_wrong() -> None:
    effects = [effect for seed in range(30) for effect in random_log(seed, 60).effects]
    steps = {entry.step for order in orders(effects) for entry in order.steps}
    assert steps == set(TRANSITIONS)
    notes = "\n".join(entry.note for order in orders(effects) for entry in order.steps)
    said = ("was pulled to red", "refused by", "handed back by", "in place of", "a new episode", "not verified in")
    assert [words for words in said if words not in notes] == []
    assert {order.unit_id for order in orders(effects)} == {thing["unit_id"] for thing in THINGS}


def test_the_state_of_a_long_log_stays_small() -> None:
    state = partition(TEAMS)
    log = random_log(7, 1_500)
    state.fold([*log.alerts, *log.feedback])
    assert sum(map(len, state.all_blocks().values())) < 400_000


def _restored(blocks: dict[str, bytes]) -> DispatchPartition:
    state = partition(TEAMS)
    state.restore(blocks)
    return state
