"""Which quantities and which time a case asks for, and what of the log is taken."""

from __future__ import annotations

import pytest

from schemas.times import SECOND_NS
from streams.pace import Pace
from streams.pollution.answer import CaseSources, Sources
from streams.pollution.case import has_sources, quantities_of, span_of
from streams.pollution.span import Series, Span, take
from streams.pollution.text import render_case_sources
from tests.streams.console.builders import case, sources
from tests.streams.pollution.builders import CATALOGUE, judged, polluted
from tests.streams.sense.builders import T0, at

LATER = at(10_000)


def test_only_a_polluted_case_has_sources() -> None:
    assert (has_sources(polluted()), has_sources(case(1, "filed"))) == (True, False)


def test_the_quantities_are_those_of_the_scenario_that_raised_it_each_once() -> None:
    order = polluted(("c-1/voc", 600.0), ("c-1/so2", 610.0), ("c-2/voc", 620.0), ("c-1/LAeq", 600.0))
    assert quantities_of(order, CATALOGUE) == ("voc", "so2")
    assert quantities_of(polluted(), CATALOGUE) == ()
    assert quantities_of(order, CATALOGUE.model_copy(update={"scenarios": {}})) == ()


def test_the_span_lies_around_the_first_reading_and_is_calm_a_window_before_it() -> None:
    order = polluted(("c-1/voc", 660.0), ("c-2/voc", 600.0), mode="exercise")
    found = span_of(order, CATALOGUE, Pace(), LATER)
    assert (found.since_ns, found.until_ns, found.mode) == (at(600 - 1_800), at(600 + 1_800), "exercise")
    assert found.calm_ns == T0  # ten minutes is the longest window of the scenario's rules
    assert span_of(order, CATALOGUE, Pace(60.0), LATER).calm_ns == at(590)


def test_the_span_ends_now_or_with_the_case() -> None:
    raised = ("c-1/voc", 200.0)
    assert span_of(polluted(raised), CATALOGUE, Pace(), at(900)).until_ns == at(900)
    closed = polluted(raised, step="closed")  # eight steps of a minute
    assert span_of(closed, CATALOGUE, Pace(), LATER).until_ns == at(480)


def test_of_a_judged_record_what_is_asked_for_is_taken() -> None:
    found: Series = {}
    names, span = frozenset({"voc"}), Span(since_ns=at(100), until_ns=at(200))
    for second in (99.0, 100.0, 200.0, 201.0):
        take(judged(c1__voc=(second, second), c1__so2=(second, 1.0)), names, span, found)
    assert found == {"c1/voc": {at(100): 100.0, at(200): 200.0}}


@pytest.mark.parametrize(("mode", "taken"), [(None, True), ("exercise", True), ("actual", False)])
def test_an_exercise_is_explained_by_what_was_measured_in_it(mode: str | None, taken: bool) -> None:
    found: Series = {}
    span = Span(since_ns=0, until_ns=T0 + SECOND_NS, mode=mode)  # type: ignore[arg-type]
    take(judged("exercise", c1__voc=(0.0, 5.0)), frozenset({"voc"}), span, found)
    assert bool(found) == taken


@pytest.mark.parametrize(
    ("found", "note", "said"),
    [
        ((sources(),), "", "  1. 0.91  Paint works   direction 0.95, lag 0.90, distance 0.50; 1 exposed sensors rose"),
        ((sources(),), "", "    2026-01-01 08:00:00  voc-1/voc of hp.nanjing-east.g03.nanjing-building from 200 up to"),
        ((sources(ranked=(), note="no place fits"),), "", "    no candidate: no place fits"),
        ((), "no sensor raised it", "  no candidate: no sensor raised it"),
    ],
)
def test_a_case_is_told_with_its_sources(found: tuple[Sources, ...], note: str, said: str) -> None:
    lines = render_case_sources(CaseSources(case_id="c", found=found, note=note)).splitlines()
    assert lines[0] == "Likely sources 可能来源"
    assert any(said in line for line in lines[1:])
