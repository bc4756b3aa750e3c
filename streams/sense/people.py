"""Judge crowd rows, video rows and reports: place, camera, time; then into the windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schemas import channels
from schemas.catalogue import Catalogue
from schemas.crowd import CrowdRow
from schemas.ids import Mode
from schemas.judged import Judged
from schemas.refusals import Reason, RefusedError
from schemas.rows import Rows, decode_crowd, decode_report, decode_video, encode_rows
from schemas.rules import sights_of
from schemas.times import format_time
from schemas.video import VideoRow
from streams.registry.view import RegistryView
from streams.sense.judging import Judging
from streams.sense.reported import reported
from streams.sense.windows import People, Windows, sight_name

R = TypeVar("R", CrowdRow, VideoRow)


@dataclass(slots=True)
class _Sorted(Generic[R]):
    """Rows of one record that may be judged, and those that are too late, with the mode of each."""

    good: list[R] = field(default_factory=list)
    modes: list[Mode] = field(default_factory=list)
    late: list[R] = field(default_factory=list)
    late_modes: list[Mode] = field(default_factory=list)


class PeopleJudge:
    """Judges what is not a pack of readings; state is the windows."""

    def __init__(self, catalogue: Catalogue, registry: RegistryView, windows: list[Windows]) -> None:
        self._scenarios, self._registry, self._windows = catalogue.scenarios, registry, windows
        rules = [rule for scenario in catalogue.scenarios.values() for rule in scenario.rules]
        self._sights = sorted({sight for rule in rules for sight in sights_of(rule)})

    def crowd(self, judging: Judging) -> Judged | None:
        """Judge a record of crowd rows; ``RefusedError`` if it is refused as a whole."""
        rows = decode_crowd(judging.record.value)
        _begin(judging, rows)
        found = _Sorted[CrowdRow]()
        for row, index, time_ns in zip(rows.good, rows.index, rows.times, strict=True):
            fault = self._crowd_fault(judging.unit_id, row, time_ns)
            if fault is not None:
                judging.refuse(Reason.UNKNOWN_PLACE, fault, index, encode_rows([row]))
            elif _is_judged(judging, row, index, time_ns, judging.envelope.mode, found):
                self._add_crowd(judging, row, time_ns)
        _set_aside(judging, crowd=tuple(found.late), modes=tuple(found.late_modes))
        return judging.judged(crowd=tuple(found.good), modes=tuple(found.modes)) if found.good else None

    def video(self, judging: Judging) -> Judged | None:
        """Judge a record of video rows; a camera is a device with the quantity ``video``."""
        rows = decode_video(judging.record.value)
        _begin(judging, rows)
        found = _Sorted[VideoRow]()
        for row, index, time_ns in zip(rows.good, rows.index, rows.times, strict=True):
            camera = self._registry.device_at(row.camera_id, time_ns)
            if camera is None or "video" not in camera.quantities or camera.unit_id != judging.unit_id:
                detail = f"camera {row.camera_id} is not registered in unit {judging.unit_id} with the quantity video"
                judging.refuse(Reason.UNKNOWN_DEVICE, detail, index, encode_rows([row]))
            elif _is_judged(judging, row, index, time_ns, camera.mode, found):
                self._add_video(judging, camera.mode, camera.zone_id, row, time_ns)
        _set_aside(judging, video=tuple(found.late), modes=tuple(found.late_modes))
        return judging.judged(video=tuple(found.good), modes=tuple(found.modes)) if found.good else None

    def report(self, judging: Judging) -> Judged | None:
        """Judge one report; ``RefusedError`` if it is refused."""
        report, time_ns = decode_report(judging.record.value)
        unit_id = judging.unit_id
        if report.unit_id != unit_id or self._registry.unit_at(unit_id, time_ns) is None:
            detail = f"unit {report.unit_id} is not in the registry, or not the key {unit_id}"
            raise RefusedError(Reason.UNKNOWN_PLACE, detail)
        if report.category not in self._scenarios:
            raise RefusedError(Reason.SCHEMA, f"category {report.category} is neither a scenario nor `other`")
        if time_ns > judging.latest_ns:
            raise RefusedError(Reason.FUTURE, f"{format_time(time_ns)} is more than 5 min ahead of its record")
        judging.tally.rows = 1
        judged = judging.judged(reports=(report,), modes=(judging.envelope.mode,))
        if judging.is_too_late(time_ns):
            judging.set_aside(judged, 1)
            return None
        judging.take(1, time_ns)
        if not judging.envelope.is_backfill:
            judging.outbox.anomaly(reported(report, time_ns, judging, self._scenarios[report.category].reports))
        return judged

    def _crowd_fault(self, unit_id: str, row: CrowdRow, time_ns: int) -> str | None:
        unit = self._registry.unit_at(unit_id, time_ns)
        if unit is None:
            return f"unit {unit_id} is not in the registry"
        if all(zone.zone_id != row.zone_id for zone in unit.zones):
            return f"zone {row.zone_id} of unit {unit_id} is not in the registry"
        return None

    def _add_crowd(self, judging: Judging, row: CrowdRow, time_ns: int) -> None:
        # The period ends at ``time``: at the very end of a window, it belongs to that one. Before 1970 there is none.
        for people in self._people(judging, judging.envelope.mode, time_ns, max(time_ns - 1, 0)):
            zone = people.zone(f"{row.zone_id}/{row.source}")
            zone.add(
                time_ns,
                row.people_count,
                row.people_in,
                row.people_out,
                judging.record.offset,
                row.mean_speed_mps,
                row.period_s,
            )

    def _add_video(self, judging: Judging, mode: Mode, zone_id: str | None, row: VideoRow, time_ns: int) -> None:
        persons = None if row.counts is None else row.counts.person
        sights = [
            sight_name(kind, confidence)
            for kind, confidence in (self._sights if row.events else ())
            if any(event.kind == kind and event.confidence >= confidence for event in row.events)
        ]
        offset, is_well = judging.record.offset, row.health == "ok"
        for people in self._people(judging, mode, time_ns, time_ns):
            camera = people.camera(row.camera_id, zone_id)
            camera.add(time_ns, offset, persons=persons, sights=sights, is_well=is_well)

    def _people(self, judging: Judging, mode: Mode, time_ns: int, place_ns: int) -> list[People]:
        """Return what a row enters: the windows that hold ``place_ns``, on time as long as these cannot have closed."""
        if time_ns < judging.oldest_ns:
            judging.tally.unscored += 1
            return []
        cells = [windows.cell(judging.unit_id, mode, place_ns) for windows in self._windows]
        return [cell.on_time if judging.is_on_time(place_ns) else cell.late for cell in cells]


def count_rows(topic: str, raw: bytes) -> int:
    """Return how many rows a record of crowd, video or reports holds; ``RefusedError`` if it is refused as a whole."""
    if topic == channels.CROWD:
        crowd = decode_crowd(raw)
        return len(crowd.good) + len(crowd.bad)
    if topic == channels.VIDEO:
        video = decode_video(raw)
        return len(video.good) + len(video.bad)
    return 1


def _begin(judging: Judging, rows: Rows[CrowdRow] | Rows[VideoRow]) -> None:
    judging.tally.rows = len(rows.good) + len(rows.bad)
    for bad in rows.bad:
        judging.refuse(bad.reason, bad.detail, bad.index, bad.value)


def _is_judged(judging: Judging, row: R, index: int, time_ns: int, mode: Mode, found: _Sorted[R]) -> bool:
    """Sort a row of a known place by its time; return whether it is judged."""
    if time_ns > judging.latest_ns:
        detail = f"{format_time(time_ns)} is more than 5 min ahead of its record"
        rows = [row]
        judging.refuse(Reason.FUTURE, detail, index, encode_rows(rows))
        return False
    if judging.is_too_late(time_ns):
        found.late.append(row)
        found.late_modes.append(mode)
        return False
    found.good.append(row)
    found.modes.append(mode)
    judging.take(1, time_ns)
    return True


def _set_aside(
    judging: Judging,
    *,
    crowd: tuple[CrowdRow, ...] | None = None,
    video: tuple[VideoRow, ...] | None = None,
    modes: tuple[Mode, ...],
) -> None:
    if modes:
        judging.set_aside(judging.judged(crowd=crowd, video=video, modes=modes), len(modes))
