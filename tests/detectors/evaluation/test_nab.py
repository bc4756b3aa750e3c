"""The scorer against a naive one by the letter of the rule, and against published detectors."""

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.evaluation.nab import (
    LOW_FN,
    LOW_FP,
    NEVER,
    PROFILES,
    STANDARD,
    LabelledScores,
    Profile,
    best_score,
    probation_rows,
    row_values,
    score_at,
)  # fmt: skip
from tests.detectors.evaluation.nab_corpus import read_windows


def naive(files: list[LabelledScores], threshold: float, profile: Profile) -> float:
    """Return the raw score at a threshold, row by row."""
    total = 0.0
    for file in files:
        start = probation_rows(len(file.scores))
        values, window = row_values(file, profile)
        for number, (_, last) in enumerate(file.windows):
            if last < start:
                continue
            seen = [values[i] for i in range(start, len(values)) if window[i] == number and file.scores[i] >= threshold]
            total += max(seen) if seen else -profile.fn
        total += sum(
            values[i] for i in range(start, len(values)) if window[i] < 0 and file.scores[i] >= threshold
        )  # fmt: skip
    return total


@st.composite
def labelled(draw: st.DrawFn) -> LabelledScores:
    count = draw(st.integers(5, 60))
    edges = sorted(draw(st.sets(st.integers(0, count - 1), max_size=6)))
    windows = tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=False))
    scores = draw(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=count, max_size=count))
    return LabelledScores(np.array(scores), windows)


@given(st.lists(labelled(), min_size=1, max_size=3), st.sampled_from([STANDARD, LOW_FP, LOW_FN]))
def test_every_threshold_scores_as_the_naive_way_and_the_best_is_the_best(
    files: list[LabelledScores], profile: Profile
) -> None:
    thresholds = [NEVER, 1.0, 0.95, 0.9, 0.5, 0.2, 0.1, 0.0, -1.0]
    raws = {threshold: naive(files, threshold, profile) for threshold in thresholds}
    for threshold, raw in raws.items():
        assert score_at(files, threshold, profile).raw == pytest.approx(raw)
    assert best_score(files, profile).raw == pytest.approx(max(raws.values()))


def test_nothing_said_is_0_and_all_found_in_the_first_row_of_each_window_is_100() -> None:
    scores = np.zeros(100)
    scores[[40, 70]] = 1.0
    file = LabelledScores(scores, ((40, 49), (70, 79)))
    assert score_at([file], NEVER).normalised == 0.0
    assert best_score([file]).normalised == pytest.approx(100.0)
    assert best_score([file]).threshold == 1.0


def test_a_false_alarm_costs_more_the_further_it_lies_behind_a_window() -> None:
    values, _ = row_values(LabelledScores(np.zeros(60), ((20, 29),)), STANDARD)
    assert values[10] == -0.11
    assert (np.diff(values[30:]) <= 0).all()
    assert values[59] == -0.11


@pytest.mark.parametrize("name", ["ARTime", "numenta", "contextOSE", "relativeEntropy", "windowedGaussian"])
def test_published_detectors_have_their_published_scores(name: str) -> None:
    place = os.environ.get("VITALS_TEST_DATA")
    if place is None:
        pytest.skip("VITALS_TEST_DATA is not set: it names the folder of MelbournePedestrian and NAB")
    folder = Path(place) / "NAB"
    expected = json.loads((folder / "test_vectors/expected.json").read_text())[name]
    scores: dict[str, list[float]] = {}
    with gzip.open(folder / f"test_vectors/{name}.csv.gz", "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            scores.setdefault(row["file"], []).append(float(row["anomaly_score"]))
    files = [LabelledScores(np.array(found), read_windows(folder, file)) for file, found in scores.items()]
    for profile, wanted in expected.items():
        found = best_score(files, PROFILES[profile])
        assert found.normalised == pytest.approx(wanted["score"], abs=1e-6)
        assert found.threshold == pytest.approx(wanted["threshold"])
