"""Recorded data line by line: CSV (also inside zip or gz) and SenML JSON lines, as a mapping says; little is in memory.

What a mapping (``schemas.files.Mapping``) says is read thus:

- ``files`` are looked for in ``data``, then by name below it; ``data`` may also be the one file itself.
- A value's ``column`` may be ``PATTERN/COLUMN``: that column, of the files whose name without extensions fits.
- Files named ``.jsonl``, ``.ndjson``, ``.senml`` or ``.json`` hold SenML packs, one a line: a value's ``column`` is
  then a quantity, and ``{device}`` in the template who measured. Relative times are unreadable there.
- Event time is the recorded time. Of an hour that comes twice in autumn the first is meant; one that spring leaves out
  is unreadable.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple
from zoneinfo import ZoneInfo

from schemas import files
from schemas.ids import is_id
from schemas.refusals import RefusedError
from schemas.senml import decode_pack
from schemas.times import MAX_NS, MIN_NS, SECOND_NS

SENML_SUFFIXES = {".jsonl", ".ndjson", ".senml", ".json"}
RELATIVE_BELOW_NS = 2**28 * SECOND_NS
MAX_ID = 64
_FIELD = re.compile(r"\{([^{}]+)\}")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._:-]+")


class RecordedDataError(Exception):
    """The data does not have what the mapping names; the message says what is missing where."""


class Row(NamedTuple):
    """One recorded line, or one reading of SenML; sorts by time first."""

    time_ns: int
    thing: str  # its device or zone
    cells: tuple[tuple[int, float | bool], ...]  # (place in the mapping's values, value in its unit)


@dataclass(kw_only=True)
class Tally:
    """What was in the time asked for. Lines whose time or device cannot be told count one cell each."""

    rows: int = 0  # lines of CSV, readings of SenML
    events: int = 0  # cells that became values
    missing: int = 0  # cells without a value: they stay missing
    unreadable: int = 0  # no number, no such time, no id


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """The data of one mapping.

    Parameters
    ----------
    data
        A folder, or the one file.
    from_ns, to_ns
        Rows with a time in [from_ns, to_ns) are wanted.
    """

    mapping: files.Mapping
    data: Path
    from_ns: int = MIN_NS
    to_ns: int = MAX_NS

    def rows(self, tally: Tally | None = None) -> Iterator[Row]:
        """Yield the rows in the order of the files; ``tally`` counts what became of them.

        Raises
        ------
        RecordedDataError
            A file or a column is not there.
        """
        tally = tally if tally is not None else Tally()
        for path in self.paths():
            if SENML_SUFFIXES & set(path.suffixes):
                yield from _senml_rows(self, path, tally)
            else:
                yield from _csv_rows(self, path, tally)

    def paths(self) -> list[Path]:
        """Return the files.

        Raises
        ------
        RecordedDataError
            A pattern of the mapping fits none.
        """
        if self.data.is_file():
            return [self.data]
        found: list[Path] = []
        for pattern in self.mapping.files:
            fitting = sorted(self.data.glob(pattern)) or sorted(self.data.rglob(Path(pattern).name))
            if not fitting:
                raise RecordedDataError(f"no {pattern} in or below {self.data}; say with --data where it is")
            found.extend(path for path in fitting if path not in found)
        return found

    def wants(self, time_ns: int) -> bool:
        """Whether a row of that time is asked for."""
        return self.from_ns <= time_ns < self.to_ns


def moment_ns(text: str, time_zone: str) -> int:
    """Return the ns since 1970 of a date or time that a person typed; without an offset it is in the data's own zone.

    Raises
    ------
    ValueError
        No date or time.
    """
    ns, exists = _local_ns(text, None, time_zone)
    if not exists:
        raise ValueError(f"{text}: no such time in {time_zone}")
    return ns


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of one file are read: who measured, when, and each value with its place in the mapping."""

    who: str  # template
    when: tuple[str, ...]
    values: tuple[tuple[int, str], ...]
    named: tuple[str, ...]  # columns that the template names
    fixed: dict[str, str] = field(default_factory=dict)


def _csv_rows(recording: Recording, path: Path, tally: Tally) -> Iterator[Row]:
    mapping = recording.mapping
    with _opened(path, mapping.encoding) as text:
        reader = csv.DictReader(text, delimiter=mapping.delimiter)
        columns = _columns(mapping, path, list(reader.fieldnames or ()))
        for line in reader:
            row = _csv_row(recording, columns, line, tally)
            if row is not None:
                yield row


def _columns(mapping: files.Mapping, path: Path, there: list[str]) -> _Columns:
    who = mapping.device or mapping.zone or ""
    name = path.name.split(".", 1)[0]
    values = []
    for place, value in enumerate(mapping.values):
        pattern, slash, column = value.column.rpartition("/")
        if not slash or value.column in there:
            values.append((place, value.column))
        elif fnmatchcase(name, pattern):
            values.append((place, column))
    named = tuple(column for column in _FIELD.findall(who) if column != "file")
    absent = [column for column in (*mapping.time.columns, *named, *(c for _, c in values)) if column not in there]
    if absent or not values:
        missing = ", ".join(absent) or "any of the mapping's values"
        raise RecordedDataError(f"{path}: no column {missing}; there are {', '.join(there)}")
    return _Columns(who, mapping.time.columns, tuple(values), named, {"file": name})


