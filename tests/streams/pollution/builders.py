"""A plume that passes three sensors, a pulse of foul water along the shipped network, and a case of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from schemas.ids import Mode
from schemas.judged import Judged, ReadingColumns, encode_judged
from schemas.orders import Order
from schemas.registry import Device, Unit
from schemas.times import SECOND_NS
from streams.catalogue.files import load_catalogue
from streams.pollution.span import Series, Span
from streams.registry.view import RegistryView
from tests.streams.console.builders import case
from tests.streams.sense.builders import T0, device, registry, when

CATALOGUE = load_catalogue()
STREET = Unit(
    unit_id="hp.wuliqiao.g02.quxi-road", kind="shops", name_zh="街", name_en="Street", lat=31.205, lon=121.477
)
UPPER, LOWER = "hp.huaihai-middle.g04.yuyangli", "hp.laoximen.g03.laoximen-block"
WORKS = CATALOGUE.sources["paint-works"]
METRE = 1.0 / 111_195.0  # degrees north
WHOLE = Span(since_ns=0, until_ns=2 * T0)


def quiet(level: float, seed: int, values: int = 60) -> np.ndarray:
    """Return a series at rest."""
    return level + np.random.default_rng(seed).normal(0, level / 50, values)


def series(values: np.ndarray, step_s: float = 10.0) -> dict[int, float]:
    """Return values by event time."""
    return {T0 + round(i * step_s * SECOND_NS): float(value) for i, value in enumerate(values)}


def plume(risen: tuple[int, ...] = (0, 1, 2), from_deg: float = 0.0, towards: int = -1) -> Series:
    """Return solvent at three sensors 300 m apart, each 100 s after the one before, under a wind of 3 m/s."""
    found: Series = {}
    for number in range(3):
        values = quiet(200.0, number)
        if number in risen:
            values[24 + 10 * (number if towards < 0 else 2 - number) :] += 1_500.0 / (number + 1)
        found[f"voc-{number}/voc"] = series(values)
    wind = np.radians((from_deg + np.array([-3.0, 0.0, 3.0] * 3)) % 360.0)
    found["mast/wind_direction"] = series(wind)
    found["mast/wind_speed"] = series(np.full(9, 3.0))
    return found


def street(**given: Any) -> RegistryView:
    """Return the plume's sensors, south of the paint works, and a mast."""
    devices = [device(f"voc-{n}", "voc", unit_id=STREET.unit_id, **_place(n) | given) for n in range(3)]
    return registry([*devices, device("mast", "wind_direction", "wind_speed", unit_id=STREET.unit_id)], [STREET])


def _place(number: int) -> dict[str, Any]:
    return {"lat": WORKS.lat - 300 * (number + 1) * METRE, "lon": WORKS.lon}


def pulse(quantity: str, starts_s: Mapping[str, float | None]) -> Series:
    """Return what creek sensors say a minute apart, each rising at its second (``None``: not at all)."""
    found: Series = {}
    for number, (name, start_s) in enumerate(starts_s.items()):
        values = quiet(12.0, number)
        if start_s is not None:
            values[round(start_s / 60) :] += 90.0
        found[f"{name}/{quantity}"] = series(values, 60.0)
    return found


def creeks(**units: str) -> RegistryView:
    """Return creek sensors by name and unit: of the upper and the lower creek, if none is given."""
    named = units or {"upper": UPPER, "lower": LOWER}
    found: list[Device] = [
        device(name, "turbidity", "cod", "nh3n", unit_id=unit_id, interval_s=60.0) for name, unit_id in named.items()
    ]
    return registry(found, [])


def judged(mode: Mode = "actual", **values: tuple[float, float]) -> bytes:
    """Return a judged record: by series, with ``__`` for ``/``, second after T0 and value."""
    columns = ReadingColumns(
        series=tuple(name.replace("__", "/") for name in values),
        modes=(mode,) * len(values),
        index=np.arange(len(values), dtype="<u2").tobytes(),
        time=np.array([T0 + round(second * SECOND_NS) for second, _ in values.values()], "<i8").tobytes(),
        value=np.array([value for _, value in values.values()], "<f8").tobytes(),
        quality=np.ones(len(values), "<f4").tobytes(),
    )
    unit_id, n = STREET.unit_id, len(values)
    return encode_judged(
        Judged(source="vitals.readings", partition=0, offset=0, unit_id=unit_id, total=n, readings=columns)
    )


def polluted(*readings: tuple[str, float], step: str = "handling", **given: Any) -> Order:
    """Return a case that readings (series, second after T0) raised."""
    chain = [
        {"kind": "reading", "id": f"vitals.readings/1/7 {name}", "time": when(second), "detail": f"{name} = 2500"}
        for name, second in readings
    ]
    chain.append({"kind": "anomaly", "id": "an-1", "time": when(700.0), "detail": "active"})
    return case(7, step, scenario="pollution-source", unit_id=STREET.unit_id, chain=chain, since_ns=T0, **given)
