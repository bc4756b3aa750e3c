"""Alerts: an alert's whole state at each change (``vitals.alerts``, key: district), with the CAP 1.2 names."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.anomalies import Evidence
from schemas.ids import Colour, Id, Mode
from schemas.times import Time

AlertState = Literal["NORM", "UNACK", "ACKED", "RTNUN", "SHLVD", "DSUPR", "OOSRV"]
SubjectState = Literal["active", "clear", "dead"]
CapStatus = Literal["Actual", "Exercise", "Test"]
CapMessage = Literal["Alert", "Update", "Cancel"]
CapUrgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
CapSeverity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
CapCertainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]
CapCategory = Literal[
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"
]


class AlertSubject(msgspec.Struct, frozen=True, kw_only=True):
    """One subject of an alert, as its latest anomaly left it; ``evidence`` of a clear one is what verified it."""

    subject: str
    state: SubjectState
    since: Time  # when it took this state
    quality: Annotated[float, Meta(ge=0, le=1)]
    anomaly_id: Id
    evidence: tuple[Evidence, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert's whole state; a reader keeps the newest ``version`` of each ``alert_id``.

    Version 1 is the provisional raise, sent when the onset arrives (header ``vitals_provisional``: ``true``); the
    settled life, which the log alone decides, begins with version 2.
    """

    alert_id: Id
    version: Annotated[int, Meta(ge=1)]
    unit_id: Id
    scenario: Id
    colour: Colour
    state: AlertState
    subjects: tuple[AlertSubject, ...]
    first_seen: Time
    last_seen: Time
    count: int  # onsets and updates so far
    certainty: CapCertainty
    correlationid: Id
    mode: Mode
    identifier: str
    sender: str
    sent: Time
    status: CapStatus
    msgType: CapMessage  # noqa: N815 - CAP's name
    scope: Literal["Public", "Restricted", "Private"]
    category: CapCategory
    event: str
    urgency: CapUrgency
    severity: CapSeverity
    onset: Time
    headline: str
    area: str
    description: str = ""
    expires: Time | None = None
    references: str = ""
    acknowledged_by: str | None = None
    causes: tuple[str, ...] = ()  # anomaly ids
