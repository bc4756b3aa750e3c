"""The likely sources as commands, API and page show them: one shape for air and water."""

from __future__ import annotations

from typing import Literal

import msgspec

Medium = Literal["air", "water"]
LEAST_SCORE = 0.1  # below it a candidate explains next to nothing of what was seen


class Risen(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor that rose: when, from which level to which value, and how many of its own scales that is."""

    series: str
    unit_id: str
    onset: str
    level: float
    highest: float
    scales: float


class RankedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with what speaks for it, and how many sensors (water: points) that it reaches rose and did not.

    Scores are 0 to 1: of air ``direction``, ``lag`` and ``distance``, of water ``order``; the others are ``None``.
    """

    id: str
    name: str
    name_zh: str
    score: float
    seen: int
    missed: int
    direction: float | None = None
    lag: float | None = None
    distance: float | None = None
    order: float | None = None
    minutes: float | None = None  # how long water takes from it to the nearest point that rose


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of one quantity, the likeliest first, with the wind and the sensors that rose, in their order.

    ``note`` says why there is no candidate, or what limits the ranking.
    """

    quantity: str
    medium: Medium
    since: str
    until: str
    rose: tuple[Risen, ...]
    ranked: tuple[RankedSource, ...]
    watched: int  # sensors with values enough to be judged
    wind_from_deg: float | None = None
    wind_mps: float | None = None
    note: str = ""


class CaseSources(msgspec.Struct, frozen=True, kw_only=True):
    """The likely sources of a case, of each quantity that raised it; ``note`` says why there is none."""

    case_id: str
    found: tuple[Sources, ...]
    note: str = ""
