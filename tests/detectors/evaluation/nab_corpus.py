"""The benchmark's files: which rows of each lie in its windows."""

import csv
import json
from functools import cache
from pathlib import Path


@cache
def _labels(folder: Path) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = json.loads((folder / "labels/combined_windows.json").read_text())
    return found


def read_windows(folder: Path, file: str) -> tuple[tuple[int, int], ...]:
    """Return the windows of one file as (first row, last row)."""
    with (folder / "data" / file).open(encoding="utf-8") as lines:
        times = [row["timestamp"] for row in csv.DictReader(lines)]
    places = {time: place for place, time in enumerate(times)}
    return tuple((places[first[:19]], places[last[:19]]) for first, last in _labels(folder)[file])
