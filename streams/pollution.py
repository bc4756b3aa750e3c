"""Which of the catalogue's places could be where air pollution comes from: what the sensors saw, and the wind."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from aiokafka import TopicPartition

from detectors.correlation.rise import MIN_VALUES, rise_of
from detectors.correlation.upwind import Candidate, Sensors, Wind, mean_direction_deg, rank_upwind
from schemas import channels
from schemas.catalogue import Catalogue, PollutionSource
from schemas.judged import decode_judged
from schemas.times import SECOND_NS
from streams.catalogue.files import load_catalogue
from streams.delivery.watermarks import is_watermark
from streams.kafka import consumer, topic_name
from streams.registry.apply import read_known
from streams.registry.view import RegistryView
from streams.settings import Settings, SettingsError
from streams.state.manifest import read_to_end
from streams.topics import UNIT_PARTITIONS

DIRECTION, SPEED = "wind_direction", "wind_speed"
Series = dict[str, dict[int, float]]  # series -> event time (ns) -> value


class RankedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with what speaks for it, all 0 to 1, and how many exposed sensors rose and did not."""

    id: str
    name: str
    score: float
    direction: float
    lag: float
    distance: float
    seen: int
    missed: int


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of one quantity, the likeliest first, with the wind and the sensors that rose."""

    quantity: str
    wind_from_deg: float | None
    wind_mps: float | None
    rose: tuple[str, ...]
    ranked: tuple[RankedSource, ...]


async def likely_sources(settings: Settings, quantity: str, seconds: float) -> Sources:
    """Return the candidates by what was judged in the last ``seconds``; ``SettingsError`` where none emits it."""
    catalogue = load_catalogue(Path(settings.catalogue))
    if quantity not in catalogue.quantities:
        raise SettingsError(f"the catalogue has no quantity {quantity}")
    view = await read_known(settings)
    names = {quantity, DIRECTION, SPEED}
    found: Series = defaultdict(dict)
    reader = consumer(settings)
    await reader.start()
    try:
        places = [TopicPartition(topic_name(settings, channels.JUDGED), n) for n in range(UNIT_PARTITIONS)]
        starts = await reader.offsets_for_times(dict.fromkeys(places, round((time.time() - seconds) * 1_000)))
        begin = {place: at.offset for place, at in starts.items() if at is not None}
        async for record in read_to_end(reader, list(begin), begin):
            if record.value and not is_watermark(dict(record.headers)):
                _take(record.value, names, found)
    finally:
        await reader.stop()
    return rank(quantity, found, view, catalogue)


def rank(quantity: str, found: Series, view: RegistryView, catalogue: Catalogue) -> Sources:
    """Return the candidates by series of the quantity and of the wind (pure)."""
    candidates = [one for one in catalogue.sources.values() if quantity in one.emits]
    if not candidates:
        emitted = sorted({name for one in catalogue.sources.values() for name in one.emits})
        raise SettingsError(f"no place in sources.yaml emits {quantity}; they emit {', '.join(emitted)}")
    wind = _wind(found)
    sensors, rose = _sensors(quantity, found, view, catalogue.quantities[quantity].resolution)
    ranked: list[Candidate] = []
    if rose:
        lat, lon = (np.array([getattr(one, name) for one in candidates]) for name in ("lat", "lon"))
        ranked = rank_upwind(lat, lon, sensors, wind or Wind(from_deg=0.0, speed_mps=0.0))
    return Sources(
        quantity=quantity,
        wind_from_deg=None if wind is None else round(wind.from_deg, 1),
        wind_mps=None if wind is None else round(wind.speed_mps, 2),
        rose=tuple(rose),
        ranked=tuple(_named(candidates, one) for one in ranked),
    )


def render_sources(found: Sources) -> str:
    """Return the candidates as terminal text."""
    if not found.rose:
        return f"no sensor of {found.quantity} has risen lately: there is nothing to explain"
    wind = "unknown: ranked by distance and lag" if found.wind_mps is None else f"{found.wind_mps:g} m/s"
    where = "" if found.wind_from_deg is None else f" from {found.wind_from_deg:.0f} degrees"
    lines = [f"{len(found.rose)} sensors of {found.quantity} rose; wind {wind}{where}", ""]
    lines += [
        f"{one.score:>5.2f}  {one.name:<40} direction {one.direction:.2f}, lag {one.lag:.2f}, "
        f"distance {one.distance:.2f}; {one.seen} exposed sensors rose, {one.missed} did not"
        for one in found.ranked
    ]
    return "\n".join(lines)


def _take(raw: bytes, names: set[str], found: Series) -> None:
    columns = decode_judged(raw).readings
    if columns is None or not any(name.rpartition("/")[2] in names for name in columns.series):
        return
    index = np.frombuffer(columns.index, "<u2").tolist()
    times, values = np.frombuffer(columns.time, "<i8").tolist(), np.frombuffer(columns.value, "<f8").tolist()
    for place, time_ns, value in zip(index, times, values, strict=True):
        name = columns.series[place]
        if name.rpartition("/")[2] in names:
            found[name][time_ns] = value


def _wind(found: Series) -> Wind | None:
    directions = [v for name, of in found.items() if name.endswith(f"/{DIRECTION}") for v in of.values()]
    speeds = [v for name, of in found.items() if name.endswith(f"/{SPEED}") for v in of.values()]
    if not directions or not speeds:
        return None
    mean, spread = mean_direction_deg(np.degrees(np.array(directions)))
    return Wind(from_deg=mean, speed_mps=float(np.mean(speeds)), spread_deg=min(spread, 45.0))


def _sensors(
    quantity: str, found: Mapping[str, dict[int, float]], view: RegistryView, resolution: float
) -> tuple[Sensors, list[str]]:
    rows: list[tuple[float, float, float, float]] = []
    rose = []
    for name, of in sorted(found.items()):
        device_id, _, measured = name.rpartition("/")
        newest = view.newest(device_id)
        if measured != quantity or newest is None or len(of) < MIN_VALUES:
            continue
        device = newest[1]
        if device.lat is None or device.lon is None:
            continue
        times = sorted(of)
        seconds = np.array(times) / SECOND_NS
        rise = rise_of(seconds - seconds[0], np.array([of[t] for t in times]), max(resolution, 1e-6))
        rows.append((device.lat, device.lon, rise.scales, float(seconds[0]) + rise.onset_s))
        rose += [name] if rise.scales > 0 else []
    lat, lon, scales, onset_s = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Sensors(lat=lat, lon=lon, rise=scales, onset_s=onset_s), rose


def _named(candidates: Sequence[PollutionSource], one: Candidate) -> RankedSource:
    source = candidates[one.place]
    parts = {name: round(getattr(one, name), 3) for name in ("score", "direction", "lag", "distance")}
    return RankedSource(id=source.id, name=source.name.en, seen=one.seen, missed=one.missed, **parts)
