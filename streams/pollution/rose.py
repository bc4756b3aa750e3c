"""Which sensors of a quantity rose within a span, when and by how much; and the wind that was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from detectors.correlation.rise import MIN_VALUES, Rise, rise_of
from detectors.correlation.upwind import Wind, mean_direction_deg
from schemas.registry import Device
from schemas.times import SECOND_NS, format_time
from streams.pollution.answer import Risen
from streams.pollution.span import Series, Span
from streams.registry.view import RegistryView

DIRECTION, SPEED = "wind_direction", "wind_speed"
LEAST_SCALE = 1e-6
MAX_SPREAD_DEG = 45.0


@dataclass(frozen=True, slots=True)
class Watched:
    """A sensor with values enough to be judged; ``onset_s`` since 1970, NaN where it did not rise."""

    series: str
    device: Device
    onset_s: float
    rise: Rise

    @property
    def has_risen(self) -> bool:
        """Whether it rose."""
        return self.rise.scales > 0


def watched(quantity: str, found: Series, span: Span, view: RegistryView, resolution: float) -> list[Watched]:
    """Return the registered sensors of a quantity, by name."""
    seen = []
    for name, of in sorted(found.items()):
        device_id, _, measured = name.rpartition("/")
        newest = view.newest(device_id)
        if measured == quantity and newest is not None and len(of) >= MIN_VALUES:
            seen.append(_watched(name, newest[1], of, span, resolution))
    return seen


def risen(sensors: list[Watched]) -> tuple[Risen, ...]:
    """Return those that rose, the first first, as people are told."""
    rose = sorted((one for one in sensors if one.has_risen), key=lambda one: (one.onset_s, one.series))
    return tuple(
        Risen(
            series=one.series,
            unit_id=one.device.unit_id,
            onset=format_time(round(one.onset_s * SECOND_NS)),
            level=round(one.rise.level, 3),
            highest=round(one.rise.highest, 3),
            scales=round(one.rise.scales, 1),
        )
        for one in rose
    )


def wind_of(found: Series) -> Wind | None:
    """Return the mean wind; ``None`` where none was measured."""
    directions, speeds = _values(found, DIRECTION), _values(found, SPEED)
    if not directions or not speeds:
        return None
    mean, spread = mean_direction_deg(np.degrees(np.array(directions)))
    return Wind(from_deg=mean, speed_mps=float(np.mean(speeds)), spread_deg=min(spread, MAX_SPREAD_DEG))


def _watched(name: str, device: Device, of: Mapping[int, float], span: Span, resolution: float) -> Watched:
    times = sorted(of)
    first_s = times[0] / SECOND_NS
    seconds = np.array([(time_ns - times[0]) / SECOND_NS for time_ns in times])
    calm_s = None if span.calm_ns is None else (span.calm_ns - times[0]) / SECOND_NS
    rise = rise_of(seconds, np.array([of[time_ns] for time_ns in times]), max(resolution, LEAST_SCALE), calm_s)
    return Watched(name, device, first_s + rise.onset_s, rise)


def _values(found: Series, quantity: str) -> list[float]:
    return [value for name, of in found.items() if name.endswith(f"/{quantity}") for value in of.values()]
