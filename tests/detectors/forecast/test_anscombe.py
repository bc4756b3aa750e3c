"""Anscombe's root: there and back, and an even scatter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.forecast.anscombe import restore, stabilise


@given(st.floats(0, 1e9))
def test_a_count_comes_back_as_it_was(count: float) -> None:
    assert restore(stabilise(np.array([count])))[0] == pytest.approx(count, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("mean", [5, 50, 5_000])
def test_poisson_counts_scatter_by_a_half_whatever_their_level(mean: float) -> None:
    assert stabilise(np.random.default_rng(3).poisson(mean, 20_000).astype(np.float64)).std() == pytest.approx(
        0.5, rel=0.05
    )


def test_nothing_below_zero_comes_back_and_what_is_missing_stays_missing() -> None:
    np.testing.assert_array_equal(restore(np.array([-3.0, 0.1, np.nan])), [0.0, 0.0, np.nan])
