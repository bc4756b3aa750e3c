"""From a dead letter and a fix to the record that is sent again, or why there is none (pure)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from schemas import channels
from schemas.bounded import check_json
from schemas.envelope import Headers, gateway_urn
from schemas.ids import is_id
from schemas.refusals import Reason, RefusedError
from schemas.rows import decode_video
from schemas.senml import decode_pack
from schemas.times import SECOND_NS, format_time, parse_time
from streams.dead_letters.fix import Fix
from streams.dead_letters.letters import Letter
from streams.registry.view import RegistryView
from streams.topics import partition_for, partitions_of

NEVER = {
    Reason.BAD_FEEDBACK, Reason.BAD_ACTION, Reason.STORE_REFUSED, Reason.REPLAYED, Reason.BAD_SIGNATURE,
    Reason.UNDELIVERED,
}  # fmt: skip
KEPT = ("ce_specversion", "ce_source", "ce_type", "ce_time", "vitals_mode")


class NotRepairableError(Exception):
    """A letter cannot be sent again; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Repaired:
    """A record to send; ``topic`` is without namespace."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: Headers


def repaired(letter: Letter, fix: Fix, view: RegistryView | None = None) -> Repaired:
    """Return the record that takes a letter's place.

    Its unit is the fix's, or the one in which its device is registered by now (``view``), or that of its key.

    Its id is computed from the letter's source place, so that one sent twice is one. It is a backfill: stored, and
    scored where its window is still kept, but what it tells is past, and raises nothing.

    Raises
    ------
    NotRepairableError
        It is not a source's, has no unit, or its value is none that a fix could be applied to.
    """
    dead = letter.dead
    if dead.topic not in channels.SOURCES or dead.reason in NEVER:
        raise NotRepairableError(f"{dead.reason} of {dead.topic} is not sent again")
    value = _fixed(letter, fix)
    key = _unit_of(letter, value, view) if fix.unit_id is None else fix.unit_id.encode()
    if not key or not is_id(key.decode(errors="replace")):
        raise NotRepairableError("it has no unit: name one (--fix unit_id:)")
    return Repaired(
        topic=dead.topic,
        partition=partition_for(key, partitions_of(dead.topic)),
        key=key,
        value=value,
        headers=_headers(letter, fix),
    )


def _unit_of(letter: Letter, value: bytes, view: RegistryView | None) -> bytes | None:
    """Return the unit in which the devices of ``value`` stood at its times, where that is one; else the letter's key.

    Raises
    ------
    NotRepairableError
        A device is still not registered: sent again now, the letter would die again, and it is sent but once.
    """
    if view is None or letter.dead.reason is not Reason.UNKNOWN_DEVICE:
        return letter.key
    try:
        if letter.dead.topic == channels.READINGS:
            pack = decode_pack(value, parse_time(letter.dead.time))
            places = [(name.partition("/")[0], time_ns) for name, time_ns in zip(pack.names, pack.times, strict=True)]
        else:
            rows = decode_video(value)
            places = [(row.camera_id, time_ns) for row, time_ns in zip(rows.good, rows.times, strict=True)]
    except RefusedError:
        return letter.key
    units = set()
    for device_id, time_ns in places:
        device = view.device_at(device_id, time_ns)
        if device is None:
            raise NotRepairableError("its device is not registered at its time: see `vitals registry add-device`")
        units.add(device.unit_id)
    return units.pop().encode() if len(units) == 1 else letter.key


def _headers(letter: Letter, fix: Fix) -> Headers:
    headers = {name: raw for name, raw in letter.headers.items() if name in KEPT}
    headers["ce_specversion"] = b"1.0"
    headers["ce_id"] = f"dl:{letter.dead.ident}".encode()
    headers["ce_type"] = channels.EVENT_TYPES[letter.dead.topic].encode()
    if fix.gateway_id is not None:
        headers["ce_source"] = gateway_urn(fix.gateway_id).encode()
    headers.setdefault("ce_source", b"urn:vitals:dead-letters")
    # What is relative to the record's own time stays so: that was when it was refused.
    headers.setdefault("ce_time", letter.dead.time.encode())
    headers["vitals_backfill"] = b"true"
    return tuple(headers.items())


def _fixed(letter: Letter, fix: Fix) -> bytes:
    if fix == Fix(unit_id=fix.unit_id, gateway_id=fix.gateway_id):
        if not letter.dead.value:
            raise NotRepairableError("its value is empty")
        return letter.dead.value  # to the byte
    try:
        check_json(letter.dead.value)  # of bounded depth, before it is parsed
        found = json.loads(letter.dead.value)
    except (RefusedError, ValueError) as error:
        raise NotRepairableError(f"its value is no JSON, so no fix can be applied: {error}") from error
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise NotRepairableError("its value holds no rows, so no fix can be applied")
    change = _fix_readings if letter.dead.topic == channels.READINGS else _fix_rows
    try:
        change(rows, fix)
        return json.dumps(found, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, OverflowError) as error:
        raise NotRepairableError(f"the fix cannot be applied: {error}") from error


def _fix_readings(rows: list[dict[str, Any]], fix: Fix) -> None:
    """Change SenML records in place; names are resolved, so that a base name may be renamed too."""
    base = ""
    for row in rows:
        base = str(row.pop("bn", base))
        if "bt" in row:
            row["bt"] += fix.shift_s
        if not row.keys() & {"v", "vb", "vs", "vd", "n"}:
            continue
        device, _, quantity = (base + str(row.get("n", ""))).partition("/")
        quantity = fix.quantities.get(quantity, quantity)
        row["n"] = f"{fix.devices.get(device, device)}/{quantity}"
        if "t" in row and row["t"] >= 2**28:  # else it is relative (RFC 8428, 4.5.3)
            row["t"] += fix.shift_s
        if quantity in fix.measures:
            row["u"] = fix.measures[quantity]
        if quantity in fix.values and "v" in row:
            row["v"] = row["v"] * fix.values[quantity].factor + fix.values[quantity].offset


def _fix_rows(rows: list[dict[str, Any]], fix: Fix) -> None:
    """Change crowd rows, video rows or reports in place."""
    for row in rows:
        for name, renamed in (("camera_id", fix.devices), ("zone_id", fix.zones)):
            if name in row:
                row[name] = renamed.get(row[name], row[name])
        if fix.unit_id is not None and "unit_id" in row:
            row["unit_id"] = fix.unit_id
        if fix.shift_s and "time" in row:
            row["time"] = format_time(parse_time(row["time"]) + round(fix.shift_s * SECOND_NS))
