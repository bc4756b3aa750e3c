"""Judge crowd rows, video rows and reports: place, camera, time; then into the windows."""

from __future__ import annotations

from schemas.catalogue import Catalogue
from schemas.crowd import CrowdRow
from schemas.envelope import Envelope
from schemas.ids import Mode
from schemas.judged import Judged
from schemas.refusals import Reason, RefusedError
from schemas.reports import Report
from schemas.rows import BadRow, decode_crowd, decode_report, decode_video
from schemas.times import format_time
from schemas.video import VideoRow
from streams.delivery.records import Record
from streams.registry.view import RegistryView
from streams.sense.outbox import Outbox
from streams.sense.readings import Tally, Times
from streams.sense.windows import People, Windows


class PeopleJudge:
    """Judges what is not a pack of readings; state is the windows."""

    def __init__(self, catalogue: Catalogue, registry: RegistryView, windows: list[Windows]) -> None:
        self._scenarios, self._registry, self._windows = catalogue.scenarios, registry, windows

    def crowd(self, record: Record, envelope: Envelope, unit_id: str, times: Times, outbox: Outbox) -> tuple[Tally, Judged | None]:
        """Judge a record of crowd rows; ``RefusedError`` if it is refused as a whole."""
        rows = decode_crowd(record.value)
        tally = _tally(record, outbox, len(rows.good) + len(rows.bad), rows.bad)
        unit = self._registry.units.get(unit_id)
        zones = {zone.zone_id for zone in unit.zones} if unit is not None else set()
        good: list[CrowdRow] = []
        late: list[CrowdRow] = []
        for row, index, time_ns in zip(rows.good, rows.index, rows.times, strict=True):
            if unit is None or row.zone_id not in zones:
                what = f"zone {row.zone_id} of unit {unit_id}" if unit is not None else f"unit {unit_id}"
                self._refuse(record, outbox, tally, Reason.UNKNOWN_PLACE, f"{what} is not in the registry", index)
            elif times.is_future(time_ns):
                self._refuse(record, outbox, tally, Reason.FUTURE, f"{format_time(time_ns)} is more than 5 min ahead", index)
            elif times.is_too_late(time_ns):
                late.append(row)
            else:
                good.append(row)
                self._add_crowd(unit_id, envelope.mode, row, time_ns, times, record.offset)
                tally.newest_ns = max(time_ns, tally.newest_ns or 0)
        if late:
            tally.late += len(late)
            outbox.late(_judged(record, unit_id, times, crowd=tuple(late), modes=(envelope.mode,) * len(late)))
        tally.judged += len(good)
        if not good:
            return tally, None
        return tally, _judged(record, unit_id, times, crowd=tuple(good), modes=(envelope.mode,) * len(good))

    def video(self, record: Record, unit_id: str, times: Times, outbox: Outbox) -> tuple[Tally, Judged | None]:
        """Judge a record of video rows; a camera is a device with the quantity ``video``."""
        rows = decode_video(record.value)
        tally = _tally(record, outbox, len(rows.good) + len(rows.bad), rows.bad)
        good: list[VideoRow] = []
        late: list[VideoRow] = []
        modes: list[Mode] = []
        late_modes: list[Mode] = []
        for row, index, time_ns in zip(rows.good, rows.index, rows.times, strict=True):
            camera = self._registry.device_at(row.camera_id, time_ns)
            if camera is None or "video" not in camera.quantities or camera.unit_id != unit_id:
                detail = f"camera {row.camera_id} is not registered in unit {unit_id} with the quantity video"
                self._refuse(record, outbox, tally, Reason.UNKNOWN_DEVICE, detail, index)
            elif times.is_future(time_ns):
                self._refuse(record, outbox, tally, Reason.FUTURE, f"{format_time(time_ns)} is more than 5 min ahead", index)
            elif times.is_too_late(time_ns):
                late.append(row)
                late_modes.append(camera.mode)
            else:
                good.append(row)
                modes.append(camera.mode)
                self._add_video(unit_id, camera.mode, camera.zone_id, row, time_ns, times, record.offset)
                tally.newest_ns = max(time_ns, tally.newest_ns or 0)
        if late:
            tally.late += len(late)
            outbox.late(_judged(record, unit_id, times, video=tuple(late), modes=tuple(late_modes)))
        tally.judged += len(good)
        return tally, _judged(record, unit_id, times, video=tuple(good), modes=tuple(modes)) if good else None

    def report(self, record: Record, envelope: Envelope, unit_id: str, times: Times, outbox: Outbox) -> tuple[Tally, Judged | None]:
        """Judge one report."""
        report, time_ns = decode_report(record.value)
        if report.unit_id != unit_id or unit_id not in self._registry.units:
            raise RefusedError(Reason.UNKNOWN_PLACE, f"unit {report.unit_id} is not in the registry, or not the key {unit_id}")
        if report.category != "other" and report.category not in self._scenarios:
            raise RefusedError(Reason.SCHEMA, f"category {report.category} is neither a scenario nor `other`")
        if times.is_future(time_ns):
            raise RefusedError(Reason.FUTURE, f"{format_time(time_ns)} is more than 5 min ahead of its record")
        judged = _judged(record, unit_id, times, reports=(report,), modes=(envelope.mode,))
        if times.is_too_late(time_ns):
            outbox.late(judged)
            return Tally(rows=1, late=1), None
        return Tally(rows=1, judged=1, newest_ns=time_ns), judged

    def _add_crowd(self, unit_id: str, mode: Mode, row: CrowdRow, time_ns: int, times: Times, offset: int) -> None:
        for people in self._people(unit_id, mode, time_ns - 1, times, time_ns):  # the period ends at ``time``
            zone = people.zone(f"{row.zone_id}/{row.source}")
            zone.add(time_ns, row.people_count, row.people_in, row.people_out, offset)

    def _add_video(
        self, unit_id: str, mode: Mode, zone_id: str | None, row: VideoRow, time_ns: int, times: Times, offset: int
    ) -> None:
        if row.counts is None or row.counts.person is None or row.health != "ok":
            return
        for people in self._people(unit_id, mode, time_ns, times, time_ns):
            people.camera(row.camera_id, zone_id).add(time_ns, row.counts.person, offset)

    def _people(self, unit_id: str, mode: Mode, place_ns: int, times: Times, time_ns: int) -> list[People]:
        if time_ns < times.watermark - times.grace_ns:
            return []
        cells = [windows.cell(unit_id, mode, place_ns) for windows in self._windows]
        return [cell.on_time if times.is_on_time(time_ns) else cell.late for cell in cells]

    @staticmethod
    def _refuse(record: Record, outbox: Outbox, tally: Tally, reason: Reason, detail: str, index: int) -> None:
        tally.dead += 1
        outbox.dead(record, reason, detail, index)


def _tally(record: Record, outbox: Outbox, rows: int, bad: list[BadRow]) -> Tally:
    for row in bad:
        outbox.dead(record, row.reason, row.detail, row.index, row.value)
    return Tally(rows=rows, dead=len(bad))


def _judged(
    record: Record,
    unit_id: str,
    times: Times,
    *,
    crowd: tuple[CrowdRow, ...] | None = None,
    video: tuple[VideoRow, ...] | None = None,
    reports: tuple[Report, ...] | None = None,
    modes: tuple[Mode, ...],
) -> Judged:
    return Judged(
        source=record.topic,
        partition=record.partition,
        offset=record.offset,
        unit_id=unit_id,
        total=0,
        backfill=times.is_backfill,
        crowd=crowd,
        video=video,
        reports=reports,
        modes=modes,
    )
