"""Patterns that join rows, decided once a window when the watermark passes its end, on what came on time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

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
    """Return the rules of all scenarios, in order of their ids."""
    found = []
    for scenario in catalogue.scenarios.values():
        for rule in scenario.rules:
            levels = rule.levels
            scale = LevelScale.of(levels.values(), levels.side, levels.hysteresis) if levels is not None else None
            quantities = tuple(catalogue.quantities[q] for q in rule.quantities)
            found.append(BoundRule(scenario, rule, scale, quantities))
    return sorted(found, key=lambda bound: bound.rule.id)


def evaluate(bound: BoundRule, cell: Cell, window: Window) -> Iterator[tuple[str, Finding]]:
    """Yield (subject, finding) of each subject that the rule could judge; none where nothing came."""
    unit = window.unit
    if unit is not None and unit.kind not in bound.scenario.unit_kinds:
        return
    pattern = bound.rule.pattern
    if pattern == "agree":
        yield from _agree(bound, cell, window)
    elif pattern == "rising":
        yield from _rising(bound, cell, window)
    elif unit is not None:
        for zone in unit.zones:
            found = {"density": _density, "inflow": _inflow, "video_count": _video_count}[pattern](bound, cell, window, zone)
            if found is not None:
                yield zone.zone_id, found


def _of_quantities(bound: BoundRule, cell: Cell) -> list[tuple[str, SeriesWindow, float]]:
    """Return (series, window, limit) of the rule's quantities, in order of names; limit: of ``while_over``, in its unit."""
    place = COLOURS.index(bound.rule.while_over or "yellow") - 1
    limits = {q.id: q.levels.values()[place] for q in bound.quantities if q.levels is not None}
    found = []
    for name, seen in sorted(cell.series.items()):
        limit = limits.get(name.rpartition("/")[2])
        if limit is not None:
            found.append((name, seen, limit))
    return found


def _agree(bound: BoundRule, cell: Cell, window: Window) -> Iterator[tuple[str, Finding]]:
    """Two or more devices of the unit hold the level at the same time."""
    series = _of_quantities(bound, cell)
    if not series or window.unit is None:
        return
    over = [(name, seen) for name, seen, limit in series if seen.last >= limit]
    devices = {name.partition("/")[0] for name, _ in over}
    severity = bound.rule.score if len(devices) >= bound.rule.at_least else 0.0
    shown = over if severity else [(name, seen) for name, seen, _ in series]
    good = sum(seen.n for name, seen, limit in series if seen.last < limit)
    yield window.unit.unit_id, _finding(severity, float(len(devices)), shown, window, good)


def _rising(bound: BoundRule, cell: Cell, window: Window) -> Iterator[tuple[str, Finding]]:
    """A series that is over the level has risen by a share of that level within the window."""
    for name, seen, limit in _of_quantities(bound, cell):
        rise = (seen.last - seen.first) / limit
        is_rising = seen.last >= limit and rise >= bound.rule.at_least
        severity = bound.rule.score if is_rising else 0.0
        good = seen.n if seen.last < limit else 0  # steady but over the level: not rising, not well either
        holds = severity if seen.last < limit else bound.rule.score
        yield name, _finding(severity, rise, [(name, seen)], window, good, relaxed=holds)


def _density(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    seen = list(_zone_windows(cell, zone))
    counts = {source: float(w.count) for source, w in seen if w.count is not None}
    if not counts:
        return None
    value = crowd.density(crowd.fused_count(counts), zone.area_m2)
    return _levelled(bound, value, [(f"{zone.zone_id}/{s}", w) for s, w in seen], window)


def _inflow(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    seen = [(source, w) for source, w in _zone_windows(cell, zone) if w.has_flow]
    if not seen:
        return None
    flows = {source: float(w.people_in - w.people_out) for source, w in seen}
    value = crowd.density(crowd.fused_count(flows), zone.area_m2) / window.minutes
    found = _levelled(bound, value, [(f"{zone.zone_id}/{s}", w) for s, w in seen], window)
    counts = {source: float(w.count) for source, w in seen if w.count is not None}
    if counts and bound.rule.while_over is not None and found.severity > 0:
        floor = _density_floor(bound)
        if crowd.density(crowd.fused_count(counts), zone.area_m2) < floor:  # people stream into an empty place: no risk
            return _levelled(bound, 0.0, [(f"{zone.zone_id}/{s}", w) for s, w in seen], window)
    return found


def _density_floor(bound: BoundRule) -> float:
    place = COLOURS.index(bound.rule.while_over or "blue") - 1
    levels = [rule.levels for rule in bound.scenario.rules if rule.pattern == "density" and rule.levels is not None]
    limits = [level.values()[place] for level in levels]
    return min((limit for limit in limits if limit is not None), default=0.0)


def _video_count(bound: BoundRule, cell: Cell, window: Window, zone: Zone) -> Finding | None:
    cameras = [(name, c) for name, c in sorted(cell.on_time.cameras.items()) if c.zone_id == zone.zone_id]
    if not cameras or bound.scale is None:
        return None
    value = crowd.density(float(sum(c.persons for _, c in cameras)), zone.area_m2)
    evidence = tuple(
        _evidence(channels.VIDEO, window, c.offset, name, c.last_ns, float(c.persons)) for name, c in cameras
    )[:MAX_EVIDENCE]
    good = sum(c.n for _, c in cameras)
    return Finding(
        time_ns=window.end_ns,
        severity=bound.scale.one(value),
        relaxed=bound.scale.one(value, relaxed=True),
        value=value,
        quality=1.0,
        evidence=evidence,
        good=good,
    )


def _zone_windows(cell: Cell, zone: Zone) -> Iterable[tuple[str, ZoneWindow]]:
    for name, seen in sorted(cell.on_time.zones.items()):
        zone_id, _, source = name.rpartition("/")
        if zone_id == zone.zone_id:
            yield source, seen


def _levelled(bound: BoundRule, value: float, seen: list[tuple[str, ZoneWindow]], window: Window) -> Finding:
    assert bound.scale is not None, "the catalogue gives crowd rules their levels"
    evidence = tuple(
        _evidence(channels.CROWD, window, w.offset, name, w.last_ns if w.last_ns >= 0 else window.end_ns, value)
        for name, w in seen
    )
    return Finding(
        time_ns=window.end_ns,
        severity=bound.scale.one(value),
        relaxed=bound.scale.one(value, relaxed=True),
        value=value,
        quality=1.0,
        evidence=evidence[:MAX_EVIDENCE],
        good=sum(w.n for _, w in seen),
    )


def _finding(
    severity: float,
    value: float,
    seen: list[tuple[str, SeriesWindow]],
    window: Window,
    good: int,
    relaxed: float | None = None,
) -> Finding:
    evidence = tuple(_evidence(channels.READINGS, window, w.offset, name, w.last_ns, w.last) for name, w in seen)
    return Finding(
        time_ns=window.end_ns,
        severity=severity,
        relaxed=severity if relaxed is None else relaxed,
        value=value,
        quality=min((w.quality for _, w in seen), default=1.0),
        evidence=evidence[:MAX_EVIDENCE],
        good=good,
    )


def _evidence(topic: str, window: Window, offset: int, name: str, time_ns: int, value: float) -> Evidence:
    return Evidence(
        topic=topic, partition=window.partition, offset=offset, name=name, time=format_time(time_ns), value=value
    )
