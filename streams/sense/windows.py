"""Tumbling windows in event time: what came of each unit and mode, kept until the grace period is over.

A cell holds two views of the same rows: what came on time (rules are decided on it, so that late rows neither raise nor
clear) and everything (indicators are computed from it; a late row makes a new revision). A revision is numbered by what
it holds, not by how often it was published: two lives of a worker that saw the topics in another order agree on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from streams.sense.blocks import Block, decode_block, shard_of

BLOCK = "windows"
SHARDS = 8
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

    def add(self, more: Aggregate) -> None:
        """Take more readings; ties keep the name that sorts first, so that order does not matter."""
        if self.n == 0 or (-more.high, more.worst) < (-self.high, self.worst):
            self.high, self.worst = more.high, more.worst
        if self.n == 0 or (more.low, more.least) < (self.low, self.least):
            self.low, self.least = more.low, more.least
        self.last_ns, self.last = max((self.last_ns, self.last), (more.last_ns, more.last))
        self.n += more.n
        self.total += more.total


class SeriesWindow(msgspec.Struct):
    """One series of a quantity that rules look at, on-time readings only; ``offset`` is where the last one lies."""

    first_ns: int
    first: float
    last_ns: int
    last: float
    quality: float
    offset: int
    n: int = 1
    low: float | None = None  # ``None``: as the first, saved before extremes were followed
    high: float | None = None
    low_ns: int = -1  # when the lowest came first
    high_ns: int = -1
    total: float = 0.0
    filled: int = 0  # readings before the first that are taken to have been like it

    @property
    def mean(self) -> float:
        """Return the mean of the window's readings, those before it was followed included."""
        return self.last if self.low is None else self.total / (self.n + self.filled)

    def fill(self, readings: int) -> None:
        """Count so many readings before the first as equal to it."""
        self.filled, self.total = self.filled + readings, self.total + readings * self.first

    @classmethod
    def of(cls, time_ns: int, value: float, quality: float, offset: int) -> SeriesWindow:
        """Return the window of one reading."""
        return cls(time_ns, value, time_ns, value, quality, offset, 1, value, value, time_ns, time_ns, value)

    def add(self, time_ns: int, value: float, quality: float, offset: int) -> None:
        """Take one more reading, in any order of time."""
        low = self.first if self.low is None else self.low
        high = self.first if self.high is None else self.high
        if (value, time_ns) < (low, self.low_ns):
            self.low, self.low_ns = value, time_ns
        if (-value, time_ns) < (-high, self.high_ns):
            self.high, self.high_ns = value, time_ns
        self.total += value
        if time_ns < self.first_ns:
            self.first_ns, self.first = time_ns, value
        if time_ns >= self.last_ns:
            self.last_ns, self.last, self.quality, self.offset = time_ns, value, quality, offset
        self.n += 1


class ZoneWindow(msgspec.Struct):
    """Crowd rows of one zone and source."""

    last_ns: int = -1  # of the count
    newest_ns: int = -1  # of any row
    count: int | None = None
    people_in: int = 0
    people_out: int = 0
    has_flow: bool = False
    n: int = 0
    offset: int = -1
    speed_ns: int = -1
    speed: float | None = None  # the newest mean speed, m/s
    longest_s: float = 0.0  # the longest period of a row with flows

    def add(
        self,
        time_ns: int,
        count: int | None,
        people_in: int | None,
        people_out: int | None,
        offset: int,
        speed: float | None = None,
        period_s: float = 0.0,
    ) -> None:
        """Take one row: counts and speeds are the newest, flows add up."""
        if people_in is not None or people_out is not None:
            self.longest_s = max(self.longest_s, period_s)
        if count is not None and time_ns >= self.last_ns:
            self.last_ns, self.count = time_ns, count
        self.has_flow = self.has_flow or people_in is not None or people_out is not None
        self.people_in += people_in or 0
        self.people_out += people_out or 0
        self.n += 1
        self.newest_ns = max(self.newest_ns, time_ns)
        self.offset = max(self.offset, offset)
        if speed is not None and time_ns >= self.speed_ns:
            self.speed_ns, self.speed = time_ns, speed


class Sight(msgspec.Struct):
    """Rows in which one camera saw one kind of thing with enough confidence."""

    n: int = 0
    first_ns: int = -1
    offset: int = -1  # where the last such row lies

    def add(self, time_ns: int, offset: int) -> None:
        """Take one row."""
        self.n += 1
        self.first_ns = time_ns if self.first_ns < 0 else min(self.first_ns, time_ns)
        self.offset = max(self.offset, offset)


class CameraWindow(msgspec.Struct):
    """Video rows of one camera: the most persons in view at once, what it saw, and how often it saw badly."""

    zone_id: str | None
    persons: int = 0
    n: int = 0  # rows with a count of persons
    last_ns: int = -1
    offset: int = -1
    rows: int = 0  # all of them
    unwell: int = 0  # rows of bad health: nothing else is taken of them
    sights: dict[str, Sight] = {}  # by ``sight_name``

    def add(self, time_ns: int, offset: int, *, persons: int | None, sights: Iterable[str], is_well: bool) -> None:
        """Take one row."""
        self.rows += 1
        self.last_ns = max(self.last_ns, time_ns)
        self.offset = max(self.offset, offset)
        if not is_well:
            self.unwell += 1
            return
        if persons is not None:
            self.persons = max(self.persons, persons)
            self.n += 1
        for name in sights:
            self.sights.setdefault(name, Sight()).add(time_ns, offset)


