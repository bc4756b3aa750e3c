"""How well cases were handled, counted by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.ids import Tier
from schemas.orders import Step, StepEntry
from schemas.times import SECOND_NS, format_time
from streams.dispatch.clocks import overrun_note, terms_of
from streams.dispatch.statistics import CaseStatistics, render_statistics, statistics_of
from streams.pace import Pace
from tests.streams.console.builders import case as any_case
from tests.streams.sense.builders import CATALOGUE

Path = list[tuple[Step, float] | tuple[Step, float, str]]


def case(path: Path, *, unit: str = "hp.bund.g01.a", tier: Tier = "unit", **given: Any) -> Any:
    steps = tuple(
        StepEntry(
            step=entry[0], tier=tier, time=format_time(round(entry[1] * SECOND_NS)), by="t", note="".join(entry[2:])
        )
        for entry in path
    )
    return msgspec.structs.replace(
        any_case(1, "dispatched"), unit_id=unit, tier=tier, steps=steps, step=path[-1][0], **given
    )


WELL: Path = [
    ("filed", 0), ("dispatched", 1), ("accepted", 61), ("handling", 161), ("handled", 461), ("checked", 561),
    ("closed", 561),
]  # fmt: skip
LATE: Path = [
    ("filed", 0),
    ("dispatched", 1),
    ("dispatched", 601, "escalated: not accepted in 600 s"),
    ("accepted", 701),
]
FALSE: Path = [("filed", 0), ("dispatched", 1), ("checked", 31), ("closed", 31)]
AGAIN: Path = [*WELL, ("reopened", 900), ("dispatched", 901)]


def only(*cases: Any) -> CaseStatistics:
    (found,) = statistics_of(cases, "subdistrict")
    return found


def test_a_case_that_goes_well_is_a_first_time_fix_on_time() -> None:
    found = only(case(WELL, attempt=1))
    assert (found.on_time, found.first_time_fix, found.reopened, found.false_dispatch) == (1.0, 1.0, 0.0, 0.0)
    assert found.median_s["dispatched"] == 60.0
    assert found.median_s["handling"] == 300.0


def test_an_overrun_is_not_on_time_and_does_not_end_its_step() -> None:
    found = only(case(LATE))
    assert (found.on_time, found.open, found.first_time_fix) == (0.0, 1, None)
    assert found.median_s["dispatched"] == 700.0
    note = overrun_note("dispatched", terms_of(CATALOGUE, Pace(), "gas-leak"), has_team=True)
    assert note.startswith("escalated:")  # what the case machine writes is what is counted


def test_what_ends_before_anybody_began_was_a_false_dispatch() -> None:
    assert only(case(FALSE), case(WELL)).false_dispatch == 0.5


@pytest.mark.parametrize(("attempt", "fixed"), [(1, 1.0), (2, 0.0)])
def test_a_second_team_is_no_first_time_fix(attempt: int, fixed: float) -> None:
    assert only(case(WELL, attempt=attempt)).first_time_fix == fixed


def test_what_comes_back_is_reopened_and_not_fixed() -> None:
    found = only(case(AGAIN, attempt=1), case(WELL, attempt=1))
    assert (found.reopened, found.first_time_fix) == (0.5, 0.5)


def test_groups_are_by_scenario_level_and_subdistrict() -> None:
    cases = [case(WELL, unit="hp.bund.g01.a"), case(LATE, unit="hp.yuyuan.g01.b", tier="district")]
    assert [one.group for one in statistics_of(cases, "subdistrict")] == ["hp.bund", "hp.yuyuan"]
    assert [one.group for one in statistics_of(cases, "level")] == ["district", "unit"]
    assert len(statistics_of(cases, "scenario")) == 1


def test_a_table_is_read_in_a_terminal() -> None:
    said = render_statistics(statistics_of([case(WELL, attempt=1)], "subdistrict")).splitlines()
    assert said[1].split()[:7] == ["hp.bund", "1", "0", "100%", "100%", "0%", "0%"]
    assert render_statistics([]) == "no case yet"