def _csv_row(recording: Recording, columns: _Columns, line: dict[str, str | None], tally: Tally) -> Row | None:
    mapping = recording.mapping
    try:
        when = " ".join(_cell(line, column) for column in columns.when)
        time_ns, exists = _local_ns(when, mapping.time.format, mapping.time_zone)
    except ValueError:
        tally.rows += 1
        tally.unreadable += 1
        return None
    if not recording.wants(time_ns):
        return None
    tally.rows += 1
    if not exists:
        tally.unreadable += 1
        return None
    names = {column: _cell(line, column) for column in columns.named}
    if any(name in mapping.missing for name in names.values()):
        tally.missing += 1
        return None
    cells = [(place, _cell(line, column)) for place, column in columns.values]
    return _row(mapping, time_ns, _filled(columns.who, {**columns.fixed, **names}), cells, tally)


def _row(mapping: files.Mapping, time_ns: int, thing: str, cells: list[tuple[int, str]], tally: Tally) -> Row | None:
    if not is_id(thing):
        tally.unreadable += 1
        return None
    given = [(place, cell) for place, cell in cells if cell not in mapping.missing]
    read = [(place, _number(cell, mapping.values[place])) for place, cell in given]
    good = tuple((place, number) for place, number in read if math.isfinite(number))
    tally.missing += len(cells) - len(given)
    tally.unreadable += len(read) - len(good)
    tally.events += len(good)
    return Row(time_ns, thing, good) if good else None


def _number(cell: str, value: files.ValueColumn) -> float:
    try:
        return float(cell) * value.scale + value.offset
    except ValueError:
        return math.nan


def _cell(line: Mapping[str, str | None], column: str) -> str:
    return (line[column] or "").strip()


def _filled(template: str, names: Mapping[str, str]) -> str:
    """Return the id that a template gives; what no id may have becomes ``-``."""
    text = _FIELD.sub(lambda match: names[match[1]], template)
    return _NOT_IN_IDS.sub("-", text)[:MAX_ID]


@lru_cache(maxsize=4_096)
def _local_ns(text: str, form: str | None, zone: str) -> tuple[int, bool]:
    """Return the ns since 1970, and whether the zone has such a time; ``ValueError`` for what is no time."""
    moment = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007 - zone below
    there = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
    in_utc = there.astimezone(UTC)
    exists = in_utc.astimezone(there.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)
    return int(in_utc.replace(microsecond=0).timestamp()) * SECOND_NS + in_utc.microsecond * 1_000, exists


def _senml_rows(recording: Recording, path: Path, tally: Tally) -> Iterator[Row]:
    with _opened(path, recording.mapping.encoding) as text:
        for line in text:
            if line.strip():
                yield from _pack_rows(recording, line.strip().encode(), tally)


def _pack_rows(recording: Recording, raw: bytes, tally: Tally) -> Iterator[Row]:
    try:
        pack = decode_pack(raw if raw.startswith(b"[") else b"[" + raw + b"]", 0)
    except RefusedError:
        tally.rows += 1
        tally.unreadable += 1
        return
    tally.rows += len(pack.bad)
    tally.unreadable += len(pack.bad)
    for name, time_ns, value, is_boolean in zip(pack.names, pack.times, pack.values, pack.booleans, strict=True):
        if time_ns < RELATIVE_BELOW_NS:
            tally.rows += 1
            tally.unreadable += 1
        elif recording.wants(time_ns):
            yield from _reading_row(recording.mapping, name, time_ns, value > 0 if is_boolean else value, tally)


def _reading_row(mapping: files.Mapping, name: str, time_ns: int, value: float | bool, tally: Tally) -> Iterator[Row]:
    """Yield the row of one reading; none if the mapping does not ask for its quantity."""
    device, _, quantity = name.partition("/")
    for place, column in enumerate(mapping.values):
        if column.column == quantity:
            number = value if isinstance(value, bool) else value * column.scale + column.offset
            thing = _filled(mapping.device or "{device}", {"device": device, "quantity": quantity})
            tally.rows += 1
            tally.events += 1
            yield Row(time_ns, thing, ((place, number),))


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a text file, packed or not; of a zip the one file that is in it."""
    encoding = "utf-8-sig" if encoding.lower() in {"utf-8", "utf8"} else encoding
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding=encoding, newline="") as text:
            yield text
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise RecordedDataError(f"{path} holds {len(names)} files; one is wanted")
            with archive.open(names[0]) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
                yield text
    else:
        with path.open(encoding=encoding, newline="") as text:
            yield text
