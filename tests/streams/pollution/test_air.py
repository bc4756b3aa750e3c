"""Where a plume may come from, out of judged series and the registry."""

from __future__ import annotations

import dataclasses

import pytest

from schemas.times import SECOND_NS, parse_time
from streams.pollution.likely import rank
from streams.pollution.span import Series
from streams.pollution.text import render_sources
from tests.streams.pollution.builders import CATALOGUE, STREET, WHOLE, plume, quiet, series, street
from tests.streams.sense.builders import T0, device, registry


def test_the_works_upwind_are_the_likeliest() -> None:
    found = rank("voc", plume(), WHOLE, street(), CATALOGUE)
    assert (found.medium, found.ranked[0].id, found.note) == ("air", "paint-works", "")
    assert (found.ranked[0].seen, found.ranked[0].missed, found.wind_mps) == (3, 0, 3.0)
    assert min(found.ranked[0].lag or 0.0, found.ranked[0].direction or 0.0) > 0.9
    assert sorted((one.score for one in found.ranked), reverse=True) == [one.score for one in found.ranked]


def test_the_evidence_says_which_sensors_rose_when_and_by_how_much() -> None:
    found = rank("voc", plume(), WHOLE, street(), CATALOGUE)
    assert [one.series for one in found.rose] == ["voc-0/voc", "voc-1/voc", "voc-2/voc"]
    onsets_s = [(parse_time(one.onset) - T0) / SECOND_NS for one in found.rose]
    assert onsets_s == pytest.approx([240, 340, 440], abs=10)
    assert {one.unit_id for one in found.rose} == {STREET.unit_id}
    assert found.rose[0].level == pytest.approx(200.0, abs=5)
    assert found.rose[0].highest == pytest.approx(1_700.0, abs=20)
    assert found.rose[0].scales > found.rose[2].scales > 50


def test_a_plume_that_passes_the_other_way_round_speaks_against_the_works() -> None:
    assert rank("voc", plume(), WHOLE, street(), CATALOGUE).ranked[0].score > 0.9
    wrong = rank("voc", plume(towards=1), WHOLE, street(), CATALOGUE).ranked
    assert "paint-works" not in [one.id for one in wrong]


def test_what_lies_downwind_is_no_candidate_and_that_is_said() -> None:
    found = rank("voc", plume(from_deg=180.0), WHOLE, street(), CATALOGUE)
    assert "paint-works" not in [one.id for one in found.ranked]
    east = rank("voc", plume(from_deg=90.0), WHOLE, street(), CATALOGUE)
    assert (east.ranked, east.note) == ((), "no place of sources.yaml that emits it lies upwind of them")
    assert render_sources(east).splitlines()[-1] == f"  no candidate: {east.note}"


def test_without_wind_distance_ranks_and_that_is_said() -> None:
    still = {name: of for name, of in plume().items() if "wind" not in name}
    found = rank("voc", still, WHOLE, street(), CATALOGUE)
    assert (found.ranked[0].id, found.wind_mps) == ("paint-works", None)
    assert "wind unknown" in render_sources(found)
    assert render_sources(found).endswith("(no wind, or none is measured: ranked by distance alone)")


def test_where_nothing_rose_or_nothing_was_said_there_is_nothing_to_explain() -> None:
    calm = rank("voc", plume(risen=()), WHOLE, street(), CATALOGUE)
    assert (calm.ranked, calm.rose, calm.watched) == ((), (), 3)
    assert render_sources(calm) == "voc: no sensor of it has risen (3 watched): there is nothing to explain"
    assert rank("voc", {}, WHOLE, street(), CATALOGUE).note == "no sensor of it has said enough"


def test_sensors_without_a_place_rank_nothing() -> None:
    found = rank("voc", plume(), WHOLE, street(), CATALOGUE)
    lost = rank("voc", plume(), WHOLE, street(lat=None, lon=None), CATALOGUE)
    assert (len(lost.rose), lost.ranked) == (len(found.rose), ())
    assert lost.note == "none of the sensors that rose is registered with a place"


def test_a_quantity_that_no_place_emits_has_no_candidate() -> None:
    found = {name.replace("voc-", "gas-").replace("/voc", "/ch4"): of for name, of in plume().items()}
    gas = [device(f"gas-{n}", "ch4", unit_id=STREET.unit_id, lat=31.2, lon=121.4) for n in range(3)]
    assert rank("ch4", found, WHOLE, registry(gas, [STREET]), CATALOGUE).note == "no place of sources.yaml emits it"


def test_a_series_that_rose_just_after_the_beginning_is_told_by_the_known_calm() -> None:
    values = quiet(200.0, 3)
    values[9:] += 1_500.0
    early: Series = {"voc-0/voc": series(values)}
    calm = dataclasses.replace(WHOLE, calm_ns=T0 + 90 * SECOND_NS)
    assert not rank("voc", early, WHOLE, street(), CATALOGUE).rose
    assert [one.series for one in rank("voc", early, calm, street(), CATALOGUE).rose] == ["voc-0/voc"]
