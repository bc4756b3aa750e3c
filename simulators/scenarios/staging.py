"""What the scenarios' files are written with: a fault in one unit, its near misses elsewhere, and the devices there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from schemas.ids import Colour
from schemas.registry import RegistryFile
from simulators.scenarios.effects import Effect, Staged
from simulators.scenarios.fault import Fault, devices_with

VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's devices, by what they measure."""

    registry: RegistryFile
    unit_id: str

    def series(self, *quantities: str, device: int = 0) -> tuple[str, ...]:
        """Return the series of one device of the unit: the ``device``-th that measures the first quantity.

        Raises
        ------
        ValueError
            There is none.
        """
        found = devices_with(self.registry, self.unit_id, quantities[0])
        return tuple(f"{found[min(device, len(found) - 1)]}/{quantity}" for quantity in quantities)

    def every(self, quantity: str) -> tuple[str, ...]:
        """Return all of the unit's series of a quantity."""
        return tuple(f"{device}/{quantity}" for device in devices_with(self.registry, self.unit_id, quantity))

    def camera(self, number: int = 0) -> str:
        """Return one of the unit's cameras."""
        found = devices_with(self.registry, self.unit_id, VIDEO)
        return found[min(number, len(found) - 1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class NearMiss:
    """What looks like the fault and must stay silent: its effects, and how long it lasts (s, by the clock scale)."""

    effects: Callable[[Unit], Iterable[Effect]]
    lasts_s: float
    floor_s: float = 3.0


class Stageable(Protocol):
    """What a scenario's file offers as ``STAGE``."""

    @property
    def scenario(self) -> str: ...
    @property
    def unit_id(self) -> str: ...
    @property
    def near_miss_unit_id(self) -> str: ...
    @property
    def from_hour(self) -> float | None:
        """Return the local hour before which it is not played by day: what is right by day may be wrong by night."""

    def faults(self, registry: RegistryFile, onset_s: float, scale: float, unit_id: str | None = None) -> list[Fault]:
        """Return the fault, first, and its near misses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnStage:
    """A scenario whose faults have a class of their own; ``build`` makes them."""

    scenario: str
    unit_id: str
    near_miss_unit_id: str
    build: Callable[[RegistryFile, float, float, str], list[Fault]]
    from_hour: float | None = None

    def faults(self, registry: RegistryFile, onset_s: float, scale: float, unit_id: str | None = None) -> list[Fault]:
        """Return the fault, first, and its near misses."""
        return self.build(registry, onset_s, scale, unit_id or self.unit_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """How one scenario is played.

    Parameters
    ----------
    unit_id, near_miss_unit_id
        Where; the near misses elsewhere, so that an alert tells which it was.
    expect
        The least colour that the fault's alert must reach.
    effects
        What the fault does in its unit.
    subject
        Whose thing it is: a device, a camera, or the unit itself.
    from_hour
        The local hour before which it is not played by day.
    """

    scenario: str
    unit_id: str
    near_miss_unit_id: str
    expect: Colour
    effects: Callable[[Unit], Iterable[Effect]]
    near_misses: tuple[NearMiss, ...]
    subject: Callable[[Unit], str] = lambda unit: unit.unit_id
    from_hour: float | None = None

    def faults(self, registry: RegistryFile, onset_s: float, scale: float, unit_id: str | None = None) -> list[Fault]:
        """Return the fault, and its near misses elsewhere.

        Raises
        ------
        ValueError
            A unit has not what it takes.
        """
        where = Unit(registry, unit_id or self.unit_id)
        other = self.near_miss_unit_id if where.unit_id != self.near_miss_unit_id else self.unit_id
        elsewhere = Unit(registry, other)
        fault = Staged(
            scenario=self.scenario,
            unit_id=where.unit_id,
            subject=self.subject(where),
            onset_s=onset_s,
            expect_colour=self.expect,
            scale=scale,
            effects=tuple(self.effects(where)),
        )
        near = [
            Staged(
                scenario=self.scenario,
                unit_id=elsewhere.unit_id,
                subject=self.subject(elsewhere),
                onset_s=onset_s,
                scale=scale,
                lasts_s=fault.scaled(one.lasts_s, one.floor_s),
                effects=tuple(one.effects(elsewhere)),
            )
            for one in self.near_misses
        ]
        return [fault, *near]
