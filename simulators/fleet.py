"""All devices as arrays: which series report together in one second, what they would say, and their packs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.registry import Device
from simulators.network import NetworkFaults
from simulators.noise import stream_of
from simulators.packs import PackWriter
from simulators.scenarios.fault import Fault
from simulators.signals import MODELS, Signals


@dataclass(frozen=True, slots=True)
class UnitPack:
    """One pack of a unit, with its number of readings; ``part`` tells it from others of its unit and second."""

    unit_id: str
    value: bytes
    readings: int
    part: int


@dataclass(frozen=True, slots=True)
class _Group:
    """The series of one unit with one interval: ``first`` to ``last`` in the fleet's order."""

    unit_id: str
    first: int
    last: int
    writer: PackWriter


@dataclass(frozen=True, slots=True)
class _Seasonal:
    """The series of one unit that are judged against their season, by their places in the fleet's order."""

    unit_id: str
    series: NDArray[np.intp]
    writer: PackWriter


def _seasonal(rows: list[tuple[str, int, Device, str]], names: list[str], quantities: list[str]) -> Iterator[_Seasonal]:
    by_unit: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if MODELS[quantities[place]].seasonal:
            by_unit[row[0]].append(place)
    for unit_id, places in by_unit.items():
        models = [MODELS[quantities[place]] for place in places]
        writer = PackWriter([names[p] for p in places], [m.unit for m in models], [m.boolean for m in models])
        yield _Seasonal(unit_id, np.array(places, dtype=np.intp), writer)


def phase_of(seed: int, name: str, interval_s: int) -> int:
    """Return the second of its interval in which something reports."""
    return stream_of(seed, f"phase {name}") % interval_s


class Fleet:
    """The sensors that send readings (cameras and crowd counts are not among them).

    Parameters
    ----------
    steady_units
        Units whose sensors neither tire nor drop out.
    """

    def __init__(self, seed: int, devices: Sequence[Device], steady_units: Collection[str]) -> None:
        rows = [(d.unit_id, _whole(d.interval_s), d, q) for d in devices for q in d.quantities if q in MODELS]
        rows.sort(key=lambda row: row[:2])  # stable: a device's quantities stay together
        kept, quantities = [row[2] for row in rows], [row[3] for row in rows]
        names = [f"{device.device_id}/{quantity}" for device, quantity in zip(kept, quantities, strict=True)]
        self.names: Mapping[str, int] = {name: place for place, name in enumerate(names)}
        steady = np.array([device.unit_id in steady_units for device in kept], dtype=np.bool_)
        self._signals = Signals(seed, kept, quantities, steady)
        self._due: dict[int, dict[int, list[_Group]]] = defaultdict(lambda: defaultdict(list))
        self._seasonal = list(_seasonal(rows, names, quantities))
        self._add_groups(seed, [row[:2] for row in rows], names, quantities)

    def _add_groups(self, seed: int, keys: list[tuple[str, int]], names: list[str], quantities: list[str]) -> None:
        first = 0
        for last in range(1, len(keys) + 1):
            if last < len(keys) and keys[last] == keys[first]:
                continue
            unit_id, interval_s = keys[first]
            models = [MODELS[quantity] for quantity in quantities[first:last]]
            writer = PackWriter(names[first:last], [m.unit for m in models], [m.boolean for m in models])
            group = _Group(unit_id, first, last, writer)
            self._due[interval_s][phase_of(seed, unit_id, interval_s)].append(group)
            first = last

    def packs(self, second: int, faults: Sequence[Fault], network: NetworkFaults) -> list[UnitPack]:
        """Return the packs due at ``second`` since 1970, faults laid over the ordinary values."""
        groups = [group for interval_s, phases in self._due.items() for group in phases.get(second % interval_s, ())]
        if not groups:
            return []
        series = np.concatenate([np.arange(group.first, group.last, dtype=np.intp) for group in groups])
        values = self._signals.values(series, second)
        present = self._signals.reports(series, second, network.skipped, network.outage)
        self._lay_over(faults, second, series, values, present)
        found: list[UnitPack] = []
        at = 0
        for group in groups:
            end = at + group.last - group.first
            heard = present[at:end]
            packs = group.writer.packs(second, values[at:end], None if heard.all() else heard.tolist())
            found.extend(UnitPack(group.unit_id, value, n, group.first + part) for part, (value, n) in enumerate(packs))
            at = end
        return found

    def history(self, second: int, units: Collection[str]) -> Iterator[UnitPack]:
        """Yield the packs of some units' series with a season as they were at ``second``, without faults."""
        for group in self._seasonal:
            if group.unit_id not in units:
                continue
            values = self._signals.values(group.series, second)
            for part, (value, readings) in enumerate(group.writer.packs(second, values, None)):
                yield UnitPack(group.unit_id, value, readings, part)

    def _lay_over(
        self,
        faults: Sequence[Fault],
        second: int,
        series: NDArray[np.intp],
        values: NDArray[np.float64],
        present: NDArray[np.bool_],
    ) -> None:
        for fault in faults:
            for name in fault.series():
                for place in np.flatnonzero(series == self.names[name]):
                    value = fault.value(name, second, float(values[place]))
                    if value is None:
                        present[place] = False
                    else:
                        values[place] = value


def _whole(interval_s: float) -> int:
    return max(1, round(interval_s))
