"""Vital signs: indicators of a unit or a tier, and a unit's scores for the roll-up."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Colour, Id, Mode
from schemas.times import Time

Score = Annotated[float, Meta(ge=0, le=100)]  # 100 is well
Coverage = Annotated[float, Meta(ge=0, le=1)]  # share of the expected inputs that came
Domain = Literal["safety", "environment", "mobility", "utilities", "building", "public-space", "care", "crowd"]
DOMAINS: tuple[Domain, ...] = (
    "safety", "environment", "mobility", "utilities", "building", "public-space", "care", "crowd",
)  # fmt: skip


class Contributor(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a value what it is: a series, a zone or a unit, with its own value."""

    name: str
    value: float


class Indicator(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator in one window (``vitals.indicators``, key: unit_id or a tier's prefix)."""

    unit_id: Id
    indicator: Id
    mode: Mode
    window_start: Time
    window_s: float
    value: float
    unit: str
    score: Score
    colour: Colour
    n: int  # rows that entered
    coverage: Coverage
    revision: int = 0
    contributors: tuple[Contributor, ...] = ()


class UnitScores(msgspec.Struct, frozen=True, kw_only=True):
    """A unit's domain scores in one window (``vitals.unit-scores``, key: district)."""

    unit_id: Id
    mode: Mode
    window_start: Time
    window_s: float
    scores: dict[Domain, Score]
    coverage: Coverage
    revision: int = 0
