"""The JSON form of every event that has one record each: ``encode(event)`` and ``decode_<event>(raw)``.

Packs of readings are in ``senml.py``, rows and reports in ``rows.py``, judged records (msgpack) in ``judged.py``,
registry records in ``registry_codec.py``. What we produce is read leniently, so that a newer writer may add fields;
what people send (feedback, actions) is read strictly, so that a misspelt field is not silently without effect.
"""

from __future__ import annotations

import msgspec

from schemas.actions import Action
from schemas.alerts import Alert
from schemas.anomalies import Anomaly
from schemas.bounded import MAX_EVENT_BYTES, decode_one
from schemas.feedback import Feedback
from schemas.orders import Order
from schemas.refusals import Reason, RefusedError
from schemas.reports import Report
from schemas.signs import Indicator, UnitScores
from schemas.times import parse_time
from schemas.watermarks import Watermark

Event = Action | Alert | Anomaly | Feedback | Indicator | Order | Report | UnitScores | Watermark
MAX_STATE_BYTES = 1024 * 1024  # an alert's or a case's whole state: what its topic takes

_encoder = msgspec.json.Encoder()
_action = msgspec.json.Decoder(Action)
_alert = msgspec.json.Decoder(Alert)
_anomaly = msgspec.json.Decoder(Anomaly)
_feedback = msgspec.json.Decoder(Feedback)
_indicator = msgspec.json.Decoder(Indicator)
_order = msgspec.json.Decoder(Order)
_unit_scores = msgspec.json.Decoder(UnitScores)


def encode(event: Event) -> bytes:
    """Return the JSON of one event."""
    return _encoder.encode(event)


def decode_indicator(raw: bytes) -> Indicator:
    """Decode a record of ``vitals.indicators``; ``RefusedError``: ``too_large``, ``undecodable`` or ``schema``."""
    return decode_one(_indicator, raw)


def decode_unit_scores(raw: bytes) -> UnitScores:
    """Decode a record of ``vitals.unit-scores``; refuses as ``decode_indicator``."""
    return decode_one(_unit_scores, raw)


def decode_anomaly(raw: bytes) -> Anomaly:
    """Decode a record of ``vitals.anomalies``; refuses as ``decode_indicator``."""
    return decode_one(_anomaly, raw)


def decode_alert(raw: bytes) -> Alert:
    """Decode a record of ``vitals.alerts``, which grows with its subjects; refuses as ``decode_indicator``."""
    return decode_one(_alert, raw, MAX_STATE_BYTES)


def decode_order(raw: bytes) -> Order:
    """Decode a record of ``vitals.orders``, which grows with its steps; refuses as ``decode_indicator``."""
    return decode_one(_order, raw, MAX_STATE_BYTES)


def decode_feedback(raw: bytes) -> tuple[Feedback, int]:
    """Decode a record of ``vitals.feedback``; returns it with its time in ns.

    Raises
    ------
    RefusedError
        ``too_large``, ``undecodable``, or ``bad_feedback`` for JSON that is no feedback.
    """
    feedback = decode_one(_feedback, raw, MAX_EVENT_BYTES, Reason.BAD_FEEDBACK)
    return feedback, _time(feedback.time, "time", Reason.BAD_FEEDBACK)


def decode_action(raw: bytes) -> tuple[Action, int]:
    """Decode a record of ``vitals.actions``; returns it with its time in ns.

    Raises
    ------
    RefusedError
        ``too_large``, ``undecodable``, or ``bad_action`` for JSON that is no action, or says on what it acts neither
        by ``alert_id`` nor by ``matcher``.
    """
    action = decode_one(_action, raw, MAX_EVENT_BYTES, Reason.BAD_ACTION)
    if action.alert_id is None and action.matcher is None:
        raise RefusedError(Reason.BAD_ACTION, "alert_id or matcher must be given")
    if action.until is not None:
        _time(action.until, "until", Reason.BAD_ACTION)
    return action, _time(action.time, "time", Reason.BAD_ACTION)


def _time(text: str, name: str, reason: Reason) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise RefusedError(reason, f"{name}: {error}") from error
