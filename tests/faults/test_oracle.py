"""The oracle, held against the stages in memory, without servers: where they differ, one of them is wrong."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from schemas import channels
from schemas.envelope import read_envelope
from schemas.times import SECOND_NS
from streams.catalogue.files import load_catalogue
from streams.settings import Settings
from tests.faults.district import registry
from tests.faults.expected import Expected
from tests.faults.generator import LogPlan, Planned, generate, rows_of
from tests.faults.in_memory import InMemory
from tests.faults.judge import unlike
from tests.faults.log import Logged
from tests.faults.oracle import expect
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
        append_ns = START_NS + 4 * 3_600 * SECOND_NS
        found.append(Logged(*place, offsets[place], append_ns, one.key, one.value, dict(one.headers)))
        offsets[place] += 1
    return sorted(found, key=lambda one: one[:3])


def is_after(record: Planned, minutes: int) -> bool:
    time_ns = read_envelope(dict(record.headers)).time_ns
    return time_ns is not None and time_ns > START_NS + minutes * 60 * SECOND_NS


def said(log: list[Logged]) -> Expected:
    return expect(log, registry(5), CATALOGUE, SETTINGS)


def folded(log: list[Logged], seed: int = 0) -> Expected:
    return InMemory(registry(5), CATALOGUE, SETTINGS, seed).judge(log)


@pytest.mark.parametrize("seed", range(8))
def test_the_stages_and_the_oracle_say_the_same(seed: int) -> None:
    log = as_logged(generate(plan(seed)))
    assert unlike(said(log), folded(log, seed)) == []


@pytest.mark.parametrize("seed", range(3))
def test_of_a_lift_that_breaks_down_often_both_say_when_its_case_closes_and_reopens(seed: int) -> None:
    often = replace(plan(seed), minutes=40, alarms_per_unit_hour=20.0, units=3)
    log = as_logged(generate(often))
    expected = said(log)
    assert unlike(expected, folded(log, seed)) == []
    assert any("reopened" in str(case["path"]) for case in expected.cases.values())


@pytest.mark.parametrize("seed", range(3))
def test_of_a_lift_whose_contact_flaps_both_say_that_it_is_one_case_until_it_is_quiet(seed: int) -> None:
    flaps = replace(plan(seed), minutes=60, alarms_per_unit_hour=60.0, units=3, tail_minutes=45)
    log = as_logged(generate(flaps))
    expected = said(log)
    assert unlike(expected, folded(log, seed)) == []
    assert {alert["state"] for alert in expected.alerts.values()} == {"NORM"}
    assert max(int(str(alert["count"])) for alert in expected.alerts.values()) > 3


@pytest.mark.parametrize("seed", range(3))
def test_of_a_contact_that_falls_silent_both_say_how_its_case_climbs(seed: int) -> None:
    broken = replace(plan(seed), minutes=20, alarms_per_unit_hour=60.0, units=3, tail_minutes=90)
    log = as_logged([one for one in generate(broken) if one.what == "tick" or not is_after(one, minutes=9)])
    expected = said(log)
    assert unlike(expected, folded(log, seed)) == []
    assert {case["tier"] for case in expected.cases.values() if case["step"] != "closed"} == {"city"}


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
    assert unlike(said(log), folded(without)) != []


def test_a_value_that_is_otherwise_is_seen() -> None:
    expected = said(as_logged(generate(plan(3))))
    point = next(iter(expected.points))
    other = replace(expected, points=expected.points | {point: expected.points[point] + 1.0})
    assert len(unlike(expected, other)) == 1
