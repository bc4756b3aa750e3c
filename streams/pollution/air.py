"""Places of ``sources.yaml`` upwind of the sensors that rose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.correlation.upwind import CALM_MPS, Candidate, Sensors, Wind, rank_upwind
from schemas.catalogue import PollutionSource
from streams.pollution.answer import LEAST_SCORE, RankedSource
from streams.pollution.rose import Watched


def rank_air(
    candidates: Sequence[PollutionSource], sensors: Sequence[Watched], wind: Wind | None
) -> tuple[list[RankedSource], str]:
    """Return the places that fit, the likeliest first, and a note: why none does, or what limits the ranking."""
    placed = [one for one in sensors if one.device.lat is not None and one.device.lon is not None]
    if not any(one.has_risen for one in placed):
        return [], "none of the sensors that rose is registered with a place"
    if not candidates:
        return [], "no place of sources.yaml emits it"
    lat, lon = (np.array([getattr(one, name) for one in candidates]) for name in ("lat", "lon"))
    ranked = rank_upwind(lat, lon, _arrays(placed), wind or Wind(from_deg=0.0, speed_mps=0.0))
    fit = [_named(candidates, one) for one in ranked if one.seen and one.score >= LEAST_SCORE]
    is_calm = wind is None or wind.speed_mps < CALM_MPS
    if not fit:
        return [], "no place of sources.yaml that emits it lies " + ("near" if is_calm else "upwind of") + " them"
    return fit, "no wind, or none is measured: ranked by distance alone" if is_calm else ""


def _arrays(placed: Sequence[Watched]) -> Sensors:
    rows = [(one.device.lat, one.device.lon, one.rise.scales, one.onset_s) for one in placed]
    lat, lon, scales, onset_s = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Sensors(lat=lat, lon=lon, rise=scales, onset_s=onset_s)


def _named(candidates: Sequence[PollutionSource], one: Candidate) -> RankedSource:
    source = candidates[one.place]
    parts = {name: round(getattr(one, name), 3) for name in ("score", "direction", "lag", "distance")}
    return RankedSource(
        id=source.id, name=source.name.en, name_zh=source.name.zh, seen=one.seen, missed=one.missed, **parts
    )
