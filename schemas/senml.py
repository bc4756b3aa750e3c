"""Packs of readings: SenML (RFC 8428) in JSON, resolved to absolute names, times and values.

Our profile of the RFC:

- A resolved name is ``<device_id>/<quantity>``; both are ids.
- Numbers (``v``) and booleans (``vb``) only; a reading with ``vs``, ``vd``, ``s``, or under a ``bs``, is bad by itself.
- A record of base fields alone only sets them. It is no reading: neither good nor bad.
- A base field of a wrong type spoils the readings that inherit it, up to the record that sets it anew.
- ``bver`` other than 1 to 10, or not the same in all records that give it, refuses the pack, as section 4.4 asks.
- ``ut`` is accepted and ignored, like unknown labels; one that ends in ``_`` must be understood: it refuses the pack.
- Times are rounded to the microsecond, which is what a double holds of a time in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.bounded import MAX_SOURCE_BYTES, check_depth, check_text
from schemas.senml_records import (
    BASES,
    INT64,
    MAX_READINGS,
    MAX_SECONDS,
    NAME,
    NAMES,
    RELATIVE_BELOW,
    BadReading,
    Pack,
    Text,
    UnitText,
    check_labels,
    resolve_one_by_one,
    to_seconds,
)
from schemas.times import MAX_NS, MIN_NS, SECOND_NS

__all__ = ["MAX_READINGS", "BadReading", "Pack", "decode_pack", "encode_pack", "pack_of_one"]

DAY_NS = 86_400 * SECOND_NS
MIN_SECONDS = -MAX_SECONDS
MIN_VALUE, MAX_VALUE = float(-INT64), float(INT64)


class _Record(msgspec.Struct, gc=False):
    """One record, as the quick way reads it; a field of type ``UnsetType`` fails when it is there at all."""

    bn: Text | UnsetType = UNSET
    n: Text | UnsetType = UNSET
    bt: float | UnsetType = UNSET
    t: float | UnsetType = UNSET
    bu: UnitText | UnsetType = UNSET
    u: UnitText | UnsetType = UNSET
    bv: float | UnsetType = UNSET
    v: float | UnsetType = UNSET
    vb: bool | UnsetType = UNSET
    ut: float | UnsetType = UNSET
    bver: Literal[10] | UnsetType = UNSET
    bs: UnsetType = UNSET
    s: UnsetType = UNSET
    vs: UnsetType = UNSET
    vd: UnsetType = UNSET


_quick = msgspec.json.Decoder(Annotated[list[_Record], Meta(max_length=MAX_READINGS)])
_all_fields = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_encoder = msgspec.json.Encoder()


def decode_pack(raw: bytes, base_time_ns: int) -> Pack:
    """Resolve one pack.

    Parameters
    ----------
    raw
        The record's value.
    base_time_ns
        What times below 2**28 s are relative to: ``ce_time``, or else the record's timestamp.

    Returns
    -------
    Every reading either among the columns or in ``bad``, exactly once.

    Raises
    ------
    RefusedError
        The pack as a whole: ``too_large`` (bytes or records), ``undecodable`` (not JSON, bad UTF-8, NaN, too deep,
        empty), ``unknown_label`` (one that ends in ``_``), ``schema`` (not an array of objects, no readings, ``bver``).
    """
    check_text(raw, MAX_SOURCE_BYTES)
    if b'_"' in raw or b"\\" in raw:
        _refuse_unknown_labels(raw)
    try:
        records = _quick.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return resolve_one_by_one(raw, base_time_ns)
    if raw.count(b"{") > len(records) or raw.count(b"[") > 1:
        check_depth(raw)
    return _all_good(raw, records, base_time_ns) or resolve_one_by_one(raw, base_time_ns)


def _refuse_unknown_labels(raw: bytes) -> None:
    try:
        records = _all_fields.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # refused, or looked at one by one, later
    for record in records:
        check_labels(record)


def _all_good(raw: bytes, records: list[_Record], base_time_ns: int) -> Pack | None:  # noqa: C901, PLR0912 - hot loop
    """Resolve records none of which is at fault; ``None`` if one is, or if there is no reading."""
    name, seconds, unit, add = "", 0.0, None, 0.0
    names: list[str] = []
    units: list[str | None] = []
    times: list[int] = []
    values: list[float] = []
    booleans: list[bool] = []
    bare: list[int] = []
    for i, record in enumerate(records):
        if record.bn is not UNSET:
            name = record.bn
        if record.bt is not UNSET:
            seconds = record.bt
        if record.bu is not UNSET:
            unit = record.bu
        if record.bv is not UNSET:
            add = record.bv
        n, t, u, v = record.n, record.t, record.u, record.v
        if v is not UNSET:
            value = v + add
            if record.vb is not UNSET or not MIN_VALUE < value < MAX_VALUE:  # twofold, or beyond int64, or not finite
                return None
            booleans.append(False)
        elif record.vb is not UNSET:
            value = 1.0 if record.vb else 0.0
            booleans.append(True)
        else:
            bare.append(i)
            continue
        time = seconds if t is UNSET else seconds + t
        if not MIN_SECONDS < time < MAX_SECONDS:
            return None
        ns = round(time * 1_000_000) * 1_000
        if time < RELATIVE_BELOW:
            ns += base_time_ns
            if not MIN_NS <= ns < MAX_NS:
                return None
        names.append(name if n is UNSET else name + n)
        units.append(unit if u is UNSET else u)
        times.append(ns)
        values.append(value)
    if not _are_names(names) or (bare and not _only_bases(raw, bare)):
        return None
    taken = set(bare)
    index = [i for i in range(len(records)) if i not in taken] if bare else list(range(len(records)))
    return Pack(names, units, times, values, booleans, index)


def _only_bases(raw: bytes, places: list[int]) -> bool:
    records = _all_fields.decode(raw)
    return all(records[i] and records[i].keys() <= BASES for i in places)


def _are_names(names: list[str]) -> bool:
    """Whether there are names, all of them ``<device_id>/<quantity>``: one match for all is quicker than one each."""
    text = "\n".join(names) + "\n"
    return bool(names) and NAMES.fullmatch(text) is not None and text.count("\n") == len(names)


class _Out(msgspec.Struct, omit_defaults=True):
    """One record, as we write it."""

    bn: str = ""
    bt: int = 0
    n: str = ""
    u: str | None = None
    t: float = 0.0
    v: float | None = None
    vb: bool | None = None


def encode_pack(readings: Iterable[tuple[str, str | None, int, float | bool]]) -> bytes:
    """Return a compact pack of readings: (name, unit, time in ns, value) each.

    ``bn`` is written where the device changes, ``bt`` once a day; put a device's readings together to keep it short.
    ``decode_pack`` gives the same readings back, times to the microsecond.

    Raises
    ------
    ValueError
        No readings or too many, a name that is not ``<device_id>/<quantity>``, a time before 1978-07-04 (SenML would
        take it as relative) or after 2100, a value that is not finite.
    """
    records: list[_Out] = []
    base, last_device = 0, ""
    for name, unit, time_ns, value in readings:
        if NAME.fullmatch(name) is None:
            raise ValueError(f"name must be <device_id>/<quantity>, not {name!r}")
        to_seconds(time_ns)
        device, _, quantity = name.partition("/")
        record = _Out(n=quantity, u=unit)
        if not records or abs(time_ns - base * SECOND_NS) > DAY_NS:
            # Whole seconds and a small rest lose nothing in a double; below 2**28 it would be relative.
            base = record.bt = max(time_ns // SECOND_NS, int(RELATIVE_BELOW))
        if device != last_device:
            record.bn, last_device = f"{device}/", device
        since_base = round((time_ns - base * SECOND_NS) / 1_000)
        if since_base:
            record.t = since_base / 1_000_000
        if isinstance(value, bool):
            record.vb = value
        elif -INT64 <= value < INT64:
            record.v = value
        else:
            raise ValueError(f"{name}: value must be finite and within int64, not {value}")
        records.append(record)
    if not 0 < len(records) <= MAX_READINGS:
        raise ValueError(f"a pack holds 1 to {MAX_READINGS} readings, not {len(records)}")
    raw = _encoder.encode(records)
    if len(raw) > MAX_SOURCE_BYTES:
        raise ValueError(f"a pack has at most {MAX_SOURCE_BYTES} bytes, not {len(raw)}")
    return raw


def pack_of_one(name: str, unit: str | None, time_ns: int, value: float | bool) -> bytes:
    """Return a pack that holds one reading, resolved; raises as ``encode_pack``."""
    return encode_pack([(name, unit, time_ns, value)])
