"""Dead letters of the store: the line that the database refused, and the record that it came from."""

from __future__ import annotations

import time

from schemas.channels import DEAD_LETTERS
from schemas.refusals import Reason
from schemas.times import format_time
from streams.delivery.records import Headers
from streams.store.points import Refusal

MAX_DETAIL = 500


def dead_letter(refusal: Refusal) -> tuple[str, bytes, Headers]:
    """Return topic, value and headers."""
    topic, partition, offset = refusal.origin
    headers = (
        ("dl_topic", topic.encode()),
        ("dl_partition", str(partition).encode()),
        ("dl_offset", str(offset).encode()),
        ("dl_reason", Reason.STORE_REFUSED.encode()),
        ("dl_detail", refusal.detail[:MAX_DETAIL].encode()),
        ("dl_time", format_time(time.time_ns()).encode()),
    )
    return DEAD_LETTERS, refusal.line, headers
