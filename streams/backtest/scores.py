"""Score recorded series and write the scores, whole or not at all."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from detectors.arrays import FloatArray
from detectors.series import SeriesDetector
from streams.backtest.recording import RecordedSeries, read_csv, time_of
from streams.settings import SettingsError

Window = tuple[int, int]
MAX_LABELS_BYTES = 16 << 20


def write_scores(path: Path, series: RecordedSeries, scores: FloatArray) -> None:
    """Write ``timestamp,anomaly_score``, a row a value, times as they were read.

    Raises
    ------
    SettingsError
        The file cannot be written; nothing of it is left.
    """
    half = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("timestamp", "anomaly_score"))
            writer.writerows(
                (stamp, f"{score:.9g}") for stamp, score in zip(series.stamps, scores.tolist(), strict=True)
            )
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error


def nab_files(data: Path) -> list[Path]:
    """Return the benchmark's data files, in order of names; ``data`` is its folder, or the one above.

    Raises
    ------
    SettingsError
        There is none.
    """
    folder = data / "data" if (data / "data").is_dir() else data
    found = sorted(folder.glob("*/*.csv"))
    if not found:
        raise SettingsError(f"{folder} holds no <folder>/<file>.csv: name the folder of the Numenta benchmark")
    return found


def score_nab(files: list[Path], out: Path, detector: SeriesDetector) -> Iterator[tuple[Path, FloatArray]]:
    """Score each file and write ``out/<folder>/<file>.csv``; yield file and scores."""
    for path in files:
        series = read_csv(path)
        scores = detector.scores(series.times_ns, series.values)
        write_scores(out / path.parent.name / path.name, series, scores)
        yield path, scores


def nab_windows(data: Path) -> dict[str, list[list[str]]] | None:
    """Return the benchmark's labels by file, ``None`` where they are not beside the data.

    Raises
    ------
    SettingsError
        They cannot be read.
    """
    path = next((p / "labels/combined_windows.json" for p in (data, data.parent)
                 if (p / "labels/combined_windows.json").is_file()), None)  # fmt: skip
    return None if path is None else _json(path)


def read_windows(path: Path, series: RecordedSeries) -> list[Window]:
    """Return labelled windows, a JSON list of ``[from, to]``, as rows of a series.

    Raises
    ------
    SettingsError
        It is none, or a window holds no row.
    """
    return windows_of(str(path), _json(path), series)


def windows_of(name: str, given: object, series: RecordedSeries) -> list[Window]:
    """Return windows ``[from, to]`` of times as rows of a series; ``name`` is for the error."""
    windows: list[Window] = []
    if not isinstance(given, list):
        raise SettingsError(f"{name}: must be a list of [from, to]")
    for place, pair in enumerate(given):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(one, str) for one in pair)):
            raise SettingsError(f"{name}, window {place + 1}: must be [from, to], two times")
        first, last = (time_of(one, f"{name}, window {place + 1}") for one in pair)
        begin = int(np.searchsorted(series.times_ns, first, side="left"))
        end = int(np.searchsorted(series.times_ns, last, side="right")) - 1
        if end < begin:
            raise SettingsError(f"{name}, window {place + 1}: no row lies between {pair[0]} and {pair[1]}")
        windows.append((begin, end))
    return sorted(windows)


def _json(path: Path) -> dict[str, list[list[str]]]:
    try:
        if path.stat().st_size > MAX_LABELS_BYTES:
            raise SettingsError(f"{path} is larger than {MAX_LABELS_BYTES} bytes")
        found: dict[str, list[list[str]]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return found
