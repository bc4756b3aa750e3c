"""Where pollution may come from, out of judged series and the registry."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.registry import Unit
from streams.catalogue.files import load_catalogue
from streams.pollution import Series, rank, render_sources
from streams.settings import SettingsError
from tests.streams.sense.builders import T0, device, registry

CATALOGUE = load_catalogue()
UNIT = Unit(unit_id="hp.wuliqiao.g02.quxi-road", kind="shops", name_zh="街", name_en="Street", lat=31.205, lon=121.477)
WORKS = CATALOGUE.sources["paint-works"]
METRE = 1.0 / 111_195.0


def _series(risen: tuple[int, ...]) -> Series:
    """Return solvent at three sensors south of the paint works, 300 m apart, under a north wind of 3 m/s."""
    rng = np.random.default_rng(4)
    found: Series = {}
    for number in range(3):
        values = 200.0 + rng.normal(0, 4, 60)
        start = 24 + 10 * number
        if number in risen:
            values[start:] += 1_500.0 / (number + 1)
        found[f"voc-{number}/voc"] = {T0 + i * 10_000_000_000: float(v) for i, v in enumerate(values)}
    found["mast/wind_direction"] = {T0 + i: 0.05 * (i % 3 - 1) % 6.2831 for i in range(9)}
    found["mast/wind_speed"] = {T0 + i: 3.0 for i in range(9)}
    return found


def _view() -> object:
    sensors = [
        device(f"voc-{n}", "voc", unit_id=UNIT.unit_id, lat=WORKS.lat - 300 * (n + 1) * METRE, lon=WORKS.lon)
        for n in range(3)
    ]
    return registry([*sensors, device("mast", "wind_direction", "wind_speed", unit_id=UNIT.unit_id)], [UNIT])


def test_the_works_upwind_are_the_likeliest() -> None:
    found = rank("voc", _series((0, 1, 2)), _view(), CATALOGUE)  # type: ignore[arg-type]
    assert found.ranked[0].id == "paint-works"
    assert (found.ranked[0].seen, found.wind_mps) == (3, 3.0)
    assert found.ranked[0].lag > 0.9
    assert "Paint works" in render_sources(found).splitlines()[2]


def test_where_nothing_rose_it_says_so() -> None:
    found = rank("voc", _series(()), _view(), CATALOGUE)  # type: ignore[arg-type]
    assert found.ranked == ()
    assert render_sources(found).startswith("no sensor of voc has risen")


def test_a_quantity_that_no_place_emits_is_refused_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match=r"no place in sources\.yaml emits turbidity; they emit no2, pm10"):
        rank("turbidity", {}, _view(), CATALOGUE)  # type: ignore[arg-type]
