"""Rules that change while the system runs: in force from their time on, and refused ones leave the old in force."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas import channels
from schemas.registry import RuleRecord
from streams.catalogue.timeline import RuleRefusedError, Timeline, changed
from streams.catalogue.trial import judge
from streams.registry.view import RegistryView
from streams.settings import Settings
from streams.topics import UNIT_PARTITIONS, partition_for
from tests.streams.sense.builders import CATALOGUE, UNIT, anomalies, at, pack, partition, registry, until, when

GAS = CATALOGUE.quantities["ch4"].model_dump(mode="json")


def rule(version: int = 1, valid_from: str | None = None, **levels: Any) -> RuleRecord:
    entry = {**GAS, "levels": {**GAS["levels"], **levels}}
    return RuleRecord(
        rule_id="quantity:ch4", version=version, entry=entry, valid_from=valid_from or "1970-01-01T00:00:00Z"
    )


def read(view: RegistryView, *rules: RuleRecord) -> None:
    for one in rules:
        view.apply(channels.REGISTRY_RULES, one.rule_id.encode(), msgspec.json.encode(one))


def test_an_entry_is_in_force_from_its_time_on() -> None:
    view = registry()
    timeline = Timeline(CATALOGUE, view)
    read(view, rule(valid_from=when(100.0), yellow=1_000))
    before, after = timeline.at(at(99.9)), timeline.at(at(100.0))
    assert before is CATALOGUE
    levels = after.quantities["ch4"].levels
    assert levels is not None
    assert levels.yellow == 1_000


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (rule(yellow=99_999), "in the order"),
        (RuleRecord(rule_id="quantity:ch4", version=1, entry={"id": "ch4"}), "Field required"),
        (RuleRecord(rule_id="ch4", version=1, entry=GAS), "rule_id must be"),
        (RuleRecord(rule_id="quantity:co", version=1, entry=GAS), "the entry's id is ch4"),
        (RuleRecord(rule_id="quantity:ch4", version=1, entry={**GAS, "scenario": "none"}), "unknown scenario"),
    ],
)
def test_a_refused_rule_leaves_the_old_in_force(wrong: RuleRecord, reason: str) -> None:
    with pytest.raises(RuleRefusedError, match=reason):
        changed(CATALOGUE, wrong)
    view = registry()
    read(view, wrong, rule(2, when(50.0), red=20_000))
    timeline = Timeline(CATALOGUE, view)
    assert timeline.at(0) is CATALOGUE
    levels = timeline.at(at(60.0)).quantities["ch4"].levels
    assert levels is not None
    assert (levels.yellow, levels.red) == (2_500, 20_000)  # the one after it is taken


def test_of_two_versions_from_the_same_time_the_higher_counts() -> None:
    view = registry()
    read(view, rule(2, yellow=900), rule(1, yellow=800))
    levels = Timeline(CATALOGUE, view).at(0).quantities["ch4"].levels
    assert levels is not None
    assert levels.yellow == 900


def test_sense_judges_by_the_changed_limit_from_its_time_on_without_a_restart() -> None:
    view = registry()
    state = partition(view)
    quiet = [pack(("gas-1/ch4", 20.0, 1_500.0)), *until(30.0)]
    assert anomalies(state.fold(quiet)) == []
    read(view, rule(valid_from=when(100.0), yellow=1_000, hysteresis=100))
    assert anomalies(state.fold([pack(("gas-1/ch4", 40.0, 1_500.0), offset=1), *until(99.0)])) == []
    state.fold(until(101.0))
    (onset,) = anomalies(state.fold([pack(("gas-1/ch4", 120.0, 1_500.0), offset=2)]))
    assert (onset.detector, onset.phase, int(onset.score)) == ("limit", "onset", 2)


def test_a_restart_goes_on_with_the_rule_in_force() -> None:
    view = registry()
    read(view, rule(valid_from=when(100.0), yellow=1_000, hysteresis=100))
    state, fresh = partition(view), partition(view)
    state.fold([pack(("gas-1/ch4", 20.0, 10.0)), *until(101.0)])
    fresh.restore(state.changed_blocks())
    found = [anomalies(one.fold([pack(("gas-1/ch4", 120.0, 1_500.0), offset=2)])) for one in (state, fresh)]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def test_a_trial_shows_what_a_change_would_have_raised() -> None:
    number = partition_for(UNIT.encode(), UNIT_PARTITIONS)
    records = {number: [pack(("gas-1/ch4", 20.0, 1_500.0), partition=number), *until(120.0)]}
    after = changed(CATALOGUE, rule(yellow=1_000))
    settings, view = Settings(), registry()
    quiet, loud = judge(settings, CATALOGUE, view, records), judge(settings, after, view, records)
    assert quiet == frozenset()
    assert [(one.detector, one.subject) for one in loud] == [("limit", "gas-1")]
