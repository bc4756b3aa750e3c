"""Quality of a series: learned from range, within 0 and 1, the same for columns as for one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.quality.grade import MEMORY, grade, learn

shares = st.floats(0, 1, width=32)


@given(st.lists(st.tuples(shares, st.booleans()), max_size=30))
def test_quality_stays_within_0_and_1_and_moves_towards_what_came(series: list[tuple[float, bool]]) -> None:
    quality = np.array([q for q, _ in series], np.float32)
    good = np.array([g for _, g in series], bool)
    after = learn(quality, good)
    assert after.dtype == np.float32
    assert ((after >= 0) & (after <= 1)).all()
    assert (np.where(good, after - quality, quality - after) >= -1e-6).all()


@given(st.lists(st.tuples(shares, st.booleans()), min_size=1, max_size=30))
def test_many_are_learned_like_each(series: list[tuple[float, bool]]) -> None:
    quality, good = np.array([q for q, _ in series], np.float32), np.array([g for _, g in series], bool)
    alone = [learn(quality[i : i + 1], good[i : i + 1])[0] for i in range(len(series))]
    assert learn(quality, good).tolist() == [float(one) for one in alone]


@given(st.integers(0, 200), st.booleans())
def test_a_series_that_is_always_well_has_quality_1_and_one_that_never_is_comes_to_0(n: int, is_good: bool) -> None:
    quality = np.ones(1, np.float32)
    for _ in range(n):
        quality = learn(quality, np.array([is_good]))
    expected = 1.0 if is_good else (1 - MEMORY) ** n
    assert abs(float(quality[0]) - expected) < 1e-5


@given(
    st.lists(st.tuples(shares, st.booleans(), st.booleans(), st.floats(0, 30)), min_size=1, max_size=30)
)  # fmt: skip
def test_a_grade_is_no_better_than_the_worst_that_is_known(series: list[tuple[float, bool, bool, float]]) -> None:
    quality, dead, skewed, drift = (np.array(column) for column in zip(*series, strict=True))
    found = grade(quality, dead, skewed, drift)
    assert ((found >= 0) & (found <= quality)).all()
    assert not found[dead].any()
    assert not found[drift >= 12].any()
    assert (found[skewed] <= 0.5).all()
    fine = ~dead & ~skewed & (drift <= 4)
    np.testing.assert_array_equal(found[fine], quality[fine])
