"""Grafana's thresholds from curves and levels."""

import pytest

from detectors.scores import colour_of, curve_score
from schemas.catalogue import IndicatorEntry
from streams.catalogue.files import load_catalogue
from streams.grafana.limits import steps_of_indicator, steps_of_quantity

CATALOGUE = load_catalogue()
JUDGED = [one for one in CATALOGUE.indicators.values() if steps_of_indicator(one)]


def test_a_falling_curve_has_its_four_limits() -> None:
    expected = [(None, "green"), (1.0, "blue"), (2.0, "yellow"), (3.5, "orange"), (5.0, "red")]
    assert steps_of_indicator(CATALOGUE.indicators["crowd_density"]) == expected


def test_a_curve_with_its_best_in_the_middle_gets_worse_on_both_sides() -> None:
    colours = [colour for _, colour in steps_of_indicator(CATALOGUE.indicators["air_temperature"])]
    assert colours == ["yellow", "blue", "green", "blue", "yellow", "orange", "red"]


@pytest.mark.parametrize("entry", JUDGED, ids=lambda entry: entry.id)
def test_between_the_limits_a_value_has_the_colour_that_sense_gives_it(entry: IndicatorEntry) -> None:
    steps = steps_of_indicator(entry)
    values, scores = [one.value for one in entry.curve], [one.score for one in entry.curve]
    span = values[-1] - values[0]
    for place in range(-100, 1_100):
        value = values[0] + span * (place + 0.37) / 1_000  # on no limit
        drawn = [colour for limit, colour in steps if limit is None or limit <= value][-1]
        assert drawn == colour_of(curve_score(value, values, scores)), value


def test_what_is_counted_only_and_what_changes_with_the_date_has_no_limits() -> None:
    assert steps_of_indicator(CATALOGUE.indicators["people_in"]) == []
    assert steps_of_indicator(CATALOGUE.indicators["fine_particles"]) == []


def test_a_quantity_has_its_own_levels() -> None:
    expected = [(None, "green"), (2500.0, "yellow"), (5000.0, "orange"), (10000.0, "red")]
    assert steps_of_quantity(CATALOGUE.quantities["ch4"]) == expected
    assert steps_of_quantity(CATALOGUE.quantities["humidity"]) == []
