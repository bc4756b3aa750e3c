"""Points of ``network.yaml`` upstream of the sensors that rose: from which the others follow in order of the flow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectors.correlation.upstream import Upstream, rank_upstream
from schemas.network import WaterPoint
from streams.pollution.answer import LEAST_SCORE, RankedSource
from streams.pollution.rose import Watched

MINUTE_S = 60.0


def rank_water(
    quantity: str, network: Mapping[str, WaterPoint], sensors: Sequence[Watched]
) -> tuple[list[RankedSource], str]:
    """Return the points that fit, the likeliest first, and a note: why none does, or who is left out.

    A point is a candidate if it is a unit, or a place that emits the quantity; others only lead water on.
    """
    at = {point.unit: point.id for point in network.values() if point.unit is not None}
    measured = {at[one.device.unit_id] for one in sensors if one.device.unit_id in at}
    rose = [one for one in sensors if one.has_risen]
    outside = sorted({one.device.unit_id for one in rose} - set(at))
    note = f"not in network.yaml: {', '.join(outside)}" if outside else ""
    onsets: dict[str, float] = {}
    for one in rose:
        if (point_id := at.get(one.device.unit_id)) is not None:
            onsets[point_id] = min(one.onset_s, onsets.get(point_id, one.onset_s))
    edges = [(one.id, flow.to, flow.minutes * MINUTE_S) for one in network.values() for flow in one.flows]
    joined = {name for edge in edges for name in edge[:2]}
    onsets = {name: onset_s for name, onset_s in onsets.items() if name in joined}
    if not onsets:
        return [], note or "no water flows to or from where it rose"
    ranked = rank_upstream(edges, onsets, measured & joined)
    return [_named(network[one.point], one) for one in ranked if _fits(quantity, network[one.point], one)], note


def _fits(quantity: str, point: WaterPoint, one: Upstream) -> bool:
    return (point.unit is not None or quantity in point.emits) and one.score >= LEAST_SCORE


def _named(point: WaterPoint, one: Upstream) -> RankedSource:
    return RankedSource(
        id=point.id,
        name=point.name.en,
        name_zh=point.name.zh,
        score=round(one.score, 3),
        seen=one.explained,
        missed=one.missed,
        order=round(one.order, 3),
        minutes=round(one.away_s / MINUTE_S, 1),
    )
