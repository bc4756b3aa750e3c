"""VUS-PR: the volume under the precision-recall surface, over all thresholds and over how exactly labels are meant.

References
----------
J. Paparrizos et al., "Volume Under the Surface: A New Accuracy Evaluation Measure for Time-Series Anomaly Detection",
VLDB 2022. Differs from its program in nothing but that thresholds are at most 250 quantiles of the scores.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.arrays import BoolArray, FloatArray

THRESHOLDS = 250
Window = tuple[int, int]  # first and last reading, inclusive


def soft_labels(count: int, windows: Sequence[Window], buffer: int) -> FloatArray:
    """Return labels, float64 (count,), 1 in a window and falling to 0 over half a ``buffer`` of readings beside it."""
    labels = np.zeros(count)
    for first, last in windows:
        labels[first : last + 1] = 1.0
        for distance in range(1, buffer // 2 + 1):
            weight = np.sqrt(1.0 - distance / buffer)
            for place in (first - distance, last + distance):
                if 0 <= place < count:
                    labels[place] = min(1.0, labels[place] + weight)
    return labels


def range_auc_pr(scores: FloatArray, windows: Sequence[Window], buffer: int) -> float:
    """Return the area under the precision-recall curve for labels that are soft by ``buffer``, 0 to 1."""
    labels = soft_labels(len(scores), windows, buffer)
    hard: int = sum(last - first + 1 for first, last in windows)
    positives = (hard + float(labels.sum())) / 2.0
    segments = _segments(labels > 0)
    area = before = 0.0
    for threshold in _thresholds(scores):
        said = scores >= threshold
        hit = float(labels[said].sum())
        seen = sum(bool(said[first : last + 1].any()) for first, last in segments) / len(segments)
        recall = min(hit / positives, 1.0) * seen
        area += (recall - before) * hit / int(np.count_nonzero(said))
        before = recall
    return area


def vus_pr(scores: FloatArray, windows: Sequence[Window], most: int) -> float:
    """Return the mean of ``range_auc_pr`` over buffers of 0 to ``most`` readings, at most 11 of them.

    Raises
    ------
    ValueError
        There is no window: without any the measure means nothing.
    """
    if not windows:
        raise ValueError("VUS-PR needs at least one labelled window")
    buffers = np.unique(np.linspace(0, most, 11).astype(int))
    return float(np.mean([range_auc_pr(scores, windows, int(buffer)) for buffer in buffers]))


def _thresholds(scores: FloatArray) -> FloatArray:
    falling = np.sort(scores)[::-1]
    places = np.linspace(0, len(falling) - 1, min(THRESHOLDS, len(falling))).astype(int)
    return np.unique(falling[places])[::-1]


def _segments(there: BoolArray) -> list[Window]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], there.astype(int), [0]))))
    return [(int(first), int(end) - 1) for first, end in zip(edges[::2], edges[1::2], strict=True)]
