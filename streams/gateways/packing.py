"""Readings of a short while become packs, one or more for each unit: the records that sense is quick at (pure).

A pack's id is computed from what is in it, and all its times are absolute. So what is sent again after a crash is taken
for a repeat where the packs are cut as before, and else overwrites its own points; two readings that differ in device,
quantity, time or value never share an id.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from schemas import channels
from schemas.envelope import Headers, gateway_urn, write_envelope
from schemas.ids import Mode, is_id
from schemas.senml import MAX_READINGS, encode_pack
from schemas.senml_records import RELATIVE_BELOW, Pack
from schemas.times import SECOND_NS
from streams.delivery.records import Effect

MAX_PACK_BYTES = 400 * 1024  # as reckoned beforehand; a record takes 512 KiB
RECORD_BYTES = 48  # of a reading in a pack, beside its name and unit of measure
FROM = "vitals_from"  # where a gateway has it from
FAULT = "vitals_error"  # why a gateway could make no readings of it
MAX_TEXT_BYTES = 500
ENVELOPE = frozenset(("ce_specversion", "ce_id", "ce_source"))
OLDEST_NS = int(RELATIVE_BELOW) * SECOND_NS  # SenML knows earlier times only relative to those of the record
UnitOf = Callable[[str, int], str]  # device, event time (ns) -> unit
_encode = msgspec.json.Encoder().encode


class Origin(NamedTuple):
    """Who speaks, and how what is said is to be taken."""

    source: str | None  # ce_source; ``None``: the record had no envelope, and what is made of it has none either
    mode: Mode = "actual"
    is_backfill: bool = False


class Reading(NamedTuple):
    """One reading as ``encode_pack`` takes it."""

    name: str  # <device_id>/<quantity>
    unit: str | None  # of measure
    time_ns: int
    value: float | bool


@dataclass(slots=True)
class _Lane:
    """What becomes the packs of one unit and one origin."""

    readings: list[Reading] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)  # topic:partition -> first and last offset


class Packer:
    """Gathers readings and makes records of them."""

    def __init__(self, unit_of: UnitOf) -> None:
        self._unit_of = unit_of
        self._lanes: dict[tuple[Origin, str], _Lane] = defaultdict(_Lane)
        self._raw: list[tuple[Origin, bytes, Headers]] = []
        self.rows = 0  # gathered and not yet made records of

    def add(self, pack: Pack, origin: Origin, place: tuple[str, int] | None = None) -> None:
        """Take a pack's readings, good and bad; ``place`` is the ``topic:partition`` and offset that they came from."""
        self.rows += len(pack.names)
        for reading in readings_of(pack):
            lane = self._lanes[origin, self._unit_of(reading.name.partition("/")[0], reading.time_ns)]
            lane.readings.append(reading)
            if place is not None:
                where, offset = place
                first, last = lane.places.get(where, (offset, offset))
                lane.places[where] = min(first, offset), max(last, offset)
        for bad in pack.bad:
            self.add_raw(bad.value, origin, came_from=None if place is None else f"{place[0]}:{place[1]}")

    def add_raw(self, value: bytes, origin: Origin, *, came_from: str | None = None, fault: str | None = None) -> None:
        """Take what holds no reading: sense will say so, count it, and keep it as it came.

        Parameters
        ----------
        came_from, fault
            Where it came from and what is wrong with it, for whoever looks at the dead letter.
        """
        said = ((FROM, came_from), (FAULT, fault))
        self._raw.append((origin, value, tuple((name, _header(text)) for name, text in said if text is not None)))
        self.rows += 1

    def effects(self, now_ns: int) -> list[Effect]:
        """Return the records of all that was taken, those of a unit in the order in which it came, and forget it."""
        lanes, raw = self._lanes, self._raw
        self._lanes, self._raw, self.rows = defaultdict(_Lane), [], 0
        made: list[tuple[Origin, str, bytes, Headers]] = []
        for (origin, unit_id), lane in lanes.items():
            more = ((FROM, _header(_places(lane.places))),) if lane.places else ()
            made += [(origin, unit_id, value, more) for value in packs(lane.readings, now_ns)]
        made += [(origin, speaker(origin), value, more) for origin, value, more in raw]
        return [record(channels.READINGS, key, value, origin, now_ns, more) for origin, key, value, more in made]


