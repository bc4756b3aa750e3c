"""Crowd rows: how many people were in a zone, and how they moved (``vitals.crowd``)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id
from schemas.times import Time

CrowdSource = Literal["camera", "wifi", "cellular", "gate"]
MAX_CROWD_ROWS = 1_024
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Speed = Annotated[float, Meta(ge=0, le=50)]
SpeedVariance = Annotated[float, Meta(ge=0, le=2_500)]
Degrees = Annotated[float, Meta(ge=0, le=360)]


class CrowdRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One zone, one source, one period; at least one of the three counts is given."""

    zone_id: Annotated[Id, Meta(description="a zone of the unit, as registered; its area is the registry's")]
    source: Annotated[CrowdSource, Meta(description="what counted")]
    time: Annotated[Time, Meta(description="end of the period")]
    period_s: Annotated[float, Meta(gt=0, le=86_400, description="length of the period, s")] = 60.0
    people_count: Annotated[Count | None, Meta(description="persons present at the end of the period")] = None
    people_in: Annotated[Count | None, Meta(description="persons who came in during the period")] = None
    people_out: Annotated[Count | None, Meta(description="persons who left during the period")] = None
    mean_speed_mps: Annotated[Speed | None, Meta(description="mean walking speed, m/s")] = None
    speed_variance_m2s2: Annotated[SpeedVariance | None, Meta(description="variance of the speed, m2/s2")] = None
    direction_deg: Annotated[Degrees | None, Meta(description="mean direction of movement, degrees from north")] = None
