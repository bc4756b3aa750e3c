"""What is sent: the event as it lies in Kafka, under an id that stays the same however often it is sent (pure)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import channels
from schemas.codec import decode_alert, decode_order
from schemas.refusals import RefusedError


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookEvent:
    """One alert or case at one change; those of one ``subject`` are sent in order."""

    id: str
    type: str  # CloudEvents type
    subject: str
    body: bytes


def event_of(topic: str, value: bytes) -> WebhookEvent | None:
    """Return the event of a record of ``topic``; ``None``: it is no alert or order."""
    try:
        if topic == channels.ALERTS:
            alert = decode_alert(value)
            subject, version = f"alert:{alert.alert_id}", alert.version
        else:
            order = decode_order(value)
            subject, version = f"order:{order.case_id}", order.version
    except RefusedError:
        return None
    return WebhookEvent(id=f"{subject}:{version}", type=channels.EVENT_TYPES[topic], subject=subject, body=value)
