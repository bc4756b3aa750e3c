"""Which anomalies make one alert, how bad it is, how sure we are."""

from __future__ import annotations

import pytest

from schemas.alerts import CapCertainty
from streams.alert.grouping import KEPT_EVIDENCE, Sign, certainty_of, kept_evidence, key_of, level_of
from tests.streams.alert.builders import CATALOGUE, UNIT, anomaly


def _sign(quality: float, *, is_boolean: bool = False) -> Sign:
    return Sign(
        kind="range",
        time_ns=0,
        level=3,
        quality=quality,
        is_boolean=is_boolean,
        quantity=None,
        value=None,
        expected=None,
        evidence=(),
    )


@pytest.mark.parametrize(
    ("active", "certainty"),
    [
        ([[_sign(0.8)]], "Likely"),
        ([[_sign(0.8, is_boolean=True)]], "Observed"),
        ([[_sign(0.9)], [_sign(0.6)]], "Observed"),
        ([[_sign(0.9), _sign(0.9)]], "Likely"),  # one subject that agrees with itself
        ([[_sign(0.9)], [_sign(0.4)]], "Likely"),  # a suspect one supports nobody
        ([[_sign(0.79, is_boolean=True)]], "Possible"),
        ([[_sign(0.5)]], "Possible"),
        ([[_sign(0.49)]], "Unlikely"),
        ([[_sign(0.4, is_boolean=True)], [_sign(0.4)]], "Unlikely"),
    ],
)
def test_certainty_follows_quality_and_support(active: list[list[Sign]], certainty: CapCertainty) -> None:
    assert certainty_of(active) == certainty


@pytest.mark.parametrize(
    ("score", "quality", "level"),
    [(0.99, 1.0, 0), (1.0, 1.0, 1), (2.99, 0.5, 2), (4.0, 1.0, 4), (4.0, 0.49, 1), (0.5, 0.49, 0)],
)
def test_level_is_the_whole_part_and_blue_at_most_for_a_suspect(score: float, quality: float, level: int) -> None:
    assert level_of(score, quality) == level


def test_a_scenario_by_unit_makes_one_key_of_a_units_subjects() -> None:
    gas = CATALOGUE.scenarios["gas-leak"]
    keys = {key_of(anomaly(0, subject=name, scenario="gas-leak"), gas) for name in ("ch4-1", "ch4-2")}
    assert {key.subject for key in keys} == {UNIT}


def test_a_scenario_by_subject_makes_a_key_each() -> None:
    lift = CATALOGUE.scenarios["lift-fault"]
    assert len({key_of(anomaly(0, subject=name), lift) for name in ("lift-1", "lift-2")}) == 2


def test_modes_do_not_mix() -> None:
    lift = CATALOGUE.scenarios["lift-fault"]
    keys = [key_of(anomaly(0, mode="actual"), lift), key_of(anomaly(0, mode="exercise"), lift)]
    assert keys[0].alert_id(0) != keys[1].alert_id(0)


def test_kept_evidence_has_the_first_and_the_newest() -> None:
    evidence = tuple(anomaly(second).evidence[0] for second in range(16))
    kept = kept_evidence(evidence)
    assert len(kept) == KEPT_EVIDENCE
    assert (kept[0], kept[-1]) == (evidence[0], evidence[-1])
