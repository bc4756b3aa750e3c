"""Vital signs of a unit: a window's indicators with their scores, and the unit's score in each domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors import crowd
from detectors.power_mean import power_mean
from detectors.scores import colour_of, curve_score
from schemas.catalogue import Catalogue, IndicatorEntry
from schemas.ids import Mode
from schemas.registry import Unit
from schemas.signs import Contributor, Domain, Indicator, UnitScores
from schemas.times import format_time
from streams.registry.view import RegistryView
from streams.sense.windows import Aggregate, Cell, People, merged


@dataclass(frozen=True, slots=True)
class Measured:
    """An indicator's value, the rows that entered, the share of the expected ones, and who made it so."""

    value: float
    n: int
    coverage: float
    contributors: tuple[Contributor, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """The window and unit that signs are computed for."""

    unit_id: str
    mode: Mode
    start_ns: int
    length_ns: int
    registry: RegistryView

    @property
    def seconds(self) -> float:
        """Return the window's length in seconds."""
        return self.length_ns / 1e9

    @property
    def unit(self) -> Unit | None:
        """Return the unit as it was at the window's end."""
        return self.registry.unit_at(self.unit_id, self.start_ns + self.length_ns - 1)

    def coverage(self, n: int, quantity: str) -> float:
        """Return the share of the expected readings that came; 1 where at most one is expected."""
        expected = self.registry.rate(self.unit_id, self.mode, quantity) * self.seconds
        return min(1.0, n / expected) if expected > 1.0 else 1.0


def signs_of(catalogue: Catalogue, cell: Cell, frame: Frame) -> tuple[list[Indicator], UnitScores | None]:
    """Return the window's indicators and the unit's scores; what nothing came of is left out, not made up."""
    people = merged(cell.on_time, cell.late)
    found: list[tuple[IndicatorEntry, Indicator]] = []
    start = format_time(frame.start_ns)
    for entry in catalogue.indicators.values():
        measured = _measure(entry, cell, people, frame)
        if measured is not None:
            found.append((entry, _indicator(entry, measured, frame, start, cell.revision)))
    if not found:
        return [], None
    scores = _unit_scores(found, frame, start, cell.revision, catalogue.exponent)
    return [indicator for _, indicator in found], scores


def _measure(entry: IndicatorEntry, cell: Cell, people: People, frame: Frame) -> Measured | None:
    if entry.of == "crowd_density":
        return _density(people, frame)
    if entry.of == "person_count":
        return _persons(people, frame)
    if entry.of == "people_in" and people.zones:
        return _people_in(people, frame)
    aggregate = cell.quantities.get(entry.of)
    if aggregate is None or aggregate.n == 0:
        return None
    value, name = _aggregated(entry.aggregate, aggregate)
    contributors = (Contributor(name=name, value=value),) if name else ()
    return Measured(value, aggregate.n, frame.coverage(aggregate.n, entry.of), contributors)


def _aggregated(how: str, aggregate: Aggregate) -> tuple[float, str]:
    if how == "max":
        return aggregate.high, aggregate.worst
    if how == "min":
        return aggregate.low, aggregate.least
    if how == "sum":
        return aggregate.total, ""
    if how == "last":
        return aggregate.last, ""
    return aggregate.total / aggregate.n, ""


def _density(people: People, frame: Frame) -> Measured | None:
    unit = frame.unit
    if unit is None:
        return None
    areas = {zone.zone_id: zone.area_m2 for zone in unit.zones}
    counts: dict[str, dict[str, float]] = {}
    n = 0
    for name, seen in sorted(people.zones.items()):
        zone_id, _, source = name.rpartition("/")
        if seen.count is not None and zone_id in areas:
            counts.setdefault(zone_id, {})[source] = float(seen.count)
            n += seen.n
    if not counts:
        return None
    dense = {zone: crowd.density(crowd.fused_count(found), areas[zone]) for zone, found in counts.items()}
    worst = sorted(dense, key=lambda zone: (-dense[zone], zone))
    contributors = tuple(Contributor(name=zone, value=dense[zone]) for zone in worst[:8])
    return Measured(dense[worst[0]], n, len(dense) / len(areas), contributors)


def _people_in(people: People, frame: Frame) -> Measured | None:
    flows: dict[str, dict[str, float]] = {}
    n = 0
    for name, seen in sorted(people.zones.items()):
        if seen.has_flow:
            zone_id, _, source = name.rpartition("/")
            flows.setdefault(zone_id, {})[source] = float(seen.people_in)
            n += seen.n
    if not flows:
        return None
    by_zone = {zone: crowd.fused_count(found) for zone, found in flows.items()}
    most = sorted(by_zone, key=lambda zone: (-by_zone[zone], zone))
    contributors = tuple(Contributor(name=zone, value=by_zone[zone]) for zone in most[:8])
    unit = frame.unit
    zones = len(unit.zones) if unit is not None and unit.zones else len(by_zone)
    return Measured(sum(by_zone[z] for z in sorted(by_zone)), n, min(1.0, len(by_zone) / zones), contributors)


def _persons(people: People, frame: Frame) -> Measured | None:
    counting = {name: camera for name, camera in people.cameras.items() if camera.n > 0}
    if not counting:
        return None
    most = sorted(counting, key=lambda name: (-counting[name].persons, name))
    contributors = tuple(Contributor(name=name, value=float(counting[name].persons)) for name in most[:8])
    n = sum(camera.n for camera in counting.values())
    persons = float(sum(camera.persons for camera in counting.values()))
    return Measured(persons, n, frame.coverage(n, "video"), contributors)


def _indicator(entry: IndicatorEntry, measured: Measured, frame: Frame, start: str, revision: int) -> Indicator:
    curve = entry.curve_at(frame.start_ns)
    score = curve_score(measured.value, [p.value for p in curve], [p.score for p in curve])
    return Indicator(
        unit_id=frame.unit_id,
        indicator=entry.id,
        mode=frame.mode,
        window_start=start,
        window_s=frame.seconds,
        value=measured.value,
        unit=entry.unit,
        score=score,
        colour=colour_of(score),
        n=measured.n,
        coverage=measured.coverage,
        revision=revision,
        contributors=measured.contributors,
    )


def _unit_scores(
    found: list[tuple[IndicatorEntry, Indicator]], frame: Frame, start: str, revision: int, exponent: float
) -> UnitScores:
    by_domain: dict[Domain, list[tuple[float, float]]] = {}
    for entry, indicator in found:
        by_domain.setdefault(entry.domain, []).append((indicator.score, entry.weight))
    scores: dict[Domain, float] = {
        domain: weighted_score(pairs, exponent) for domain, pairs in sorted(by_domain.items())
    }
    return UnitScores(
        unit_id=frame.unit_id,
        mode=frame.mode,
        window_start=start,
        window_s=frame.seconds,
        scores=scores,
        coverage=sum(indicator.coverage for _, indicator in found) / len(found),
        revision=revision,
    )


def weighted_score(pairs: list[tuple[float, float]], exponent: float) -> float:
    """Return one score of several (score, weight), in which the worst counts more than the mean."""
    if len(pairs) == 1:
        return pairs[0][0]
    scores = np.array([[score] for score, _ in pairs])
    return float(power_mean(scores, np.array([weight for _, weight in pairs]), exponent)[0])
