"""What field teams say of an order (``vitals.feedback``, key: district)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id
from schemas.times import Time

FeedbackAction = Literal["accept", "refuse", "arrive", "progress", "done", "reopen", "check"]


class Feedback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One word of a team, or of a named person who checks."""

    order_id: Id
    unit_id: Id
    action: FeedbackAction
    time: Time
    by: Annotated[str, Meta(min_length=1, max_length=64)]
    team_id: Id | None = None
    note: Annotated[str, Meta(max_length=500)] = ""
