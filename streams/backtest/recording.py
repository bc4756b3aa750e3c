"""One recorded series, from a CSV file, lines of readings, or the store."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from detectors.arrays import FloatArray, IntArray
from schemas.bounded import MAX_SOURCE_BYTES
from schemas.refusals import RefusedError
from schemas.senml_records import Pack
from schemas.single import decode_readings
from schemas.times import format_time
from streams.settings import Settings, SettingsError
from streams.store.address import make_database
from streams.store.database import MAX_LIMIT, Query, QueryError, UnavailableError
from streams.store.points import measurement_of

MAX_LINE = 1 << 16
MAX_ROWS = 20_000_000


@dataclass(frozen=True, slots=True)
class RecordedSeries:
    """Rows in rising time; ``stamps`` are their times as they were written."""

    stamps: list[str]
    times_ns: IntArray
    values: FloatArray


def read_csv(path: Path) -> RecordedSeries:
    """Return the rows of a CSV file with columns ``timestamp`` and ``value``.

    Raises
    ------
    SettingsError
        A row is none: file, line and reason.
    """
    stamps, times, values = [], [], []
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(_bounded(path, lines))
            if not {"timestamp", "value"} <= set(rows.fieldnames or ()):
                raise SettingsError(f"{path}: the first line must name the columns timestamp and value")
            for row in rows:
                where = f"{path}, line {rows.line_num}"
                stamps.append(row["timestamp"])
                times.append(time_of(row["timestamp"], where))
                values.append(_value(row["value"], where))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return _series(str(path), stamps, times, values)


def read_lines(path: Path, name: str) -> RecordedSeries:
    """Return one series, ``DEVICE/QUANTITY``, of a file of SenML packs or single readings, one JSON text a line.

    Raises
    ------
    SettingsError
        A line is none, or nothing is of that name.
    """
    found: dict[int, float] = {}
    for pack in read_packs(path):
        rows = zip(pack.names, pack.times, pack.values, strict=True)
        found |= {time: value for one, time, value in rows if one == name}
    if not found:
        raise SettingsError(f"{path}: no reading of {name}; --name must be DEVICE/QUANTITY")
    times = sorted(found)
    return _series(str(path), [format_time(time) for time in times], times, [found[time] for time in times])


def read_packs(path: Path) -> Iterator[Pack]:
    """Yield what each line of a file holds: a SenML pack, or one or more single readings.

    Raises
    ------
    SettingsError
        The file cannot be read, or a line is none of these: file, line and reason.
    """
    try:
        with path.open("rb") as lines:
            for number in range(1, MAX_ROWS):
                line = lines.readline(MAX_SOURCE_BYTES + 2)
                if not line:
                    return
                if line.strip():
                    try:
                        yield decode_readings(line, 0)
                    except RefusedError as error:
                        raise SettingsError(f"{path}, line {number}: {error.reason}: {error.detail}") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    raise SettingsError(f"{path}: more than {MAX_ROWS} lines; cut it")


async def read_store(settings: Settings, name: str, from_ns: int, to_ns: int) -> RecordedSeries:
    """Return what the store holds of a series, ``DEVICE/QUANTITY``.

    Raises
    ------
    SettingsError
        The store does not answer, or holds nothing of it.
    """
    device, _, quantity = name.partition("/")
    measurement = measurement_of(f"readings_{quantity}", frozenset((quantity,)))
    if measurement is None or not quantity:
        raise SettingsError(f"--name must be DEVICE/QUANTITY, not {name!r}")
    database, times, values = make_database(settings), [], []
    try:
        await database.open()
        while True:
            query = Query(
                name=f"readings_{quantity}", measurement=measurement, tags={"device_id": device},
                start_ns=from_ns, end_ns=to_ns, limit=MAX_LIMIT,
            )  # fmt: skip
            rows = await database.query(query)
            times += [int(row["time"]) for row in rows]
            values += [float(row["value"]) for row in rows]
            if len(rows) < MAX_LIMIT:
                break
            from_ns = times[-1] + 1
    except (QueryError, UnavailableError) as error:
        raise SettingsError(f"the store at {settings.store}: {error}") from error
    finally:
        await database.close()
    if not times:
        raise SettingsError(f"the store at {settings.store} holds no reading of {name} in that time")
    return _series(name, [format_time(time) for time in times], times, values)


def _bounded(path: Path, lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE:
            raise SettingsError(f"{path}, line {number}: longer than {MAX_LINE} characters")
        if number > MAX_ROWS:
            raise SettingsError(f"{path}: more than {MAX_ROWS} lines; cut it")
        yield line


def time_of(text: str | None, where: str) -> int:
    """Return a time in ns as the clock on the wall showed it; ``where`` it stands, for the ``SettingsError``."""
    try:
        found = datetime.fromisoformat((text or "").strip())
    except ValueError as error:
        raise SettingsError(f"{where}: timestamp {text!r} is no ISO 8601 time (2026-01-31 23:59:00)") from error
    if found.tzinfo is not None:  # seasons are local: the clock on the wall counts, not where it hangs
        found = found.replace(tzinfo=None)
    since = found.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def _value(text: str | None, where: str) -> float:
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(f"{where}: value {text!r} is no finite number")
    return value


def _series(name: str, stamps: list[str], times: list[int], values: list[float]) -> RecordedSeries:
    if not times:
        raise SettingsError(f"{name}: there is no row")
    # Clocks that were set back an hour repeat it; a detector must not be given time that runs backwards.
    rising = np.maximum.accumulate(np.array(times, np.int64))
    return RecordedSeries(stamps, rising, np.array(values))
