"""Recorded data that benchmarks run over, as one grid of hours a data set; what was not measured stays NaN.

The folder is that of VITALS_TEST_DATA; nothing of it is kept.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from detectors.arrays import FloatArray, IntArray

HOUR_NS = 3_600_000_000_000
MELBOURNE = "MelbournePedestrian/pedestriancounts_melbourne_2906.zip"
BEIJING = "BeijingAir"


@dataclass(frozen=True, slots=True)
class Grid:
    """Hourly series side by side; times are local, without daylight saving."""

    names: tuple[str, ...]
    times_ns: IntArray  # int64 (t,), rising by an hour
    values: FloatArray  # float64 (t, n), NaN where nothing was measured


def data_folder() -> Path:
    """Return the folder of recorded data; ``SystemExit`` says what to set."""
    folder = os.environ.get("VITALS_TEST_DATA")
    if folder is None:
        raise SystemExit("set VITALS_TEST_DATA to the folder that holds NAB, MelbournePedestrian and BeijingAir")
    return Path(folder)


def melbourne(folder: Path) -> Grid:
    """Return the passers-by of each counter, to the end of 2014."""
    cells: dict[str, dict[int, float]] = {}
    with zipfile.ZipFile(folder / MELBOURNE) as archive, archive.open(archive.namelist()[0]) as raw:
        days: dict[str, int] = {}
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
            day = days.get(row["Date"])
            if day is None:
                parsed = datetime.strptime(row["Date"], "%d-%b-%Y").replace(tzinfo=UTC)
                day = days[row["Date"]] = int(parsed.timestamp()) // 3_600
            cells.setdefault(row["SensorID"], {}).setdefault(day + int(row["Hour"]), float(row["PedestrianCount"]))
    return _grid(cells, until=int(datetime(2015, 1, 1, tzinfo=UTC).timestamp()) // 3_600)


def beijing(folder: Path, pollutant: str = "PM2.5") -> Grid:
    """Return one pollutant at each station, 2013 to 2017."""
    cells: dict[str, dict[int, float]] = {}
    for path in sorted((folder / BEIJING).glob("PRSA_Data_*.csv.gz")):
        of_station = cells.setdefault(path.name.split("_")[2], {})
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if row[pollutant] not in {"NA", ""}:
                    time = datetime(int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), tzinfo=UTC)
                    of_station[int(time.timestamp()) // 3_600] = float(row[pollutant])
    return _grid(cells)


def _grid(cells: dict[str, dict[int, float]], until: int | None = None) -> Grid:
    names = tuple(sorted(cells))
    first = min(min(of_one) for of_one in cells.values())
    end = until if until is not None else max(max(of_one) for of_one in cells.values()) + 1
    values = np.full((end - first, len(names)), np.nan)
    for column, name in enumerate(names):
        for hour, value in cells[name].items():
            if hour < end:
                values[hour - first, column] = value
    return Grid(names, np.arange(first, end) * HOUR_NS, values)
