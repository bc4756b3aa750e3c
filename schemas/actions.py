"""What people do with alerts (``vitals.actions``, key: district)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.ids import Id
from schemas.times import Time

ActionKind = Literal["acknowledge", "shelve", "unshelve", "silence", "maintenance", "end"]


class Matcher(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which alerts an action is about; what is not given matches all."""

    scenario: Id | None = None
    unit_id: Id | None = None  # a unit or a tier's prefix
    subject: Annotated[str, Meta(max_length=128)] | None = None


class Action(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One act of a named person; ``alert_id`` or ``matcher`` says on what."""

    action: ActionKind
    district: Id
    by: Annotated[str, Meta(min_length=1, max_length=64)]
    time: Time
    reason: Annotated[str, Meta(max_length=500)] = ""
    alert_id: Id | None = None
    matcher: Matcher | None = None
    until: Time | None = None
