"""Patterns over single series: a rise over a level, devices that agree, a level held by hours and dated limits."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.registry import Unit
from schemas.rules import AgreeRule, LevelRule, RisingRule
from schemas.times import HOUR_NS, SHANGHAI_NS
from streams.sense.anomalies import Finding
from streams.sense.rules.bound import BoundRule, IsOpen, Window
from streams.sense.windows import SeriesWindow

DAY_HOURS = 24


def _of_limits(bound: BoundRule, window: Window) -> list[tuple[str, SeriesWindow, float]]:
    """Return (series, window, limit) of the rule's quantities, in order of names; the limit is that of its level."""
    found = []
    for name, seen in sorted(window.cell.series.items()):
        limit = bound.limits.get(name.rpartition("/")[2])
        if limit is not None:
            found.append((name, seen, limit))
    return found


def agree(bound: BoundRule, window: Window, unit: Unit, _: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield whether several devices of the unit hold the level at the same time."""
    assert isinstance(bound.rule, AgreeRule)
    series = _of_limits(bound, window)
    if not series:
        return
    over = [(name, seen) for name, seen, limit in series if seen.last >= limit]
    calm = [(name, seen) for name, seen, limit in series if seen.last < limit]
    devices = {name.partition("/")[0] for name, _ in over}
    severity = bound.rule.score if len(devices) >= bound.rule.at_least else 0.0
    good = sum(seen.n for _, seen in calm)
    shown = over if severity else calm or over
    yield unit.unit_id, _of_readings(window, shown, float(len(devices)), severity, severity, good)


def rising(bound: BoundRule, window: Window, _: Unit, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield whether a series that is over the level has risen by a share of that level within the window."""
    assert isinstance(bound.rule, RisingRule)
    for name, seen, limit in _of_limits(bound, window):
        is_over = seen.last >= limit
        if not is_over and not is_open(name):
            continue
        rise = (seen.last - seen.first) / limit
        severity = bound.rule.score if is_over and rise >= bound.rule.at_least else 0.0
        good = 0 if is_over else seen.n  # steady but over the level: not rising, not well either
        relaxed = bound.rule.score if is_over else 0.0
        yield name, _of_readings(window, [(name, seen)], rise, severity, relaxed, good)


def level(bound: BoundRule, window: Window, unit: Unit, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield how far each series, taken over the window, is beyond its levels.

    Outside the rule's hours nothing is judged, and what is open clears by good readings inside them, or by the readings
    outside: a limit of the night is no limit of the day.
    """
    rule = bound.rule
    assert isinstance(rule, LevelRule)
    assert bound.scale is not None
    above = 0.0
    if rule.above is not None:
        of_class = unit.noise_class if rule.above.of == "noise_class" else rule.above.of
        limit = None if of_class is None else bound.tables[rule.above.table].limit_at(of_class, window.end_ns - 1)
        if limit is None:
            return
        above = limit
    in_force = rule.hours is None or is_within(window.start_ns, rule.hours)
    for name, seen in sorted(window.cell.series.items()):
        if name.rpartition("/")[2] not in rule.quantities or not (in_force or is_open(name)):
            continue
        value = taken(seen, rule.aggregate)
        severity = bound.scale.one(value - above) if in_force else 0.0
        relaxed = bound.scale.one(value - above, relaxed=True) if in_force else 0.0
        if severity or is_open(name):
            yield name, _of_readings(window, [(name, seen)], value, severity, relaxed, seen.n)


def taken(seen: SeriesWindow, how: str) -> float:
    """Return a series' readings of a window as one value."""
    if how == "max":
        return seen.last if seen.high is None else seen.high
    if how == "min":
        return seen.last if seen.low is None else seen.low
    return seen.mean if how == "mean" else seen.last


def is_within(time_ns: int, hours: tuple[float, float]) -> bool:
    """Whether the local hour of an event time lies in (start, until), past midnight where until is the smaller."""
    hour = (time_ns + SHANGHAI_NS) / HOUR_NS % DAY_HOURS
    start, until = hours
    return start <= hour < until if start <= until else hour >= start or hour < until


def _of_readings(
    window: Window,
    seen: list[tuple[str, SeriesWindow]],
    value: float,
    severity: float,
    relaxed: float,
    good: int,
) -> Finding:
    quality = min((w.quality for _, w in seen), default=1.0)
    evidence = window.readings(seen)
    return window.finding(severity, relaxed, value, good=good, quality=quality, evidence=evidence)
