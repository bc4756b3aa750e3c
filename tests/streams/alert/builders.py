"""Records as sense, people and the ticker write them, on a time line that begins at ``T0``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from schemas import channels
from schemas.actions import Action, Matcher
from schemas.alerts import Alert
from schemas.anomalies import Anomaly, Evidence, Phase
from schemas.envelope import PROVISIONAL, tick_headers
from schemas.ids import Mode
from schemas.signs import Indicator, UnitScores
from schemas.times import SECOND_NS, format_time
from streams.alert.partition import AlertPartition
from streams.catalogue.files import load_catalogue
from streams.delivery.records import Effect, Record
from streams.delivery.watermarks import WATERMARK_HEADERS, encode_watermark
from streams.pace import Pace

T0 = 1_767_225_600 * SECOND_NS
UNIT = "hp.nanjing-east.g03.nanjing-building"
OTHER_UNIT = "hp.nanjing-east.g03.shops"
CATALOGUE = load_catalogue()
# The same with delays, and with two scenarios of which one mutes the other.
DELAYED = CATALOGUE.model_copy(
    update={
        "scenarios": {
            "lift-fault": CATALOGUE.scenarios["lift-fault"].model_copy(update={"off_delay_s": 30.0}),
            "gas-leak": CATALOGUE.scenarios["gas-leak"].model_copy(update={"on_delay_s": 20.0}),
            "power-fault": CATALOGUE.scenarios["gas-leak"].model_copy(update={"id": "power-fault"}),
            "sensor-fault": CATALOGUE.scenarios["lift-fault"].model_copy(update={"id": "sensor-fault"}),
        }
    }
)
DISORDER_NS = 2 * SECOND_NS
FAR = 100_000.0  # seconds: past every clock of a test


def at(seconds: float) -> int:
    """Return the event time ``seconds`` after ``T0``, in ns."""
    return T0 + round(seconds * SECOND_NS)


def when(seconds: float) -> str:
    """Return the same as text."""
    return format_time(at(seconds))


def partition(**given: Any) -> AlertPartition:
    """Return an empty partition 2 whose sense stage has two partitions."""
    whole = {"catalogue": CATALOGUE, "pace": Pace(), "units": {}, "sense_partitions": 2, **given}
    return AlertPartition(partition=2, disorder_ns=DISORDER_NS, **whole)


def anomaly(
    seconds: float,
    phase: Phase = "onset",
    *,
    name: str = "a1",
    subject: str = "lift-1",
    scenario: str | None = "lift-fault",
    score: float = 3.0,
    quality: float = 0.9,
    mode: Mode = "actual",
    quantity: str | None = "lift_fault",
    unit_id: str = UNIT,
) -> Anomaly:
    """Return one phase of an anomaly, with one reading of its own as evidence."""
    evidence = Evidence(
        topic=channels.READINGS, partition=1, offset=round(seconds), name=f"{subject}/{quantity}", time=when(seconds)
    )
    return Anomaly(
        id=name,
        phase=phase,
        unit_id=unit_id,
        subject=subject,
        kind="range",
        onset=when(seconds),
        time=when(seconds),
        score=score,
        quality=quality,
        detector="level",
        detector_version=1,
        mode=mode,
        quantity=quantity,
        scenario=scenario,
        value=score,
        evidence=(evidence,),
    )


def action(seconds: float, what: str = "acknowledge", **given: Any) -> Action:
    """Return what Ms Li did."""
    given = {"district": "hp", "by": "li", **given}
    return msgspec.convert({"action": what, "time": when(seconds), **given}, Action)


def on_unit(unit_id: str = UNIT, **given: Any) -> Matcher:
    """Return a matcher of a unit or a tier."""
    return Matcher(unit_id=unit_id, **given)


def scores(seconds: float, unit_id: str = UNIT, revision: int = 0, **domains: float) -> UnitScores:
    """Return a unit's scores of the minute that begins at ``seconds``."""
    return msgspec.convert(
        {
            "unit_id": unit_id,
            "mode": "actual",
            "window_start": when(seconds),
            "window_s": 60.0,
            "scores": domains,
            "coverage": 0.5,
            "revision": revision,
        },
        UnitScores,
    )


def record(event: Anomaly | Action | UnitScores, offset: int = 0, *, append_ns: int | None = None) -> Record:
    """Return the record of an event on its topic."""
    topics = {Anomaly: channels.ANOMALIES, Action: channels.ACTIONS, UnitScores: channels.UNIT_SCORES}
    return Record(
        topic=topics[type(event)],
        partition=2,
        offset=offset,
        append_ns=at(FAR) if append_ns is None else append_ns,
        key=b"hp",
        value=msgspec.json.encode(event),
    )


def mark(topic: str, source_partition: int, seconds: float, offset: int = 0) -> Record:
    """Return an in-band watermark of one sense partition."""
    return Record(
        topic=topic,
        partition=2,
        offset=offset,
        append_ns=at(seconds),
        key=None,
        value=encode_watermark(source_partition, at(seconds)),
        headers=dict(WATERMARK_HEADERS),
    )


def tick(seconds: float, offset: int = 0) -> Record:
    """Return a tick on the actions' topic, after which its watermark is at ``seconds``."""
    now = at(seconds) + DISORDER_NS
    return Record(
        topic=channels.ACTIONS,
        partition=2,
        offset=offset,
        append_ns=now,
        key=None,
        value=b"",
        headers=dict(tick_headers(now)),
    )


def until(seconds: float) -> list[Record]:
    """Return what moves the watermark to ``seconds``."""
    marks = [mark(topic, source, seconds) for topic in (channels.ANOMALIES, channels.UNIT_SCORES) for source in (0, 1)]
    return [*marks, tick(seconds)]


def is_settled(effect: Effect) -> bool:
    """Whether an effect is a settled version of an alert."""
    return effect.topic == channels.ALERTS and effect.key is not None and (PROVISIONAL, b"true") not in effect.headers


def settled(effects: Iterable[Effect]) -> list[Alert]:
    """Return the settled alerts among effects."""
    return [msgspec.json.decode(effect.value, type=Alert) for effect in effects if is_settled(effect)]


def provisional(effects: Iterable[Effect]) -> list[Alert]:
    """Return the provisional raises among effects."""
    return [
        msgspec.json.decode(effect.value, type=Alert) for effect in effects if (PROVISIONAL, b"true") in effect.headers
    ]


def indicators(effects: Iterable[Effect]) -> list[Indicator]:
    """Return the indicators among effects."""
    return [
        msgspec.json.decode(effect.value, type=Indicator) for effect in effects if effect.topic == channels.INDICATORS
    ]


def reasons(effects: Iterable[Effect]) -> list[str]:
    """Return the reasons of the dead letters among effects."""
    return [dict(effect.headers)["dl_reason"].decode() for effect in effects if effect.topic == channels.DEAD_LETTERS]
