"""The rules of a scenario: patterns beyond single limits, decided once a window when the watermark passes its end."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.ids import ID_PATTERN, Colour
from schemas.video import VideoKind

Word = Annotated[str, Field(pattern=ID_PATTERN)]
Signal = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,61}(~z)?$")]  # a quantity, or its distance ``~z``
Seconds = Annotated[float, Field(gt=0, le=86_400 * 31)]
Hour = Annotated[float, Field(ge=0, le=24)]
Severity = Annotated[float, Field(ge=0, le=4)]
Share = Annotated[float, Field(gt=0, le=1)]


class Entry(BaseModel):
    """What all catalogue entries share: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Name(Entry):
    """What people read."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Levels(Entry):
    """Thresholds of the four colours; ``None`` where a colour is not used. Rising (``over``) or falling (``under``)."""

    blue: float | None = None
    yellow: float | None = None
    orange: float | None = None
    red: float | None = None
    side: Literal["over", "under"] = "over"
    hysteresis: float = Field(default=0.0, ge=0)  # in the quantity's unit: how far back before it clears
    source: Annotated[str, Field(min_length=1)]  # where the numbers come from

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = [v for v in self.values() if v is not None]
        if not given or given != sorted(given, reverse=self.side == "under"):
            raise ValueError("thresholds must be given in the order blue, yellow, orange, red, getting worse")
        return self

    def values(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Return the thresholds of blue, yellow, orange and red."""
        return self.blue, self.yellow, self.orange, self.red


class _Rule(Entry):
    """What all patterns share; ``window_s`` is divided by the clock scale in trials."""

    id: Word
    window_s: Seconds = 60.0


class _OfQuantities(_Rule):
    quantities: Annotated[tuple[Signal, ...], Field(min_length=1)]


class RisingRule(_OfQuantities):
    """A series over a level of its quantity has risen within the window by a share of that level."""

    pattern: Literal["rising"]
    at_least: float = Field(default=0.1, gt=0)  # share of the level
    while_over: Colour = "yellow"
    score: Severity = 3.0


class AgreeRule(_OfQuantities):
    """Several devices of the unit hold a level of their quantity at the same time."""

    pattern: Literal["agree"]
    at_least: int = Field(default=2, ge=2)  # devices
    while_over: Colour = "yellow"
    score: Severity = 3.0


class Limit(Entry):
    """A limit out of a dated table: that of a class, or of the unit's own noise class."""

    table: Word
    of: Annotated[int, Field(ge=0, le=9)] | Literal["noise_class"]


class LevelRule(_OfQuantities):
    """A series, taken over the window, is beyond a level; above a dated limit and in hours of the day where given."""

    pattern: Literal["level"]
    aggregate: Literal["mean", "max", "min", "last"] = "mean"
    levels: Levels
    above: Limit | None = None  # levels count from this limit; a unit without a class is not judged
    hours: tuple[Hour, Hour] | None = None  # local, past midnight where the second is below the first


class DensityRule(_Rule):
    """Persons a square metre of a zone, its sources fused."""

    pattern: Literal["density"]
    levels: Levels


class InflowRule(_Rule):
    """Net persons a square metre a minute into a zone that is dense already."""

    pattern: Literal["inflow"]
    while_over: Colour = "blue"  # of the scenario's density rule
    levels: Levels


class VideoCountRule(_Rule):
    """Persons in view of a zone's cameras a square metre of it."""

    pattern: Literal["video_count"]
    levels: Levels


class StandstillRule(_Rule):
    """People walk slower than their density explains: the share of speed that is missing against Weidmann's diagram."""

    pattern: Literal["standstill"]
    while_over: Colour = "blue"  # of the scenario's density rule
    levels: Levels


class SeenRule(_Rule):
    """A camera sees something in a share of its rows of the window: what only passes by is not enough."""

    pattern: Literal["seen"]
    kinds: Annotated[tuple[VideoKind, ...], Field(min_length=1)]
    confidence: Share = 0.6
    share: Share = 0.6
    at_least: int = Field(default=2, ge=1)  # rows
    score: Severity = 2.0


class CameraRule(_Rule):
    """A camera is blind, moved, or silent while others of its unit speak."""

    pattern: Literal["camera_health"]
    share: Share = 0.6
    score: Severity = 1.0


class SignEntry(Entry):
    """One thing that a joined pattern looks for: a reading beyond a bound, a rise, or something that a camera sees."""

    quantity: Signal | None = None
    over: float | None = None  # at or over
    under: float | None = None  # at or under
    rises_by: float | None = Field(default=None, gt=0)  # within the window, to a value that is over, if given
    kind: VideoKind | None = None
    confidence: Share = 0.6
    absent: bool = False  # it must not be there

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.quantity is None) == (self.kind is None):
            raise ValueError("a sign is of a quantity or of a kind, not both")
        is_over = self.over is not None or self.rises_by is not None
        if is_over + (self.under is not None) != (self.quantity is not None):
            raise ValueError("a sign of a quantity has over (and rises_by) or under; one of a kind has none of them")
        return self


class TogetherRule(_Rule):
    """Signs of different sensors, cameras or devices within the window: some of them together, in order if asked."""

    pattern: Literal["together"]
    signs: Annotated[tuple[SignEntry, ...], Field(min_length=2, max_length=8)]
    at_least: int = Field(ge=2)
    score: Severity = 3.0
    score_all: Severity | None = None  # where all are there
    in_order: bool = False  # each no earlier than the one before it
    same_device: bool = False  # one device must show them all, and is the subject; else the unit is

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.at_least > len(self.signs):
            raise ValueError(f"at_least {self.at_least} of {len(self.signs)} signs can never be there")
        if all(sign.absent for sign in self.signs):
            raise ValueError("a pattern of absent signs alone holds wherever nothing comes")
        if self.same_device and any(sign.kind is not None for sign in self.signs):
            raise ValueError("same_device joins readings; what a camera sees is another device's")
        return self


Rule = Annotated[
    RisingRule
    | AgreeRule
    | LevelRule
    | DensityRule
    | InflowRule
    | VideoCountRule
    | StandstillRule
    | SeenRule
    | CameraRule
    | TogetherRule,
    Field(discriminator="pattern"),
]


def signals_of(rule: Rule) -> tuple[str, ...]:
    """Return the quantities (or distances of quantities) that a rule looks at, series by series."""
    if isinstance(rule, _OfQuantities):
        return rule.quantities
    if isinstance(rule, TogetherRule):
        return tuple(sign.quantity for sign in rule.signs if sign.quantity is not None)
    return ()


def sights_of(rule: Rule) -> tuple[tuple[VideoKind, float], ...]:
    """Return the (kind, least confidence) pairs that a rule looks for in video rows."""
    if isinstance(rule, SeenRule):
        return tuple((kind, rule.confidence) for kind in rule.kinds)
    if isinstance(rule, TogetherRule):
        return tuple((sign.kind, sign.confidence) for sign in rule.signs if sign.kind is not None)
    return ()
