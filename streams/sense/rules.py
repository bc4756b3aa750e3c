"""Patterns that join rows, decided once a window when the watermark passes its end, on what came on time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from detectors import crowd
from detectors.levels import LevelScale
from schemas import channels
from schemas.anomalies import MAX_EVIDENCE, AnomalyKind, Evidence
from schemas.catalogue import Catalogue, Quantity, Rule, Scenario
from schemas.ids import COLOURS
from schemas.registry import Unit, Zone
from schemas.times import format_time
from streams.sense.anomalies import Finding
from streams.sense.windows import Cell, SeriesWindow, ZoneWindow


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule with what it needs of the catalogue."""

    scenario: Scenario
    rule: Rule
    scale: LevelScale | None
    quantities: tuple[Quantity, ...]
    limits: Mapping[str, float]  # quantity -> that of the level which it must hold, in its unit

    @property
    def kind(self) -> AnomalyKind:
        """Return the kind of its anomalies."""
        return "rule" if self.rule.quantities else "crowd"


@dataclass(frozen=True, slots=True)
class Window:
    """The window that a rule looks at."""

    start_ns: int
    end_ns: int
    partition: int
    unit: Unit | None

    @property
    def minutes(self) -> float:
        """Return its length in minutes."""
        return (self.end_ns - self.start_ns) / 60e9


def bind_rules(catalogue: Catalogue) -> list[BoundRule]:
    """Return the rules of all scenarios, in order of their ids.

    Raises
    ------
    ValueError
        A rule needs levels that it, or its quantities, do not have.
    """
    found = []
    for scenario in catalogue.scenarios.values():
        for rule in scenario.rules:
            levels = rule.levels
            scale = LevelScale.of(levels.values(), levels.side, levels.hysteresis) if levels is not None else None
            if rule.pattern in ZONE_PATTERNS and scale is None:
                raise ValueError(f"rule {rule.id}: pattern {rule.pattern} needs levels")
            quantities = tuple(catalogue.quantities[q] for q in rule.quantities)
            found.append(BoundRule(scenario, rule, scale, quantities, _limits(rule, quantities)))
    return sorted(found, key=lambda bound: bound.rule.id)


def _limits(rule: Rule, quantities: tuple[Quantity, ...]) -> dict[str, float]:
    place = COLOURS.index(rule.while_over or "yellow") - 1
    found = {}
    for quantity in quantities:
        limit = None if quantity.levels is None else quantity.levels.values()[place]
        if limit is None:
            continue
        if limit <= 0 or (quantity.levels is not None and quantity.levels.side == "under"):
            raise ValueError(f"rule {rule.id}: {quantity.id} must have limits over 0, on the side `over`")
        found[quantity.id] = limit
    return found


def evaluate(
    bound: BoundRule, cell: Cell, window: Window, is_open: Callable[[str], bool]
) -> Iterator[tuple[str, Finding]]:
    """Yield (subject, finding) of each subject that the rule could judge; none where nothing came.

    Where nothing is wrong and the subject has no open anomaly, nothing would come of it: that may be left out.
    """
    unit = window.unit
    if unit is not None and unit.kind not in bound.scenario.unit_kinds:
        return
    if bound.rule.pattern == "agree":
        yield from _agree(bound, cell, window)
    elif bound.rule.pattern == "rising":
        yield from _rising(bound, cell, window, is_open)
    elif unit is not None:
        judge = ZONE_PATTERNS[bound.rule.pattern]
        for zone in unit.zones:
            found = judge(bound, cell, window, zone)
            if found is not None:
                yield zone.zone_id, found


def _of_quantities(bound: BoundRule, cell: Cell) -> list[tuple[str, SeriesWindow, float]]:
    """Return (series, window, limit) of the rule's quantities, in order of names; the limit is that of its level."""
    found = []
    for name, seen in sorted(cell.series.items()):
        limit = bound.limits.get(name.rpartition("/")[2])
        if limit is not None:
            found.append((name, seen, limit))
    return found


def _agree(bound: BoundRule, cell: Cell, window: Window) -> Iterator[tuple[str, Finding]]:
    """Two or more devices of the unit hold the level at the same time."""
    series = _of_quantities(bound, cell)
    if not series or window.unit is None:
        return
    over = [(name, seen) for name, seen, limit in series if seen.last >= limit]
    calm = [(name, seen) for name, seen, limit in series if seen.last < limit]
    devices = {name.partition("/")[0] for name, _ in over}
    severity = bound.rule.score if len(devices) >= bound.rule.at_least else 0.0
    good = sum(seen.n for _, seen in calm)
    yield window.unit.unit_id, _finding(window, over if severity else calm or over, float(len(devices)), severity, good)


