"""Patterns of crowds, zone by zone: density, inflow, persons in view, and people who stand where they should walk."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from detectors import crowd
from detectors.crowd.weidmann import STAIR_SHARE, speed_collapse
from schemas import channels
from schemas.anomalies import Evidence
from schemas.registry import Unit, Zone
from schemas.rules import DensityRule, InflowRule, StandstillRule
from streams.sense.anomalies import Finding
from streams.sense.rules.bound import BoundRule, IsOpen, Window, level_of
from streams.sense.windows import ZoneWindow

SECONDS_PER_MINUTE = 60.0
Seen = list[tuple[str, ZoneWindow]]  # (source, its rows of the zone)


def density(bound: BoundRule, window: Window, unit: Unit, _: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield persons a square metre of each zone that was counted."""
    for zone in unit.zones:
        seen = _seen(window, zone)
        dense = _dense(seen, zone)
        if dense is not None:
            yield zone.zone_id, _levelled(bound, dense, seen, window, zone)


def inflow(bound: BoundRule, window: Window, unit: Unit, _: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield net persons a square metre a minute of each zone with flows; 0 where they stream into an empty place."""
    assert isinstance(bound.rule, InflowRule)
    floor = _floor(bound, bound.rule)
    for zone in unit.zones:
        seen = [(source, w) for source, w in _seen(window, zone) if w.has_flow]
        if not seen:
            continue
        # A row may be about more time than the window is long: its flow is spread over all of it.
        flows = {
            source: (w.people_in - w.people_out) / max(window.minutes, w.longest_s / SECONDS_PER_MINUTE)
            for source, w in seen
        }
        value = crowd.density(crowd.fused_count(flows), zone.area_m2)
        dense = _dense(seen, zone)
        if dense is not None and dense < floor:
            value = 0.0
        yield zone.zone_id, _levelled(bound, value, seen, window, zone)


def standstill(bound: BoundRule, window: Window, unit: Unit, _: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield the share of walking speed that is missing in each dense zone whose speed is measured."""
    assert isinstance(bound.rule, StandstillRule)
    floor = _floor(bound, bound.rule)
    for zone in unit.zones:
        seen = _seen(window, zone)
        speeds = [w.speed for _, w in seen if w.speed is not None]
        dense = _dense(seen, zone)
        if dense is None or not speeds:
            continue
        missing = 0.0
        if dense >= floor:
            level = min(speeds) / (STAIR_SHARE if zone.place == "stair" else 1.0)
            missing = float(speed_collapse(np.array([level]), np.array([dense]))[0])
        yield zone.zone_id, _levelled(bound, missing, seen, window, zone)


def video_count(bound: BoundRule, window: Window, unit: Unit, _: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield persons in view a square metre of each zone that cameras look at."""
    cameras = [(name, c) for name, c in sorted(window.cell.on_time.cameras.items()) if c.n > 0]
    for zone in unit.zones:
        own = [(name, c) for name, c in cameras if c.zone_id == zone.zone_id]
        if not own:
            continue
        value = crowd.density(float(sum(c.persons for _, c in own)), zone.area_m2)
        evidence = [window.evidence(channels.VIDEO, c.offset, name, c.last_ns, float(c.persons)) for name, c in own]
        yield zone.zone_id, _by_levels(bound, value, evidence, window, sum(c.n for _, c in own))


def _seen(window: Window, zone: Zone) -> Seen:
    found = []
    for name, seen in sorted(window.cell.on_time.zones.items()):
        zone_id, _, source = name.rpartition("/")
        if zone_id == zone.zone_id:
            found.append((source, seen))
    return found


def _dense(seen: Seen, zone: Zone) -> float | None:
    counts = {source: float(w.count) for source, w in seen if w.count is not None}
    return crowd.density(crowd.fused_count(counts), zone.area_m2) if counts else None


def _floor(bound: BoundRule, rule: InflowRule | StandstillRule) -> float:
    """Return the density at which a rule begins to look: a level of the scenario's density rule."""
    levels = [other.levels.values() for other in bound.scenario.rules if isinstance(other, DensityRule)]
    limits = [level_of(level, rule.while_over) for level in levels]
    return min((limit for limit in limits if limit is not None), default=0.0)


def _levelled(bound: BoundRule, value: float, seen: Seen, window: Window, zone: Zone) -> Finding:
    evidence = [
        window.evidence(channels.CROWD, w.offset, f"{zone.zone_id}/{source}", w.newest_ns, value) for source, w in seen
    ]
    return _by_levels(bound, value, evidence, window, sum(w.n for _, w in seen))


def _by_levels(bound: BoundRule, value: float, evidence: list[Evidence], window: Window, good: int) -> Finding:
    assert bound.scale is not None, "rules of zones have levels: see bind_rules"
    relaxed = bound.scale.one(value, relaxed=True)
    return window.finding(bound.scale.one(value), relaxed, value, good=good, evidence=evidence)
