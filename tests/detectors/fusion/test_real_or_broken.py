"""What witnesses say makes a thing more or less likely, by Bayes' rule, and never certain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.fusion.real_or_broken import SURE, Witness, probability_real

HEAT = Witness(saw=True, sees_if_real=0.8, says_without=0.01)
shares = st.floats(0.01, 0.99)


def test_it_is_bayes_rule() -> None:
    real, false = 0.5 * 0.8 * 0.4, 0.5 * 0.01 * 0.9
    calm = Witness(saw=False, sees_if_real=0.6, says_without=0.1)
    assert probability_real(1.0, [HEAT, calm]) == pytest.approx(real / (real + false))


@given(shares, shares, st.booleans(), st.floats(0, 1), shares)
def test_a_witness_moves_it_the_way_it_points_and_an_untrusted_one_does_not(
    sees: float, says: float, saw: bool, quality: float, prior: float
) -> None:
    witness = Witness(saw=saw, sees_if_real=sees, says_without=says, quality=quality)
    before, after = probability_real(1.0, [], prior), probability_real(1.0, [witness], prior)
    points_up = (sees > says) == saw
    assert (
        after == pytest.approx(before)
        if quality == 0.0 or sees == says
        else (after >= before) == points_up or (after == pytest.approx(before))
    )
    assert SURE <= after <= 1 - SURE


def test_a_sensor_of_no_quality_is_believed_with_witnesses_alone() -> None:
    assert probability_real(0.0, []) == pytest.approx(SURE)
    assert probability_real(0.0, [HEAT] * 4) > 0.5
    assert probability_real(1.0, []) == pytest.approx(0.5)


@pytest.mark.parametrize("fault", [{"sees_if_real": 1.0}, {"says_without": 0.0}, {"quality": 2.0}])
def test_a_witness_that_is_none_is_refused_with_its_value(fault: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(fault))):
        Witness(**{"saw": True, "sees_if_real": 0.5, "says_without": 0.5, **fault})  # type: ignore[arg-type]


def test_a_prior_or_quality_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="prior"):
        probability_real(1.0, [], 1.0)
    with pytest.raises(ValueError, match="quality"):
        probability_real(-0.1, [])
