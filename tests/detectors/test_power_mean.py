"""Laws of the power mean that vital signs are rolled up with."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.power_mean import EXPONENT, power_mean

score = st.floats(0, 100)
scores = st.lists(score, min_size=1, max_size=30)
weighted = st.lists(st.tuples(score, st.floats(0.01, 100)), min_size=1, max_size=30)


def _mean(values: list[float], weights: list[float] | None = None, exponent: float = EXPONENT) -> float:
    column = np.array(values)[:, np.newaxis]
    return float(power_mean(column, None if weights is None else np.array(weights), exponent)[0])


@given(weighted)
def test_result_lies_between_least_and_greatest(pairs: list[tuple[float, float]]) -> None:
    values = [value for value, _ in pairs]
    assert min(values) <= _mean(values, [weight for _, weight in pairs]) <= max(values)


@given(weighted)
def test_worst_counts_more_than_the_mean(pairs: list[tuple[float, float]]) -> None:
    values, weights = [value for value, _ in pairs], [weight for _, weight in pairs]
    assert _mean(values, weights) <= np.average(values, weights=weights) + 1e-9


@given(scores, st.data())
def test_a_better_score_never_lowers_the_whole(values: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    better = [*values]
    better[place] = data.draw(st.floats(values[place], 100))
    assert _mean(better) >= _mean(values) - 1e-9


@given(scores, st.randoms(use_true_random=False))
def test_order_does_not_matter(values: list[float], random: Random) -> None:
    shuffled = [*values]
    random.shuffle(shuffled)
    assert _mean(shuffled) == pytest.approx(_mean(values), abs=1e-9)


@given(scores, scores)
def test_a_mean_of_means_weighted_by_their_number_is_the_mean_of_all(one: list[float], two: list[float]) -> None:
    parts = _mean([_mean(one), _mean(two)], [float(len(one)), float(len(two))])
    assert parts == pytest.approx(_mean([*one, *two]), abs=1e-6)


@given(weighted)
def test_fast_mean_equals_the_definition(pairs: list[tuple[float, float]]) -> None:
    total = sum(weight for _, weight in pairs)
    mean = sum(weight * (100 - value) ** EXPONENT for value, weight in pairs) / total
    naive = 100 - mean ** (1 / EXPONENT)
    assert _mean([value for value, _ in pairs], [weight for _, weight in pairs]) == pytest.approx(naive, abs=1e-6)


def test_exponent_one_is_the_plain_mean() -> None:
    assert _mean([0.0, 50.0, 100.0], exponent=1.0) == pytest.approx(50.0)


def test_one_red_unit_of_sixteen_takes_half() -> None:
    assert _mean([0.0] + [100.0] * 15) == pytest.approx(50.0)


def test_what_has_no_score_does_not_count() -> None:
    columns = power_mean(np.array([[80.0, np.nan], [np.nan, np.nan], [80.0, np.nan]]))
    assert columns[0] == pytest.approx(80.0)
    assert np.isnan(columns[1])


def test_no_rows_have_no_mean() -> None:
    assert np.isnan(power_mean(np.empty((0, 2)))).all()


@pytest.mark.parametrize(
    ("values", "weights", "exponent", "says"),
    [
        ([50.0], [0.0], 4.0, "weights"),
        ([50.0], [np.inf], 4.0, "weights"),
        ([101.0], [1.0], 4.0, "scores"),
        ([np.inf], [1.0], 4.0, "scores"),
        ([50.0], [1.0], 0.5, "exponent must be 1 or more, not 0.5"),
    ],
)
def test_wrong_input_is_refused_with_its_name(
    values: list[float], weights: list[float], exponent: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        _mean(values, weights, exponent)
