"""The pattern that joins kinds of sensors: signs of readings and of cameras that come together, or must be absent.

It looks at the window that closes and at the one before it, so that signs on both sides of a window's end are joined:
two signs no further apart than a window are always seen together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from schemas import channels
from schemas.anomalies import Evidence
from schemas.registry import Unit
from schemas.rules import SignEntry, TogetherRule
from streams.sense.anomalies import Finding
from streams.sense.rules.bound import BoundRule, IsOpen, Window
from streams.sense.windows import Cell, SeriesWindow, sight_name


@dataclass(frozen=True, slots=True)
class Shown:
    """A sign that is there: when it first was, and what shows it."""

    time_ns: int
    evidence: Evidence
    quality: float = 1.0


def together(bound: BoundRule, window: Window, unit: Unit, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield whether enough of the signs are there, for the unit or for each device that could show them."""
    rule = bound.rule
    assert isinstance(rule, TogetherRule)
    if not rule.same_device:
        yield from _judged(rule, window, unit.unit_id, None, is_open)
        return
    quantities = {sign.quantity for sign in rule.signs}
    named = (name.rpartition("/") for name in window.cell.series)
    for device_id in sorted({device_id for device_id, _, quantity in named if quantity in quantities}):
        yield from _judged(rule, window, device_id, device_id, is_open)


def _judged(
    rule: TogetherRule, window: Window, subject: str, device_id: str | None, is_open: IsOpen
) -> Iterator[tuple[str, Finding]]:
    shown: list[Shown] = []
    held = 0
    for sign in rule.signs:
        found = _first(sign, window, device_id)
        if sign.absent:
            held += found is None
        elif found is not None:
            held += 1
            shown.append(found)
    enough = held >= rule.at_least and len(shown) > 0
    if rule.in_order and any(a.time_ns > b.time_ns for a, b in pairwise(shown)):
        enough = False
    severity = 0.0
    if enough:
        severity = rule.score_all if rule.score_all is not None and held == len(rule.signs) else rule.score
    good = 0 if shown else _heard(rule, window.cell, device_id)
    if severity or is_open(subject):
        quality = min((one.quality for one in shown), default=1.0)
        # As long as any of the signs is there it is not well, though no more than the rule's own score.
        relaxed = min(rule.score, severity or rule.score) if shown else 0.0
        evidence = [one.evidence for one in shown] if severity or shown else _calm(rule, window, device_id)
        yield subject, window.finding(severity, relaxed, float(held), good=good, quality=quality, evidence=evidence)


def _first(sign: SignEntry, window: Window, device_id: str | None) -> Shown | None:
    """Return the sign where it was first seen, in the window before or in this one."""
    found = [one for cell in _cells(window) for one in _all(sign, cell, window, device_id)]
    if sign.rises_by is not None and sign.quantity is not None:
        found = list(_rises(sign, window, device_id))
    return min(found, key=lambda one: (one.time_ns, one.evidence.name), default=None)


def _cells(window: Window) -> list[Cell]:
    return [cell for cell in (window.before, window.cell) if cell is not None]


def _all(sign: SignEntry, cell: Cell, window: Window, device_id: str | None) -> Iterator[Shown]:
    if sign.kind is not None:
        name = sight_name(sign.kind, sign.confidence)
        for camera_id, camera in sorted(cell.on_time.cameras.items()):
            sight = camera.sights.get(name)
            if sight is not None:
                at = window.evidence(channels.VIDEO, sight.offset, camera_id, sight.first_ns, float(sight.n))
                yield Shown(sight.first_ns, at)
        return
    for name, seen in _series(sign, cell, device_id):
        low, high = (seen.last if value is None else value for value in (seen.low, seen.high))
        if sign.over is not None and high >= sign.over:
            yield _reading(window, name, seen, seen.high_ns if seen.high is not None else seen.last_ns, high)
        if sign.under is not None and low <= sign.under:
            yield _reading(window, name, seen, seen.low_ns if seen.low is not None else seen.last_ns, low)


def _rises(sign: SignEntry, window: Window, device_id: str | None) -> Iterator[Shown]:
    assert sign.rises_by is not None
    before = {} if window.before is None else window.before.series
    for name, seen in _series(sign, window.cell, device_id):
        earlier = before.get(name)
        start = seen.first if earlier is None else min(earlier.first, seen.first)
        high = seen.last if seen.high is None else seen.high
        if high - start >= sign.rises_by and (sign.over is None or high >= sign.over):
            yield _reading(window, name, seen, seen.high_ns if seen.high is not None else seen.last_ns, high)


def _series(sign: SignEntry, cell: Cell, device_id: str | None) -> Iterator[tuple[str, SeriesWindow]]:
    for name, seen in sorted(cell.series.items()):
        device, _, quantity = name.rpartition("/")
        if quantity == sign.quantity and device_id in (None, device):
            yield name, seen


def _reading(window: Window, name: str, seen: SeriesWindow, time_ns: int, value: float) -> Shown:
    return Shown(time_ns, window.evidence(channels.READINGS, seen.offset, name, time_ns, value), seen.quality)


def _heard(rule: TogetherRule, cell: Cell, device_id: str | None) -> int:
    """Return how many rows of this window could have shown a sign, and did not."""
    rows = sum(seen.n for sign in rule.signs if sign.quantity for _, seen in _series(sign, cell, device_id))
    if device_id is None and any(sign.kind is not None for sign in rule.signs):
        rows += sum(camera.rows - camera.unwell for camera in cell.on_time.cameras.values())
    return rows


def _calm(rule: TogetherRule, window: Window, device_id: str | None) -> list[Evidence]:
    """Return the last readings that show that no sign is there any more."""
    signs = [sign for sign in rule.signs if sign.quantity is not None and not sign.absent]
    found = {name: seen for sign in signs for name, seen in _series(sign, window.cell, device_id)}
    if found:
        return window.readings(sorted(found.items()))
    cameras = sorted(window.cell.on_time.cameras.items())
    return [window.evidence(channels.VIDEO, c.offset, camera_id, c.last_ns, 0.0) for camera_id, c in cameras]
