"""Alarms against windows, and the volume under the precision-recall surface against a plain computation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.evaluation.alarms import alarm_quality
from detectors.evaluation.vus import range_auc_pr, soft_labels, vus_pr

HOUR_NS = 3_600_000_000_000
windows_of_60 = st.sampled_from([[(10, 14)], [(0, 3), (30, 40)], [(55, 59)], [(20, 20), (25, 30), (50, 52)]])


def test_what_was_found_how_soon_and_in_vain() -> None:
    alarms = np.zeros(240, bool)
    alarms[[12, 13, 60, 61, 150]] = True
    found = alarm_quality(alarms, np.arange(240) * HOUR_NS, [(10, 20), (100, 110)], apart=5)
    assert (found.windows, found.found, found.false_alarms, found.median_delay) == (2, 1, 2, 2.0)
    assert found.precision == pytest.approx(1 / 3)
    assert found.recall == 0.5
    assert found.false_alarms_per_day == pytest.approx(2 / (239 / 24))


def test_without_alarms_or_windows_nothing_is_divided_by_nothing() -> None:
    found = alarm_quality(np.zeros(5, bool), np.arange(5) * HOUR_NS, [])
    assert (found.precision, found.recall, found.median_delay, found.false_alarms) == (None, None, None, 0)


def naive(scores: FloatArray, windows: list[tuple[int, int]], buffer: int) -> float:
    """Return the area by looking at each reading at each threshold."""
    labels = soft_labels(len(scores), windows, buffer).tolist()
    runs: list[list[int]] = []
    for place, label in enumerate(labels):
        if label > 0:
            if place and labels[place - 1] > 0:
                runs[-1].append(place)
            else:
                runs.append([place])
    positives = (sum(b - a + 1 for a, b in windows) + sum(labels)) / 2
    area = before = 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        said = [score >= threshold for score in scores.tolist()]
        hit = sum(label for label, one in zip(labels, said, strict=True) if one)
        seen = sum(any(said[place] for place in run) for run in runs) / len(runs)
        recall = min(hit / positives, 1.0) * seen
        area += (recall - before) * hit / sum(said)
        before = recall
    return area


@settings(deadline=None)
@given(windows_of_60, st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_the_area_is_that_of_a_plain_computation(windows: list[tuple[int, int]], buffer: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 12, 60) / 12
    assert range_auc_pr(scores, windows, buffer) == pytest.approx(naive(scores, windows, buffer))


def test_the_perfect_score_is_near_one_and_a_constant_is_the_share_of_what_is_wrong() -> None:
    perfect = np.zeros(1_000)
    perfect[400:450] = 1.0
    assert vus_pr(perfect, [(400, 449)], 0) == pytest.approx(1.0)
    assert vus_pr(np.zeros(1_000), [(400, 449)], 0) == pytest.approx(0.05)
    assert vus_pr(perfect, [(400, 449)], 20) > 0.85
    with pytest.raises(ValueError, match="at least one"):
        vus_pr(perfect, [], 20)
