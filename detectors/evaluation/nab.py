"""The score of the Numenta Anomaly Benchmark: early alarms earn more, false ones cost, a window earns once.

References
----------
A. Lavin, S. Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", 2015. Differs
from its program in nothing but speed: all thresholds are tried in one pass over the sorted scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
PROBATION_SHARE, PROBATION_ROWS = 0.15, 750
STEEPNESS, FAR = 5.0, 3.0
NEVER = math.inf  # the threshold at which nothing is an alarm


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """What an alarm in a window earns, and what a missed window and a false alarm cost."""

    tp: float = 1.0
    fn: float = 1.0
    fp: float = 0.11


STANDARD, LOW_FP, LOW_FN = Profile(), Profile(fp=0.22), Profile(fn=2.0)
PROFILES = {"standard": STANDARD, "reward_low_FP_rate": LOW_FP, "reward_low_FN_rate": LOW_FN}


@dataclass(frozen=True, slots=True)
class LabelledScores:
    """One file: anomaly scores of its rows, higher is worse, and its windows as (first row, last row), inclusive."""

    scores: FloatArray  # (n,), finite
    windows: tuple[tuple[int, int], ...]  # rising, apart from one another


@dataclass(frozen=True, slots=True)
class NabScore:
    """``normalised`` is 100 for the perfect detector and 0 for one that never says anything."""

    normalised: float
    threshold: float
    raw: float


def best_score(files: Sequence[LabelledScores], profile: Profile = STANDARD) -> NabScore:
    """Return the score at the one threshold for all files that maximises it; chosen on the labels, as published."""
    thresholds, raws = _curve(files, profile)
    best = int(np.argmax(raws))
    return NabScore(_normalised(raws[best], files, profile), float(thresholds[best]), float(raws[best]))


def score_at(files: Sequence[LabelledScores], threshold: float, profile: Profile = STANDARD) -> NabScore:
    """Return the score at a threshold that was chosen elsewhere: rows with at least this score are alarms."""
    thresholds, raws = _curve(files, profile)
    at = int(np.searchsorted(-thresholds, -threshold, side="right")) - 1
    return NabScore(_normalised(raws[at], files, profile), threshold, float(raws[at]))


def probation_rows(count: int) -> int:
    """Return how many of the first rows of a file are ignored."""
    return math.ceil(min(math.floor(PROBATION_SHARE * count), PROBATION_ROWS))


def row_values(file: LabelledScores, profile: Profile) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return what an alarm in each row is worth, and the number of the window that the row lies in, -1 outside."""
    count = len(file.scores)
    values, window = np.full(count, -profile.fp), np.full(count, -1, np.int64)
    for number, (first, last) in enumerate(file.windows):
        width = last - first + 1
        rows = np.arange(first, last + 1)
        values[rows] = profile.tp * _sigmoid(-(last - rows + 1) / width) / _sigmoid(np.array(-1.0))
        window[rows] = number
        end = file.windows[number + 1][0] if number + 1 < len(file.windows) else count
        after = np.arange(last + 1, end)
        values[after] = profile.fp * _sigmoid((after - last) / max(width - 1, 1))
    return values, window


def _sigmoid(y: FloatArray) -> FloatArray:
    return np.asarray(np.where(y > FAR, -1.0, 2.0 / (1.0 + np.exp(STEEPNESS * np.minimum(y, FAR))) - 1.0))


def _counted(file: LabelledScores) -> list[int]:
    """Return the windows that count: not those wholly within the probation."""
    start = probation_rows(len(file.scores))
    return [number for number, (_, last) in enumerate(file.windows) if last >= start]


def _curve(files: Sequence[LabelledScores], profile: Profile) -> tuple[FloatArray, FloatArray]:
    """Return every threshold at which something changes, falling from ``NEVER``, and the raw score at each."""
    scores, gains = [np.empty(0)], [np.empty(0)]
    for file in files:
        of_file, gain = _gains(file, profile)
        scores.append(of_file)
        gains.append(gain)
    every, gained = np.concatenate(scores), np.concatenate(gains)
    order = np.argsort(-every, kind="stable")
    sums = np.concatenate(([0.0], np.cumsum(gained[order])))
    ordered = every[order]
    last_of_each = (
        np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else np.empty(0, np.int64)
    )
    null = -profile.fn * sum(len(_counted(file)) for file in files)
    return np.concatenate(([NEVER], ordered[last_of_each])), null + np.concatenate(([0.0], sums[last_of_each + 1]))


def _gains(file: LabelledScores, profile: Profile) -> tuple[FloatArray, FloatArray]:
    """Return scores, and what each row adds once the threshold falls to its score."""
    start = probation_rows(len(file.scores))
    values, window = row_values(file, profile)
    rows = np.arange(start, len(file.scores))
    outside = rows[window[rows] < 0]
    scores, gains = [file.scores[outside]], [values[outside]]
    for number in _counted(file):
        first, last = file.windows[number]
        inside = np.arange(max(first, start), last + 1)
        inside = inside[np.argsort(-file.scores[inside], kind="stable")]
        best = np.maximum.accumulate(np.concatenate(([-np.inf], values[inside])))
        best[0] = -profile.fn  # of a window that nothing was said in
        scores.append(file.scores[inside])
        gains.append(np.diff(best))
    return np.concatenate(scores), np.concatenate(gains)


def _normalised(raw: float, files: Sequence[LabelledScores], profile: Profile) -> float:
    windows = sum(len(_counted(file)) for file in files)
    null, perfect = -profile.fn * windows, profile.tp * windows
    return float(100.0 * (raw - null) / (perfect - null)) if windows else 100.0
