"""From the body of a request to the records it becomes, or what is wrong with it, element by element (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from schemas import channels
from schemas.bounded import MAX_SOURCE_BYTES, check_text, raw_items
from schemas.catalogue import Quantity
from schemas.crowd import CrowdRow
from schemas.envelope import gateway_urn
from schemas.refusals import Reason, RefusedError
from schemas.rows import BadRow, decode_crowd, decode_report, decode_video, encode_rows
from schemas.senml_records import BadReading
from schemas.single import decode_readings
from schemas.video import VideoRow
from streams.delivery.records import Effect
from streams.gateways.packing import Origin, Reading, packs, readings_of, record
from streams.gateways.places import Places
from streams.registry.view import RegistryView

MAX_REPORTS = 256
MAX_SHOWN = 20  # elements that are named, of those at fault
WHAT = {"readings": channels.READINGS, "crowd": channels.CROWD, "video": channels.VIDEO, "reports": channels.REPORTS}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one element of a body; ``reason`` is the one that its dead letter would have, or has."""

    index: int
    reason: Reason
    detail: str


class BadBodyError(Exception):
    """A body that is refused as a whole: nothing of it was taken."""

    def __init__(self, reason: Reason, detail: str, faults: Iterable[Fault] = ()) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail
        self.faults = list(faults)[:MAX_SHOWN]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingest:
    """What a request asks for; ``ident`` begins the id of each record (``<ident>:<unit_id>``)."""

    what: str
    origin: Origin
    now_ns: int
    ident: str
    unit_id: str | None = None  # of crowd rows, where the zone alone does not say it


class _Value(NamedTuple):
    """One record's value, and how many elements of the body it holds."""

    unit_id: str
    value: bytes
    elements: int
    name: str | None = None  # what its id ends with, in place of the unit


