"""A scale that gross residuals do not blow up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.arrays import FloatArray
from detectors.forecast.clipped_scale import ClippedScale
from tests.detectors.forecast.references import NaiveScale

RULE = ClippedScale(warmup=5)


def learned(rule: ClippedScale, residuals: FloatArray) -> FloatArray:
    """Return the scales, (n,), after residuals of shape (time, n)."""
    scale, count = np.zeros(residuals.shape[1], np.float32), np.zeros(residuals.shape[1], np.uint32)
    for line in residuals:
        _, scale, count = rule.step(scale, count, line)
    return scale.astype(np.float64)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_the_vector_step_is_the_scalar_reference(residuals: list[float]) -> None:
    naive = NaiveScale(RULE)
    scale, count = np.zeros(2, np.float32), np.zeros(2, np.uint32)
    for residual in residuals:
        clipped, scale, count = RULE.step(scale, count, np.array([np.nan, residual]))
        assert clipped[1] == pytest.approx(naive.step(residual), rel=1e-4, abs=1e-5)
        assert scale[1] == pytest.approx(naive.value, rel=1e-4, abs=1e-5)
    assert (scale[0], count[0], count[1]) == (0, 0, len(residuals))


def test_it_is_the_standard_deviation_of_gaussian_residuals() -> None:
    residuals = np.random.default_rng(1).normal(0, 7, (2_000, 50))
    assert learned(ClippedScale(), residuals).mean() == pytest.approx(7, rel=0.03)


def test_one_gross_residual_teaches_no_more_than_a_large_one() -> None:
    quiet = np.random.default_rng(1).normal(0, 1, (500, 1))
    gross, large = (learned(ClippedScale(), np.vstack((quiet, [[size]])))[0] for size in (1e9, 4.0))
    assert gross == pytest.approx(large)


@pytest.mark.parametrize("fault", [{"clip": 0.0}, {"rate": 1.0}, {"warmup": 0}, {"floor": 0.0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    (name,) = fault
    with pytest.raises(ValueError, match=f"{name}.*{fault[name]}"):
        ClippedScale(**fault)  # type: ignore[arg-type]