def sight_name(kind: str, confidence: float) -> str:
    """Return the name of what is seen with at least so much confidence."""
    return f"{kind}@{confidence:g}"


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
    revised: int = 0  # records that came when their own topic had passed the window's end


class Closed(NamedTuple):
    """A cell that the watermark has passed, in the order in which cells are closed."""

    end_ns: int
    length_ns: int
    unit_id: str
    mode: str
    cell: Cell

    @property
    def start_ns(self) -> int:
        """Return the begin of its window."""
        return self.end_ns - self.length_ns


class _Saved(Block):
    start: int
    cells: list[tuple[str, str, Cell]]  # unit, mode


class Windows:
    """The windows of one length."""

    def __init__(self, length_ns: int, grace_ns: int) -> None:
        self.length_ns, self._grace_ns = length_ns, grace_ns
        self._by_start: dict[int, dict[CellKey, Cell]] = {}
        self._dirty: set[tuple[int, int]] = set()  # start, shard
        self._removed: set[tuple[int, int]] = set()
        self._passed = 0  # the watermark of the topic whose record is judged
        self._revised: set[tuple[int, CellKey]] = set()  # by that record

    def begin_record(self, watermark: int) -> None:
        """Note what the next record's topic-partition has passed: into windows before that, the record comes late."""
        self._passed = watermark
        self._revised.clear()

    def cell(self, unit_id: str, mode: str, time_ns: int) -> Cell:
        """Return the cell that holds ``time_ns``, marked as changed."""
        start = time_ns - time_ns % self.length_ns
        place = (start, shard_of(unit_id, SHARDS))
        self._dirty.add(place)
        self._removed.discard(place)
        cells = self._by_start.setdefault(start, {})
        cell = cells.get((unit_id, mode))
        if cell is None:
            cell = cells[unit_id, mode] = Cell()
        cell.is_dirty = True
        if start + self.length_ns <= self._passed and (start, (unit_id, mode)) not in self._revised:
            self._revised.add((start, (unit_id, mode)))
            cell.revised += 1
        return cell

    def before(self, closed: Closed) -> Cell | None:
        """Return the cell of the window before one that is being closed, of the same unit and mode."""
        return self._by_start.get(closed.start_ns - self.length_ns, {}).get((closed.unit_id, closed.mode))

    def due(self, watermark: int) -> list[Closed]:
        """Return what has changed in windows that end at or before ``watermark``; who closes a cell makes it clean."""
        found = []
        for start, cells in self._by_start.items():
            end = start + self.length_ns
            if end <= watermark:
                found += [Closed(end, self.length_ns, *key, cell) for key, cell in cells.items() if cell.is_dirty]
        self._dirty |= {(closed.start_ns, shard_of(closed.unit_id, SHARDS)) for closed in found}
        return found

    def drop(self, watermark: int) -> None:
        """Forget windows for which not even a late row can come any more.

        One that ends where the grace period begins is kept: a row at that very time may belong to it; and one whose
        next window is not decided yet: patterns look back.
        """
        kept_ns = self.length_ns + max(self._grace_ns, self.length_ns)
        for start in [start for start in self._by_start if start + kept_ns < watermark]:
            for unit_id, _ in self._by_start.pop(start):
                place = (start, shard_of(unit_id, SHARDS))
                self._dirty.discard(place)
                self._removed.add(place)

    def changed_blocks(self) -> Iterator[tuple[str, bytes]]:
        """Yield a block for each window and shard that changed; an empty one for each that is gone."""
        for start, shard in sorted(self._removed):
            yield self._name(start, shard), b""
        for start, shard in sorted(self._dirty):
            cells = [
                (unit, mode, cell)
                for (unit, mode), cell in self._by_start[start].items()
                if shard_of(unit, SHARDS) == shard
            ]
            yield self._name(start, shard), msgspec.msgpack.encode(_Saved(start=start, cells=cells))
        self._dirty.clear()
        self._removed.clear()

    def restore_block(self, name: str, payload: bytes) -> None:
        """Take one block of this length."""
        saved = decode_block(name, payload, _Saved)
        cells = self._by_start.setdefault(saved.start, {})
        for unit_id, mode, cell in saved.cells:
            cell.revised = max(cell.revised, cell.revision)  # written before revisions were numbered by their content
            cells[unit_id, mode] = cell

    def _name(self, start: int, shard: int) -> str:
        return f"{BLOCK}/{self.length_ns}/{start}/{shard}"


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
        zone.longest_s = max(zone.longest_s, more.longest_s)
        if more.speed_ns > zone.speed_ns:
            zone.speed_ns, zone.speed = more.speed_ns, more.speed
    for name, seen in late.cameras.items():
        camera = everything.camera(name, seen.zone_id)
        camera.persons = max(camera.persons, seen.persons)
        camera.n += seen.n
    return everything
