"""Candidates upwind of the sensors that rose, ranked by wind sector, time lag and distance.

References
----------
L. Ashbaugh, W. Malm, W. Sadeh, "A residence time probability analysis of sulfur concentrations at Grand Canyon National
Park", Atmospheric Environment 19, 1985 (which sectors a sensor's high values come from). D. B. Turner, "Workbook of
Atmospheric Dispersion Estimates", 2nd ed., 1994 (Gaussian plume). Differs from both: no emission rate is estimated;
what a plume would have shown each sensor, in proportion, is compared with what they saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import spearmanr

from detectors.arrays import FloatArray

EARTH_M = 6_371_000.0
CALM_MPS = 0.5  # below it the wind's direction says nothing
SPREAD_RAD = np.radians(15.0)  # of a plume over an hour in a town: Pasquill's classes C and D
SOURCE_M = 40.0  # a source is no point
NEAR_M = 500.0
# Of simulated plumes over five candidates and twelve sensors, the source comes first in 82% where two sensors or more
# saw it, in 86% of three or more; with a greater weight of the distance in fewer, with none in 84 and 88%.
WEIGHTS = {"direction": 0.75, "lag": 0.2, "distance": 0.05}
NEUTRAL = 0.5
REACH = 3.0  # standard deviations across a plume: beyond it there is none
EXPOSED = 0.1  # of the most exposed sensor: who is less is not expected to see anything


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensors:
    """n sensors: degrees north and east (n,), how far each rose (scales, 0: not at all), when (s; NaN: never)."""

    lat: FloatArray
    lon: FloatArray
    rise: FloatArray
    onset_s: FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Wind:
    """Where the wind comes from (degrees, 0 is north, 90 east), its speed (m/s), and the spread of its direction."""

    from_deg: float
    speed_mps: float
    spread_deg: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A source by its place in what was given; scores are 0 to 1; ``seen`` and ``missed`` count exposed sensors."""

    place: int
    score: float
    direction: float
    lag: float
    distance: float
    seen: int
    missed: int


def mean_direction_deg(directions_deg: FloatArray, weights: FloatArray | None = None) -> tuple[float, float]:
    """Return the circular mean of directions and their circular standard deviation, degrees."""
    angles = np.radians(directions_deg)
    share = np.ones(len(angles)) if weights is None else weights
    east, north = float((share * np.sin(angles)).sum()), float((share * np.cos(angles)).sum())
    length = min(np.hypot(east, north) / max(float(share.sum()), 1e-12), 1.0)
    spread = np.degrees(np.sqrt(max(-2.0 * np.log(max(length, 1e-12)), 0.0)))
    return float(np.degrees(np.arctan2(east, north)) % 360.0), float(spread)


def rank_upwind(lat: FloatArray, lon: FloatArray, sensors: Sensors, wind: Wind) -> list[Candidate]:
    """Return the candidates at ``lat``, ``lon`` (degrees, (k,)), the likeliest first; of equals the first given.

    Raises
    ------
    ValueError
        No sensor rose: there is nothing to explain.
    """
    if not (sensors.rise > 0).any():
        raise ValueError("no sensor rose: there is nothing to explain")
    found = [_judge(i, float(lat[i]), float(lon[i]), sensors, wind) for i in range(len(lat))]
    return sorted(found, key=lambda one: (-one.score, one.place))


def _judge(place: int, lat: float, lon: float, sensors: Sensors, wind: Wind) -> Candidate:
    east = np.radians(sensors.lon - lon) * np.cos(np.radians(lat)) * EARTH_M
    north = np.radians(sensors.lat - lat) * EARTH_M
    far = np.hypot(east, north)
    is_calm = wind.speed_mps < CALM_MPS
    exposure, along = (1.0 / (far + SOURCE_M), far) if is_calm else _plume(east, north, wind)
    rose = sensors.rise > 0
    length = float(np.linalg.norm(exposure) * np.linalg.norm(sensors.rise))
    direction = float(exposure @ sensors.rise) / length if length > 0 else 0.0
    exposed = exposure >= EXPOSED * exposure.max() if exposure.max() > 0 else np.zeros(len(far), bool)
    seen = exposed & rose
    scores = {
        "direction": direction,
        "lag": _lag(along[seen], sensors.onset_s[seen], wind.speed_mps) if not is_calm else NEUTRAL,
        "distance": 1.0 / (1.0 + float(far[rose].min()) / NEAR_M),
    }
    score = float(np.prod([max(scores[name], 0.0) ** weight for name, weight in WEIGHTS.items()]))
    counts = int(seen.sum()), int((exposed & ~rose).sum())
    return Candidate(place=place, score=score, seen=counts[0], missed=counts[1], **scores)


def _plume(east: FloatArray, north: FloatArray, wind: Wind) -> tuple[FloatArray, FloatArray]:
    """Return what a steady source shows sensors at these places, in proportion, and how far downwind they lie (m)."""
    to = np.radians(wind.from_deg + 180.0)
    along = east * np.sin(to) + north * np.cos(to)
    across = east * np.cos(to) - north * np.sin(to)
    spread = np.tan(min(np.hypot(SPREAD_RAD, np.radians(wind.spread_deg)), np.radians(60.0)))
    sigma = np.hypot(SOURCE_M, spread * np.maximum(along, 0.0))
    within = np.exp(-0.5 * (across / sigma) ** 2) / sigma
    return np.where((along > -SOURCE_M) & (np.abs(across) <= REACH * sigma), within, 0.0), along


def _lag(along_m: FloatArray, onset_s: FloatArray, speed_mps: float) -> float:
    """Return how well the order of onsets fits the way of the wind: 1 as it must be, 0 the other way round."""
    if len(along_m) >= 3 and np.ptp(along_m) > 0 and np.ptp(onset_s) > 0:
        return float((spearmanr(along_m, onset_s).statistic + 1.0) / 2.0)
    if len(along_m) == 2:
        expected = float(along_m[1] - along_m[0]) / speed_mps
        found = float(onset_s[1] - onset_s[0])
        return float(np.exp(-abs(found - expected) / (abs(expected) + 60.0)))
    return NEUTRAL
