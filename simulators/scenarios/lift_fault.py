"""A lift stands still with its alarm contact closed; near miss: a held door makes the controller busy, not faulty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.registry import RegistryFile
from simulators.places import CHUNJIANG, NANJING_BUILDING
from simulators.scenarios.fault import Fault, devices_with
from simulators.scenarios.staging import OwnStage

SCENARIO = "lift-fault"
UNIT = NANJING_BUILDING
NEAR_MISS_UNIT = CHUNJIANG
QUANTITY = "lift_fault"
HELD_S = 600.0


@dataclass(kw_only=True)
class LiftFault(Fault):
    """The alarm contact of one lift is closed until someone puts it right."""

    def series(self) -> Sequence[str]:
        return (f"{self.subject}/{QUANTITY}",)

    def value(self, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - one series
        return 1.0 if self.is_on(second) else normal


@dataclass(kw_only=True)
class DoorHeld(LiftFault):
    """A door is held open: the controller answers every third poll only, and says each time that there is no fault."""

    def value(self, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - one series
        return None if self.is_on(second) and int(second) // 10 % 3 else normal


def faults(registry: RegistryFile, onset_s: float, scale: float, unit_id: str = UNIT) -> list[Fault]:
    """Return the fault in one lift of ``unit_id``, and a near miss elsewhere."""
    fault = LiftFault(
        scenario=SCENARIO, unit_id=unit_id, subject=devices_with(registry, unit_id, QUANTITY)[0], onset_s=onset_s,
        expect_colour="orange", scale=scale,
    )  # fmt: skip
    held_in = NEAR_MISS_UNIT if unit_id != NEAR_MISS_UNIT else UNIT
    held = DoorHeld(
        scenario=SCENARIO, unit_id=held_in, subject=devices_with(registry, held_in, QUANTITY)[0], onset_s=onset_s,
        scale=scale, lasts_s=fault.scaled(HELD_S, 20.0),
    )  # fmt: skip
    return [fault, held]


STAGE = OwnStage(scenario=SCENARIO, unit_id=UNIT, near_miss_unit_id=NEAR_MISS_UNIT, build=faults)
