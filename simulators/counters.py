"""Crowd counters and cameras: the rows that each unit's zones and cameras send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.crowd import CrowdRow
from schemas.registry import Device, Unit, Zone
from schemas.times import SECOND_NS, format_time
from schemas.video import CameraHealth, VideoCounts, VideoEvent, VideoRow
from simulators.fleet import phase_of
from simulators.noise import normal, streams_of
from simulators.people import Overlay, People, crowd_row, untouched
from simulators.signals import local_hour

CROWD_PERIOD_S = 60
INJECTED_PERIOD_S = 5
VIDEO = "video"


@dataclass(frozen=True, slots=True)
class _Place:
    """The zones of one unit, by their places in ``People``; how often they are counted and when."""

    unit_id: str
    zones: tuple[int, ...]
    period_s: int
    phase: int


@dataclass(frozen=True, slots=True)
class _Camera:
    """One camera: its zone's place in ``People`` (``None``: in no zone), and which of the zone's cameras it is."""

    camera_id: str
    zone: int | None
    number: int
    stream: int  # place among the cameras


Seen = Callable[[str, int], tuple[tuple[VideoEvent, ...], CameraHealth]]  # camera_id, second -> events, health


def nothing_seen(_camera_id: str, _second: int) -> tuple[tuple[VideoEvent, ...], CameraHealth]:
    """Return an ordinary picture."""
    return (), "ok"


class Counters:
    """Counts of people, from counters in zones and from cameras.

    Parameters
    ----------
    injected
        Units whose zones are counted every 5 s.
    overlay
        What the scenarios do to the zones' counts.
    seen
        What the scenarios put before the cameras.
    """

    def __init__(
        self,
        seed: int,
        units: Sequence[Unit],
        devices: Sequence[Device],
        injected: Collection[str] = (),
        overlay: Overlay = untouched,
        seen: Seen = nothing_seen,
    ) -> None:
        self._seen = seen
        self._zones: list[Zone] = [zone for unit in units for zone in unit.zones]
        self._people = People(seed, self._zones, overlay)
        place_of = {zone.zone_id: place for place, zone in enumerate(self._zones)}
        self._places = list(_places(seed, units, injected, place_of))
        self._cameras: dict[int, dict[int, dict[str, list[_Camera]]]] = {}
        self._per_zone: dict[int, int] = defaultdict(int)
        cameras = [device for device in devices if VIDEO in device.quantities]
        self._camera_streams = streams_of(seed, [device.device_id for device in cameras])
        for place, device in enumerate(cameras):
            self._add_camera(seed, device, place, place_of)

    def _add_camera(self, seed: int, device: Device, stream: int, place_of: dict[str, int]) -> None:
        zone = None if device.zone_id is None else place_of[device.zone_id]
        number = 0
        if zone is not None:
            number = self._per_zone[zone]
            self._per_zone[zone] += 1
        interval_s = max(1, round(device.interval_s))
        phases = self._cameras.setdefault(interval_s, {})
        units = phases.setdefault(phase_of(seed, device.unit_id, interval_s), {})
        units.setdefault(device.unit_id, []).append(_Camera(device.device_id, zone, number, stream))

    def crowd(self, second: int) -> Iterator[tuple[str, list[CrowdRow]]]:
        """Yield each unit whose counts are due at ``second``, with its rows."""
        time = format_time(second * SECOND_NS)
        for place in self._places:
            if second % place.period_s != place.phase:
                continue
            counts = self._people.counted(place.zones, second, place.period_s)
            yield (
                place.unit_id,
                [
                    crowd_row(self._zones[zone], "wifi", time, place.period_s, count)
                    for zone, count in zip(place.zones, counts, strict=True)
                ],
            )

    def video(self, second: int) -> Iterator[tuple[str, int, list[VideoRow]]]:
        """Yield each unit whose cameras are due at ``second``, with the cameras' interval (s) and their rows.

        The cameras of a zone share its persons among them: their sum is the zone's count.
        """
        time = format_time(second * SECOND_NS)
        due = [
            (unit, interval_s, cameras)
            for interval_s, phases in self._cameras.items()
            for unit, cameras in phases.get(second % interval_s, {}).items()
        ]
        zones = sorted({camera.zone for _, _, cameras in due for camera in cameras if camera.zone is not None})
        present = dict(zip(zones, self._people.present(zones, second), strict=True))
        streams = [camera.stream for _, _, cameras in due for camera in cameras]
        passing = iter(self._passing(streams, second))
        for unit, interval_s, cameras in due:
            rows = [self._row(camera, time, present, next(passing), second) for camera in cameras]
            yield unit, interval_s, rows

    def _row(self, camera: _Camera, time: str, present: dict[int, int], passing: int, second: int) -> VideoRow:
        events, health = self._seen(camera.camera_id, second)
        if camera.zone is None:
            counts = VideoCounts(person=passing, vehicle=passing // 2, bicycle=passing // 3, ebike=passing // 4)
        else:
            share, rest = divmod(present[camera.zone], self._per_zone[camera.zone])
            counts = VideoCounts(person=share + (camera.number < rest))
        return VideoRow(camera_id=camera.camera_id, time=time, counts=counts, events=events, health=health)

    def _passing(self, streams: Sequence[int], second: int) -> list[int]:
        """Return the passers-by that each camera sees: few before dawn, some six in the afternoon."""
        usual = 3.0 + 3.0 * np.cos((local_hour(second) - 15.0) * np.pi / 12)
        seen = usual + 1.5 * normal(self._camera_streams[np.asarray(streams, dtype=np.intp)], second, 3)
        return [int(n) for n in np.clip(np.round(seen), 0, 40)]


def _places(seed: int, units: Sequence[Unit], injected: Collection[str], place_of: dict[str, int]) -> Iterator[_Place]:
    for unit in units:
        if not unit.zones:
            continue
        period_s = INJECTED_PERIOD_S if unit.unit_id in injected else CROWD_PERIOD_S
        zones = tuple(place_of[zone.zone_id] for zone in unit.zones)
        yield _Place(unit.unit_id, zones, period_s, phase_of(seed, unit.unit_id, period_s))