def gateway(gateway_id: str, mode: Mode = "actual", *, is_backfill: bool = False) -> Origin:
    """Return the origin of what a gateway that has logged in says."""
    return Origin(gateway_urn(gateway_id), mode, is_backfill)


def speaker(origin: Origin) -> str:
    """Return the key of what belongs to no unit: the last part of its source."""
    last = (origin.source or "").rpartition(":")[2]
    return last if is_id(last) else "unknown"


def record(
    topic: str,
    unit_id: str,
    value: bytes,
    origin: Origin,
    now_ns: int,
    more: Headers = (),
    ident: str | None = None,
) -> Effect:
    """Return a record of a source topic; without ``ident`` its id is computed from key and value."""
    headers = write_envelope(
        id=content_id(unit_id, value) if ident is None else ident,
        source=origin.source or "",
        type=channels.EVENT_TYPES[topic],
        time_ns=now_ns,
        mode=origin.mode,
        is_backfill=origin.is_backfill,
    )
    if origin.source is None:
        headers = tuple((name, raw) for name, raw in headers if name not in ENVELOPE)
    return Effect(topic=topic, key=unit_id.encode(), value=value, headers=(*headers, *more))


def content_id(unit_id: str, value: bytes) -> str:
    """Return 32 hex digits that stand for a record's key and value."""
    return hashlib.blake2b(unit_id.encode() + b"\n" + value, digest_size=16).hexdigest()


def readings_of(pack: Pack) -> Iterator[Reading]:
    """Yield the readings of a pack that are good."""
    columns = zip(pack.names, pack.units, pack.times, pack.values, pack.booleans, strict=True)
    for name, unit, time_ns, value, boolean in columns:
        yield Reading(name, unit, time_ns, bool(value) if boolean else value)


def packs(readings: Iterable[Reading], now_ns: int) -> Iterator[bytes]:
    """Yield the values of one unit's packs, a device's readings together; ``now_ns`` is their records' ``ce_time``."""
    early: list[Reading] = []
    late: list[Reading] = []
    for one in readings:
        (late if one.time_ns >= OLDEST_NS else early).append(one)
    for chunk in _cut(sorted(late, key=lambda one: one.name.partition("/")[0])):
        yield encode_pack(chunk)
    for one in early:
        value = {"vb": one.value} if isinstance(one.value, bool) else {"v": one.value}
        unit = {} if one.unit is None else {"u": one.unit}
        yield _encode([{"n": one.name, "t": (one.time_ns - now_ns) / SECOND_NS, **unit, **value}])


def _cut(readings: list[Reading]) -> Iterator[list[Reading]]:
    """Yield the readings in lists that each fit a pack."""
    chunk: list[Reading] = []
    size = 0
    for one in readings:
        length = RECORD_BYTES + len(one.name) + len(one.unit or "") * 6  # a character may be written as \\uXXXX
        if chunk and (len(chunk) == MAX_READINGS or size + length > MAX_PACK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += length
    if chunk:
        yield chunk


def _places(places: dict[str, tuple[int, int]]) -> str:
    """Return ``vitals.readings.single:3:1024-1031``, one for each partition."""
    return " ".join(f"{where}:{first}-{last}" for where, (first, last) in sorted(places.items()))


def _header(text: str) -> bytes:
    printable = "".join(char if char.isprintable() else "?" for char in text[:MAX_TEXT_BYTES])
    return printable.encode()[:MAX_TEXT_BYTES]