def _rising(
    bound: BoundRule, cell: Cell, window: Window, is_open: Callable[[str], bool]
) -> Iterator[tuple[str, Finding]]:
    """A series that is over the level has risen by a share of that level within the window."""
    for name, seen, limit in _of_quantities(bound, cell):
        is_over = seen.last >= limit
        if not is_over and not is_open(name):
            continue
        rise = (seen.last - seen.first) / limit
        severity = bound.rule.score if is_over and rise >= bound.rule.at_least else 0.0
        good = 0 if is_over else seen.n  # steady but over the level: not rising, not well either
        relaxed = bound.rule.score if is_over else 0.0
        yield name, msgspec.structs.replace(_finding(window, [(name, seen)], rise, severity, good), relaxed=relaxed)


def _density(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    seen = _zone_windows(cell, zone)
    counts = {source: float(w.count) for source, w in seen if w.count is not None}
    if not counts:
        return None
    return _levelled(bound, crowd.density(crowd.fused_count(counts), zone.area_m2), seen, window, zone)


def _inflow(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    seen = [(source, w) for source, w in _zone_windows(cell, zone) if w.has_flow]
    if not seen:
        return None
    flows = {source: float(w.people_in - w.people_out) for source, w in seen}
    value = crowd.density(crowd.fused_count(flows), zone.area_m2) / window.minutes
    counts = {source: float(w.count) for source, w in seen if w.count is not None}
    if counts and bound.rule.while_over is not None:
        dense = crowd.density(crowd.fused_count(counts), zone.area_m2)
        if dense < _density_floor(bound):  # people stream into an empty place: no risk
            value = 0.0
    return _levelled(bound, value, seen, window, zone)


def _density_floor(bound: BoundRule) -> float:
    place = COLOURS.index(bound.rule.while_over or "blue") - 1
    levels = [rule.levels for rule in bound.scenario.rules if rule.pattern == "density" and rule.levels is not None]
    limits = [level.values()[place] for level in levels]
    return min((limit for limit in limits if limit is not None), default=0.0)


def _video_count(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    cameras = [(name, c) for name, c in sorted(cell.on_time.cameras.items()) if c.zone_id == zone.zone_id]
    if not cameras:
        return None
    value = crowd.density(float(sum(c.persons for _, c in cameras)), zone.area_m2)
    evidence = tuple(
        _evidence(channels.VIDEO, window, c.offset, name, c.last_ns, float(c.persons)) for name, c in cameras
    )
    return _by_levels(bound, value, evidence, window, sum(c.n for _, c in cameras))


ZONE_PATTERNS = {"density": _density, "inflow": _inflow, "video_count": _video_count}


def _zone_windows(cell: Cell, zone: Zone) -> list[tuple[str, ZoneWindow]]:
    found = []
    for name, seen in sorted(cell.on_time.zones.items()):
        zone_id, _, source = name.rpartition("/")
        if zone_id == zone.zone_id:
            found.append((source, seen))
    return found


def _levelled(
    bound: BoundRule, value: float, seen: list[tuple[str, ZoneWindow]], window: Window, zone: Zone
) -> Finding:
    evidence = tuple(
        _evidence(channels.CROWD, window, w.offset, f"{zone.zone_id}/{source}", w.newest_ns, value)
        for source, w in seen
    )
    return _by_levels(bound, value, evidence, window, sum(w.n for _, w in seen))


def _by_levels(bound: BoundRule, value: float, evidence: tuple[Evidence, ...], window: Window, good: int) -> Finding:
    assert bound.scale is not None, "rules of zones have levels: see bind_rules"
    return Finding(
        time_ns=window.end_ns,
        severity=bound.scale.one(value),
        relaxed=bound.scale.one(value, relaxed=True),
        value=value,
        quality=1.0,
        evidence=evidence[:MAX_EVIDENCE],
        good=good,
    )


def _finding(window: Window, seen: list[tuple[str, SeriesWindow]], value: float, severity: float, good: int) -> Finding:
    shown = seen[:MAX_EVIDENCE]
    return Finding(
        time_ns=window.end_ns,
        severity=severity,
        relaxed=severity,
        value=value,
        quality=min((w.quality for _, w in seen), default=1.0),
        evidence=tuple(_evidence(channels.READINGS, window, w.offset, name, w.last_ns, w.last) for name, w in shown),
        good=good,
    )


def _evidence(topic: str, window: Window, offset: int, name: str, time_ns: int, value: float) -> Evidence:
    return Evidence(
        topic=topic, partition=window.partition, offset=offset, name=name, time=format_time(time_ns), value=value
    )
