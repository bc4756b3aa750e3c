"""Recorded data published anew, at a chosen speed, with its times kept or shifted, and time itself told as it goes on.

Writes  vitals.readings, vitals.crowd      (key: unit_id)
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import msgspec

from schemas import channels
from schemas.crowd import MAX_CROWD_ROWS, CrowdRow
from schemas.envelope import gateway_urn, write_envelope
from schemas.files import Mapping
from schemas.ids import district_of
from schemas.registry import Device, Gateway, RegistryFile
from schemas.rows import encode_rows
from schemas.senml import MAX_READINGS, encode_pack
from schemas.times import SECOND_NS, format_time
from simulators.ordering import in_order
from simulators.outgoing import Outgoing
from simulators.recorded import Recording, Row, Tally
from simulators.sending import Sender, Sent
from simulators.simulate import Clock, WallClock

Progress = Callable[[int], Awaitable[None]]
PROGRESS_STEP_NS = SECOND_NS
PROGRESS_EVERY_S = 1.0
PROGRESS_AT_MOST_EVERY_S = 0.25  # a tick goes to every partition, and waits for what is on its way
COUNTS = ("people_count", "people_in", "people_out")


@dataclass(kw_only=True)
class Survey:
    """What is in the data, in the time asked for: whom to register, how much there is, from when to when (ns)."""

    registry: RegistryFile
    tally: Tally
    first_ns: int | None = None
    last_ns: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a replay publishes: whom to register, from when to when (ns; ``None``: nothing), and the records.

    ``records`` takes what to add to all times (ns).
    """

    registry: RegistryFile
    first_ns: int | None
    last_ns: int | None
    rows: int
    records: Callable[[int], Iterator[Outgoing]]


def source_of(recording: Recording, found: Survey) -> Source:
    """Return a recording that has been read once through as a replay takes it."""
    return Source(
        registry=found.registry,
        first_ns=found.first_ns,
        last_ns=found.last_ns,
        rows=found.tally.events,
        records=lambda shift_ns: events(recording, shift_ns=shift_ns),
    )


def registry_of(mapping: Mapping, data: Path) -> RegistryFile:
    """Return what the mapping names of the data: its unit, its devices, and the gateway that speaks for them."""
    return survey(Recording(mapping=mapping, data=data)).registry


def survey(recording: Recording) -> Survey:
    """Read the data once through.

    Raises
    ------
    RecordedDataError
        A file or a column is not there.
    """
    tally = Tally()
    measured: dict[str, set[int]] = {}  # by each device or zone, places in the mapping's values
    first = last = None
    for row in recording.rows(tally):
        first = row.time_ns if first is None else min(first, row.time_ns)
        last = row.time_ns if last is None else max(last, row.time_ns)
        measured.setdefault(row.thing, set()).update(place for place, _ in row.cells)
    return Survey(registry=_registry(recording.mapping, measured), tally=tally, first_ns=first, last_ns=last)


def _registry(mapping: Mapping, measured: dict[str, set[int]]) -> RegistryFile:
    gateway = Gateway(gateway_id=_gateway(mapping), districts=(district_of(mapping.unit.unit_id),))
    devices = () if mapping.target == channels.CROWD else tuple(_devices(mapping, measured))
    return RegistryFile(units=(mapping.unit,), devices=devices, gateways=(gateway,))


def _devices(mapping: Mapping, measured: dict[str, set[int]]) -> Iterator[Device]:
    for device_id, places in sorted(measured.items()):
        yield Device(
            device_id=device_id,
            unit_id=mapping.unit.unit_id,
            quantities=tuple(sorted({mapping.values[place].to for place in places})),
            interval_s=mapping.period_s,
            gateway_id=_gateway(mapping),
            lat=mapping.unit.lat,
            lon=mapping.unit.lon,
        )


def _gateway(mapping: Mapping) -> str:
    return f"{district_of(mapping.unit.unit_id)}-replay"


def events(recording: Recording, *, shift_ns: int = 0, tally: Tally | None = None) -> Iterator[Outgoing]:
    """Yield the records of the data in order of time, the rows of one time together; memory is bounded.

    Parameters
    ----------
    shift_ns
        Added to every time, and so part of the records' ids.
    tally
        Counts what became of the rows.
    """
    mapping = recording.mapping
    record = _crowd if mapping.target == channels.CROWD else _readings
    for time_ns, together in groupby(in_order(recording.rows(tally)), key=attrgetter("time_ns")):
        yield from record(mapping, list(together), time_ns + shift_ns)


