"""What a change of the catalogue's levels would do: alerts before and after, on recorded readings (pure).

Each series is judged as sense does: an alert begins at the first reading over a limit, and ends with so many readings
in a row below the limit less its hysteresis.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from detectors.levels import LevelScale
from schemas.catalogue import Catalogue, Quantity

DAY_NS = 86_400_000_000_000


class Episode(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One alert: what, from when to when (ns), and the worst level that it reached (1 blue to 4 red)."""

    begin_ns: int
    series: str
    end_ns: int
    level: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a series, ``DEVICE/QUANTITY``, in the order of time."""

    series: str
    time_ns: int
    value: float


class RuleChange(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts a day under both catalogues, which are new and which are gone; ``days`` of recorded time."""

    days: float
    readings: int
    before_per_day: float
    after_per_day: float
    minutes_open_per_day_before: float
    minutes_open_per_day_after: float
    new: tuple[Episode, ...]
    gone: tuple[Episode, ...]


@dataclass(slots=True)
class _Open:
    begin_ns: int
    level: int
    good: int = 0


def episodes(catalogue: Catalogue, readings: Iterable[Reading]) -> list[Episode]:
    """Return the alerts that a catalogue's levels raise; one still open at the end ends with its last reading."""
    scales: dict[str, tuple[Quantity, LevelScale]] = {
        quantity.id: (
            quantity,
            LevelScale.of(quantity.levels.values(), quantity.levels.side, quantity.levels.hysteresis),
        )
        for quantity in catalogue.quantities.values()
        if quantity.levels is not None
    }
    opened: dict[str, _Open] = {}
    last: dict[str, int] = {}
    found = []
    for reading in readings:
        known = scales.get(reading.series.rpartition("/")[2])
        if known is None:
            continue
        quantity, scale = known
        last[reading.series] = reading.time_ns
        level, now = int(scale.one(reading.value)), opened.get(reading.series)
        if now is None:
            if level > 0:
                opened[reading.series] = _Open(reading.time_ns, level)
            continue
        now.level = max(now.level, level)
        now.good = now.good + 1 if scale.one(reading.value, relaxed=True) == 0.0 else 0
        if now.good >= quantity.clear_readings:
            found.append(_episode(reading.series, now, reading.time_ns))
            del opened[reading.series]
    found += [_episode(name, now, last[name]) for name, now in opened.items()]
    return sorted(found)


def _episode(name: str, now: _Open, end_ns: int) -> Episode:
    return Episode(begin_ns=now.begin_ns, series=name, end_ns=end_ns, level=now.level)


def compare(old: Catalogue, new: Catalogue, readings: list[Reading]) -> RuleChange:
    """Return what a change does on recorded readings, in the order of time."""
    before, after = episodes(old, readings), episodes(new, readings)
    span = readings[-1].time_ns - readings[0].time_ns if readings else 0
    days = max(span / DAY_NS, 1 / 24)
    return RuleChange(
        days=days,
        readings=len(readings),
        before_per_day=len(before) / days,
        after_per_day=len(after) / days,
        minutes_open_per_day_before=_minutes(before) / days,
        minutes_open_per_day_after=_minutes(after) / days,
        new=tuple(_without(after, before)),
        gone=tuple(_without(before, after)),
    )


def _minutes(found: list[Episode]) -> float:
    return sum(one.end_ns - one.begin_ns for one in found) / 60e9


def _without(found: list[Episode], others: list[Episode]) -> list[Episode]:
    """Return those that overlap none of the others of their series."""
    by_series: dict[str, list[Episode]] = {}
    for other in others:
        by_series.setdefault(other.series, []).append(other)
    return [
        one
        for one in found
        if not any(o.begin_ns <= one.end_ns and one.begin_ns <= o.end_ns for o in by_series.get(one.series, []))
    ]
