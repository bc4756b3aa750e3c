"""Readings as simple devices send them: JSON objects of one reading each, or SenML; alone or in an array.

``{"device_id": "hp-noise-7", "quantity": "LAeq", "value": 61.5, "time": "2026-01-01T00:00:00Z", "unit": "dB"}``, of
which ``time`` and ``unit`` may be left out: without a time it is that of the record.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from schemas.bounded import MAX_SOURCE_BYTES, check_depth, check_text
from schemas.ids import Id
from schemas.refusals import Reason, RefusedError
from schemas.senml import MAX_VALUE, MIN_VALUE, decode_pack
from schemas.senml_records import MAX_READINGS, BadReading, Pack, UnitText
from schemas.times import Time, parse_time


class SingleReading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reading of one quantity of one device."""

    device_id: Annotated[Id, Meta(description="the device, as registered")]
    quantity: Annotated[Id, Meta(description="what it measures, by its name in the catalogue")]
    value: Annotated[float | bool, Meta(description="a number, or true or false for alarms and switches")]
    time: Annotated[Time | None, Meta(description="event time; without it that of the record")] = None
    unit: Annotated[UnitText | None, Meta(description="unit of measure; the catalogue's, where it is given")] = None


_items = msgspec.json.Decoder(list[Raw])
_fields = msgspec.json.Decoder(dict[str, Raw])
_single = msgspec.json.Decoder(SingleReading)
_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_readings(raw: bytes, base_time_ns: int) -> Pack:
    """Resolve readings of either form: an object, or an array of 1 to 4,096 objects; the first one says which form.

    Parameters
    ----------
    raw
        At most 512 KiB.
    base_time_ns
        The time of a reading without one, and what SenML's relative times are relative to.

    Raises
    ------
    RefusedError
        As ``decode_pack``: nothing of it can be used.
    """
    check_text(raw, MAX_SOURCE_BYTES)
    text = raw.strip()
    if text.startswith(b'{"device_id"'):  # what most single records are, read at once
        pack = Pack([], [], [], [], [], [])
        _take(pack, 0, text, base_time_ns)
        if pack.names:
            return pack
    array = b"[" + text + b"]" if text.startswith(b"{") else text
    check_depth(array)
    items = _plain_items(array)
    return decode_pack(array, base_time_ns) if items is None else _plain(items, base_time_ns)


def _plain_items(array: bytes) -> list[Raw] | None:
    """Return the elements where the first one is of the plain form, else ``None``."""
    try:
        items = _items.decode(array)
        return items if items and "device_id" in _fields.decode(items[0]) else None
    except _FAULTS:
        return None


def _plain(items: list[Raw], base_time_ns: int) -> Pack:
    if len(items) > MAX_READINGS:
        raise RefusedError(Reason.TOO_LARGE, f"{len(items)} readings; at most {MAX_READINGS}")
    pack = Pack([], [], [], [], [], [])
    for i, item in enumerate(items):
        fault = _take(pack, i, item, base_time_ns)
        if fault is not None:
            reason, detail = fault
            pack.bad.append(BadReading(i, reason, detail[:500], b"[" + bytes(item) + b"]"))
    return pack


def _take(pack: Pack, index: int, item: bytes | Raw, base_time_ns: int) -> tuple[Reason, str] | None:
    """Add one reading to a pack, or return what is wrong with it."""
    try:
        reading = _single.decode(item)
    except _FAULTS as error:
        return Reason.SCHEMA, str(error)
    try:
        time_ns = base_time_ns if reading.time is None else parse_time(reading.time)
    except ValueError as error:
        return Reason.BAD_VALUE, f"time: {error}"
    if not MIN_VALUE < reading.value < MAX_VALUE:
        return Reason.BAD_VALUE, f"value: {reading.value} is beyond int64"
    pack.names.append(f"{reading.device_id}/{reading.quantity}")
    pack.units.append(reading.unit)
    pack.times.append(time_ns)
    pack.values.append(float(reading.value))
    pack.booleans.append(isinstance(reading.value, bool))
    pack.index.append(index)
    return None