Found = tuple[list[_Value], list[Fault]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The records of a body, how many elements they hold, and which of those sense will refuse, as things are now."""

    effects: list[Effect]
    elements: int
    warnings: list[Fault]


class Ingester:
    """Knows whose rows are whose, by a registry view that changes beside the work."""

    def __init__(self, view: RegistryView, quantities: Mapping[str, Quantity]) -> None:
        self._view, self._quantities = view, quantities
        self._places = Places(view)

    def take(self, asked: Ingest, body: bytes) -> Taken:
        """Return the records of a body.

        Raises
        ------
        BadBodyError
            It cannot be read, or an element of it cannot; ``faults`` names which.
        """
        try:
            match asked.what:
                case "readings":
                    values, warnings = self._readings(asked, body)
                case "crowd":
                    values, warnings = self._crowd(asked, body)
                case "video":
                    values, warnings = self._video(body)
                case _:
                    values, warnings = self._reports(body)
        except RefusedError as error:
            raise BadBodyError(error.reason, error.detail) from error
        return Taken(
            effects=[_record(asked, one, values) for one in values],
            elements=sum(one.elements for one in values),
            warnings=warnings[:MAX_SHOWN],
        )

    def _readings(self, asked: Ingest, body: bytes) -> Found:
        pack = decode_readings(body, asked.now_ns)
        _refuse_bad(pack.bad)
        by_unit: dict[str, list[Reading]] = {}
        warnings = []
        for index, reading in zip(pack.index, readings_of(pack), strict=True):
            device, _, quantity = reading.name.partition("/")
            by_unit.setdefault(self._places.of_device(device, reading.time_ns), []).append(reading)
            why = self._doubt(asked, device, quantity, reading)
            if why is not None:
                warnings.append(_fault(index, *why))
        values = []
        for unit_id, readings in by_unit.items():
            made = list(packs(readings, asked.now_ns))
            counts = [len(readings), *[0] * (len(made) - 1)]  # of a unit's packs together
            values += [_Value(unit_id, value, count) for value, count in zip(made, counts, strict=True)]
        return values, warnings

    def _doubt(self, asked: Ingest, device: str, quantity: str, reading: Reading) -> tuple[Reason, str] | None:
        """Return what sense will say against a reading, as far as it can be said here; sense alone judges."""
        newest = self._view.newest(device)
        if newest is None:
            return (
                Reason.UNKNOWN_DEVICE,
                f"device {device} is not registered; see `vitals registry add-device`",
            )
        owner, has = newest[1].gateway_id, newest[1].quantities
        if owner is not None and gateway_urn(owner) != asked.origin.source:
            return Reason.NOT_OWNER, f"device {device} is another gateway's"
        known = self._quantities.get(quantity)
        if known is None or quantity not in has:
            return Reason.UNKNOWN_QUANTITY, f"device {device} is registered with {', '.join(has)}, not {quantity}"
        if reading.unit not in {None, known.unit}:
            return Reason.WRONG_MEASURE, f"{quantity} is measured in {known.unit}, not {reading.unit}"
        if isinstance(reading.value, bool) != known.boolean:
            return Reason.WRONG_MEASURE, f"{quantity} must be {'true or false' if known.boolean else 'a number'}"
        return None

    def _crowd(self, asked: Ingest, body: bytes) -> Found:
        rows = decode_crowd(body)
        _refuse_bad(rows.bad)
        by_unit: dict[str, list[CrowdRow]] = {}
        warnings = []
        for i, row in enumerate(rows.good):
            units = self._places.of_zone(row.zone_id)
            if asked.unit_id is None and len(units) > 1:
                detail = f"zone {row.zone_id} is in {' and '.join(units[:3])}: say which by ?unit="
                raise BadBodyError(Reason.UNKNOWN_PLACE, detail, [_fault(i, Reason.UNKNOWN_PLACE, detail)])
            unit_id = asked.unit_id or (units[0] if units else row.zone_id)
            if unit_id not in units:
                warnings.append(_fault(i, Reason.UNKNOWN_PLACE, f"zone {row.zone_id} is not registered in {unit_id}"))
            by_unit.setdefault(unit_id, []).append(row)
        return [_Value(unit_id, encode_rows(some), len(some)) for unit_id, some in by_unit.items()], warnings

    def _video(self, body: bytes) -> Found:
        rows = decode_video(body)
        _refuse_bad(rows.bad)
        by_unit: dict[str, list[VideoRow]] = {}
        warnings = []
        for i, (row, time_ns) in enumerate(zip(rows.good, rows.times, strict=True)):
            newest = self._view.newest(row.camera_id)
            if newest is None or "video" not in newest[1].quantities:
                detail = f"camera {row.camera_id} is not registered with the quantity video"
                warnings.append(_fault(i, Reason.UNKNOWN_DEVICE, detail))
            by_unit.setdefault(self._places.of_device(row.camera_id, time_ns), []).append(row)
        return [_Value(unit_id, encode_rows(some), len(some)) for unit_id, some in by_unit.items()], warnings

    def _reports(self, body: bytes) -> Found:
        check_text(body, MAX_SOURCE_BYTES)
        text = body.strip()
        items = raw_items(b"[" + text + b"]" if text.startswith(b"{") else text)
        if not 0 < len(items) <= MAX_REPORTS:
            raise RefusedError(
                Reason.TOO_LARGE if items else Reason.SCHEMA, f"{len(items)} reports; 1 to {MAX_REPORTS}"
            )
        values, warnings, faults = [], [], []
        for i, item in enumerate(items):
            try:
                report, _ = decode_report(bytes(item))
            except RefusedError as error:
                faults.append(_fault(i, error.reason, error.detail))
                continue
            if report.unit_id not in self._view.units:
                warnings.append(_fault(i, Reason.UNKNOWN_PLACE, f"unit {report.unit_id} is not registered"))
            values.append(_Value(report.unit_id, bytes(item), 1, report.report_id))
        _refuse_any(faults)
        return values, warnings


def _fault(index: int, reason: Reason, detail: str) -> Fault:
    return Fault(index=index, reason=reason, detail=detail[:500])


def _refuse_bad(elements: Iterable[BadReading | BadRow]) -> None:
    _refuse_any(_fault(one.index, one.reason, one.detail) for one in elements)


def _refuse_any(faults: Iterable[Fault]) -> None:
    every = list(faults)
    if every:
        more = f" (and {len(every) - 1} more)" if len(every) > 1 else ""
        raise BadBodyError(every[0].reason, f"element {every[0].index}: {every[0].detail}{more}", every)


def _record(asked: Ingest, one: _Value, of: list[_Value]) -> Effect:
    """Return a value's record; of several with one key, as reports have, each has an id of its own."""
    name = one.name or one.unit_id
    same = [other for other in of if (other.name or other.unit_id) == name]
    place = next(i for i, other in enumerate(same) if other is one)
    ident = f"{asked.ident}:{name}" + (f":{place}" if place else "")
    return record(WHAT[asked.what], one.unit_id, one.value, asked.origin, asked.now_ns, ident=ident)
