"""Tumbling windows in event time: what came of each unit and mode, kept until the grace period is over.

A cell holds two views of the same rows: what came on time (rules are decided on it, so that late rows neither raise nor
clear) and everything (indicators are computed from it; a late row makes a new revision).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from streams.delivery.records import StateFormatError

VERSION = 1
BLOCK = "windows"
CellKey = tuple[str, str]  # unit, mode


class Aggregate(msgspec.Struct):
    """Readings of one quantity of a unit; ``worst`` and ``least`` name the series of the highest and lowest value."""

    n: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    last: float = 0.0
    last_ns: int = -1
    worst: str = ""
    least: str = ""

    def add(self, n: int, total: float, low: tuple[float, str], high: tuple[float, str], last: tuple[int, float]) -> None:
        """Take ``n`` readings at once; ties keep the name that sorts first, so that order does not matter."""
        if self.n == 0 or (high[0], low_first(high[1])) > (self.high, low_first(self.worst)):
            self.high, self.worst = high
        if self.n == 0 or (low[0], low[1]) < (self.low, self.least):
            self.low, self.least = low
        if last > (self.last_ns, self.last):
            self.last_ns, self.last = last
        self.n += n
        self.total += total


class SeriesWindow(msgspec.Struct):
    """One series of a quantity that rules look at, on-time readings only; ``offset`` is where the last one lies."""

    first_ns: int
    first: float
    last_ns: int
    last: float
    quality: float
    offset: int
    n: int = 1

    def add(self, time_ns: int, value: float, quality: float, offset: int) -> None:
        """Take one more reading, in any order of time."""
        if time_ns < self.first_ns:
            self.first_ns, self.first = time_ns, value
        if time_ns >= self.last_ns:
            self.last_ns, self.last, self.quality, self.offset = time_ns, value, quality, offset
        self.n += 1


class ZoneWindow(msgspec.Struct):
    """Crowd rows of one zone and source."""

    last_ns: int = -1
    count: int | None = None
    people_in: int = 0
    people_out: int = 0
    has_flow: bool = False
    n: int = 0
    offset: int = -1

    def add(self, time_ns: int, count: int | None, people_in: int | None, people_out: int | None, offset: int) -> None:
        """Take one row: counts present are the newest, flows add up."""
        if count is not None and time_ns >= self.last_ns:
            self.last_ns, self.count = time_ns, count
        self.has_flow = self.has_flow or people_in is not None or people_out is not None
        self.people_in += people_in or 0
        self.people_out += people_out or 0
        self.n += 1
        self.offset = max(self.offset, offset)


class CameraWindow(msgspec.Struct):
    """Video rows of one camera: the most persons in view at once."""

    zone_id: str | None
    persons: int = 0
    n: int = 0
    last_ns: int = -1
    offset: int = -1

    def add(self, time_ns: int, persons: int, offset: int) -> None:
        """Take one row."""
        self.persons = max(self.persons, persons)
        self.n += 1
        self.last_ns = max(self.last_ns, time_ns)
        self.offset = max(self.offset, offset)


class People(msgspec.Struct):
    """Crowd rows by ``<zone>/<source>`` and video rows by camera."""

    zones: dict[str, ZoneWindow] = {}
    cameras: dict[str, CameraWindow] = {}

    def zone(self, name: str) -> ZoneWindow:
        """Return the window of a zone and source, made if new."""
        return self.zones.setdefault(name, ZoneWindow())

    def camera(self, name: str, zone_id: str | None) -> CameraWindow:
        """Return the window of a camera, made if new."""
        return self.cameras.setdefault(name, CameraWindow(zone_id))


class Cell(msgspec.Struct):
    """All of one unit, mode and window."""

    quantities: dict[str, Aggregate] = {}
    series: dict[str, SeriesWindow] = {}
    on_time: People = msgspec.field(default_factory=People)
    late: People = msgspec.field(default_factory=People)
    revision: int = -1  # of what was published last
    is_decided: bool = False  # rules are decided once
    is_dirty: bool = True  # to be published (again)


class _Saved(msgspec.Struct):
    format: int
    start: int
    cells: dict[str, Cell]


class Windows:
    """The windows of one length; ``close`` yields what a watermark has passed, in (start, unit, mode) order."""

    def __init__(self, length_ns: int, grace_ns: int) -> None:
        self.length_ns, self._grace_ns = length_ns, grace_ns
        self._by_start: dict[int, dict[CellKey, Cell]] = {}
        self._dirty: set[int] = set()
        self._removed: set[int] = set()

    def cell(self, unit_id: str, mode: str, time_ns: int) -> Cell:
        """Return the cell that holds ``time_ns``, marked as changed."""
        start = time_ns - time_ns % self.length_ns
        self._dirty.add(start)
        cells = self._by_start.setdefault(start, {})
        cell = cells.setdefault((unit_id, mode), Cell())
        cell.is_dirty = True
        return cell

    def close(self, watermark: int) -> Iterator[tuple[int, str, str, Cell]]:
        """Yield (start, unit, mode, cell) of what changed in windows that end at or before ``watermark``; drop the old."""
        for start in sorted(self._by_start):
            end = start + self.length_ns
            if end > watermark:
                break
            for (unit_id, mode), cell in sorted(self._by_start[start].items()):
                if cell.is_dirty:
                    self._dirty.add(start)
                    yield start, unit_id, mode, cell
            if end + self._grace_ns <= watermark:
                del self._by_start[start]
                self._removed.add(start)

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield a block for each window that changed; an empty one for each that is gone."""
        for start in sorted(self._dirty & set(self._by_start)):
            cells = {f"{unit} {mode}": cell for (unit, mode), cell in self._by_start[start].items()}
            saved = _Saved(format=VERSION, start=start, cells=cells)
            yield f"{BLOCK}/{self.length_ns}/{start}", msgspec.msgpack.encode(saved)
        for start in sorted(self._removed):
            yield f"{BLOCK}/{self.length_ns}/{start}", b""
        self._dirty.clear()
        self._removed.clear()

    def restore_block(self, payload: bytes) -> None:
        """Take one block of this length."""
        try:
            saved = msgspec.msgpack.decode(payload, type=_Saved)
        except msgspec.MsgspecError as error:
            raise StateFormatError(f"block {BLOCK}: {error}") from error
        if saved.format != VERSION:
            raise StateFormatError(f"block {BLOCK} has format {saved.format}, this program reads {VERSION}")
        cells = {}
        for key, cell in saved.cells.items():
            unit_id, mode = key.split(" ")
            cells[unit_id, mode] = cell
        self._by_start[saved.start] = cells


def low_first(name: str) -> tuple[int, ...]:
    """Return a sort key by which, of two names, the one that sorts first is the greater."""
    return tuple(-ord(letter) for letter in name) + (1,)


def merged(on_time: People, late: People) -> People:
    """Return both as one: what indicators are computed from."""
    if not late.zones and not late.cameras:
        return on_time
    everything = msgspec.convert(msgspec.to_builtins(on_time), People)
    for name, more in late.zones.items():
        zone = everything.zone(name)
        if more.count is not None and more.last_ns > zone.last_ns:
            zone.last_ns, zone.count = more.last_ns, more.count
        zone.people_in += more.people_in
        zone.people_out += more.people_out
        zone.has_flow = zone.has_flow or more.has_flow
        zone.n += more.n
    for name, seen in late.cameras.items():
        camera = everything.camera(name, seen.zone_id)
        camera.persons = max(camera.persons, seen.persons)
        camera.n += seen.n
    return everything
