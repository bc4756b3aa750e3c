"""The Numenta benchmark: ``python -m tests.benchmarks.detection_nab``.

One configuration for all 58 files, each value scored before it is learned, nothing known of a file beforehand. Held
out: threshold and settings come from one half of the files (every other one of each folder), the score from the other.
"""

from __future__ import annotations

import csv
import itertools
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from detectors.anomaly.novelty import Novelty
from detectors.evaluation.nab import LOW_FN, LOW_FP, STANDARD, LabelledScores, Profile, best_score, score_at
from tests.benchmarks.recordings import data_folder

GRID = [Novelty(memory=memory, forget=forget) for memory in (0.01, 0.02) for forget in (0.997, 0.998)]
TRIED_BEFORE = 160  # settings, of this detector and of those that it grew from; judged in sample and by halves
CITY_LIKE = ("realTraffic/", "nyc_taxi", "ambient_temperature", "machine_temperature")


def labelled(folder: Path, detector: Novelty) -> dict[str, LabelledScores]:
    """Return the scores of every file with its windows, in order of names."""
    labels: dict[str, list[list[str]]] = json.loads((folder / "labels/combined_windows.json").read_text())
    found = {}
    for name in sorted(labels):
        with (folder / "data" / name).open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        stamps = [row["timestamp"][:19] for row in rows]
        times = np.array([int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) for at in stamps]) * 10**9
        places = {at: place for place, at in enumerate(stamps)}
        windows = tuple((places[first[:19]], places[last[:19]]) for first, last in labels[name])
        scores = detector.scores(times, np.array([float(row["value"]) for row in rows]))
        found[name] = LabelledScores(scores, windows)
    return found


def halves(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return every other file of each folder, and the rest."""
    first, second = [], []
    for _, group in itertools.groupby(names, key=lambda name: name.partition("/")[0]):
        of_folder = list(group)
        first += of_folder[::2]
        second += of_folder[1::2]
    return first, second


def held_out(runs: Sequence[dict[str, LabelledScores]], profile: Profile = STANDARD) -> float:
    """Return the score of both halves, each with the settings and the threshold that suit the other best."""
    parts = halves(list(runs[0]))
    total = weight = 0.0
    for ours, others in (parts, parts[::-1]):
        best = max(
            ((best_score([run[name] for name in others], profile), place) for place, run in enumerate(runs)),
            key=lambda one: one[0].normalised,
        )
        chosen = [runs[best[1]][name] for name in ours]
        windows = sum(len(one.windows) for one in chosen)
        total += windows * score_at(chosen, best[0].threshold, profile).normalised
        weight += windows
    return total / weight


def figures() -> dict[str, float]:
    """Return the scores, 100 for a perfect detector and 0 for one that says nothing."""
    folder = data_folder() / "NAB"
    runs = [labelled(folder, detector) for detector in GRID]
    ours = runs[GRID.index(Novelty())]
    standard = best_score(list(ours.values()))
    city = [one for name, one in ours.items() if any(word in name for word in CITY_LIKE)]
    found = {
        "standard": standard.normalised,
        "low_fp": best_score(list(ours.values()), LOW_FP).normalised,
        "low_fn": best_score(list(ours.values()), LOW_FN).normalised,
        "held_out": held_out(runs),
        "held_out_threshold_alone": held_out([ours]),
        "city_like": score_at(city, standard.threshold).normalised,
        "settings": float(len(GRID)),
    }
    for name, group in itertools.groupby(ours, key=lambda name: name.partition("/")[0]):
        of_folder = [ours[file] for file in group]
        if any(one.windows for one in of_folder):
            found[f"of {name}"] = score_at(of_folder, standard.threshold).normalised
    return found


def show(found: dict[str, float]) -> None:
    """Print in sample and held out, then folder by folder."""
    print(f"NAB, one configuration, no look-ahead; {found['settings']:.0f} settings here, some {TRIED_BEFORE} before")
    print(f"  in sample   standard {found['standard']:.1f}, low FP {found['low_fp']:.1f}, low FN {found['low_fn']:.1f}")
    print(
        f"  held out    {found['held_out']:.1f} (settings and threshold from the other half), "
        f"{found['held_out_threshold_alone']:.1f} (threshold alone)"
    )
    print(f"  city-like   {found['city_like']:.1f} (ten files, at the corpus threshold)")
    for name, score in found.items():
        if name.startswith("of "):
            print(f"  {name[3:]:<22} {score:.1f}")


if __name__ == "__main__":
    began = time.perf_counter()
    show(figures())
    print(f"in {time.perf_counter() - began:.0f} s")
