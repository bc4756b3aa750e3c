"""The likely sources of a quantity within a span, by what was judged, the registry and the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from schemas.catalogue import Catalogue
from schemas.times import SECOND_NS, format_time
from streams.clock import EventClock
from streams.pollution.air import rank_air
from streams.pollution.answer import RankedSource, Sources
from streams.pollution.rose import DIRECTION, SPEED, risen, watched, wind_of
from streams.pollution.span import Series, Span, read_span
from streams.pollution.water import rank_water
from streams.registry.apply import read_known
from streams.registry.view import RegistryView
from streams.settings import Settings, SettingsError


async def likely_sources(settings: Settings, catalogue: Catalogue, quantity: str, seconds: float) -> Sources:
    """Return the candidates by what was judged in the last ``seconds``; ``SettingsError`` where none emits it."""
    if quantity not in catalogue.quantities:
        raise SettingsError(f"the catalogue has no quantity {quantity}")
    _require_candidates(quantity, catalogue)
    now_ns = EventClock(settings).now_ns()
    span = Span(since_ns=now_ns - round(seconds * SECOND_NS), until_ns=now_ns)
    return (await sources_within(settings, span, (quantity,), catalogue))[0]


async def sources_within(
    settings: Settings, span: Span, quantities: Sequence[str], catalogue: Catalogue
) -> tuple[Sources, ...]:
    """Return the candidates of each quantity; ``OutOfLogError`` where the log does not reach back to the span."""
    view = await read_known(settings)
    found = await read_span(settings, span, {*quantities, DIRECTION, SPEED}, view)
    return tuple(rank(quantity, found, span, view, catalogue) for quantity in quantities)


def rank(quantity: str, found: Series, span: Span, view: RegistryView, catalogue: Catalogue) -> Sources:
    """Return the candidates by series of the quantity and of the wind (pure)."""
    sensors = watched(quantity, found, span, view, catalogue.quantities[quantity].resolution)
    is_water, wind = quantity in in_water(catalogue), wind_of(found)
    ranked: list[RankedSource] = []
    note = "no sensor of it has risen" if sensors else "no sensor of it has said enough"
    if any(one.has_risen for one in sensors):
        places = [one for one in catalogue.sources.values() if quantity in one.emits]
        network = catalogue.network
        ranked, note = rank_water(quantity, network, sensors) if is_water else rank_air(places, sensors, wind)
    shown = None if is_water else wind
    return Sources(
        quantity=quantity,
        medium="water" if is_water else "air",
        since=format_time(span.since_ns),
        until=format_time(span.until_ns),
        rose=risen(sensors),
        ranked=tuple(ranked),
        watched=len(sensors),
        wind_from_deg=None if shown is None else round(shown.from_deg, 1),
        wind_mps=None if shown is None else round(shown.speed_mps, 2),
        note=note,
    )


def in_water(catalogue: Catalogue) -> Collection[str]:
    """Return the quantities that points of the network emit."""
    return {name for point in catalogue.network.values() for name in point.emits}


def _require_candidates(quantity: str, catalogue: Catalogue) -> None:
    in_air = {name for one in catalogue.sources.values() for name in one.emits}
    emitted = sorted({*in_air, *in_water(catalogue)})
    if quantity not in emitted:
        raise SettingsError(f"no place of sources.yaml or network.yaml emits {quantity}: only {', '.join(emitted)}")
