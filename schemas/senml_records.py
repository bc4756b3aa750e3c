"""The records of a SenML pack one by one: what is resolved, what is at fault, and what remains of a bad reading.

``schemas/senml.py`` reads whole packs and says what our profile of the RFC is; it comes here when one is at fault.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

from schemas.bounded import raw_items
from schemas.refusals import Reason, RefusedError
from schemas.times import MAX_NS, MIN_NS, SECOND_NS, seconds_to_ns

MAX_READINGS = 4_096
RELATIVE_BELOW = float(2**28)  # RFC 8428, 4.5.3: below it a time is relative to now
MAX_SECONDS = float(MAX_NS // SECOND_NS)
INT64 = 2**63
VERSION = 10

_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
NAME = re.compile(rf"{_ID}/{_ID}", re.ASCII)
NAMES = re.compile(rf"(?:{_ID}/{_ID}\n)*+", re.ASCII)
BASES = frozenset(("bn", "bt", "bu", "bv", "bs", "bver"))
_KEPT_BASE_BYTES = 256  # what of a base field that cannot be resolved is passed on with each dead letter

Text = Annotated[str, Meta(max_length=129)]  # 64 + "/" + 64
UnitText = Annotated[str, Meta(max_length=64)]
Number = Annotated[int, Meta(ge=-INT64, le=INT64 - 1)] | float
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BadReading:
    """One reading that was refused; ``value`` is a pack of it alone, resolved as far as it can be."""

    index: int
    reason: Reason
    detail: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Pack:
    """The readings of one pack as columns of equal length, in pack order; what was refused is in ``bad``."""

    names: list[str]  # <device_id>/<quantity>
    units: list[str | None]
    times: list[int]  # ns
    values: list[float]  # finite; a boolean is 1.0 or 0.0
    booleans: list[bool]  # whether it came as ``vb``
    index: list[int]  # position in the pack
    bad: list[BadReading] = field(default_factory=list)


class _BadReadingError(Exception):
    """One reading cannot be resolved."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


_fields = msgspec.json.Decoder(dict[str, Raw])
_number_decoder: msgspec.json.Decoder[int | float] = msgspec.json.Decoder(Number)
_text_decoder = msgspec.json.Decoder(Text)
_unit_decoder = msgspec.json.Decoder(UnitText)
_flag_decoder = msgspec.json.Decoder(bool)
_version_decoder = msgspec.json.Decoder(Annotated[int, Meta(ge=1, le=VERSION)])
_encoder = msgspec.json.Encoder()


def resolve_one_by_one(raw: bytes, base_time_ns: int) -> Pack:
    """Resolve a pack in which something is at fault, reading by reading."""
    items = raw_items(raw)
    if len(items) > MAX_READINGS:
        raise RefusedError(Reason.TOO_LARGE, f"{len(items)} records; at most {MAX_READINGS}")
    records = [_record(i, item) for i, item in enumerate(items)]
    _check_version(records)
    pack = Pack([], [], [], [], [], [])
    bases: dict[str, Raw] = {}
    for i, record in enumerate(records):
        bases.update((label, value) for label, value in record.items() if label in BASES)
        if record and record.keys() <= BASES:
            continue
        try:
            name, unit, time, value, boolean = _resolve(record, bases, base_time_ns)
        except _BadReadingError as error:
            alone = _alone(record, bases, base_time_ns)
            pack.bad.append(BadReading(i, error.reason, str(error)[:500], alone))
            continue
        pack.names.append(name)
        pack.units.append(unit)
        pack.times.append(time)
        pack.values.append(value)
        pack.booleans.append(boolean)
        pack.index.append(i)
    if not pack.names and not pack.bad:
        raise RefusedError(Reason.SCHEMA, "no readings in the pack")
    return pack


def _record(index: int, item: Raw) -> dict[str, Raw]:
    try:
        record = _fields.decode(item)
    except msgspec.ValidationError as error:
        raise RefusedError(Reason.SCHEMA, f"record {index} is not an object") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedError(Reason.UNDECODABLE, f"record {index}: {error}") from error
    check_labels(record)
    return record


def _check_version(records: list[dict[str, Raw]]) -> None:
    given = {bytes(record["bver"]) for record in records if "bver" in record}
    try:
        versions = {_version_decoder.decode(raw) for raw in given}
    except msgspec.DecodeError as error:
        raise RefusedError(Reason.SCHEMA, f"bver must be a whole number from 1 to {VERSION}: {error}") from error
    if len(versions) > 1:
        raise RefusedError(Reason.SCHEMA, f"bver must be the same in all records, not {sorted(versions)}")


