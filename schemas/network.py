"""The way that water flows: drains and creeks between units and places that may foul them (``network.yaml``)."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated

from pydantic import Field

from schemas.rules import Entry, Name, Word

UNIT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_:-]*(\.[A-Za-z0-9][A-Za-z0-9_:-]*){3}$"  # district.subdistrict.grid.unit


class Flow(Entry):
    """Water flows on to a point, and takes so long."""

    to: Word
    minutes: float = Field(gt=0, le=1_440)


class WaterPoint(Entry):
    """A point of the network: a unit (its sensors stand there), a place that may foul the water, or only a drain."""

    id: Word
    name: Name
    unit: Annotated[str, Field(pattern=UNIT_PATTERN, max_length=64)] | None = None
    emits: tuple[Word, ...] = ()  # quantities that would rise
    flows: tuple[Flow, ...] = ()


class NetworkError(ValueError):
    """The network cannot be: at which point, and why."""

    def __init__(self, point: str, reason: str) -> None:
        super().__init__(f"network point {point}: {reason}")
        self.point, self.reason = point, reason


def check_network(points: Mapping[str, WaterPoint]) -> None:
    """Raise ``NetworkError`` where water flows to a point that is none, or in a circle, or two points are one unit."""
    units: dict[str, str] = {}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for point in points.values():
        if point.unit is not None and units.setdefault(point.unit, point.id) != point.id:
            raise NetworkError(point.id, f"{point.unit} is the unit of {units[point.unit]} too")
        for flow in point.flows:
            if flow.to not in points:
                raise NetworkError(point.id, f"flows to {flow.to}, which is no point")
            sorter.add(flow.to, point.id)
    try:
        sorter.prepare()
    except CycleError as error:
        circle = list(map(str, error.args[1]))
        raise NetworkError(circle[0], f"water cannot flow in a circle: {' -> '.join(circle)}") from error
