"""Forecasts of Melbourne's counts keep what is promised of them, one hour ahead."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.forecasting import HIGHEST, LOWEST, figures


def test_errors_in_2014_are_below_eight_tenths_of_the_weekly_naive_and_intervals_cover() -> None:
    if "VITALS_TEST_DATA" not in os.environ:
        pytest.skip("VITALS_TEST_DATA is not set: it names the folder of MelbournePedestrian")
    found = figures(horizons=1)
    assert found["sensors_1"] == 30
    assert found["of_weekly_naive_1"] < 0.6
    assert found["of_weekly_naive_worst_1"] < 0.8
    assert LOWEST <= found["coverage_least_1"] <= found["coverage_most_1"] <= HIGHEST