def _resolve(
    record: dict[str, Raw], bases: dict[str, Raw], base_time_ns: int
) -> tuple[str, str | None, int, float, bool]:
    """Return name, unit, time, value and whether it is a boolean."""
    for label in ("s", "vs", "vd"):
        if label in record:
            raise _BadReadingError(Reason.SCHEMA, f"{label}: only v and vb are read")
    if "bs" in bases:
        raise _BadReadingError(Reason.SCHEMA, "bs: sums are not read")
    if ("v" in record) == ("vb" in record):
        raise _BadReadingError(Reason.SCHEMA, "exactly one of v and vb must be given")
    if "ut" in record:
        _number("ut", record)
    name = _name(record, bases)
    if NAME.fullmatch(name) is None:
        raise _BadReadingError(Reason.SCHEMA, f"name must be <device_id>/<quantity>, not {name!r}")
    value = _value(record, bases)
    return name, _unit(record, bases), _time(record, bases, base_time_ns), value, "vb" in record


def _name(record: dict[str, Raw], bases: dict[str, Raw]) -> str:
    return _field("bn", bases, _text_decoder, "") + _field("n", record, _text_decoder, "")


def _unit(record: dict[str, Raw], bases: dict[str, Raw]) -> str | None:
    if "u" in record:
        return _field("u", record, _unit_decoder, "")
    return _field("bu", bases, _unit_decoder, "") if "bu" in bases else None


def _value(record: dict[str, Raw], bases: dict[str, Raw]) -> float:
    if "vb" in record:
        return 1.0 if _field("vb", record, _flag_decoder, False) else 0.0
    value = float(_number("v", record)) + float(_number("bv", bases))
    if not abs(value) < float("inf"):
        raise _BadReadingError(Reason.BAD_VALUE, "bv + v is not finite")
    return value


def _time(record: dict[str, Raw], bases: dict[str, Raw], base_time_ns: int) -> int:
    seconds = float(_number("bt", bases)) + float(_number("t", record))
    if abs(seconds) < MAX_SECONDS:
        ns = seconds_to_ns(seconds) + (base_time_ns if seconds < RELATIVE_BELOW else 0)
        if MIN_NS <= ns < MAX_NS:
            return ns
    raise _BadReadingError(Reason.BAD_VALUE, f"time outside 1970 to 2100: {seconds}")


def _number(label: str, fields: dict[str, Raw]) -> int | float:
    return _field(label, fields, _number_decoder, 0)


def _field(label: str, fields: dict[str, Raw], decoder: msgspec.json.Decoder[T], default: T) -> T:
    raw = fields.get(label)
    if raw is None:
        return default
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        is_number = decoder is _number_decoder and bytes(raw)[:1] in b"-0123456789"
        raise _BadReadingError(Reason.BAD_VALUE if is_number else Reason.SCHEMA, f"{label}: {error}") from error


def _alone(record: dict[str, Raw], bases: dict[str, Raw], base_time_ns: int) -> bytes:
    """Return a pack of one bad reading: what can be resolved is, what cannot stays as it came."""
    own: dict[str, Raw | str | float] = {label: raw for label, raw in record.items() if label not in BASES}
    try:
        own["n"] = _name(record, bases)
    except _BadReadingError:
        own |= _short(bases, "bn")
    try:
        ns = _time(record, bases, base_time_ns)
        own["t"] = to_seconds(ns)
    except (_BadReadingError, ValueError):
        own |= _short(bases, "bt")
    if "v" in record and "vb" not in record and "bv" in bases:
        try:
            own["v"] = _value(record, bases)
        except _BadReadingError:
            own |= _short(bases, "bv")
    if "u" not in record:
        own |= {label[1:]: raw for label, raw in _short(bases, "bu").items()}
    own |= _short(bases, "bs")
    return _encoder.encode([own if own.keys() - BASES else {}])  # base fields alone would be no reading


def _short(bases: dict[str, Raw], label: str) -> dict[str, Raw]:
    raw = bases.get(label)
    return {label: raw} if raw is not None and len(bytes(raw)) <= _KEPT_BASE_BYTES else {}


def check_labels(record: dict[str, Raw]) -> None:
    """Refuse the pack for a label that ends in ``_``: RFC 8428 has it understood or the pack not used; we know none."""
    for label in record:
        if label.endswith("_"):
            raise RefusedError(Reason.UNKNOWN_LABEL, f"label {label[:40]!r} must be understood, and is not")


def to_seconds(ns: int) -> float:
    """Return ``ns`` as SenML seconds, to the microsecond."""
    seconds = round(ns / 1_000) / 1_000_000
    if not RELATIVE_BELOW <= seconds < MAX_SECONDS:
        raise ValueError(f"time must be from 1978-07-04 to 2100 to be absolute in SenML, not {ns} ns")
    return seconds
