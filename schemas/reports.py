"""A citizen's or inspector's report (``vitals.reports``)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from schemas.ids import Id
from schemas.times import Time


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One report; ``category`` is a scenario or ``other``, ``reporter`` a pseudonym."""

    report_id: Id
    unit_id: Id
    category: Annotated[Id, Meta(description="the id of a scenario, or: other")]
    time: Time
    text: Annotated[str, Meta(max_length=2_000)] = ""
    reporter: Annotated[Id | None, Meta(description="a pseudonym, never a name or a telephone number")] = None
