"""What a record of the alert stage's sources is: decoded and checked, or refused with one of our words."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas import channels
from schemas.actions import Action
from schemas.anomalies import Anomaly
from schemas.bounded import decode_one
from schemas.envelope import read_envelope
from schemas.refusals import Reason, RefusedError
from schemas.signs import UnitScores
from schemas.times import parse_time
from schemas.watermarks import Watermark
from streams.alert.actions import check_action
from streams.delivery.records import Record
from streams.delivery.watermarks import decode_watermark, is_watermark

_anomalies = msgspec.json.Decoder(Anomaly)
_scores = msgspec.json.Decoder(UnitScores)
_actions = msgspec.json.Decoder(Action)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has come to ``time_ns`` on the actions' topic."""

    time_ns: int


def read_record(record: Record, sense_partitions: int) -> Anomaly | UnitScores | Watermark | Action | Tick:
    """Return what a record carries.

    Raises
    ------
    RefusedError
        It is not what its topic carries.
    """
    if record.topic == channels.ACTIONS:
        return _read_action(record)
    if is_watermark(record.headers):
        return _read_watermark(record, sense_partitions)
    if record.topic == channels.ANOMALIES:
        anomaly = decode_one(_anomalies, record.value)
        _check_times(anomaly.time, anomaly.onset)
        return anomaly
    scores = decode_one(_scores, record.value)
    _check_times(scores.window_start)
    return scores


def _read_action(record: Record) -> Action | Tick:
    envelope = read_envelope(record.headers)
    if envelope.is_tick and not record.value:
        if envelope.time_ns is None:
            raise RefusedError(Reason.SCHEMA, "a tick needs the header ce_time")
        return Tick(envelope.time_ns)
    action = decode_one(_actions, record.value, invalid=Reason.BAD_ACTION)
    check_action(action, record.key)
    return action


def _read_watermark(record: Record, sense_partitions: int) -> Watermark:
    mark = decode_watermark(record.value)
    if not 0 <= mark.source_partition < sense_partitions:
        raise RefusedError(Reason.SCHEMA, f"source_partition must be 0 to {sense_partitions - 1}")
    return mark


def _check_times(*times: str) -> None:
    try:
        for time in times:
            parse_time(time)
    except ValueError as error:
        raise RefusedError(Reason.SCHEMA, str(error)) from error
