"""How many people are in each zone, and how they move: an ordinary day's course, a function of seed, zone and time.

References
----------
U. Weidmann, "Transporttechnik der Fussgänger", ETH Zürich 1993: speed against density, 1.34 m/s free, 5.4 persons a
square metre at a standstill.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.crowd import CrowdRow, CrowdSource
from schemas.registry import Zone
from simulators.noise import FloatArray, normal, smooth, streams_of
from simulators.signals import is_weekend, local_hour

FREE_SPEED_MPS = 1.34
GAMMA = 1.913
STANDSTILL_PER_M2 = 5.4
CREEP_MPS = 0.03
USUAL_PER_M2 = 0.35  # at the peak of an ordinary day
WEEKEND_FACTOR = 1.5
TURNOVER_PER_MINUTE = 0.12  # share of those present who are replaced

Overlay = Callable[[str, float, float], float]  # zone_id, second, persons -> persons


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What is counted in one zone over one period."""

    present: int
    entered: int
    left: int


def untouched(_zone_id: str, _second: float, persons: float) -> float:
    """Return ``persons``: an ordinary day."""
    return persons


class People:
    """The persons of many zones.

    Parameters
    ----------
    overlay
        What the scenarios do to a zone's count; it must not change what it said of the past.
    """

    def __init__(self, seed: int, zones: Sequence[Zone], overlay: Overlay = untouched) -> None:
        self._ids = [zone.zone_id for zone in zones]
        self._area = np.array([zone.area_m2 for zone in zones], dtype=np.float64)
        self._streams = streams_of(seed, [f"zone {zone}" for zone in self._ids])
        self._overlay = overlay

    def present(self, zones: Sequence[int], second: float) -> list[int]:
        """Return the persons in each of ``zones`` (places in the list given) at ``second`` since 1970."""
        ordinary = self._ordinary(np.asarray(zones, dtype=np.intp), second)
        return [
            max(0, round(self._overlay(self._ids[z], second, float(n)))) for z, n in zip(zones, ordinary, strict=True)
        ]

    def counted(self, zones: Sequence[int], second: float, period_s: float) -> list[Counted]:
        """Return the counts of the period that ends at ``second``; present = present before + entered - left."""
        after = self.present(zones, second)
        before = self.present(zones, second - period_s)
        return [_counted(old, new, period_s) for old, new in zip(before, after, strict=True)]

    def _ordinary(self, zones: np.ndarray, second: float) -> FloatArray:
        hour = local_hour(second)
        streams = self._streams[zones]
        # Quiet before dawn, fullest in the early evening.
        course = 0.06 + 0.94 * np.exp(2.2 * (np.cos((hour - 18.5) * np.pi / 12) - 1.0))
        week = WEEKEND_FACTOR if is_weekend(second) else 1.0
        wander = np.clip(
            1.0 + 0.12 * smooth(streams, second, 600.0, 7) + 0.02 * normal(streams, int(second), 8), 0.3, 2.0
        )
        return np.asarray(self._area[zones] * USUAL_PER_M2 * course * week * wander)


def _counted(before: int, after: int, period_s: float) -> Counted:
    turned = round(TURNOVER_PER_MINUTE * min(before, after) * period_s / 60.0)
    return Counted(present=after, entered=turned + max(0, after - before), left=turned + max(0, before - after))


def walking_speed_mps(density: float) -> float:
    """Return the mean speed at a density (persons a square metre)."""
    if density <= 0:
        return FREE_SPEED_MPS
    speed = FREE_SPEED_MPS * (1.0 - float(np.exp(-GAMMA * (1.0 / density - 1.0 / STANDSTILL_PER_M2))))
    return min(FREE_SPEED_MPS, max(CREEP_MPS, speed))


def crowd_row(zone: Zone, source: CrowdSource, time: str, period_s: float, counted: Counted) -> CrowdRow:
    """Return the row of one zone, with speeds that fit its density."""
    speed = walking_speed_mps(counted.present / zone.area_m2)
    return CrowdRow(
        zone_id=zone.zone_id,
        source=source,
        time=time,
        period_s=period_s,
        people_count=counted.present,
        people_in=counted.entered,
        people_out=counted.left,
        mean_speed_mps=round(speed, 3),
        speed_variance_m2s2=round(0.01 + 0.06 * speed**2, 4),
    )
