"""Orders: a case's whole state at each change (``vitals.orders``, key: district)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Colour, Id, Mode, Tier
from schemas.times import Time

Step = Literal[
    "registered", "verified", "filed", "dispatched", "accepted", "handling", "handled", "checked", "closed", "rejected",
    "merged", "reopened",
]  # fmt: skip
ENDED: frozenset[Step] = frozenset({"closed", "rejected", "merged"})
MAX_CHAIN = 256


class StepEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A step taken, or an escalation (the step stays, the tier rises)."""

    step: Step
    tier: Tier
    time: Time
    by: str  # a team, a person, ``sensor`` or ``system``
    note: str = ""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the causal chain: reading -> anomaly -> alert -> each step -> verifying reading."""

    kind: Literal["reading", "anomaly", "alert", "step", "feedback", "verification"]
    id: str
    time: Time
    detail: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A case; a reader keeps the newest ``version`` of each ``case_id``."""

    case_id: Id
    order_id: Id | None  # <case_id>-<attempt>, once a team has been sent
    version: Annotated[int, Meta(ge=1)]
    unit_id: Id
    scenario: Id
    colour: Colour
    step: Step
    tier: Tier
    attempt: int
    opened: Time
    alert_ids: tuple[str, ...]
    correlationid: Id
    causationid: str
    mode: Mode
    team_id: Id | None = None
    due: Time | None = None  # when the clock of the present step overruns
    steps: tuple[StepEntry, ...] = ()
    report_ids: tuple[str, ...] = ()
    chain: Annotated[tuple[Link, ...], Meta(max_length=MAX_CHAIN)] = ()
