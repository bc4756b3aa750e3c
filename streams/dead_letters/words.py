"""What each reason means, and what to do about it: in words, for people."""

from __future__ import annotations

from schemas.refusals import Reason

WORDS: dict[Reason, tuple[str, str]] = {  # reason -> what it means, what to do
    Reason.TOO_LARGE: ("the record is larger, or has more rows, than is taken", "let the gateway send smaller packs"),
    Reason.UNDECODABLE: ("the value is no JSON", "look at what the gateway sends; it cannot be repaired here"),
    Reason.SCHEMA: ("the record or the row lacks a field, or has one that is not known", "mend the gateway's format"),
    Reason.UNKNOWN_LABEL: ("a SenML label ends in _: it must be understood, and is not", "leave the label out"),
    Reason.BAD_VALUE: ("a number is out of what can be held, or a time outside 1970 to 2100", "mend the device"),
    Reason.UNKNOWN_DEVICE: (
        "the device is not in the registry, or stands in another unit",
        "`vitals registry add-device`, or rename it (--fix devices:), then replay",
    ),
    Reason.UNKNOWN_PLACE: ("the unit or zone is not in the registry", "`vitals registry apply`, then replay"),
    Reason.UNKNOWN_QUANTITY: (
        "the quantity is not in the catalogue, or not one of the device's",
        "register it with the device, or rename it (--fix quantities:), then replay",
    ),
    Reason.WRONG_MEASURE: (
        "the unit of measure, or the kind of value (v, vb), is not the quantity's",
        "name the right one (--fix measures:, values:), then replay",
    ),
    Reason.WRONG_PARTITION: (
        "the record lay in another partition than its key's",
        "set the gateway's partitioner to murmur2; replay puts it into the right one",
    ),
    Reason.NO_KEY: ("the record had no key", "name its unit (--fix unit_id:), then replay"),
    Reason.NOT_OWNER: (
        "the gateway spoke for a device that is another gateway's",
        "correct the registry's gateway_id, or find out who speaks there; then replay",
    ),
    Reason.BAD_SIGNATURE: ("the signature does not fit", "find out who sent it; do not replay what you cannot trust"),
    Reason.REPLAYED: ("a signed record came a second time", "find out who sent it again; nothing is lost"),
    Reason.FUTURE: (
        "its time is more than 5 minutes ahead of its record",
        "set the device's clock; shift the times (--fix shift_s:), then replay",
    ),
    Reason.CONFLICT: ("another value of this series has the same time", "find the two sources; the first one counts"),
    Reason.BAD_FEEDBACK: ("the feedback did not fit the case's state", "the team says it anew; it is not replayed"),
    Reason.BAD_ACTION: ("the action fitted no alert", "the operator does it anew; it is not replayed"),
    Reason.STORE_REFUSED: (
        "the database refused the line",
        "mend the database or the quantity's type; what was judged is in vitals.judged",
    ),
    Reason.UNDELIVERED: (
        "the webhook's receiver did not take it in time",
        "mend the receiver; it is not sent again, a later change of the same alert or case is",
    ),
}
