"""What people say, checked and made ready to send: actions on alerts, feedback on orders.

A word about something that the console has never seen is refused here, where a person can still read why; what else
does not fit the state of an alert or a case, its stage refuses.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from schemas import channels
from schemas.actions import Action
from schemas.envelope import gateway_urn, write_envelope
from schemas.feedback import Feedback
from schemas.ids import Mode, district_of, short_id
from schemas.refusals import RefusedError
from schemas.times import SECOND_NS, format_time, parse_time
from streams.alert.actions import check_action
from streams.console.auth import Identity
from streams.console.live import Live
from streams.console.problems import Problem
from streams.delivery.records import Effect
from streams.topics import partition_for, partitions_of

SOURCE = gateway_urn("console")
AHEAD_NS = 60 * SECOND_NS  # how far a client's clock may be ahead
NOT_PEOPLE = ("sensor", "system")  # only what a sensor has shown may stand as verified by it
T = TypeVar("T", Action, Feedback)


def action_effect(raw: bytes, live: Live, identity: Identity, now_ns: int) -> Effect:
    """Return the record of an action; ``time``, ``by`` and, with an ``alert_id``, ``district`` need not be given.

    Raises
    ------
    Problem
        400, 404, 422 or 503, with a sentence.
    """
    body = _body(raw, now_ns, identity)
    alert_id = body.get("alert_id")
    mode: Mode = "actual"
    if alert_id is not None:
        alert = live.alerts.get(alert_id) if isinstance(alert_id, str) else None
        if alert is None:
            raise _unknown(live, f"No alert {str(alert_id)[:64]!r} is known.")
        body.setdefault("district", district_of(alert.unit_id))
        if body["district"] != district_of(alert.unit_id):
            raise _wrong(f"Alert {alert_id} is not of district {str(body['district'])[:64]!r}.")
        mode = alert.mode
    action = _typed(body, Action)
    try:
        check_action(action, action.district.encode())
    except RefusedError as error:
        raise _wrong(error.detail) from error
    if action.until is not None and _time(action.until, "until") <= _time(action.time, "time"):
        raise _wrong("until must be later than time.")
    return _effect(channels.ACTIONS, action.district, action, mode, now_ns)


def feedback_effect(raw: bytes, live: Live, identity: Identity, now_ns: int) -> Effect:
    """Return the record of a feedback; ``time``, ``by`` and ``unit_id`` need not be given.

    Raises
    ------
    Problem
        400, 404, 422 or 503, with a sentence.
    """
    body = _body(raw, now_ns, identity)
    order_id = str(body.get("order_id", ""))
    case = live.cases.get(order_id.rpartition("-")[0])
    if case is None:
        raise _unknown(live, f"No order {order_id[:64]!r} is known.")
    body.setdefault("unit_id", case.unit_id)
    feedback = _typed(body, Feedback)
    if feedback.unit_id != case.unit_id:
        raise _wrong(f"Order {feedback.order_id} is not of unit {feedback.unit_id}.")
    return _effect(channels.FEEDBACK, district_of(feedback.unit_id), feedback, case.mode, now_ns)


def _body(raw: bytes, now_ns: int, identity: Identity) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The body must be a JSON object: {error}") from error
    body.setdefault("time", format_time(now_ns))
    body.setdefault("by", identity.role)
    if body["by"] in NOT_PEOPLE:
        raise _wrong(f"by must name a person or a team, not {body['by']!r}.")
    return body


def _typed(body: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error


def _effect(topic: str, district: str, word: Action | Feedback, mode: Mode, now_ns: int) -> Effect:
    time_ns = _time(word.time, "time")
    if time_ns > now_ns + AHEAD_NS:
        raise _wrong(f"time {word.time} lies in the future.")
    value = msgspec.json.encode(word)
    headers = write_envelope(
        id=short_id(value.decode()), source=SOURCE, type=channels.EVENT_TYPES[topic], time_ns=time_ns, mode=mode
    )
    key = district.encode()
    return Effect(
        topic=topic, key=key, value=value, headers=headers, partition=partition_for(key, partitions_of(topic))
    )


def _time(text: str, field: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise _wrong(f"{field}: {error}") from error


def _wrong(detail: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _unknown(live: Live, detail: str) -> Problem:
    if not live.caught_up:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The console is still reading the log; try again in a moment.")
    return Problem(HTTPStatus.NOT_FOUND, detail)
