"""Distances from a season: learned by the hour, kept over a restart, nothing said before it is known."""

from __future__ import annotations

import numpy as np

from schemas.times import HOUR_NS, SHANGHAI_NS
from streams.sense.season import Seasons
from tests.streams.sense.builders import T0

DAYS = 14
RESOLUTION = np.array([1.0])


def _value(hour: int, rng: np.random.Generator) -> float:
    return 200.0 + 150.0 * (8 <= hour % 24 < 20) + float(rng.normal(0.0, 5.0))


def _learned(names: tuple[str, ...] = ("m/power",)) -> tuple[Seasons, list[float]]:
    seasons, rng, found = Seasons(), np.random.default_rng(1), []
    for hour in range(24 * DAYS):
        for name in names:
            time_ns = T0 + hour * HOUR_NS
            local = (time_ns + SHANGHAI_NS) // HOUR_NS
            value = np.array([_value(int(local), rng)])
            found.append(float(seasons.distances([name], np.array([time_ns]), value, RESOLUTION)[0]))
    return seasons, found


def test_nothing_is_said_before_the_season_is_known_and_ordinary_days_are_near() -> None:
    _, found = _learned()
    assert found[:96] == [0.0] * 96
    assert max(abs(distance) for distance in found[200:]) < 6.0


def test_the_same_value_is_ordinary_by_day_and_far_by_night() -> None:
    seasons, _ = _learned()
    midnight = T0 + 24 * DAYS * HOUR_NS + 16 * HOUR_NS
    noon = midnight + 12 * HOUR_NS
    values, times = np.array([350.0, 350.0]), np.array([midnight, noon])
    by_night, by_day = seasons.distances(["m/power", "m/power"], times, values, np.array([1.0, 1.0])).tolist()
    assert by_night > 8.0
    assert abs(by_day) < 6.0


def test_an_hour_is_learned_once_however_often_it_is_read() -> None:
    """A thousand readings of an anomaly within the hour leave the season as it was."""
    seasons, _ = _learned()
    midnight = T0 + 24 * DAYS * HOUR_NS + 16 * HOUR_NS
    times = midnight + np.arange(1_000) * 2_000_000_000
    found = seasons.distances(["m/power"] * 1_000, times, np.full(1_000, 350.0), np.full(1_000, 1.0))
    assert found.min() > 8.0


def test_what_is_kept_goes_on_alike() -> None:
    names = tuple(f"m{i}/power" for i in range(70))  # more than one block
    seasons, _ = _learned(names)
    fresh = Seasons()
    for name, payload in seasons.changed_blocks():
        fresh.restore_block(name, payload)
    time_ns = np.array([T0 + 24 * DAYS * HOUR_NS + 16 * HOUR_NS])
    for name in names:
        expected = seasons.distances([name], time_ns, np.array([333.0]), RESOLUTION)
        assert fresh.distances([name], time_ns, np.array([333.0]), RESOLUTION) == expected
    assert dict(fresh.changed_blocks()) == dict(seasons.changed_blocks())
