"""Patterns of single cameras: something that stays in view, and a camera that no longer sees well."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import channels
from schemas.anomalies import Evidence
from schemas.registry import Unit
from schemas.rules import CameraRule, SeenRule
from streams.sense.anomalies import Finding
from streams.sense.rules.bound import BoundRule, IsOpen, Window
from streams.sense.windows import CameraWindow, sight_name


def seen(bound: BoundRule, window: Window, _: Unit, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield whether each camera saw one of the kinds in a large enough share of its rows.

    What is not in view any more clears by rows without it: a blind camera's rows say nothing.
    """
    rule = bound.rule
    assert isinstance(rule, SeenRule)
    names = [sight_name(kind, rule.confidence) for kind in rule.kinds]
    for camera_id, camera in sorted(window.cell.on_time.cameras.items()):
        sighted = camera.rows - camera.unwell
        if sighted == 0 or not (camera.sights or is_open(camera_id)):
            continue
        most = max((camera.sights[name].n for name in names if name in camera.sights), default=0)
        share = most / sighted
        severity = rule.score if most >= rule.at_least and share >= rule.share else 0.0
        relaxed = rule.score if most > 0 else 0.0  # in view for a part of the window: not gone yet
        evidence = [_row(window, camera_id, camera, share)]
        yield camera_id, window.finding(severity, relaxed, share, good=sighted, evidence=evidence)


def camera_health(bound: BoundRule, window: Window, _: Unit, is_open: IsOpen) -> Iterator[tuple[str, Finding]]:
    """Yield whether each camera saw badly in most of its rows, or sent none where it sent some in the window before."""
    rule = bound.rule
    assert isinstance(rule, CameraRule)
    now = window.cell.on_time.cameras
    for camera_id, camera in sorted(now.items()):
        if camera.rows == 0:  # saved before all rows were counted
            continue
        share = camera.unwell / camera.rows
        severity = rule.score if share >= rule.share else 0.0
        if severity or is_open(camera_id):
            evidence = [_row(window, camera_id, camera, share)]
            relaxed = rule.score if camera.unwell else 0.0
            yield camera_id, window.finding(severity, relaxed, share, good=camera.rows, evidence=evidence)
    before = {} if window.before is None else window.before.on_time.cameras
    for camera_id, camera in sorted(before.items()):
        if camera_id not in now and now and camera.rows > 1:  # others speak: it is this one that is silent
            evidence = [_row(window, camera_id, camera, 1.0)]
            yield camera_id, window.finding(rule.score, rule.score, 1.0, good=0, evidence=evidence)


def _row(window: Window, camera_id: str, camera: CameraWindow, value: float) -> Evidence:
    return window.evidence(channels.VIDEO, camera.offset, camera_id, camera.last_ns, value)
