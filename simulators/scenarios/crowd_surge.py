"""People pour into one zone until they are guided away; near miss: a tour group makes a zone busy, not dense."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.registry import RegistryFile
from simulators.places import BUND_CHENYI, TIANZIFANG
from simulators.scenarios.fault import Fault, unit_named
from simulators.scenarios.staging import OwnStage

SCENARIO = "crowd-surge"
UNIT = BUND_CHENYI
NEAR_MISS_UNIT = TIANZIFANG
SURGE_PER_M2 = 5.7  # past the 5 of red
GROUP_PER_M2 = 1.0  # together with those who are there under the 2 of the first limit
GROWTH_S = 480.0
GUIDED_AWAY_S = 300.0
GROUP_S = 600.0


@dataclass(kw_only=True)
class CrowdSurge(Fault):
    """The zone fills along an S-curve to its full density, and empties once the inflow is held."""

    area_m2: float

    def zones(self) -> Sequence[str]:
        return (self.subject,)

    def persons(self, zone_id: str, second: float, normal: float) -> float:  # noqa: ARG002 - one zone
        full = SURGE_PER_M2 * self.area_m2
        return normal + max(0.0, full - normal) * self.fill(second)

    def fill(self, second: float) -> float:
        """Return how much of the surge is there, 0 to 1."""
        if second < self.onset_s:
            return 0.0
        grown = _s_curve((second - self.onset_s) / self.scaled(GROWTH_S, 12.0))
        if self.end_s is None or second < self.end_s:
            return grown
        grown = _s_curve((self.end_s - self.onset_s) / self.scaled(GROWTH_S, 12.0))
        return grown * (1.0 - _s_curve((second - self.end_s) / self.scaled(GUIDED_AWAY_S, 6.0)))


@dataclass(kw_only=True)
class TourGroup(Fault):
    """A group comes and goes: a quick inflow, a density under the first limit."""

    area_m2: float

    def zones(self) -> Sequence[str]:
        return (self.subject,)

    def persons(self, zone_id: str, second: float, normal: float) -> float:  # noqa: ARG002 - one zone
        assert self.lasts_s is not None
        if not self.is_on(second):
            return normal
        return normal + GROUP_PER_M2 * self.area_m2 * math.sin(math.pi * (second - self.onset_s) / self.lasts_s)


def _s_curve(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3.0 - 2.0 * share)


def faults(registry: RegistryFile, onset_s: float, scale: float, unit_id: str = UNIT) -> list[Fault]:
    """Return the surge in the smallest zone of ``unit_id``, and a tour group elsewhere.

    Raises
    ------
    ValueError
        The unit has no zone.
    """
    zone = _smallest_zone(registry, unit_id)
    surge = CrowdSurge(
        scenario=SCENARIO, unit_id=unit_id, subject=zone[0], onset_s=onset_s, expect_colour="red", scale=scale,
        area_m2=zone[1],
    )  # fmt: skip
    elsewhere = NEAR_MISS_UNIT if unit_id != NEAR_MISS_UNIT else UNIT
    zone = _smallest_zone(registry, elsewhere)
    group = TourGroup(
        scenario=SCENARIO, unit_id=elsewhere, subject=zone[0], onset_s=onset_s, scale=scale,
        lasts_s=surge.scaled(GROUP_S, 20.0), area_m2=zone[1],
    )  # fmt: skip
    return [surge, group]


def _smallest_zone(registry: RegistryFile, unit_id: str) -> tuple[str, float]:
    zones = unit_named(registry, unit_id).zones
    if not zones:
        raise ValueError(f"unit {unit_id} has no zone where people are counted")
    smallest = min(zones, key=lambda zone: zone.area_m2)
    return smallest.zone_id, smallest.area_m2


STAGE = OwnStage(scenario=SCENARIO, unit_id=UNIT, near_miss_unit_id=NEAR_MISS_UNIT, build=faults)
