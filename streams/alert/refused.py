"""Dead letters of the alert stage: a record that it cannot take, whole, with the reason."""

from __future__ import annotations

from schemas import channels
from schemas.dead_letters import dead_letter_headers
from schemas.refusals import RefusedError
from streams.alert.ordering import Origin
from streams.delivery.records import Effect


def dead_letter(origin: Origin, error: RefusedError) -> Effect:
    """Return the dead letter of a record: its raw bytes, where it lay, and why it was refused."""
    headers = dead_letter_headers(
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        reason=error.reason,
        detail=error.detail,
        time_ns=origin.append_ns,
    )
    return Effect(topic=channels.DEAD_LETTERS, key=origin.key, value=origin.value, headers=headers)
