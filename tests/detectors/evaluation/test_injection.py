"""Injected faults lie where they are said to lie, in sizes of the series' own scale; the rest stays as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.evaluation.injection import CLEAR, KINDS, LENGTHS, inject, own_scale


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_only_what_is_named_is_changed_and_each_kind_is_what_it_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(500, 10, 8_000)
    found, faults = inject(values, 20.0, rng, start=CLEAR, every=800)
    touched = np.zeros(len(values), bool)
    for fault in faults:
        at = slice(fault.begin, fault.end)
        assert fault.end - fault.begin == LENGTHS[fault.kind]
        assert not touched[at].any()
        touched[at] = True
        change = found[at] - values[at]
        match fault.kind:
            case "spike":
                assert abs(change[0]) == pytest.approx(120.0)
            case "shift":
                np.testing.assert_allclose(change, 60.0)
            case "drift":
                assert (change[0], change[-1]) == (0.0, pytest.approx(60.0))
            case "stuck":
                assert set(found[at]) == {values[fault.begin - 1]}
            case "dead":
                assert np.isnan(found[at]).all()
    np.testing.assert_array_equal(found[~touched], values[~touched])
    assert {fault.kind for fault in faults} == set(KINDS)


def test_nothing_is_injected_where_data_is_missing() -> None:
    values = np.random.default_rng(1).normal(500, 10, 4_000)
    values[::3] = np.nan
    found, faults = inject(values, 20.0, np.random.default_rng(1), start=CLEAR, every=400)
    assert not faults
    np.testing.assert_array_equal(found, values)


def test_the_own_scale_is_what_the_hour_of_the_week_does_not_explain() -> None:
    hours = np.arange(168 * 200)
    weekly = 100 * np.sin(hours / 168 * 2 * np.pi)
    values = weekly + np.random.default_rng(1).normal(0, 5, len(hours))
    assert own_scale(values, hours % 168) == pytest.approx(5.0, rel=0.05)
    with pytest.raises(ValueError, match="no value"):
        own_scale(np.full(10, np.nan), np.arange(10))