def _readings(mapping: Mapping, rows: list[Row], time_ns: int) -> Iterator[Outgoing]:
    values = [(row.thing, mapping.values[place], value) for row in rows for place, value in row.cells]
    for at in range(0, len(values), MAX_READINGS):
        part = values[at : at + MAX_READINGS]
        pack = encode_pack((f"{thing}/{column.to}", column.unit, time_ns, value) for thing, column, value in part)
        yield _record(mapping, pack, len(part), time_ns, at)


def _crowd(mapping: Mapping, rows: list[Row], time_ns: int) -> Iterator[Outgoing]:
    for at in range(0, len(rows), MAX_CROWD_ROWS):
        part = [_crowd_row(mapping, row, format_time(time_ns)) for row in rows[at : at + MAX_CROWD_ROWS]]
        yield _record(mapping, encode_rows(part), len(part), time_ns, at)


def _crowd_row(mapping: Mapping, row: Row, time: str) -> CrowdRow:
    fields: dict[str, object] = {
        "zone_id": row.thing,
        "source": mapping.source,
        "time": time,
        "period_s": mapping.period_s,
    }
    for place, value in row.cells:
        name = mapping.values[place].to
        fields[name] = max(0, round(value)) if name in COUNTS else float(value)
    return msgspec.convert(fields, CrowdRow)


def _record(mapping: Mapping, value: bytes, rows: int, time_ns: int, part: int) -> Outgoing:
    unit_id = mapping.unit.unit_id
    headers = write_envelope(
        id=f"{mapping.name}-{time_ns}-{part}",
        source=gateway_urn(_gateway(mapping)),
        type=channels.EVENT_TYPES[mapping.target],
        time_ns=time_ns,
    )
    return Outgoing(
        topic=mapping.target, key=unit_id.encode(), value=value, headers=headers, rows=rows, time_ns=time_ns
    )  # fmt: skip


@dataclass(kw_only=True)
class ReplayReport:
    """What was published; times are those of the events as published (ns)."""

    sent: Sent = field(default_factory=Sent)
    first_ns: int | None = None
    last_ns: int | None = None


def shift_to(last_ns: int, now_ns: int) -> int:
    """Return what to add to all times so that the last row is now (to the second below)."""
    return (now_ns - last_ns) // SECOND_NS * SECOND_NS


async def replay(
    records: Iterable[Outgoing],
    sender: Sender,
    *,
    stop: asyncio.Event,
    speed: float | None = None,
    on_progress: Progress | None = None,
    clock: Clock | None = None,
) -> ReplayReport:
    """Publish records that come in order of time.

    Parameters
    ----------
    speed
        Seconds of data a second; ``None``: as fast as the broker confirms.
    on_progress
        Told the time (ns) before which all is confirmed and nothing more follows: what a ticker writes as its ticks.
        That is when the data is a second further, at most four times a second, and at a given speed also once a second
        while nothing is due. What follows the last of it is the caller's to tell.
    """
    clock = clock or WallClock()
    report = ReplayReport(sent=sender.sent)
    pace = _Pace(clock, stop, speed, on_progress, sender)
    for record in records:
        await pace.reach(record.time_ns)
        if stop.is_set():
            break
        await sender.send(record)
        report.first_ns = record.time_ns if report.first_ns is None else report.first_ns
        report.last_ns = record.time_ns
    await sender.drain()
    return report


class _Pace:
    """How far the data has come, and when its next time is due."""

    def __init__(
        self, clock: Clock, stop: asyncio.Event, speed: float | None, on_progress: Progress | None, sender: Sender
    ) -> None:
        self._clock, self._stop, self._speed = clock, stop, speed
        self._on_progress, self._sender = on_progress, sender
        self._began: tuple[int, int] | None = None  # data, clock
        self._told: tuple[int, int] | None = None  # data, clock

    async def reach(self, time_ns: int) -> None:
        """Return when data of ``time_ns`` is due, having told of the way there."""
        if self._began is None:
            self._began = time_ns, self._clock.now_ns()
        while self._speed is not None and not self._stop.is_set():
            data_ns, clock_ns = self._began
            now_ns = data_ns + round((self._clock.now_ns() - clock_ns) * self._speed)
            if now_ns >= time_ns:
                break
            await self._tell(now_ns)
            await self._clock.wait(min(PROGRESS_EVERY_S, (time_ns - now_ns) / self._speed / SECOND_NS), self._stop)
        await self._tell(time_ns)

    async def _tell(self, time_ns: int) -> None:
        if self._on_progress is None or self._stop.is_set():
            return
        if self._told is not None:
            data_ns, clock_ns = self._told
            is_early = self._clock.now_ns() < clock_ns + PROGRESS_AT_MOST_EVERY_S * SECOND_NS
            if is_early or time_ns < data_ns + PROGRESS_STEP_NS:
                return
        await self._sender.flush()
        await self._on_progress(time_ns)
        self._told = time_ns, self._clock.now_ns()
