"""Why a record, or a row of it, was refused: a closed list of words for dead letters and metrics."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons of dead letters; nothing else may stand in ``dl_reason``."""

    TOO_LARGE = "too_large"
    UNDECODABLE = "undecodable"
    SCHEMA = "schema"
    UNKNOWN_LABEL = "unknown_label"
    BAD_VALUE = "bad_value"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_PLACE = "unknown_place"
    UNKNOWN_QUANTITY = "unknown_quantity"
    WRONG_MEASURE = "wrong_measure"
    WRONG_PARTITION = "wrong_partition"
    NO_KEY = "no_key"
    NOT_OWNER = "not_owner"
    BAD_SIGNATURE = "bad_signature"
    REPLAYED = "replayed"
    FUTURE = "future"
    CONFLICT = "conflict"
    BAD_FEEDBACK = "bad_feedback"
    BAD_ACTION = "bad_action"
    STORE_REFUSED = "store_refused"
    UNDELIVERED = "undelivered"


class RefusedError(Exception):
    """A record was refused as a whole; it goes to the dead letters with ``reason`` and ``detail``."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:500]
