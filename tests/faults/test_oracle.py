"""The oracle, held against the stages in memory, without servers: where they differ, one of them is wrong."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from schemas import channels
from schemas.catalogue import load_catalogue
from schemas.dead_letters import read_dead_letter
from schemas.judged import decode_judged
from schemas.times import SECOND_NS
from streams.delivery.records import Effect, Record
from streams.pace import Pace
from streams.registry.view import RegistryView
from streams.sense.partition import SensePartition
from streams.settings import Settings
from tests.faults.district import registry
from tests.faults.expected import Expected
from tests.faults.generator import LogPlan, Planned, generate, rows_of
from tests.faults.invariants import differences
from tests.faults.log import Logged
from tests.faults.oracle import expect
from tests.faults.outcome import points_of
from tests.faults.trial import PACE

START_NS = 1_795_700_400 * SECOND_NS  # a whole minute
CATALOGUE = load_catalogue(Path(Settings().catalogue))
SETTINGS = Settings(disorder_s=PACE["disorder_s"], grace_s=PACE["grace_s"])


def plan(seed: int) -> LogPlan:
    return LogPlan(seed=seed, start_ns=START_NS, minutes=8, units=5, tick_s=30.0)


def as_logged(records: list[Planned]) -> list[Logged]:
    offsets: Counter[tuple[str, int]] = Counter()
    found = []
    for one in records:
        place = (one.topic, one.partition)
        append_ns = START_NS + 3_600 * SECOND_NS
        found.append(Logged(*place, offsets[place], append_ns, one.key, one.value, dict(one.headers)))
        offsets[place] += 1
    return sorted(found, key=lambda one: one[:3])


def said(log: list[Logged]) -> Expected:
    return expect(log, registry(5), CATALOGUE, SETTINGS)


def sensed(log: list[Logged]) -> Expected:
    """Return what sense makes of a log: counters, points, late rows and dead letters."""
    found = Expected()
    view = RegistryView()
    for unit in registry(5).units:
        view.apply(channels.REGISTRY_UNITS, unit.unit_id.encode(), msgspec.json.encode(unit))
    for device in registry(5).devices:
        view.apply(channels.REGISTRY_DEVICES, device.device_id.encode(), msgspec.json.encode(device))
    states: dict[int, SensePartition] = {}
    for one in log:
        if one.topic not in channels.SOURCES:
            continue
        state = states.setdefault(one.partition, _state(one.partition, view))
        record = Record(
            topic=one.topic, partition=one.partition, offset=one.offset, append_ns=one.append_ns, key=one.key,
            value=one.value, headers=one.headers,
        )  # fmt: skip
        for effect in state.fold([record]):
            _note(found, effect)
    for number, state in states.items():
        for topic, counts in state.counters.items():
            if counts["in"]:
                found.counters[topic, number] = counts
    return found


def _state(number: int, view: RegistryView) -> SensePartition:
    return SensePartition(
        number, CATALOGUE, view, pace=Pace(), disorder_ns=round(SETTINGS.disorder_s * SECOND_NS),
        grace_ns=round(SETTINGS.grace_s * SECOND_NS),
    )  # fmt: skip


def _note(found: Expected, effect: Effect) -> None:
    if effect.topic == channels.JUDGED:
        found.points.update(points_of(decode_judged(effect.value)))
    elif effect.topic == channels.LATE:
        found.late.update(points_of(decode_judged(effect.value)))
    elif effect.topic == channels.DEAD_LETTERS:
        letter = read_dead_letter(dict(effect.headers), effect.value)
        place = (letter.topic, letter.partition, letter.offset, -1 if letter.index is None else letter.index)
        found.dead[place] = str(letter.reason)


def unlike(wanted: Expected, found: Expected) -> list[str]:
    return [
        line
        for table in ("counters", "points", "late", "dead")
        for line in differences(table, getattr(wanted, table), getattr(found, table))
    ]


@pytest.mark.parametrize("seed", range(8))
def test_sense_and_the_oracle_say_the_same(seed: int) -> None:
    log = as_logged(generate(plan(seed)))
    assert unlike(said(log), sensed(log)) == []


def test_a_log_holds_something_of_everything() -> None:
    records = generate(plan(1))
    expected = said(as_logged(records))
    total = Counter[str]()
    for counts in expected.counters.values():
        total.update(counts)
    assert total["in"] == rows_of(records) == sum(total[name] for name in ("judged", "late", "dead", "duplicate"))
    assert min(total.values()) > 0
    assert expected.alerts
    assert {case["step"] for case in expected.cases.values()} == {"closed"}
    assert len(set(expected.dead.values())) >= 5


def test_a_record_that_is_lost_is_seen() -> None:
    log = as_logged(generate(plan(2)))
    packs = [one for one in log if one.topic == channels.READINGS and one.value]
    without = [one for one in log if one is not packs[len(packs) // 2]]
    assert unlike(said(log), sensed(without)) != []


def test_a_value_that_is_otherwise_is_seen() -> None:
    expected = said(as_logged(generate(plan(3))))
    point = next(iter(expected.points))
    other = replace(expected, points=expected.points | {point: expected.points[point] + 1.0})
    assert len(unlike(expected, other)) == 1
