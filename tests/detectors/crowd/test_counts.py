"""Counts of several sources fused, and density."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.crowd.counts import RELATIVE_SIGMA, density, fused_count

counts = st.dictionaries(st.sampled_from(sorted(RELATIVE_SIGMA)), st.floats(-1e6, 1e6), min_size=1)


@given(counts)
def test_a_fused_count_lies_between_those_of_its_sources(found: dict[str, float]) -> None:
    fused = fused_count(found)
    slack = 1e-9 * max(abs(count) for count in found.values())
    assert min(found.values()) - slack <= fused <= max(found.values()) + slack


@given(counts)
def test_the_order_of_the_sources_does_not_matter(found: dict[str, float]) -> None:
    assert fused_count(found) == fused_count(dict(reversed(found.items())))


@given(counts, st.floats(0, 1e3))
def test_a_higher_count_of_one_source_is_not_a_lower_one_of_all(found: dict[str, float], more: float) -> None:
    source = min(found)
    slack = 1e-9 * (more + max(abs(count) for count in found.values()))
    assert fused_count({**found, source: found[source] + more}) >= fused_count(found) - slack


def test_the_surer_source_counts_more() -> None:
    assert fused_count({"gate": 100.0, "cellular": 200.0}) == pytest.approx(101.54, abs=0.01)


def test_one_source_is_taken_as_it_is() -> None:
    assert fused_count({"wifi": 7.0}) == pytest.approx(7.0)


def test_nothing_is_not_fused() -> None:
    with pytest.raises(ValueError, match="no counts"):
        fused_count({})


def test_density_is_persons_a_square_metre() -> None:
    assert density(300.0, 100.0) == 3.0
