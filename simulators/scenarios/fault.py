"""What all injected faults share: a truth to be measured by, a beginning, and an end that a repair brings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.files import GroundTruth
from schemas.ids import Colour
from schemas.registry import RegistryFile, Unit
from schemas.times import SECOND_NS, format_time
from schemas.video import CameraHealth, VideoKind

REPAIR_TAKES_S = 2.0  # between a team's ``done`` and the end of the fault


@dataclass(kw_only=True)
class Fault:
    """A fault of one unit, or a near miss that must stay silent.

    Parameters
    ----------
    scenario, unit_id, subject, expect_colour
        As in the ground truth; a near miss expects no colour.
    onset_s
        When it begins, seconds since 1970.
    scale
        Divides how long its growth and fading take.
    lasts_s
        A near miss ends by itself after so long (already divided); a fault ends by ``repair`` alone.
    """

    scenario: str
    unit_id: str
    subject: str
    onset_s: float
    expect_colour: Colour | None = None
    scale: float = 1.0
    lasts_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        if self.lasts_s is not None:
            self.end_s = self.onset_s + self.lasts_s

    @property
    def is_near_miss(self) -> bool:
        """Whether nothing may be raised because of it."""
        return self.lasts_s is not None

    def truth(self) -> GroundTruth:
        """Return its line of the ground truth as far as it is known."""
        return GroundTruth(
            scenario=self.scenario,
            unit_id=self.unit_id,
            subject=self.subject,
            onset=_time(self.onset_s),
            end=None if self.end_s is None else _time(self.end_s),
            expect_colour=self.expect_colour,
            must_stay_silent=self.is_near_miss,
        )

    def repair(self, now_s: float) -> bool:
        """End the fault some seconds after ``now_s``; returns whether there was anything to repair."""
        if self.is_near_miss or self.end_s is not None or now_s < self.onset_s:
            return False
        self.end_s = now_s + REPAIR_TAKES_S
        return True

    def is_on(self, second: float) -> bool:
        """Whether the cause is at work at ``second``."""
        return self.onset_s <= second and (self.end_s is None or second < self.end_s)

    def scaled(self, seconds: float, floor_s: float) -> float:
        """Return ``seconds`` divided by the clock scale, but not below ``floor_s`` (nor above ``seconds``)."""
        return max(seconds / self.scale, min(seconds, floor_s))

    def series(self) -> Sequence[str]:
        """Return the series (``<device_id>/<quantity>``) that it changes."""
        return ()

    def zones(self) -> Sequence[str]:
        """Return the zones whose counts it changes."""
        return ()

    def value(self, series: str, second: float, normal: float) -> float | None:  # noqa: ARG002 - the default changes nothing
        """Return what the sensor reports in place of ``normal``; ``None`` where it says nothing."""
        return normal

    def sights(self, camera_id: str, second: float) -> list[tuple[VideoKind, float]]:  # noqa: ARG002 - the default adds nothing
        """Return what a camera sees besides counts: kinds, with the confidence of each."""
        return []

    def health(self, camera_id: str, second: float) -> CameraHealth:  # noqa: ARG002 - the default changes nothing
        """Return how well a camera sees."""
        return "ok"

    def persons(self, zone_id: str, second: float, normal: float) -> float:  # noqa: ARG002 - the default changes nothing
        """Return the persons in the zone in place of ``normal``."""
        return normal


def devices_with(registry: RegistryFile, unit_id: str, quantity: str) -> list[str]:
    """Return the unit's devices of one quantity, in order.

    Raises
    ------
    ValueError
        There is none.
    """
    found = [d.device_id for d in registry.devices if d.unit_id == unit_id and quantity in d.quantities]
    if not found:
        raise ValueError(f"unit {unit_id} has no device that measures {quantity}")
    return found


def unit_named(registry: RegistryFile, unit_id: str) -> Unit:
    """Return a unit of the registry.

    Raises
    ------
    ValueError
        It is not there.
    """
    for unit in registry.units:
        if unit.unit_id == unit_id:
            return unit
    raise ValueError(f"no unit {unit_id} in the district")


def _time(second: float) -> str:
    return format_time(round(second * 1_000) * (SECOND_NS // 1_000))
