"""One estimate of several counts: Kalman's, better than each alone, and not led astray by one that is broken."""

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.crowd import RELATIVE_SIGMA
from detectors.fusion.people_in_zone import SOURCES, PeopleInZone, ZoneState

ZONES = PeopleInZone(wander=0.01, gate=1e9)
NONE = np.array([np.nan])


@given(
    st.lists(
        st.tuples(st.integers(0, 50), st.integers(0, 50), st.sampled_from(SOURCES), st.integers(0, 2_000)), min_size=1
    )
)
def test_each_step_is_that_of_a_textbook_filter(course: list[tuple[int, int, str, int]]) -> None:
    state, persons, variance = ZoneState.empty(1), 0.0, float("inf")
    for came, went, source, count in course:
        ZONES.move(state, 10.0, np.array([float(came)]), np.array([float(went)]))
        variance += 10.0 * 0.01 * (persons + 1) + 0.05**2 * (came**2 + went**2)
        persons = max(persons + came - went, 0.0)
        ZONES.measure(state, source, np.array([float(count)]))
        known = variance < float("inf")
        noise = max(RELATIVE_SIGMA[source] * (max(persons, count) if known else count), 1.0) ** 2
        gain = variance / (variance + noise) if known else 1.0
        persons, variance = persons + gain * (count - persons), max((1 - gain) * variance, 0.25) if known else noise
    assert state.persons[0] == pytest.approx(persons)
    assert state.variance[0] == pytest.approx(variance)


def test_the_estimate_is_better_than_each_source_and_its_variance_is_honest() -> None:
    rng, zones = np.random.default_rng(4), 400
    truth, state, detector = np.full(zones, 500.0), ZoneState.empty(zones), PeopleInZone()
    for _ in range(40):
        came, went = rng.poisson(30, zones), rng.poisson(28, zones)
        truth = np.maximum(truth + came - went, 0)
        detector.move(state, 60.0, came * rng.normal(1, 0.05, zones), went * rng.normal(1, 0.05, zones))
        for source in ("camera", "wifi"):
            detector.measure(state, source, np.maximum(truth * rng.normal(1, RELATIVE_SIGMA[source], zones), 0))
    errors = state.persons - truth
    assert errors.std() < 0.6 * RELATIVE_SIGMA["camera"] * truth.mean()
    assert 0.3 < np.mean(errors**2 / state.variance) < 2.0


def test_a_count_that_nothing_explains_is_left_out_until_it_has_said_so_long_enough() -> None:
    detector, state = PeopleInZone(patience=3), ZoneState.empty(1)
    for _ in range(10):
        detector.move(state, 10.0, np.zeros(1), np.zeros(1))
        detector.measure(state, "camera", np.array([100.0]))
    said = []
    for _ in range(4):
        detector.move(state, 10.0, np.zeros(1), np.zeros(1))
        said.append(bool(detector.measure(state, "camera", np.array([900.0]))[0]))
    assert said == [True, True, True, False]
    assert state.persons[0] == pytest.approx(900.0)


def test_zones_are_apart_a_snapshot_resumes_and_silence_changes_no_number() -> None:
    rng, state, alone = np.random.default_rng(1), ZoneState.empty(2), ZoneState.empty(1)
    for _ in range(20):
        counts = rng.poisson(200, 2).astype(float)
        for one, part in ((state, counts), (alone, counts[:1])):
            PeopleInZone().move(one, 5.0, np.full(len(part), np.nan), np.full(len(part), np.nan))
            PeopleInZone().measure(one, "wifi", part)
    assert state.persons[0] == alone.persons[0]
    snapshot = copy.deepcopy(alone)
    PeopleInZone().measure(alone, "camera", NONE)
    np.testing.assert_array_equal(alone.persons, snapshot.persons)
    np.testing.assert_array_equal(alone.variance, snapshot.variance)


@pytest.mark.parametrize("fault", [{"wander": -1.0}, {"gate": 0.0}, {"patience": 0}])
def test_a_parameter_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        PeopleInZone(**fault)  # type: ignore[arg-type]


def test_a_source_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="gate"):
        PeopleInZone().measure(ZoneState.empty(1), "gate", np.ones(1))
