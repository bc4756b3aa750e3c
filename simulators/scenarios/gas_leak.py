"""Gas leaks near two sensors until the valve is shut; near misses: a short CO blip, cooking gas at one sensor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.registry import RegistryFile
from simulators.places import QUXI_ROAD, YUYANGLI
from simulators.scenarios.fault import Fault, devices_with
from simulators.scenarios.staging import OwnStage

SCENARIO = "gas-leak"
UNIT = QUXI_ROAD
NEAR_MISS_UNIT = YUYANGLI
LEAK_PPM = 16_000.0  # where the two nearest sensors end: 32% of the lower explosive limit
NEAR_SHARES = (1.0, 0.85)
FAR_SHARE = 0.03  # what the others of the unit see of it
GROWTH_S = 240.0
AIRING_S = 90.0
BLIP_S = 90.0
CO_BLIP_PPM = 24.0  # on top of some 3 ppm: under the 35 of the first limit
CH4_BLIP_PPM = 1_800.0  # under the 2,500 of the first limit


@dataclass(kw_only=True)
class GasLeak(Fault):
    """Methane rises towards its full level as air fills, and is aired out once the leak is shut."""

    near: tuple[str, ...]
    far: tuple[str, ...] = ()

    def series(self) -> Sequence[str]:
        return tuple(f"{device}/ch4" for device in (*self.near, *self.far))

    def value(self, series: str, second: float, normal: float) -> float | None:
        device = series.partition("/")[0]
        share = NEAR_SHARES[self.near.index(device)] if device in self.near else FAR_SHARE
        return round(normal + share * LEAK_PPM * self.fill(second))

    def fill(self, second: float) -> float:
        """Return how much of the full concentration there is, 0 to 1."""
        if second < self.onset_s:
            return 0.0
        if self.end_s is None or second < self.end_s:
            return 1.0 - math.exp((self.onset_s - second) / self.scaled(GROWTH_S, 8.0))
        filled = 1.0 - math.exp((self.onset_s - self.end_s) / self.scaled(GROWTH_S, 8.0))
        return filled * math.exp((self.end_s - second) / self.scaled(AIRING_S, 1.5))


@dataclass(kw_only=True)
class Blip(Fault):
    """One sensor sees a short peak under its first limit."""

    quantity: str
    peak: float

    def series(self) -> Sequence[str]:
        return (f"{self.subject}/{self.quantity}",)

    def value(self, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - one series
        assert self.lasts_s is not None
        if not self.is_on(second):
            return normal
        return normal + round(self.peak * math.sin(math.pi * (second - self.onset_s) / self.lasts_s))


def faults(registry: RegistryFile, onset_s: float, scale: float, unit_id: str = UNIT) -> list[Fault]:
    """Return the leak in ``unit_id``, and two near misses elsewhere.

    Raises
    ------
    ValueError
        The unit has fewer than two methane sensors: a leak of this kind is told by two that agree.
    """
    sensors = devices_with(registry, unit_id, "ch4")
    if len(sensors) < len(NEAR_SHARES):
        raise ValueError(f"unit {unit_id} has {len(sensors)} methane sensor; a gas leak needs two")
    leak = GasLeak(
        scenario=SCENARIO, unit_id=unit_id, subject=sensors[0], onset_s=onset_s, expect_colour="red", scale=scale,
        near=tuple(sensors[:2]), far=tuple(sensors[2:]),
    )  # fmt: skip
    elsewhere = NEAR_MISS_UNIT if unit_id != NEAR_MISS_UNIT else UNIT
    blips = [
        Blip(
            scenario=SCENARIO, unit_id=elsewhere, subject=devices_with(registry, elsewhere, quantity)[0],
            onset_s=onset_s, scale=scale, lasts_s=leak.scaled(BLIP_S, 20.0), quantity=quantity, peak=peak,
        )
        for quantity, peak in (("co", CO_BLIP_PPM), ("ch4", CH4_BLIP_PPM))
    ]  # fmt: skip
    return [leak, *blips]


STAGE = OwnStage(scenario=SCENARIO, unit_id=UNIT, near_miss_unit_id=NEAR_MISS_UNIT, build=faults)
