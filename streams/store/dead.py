"""Dead letters of the store: the line that the database refused, and the record that it came from."""

from __future__ import annotations

from schemas.channels import DEAD_LETTERS
from schemas.dead_letters import dead_letter_headers
from schemas.refusals import Reason
from streams.delivery.records import Effect
from streams.store.points import Refusal


def dead_letter(refusal: Refusal) -> Effect:
    """Return the letter; written again after a crash, it is the same one."""
    origin = refusal.origin
    headers = dead_letter_headers(
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        reason=Reason.STORE_REFUSED,
        detail=refusal.detail,
        time_ns=origin.append_ns,
    )
    return Effect(topic=DEAD_LETTERS, key=None, value=refusal.line, headers=headers, partition=origin.partition)
