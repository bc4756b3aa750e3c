"""What is new is told once, whatever its unit; what comes later changes nothing that was said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detectors.anomaly.novelty import Novelty
from detectors.anomaly.prototypes import ROOM, Prototypes
from detectors.arrays import FloatArray, IntArray

MINUTE_NS = 60_000_000_000
EVERY_5_MINUTES = 5 * MINUTE_NS


def course(seed: int, count: int) -> tuple[IntArray, FloatArray]:
    """Return times and values of a noisy daily course, a value every five minutes."""
    rng, places = np.random.default_rng(seed), np.arange(count)
    return places * EVERY_5_MINUTES, 50 + 10 * np.sin(places / 288 * 2 * np.pi) + rng.normal(0, 1, count)


@settings(deadline=None)
@given(arrays(float, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(-10, 10)))
def test_the_nearest_prototype_is_that_of_a_scalar_search(points: FloatArray) -> None:
    known, scale = Prototypes(2, 0.5), np.array([1.0, 2.0])
    kept: list[FloatArray] = []
    for point in points:
        expected = min((max(abs(point - other) / scale) for other in kept), default=0.0)
        assert known.distance(point, scale) == pytest.approx(expected)
        if not kept or expected > 0.5:
            kept.append(point)


def test_when_there_is_no_room_the_one_longest_not_seen_makes_place() -> None:
    known, one = Prototypes(1, 0.5), np.ones(1)
    for place in range(ROOM):
        known.distance(np.array([float(place)]), one)
    known.distance(np.array([0.0]), one)  # seen again
    known.distance(np.array([-100.0]), one)
    assert known.distance(np.array([0.0]), one) == 0.0
    assert known.distance(np.array([1.0]), one) > 0.5


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(1, 599))
def test_a_score_does_not_depend_on_what_comes_later(seed: int, cut: int) -> None:
    times, values = course(seed, 600)
    whole = Novelty().scores(times, values)
    np.testing.assert_array_equal(whole[:cut], Novelty().scores(times[:cut], values[:cut]))
    assert ((whole >= 0) & (whole < 1)).all()


def test_unit_and_offset_of_the_values_do_not_matter() -> None:
    times, values = course(1, 1_500)
    np.testing.assert_allclose(
        Novelty().scores(times, values), Novelty().scores(times, values * 1_024 - 4_096), rtol=1e-3, atol=1e-6
    )


def test_a_gross_outlier_is_the_oddest_and_is_told_once() -> None:
    times, values = course(2, 3_000)
    values[2_500], values[2_520] = 120.0, 120.0
    scores = Novelty().scores(times, values)
    assert scores.argmax() == 2_500
    assert scores[2_505:2_530].max() < 0.8 * scores[2_500]


def test_a_usual_value_at_a_wrong_hour_is_odd() -> None:
    times, values = course(3, 288 * 14)
    values[288 * 13 + 180 : 288 * 13 + 216] = 60.0  # the height of the morning, in the evening
    scores = Novelty().scores(times, values)
    assert scores[288 * 13 + 180 : 288 * 13 + 230].max() > scores[288 * 7 : 288 * 13].max()


def test_whatever_comes_scores_are_finite() -> None:
    values = np.array([1e30, -1e30, 0.0, 1e-30] * 100)
    assert np.isfinite(Novelty().scores(np.arange(400) * EVERY_5_MINUTES, values)).all()
    flat = Novelty().scores(np.arange(400) * EVERY_5_MINUTES, np.zeros(400))
    assert flat.max() < 0.5


@pytest.mark.parametrize("fault", [{"memory": 0.0}, {"forget": 1.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        Novelty(**fault)
