"""Anomalies: something is wrong with a subject, from its onset to its clear (``vitals.anomalies``, key: district)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id, Mode
from schemas.times import Time

Phase = Literal["onset", "update", "clear"]
AnomalyKind = Literal[
    "range", "spike", "level_shift", "drift", "stuck", "gap", "dead", "rate", "seasonal", "spatial", "crowd", "rule",
    "correlation", "forecast", "video", "report",
]  # fmt: skip
MAX_EVIDENCE = 16


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the log the reason lies."""

    topic: str
    partition: int
    offset: int
    name: str  # series, zone/source, camera or report
    time: Time
    value: float | None = None


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of one anomaly; ``id`` is the same in all of them.

    ``score`` is the severity, 0 to 4: its whole part is the colour's place after green (1 blue, 2 yellow, 3 orange,
    4 red), the rest how far on the way to the next. In a ``clear``, ``evidence`` holds the verifying readings.
    """

    id: Id
    phase: Phase
    unit_id: Id
    subject: str  # a device, a zone, a camera or the unit
    kind: AnomalyKind
    onset: Time
    time: Time
    score: Annotated[float, Meta(ge=0, le=4)]
    quality: Annotated[float, Meta(ge=0, le=1)]
    detector: str
    detector_version: int
    mode: Mode
    quantity: str | None = None
    scenario: Id | None = None
    value: float | None = None
    expected: float | None = None
    evidence: Annotated[tuple[Evidence, ...], Meta(max_length=MAX_EVIDENCE)] = ()
