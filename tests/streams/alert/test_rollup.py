"""Vital signs of the tiers, rolled up from units."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.power_mean import power_mean
from schemas import channels
from schemas.registry import EPOCH, Unit
from schemas.signs import Indicator
from streams.alert.rollup import KEPT_NS, prefixes_of
from streams.delivery.records import Effect
from tests.streams.alert.builders import OTHER_UNIT, UNIT, at, indicators, partition, record, scores, until, when

GRID = "hp.nanjing-east.g03"


def _unit(unit_id: str, valid_from: str = EPOCH) -> Unit:
    return Unit(unit_id=unit_id, kind="building", name_zh="楼", name_en="house", valid_from=valid_from)


def _sign(effects: list[Effect], unit_id: str = GRID, name: str = "overall") -> Indicator:
    (found,) = [sign for sign in indicators(effects) if (sign.unit_id, sign.indicator) == (unit_id, name)]
    return found


@pytest.mark.parametrize(
    ("unit_id", "prefixes"),
    [
        (UNIT, ["hp", "hp.nanjing-east", GRID]),
        ("hp.a.b.c.d", ["hp", "hp.a", "hp.a.b"]),
        ("hp.a", ["hp"]),
        ("hp", []),
    ],
)
def test_prefixes_are_district_subdistrict_and_grid(unit_id: str, prefixes: list[str]) -> None:
    assert prefixes_of(unit_id) == prefixes


def test_a_window_is_rolled_up_when_the_watermark_passes_its_end() -> None:
    state = partition()
    assert not indicators(state.fold([record(scores(0, safety=40.0)), *until(59)]))
    effects = state.fold(until(60))
    assert {sign.unit_id for sign in indicators(effects)} == {"hp", "hp.nanjing-east", GRID}
    sign = _sign(effects, name="safety")
    assert (sign.value, sign.colour, sign.n, sign.revision, sign.unit) == (40.0, "yellow", 1, 0, "/")
    assert (sign.window_start, sign.window_s) == (when(0), 60.0)


def test_the_worst_unit_counts_more_and_is_named_first() -> None:
    records = [record(scores(0, UNIT, safety=0.0)), record(scores(0, OTHER_UNIT, safety=100.0, crowd=80.0))]
    effects = partition().fold([*records, *until(60)])
    sign = _sign(effects, name="safety")
    assert sign.value < 50
    assert [part.name for part in sign.contributors] == [UNIT, OTHER_UNIT]
    overall = _sign(effects)
    assert [part.name for part in overall.contributors] == ["safety", "crowd"]
    assert overall.value == pytest.approx(power_mean(_column(sign.value, 80.0))[0])


def test_units_that_sent_nothing_lower_the_overall_coverage_only() -> None:
    units = {name: _unit(name) for name in (UNIT, OTHER_UNIT)}
    units["hp.nanjing-east.g03.new"] = _unit("hp.nanjing-east.g03.new", valid_from=when(1_000))
    effects = partition(units=units).fold([record(scores(0, safety=90.0)), *until(60)])
    assert _sign(effects).coverage == pytest.approx(0.25)
    assert _sign(effects, name="safety").coverage == pytest.approx(0.5)
    assert _sign(effects).value == pytest.approx(90.0)


def test_a_late_revision_rolls_its_window_up_again() -> None:
    state = partition()
    state.fold([record(scores(0, safety=90.0)), *until(100)])
    sign = _sign(state.fold([record(scores(0, revision=1, safety=10.0))]), name="safety")
    assert (sign.value, sign.revision) == (10.0, 1)


def test_a_window_s_revision_is_the_sum_of_its_units_however_often_it_was_rolled_up() -> None:
    first, late = record(scores(0, safety=90.0)), [record(scores(0, revision=r, safety=10.0 * r)) for r in (1, 2)]
    other = record(scores(0, OTHER_UNIT, safety=50.0))
    once, often = partition(), partition()
    at_once = _sign(once.fold([first, other, *late, *until(100)]), name="safety")
    often.fold([first, other, *until(100)])
    often.fold(late[:1])
    assert _sign(often.fold(late[1:]), name="safety") == at_once
    assert at_once.revision == 2


@pytest.mark.parametrize("again", [0, 1])
def test_a_revision_that_is_not_newer_changes_nothing(again: int) -> None:
    state = partition()
    state.fold([record(scores(0, revision=1, safety=90.0)), *until(100)])
    assert not state.fold([record(scores(0, revision=again, safety=10.0))])


def test_windows_are_forgotten() -> None:
    state = partition()
    state.fold([record(scores(0, safety=90.0)), *until(100)])
    (name,) = [name for name in state.changed_blocks() if name.startswith("scores")]
    state.fold(until((KEPT_NS + at(60) - at(0)) / 1e9))
    assert state.changed_blocks()[name] == b""
    assert name not in state.all_blocks()
    assert not state.fold([record(scores(0, revision=5, safety=10.0))])


def test_an_indicator_is_keyed_by_its_prefix() -> None:
    effects = partition().fold([record(scores(0, safety=90.0)), *until(60)])
    keys = {effect.key for effect in effects if effect.topic == channels.INDICATORS}
    assert keys == {b"hp", b"hp.nanjing-east", GRID.encode()}
    headers = dict(next(effect for effect in effects if effect.topic == channels.INDICATORS).headers)
    assert (headers["ce_type"], headers["ce_time"]) == (b"city.vitals.indicator.v1", when(60).encode())


def _column(*values: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array(values).reshape(len(values), 1)
