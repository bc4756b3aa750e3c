"""Patterns that join rows, decided once a window when the watermark passes its end, on what came on time."""

from __future__ import annotations

from collections.abc import Iterator

from streams.sense.anomalies import Finding
from streams.sense.rules import cameras, joined, series, zones
from streams.sense.rules.bound import BoundRule, IsOpen, Window, bind_rules

PATTERNS = {
    "rising": series.rising,
    "agree": series.agree,
    "level": series.level,
    "density": zones.density,
    "inflow": zones.inflow,
    "video_count": zones.video_count,
    "standstill": zones.standstill,
    "seen": cameras.seen,
    "camera_health": cameras.camera_health,
    "together": joined.together,
}


def evaluate(bound: BoundRule, window: Window, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield (subject, finding) of each subject that the rule could judge; none where nothing came.

    Where nothing is wrong and the subject has no open anomaly, nothing would come of it: that may be left out.
    """
    if not _has(bound.rule.pattern, window):  # nearly always: most units are well, and most rules about other sensors
        return
    if window.unit is not None and window.unit.kind in bound.scenario.unit_kinds:
        yield from PATTERNS[bound.rule.pattern](bound, window, window.unit, is_open)


def _has(pattern: str, window: Window) -> bool:
    """Whether there is anything in the window that a pattern could look at."""
    cell = window.cell
    if pattern in {"density", "inflow", "standstill"}:
        return bool(cell.on_time.zones)
    if pattern in {"video_count", "seen", "camera_health"}:
        return bool(cell.on_time.cameras)
    return bool(cell.series) or (pattern == "together" and bool(cell.on_time.cameras))


__all__ = ["BoundRule", "Window", "bind_rules", "evaluate"]
